//! How long picks take to follow a change of weights.
//!
//! From the start of a fault that changes weights on, the picks of each edge over its instances are
//! counted in windows. Weights are those of the last list that a caller of the edge got before the
//! end of the fault's first window.

use std::sync::Arc;

use super::data::fault::SelectionConvergence;
use crate::id::{EdgeId, FaultId, InstanceId, NodeId};
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::scenario::fault::FaultKind;
use crate::scenario::series::{WINDOW_COUNT_MAX, doubled_width};
use crate::time::{SimDuration, SimTime};

/// Counters of all watches together.
const ENTRY_COUNT_MAX: u64 = 1 << 22;

/// Windows in a row that must follow the weights.
const WINDOW_COUNT_IN_ROW: usize = 5;

/// Picks that every instance with a weight must be expected to get in a window on average.
const EXPECTED_COUNT_MIN: f64 = 5.0;

/// Standard errors of a binomial count that it may be off.
const ERROR_COUNT_MAX: f64 = 4.0;

/// One edge from the start of one fault to the end of its first window.
#[derive(Clone, Debug)]
struct Watch {
    fault: FaultId,
    edge: EdgeId,
    start: SimTime,
    end: SimTime,
    width: SimDuration,
    /// The instances that are called; they are the first nodes, in the same order.
    instances: std::ops::Range<u32>,
    /// The fault acts on one of them.
    is_hit: bool,
    /// The last list before `end`.
    view: Option<Arc<ViewSnapshot>>,
    /// By window, then instance; empty before the first pick.
    counts: Vec<u32>,
}

/// All watches of a run.
#[derive(Clone, Debug, Default)]
pub struct ConvergenceTable {
    watches: Vec<Watch>,
}

impl ConvergenceTable {
    /// Watches every edge after every change of weights; `windows` are the first windows of the
    /// faults.
    pub fn new(scenario: &Scenario, windows: &[Option<(SimTime, SimTime)>]) -> Self {
        let mut watches = Vec::new();
        for (place, (fault, window)) in scenario.faults.iter().zip(windows).enumerate() {
            let (FaultKind::WeightChange { .. }, Some((start, end))) = (&fault.kind, window) else {
                continue;
            };
            for (edge, config) in scenario.edges.iter().enumerate() {
                watches.push(Watch {
                    fault: FaultId::from_index(place),
                    edge: EdgeId::from_index(edge),
                    start: *start,
                    end: *end,
                    width: scenario.window,
                    instances: scenario.topology.service_instances(config.to),
                    is_hit: false,
                    view: None,
                    counts: Vec::new(),
                });
            }
        }
        let share = ENTRY_COUNT_MAX / watches.len().max(1) as u64;
        for watch in &mut watches {
            let count_max = share / watch.instances.len().max(1) as u64;
            let count_max = count_max.clamp(1, WINDOW_COUNT_MAX);
            let length = watch.end.since(watch.start);
            (watch.width, _) = doubled_width(watch.width, length, count_max);
        }
        ConvergenceTable { watches }
    }

    /// A fault acts on these nodes.
    pub fn hit(&mut self, fault: FaultId, targets: &[NodeId]) {
        for watch in self.watches.iter_mut().filter(|w| w.fault == fault) {
            watch.is_hit |= targets.iter().any(|node| watch.instances.contains(&node.0));
        }
    }

    /// A caller of an edge balances over other candidates.
    pub fn hold(&mut self, at: SimTime, edge: EdgeId, view: &Arc<ViewSnapshot>) {
        let is_it = |watch: &&mut Watch| watch.edge == edge && at < watch.end;
        for watch in self.watches.iter_mut().filter(is_it) {
            watch.view = Some(Arc::clone(view));
        }
    }

    /// A caller of an edge picked an instance.
    #[inline]
    pub fn pick(&mut self, at: SimTime, edge: EdgeId, instance: InstanceId) {
        if !self.watches.is_empty() {
            self.count(at, edge, instance);
        }
    }

    fn count(&mut self, at: SimTime, edge: EdgeId, instance: InstanceId) {
        let is_it = |watch: &&mut Watch| {
            watch.is_hit && watch.edge == edge && watch.start <= at && at < watch.end
        };
        for watch in self.watches.iter_mut().filter(is_it) {
            let instance_count = watch.instances.len();
            let window = (at.since(watch.start).as_ns() / watch.width.as_ns()) as usize;
            if window < watch.window_count() {
                if watch.counts.is_empty() {
                    watch.counts = vec![0; watch.window_count() * instance_count];
                }
                let local = (instance.0 - watch.instances.start) as usize;
                watch.counts[window * instance_count + local] += 1;
            }
        }
    }

    /// What became of the picks after a change of weights, for every edge to instances that it
    /// acted on.
    pub fn of_fault(&self, fault: FaultId, scenario: &Scenario) -> Vec<SelectionConvergence> {
        let watches = self.watches.iter();
        let hit = watches.filter(|watch| watch.fault == fault && watch.is_hit);
        hit.map(|watch| watch.convergence(scenario)).collect()
    }
}

impl Watch {
    /// Whole windows.
    fn window_count(&self) -> usize {
        (self.end.since(self.start).as_ns() / self.width.as_ns()) as usize
    }

    fn convergence(&self, scenario: &Scenario) -> SelectionConvergence {
        let width_secs = self.width.as_secs_f64();
        let shares = self.shares();
        let windows: Vec<&[u32]> = self.counts.chunks(self.instances.len()).collect();
        let first = first_of_row(&windows, &shares);
        SelectionConvergence {
            edge: scenario.edges[self.edge.index()].path.clone(),
            has_enough_picks: has_enough_picks(&windows, &shares),
            converged_after_secs: first.map(|window| window as f64 * width_secs),
            window_secs: width_secs,
        }
    }

    /// The share of the weight of every instance.
    fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.instances.len()];
        let members = self.view.iter().flat_map(|view| &view.members);
        let total: f64 = members.clone().map(|member| member.weight).sum();
        for member in members.filter(|member| 0.0 < member.weight) {
            let local = (member.instance.0 - self.instances.start) as usize;
            shares[local] = member.weight / total;
        }
        shares
    }
}

fn has_enough_picks(windows: &[&[u32]], shares: &[f64]) -> bool {
    let pick_count: u64 = windows
        .iter()
        .flat_map(|w| w.iter())
        .map(|c| u64::from(*c))
        .sum();
    let mean = pick_count as f64 / windows.len().max(1) as f64;
    let positive = shares.iter().copied().filter(|share| 0.0 < *share);
    let share_min = positive.reduce(f64::min);
    share_min.is_some_and(|share| EXPECTED_COUNT_MIN <= mean * share)
}

/// The first of enough windows in a row that follow the shares.
fn first_of_row(windows: &[&[u32]], shares: &[f64]) -> Option<usize> {
    let mut row = 0;
    for (place, counts) in windows.iter().enumerate() {
        row = if follows(counts, shares) { row + 1 } else { 0 };
        if row == WINDOW_COUNT_IN_ROW {
            return Some(place + 1 - row);
        }
    }
    None
}

/// Whether every count is within four binomial standard errors and one pick of its share.
fn follows(counts: &[u32], shares: &[f64]) -> bool {
    let pick_count: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let is_near = |(count, share): (&u32, &f64)| {
        let error = (pick_count * share * (1.0 - share)).sqrt();
        (f64::from(*count) - pick_count * share).abs() <= ERROR_COUNT_MAX * error + 1.0
    };
    0.0 < pick_count && counts.iter().zip(shares).all(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_follows_within_four_standard_errors_and_one_pick() {
        // 100 picks of a share of 0.5: a standard error of 5, so 50 +- 21.
        for (count, is_near) in [(50, true), (71, true), (72, false), (29, true), (28, false)] {
            assert_eq!(
                follows(&[count, 100 - count], &[0.5, 0.5]),
                is_near,
                "{count}"
            );
        }
        // Nobody may get more than one stray pick without a weight.
        assert!(follows(&[100, 1], &[1.0, 0.0]));
        assert!(!follows(&[100, 2], &[1.0, 0.0]));
        assert!(!follows(&[0, 0], &[0.5, 0.5]));
    }

    #[test]
    fn convergence_begins_with_the_first_of_five_windows_in_a_row() {
        let (old, new): (&[u32], &[u32]) = (&[90, 10], &[50, 50]);
        let shares = [0.5, 0.5];
        assert_eq!(
            first_of_row(&[old, old, new, new, new, new, new], &shares),
            Some(2)
        );
        assert_eq!(first_of_row(&[new, old, new, new, new, new], &shares), None);
        assert_eq!(first_of_row(&[new; 5], &shares), Some(0));
    }

    #[test]
    fn few_picks_say_nothing() {
        // Three picks of each on average.
        assert!(!has_enough_picks(&[&[3, 3], &[2, 4]], &[0.5, 0.5]));
        assert!(has_enough_picks(&[&[5, 5], &[6, 4]], &[0.5, 0.5]));
        assert!(!has_enough_picks(&[], &[0.5, 0.5]));
    }
}
