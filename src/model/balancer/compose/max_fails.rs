//! `max_fails` and `fail_timeout` of nginx.

use std::collections::BTreeMap;

use super::health::Change;
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::balancer::weighted::effective::is_failure;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::wrappers::MaxFailsConfig;
use crate::time::SimTime;

/// Before any second that a run has: nginx counts from 1970.
const LONG_AGO: i64 = i64::MIN / 2;

/// What nginx remembers of the failures of one peer, in whole seconds of its clock.
///
/// Source: `ngx_http_upstream_round_robin.c` (nginx 1.22 to 1.31). Failures add up until a success
/// that was picked in a later window; nothing decays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fails {
    count: u32,
    accessed: i64,
    checked: i64,
}

impl Fails {
    /// A peer that never failed.
    pub const NONE: Fails = Fails {
        count: 0,
        accessed: LONG_AGO,
        checked: LONG_AGO,
    };

    /// Whether it has failed often enough to be off, or to be probed.
    pub fn is_marked(&self, config: &MaxFailsConfig) -> bool {
        0 < config.fail_count_max && config.fail_count_max <= self.count
    }

    /// Whether picks pass it over.
    pub fn is_off(&self, config: &MaxFailsConfig, now: i64) -> bool {
        self.is_marked(config) && now - self.checked <= i64::from(config.fail_timeout_secs)
    }

    /// It was picked: after its time off that opens a new window, and others pass it over until
    /// this probe ends.
    pub fn on_picked(&mut self, config: &MaxFailsConfig, now: i64) {
        if i64::from(config.fail_timeout_secs) < now - self.checked {
            self.checked = now;
        }
    }

    /// An attempt at it failed.
    pub fn on_failure(&mut self, now: i64) {
        self.count = self.count.saturating_add(1);
        self.accessed = now;
        self.checked = now;
    }

    /// An attempt at it ended otherwise. It counts only in a window after the last failure.
    pub fn on_success(&mut self) {
        if self.accessed < self.checked {
            self.count = 0;
        }
    }
}

/// The peers of one caller.
#[derive(Debug)]
pub struct MaxFails {
    config: MaxFailsConfig,
    peers: BTreeMap<InstanceId, Fails>,
    has_backup: bool,
    /// The only peer is never turned off.
    is_single: bool,
}

impl MaxFails {
    /// Nobody has failed. `has_backup`: a single peer is one only without a backup.
    pub fn new(config: MaxFailsConfig, has_backup: bool) -> Self {
        MaxFails {
            config,
            peers: BTreeMap::new(),
            has_backup,
            is_single: false,
        }
    }

    /// Takes over a list. Failures of peers that stay are kept.
    pub fn on_view(&mut self, view: &ViewSnapshot) {
        self.is_single = view.members.len() == 1 && !self.has_backup;
        self.peers
            .retain(|instance, _| view.position(*instance).is_some());
    }

    /// Whether picks may take it.
    pub fn is_usable(&self, now: SimTime, instance: InstanceId) -> bool {
        let fails = self.peers.get(&instance);
        self.is_single || fails.is_none_or(|fails| !fails.is_off(&self.config, secs(now)))
    }

    /// Whether anything is off or waits for its probe.
    pub fn has_marked(&self) -> bool {
        !self.is_single && self.peers.values().any(|f| f.is_marked(&self.config))
    }

    /// It was picked.
    pub fn on_picked(&mut self, now: SimTime, instance: InstanceId) {
        if !self.is_single {
            let fails = self.peers.entry(instance).or_insert(Fails::NONE);
            fails.on_picked(&self.config, secs(now));
        }
    }

    /// An attempt ended.
    pub fn on_outcome(&mut self, end: &AttemptEnd, changes: &mut Vec<Change>) {
        let Some(fails) = self.peers.get_mut(&end.instance) else {
            return;
        };
        if self.is_single {
            fails.count = 0;
            return;
        }
        let was_marked = fails.is_marked(&self.config);
        if is_failure(end, self.config.failures()) {
            fails.on_failure(secs(end.ended_at));
        } else {
            fails.on_success();
        }
        let is_marked = fails.is_marked(&self.config);
        if was_marked != is_marked {
            changes.push(Change {
                instance: end.instance,
                is_ejected: is_marked,
            });
        }
    }
}

/// The second of nginx's clock. Clocks of all callers change second at the same time, as those of
/// hosts do that follow one clock.
pub fn secs(now: SimTime) -> i64 {
    let secs = now.as_ns() / 1_000_000_000;
    i64::try_from(secs).expect("2^64 nanoseconds are fewer than 2^63 seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: MaxFailsConfig = MaxFailsConfig {
        fail_count_max: 1,
        fail_timeout_secs: 10,
        counts_errors: false,
    };

    #[test]
    fn a_failure_at_zero_ends_with_a_probe_after_eleven_seconds() {
        // real-systems.md F: fail at t = 0 s, max_fails 1 -> first eligible at t = 11 s.
        let mut fails = Fails::NONE;
        fails.on_failure(0);
        assert!(fails.is_off(&CONFIG, 10));
        assert!(!fails.is_off(&CONFIG, 11));
        fails.on_picked(&CONFIG, 11);
        assert!(fails.is_off(&CONFIG, 11), "there is one probe at a time");
        fails.on_success();
        assert!(!fails.is_off(&CONFIG, 11));
    }

    #[test]
    fn failures_nine_seconds_apart_add_up_in_spite_of_successes() {
        // real-systems.md B1, "What this really does", 1.
        let config = MaxFailsConfig {
            fail_count_max: 3,
            ..CONFIG
        };
        let mut fails = Fails::NONE;
        for now in 0..=18 {
            fails.on_picked(&config, now);
            if now % 9 == 0 {
                fails.on_failure(now);
            } else {
                fails.on_success();
            }
            assert_eq!(fails.is_off(&config, now), now == 18);
        }
    }

    #[test]
    fn zero_never_turns_off() {
        let config = MaxFailsConfig {
            fail_count_max: 0,
            ..CONFIG
        };
        let mut fails = Fails::NONE;
        fails.on_failure(3);
        assert!(!fails.is_off(&config, 3));
    }
}
