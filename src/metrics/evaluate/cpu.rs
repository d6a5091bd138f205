//! Measures of the CPU and the pauses of instances.

use super::estimate::{Estimated, undecided};
use super::server::TOO_MANY;
use super::{Ask, exact};
use crate::metrics::server::ServerLoad;
use crate::scenario::measure::Measure;

impl Ask<'_> {
    /// What the servers in scope did in the phase.
    pub(super) fn cpu(&self) -> Estimated {
        let scope = self.measure.scope;
        if scope.client.is_some() || scope.edge.is_some() {
            return undecided("servers are not counted by client or call");
        }
        let table = &self.run.tables.servers;
        if table.is_empty() {
            return undecided("no instance of this scenario has cores or pauses");
        }
        let (classes, is_whole) = self.classes()?;
        let mut sum = ServerLoad::default();
        for instance in self.instances_in_scope() {
            let Some(load) = table.load(instance, &classes, is_whole) else {
                return undecided(TOO_MANY);
            };
            sum.add(&load);
        }
        match self.measure.measure {
            Measure::CpuUtilization if scope.class.is_some() => {
                let available_ns = sum.cpu_available_ns;
                let used_ns = self.class_cpu_ns(&classes, is_whole)?;
                exact(
                    (0.0 < available_ns).then(|| used_ns / available_ns),
                    "no instance in scope has a limited CPU",
                )
            }
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

    /// CPU time of the class in scope, in nanoseconds.
    fn class_cpu_ns(&self, phases: &[u16], is_whole: bool) -> Result<f64, String> {
        let class = self.measure.scope.class.expect("a class is in scope");
        let table = self.run.tables.class_cpu.as_ref();
        let table = table.ok_or("the CPU time of classes is kept for expectations only")?;
        let of_instance = |instance| table.cpu_ns(instance, class, phases, is_whole);
        let sum: Option<f64> = self.instances_in_scope().map(of_instance).sum();
        sum.ok_or_else(|| TOO_MANY.to_string())
    }
}
