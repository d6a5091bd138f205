//! Gossip: members of a cluster find out by themselves who of them is dead (SWIM, and Lifeguard as
//! in hashicorp/memberlist).
//!
//! Every member probes one other member per interval (`probe`), tells others what it found out and
//! believes what it is told (`spread`), and exchanges its whole list with somebody from time to
//! time (`sync`). Members are numbered over all clusters; within a cluster a member has a *place*,
//! its number less that of the first member.
//!
//! # What others build on it
//!
//! Whoever wants a cluster describes it with a [`Cluster`] and adds it before the run starts. Each
//! change of what a member believes goes through one function,
//! `World::on_belief_changed`, with the node that believes, the node that is meant, and a
//! [`BeliefChange`]: a registry hooks in there. [`Gossip::failed_by`] lists what a member takes for
//! dead. Life and death of nodes reach the members by themselves.

mod belief;
mod broadcasts;
pub mod message;
mod order;
mod probe;
mod rules;
mod spread;
mod sync;
pub mod view;

use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{NodeId, ServiceId};
use crate::rng::{mix, path_hash};
use crate::scenario::Scenario;
use crate::scenario::detector::DetectorConfig;
use crate::scenario::gossip::GossipConfig;
use crate::time::{SimDuration, SimTime};

use self::broadcasts::Broadcasts;
use self::message::{Loads, Message, Update};
use self::order::Order;
use self::probe::{Probe, Relay};
use self::spread::Suspicion;
use self::view::{Base, Belief, Census, View};
use super::event::Event;
use super::node::Node;
use super::observation::Observer;
use super::world::{Deferred, World};

pub use self::belief::BeliefChange;

/// The incarnation of every process that starts.
const FIRST_INCARNATION: u32 = 1;

/// Entries of views above which common ones are looked for, and those for each member.
const ENTRY_COUNT_MIN: u64 = 1_024;
const ENTRIES_PER_MEMBER: u64 = 4;

/// A group of nodes that watch each other.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// How.
    pub config: GossipConfig,
    /// Whose messages they are, in counts; None: the registry's.
    pub service: Option<ServiceId>,
    /// The members; those that are up at the start know each other.
    pub nodes: Vec<NodeId>,
    /// Who is told what they believe.
    pub audience: Audience,
}

/// Who is told what the members of a cluster believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The observer of the run, of instances, and the calling sides that listen to their members.
    Observer,
    /// The protocol of the registry.
    Registry,
}

/// A cluster in a run.
#[derive(Debug)]
struct ClusterState {
    config: GossipConfig,
    service: Option<ServiceId>,
    audience: Audience,
    /// The first member, and how many there are.
    first: u32,
    count: u32,
    /// What all believe unless their views say otherwise, by place.
    base: Vec<Base>,
    /// Members of the base that are alive, and which ones lost their places.
    base_alive_count: u32,
    base_reclaimed: Vec<u32>,
    /// Entries of all views.
    entry_count: u64,
    /// Entries at which common ones are looked for.
    entry_count_max: u64,
}

/// One member.
#[derive(Debug)]
struct Member {
    node: NodeId,
    cluster: u32,
    /// Its own incarnation, which only it raises.
    incarnation: u32,
    /// How much it doubts itself.
    score: u32,
    /// It knows the others.
    is_joined: bool,
    /// It said that it leaves.
    is_leaving: bool,
    /// When its process started.
    started_at: SimTime,
    probe: Probe,
    /// Which pass over the others it is in, and where.
    pass: u32,
    place_next: u32,
    order: Order,
    timers: [Timer; DUE_COUNT],
    /// The next probe by the clock of probes.
    probe_at: SimTime,
    /// Sendings of updates and full exchanges so far.
    gossip_count: u32,
    sync_count: u32,
    view: View,
    queue: Broadcasts,
}

/// What is due at a member: a number of its own in [`Event::GossipDue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The next probe.
    Probe = 0,
    /// The next step of the probe under way.
    Step = 1,
    /// To pass on updates.
    Gossip = 2,
    /// To exchange lists, or to join.
    Sync = 3,
    /// To try to join somebody who is taken for dead.
    Reconnect = 4,
}

const DUE_COUNT: usize = 5;
/// Bits of an event's index that say what is due.
const DUE_BITS: u32 = 3;

/// All clusters of a run.
#[derive(Debug)]
pub struct Gossip {
    clusters: Vec<ClusterState>,
    members: Vec<Member>,
    /// The members of each node, by node.
    by_node: Vec<(NodeId, u32)>,
    suspicions: Slab<Suspicion>,
    relays: Slab<Relay>,
    messages: Slab<Message>,
    loads: Loads,
    spare_loads: Vec<Vec<Update>>,
    /// Whether calling sides believe what their members believe.
    has_listeners: bool,
    /// Members that were chosen last.
    chosen: Vec<u32>,
    /// Names the draws of each kind of message.
    kind_hash: u64,
    /// Names the draws of phases and choices.
    draw_hash: u64,
}

impl Gossip {
    /// The clusters of a scenario.
    pub fn new(scenario: &Scenario, nodes: &[Node]) -> Self {
        let mut gossip = Gossip {
            clusters: Vec::new(),
            members: Vec::new(),
            by_node: Vec::new(),
            suspicions: Slab::new(),
            relays: Slab::new(),
            messages: Slab::new(),
            loads: Loads::default(),
            spare_loads: Vec::new(),
            has_listeners: scenario
                .edges
                .iter()
                .any(|edge| matches!(edge.detector, Some(DetectorConfig::Gossip { .. }))),
            chosen: Vec::new(),
            kind_hash: path_hash("gossip.message"),
            draw_hash: path_hash("gossip.choice"),
        };
        for cluster in &scenario.clusters {
            let instances = cluster
                .services
                .iter()
                .flat_map(|service| scenario.topology.service_instances(*service));
            gossip.add(
                Cluster {
                    config: cluster.gossip,
                    service: Some(cluster.service),
                    nodes: instances.map(NodeId).collect(),
                    audience: Audience::Observer,
                },
                nodes,
            );
        }
        if let Some(config) = scenario.registry.profile.gossip() {
            let topology = &scenario.topology;
            let servers = (0..topology.registry_member_count()).map(|m| topology.registry_node(m));
            let agents = (0..topology.agent_count()).map(|host| topology.agent_node(host));
            gossip.add(
                Cluster {
                    config: *config,
                    service: None,
                    nodes: servers.chain(agents).collect(),
                    audience: Audience::Registry,
                },
                nodes,
            );
        }
        gossip
    }

    /// Adds a cluster, before the run starts. Returns its number; those of the scenario come first.
    pub fn add(&mut self, cluster: Cluster, nodes: &[Node]) -> u32 {
        let number = u32::try_from(self.clusters.len()).expect("few clusters");
        let first = u32::try_from(self.members.len()).expect("members are counted in 32 bits");
        let count = u32::try_from(cluster.nodes.len()).expect("nodes are counted in 32 bits");
        let base: Vec<Base> = cluster
            .nodes
            .iter()
            .map(|node| match nodes[node.index()].state.is_up() {
                true => Base {
                    belief: Belief::Alive,
                    incarnation: FIRST_INCARNATION,
                },
                false => Base {
                    belief: Belief::Unknown,
                    incarnation: 0,
                },
            })
            .collect();
        let is_alive = |base: &&Base| base.belief == Belief::Alive;
        let base_alive_count = base.iter().filter(is_alive).count() as u32;
        for (place, node) in (0..).zip(&cluster.nodes) {
            self.by_node.push((*node, first + place));
            let view = View::new(base_alive_count);
            self.members.push(Member::new(*node, number, view));
        }
        self.by_node.sort_unstable();
        self.clusters.push(ClusterState {
            config: cluster.config,
            service: cluster.service,
            audience: cluster.audience,
            first,
            count,
            base,
            base_alive_count,
            base_reclaimed: Vec::new(),
            entry_count: 0,
            entry_count_max: ENTRY_COUNT_MIN + ENTRIES_PER_MEMBER * u64::from(count),
        });
        number
    }

    /// The members that a node is: one for each of its clusters.
    fn members_of(&self, node: NodeId) -> impl Iterator<Item = u32> + use<'_> {
        let first = self.by_node.partition_point(|(other, _)| *other < node);
        let of_node = self.by_node[first..].iter();
        of_node
            .take_while(move |(other, _)| *other == node)
            .map(|(_, member)| *member)
    }

    /// The cluster of a member.
    fn cluster(&self, member: u32) -> &ClusterState {
        let cluster = self.members[member as usize].cluster;
        &self.clusters[cluster as usize]
    }

    fn config(&self, member: u32) -> &GossipConfig {
        &self.cluster(member).config
    }

    /// The place of a member in its cluster.
    fn place(&self, member: u32) -> u32 {
        member - self.cluster(member).first
    }

    /// Makes common what all views of a cluster say, if it may be worth it.
    fn compact(&mut self, cluster: u32) {
        let state = &mut self.clusters[cluster as usize];
        if state.entry_count < state.entry_count_max {
            return;
        }
        let range = state.first as usize..(state.first + state.count) as usize;
        let members = &mut self.members[range];
        let mut census = Census::new(state.count);
        let joined = members.iter().filter(|member| member.is_joined);
        let view_count = joined.map(|member| census.add(&member.view)).count() as u32;
        let mut is_common = vec![false; state.count as usize];
        for (place, base) in (0..).zip(&mut state.base) {
            let has_view = members[place as usize].is_joined;
            if let Some(common) = census.common(place, view_count, has_view) {
                *base = common;
                is_common[place as usize] = true;
            }
        }
        let is_alive = |base: &&Base| base.belief == Belief::Alive;
        state.base_alive_count = state.base.iter().filter(is_alive).count() as u32;
        let reclaimed = (0..).zip(&state.base);
        let reclaimed = reclaimed.filter(|(_, base)| base.belief == Belief::Reclaimed);
        state.base_reclaimed = reclaimed.map(|(place, _)| place).collect();
        for member in members {
            let dropped = member
                .view
                .drop_where(|entry| is_common[entry.subject as usize]);
            state.entry_count -= dropped as u64;
        }
        let least = ENTRY_COUNT_MIN + ENTRIES_PER_MEMBER * u64::from(state.count);
        state.entry_count_max = least.max(2 * state.entry_count);
    }
}

impl Member {
    fn new(node: NodeId, cluster: u32, view: View) -> Self {
        Member {
            node,
            cluster,
            incarnation: FIRST_INCARNATION,
            score: 0,
            is_joined: false,
            is_leaving: false,
            started_at: SimTime::START,
            probe: Probe::default(),
            pass: 0,
            place_next: u32::MAX,
            order: Order::default(),
            timers: [Timer::UNSET; DUE_COUNT],
            probe_at: SimTime::START,
            gossip_count: 0,
            sync_count: 0,
            view,
            queue: Broadcasts::default(),
        }
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Members that are up at the start know each other.
    pub(super) fn start_gossip(&mut self) {
        for member in 0..self.gossip.members.len() {
            let node = self.gossip.members[member].node;
            if self.nodes[node.index()].state.is_up() {
                let member = u32::try_from(member).expect("members are counted in 32 bits");
                self.gossip.members[member as usize].is_joined = true;
                self.start_ticks(member);
            }
        }
    }

    /// Schedules something at a member.
    fn set_due(&mut self, member: u32, due: Due, at: SimTime) {
        let event = Event::GossipDue(member << DUE_BITS | due as u32);
        if at == SimTime::NEVER {
            return self.gossip.members[member as usize].timers[due as usize].cancel();
        }
        let sequence = self.queue.push(at, event);
        self.gossip.members[member as usize].timers[due as usize].set(sequence);
    }

    /// Something is due at a member.
    #[inline(never)]
    pub(super) fn on_gossip_due(&mut self, index: u32, sequence: u64) {
        let (number, what) = (index >> DUE_BITS, (index & 7) as usize);
        let member = &mut self.gossip.members[number as usize];
        let node = member.node;
        if !member.timers[what].is_live(sequence) {
            return;
        }
        let event = Event::GossipDue(index);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let member = &mut self.gossip.members[number as usize];
        member.timers[what].cancel();
        let cluster = member.cluster;
        let name = mix(self.nodes[node.index()].path_hash ^ u64::from(cluster));
        self.fold(event, node, name ^ what as u64);
        match what {
            0 => self.on_probe_tick(number),
            1 => self.on_probe_step(number),
            2 => self.on_gossip_tick(number),
            3 => self.on_sync_tick(number),
            _ => self.on_reconnect_tick(number),
        }
        self.gossip.compact(cluster);
    }

    /// A process starts its clocks: probes and full exchanges; updates are passed on when there are
    /// some.
    fn start_ticks(&mut self, member: u32) {
        let now = self.now();
        let state = &mut self.gossip.members[member as usize];
        (state.started_at, state.place_next) = (now, u32::MAX);
        let config = *self.gossip.config(member);
        let first = self.first_phase(member, Due::Probe, config.probe_interval);
        self.gossip.members[member as usize].probe_at = now + first;
        self.set_due(member, Due::Probe, now + first);
        if !config.push_pull_interval.is_zero() && self.gossip.members[member as usize].is_joined {
            // A random stagger, then the first interval.
            let stagger = self.first_phase(member, Due::Sync, config.push_pull_interval);
            let at = now + stagger + self.sync_interval(member);
            self.set_due(member, Due::Sync, at);
        }
        if !config.reconnect_interval.is_zero() {
            let first = self.first_phase(member, Due::Reconnect, config.reconnect_interval);
            self.set_due(member, Due::Reconnect, now + first);
        }
    }

    /// From the start of a process to the first tick of one of its clocks.
    fn first_phase(&self, member: u32, due: Due, interval: SimDuration) -> SimDuration {
        let state = &self.gossip.members[member as usize];
        let node = &self.nodes[state.node.index()];
        let name = mix(self.gossip.draw_hash ^ node.path_hash)
            ^ (u64::from(state.cluster) << 8 | due as u64);
        let phase = self.gossip.config(member).phase;
        self.first_tick(state.node, name, node.true_length(interval), phase)
    }

    /// A node died: its members know nothing any more.
    pub(super) fn on_member_died(&mut self, node: NodeId) {
        let members: Vec<u32> = self.gossip.members_of(node).collect();
        for member in members {
            self.forget_view(member);
            let state = &mut self.gossip.members[member as usize];
            state.timers = [Timer::UNSET; DUE_COUNT];
            (state.is_joined, state.is_leaving) = (false, false);
            state.probe.stop();
            state.queue.clear();
        }
    }

    /// A node started: its members look for somebody to join.
    pub(super) fn on_member_started(&mut self, node: NodeId) {
        let members: Vec<u32> = self.gossip.members_of(node).collect();
        for member in members {
            let state = &mut self.gossip.members[member as usize];
            (state.incarnation, state.score) = (FIRST_INCARNATION, 0);
            self.start_ticks(member);
            self.set_due(member, Due::Sync, self.now());
        }
    }
}
