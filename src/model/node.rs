//! Nodes: everything that sends or receives.

use crate::id::{HostId, NodeId, ZoneId};
use crate::model::observation::LifeState;
use crate::rng::path_hash;
use crate::scenario::Scenario;
use crate::scenario::topology::NodeKind;
use crate::time::{SimDuration, SimTime};

/// A caller, an instance, a registry member or an agent.
#[derive(Clone, Debug)]
pub struct Node {
    /// Hash of its path: its identity in keyed draws.
    pub path_hash: u64,
    /// Its zone.
    pub zone: ZoneId,
    /// Its host; nodes without instances have one each.
    pub host: HostId,
    /// Grows with every start of its process.
    pub incarnation: u32,
    /// What it is doing.
    pub state: LifeState,
    /// Windows of faults that hold it in each state other than up.
    held: [u16; HELD_STATES.len()],
    /// Local seconds per true second, minus one.
    pub drift_ratio: f64,
    /// What the clock shows beyond the true time at its present rate, in nanoseconds: what other
    /// rates before left.
    shift_ns: i64,
}

const _: () = assert!(size_of::<Node>() <= 48);

/// The states that faults hold a node in, the strongest first.
const HELD_STATES: [LifeState; 5] = [
    LifeState::HostLost,
    LifeState::Absent,
    LifeState::Crashed,
    LifeState::Restarting,
    LifeState::Paused,
];

impl Node {
    /// The state that holds now, all windows considered.
    fn effective_state(&self) -> LifeState {
        HELD_STATES
            .iter()
            .zip(self.held)
            .find(|(_, count)| *count > 0)
            .map_or(LifeState::Up, |(state, _)| *state)
    }

    /// One more window holds the node in `state`. Returns the state that holds from now on.
    pub fn hold(&mut self, state: LifeState) -> LifeState {
        self.held[place(state)] += 1;
        self.effective_state()
    }

    /// One window less holds the node in `state`. Returns the state that holds from now on.
    ///
    /// # Panics
    ///
    /// If none held it there.
    pub fn release(&mut self, state: LifeState) -> LifeState {
        let count = &mut self.held[place(state)];
        assert!(0 < *count, "no window holds the node in {state:?}");
        *count -= 1;
        self.effective_state()
    }

    /// Whether a window holds the node in `state`.
    pub fn is_held(&self, state: LifeState) -> bool {
        0 < self.held[place(state)]
    }

    /// How long a length of local time takes.
    #[inline]
    pub fn true_length(&self, local: SimDuration) -> SimDuration {
        if self.drift_ratio == 0.0 {
            return local;
        }
        local.scaled(1.0 / (1.0 + self.drift_ratio))
    }

    /// From now on the clock runs at another rate. What it shows does not jump.
    pub fn set_drift(&mut self, now: SimTime, drift_ratio: f64) {
        let shown = self.local_ns(now);
        self.drift_ratio = drift_ratio;
        self.shift_ns = 0;
        self.shift_ns = shown.cast_signed() - self.local_ns(now).cast_signed();
    }

    /// What the clock shows at a true instant, in nanoseconds since the start.
    #[inline]
    pub fn local_ns(&self, at: SimTime) -> u64 {
        if self.drift_ratio == 0.0 && self.shift_ns == 0 {
            return at.as_ns();
        }
        let shown = (at.as_ns() as f64 * (1.0 + self.drift_ratio)) as u64;
        shown.saturating_add_signed(self.shift_ns)
    }

    /// Whether it shows the true time.
    pub fn is_true(&self) -> bool {
        self.drift_ratio == 0.0 && self.shift_ns == 0
    }

    /// Whether its clock runs true, so that equal local lengths are equal true lengths of others.
    pub fn has_true_clock(&self) -> bool {
        self.drift_ratio == 0.0
    }
}

/// Where a state is counted.
fn place(state: LifeState) -> usize {
    HELD_STATES
        .iter()
        .position(|s| *s == state)
        .expect("nothing holds a node up")
}

/// How the clock of a node runs without faults.
pub fn drift_of(scenario: &Scenario, node: NodeId) -> f64 {
    let topology = &scenario.topology;
    match topology.node_kind(node) {
        NodeKind::Instance(instance) => {
            let group = topology.group_of(instance);
            scenario.groups[group.index()].clock.drift_ratio
        }
        NodeKind::Caller(client, _) => scenario.clients[client.index()].clock.drift_ratio,
        NodeKind::RegistryMember(_) => 0.0,
        NodeKind::Agent(host) => {
            // The clock is the host's.
            drift_of(scenario, NodeId(topology.host_nodes(host).start))
        }
    }
}

/// All nodes of a scenario, in order of id.
pub fn build_nodes(scenario: &Scenario) -> Vec<Node> {
    let topology = &scenario.topology;
    let mut nodes: Vec<Node> = Vec::with_capacity(topology.node_count() as usize);
    let mut hosts = 0;
    for id in (0..topology.node_count()).map(NodeId) {
        let drift_ratio = drift_of(scenario, id);
        let (zone, is_on_new_host, is_spare) = match topology.node_kind(id) {
            NodeKind::Instance(instance) => {
                let group = &scenario.groups[topology.group_of(instance).index()];
                let index = topology.index_in_group(instance);
                let is_on_new_host = index.is_multiple_of(group.instances_per_host);
                (group.zone, is_on_new_host, index >= group.count)
            }
            NodeKind::Caller(client, index) => {
                let client = &scenario.clients[client.index()];
                let zone = client.zones[index as usize % client.zones.len()];
                (zone, true, false)
            }
            NodeKind::RegistryMember(member) => {
                (scenario.registry.member_zones[member as usize], true, false)
            }
            NodeKind::Agent(host) => {
                // Where its host is, and there as soon as a process of it is.
                let own = &nodes[as_range(topology.host_nodes(host))];
                let is_spare = own.iter().all(|node| node.is_held(LifeState::Absent));
                (own[0].zone, false, is_spare)
            }
        };
        hosts += u32::from(is_on_new_host);
        let host = match topology.node_kind(id) {
            NodeKind::Agent(host) => HostId(host),
            _ => HostId(hosts - 1),
        };
        let mut node = Node {
            path_hash: path_hash(&topology.node_path(id)),
            zone,
            host,
            incarnation: 0,
            state: LifeState::Up,
            held: [0; HELD_STATES.len()],
            drift_ratio,
            shift_ns: 0,
        };
        if is_spare {
            node.state = node.hold(LifeState::Absent);
        }
        nodes.push(node);
    }
    nodes
}

fn as_range(nodes: std::ops::Range<u32>) -> std::ops::Range<usize> {
    nodes.start as usize..nodes.end as usize
}
