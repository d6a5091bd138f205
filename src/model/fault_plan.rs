//! The fault plan: when every window of every fault begins and ends, and what it acts on. It is
//! drawn before a run, so nothing that happens in the run can change it, but for the windows of
//! faults that wait for a condition: the run draws those as they begin.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::node::Node;
use super::observation::FaultWindow;
use super::sampler::Sampler;
use super::target::{Targets, ZoneMeaning};
use crate::id::{FaultId, GroupId, InstanceId, NodeId};
use crate::rng::{Purpose, Streams, UniformSource, mix, path_hash};
use crate::scenario::Scenario;
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope};
use crate::scenario::trigger::{After, SpreadAmong, Trigger, is_dynamic};
use crate::time::{SimDuration, SimTime};

/// Most windows that a run may have.
pub(super) const WINDOW_COUNT_MAX: usize = 1 << 22;

/// One window of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWindow {
    /// The fault.
    pub fault: FaultId,
    /// Its number among the windows of its fault, in order of planning.
    pub number: u32,
    /// When it begins.
    pub start: SimTime,
    /// When it ends; never, if it lasts.
    pub end: SimTime,
    /// The nodes it acts on, ascending; empty for faults of links.
    pub targets: Vec<NodeId>,
    /// It spread from the window with its number.
    pub is_follower: bool,
}

/// The scenario asks for more fault windows than a run may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault `{fault}` has more than {WINDOW_COUNT_MAX} windows; lengthen `every`")]
pub struct TooManyWindows {
    /// Name of the fault whose windows were planned last.
    pub fault: String,
}

/// All windows of a run, in order of start, fault and number.
///
/// # Errors
///
/// If there are too many.
pub fn plan(
    scenario: &Scenario,
    nodes: &[Node],
    streams: &Streams,
) -> Result<Vec<PlannedWindow>, TooManyWindows> {
    let mut windows = Vec::new();
    let faults = || (0..scenario.faults.len()).map(FaultId::from_index);
    let with_times = |fault: &FaultId| scenario.faults[fault.index()].trigger.is_none();
    for fault in faults().filter(with_times) {
        Planner::new(scenario, nodes, streams, fault).add_windows(&mut windows)?;
    }
    let mut is_planned: Vec<bool> = faults().map(|fault| with_times(&fault)).collect();
    while let Some((fault, after)) = faults().find_map(|fault| {
        let after = static_after(scenario, fault)?;
        let is_next = !is_planned[fault.index()] && is_planned[after.fault.index()];
        is_next.then_some((fault, after))
    }) {
        Planner::new(scenario, nodes, streams, fault).add_after(after, &mut windows)?;
        is_planned[fault.index()] = true;
    }
    windows.sort_by_key(|window| (window.start, window.fault, window.number));
    Ok(windows)
}

/// What a fault follows, if it follows one whose windows are known before the run.
fn static_after(scenario: &Scenario, fault: FaultId) -> Option<After> {
    match scenario.faults[fault.index()].trigger {
        Some(Trigger::After(after)) if !is_dynamic(&scenario.faults, fault) => Some(after),
        _ => None,
    }
}

/// The windows of a run as the observer needs them.
pub fn fault_windows(windows: &[PlannedWindow]) -> Vec<FaultWindow> {
    windows
        .iter()
        .map(|w| FaultWindow {
            fault: w.fault,
            start: w.start,
            end: w.end,
        })
        .collect()
}

/// What a draw of the plan is for: its place in `laws`.
#[derive(Clone, Copy)]
enum Length {
    At = 0,
    Duration = 1,
    Every = 2,
}

/// Plans the windows of one fault.
pub(super) struct Planner<'a> {
    scenario: &'a Scenario,
    targets: Targets<'a>,
    config: &'a FaultConfig,
    fault: FaultId,
    path_hash: u64,
    laws: [Option<Sampler>; 3],
}

impl<'a> Planner<'a> {
    /// A planner of this fault.
    pub fn new(
        scenario: &'a Scenario,
        nodes: &'a [Node],
        streams: &'a Streams,
        fault: FaultId,
    ) -> Self {
        let config = &scenario.faults[fault.index()];
        Planner {
            scenario,
            targets: Targets {
                scenario,
                nodes,
                streams,
                leader: None,
            },
            config,
            fault,
            path_hash: path_hash(&format!("fault.{}", config.name)),
            laws: [
                Some(Sampler::new(&config.at)),
                config.duration.as_ref().map(Sampler::new),
                config.every.as_ref().map(Sampler::new),
            ],
        }
    }

    fn add_windows(&self, windows: &mut Vec<PlannedWindow>) -> Result<(), TooManyWindows> {
        if !self.config.is_each {
            return self.add_sequence(windows);
        }
        let targets = self.node_targets(self.path_hash);
        self.add_sequences(&targets, windows)
    }

    /// A length of the plan; None where the scenario gives no law.
    fn draw(&self, length: Length, target: u64, number: u32) -> Option<SimDuration> {
        let law = self.laws[length as usize].as_ref()?;
        let identity = mix(self.path_hash) ^ target;
        let streams = self.targets.streams;
        let mut draw = streams.draw(Purpose::FaultPlan, identity, number, length as u32);
        Some(law.sample(&mut draw))
    }

    fn horizon(&self) -> SimTime {
        SimTime::START + self.scenario.duration + self.scenario.drain
    }

    /// The windows of a fault that acts on all its targets at once.
    fn add_sequence(&self, windows: &mut Vec<PlannedWindow>) -> Result<(), TooManyWindows> {
        let mut start = SimTime::START + self.draw(Length::At, 0, 0).unwrap_or_default();
        for number in 0u32.. {
            if start >= self.horizon() {
                break;
            }
            let window = self.window(start, number);
            let end = window.end;
            self.push(windows, window)?;
            let Some(gap) = self.draw(Length::Every, 0, number) else {
                break;
            };
            start = end + gap.max(SimDuration::from_ns(1));
        }
        Ok(())
    }

    /// One window for each window of another fault.
    fn add_after(
        &self,
        after: After,
        windows: &mut Vec<PlannedWindow>,
    ) -> Result<(), TooManyWindows> {
        let followed = windows
            .iter()
            .filter(|w| w.fault == after.fault && !w.is_follower);
        let mut starts: Vec<SimTime> = followed
            .map(|window| match after.is_from_end {
                true => window.end,
                false => window.start,
            })
            .filter(|from| *from < SimTime::NEVER)
            .map(|from| from + after.delay)
            .filter(|start| *start < self.horizon())
            .collect();
        starts.sort_unstable();
        for (start, number) in starts.into_iter().zip(0..) {
            self.push(windows, self.window(start, number))?;
        }
        Ok(())
    }

    /// Window `number` of a fault that acts on all its targets at once.
    pub fn window(&self, start: SimTime, number: u32) -> PlannedWindow {
        let salt = mix(self.path_hash.wrapping_add(u64::from(number)));
        PlannedWindow {
            fault: self.fault,
            number,
            start,
            end: self.end(start, self.draw(Length::Duration, 0, number)),
            targets: match self.config.scope {
                FaultScope::Group { .. } => self.group_targets(),
                FaultScope::Nodes { .. } => self.node_targets(salt),
                FaultScope::Links { .. } => Vec::new(),
            },
            is_follower: false,
        }
    }

    /// What spreads from a window to other instances, a window each: those that share a host, a
    /// group or a zone with a target.
    pub fn followers(&self, window: &PlannedWindow) -> Vec<PlannedWindow> {
        let Some(spread) = &self.config.spread else {
            return Vec::new();
        };
        let law = Sampler::new(&spread.delay);
        let topology = &self.scenario.topology;
        let nodes = self.targets.nodes;
        let is_near = |node: NodeId, target: &NodeId| match spread.among {
            SpreadAmong::Host => nodes[node.index()].host == nodes[target.index()].host,
            SpreadAmong::Zone => nodes[node.index()].zone == nodes[target.index()].zone,
            SpreadAmong::Group => {
                topology.group_of(InstanceId(node.0)) == topology.group_of(InstanceId(target.0))
            }
        };
        let others = (0..topology.instance_count()).map(NodeId);
        let others = others.filter(|node| {
            window.targets.binary_search(node).is_err()
                && !self.targets.is_spare(*node)
                && window.targets.iter().any(|target| is_near(*node, target))
        });
        others
            .filter_map(|node| {
                let identity = mix(self.path_hash) ^ nodes[node.index()].path_hash;
                let draw = |step| {
                    let streams = self.targets.streams;
                    streams.draw(Purpose::FaultSpread, identity, window.number, step)
                };
                let follows = draw(0).uniform() < spread.ratio;
                let start = window.start + law.sample(&mut draw(1));
                (follows && start < window.end).then(|| PlannedWindow {
                    start,
                    targets: vec![node],
                    is_follower: true,
                    ..window.clone()
                })
            })
            .collect()
    }

    /// The windows of a fault whose targets fail independently and are repaired by crews, who
    /// take what failed first.
    fn add_sequences(
        &self,
        targets: &[NodeId],
        windows: &mut Vec<PlannedWindow>,
    ) -> Result<(), TooManyWindows> {
        let hash = |target: NodeId| self.targets.nodes[target.index()].path_hash;
        let mut failures: BinaryHeap<Reverse<(SimTime, NodeId, u32)>> = targets
            .iter()
            .map(|target| {
                let at = self.draw(Length::At, hash(*target), 0).unwrap_or_default();
                Reverse((SimTime::START + at, *target, 0))
            })
            .collect();
        let crew_count = self.config.crew_count.unwrap_or(0) as usize;
        let mut crews: BinaryHeap<Reverse<SimTime>> =
            (0..crew_count).map(|_| Reverse(SimTime::START)).collect();
        let mut number = 0;
        while let Some(Reverse((start, target, own_number))) = failures.pop() {
            if start >= self.horizon() {
                break;
            }
            let repair_start = crews.pop().map_or(start, |Reverse(free)| free.max(start));
            let length = self.draw(Length::Duration, hash(target), own_number);
            let end = self.end(repair_start, length);
            if crew_count > 0 {
                crews.push(Reverse(end));
            }
            let (fault, targets) = (self.fault, vec![target]);
            self.push(
                windows,
                PlannedWindow {
                    fault,
                    number,
                    start,
                    end,
                    targets,
                    is_follower: false,
                },
            )?;
            number += 1;
            if let Some(gap) = self.draw(Length::Every, hash(target), own_number) {
                let next = end + gap.max(SimDuration::from_ns(1));
                failures.push(Reverse((next, target, own_number + 1)));
            }
        }
        Ok(())
    }

    fn end(&self, start: SimTime, length: Option<SimDuration>) -> SimTime {
        length.map_or(SimTime::NEVER, |length| start + length)
    }

    fn push(
        &self,
        windows: &mut Vec<PlannedWindow>,
        window: PlannedWindow,
    ) -> Result<(), TooManyWindows> {
        if windows.len() >= WINDOW_COUNT_MAX {
            return Err(TooManyWindows {
                fault: self.config.name.clone(),
            });
        }
        let followers = self.followers(&window);
        windows.push(window);
        windows.extend(followers);
        Ok(())
    }

    fn node_targets(&self, salt: u64) -> Vec<NodeId> {
        match &self.config.scope {
            FaultScope::Nodes {
                target,
                include_callers,
                include_registry,
            } => {
                let zone = ZoneMeaning {
                    has_callers: *include_callers,
                    has_registry: *include_registry,
                };
                self.targets.resolve(target, zone, salt)
            }
            FaultScope::Links { .. } | FaultScope::Group { .. } => Vec::new(),
        }
    }

    /// The instances that join or leave a group. Each `scale_out` brings spare ones of its own.
    fn group_targets(&self) -> Vec<NodeId> {
        let FaultScope::Group { group, count } = self.config.scope else {
            return Vec::new();
        };
        let first = self.scenario.topology.group_instances(group).start;
        let initial = self.scenario.groups[group.index()].count;
        let range = match self.config.kind {
            FaultKind::ScaleIn { .. } => first + initial - count..first + initial,
            _ => {
                let before = &self.scenario.faults[..self.fault.index()];
                let start = first + initial + scaled_out_count(before, group);
                start..start + count
            }
        };
        range.map(NodeId).collect()
    }
}

/// Spare instances of a group that these faults bring.
pub(super) fn scaled_out_count(faults: &[FaultConfig], group: GroupId) -> u32 {
    let of_fault = |fault: &FaultConfig| match (&fault.kind, &fault.scope) {
        (FaultKind::ScaleOut { .. }, FaultScope::Group { group: own, count }) if *own == group => {
            *count
        }
        _ => 0,
    };
    faults.iter().map(of_fault).sum()
}
