//! Measures of the CPU and the pauses of instances.

use super::estimate::{Estimated, undecided};
use super::{Ask, exact};
use crate::id::InstanceId;
use crate::metrics::server::ServerLoad;
use crate::scenario::measure::Measure;

impl Ask<'_> {
    /// What the servers in scope did in the phase.
    pub(super) fn cpu(&self) -> Estimated {
        let (scope, topology) = (self.measure.scope, &self.scenario.topology);
        if scope.client.is_some() || scope.edge.is_some() {
            return undecided("servers are not counted by client or call");
        }
        let table = &self.run.tables.servers;
        if table.is_empty() {
            return undecided("no instance of this scenario has cores or pauses");
        }
        let (classes, is_whole) = self.classes()?;
        let is_in_scope = |index: &u32| {
            let instance = InstanceId(*index);
            let group = &self.scenario.groups[topology.group_of(instance).index()];
            scope.instance.is_none_or(|i| i == instance)
                && scope.service.is_none_or(|s| s == group.service)
                && scope.zone.is_none_or(|z| z == group.zone)
        };
        let mut sum = ServerLoad::default();
        for instance in (0..topology.instance_count()).filter(is_in_scope) {
            let Some(load) = table.load(instance, &classes, is_whole) else {
                return undecided("there are too many instances to keep them by phase");
            };
            sum.add(&load);
        }
        match self.measure.measure {
            Measure::CpuUtilization => exact(
                sum.cpu_utilization_ratio(),
                "no instance in scope has a limited CPU",
            ),
            Measure::ThrottledRatio => exact(
                sum.throttled_ratio(),
                "no instance in scope has a limited CPU",
            ),
            _ => exact(sum.pause_ratio(), "no instance in scope was up"),
        }
    }
}
