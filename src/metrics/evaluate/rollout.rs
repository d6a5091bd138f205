//! What rolling restarts did.

use super::estimate::{Estimate, Estimated, undecided};
use super::server::balance_of;
use super::{Ask, exact};
use crate::metrics::data::fault::RolloutMetrics;
use crate::scenario::measure::{Measure, Phase};

impl Ask<'_> {
    /// A measure of a rolling restart.
    pub(super) fn rollout(&self) -> Estimated {
        let Phase::Of(fault) = self.measure.phase else {
            return undecided("this is a measure of a rolling restart");
        };
        let Some(rollout) = &self.run.faults[fault.index()].rollout else {
            return undecided("the fault is no rolling restart");
        };
        match self.measure.measure {
            Measure::ReplacedCount => Ok(Estimate::exact(rollout.replaced_count as f64)),
            Measure::FailedPerReplaced => {
                exact(rollout.failed_per_replaced(), "no instance was replaced")
            }
            Measure::ExtraMovedKeyRatio => self.extra_moves(rollout),
            Measure::LoadOneMinuteAfter => self.later_load(rollout, 1),
            _ => self.later_load(rollout, 10),
        }
    }

    fn extra_moves(&self, rollout: &RolloutMetrics) -> Estimated {
        let is_in_scope = |path: &String| {
            let mut edges = self.edges_in_scope();
            edges.any(|edge| self.scenario.edges[edge.index()].path == *path)
        };
        let moves = rollout.moves.iter().find(|moves| is_in_scope(&moves.edge));
        match moves {
            None => undecided("no call in scope balances by key over the instances"),
            Some(moves) => exact(
                moves.extra_moved_key_ratio(),
                "the lists changed too often to build every ring",
            ),
        }
    }

    fn later_load(&self, rollout: &RolloutMetrics, minutes: u64) -> Estimated {
        let scope = self.measure.scope.service;
        let name = scope.map(|service| &self.scenario.services[service.index()].name);
        let is_meant = |load: &&crate::metrics::data::fault::LaterLoad| {
            load.minutes_after == minutes && name.is_none_or(|name| *name == load.service)
        };
        let loads: Vec<_> = rollout.loads.iter().filter(is_meant).collect();
        match loads[..] {
            [] => undecided("the run ends before that minute is over"),
            [load] => {
                let counts: Vec<f64> = load.attempt_counts.iter().map(|n| *n as f64).collect();
                balance_of(&counts, self.measure.statistic)
            }
            _ => undecided("name one service: `{service=NAME}`"),
        }
    }
}
