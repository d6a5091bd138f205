//! The fault plan: when every window of every fault begins and ends, and what it acts on. It is
//! drawn before a run, so nothing that happens in the run can change it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::node::Node;
use super::observation::FaultWindow;
use super::sampler::Sampler;
use super::target::{Targets, ZoneMeaning};
use crate::id::{FaultId, GroupId, NodeId};
use crate::rng::{Purpose, Streams, mix, path_hash};
use crate::scenario::Scenario;
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope};
use crate::time::{SimDuration, SimTime};

/// Most windows that a run may have.
const WINDOW_COUNT_MAX: usize = 1 << 22;

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
    let mut spare_used = BTreeMap::new();
    for (index, config) in scenario.faults.iter().enumerate() {
        let planner = Planner {
            scenario,
            targets: Targets {
                scenario,
                nodes,
                streams,
            },
            config,
            fault: FaultId::from_index(index),
            path_hash: path_hash(&format!("fault.{}", config.name)),
            laws: [
                Some(Sampler::new(&config.at)),
                config.duration.as_ref().map(Sampler::new),
                config.every.as_ref().map(Sampler::new),
            ],
        };
        let spare = spare_used.entry(group_of(config)).or_insert(0);
        planner.add_windows(spare, &mut windows)?;
    }
    windows.sort_by_key(|window| (window.start, window.fault, window.number));
    Ok(windows)
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

fn group_of(config: &FaultConfig) -> Option<GroupId> {
    match config.scope {
        FaultScope::Group { group, .. } => Some(group),
        FaultScope::Nodes { .. } | FaultScope::Links { .. } => None,
    }
}

/// What a draw of the plan is for: its place in `laws`.
#[derive(Clone, Copy)]
enum Length {
    At = 0,
    Duration = 1,
    Every = 2,
}

struct Planner<'a> {
    scenario: &'a Scenario,
    targets: Targets<'a>,
    config: &'a FaultConfig,
    fault: FaultId,
    path_hash: u64,
    laws: [Option<Sampler>; 3],
}

impl Planner<'_> {
    fn add_windows(
        &self,
        spare_used: &mut u32,
        windows: &mut Vec<PlannedWindow>,
    ) -> Result<(), TooManyWindows> {
        if !self.config.is_each {
            let group_targets = self.group_targets(spare_used);
            return self.add_sequence(&group_targets, windows);
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
    fn add_sequence(
        &self,
        group_targets: &[NodeId],
        windows: &mut Vec<PlannedWindow>,
    ) -> Result<(), TooManyWindows> {
        let mut start = SimTime::START + self.draw(Length::At, 0, 0).unwrap_or_default();
        for number in 0u32.. {
            if start >= self.horizon() {
                break;
            }
            let end = self.end(start, self.draw(Length::Duration, 0, number));
            let salt = mix(self.path_hash.wrapping_add(u64::from(number)));
            let targets = match self.config.scope {
                FaultScope::Group { .. } => group_targets.to_vec(),
                FaultScope::Nodes { .. } => self.node_targets(salt),
                FaultScope::Links { .. } => Vec::new(),
            };
            self.push(
                windows,
                PlannedWindow {
                    fault: self.fault,
                    number,
                    start,
                    end,
                    targets,
                },
            )?;
            let Some(gap) = self.draw(Length::Every, 0, number) else {
                break;
            };
            start = end + gap.max(SimDuration::from_ns(1));
        }
        Ok(())
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
        windows.push(window);
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
    fn group_targets(&self, spare_used: &mut u32) -> Vec<NodeId> {
        let FaultScope::Group { group, count } = self.config.scope else {
            return Vec::new();
        };
        let first = self.scenario.topology.group_instances(group).start;
        let initial = self.scenario.groups[group.index()].count;
        let range = match self.config.kind {
            FaultKind::ScaleIn { .. } => first + initial - count..first + initial,
            _ => {
                let start = first + initial + *spare_used;
                *spare_used += count;
                start..start + count
            }
        };
        range.map(NodeId).collect()
    }
}
