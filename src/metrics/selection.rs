//! Which instances each call edge picked, and which its weights promised.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::data::selection::SelectionStats;
use super::phase::UNMEASURED;
use crate::id::{CallerId, EdgeId, InstanceId};
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::stats::chi_squared::p_value;

/// Counters up to which phases are kept; otherwise only the measured window is.
const CLASS_ENTRY_COUNT_MAX: usize = 1 << 18;

/// Counters for the prefixes of the callers of one edge.
const PREFIX_ENTRY_COUNT_MAX: usize = 1 << 20;

/// Fewest expected picks of an instance for which Pearson's test is meant.
const EXPECTED_COUNT_MIN: f64 = 5.0;

const NONE: u32 = u32::MAX;

/// A view that callers of an edge hold, with the picks made in it.
#[derive(Clone, Debug)]
struct HeldView {
    view: Arc<ViewSnapshot>,
    /// One over the sum of the weights.
    weight_scale: f64,
    caller_count: u32,
    /// By class.
    pick_counts: Vec<u64>,
}

/// The sequence of picks of one calling side.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    /// Place of its view among those held.
    held: u32,
    /// The instance that was picked last in the measured window, and how often in a row.
    last_picked: u32,
    burst: u32,
    /// Picks in this view; counted where the prefix is followed.
    pick_count: u32,
}

/// Attempts of one edge in one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    /// Sent.
    pub attempt_count: u64,
    /// After the first one of their call.
    pub retry_count: u64,
    /// To an instance that was down.
    pub wasted_count: u64,
}

/// Attempts of one edge in one class that are out of the ordinary.
#[derive(Clone, Copy, Debug, Default)]
struct UnusualCounts {
    retry_count: u64,
    wasted_count: u64,
    /// Picks among the instances that the call has not tried.
    steered_count: u64,
}

/// One call edge.
#[derive(Clone, Debug)]
struct EdgePicks {
    /// Every pick is drawn anew, so a test that assumes it means something.
    has_independent_picks: bool,
    /// Every attempt after the first one of a call avoids the instances of those before.
    avoids_tried: bool,
    instance_first: u32,
    instance_count: usize,
    caller_first: u32,
    /// By class.
    unusual: Vec<UnusualCounts>,
    /// By class, then instance of the service.
    pick_counts: Vec<u64>,
    /// The same, in proportion to the weights in the views of the picks. Views that are still held
    /// are added by [`SelectionTable::close`].
    expected_counts: Vec<f64>,
    held: Vec<HeldView>,
    held_by_content: BTreeMap<u64, u32>,
    free: Vec<u32>,
    /// Callers whose prefixes are followed: the first ones.
    prefix_caller_count: usize,
    /// By caller, then instance: picks in the caller's view.
    prefix_counts: Vec<u32>,
    /// By instance: the largest deviation and the longest burst.
    prefix_deviations: Vec<f64>,
    bursts: Vec<u32>,
}

/// All call edges of one run.
#[derive(Clone, Debug, Default)]
pub struct SelectionTable {
    has_phases: bool,
    class_count: usize,
    edges: Vec<EdgePicks>,
    /// By calling side.
    sequences: Vec<Sequence>,
}

impl SelectionTable {
    /// Empty counters for the edges of a scenario.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let topology = &scenario.topology;
        let entry_count: usize = scenario
            .edges
            .iter()
            .map(|edge| topology.service_instances(edge.to).len() * class_count)
            .sum();
        let has_phases = entry_count <= CLASS_ENTRY_COUNT_MAX;
        let class_count = if has_phases { class_count } else { 2 };
        let edges = (0..scenario.edges.len())
            .map(|edge| EdgePicks::new(scenario, EdgeId::from_index(edge), class_count))
            .collect();
        let sequence = Sequence {
            held: NONE,
            last_picked: NONE,
            burst: 0,
            pick_count: 0,
        };
        SelectionTable {
            has_phases,
            class_count,
            edges,
            sequences: vec![sequence; topology.caller_count() as usize],
        }
    }

    /// A calling side balances over other candidates from now on.
    pub fn hold(&mut self, caller: CallerId, edge: EdgeId, view: &Arc<ViewSnapshot>) {
        let sequence = &mut self.sequences[caller.index()];
        let edge = &mut self.edges[edge.index()];
        let before = sequence.held;
        if before != NONE && edge.held[before as usize].view.content_id == view.content_id {
            return;
        }
        sequence.held = edge.take(view, self.class_count);
        sequence.pick_count = 0;
        edge.clear_prefix(caller);
        if before != NONE {
            edge.release(before);
        }
    }

    /// A calling side picked an instance.
    #[inline]
    pub fn pick(&mut self, class: u16, edge: EdgeId, pick: Pick) {
        let class = if self.has_phases { class } else { class.min(1) };
        let sequence = &mut self.sequences[pick.caller.index()];
        let edge = &mut self.edges[edge.index()];
        let local = (pick.instance.0 - edge.instance_first) as usize;
        if pick.is_retry || pick.is_wasted {
            let counts = &mut edge.unusual[class as usize];
            counts.retry_count += u64::from(pick.is_retry);
            counts.steered_count += u64::from(pick.is_retry && edge.avoids_tried);
            counts.wasted_count += u64::from(pick.is_wasted);
        }
        edge.pick_counts[class as usize * edge.instance_count + local] += 1;
        if let Some(held) = edge.held.get_mut(sequence.held as usize) {
            held.pick_counts[class as usize] += 1;
        }
        let is_measured = class != UNMEASURED;
        if is_measured {
            if sequence.last_picked == pick.instance.0 {
                sequence.burst += 1;
            } else {
                (sequence.last_picked, sequence.burst) = (pick.instance.0, 1);
            }
            let burst = &mut edge.bursts[local];
            *burst = (*burst).max(sequence.burst);
        }
        let caller = (pick.caller.0 - edge.caller_first) as usize;
        if caller < edge.prefix_caller_count {
            edge.follow_prefix(sequence, caller, local, is_measured);
        }
    }

    /// Attempts of an edge to these instances so far.
    pub fn attempt_count(&self, edge: EdgeId, instances: Range<u32>) -> u64 {
        let edge = &self.edges[edge.index()];
        let local = |instance: u32| (instance - edge.instance_first) as usize;
        let (first, end) = (local(instances.start), local(instances.end));
        let classes = edge.pick_counts.chunks(edge.instance_count);
        classes.flat_map(|counts| &counts[first..end]).sum()
    }

    /// Settles the views that are still held.
    pub fn close(&mut self) {
        for edge in &mut self.edges {
            for held in 0..edge.held.len() {
                edge.settle(held);
            }
            edge.held.clear();
            edge.held_by_content.clear();
        }
    }

    /// The attempt that was picked for last is no retry.
    pub fn take_back_retry(&mut self, class: u16, edge: EdgeId) {
        let class = if self.has_phases { class } else { class.min(1) };
        self.edges[edge.index()].unusual[class as usize].retry_count -= 1;
    }

    /// Attempts of an edge in these classes; None where phases are not kept.
    pub fn attempts(&self, edge: EdgeId, classes: &[u16], is_whole: bool) -> Option<AttemptCounts> {
        let edge = &self.edges[edge.index()];
        let mut sum = AttemptCounts::default();
        for class in self.columns(classes, is_whole)? {
            let first = class * edge.instance_count;
            let picks = &edge.pick_counts[first..first + edge.instance_count];
            sum.attempt_count += picks.iter().sum::<u64>();
            sum.retry_count += edge.unusual[class].retry_count;
            sum.wasted_count += edge.unusual[class].wasted_count;
        }
        Some(sum)
    }

    /// Picks and expected picks of every instance of the service, in order; None where phases are
    /// not kept. Valid after [`SelectionTable::close`].
    pub fn shares(&self, edge: EdgeId, classes: &[u16], is_whole: bool) -> Option<Vec<(u64, f64)>> {
        let edge = &self.edges[edge.index()];
        let mut sums = vec![(0, 0.0); edge.instance_count];
        for class in self.columns(classes, is_whole)? {
            let first = class * edge.instance_count;
            for (local, (picks, expected)) in sums.iter_mut().enumerate() {
                *picks += edge.pick_counts[first + local];
                *expected += edge.expected_counts[first + local];
            }
        }
        Some(sums)
    }

    /// The picks against the weights. Smoothness is known for the whole measured window only.
    pub fn stats(&self, edge: EdgeId, classes: &[u16], is_whole: bool) -> Option<SelectionStats> {
        let shares = self.shares(edge, classes, is_whole)?;
        let mut stats = deviation_of(&shares);
        let edge = &self.edges[edge.index()];
        let mut columns = self.columns(classes, is_whole)?.into_iter();
        let has_steered = columns.any(|class| 0 < edge.unusual[class].steered_count);
        if has_steered || !edge.has_independent_picks {
            stats.chi_squared_p = None;
        }
        if is_whole {
            stats.prefix_caller_count = edge.prefix_caller_count as u64;
            let deviations = edge.prefix_deviations.iter().copied();
            stats.prefix_deviation_max = (0 < stats.pick_count && 0 < edge.prefix_caller_count)
                .then(|| deviations.fold(0.0, f64::max));
            stats.burst_max = edge.bursts.iter().copied().max().unwrap_or(0).into();
        }
        Some(stats)
    }

    /// The largest deviation of an instance of the service, by its place in it, in picks.
    pub fn prefix_deviation(&self, edge: EdgeId, local: u32) -> f64 {
        self.edges[edge.index()].prefix_deviations[local as usize]
    }

    /// The longest run of picks of an instance of the service, by its place in it.
    pub fn burst(&self, edge: EdgeId, local: u32) -> u64 {
        u64::from(self.edges[edge.index()].bursts[local as usize])
    }

    fn columns(&self, classes: &[u16], is_whole: bool) -> Option<Vec<usize>> {
        match (self.has_phases, is_whole) {
            (true, _) => Some(classes.iter().map(|class| *class as usize).collect()),
            (false, true) => Some(vec![1]),
            (false, false) => None,
        }
    }
}

/// One pick.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    /// Who picked.
    pub caller: CallerId,
    /// What.
    pub instance: InstanceId,
    /// Not the first attempt of its call.
    pub is_retry: bool,
    /// The instance was down.
    pub is_wasted: bool,
}

impl EdgePicks {
    fn new(scenario: &Scenario, edge: EdgeId, class_count: usize) -> Self {
        let topology = &scenario.topology;
        let instances = topology.service_instances(scenario.edges[edge.index()].to);
        let callers = topology.edge_callers(edge);
        let instance_count = instances.len();
        let followed_max = PREFIX_ENTRY_COUNT_MAX / instance_count.max(1);
        let prefix_caller_count = callers.len().min(followed_max);
        let config = &scenario.edges[edge.index()];
        EdgePicks {
            has_independent_picks: config.picks_independently(),
            avoids_tried: config.avoids_tried(),
            instance_first: instances.start,
            instance_count,
            caller_first: callers.start,
            unusual: vec![UnusualCounts::default(); class_count],
            pick_counts: vec![0; class_count * instance_count],
            expected_counts: vec![0.0; class_count * instance_count],
            held: Vec::new(),
            held_by_content: BTreeMap::new(),
            free: Vec::new(),
            prefix_caller_count,
            prefix_counts: vec![0; prefix_caller_count * instance_count],
            prefix_deviations: vec![0.0; instance_count],
            bursts: vec![0; instance_count],
        }
    }

    /// The place of a view among those held, with one caller more.
    fn take(&mut self, view: &Arc<ViewSnapshot>, class_count: usize) -> u32 {
        if let Some(place) = self.held_by_content.get(&view.content_id) {
            self.held[*place as usize].caller_count += 1;
            return *place;
        }
        let held = HeldView {
            weight_scale: 1.0 / view.members.iter().map(|m| m.weight).sum::<f64>(),
            view: Arc::clone(view),
            caller_count: 1,
            pick_counts: vec![0; class_count],
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.held[place as usize] = held;
                place
            }
            None => {
                self.held.push(held);
                u32::try_from(self.held.len() - 1).expect("views are fewer than callers")
            }
        };
        self.held_by_content.insert(view.content_id, place);
        place
    }

    fn release(&mut self, place: u32) {
        let held = &mut self.held[place as usize];
        held.caller_count -= 1;
        if held.caller_count == 0 {
            self.settle(place as usize);
            let content_id = self.held[place as usize].view.content_id;
            self.held_by_content.remove(&content_id);
            self.free.push(place);
        }
    }

    /// Turns the picks made in a view into expected picks of its members.
    fn settle(&mut self, place: usize) {
        let held = &mut self.held[place];
        for (class, picks) in held.pick_counts.iter_mut().enumerate() {
            let picks = std::mem::take(picks) as f64;
            if picks == 0.0 {
                continue;
            }
            let first = class * self.instance_count;
            for member in &held.view.members {
                let local = (member.instance.0 - self.instance_first) as usize;
                self.expected_counts[first + local] += picks * (member.weight * held.weight_scale);
            }
        }
    }

    /// The deviation of an instance is extreme just before or just after it is picked.
    #[inline]
    fn follow_prefix(
        &mut self,
        sequence: &mut Sequence,
        caller: usize,
        local: usize,
        is_measured: bool,
    ) {
        let count = &mut self.prefix_counts[caller * self.instance_count + local];
        let picks_before = f64::from(sequence.pick_count);
        let count_before = f64::from(*count);
        *count += 1;
        sequence.pick_count += 1;
        let Some(held) = self.held.get(sequence.held as usize) else {
            return;
        };
        let instance = InstanceId(self.instance_first + local as u32);
        // Where nobody is missing, the place is the index.
        let place = match held.view.members.get(local) {
            Some(member) if member.instance == instance => Some(local),
            _ => held.view.position(instance),
        };
        if let (Some(place), true) = (place, is_measured) {
            let share = held.view.members[place].weight * held.weight_scale;
            let before = (count_before - picks_before * share).abs();
            let after = (count_before + 1.0 - (picks_before + 1.0) * share).abs();
            let most = &mut self.prefix_deviations[local];
            *most = most.max(before).max(after);
        }
    }

    fn clear_prefix(&mut self, caller: CallerId) {
        let caller = (caller.0 - self.caller_first) as usize;
        if caller < self.prefix_caller_count {
            let first = caller * self.instance_count;
            self.prefix_counts[first..first + self.instance_count].fill(0);
        }
    }
}

/// Deviations of picks from expected picks.
fn deviation_of(shares: &[(u64, f64)]) -> SelectionStats {
    let pick_count: u64 = shares.iter().map(|(picks, _)| picks).sum();
    let mut stats = SelectionStats {
        pick_count,
        ..SelectionStats::default()
    };
    if pick_count == 0 {
        return stats;
    }
    let (mut absolute, mut relative, mut chi_squared) = (0.0f64, 0.0f64, 0.0f64);
    let mut expected_min = f64::INFINITY;
    let mut expected_instance_count = 0;
    for (picks, expected) in shares {
        let deviation = (*picks as f64 - expected).abs();
        absolute = absolute.max(deviation / pick_count as f64);
        if 0.0 < *expected {
            expected_instance_count += 1;
            expected_min = expected_min.min(*expected);
            relative = relative.max(deviation / expected);
            chi_squared += deviation * deviation / expected;
        }
    }
    if expected_instance_count == 0 {
        return stats;
    }
    stats.deviation_absolute_max = Some(absolute);
    stats.deviation_relative_max = Some(relative);
    stats.chi_squared = Some(chi_squared);
    stats.degrees_of_freedom = expected_instance_count - 1;
    stats.chi_squared_p = (EXPECTED_COUNT_MIN <= expected_min && 1 < expected_instance_count)
        .then(|| p_value(chi_squared, stats.degrees_of_freedom));
    stats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_those_of_the_shares() {
        // Expected 50 : 30 : 20, seen 44 : 33 : 23.
        // Chi-squared: 36/50 + 9/30 + 9/20 = 1.47; two degrees of freedom: p = exp(-1.47/2).
        let stats = deviation_of(&[(44, 50.0), (33, 30.0), (23, 20.0)]);
        assert_eq!(stats.deviation_absolute_max, Some(0.06));
        assert_eq!(stats.deviation_relative_max, Some(0.15));
        let chi_squared = stats.chi_squared.expect("there are picks");
        assert!((chi_squared - 1.47).abs() < 1e-12);
        let p = stats.chi_squared_p.expect("expectations are large enough");
        assert!((p - 0.4795).abs() < 1e-4, "{p}");
    }

    #[test]
    fn small_expectations_have_no_p_value() {
        let stats = deviation_of(&[(4, 4.0), (6, 6.0)]);
        assert_eq!(stats.chi_squared_p, None);
        assert_eq!(deviation_of(&[(0, 0.0)]).deviation_absolute_max, None);
    }
}
