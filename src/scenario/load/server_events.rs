//! Events that servers cause by themselves.

use crate::scenario::Scenario;
use crate::scenario::service::GroupConfig;

/// Events of one period of a CPU quota: it is used up, and full again.
const QUOTA_EVENTS: f64 = 2.0;
/// Events of one pause: it begins, and ends.
const PAUSE_EVENTS: f64 = 2.0;

/// Events of all quotas and pauses over this time, at most.
pub fn estimate(scenario: &Scenario, secs: f64) -> f64 {
    let of_group = |group: &GroupConfig| {
        let service = &scenario.services[group.service.index()];
        let quota = group.cpu.and_then(|cpu| cpu.quota);
        let quotas = quota.map_or(0.0, |quota| QUOTA_EVENTS / quota.period.as_secs_f64());
        let pauses = service.pauses.as_ref().map_or(0.0, |pauses| {
            let cycle_secs = pauses.every.mean_secs() + pauses.duration.mean_secs();
            PAUSE_EVENTS / cycle_secs.max(1e-9)
        });
        f64::from(group.count + group.count_spare) * (quotas + pauses) * secs
    };
    scenario.groups.iter().map(of_group).sum()
}
