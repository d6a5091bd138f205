//! How long instances take to carry their share again after a fault.
//!
//! From the end of the first window of a fault on, the attempts of each edge to its victims are
//! counted in windows, until five in a row have the share that the victims had before the fault.

use super::data::fault::ShareReturn;
use super::selection::SelectionTable;
use crate::id::{EdgeId, FaultId, InstanceId, NodeId};
use crate::scenario::Scenario;
use crate::scenario::fault::FaultKind;
use crate::time::{SimDuration, SimTime};

/// Windows in a row that must have the share.
const WINDOW_COUNT_IN_ROW: u64 = 5;

/// Attempts to the victims that must be expected in a window on average.
const EXPECTED_COUNT_MIN: f64 = 5.0;

/// Standard errors of a binomial count that may be missing.
const ERROR_COUNT_MAX: f64 = 4.0;

/// Attempts in one window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    total_count: u64,
    victim_count: u64,
}

/// One edge to the victims of the first window of one fault.
#[derive(Clone, Debug)]
struct Watch {
    fault: FaultId,
    edge: EdgeId,
    /// In order.
    victims: Vec<u32>,
    /// Their share of the attempts until the fault; None where there were none.
    share: Option<f64>,
    /// When the window of the fault ended.
    start: Option<SimTime>,
    width: SimDuration,
    /// The window that is open, and what it has.
    number: u64,
    open: Window,
    /// Attempts since the start.
    attempt_count: u64,
    row_count: u64,
    /// The first window of enough in a row.
    returned: Option<u64>,
}

/// All watches of a run.
#[derive(Clone, Debug, Default)]
pub struct ShareReturnTable {
    watches: Vec<Watch>,
    /// Places of those that still wait for their share.
    active: Vec<usize>,
}

/// Whether instances carry less while such a fault lasts, and all of it is over at its end.
fn is_followed(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Crash
            | FaultKind::HostLoss
            | FaultKind::Pause
            | FaultKind::GcPause
            | FaultKind::Flapping(_)
            | FaultKind::Slow { .. }
            | FaultKind::Error { .. }
    )
}

impl ShareReturnTable {
    /// A window of a fault begins; `selection` has the attempts so far.
    pub fn begin(
        &mut self,
        fault: FaultId,
        targets: &[NodeId],
        (selection, scenario): (&SelectionTable, &Scenario),
    ) {
        let ShareReturnTable { watches, active } = self;
        // Another window of it ends the wait.
        active.retain(|place| watches[*place].fault != fault);
        let is_known = watches.iter().any(|watch| watch.fault == fault);
        if is_known || !is_followed(&scenario.faults[fault.index()].kind) {
            return;
        }
        for (index, edge) in scenario.edges.iter().enumerate() {
            let instances = scenario.topology.service_instances(edge.to);
            let own = targets.iter().map(|node| node.0);
            let mut victims: Vec<u32> = own.filter(|node| instances.contains(node)).collect();
            victims.sort_unstable();
            if victims.is_empty() {
                continue;
            }
            let edge = EdgeId::from_index(index);
            let before = Window {
                total_count: selection.attempt_count(edge, instances),
                victim_count: victims
                    .iter()
                    .map(|victim| selection.attempt_count(edge, *victim..*victim + 1))
                    .sum(),
            };
            watches.push(Watch {
                fault,
                edge,
                victims,
                share: before.share(),
                start: None,
                width: scenario.window,
                number: 0,
                open: Window::default(),
                attempt_count: 0,
                row_count: 0,
                returned: None,
            });
        }
    }

    /// A window of a fault ends.
    pub fn end(&mut self, at: SimTime, fault: FaultId, targets: &[NodeId]) {
        for (place, watch) in self.watches.iter_mut().enumerate() {
            let is_hit = || targets.iter().any(|node| node.0 == watch.victims[0]);
            if watch.fault == fault && watch.start.is_none() && is_hit() {
                watch.start = Some(at);
                self.active.push(place);
            }
        }
    }

    /// A caller of an edge sent an attempt to an instance.
    #[inline]
    pub fn send(&mut self, at: SimTime, edge: EdgeId, instance: InstanceId) {
        if !self.active.is_empty() {
            self.count(at, edge, instance);
        }
    }

    fn count(&mut self, at: SimTime, edge: EdgeId, instance: InstanceId) {
        let ShareReturnTable { watches, active } = self;
        active.retain(|place| {
            let watch = &mut watches[*place];
            if watch.edge == edge {
                watch.count(at, instance);
            }
            watch.returned.is_none()
        });
    }

    /// What became of the share of the victims, for every edge to them.
    pub fn of_fault(&self, fault: FaultId, scenario: &Scenario) -> Vec<ShareReturn> {
        let own = self.watches.iter().filter(|watch| watch.fault == fault);
        own.filter_map(|watch| watch.result(scenario)).collect()
    }
}

impl Window {
    fn share(self) -> Option<f64> {
        let total = self.total_count as f64;
        (0 < self.total_count).then(|| self.victim_count as f64 / total)
    }

    /// Whether the victims had their share, less four binomial standard errors and one attempt.
    fn has_share(self, share: f64) -> bool {
        let expected = self.total_count as f64 * share;
        let slack = ERROR_COUNT_MAX * (expected * (1.0 - share)).sqrt() + 1.0;
        0 < self.total_count && expected - slack <= self.victim_count as f64
    }
}

impl Watch {
    fn count(&mut self, at: SimTime, instance: InstanceId) {
        let start = self.start.expect("it is over");
        let number = at.since(start).as_ns() / self.width.as_ns();
        if self.number < number {
            self.close();
            if self.returned.is_some() {
                return;
            }
            // A window without attempts has nobody's share.
            self.row_count *= u64::from(self.number + 1 == number);
            (self.number, self.open) = (number, Window::default());
        }
        self.attempt_count += 1;
        self.open.total_count += 1;
        self.open.victim_count += u64::from(self.victims.binary_search(&instance.0).is_ok());
    }

    fn close(&mut self) {
        let has_share = self.share.is_some_and(|share| self.open.has_share(share));
        self.row_count = if has_share { self.row_count + 1 } else { 0 };
        if self.row_count == WINDOW_COUNT_IN_ROW {
            self.returned = Some(self.number + 1 - WINDOW_COUNT_IN_ROW);
        }
    }

    fn result(&self, scenario: &Scenario) -> Option<ShareReturn> {
        self.start?;
        let per_window = self.attempt_count as f64 / (self.number + 1) as f64;
        let expected = self.share.map(|share| share * per_window);
        let window_secs = self.width.as_secs_f64();
        Some(ShareReturn {
            edge: scenario.edges[self.edge.index()].path.clone(),
            has_enough_attempts: expected.is_some_and(|count| EXPECTED_COUNT_MIN <= count),
            share_before_ratio: self.share,
            returned_after_secs: self.returned.map(|number| number as f64 * window_secs),
            window_secs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_there_within_four_standard_errors_and_one_attempt() {
        // 100 attempts of a share of a fifth: 20 with a standard error of 4, so 3 are enough.
        for (victim_count, is_enough) in [(20, true), (90, true), (3, true), (2, false)] {
            let window = Window {
                total_count: 100,
                victim_count,
            };
            assert_eq!(window.has_share(0.2), is_enough, "{victim_count}");
        }
        assert!(!Window::default().has_share(0.2));
    }
}
