//! What a fault did to the hash rings of callers, and to other placements of keys.
//!
//! The ring of an edge is that of its first calling side, with the candidates that it had before
//! the first window of a fault and after the last change inside that window. Only faults that act
//! on instances of the edge's service are credited with changes of its ring. Placements are those
//! of idle instances and first attempts; [`Placement::ownership`] says which of them are exact.

use std::sync::Arc;

use super::data::fault::{RingChange, RingShare, RolloutMoves};
use super::data::membership::MembershipHistory;
use super::membership::{History, inherited, inheritors, key_moves, needless_ratio};
use crate::hash::Server;
use crate::hash::placement::{Placement, moved_ratio, moves};
use crate::id::{CallerId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::view::ViewSnapshot;
use crate::rng::path_hash;
use crate::rng::zipf::Zipf;
use crate::scenario::Scenario;
use crate::scenario::class::ClassConfig;
use crate::scenario::client::{EdgeOwner, KeyConfig, Workload};
use crate::stats::moments::{coefficient_of_variation, jain_index, max_over_mean};
use crate::time::{SimDuration, SimTime};

/// Keys that are walked for measures by popularity.
const KEY_COUNT_MAX: u32 = 1_000_000;

/// Most steps of all their lookups.
const LOOKUP_COST_MAX: u64 = 1 << 26;

/// After the end of a rolling restart its last changes still travel.
const SETTLING_TIME: SimDuration = SimDuration::from_secs(60);

/// Changes of a rolling restart whose rings are built.
const ROLL_CHANGE_COUNT_MAX: usize = 10_000;

/// Points or slots of all rings that are built for one rolling restart.
const ROLL_TABLE_SIZE_MAX: usize = 1 << 25;

/// Parts in which a circle is told: a third of a degree each.
const SECTOR_COUNT: u32 = 1_080;

/// The candidates around the first window of one fault.
#[derive(Clone, Debug, Default)]
struct Sides {
    window: Option<(SimTime, SimTime)>,
    before: Option<Arc<ViewSnapshot>>,
    after: Option<Arc<ViewSnapshot>>,
    /// The fault acts on instances of the edge's service.
    is_hit: bool,
}

/// The first calling side of one edge.
#[derive(Clone, Debug)]
struct Watch {
    edge: EdgeId,
    caller: CallerId,
    /// Nodes of the instances that are called.
    nodes: std::ops::Range<u32>,
    /// Its candidates at the start.
    first: Option<Arc<ViewSnapshot>>,
    history: History,
    /// By fault.
    faults: Vec<Sides>,
    /// By fault: the candidates before and during a rolling restart.
    rolls: Vec<Roll>,
}

/// The candidates of an edge from the last ones before a rolling restart on.
#[derive(Clone, Debug, Default)]
struct Roll {
    window: Option<(SimTime, SimTime)>,
    views: Vec<Arc<ViewSnapshot>>,
    change_count: u64,
}

impl Roll {
    fn hold(&mut self, at: SimTime, view: &Arc<ViewSnapshot>) {
        let Some((start, end)) = self.window.filter(|(_, end)| at < *end + SETTLING_TIME) else {
            return;
        };
        assert!(start <= end, "a window ends after its start");
        if at < start {
            self.views.clear();
        }
        let is_same = self
            .views
            .last()
            .is_some_and(|last| last.content_id == view.content_id);
        if is_same {
            return;
        }
        self.change_count += u64::from(!self.views.is_empty());
        if self.views.len() <= ROLL_CHANGE_COUNT_MAX {
            self.views.push(Arc::clone(view));
        }
    }
}

/// The ring edges of one run.
#[derive(Clone, Debug, Default)]
pub struct RingTable {
    watches: Vec<Watch>,
}

impl RingTable {
    /// Watches every edge that balances by key; `windows` are the first windows of the faults,
    /// `rolling` the time that rolling restarts take.
    pub fn new(
        scenario: &Scenario,
        windows: &[Option<(SimTime, SimTime)>],
        rolling: &[Option<(SimTime, SimTime)>],
    ) -> Self {
        let watch = |index: usize| {
            let edge = EdgeId::from_index(index);
            let sides = |window: &Option<(SimTime, SimTime)>| Sides {
                window: *window,
                ..Sides::default()
            };
            let roll = |window: &Option<(SimTime, SimTime)>| Roll {
                window: *window,
                ..Roll::default()
            };
            Watch {
                edge,
                caller: CallerId(scenario.topology.edge_callers(edge).start),
                nodes: scenario
                    .topology
                    .service_instances(scenario.edges[index].to),
                first: None,
                history: History::default(),
                faults: windows.iter().map(sides).collect(),
                rolls: rolling.iter().map(roll).collect(),
            }
        };
        let edges = scenario.edges.iter().enumerate();
        let watches = edges
            .filter(|(_, edge)| edge.balancer.placement_rule().is_some())
            .map(|(index, _)| watch(index))
            .collect();
        RingTable { watches }
    }

    /// A calling side balances over other candidates.
    pub fn hold(&mut self, at: SimTime, caller: CallerId, view: &Arc<ViewSnapshot>) {
        for watch in self.watches.iter_mut().filter(|w| w.caller == caller) {
            watch.first.get_or_insert_with(|| Arc::clone(view));
            watch.history.add(at, view);
            for roll in &mut watch.rolls {
                roll.hold(at, view);
            }
            for sides in &mut watch.faults {
                let Some((start, end)) = sides.window else {
                    continue;
                };
                // The first view of all is taken as before, even of a fault at the very start.
                if at < start || sides.before.is_none() {
                    sides.before = Some(Arc::clone(view));
                } else if at < end {
                    sides.after = Some(Arc::clone(view));
                }
            }
        }
    }

    /// A fault acts on these nodes. Instances are the first nodes, in the same order.
    pub fn hit(&mut self, fault: FaultId, targets: &[NodeId]) {
        for watch in &mut self.watches {
            let is_hit = targets.iter().any(|node| watch.nodes.contains(&node.0));
            watch.faults[fault.index()].is_hit |= is_hit;
        }
    }

    /// Owned shares per weight of the ring at the start, of an edge that has one.
    pub fn first_ownership(&self, edge: EdgeId, scenario: &Scenario) -> Option<Vec<f64>> {
        let watch = self.watches.iter().find(|w| w.edge == edge)?;
        let view = watch.first.as_ref()?;
        let placement = placement_of(edge, view, scenario);
        Some(per_weight(view, &placement.ownership()))
    }

    /// What every change of candidates moved, by edge; edges without changes are left out.
    pub fn histories(&self, scenario: &Scenario) -> Vec<MembershipHistory> {
        let watches = self.watches.iter();
        watches
            .filter_map(|watch| watch.history.told(watch.edge, scenario))
            .collect()
    }

    /// What a rolling restart moved, by edge that balances by key over its instances.
    pub fn rollout_moves(&self, fault: usize, scenario: &Scenario) -> Vec<RolloutMoves> {
        let hit = self.watches.iter().filter(|w| w.faults[fault].is_hit);
        let moves = hit.map(|watch| {
            let roll = &watch.rolls[fault];
            RolloutMoves {
                edge: scenario.edges[watch.edge.index()].path.clone(),
                change_count: roll.change_count,
                ..roll_moves(watch.edge, roll, scenario)
            }
        });
        moves.collect()
    }

    /// What a fault did to the ring of every edge that has one and calls servers that it acted on.
    pub fn changes(&self, fault: usize, scenario: &Scenario) -> Vec<RingChange> {
        let change = |watch: &Watch| {
            let sides = Some(&watch.faults[fault]).filter(|sides| sides.is_hit)?;
            let before = sides.before.as_ref()?;
            let after = sides.after.as_ref().unwrap_or(before);
            Some(ring_change(watch.edge, before, after, scenario))
        };
        self.watches.iter().filter_map(change).collect()
    }
}

/// The sum over all changes, and from the first candidates to the last.
fn roll_moves(edge: EdgeId, roll: &Roll, scenario: &Scenario) -> RolloutMoves {
    let [first, .., last] = &roll.views[..] else {
        return RolloutMoves {
            moved_key_ratio_sum: Some(0.0),
            moved_key_ratio: Some(0.0),
            ..RolloutMoves::default()
        };
    };
    let is_whole = roll.change_count < roll.views.len() as u64;
    let start = placement_of(edge, first, scenario);
    let (mut before, mut size, mut sum) = (start.clone(), start.table_size(), 0.0);
    for view in &roll.views[1..] {
        if ROLL_TABLE_SIZE_MAX < size || !is_whole {
            return RolloutMoves::default();
        }
        let after = before.changed(servers(view, scenario));
        size += after.table_size();
        sum += moved_ratio(&before, &after);
        before = after;
    }
    let end = start.changed(servers(last, scenario));
    RolloutMoves {
        moved_key_ratio_sum: Some(sum),
        moved_key_ratio: Some(moved_ratio(&start, &end)),
        ..RolloutMoves::default()
    }
}

fn ring_change(
    edge: EdgeId,
    before: &ViewSnapshot,
    after: &ViewSnapshot,
    scenario: &Scenario,
) -> RingChange {
    let ring_before = placement_of(edge, before, scenario);
    let ring_after = ring_before.changed(servers(after, scenario));
    let (owned_before, owned_after) = (ring_before.ownership(), ring_after.ownership());
    let per_weight_before = per_weight(before, &owned_before);
    let per_weight_after = per_weight(after, &owned_after);
    let moves = moves(&ring_before, &ring_after);
    let inherited = inherited(&moves);
    let requests = request_shares(edge, &ring_before, &ring_after, scenario);
    let load = requests.as_ref().map(|r| per_weight(after, &r.owned_after));
    RingChange {
        edge: scenario.edges[edge.index()].path.clone(),
        moved_key_ratio: moved_ratio(&ring_before, &ring_after),
        moved_key_ratio_ideal: moved_ratio_ideal(before, after),
        needless_move_ratio: needless_ratio(&moves, before, after),
        inheritor_count: inherited.len() as u64,
        inheritors: inheritors(&inherited, scenario),
        moved_request_ratio: requests.as_ref().map(|r| r.moved_ratio),
        ownership_max_over_mean_before: max_over_mean(&per_weight_before),
        ownership_cv_before: coefficient_of_variation(&per_weight_before),
        ownership_max_over_mean_after: max_over_mean(&per_weight_after),
        ownership_cv_after: coefficient_of_variation(&per_weight_after),
        ownership_jain_before: jain_index(&per_weight_before),
        ownership_jain_after: jain_index(&per_weight_after),
        load_max_over_mean_after: load.as_deref().and_then(max_over_mean),
        load_cv_after: load.as_deref().and_then(coefficient_of_variation),
        load_jain_after: load.as_deref().and_then(jain_index),
        instances: ring_shares(before, after, [&owned_before, &owned_after], scenario),
        moves: key_moves(moves, before, after),
        circles: ring_before
            .circle(SECTOR_COUNT)
            .zip(ring_after.circle(SECTOR_COUNT))
            .map(|(before, after)| [before, after]),
    }
}

pub(super) fn placement_of(edge: EdgeId, view: &ViewSnapshot, scenario: &Scenario) -> Placement {
    let rule = scenario.edges[edge.index()].balancer.placement_rule();
    let rule = rule.expect("only edges that balance by key are watched");
    Placement::new(rule, servers(view, scenario))
}

pub(super) fn servers(view: &ViewSnapshot, scenario: &Scenario) -> Vec<Server> {
    let topology = &scenario.topology;
    let of = |member: &crate::model::view::Member| {
        let instance = member.instance;
        let service = topology.service_instances(topology.service_of(instance));
        Server {
            owner: instance.0,
            number: instance.0 - service.start + 1,
            name: topology.instance_name(instance),
            name_hash: path_hash(&topology.node_path(topology.instance_node(instance))),
            weight: member.weight,
        }
    };
    view.members.iter().map(of).collect()
}

/// Owned shares over weights, for every member.
fn per_weight(view: &ViewSnapshot, owned: &[(u32, f64)]) -> Vec<f64> {
    let members = view.members.iter();
    members
        .map(|m| share_of(owned, m.instance) / m.weight)
        .collect()
}

fn share_of(owned: &[(u32, f64)], instance: InstanceId) -> f64 {
    let place = owned.binary_search_by_key(&instance.0, |(owner, _)| *owner);
    place.map_or(0.0, |place| owned[place].1)
}

/// The sum of what each instance's share of the weight grew.
pub(super) fn moved_ratio_ideal(before: &ViewSnapshot, after: &ViewSnapshot) -> f64 {
    if before.members.is_empty() || after.members.is_empty() {
        let both_are = before.members.is_empty() && after.members.is_empty();
        return if both_are { 0.0 } else { 1.0 };
    }
    let total = |view: &ViewSnapshot| view.members.iter().map(|m| m.weight).sum::<f64>();
    let (total_before, total_after) = (total(before), total(after));
    let growth = |member: &crate::model::view::Member| {
        let place = before.position(member.instance);
        let weight_before = place.map_or(0.0, |place| before.members[place].weight);
        (member.weight / total_after - weight_before / total_before).max(0.0)
    };
    after.members.iter().map(growth).sum()
}

/// Shares of the requests, by the popularity of their keys.
struct RequestShares {
    moved_ratio: f64,
    /// Ascending by owner.
    owned_after: Vec<(u32, f64)>,
}

fn request_shares(
    edge: EdgeId,
    before: &Placement,
    after: &Placement,
    scenario: &Scenario,
) -> Option<RequestShares> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let mut moved_ratio = 0.0;
    let mut owned = vec![0.0; scenario.topology.instance_count() as usize];
    let keys = popularities(edge, scenario)?;
    if LOOKUP_COST_MAX < keys.len() as u64 * after.lookup_cost() {
        return None;
    }
    for (key, share) in keys {
        let owner = after.owner(key);
        owned[owner as usize] += share;
        if before.owner(key) != owner {
            moved_ratio += share;
        }
    }
    let owned_after = (0u32..).zip(owned).filter(|(_, share)| 0.0 < *share);
    Some(RequestShares {
        moved_ratio,
        owned_after: owned_after.collect(),
    })
}

/// Every key with its share of the requests; None where they are too many or not known before the
/// run.
fn popularities(edge: EdgeId, scenario: &Scenario) -> Option<Vec<(u64, f64)>> {
    let EdgeOwner::Client(id) = scenario.edges[edge.index()].owner else {
        return None;
    };
    let client = &scenario.clients[id.index()];
    if let Workload::Trace(trace) = &client.workload
        && trace.rows.iter().any(|row| row.key.is_some())
    {
        let share = 1.0 / trace.rows.len() as f64;
        let row_shares = trace.rows.iter().map(|row| Some((row.key?, share)));
        return row_shares.collect();
    }
    let classes: Vec<&ClassConfig> = scenario
        .classes
        .of(id)
        .map(|c| scenario.classes.get(c))
        .collect();
    if classes.iter().any(|class| class.keys.is_some()) {
        return class_popularities(&classes, client.keys);
    }
    let count = client.keys.count();
    (count <= KEY_COUNT_MAX).then(|| law_of(client.keys))
}

/// The keys of each class, which are those of the client where the class has none of its own; a key
/// may come several times.
fn class_popularities(classes: &[&ClassConfig], keys: KeyConfig) -> Option<Vec<(u64, f64)>> {
    let mut all = Vec::new();
    for class in classes {
        let keys = class.keys.unwrap_or(keys);
        if KEY_COUNT_MAX < keys.count() {
            return None;
        }
        let shares = law_of(keys).into_iter();
        all.extend(shares.map(|(key, share)| (key, share * class.share)));
    }
    Some(all)
}

fn law_of(keys: KeyConfig) -> Vec<(u64, f64)> {
    let all = 0..keys.count();
    match keys {
        KeyConfig::Uniform { count } => {
            let share = 1.0 / f64::from(count);
            all.map(|key| (u64::from(key), share)).collect()
        }
        KeyConfig::Zipf { count, exponent } => {
            let law = Zipf::new(count, exponent);
            all.map(|key| (u64::from(key), law.probability(key)))
                .collect()
        }
        KeyConfig::HotSet {
            count,
            hot_count,
            hot_ratio,
        } => {
            let hot_count = hot_count.min(count);
            let hot_ratio = if hot_count == count { 1.0 } else { hot_ratio };
            let share = |key: u32| {
                if key < hot_count {
                    hot_ratio / f64::from(hot_count)
                } else {
                    (1.0 - hot_ratio) / f64::from(count - hot_count)
                }
            };
            all.map(|key| (u64::from(key), share(key))).collect()
        }
    }
}

fn ring_shares(
    before: &ViewSnapshot,
    after: &ViewSnapshot,
    owned: [&[(u32, f64)]; 2],
    scenario: &Scenario,
) -> Vec<RingShare> {
    let members = before.members.iter().chain(&after.members);
    let mut instances: Vec<InstanceId> = members.map(|m| m.instance).collect();
    instances.sort_unstable();
    instances.dedup();
    let share = |instance: &InstanceId| RingShare {
        instance: instance.0,
        name: scenario.topology.instance_name(*instance),
        before_ratio: share_of(owned[0], *instance),
        after_ratio: share_of(owned[1], *instance),
    };
    instances.iter().map(share).collect()
}
