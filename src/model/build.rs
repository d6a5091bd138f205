//! From a scenario to a world at time zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::balancer::ViewUpdate;
use super::balancer::tables::{GroupNames, Tables};
use super::cache::Caches;
use super::caller::join::Joins;
use super::caller::plan::CallPlans;
use super::caller::several::Several;
use super::caller::{Caller, Gates};
use super::classes::ClassLaws;
use super::composition::Composition;
use super::connection::Connections;
use super::detector::ping::Pings;
use super::detector::push::Beats;
use super::event::Event;
use super::exchange::{Exchange, MakeBalancer};
use super::fault::FaultSteps;
use super::fault_plan::{self, TooManyWindows};
use super::gossip::Gossip;
use super::in_flight::InFlight;
use super::instance::Instance;
use super::link_fault::link_sides;
use super::network::Network;
use super::node::{Node, build_nodes};
use super::observation::{LifeState, Observation, Observer};
use super::reaction::Reactions;
use super::rebuild::Rebuilds;
use super::registry::lease::Lease;
use super::registry::system::System;
use super::registry::{Registry, contact_of};
use super::request::TriedLists;
use super::sampler::Sampler;
use super::server::ServerState;
use super::sharing::Sharing;
use super::target::Targets;
use super::workload::WorkloadState;
use super::world::World;
use crate::engine::{Digest, EventQueue, Lanes, Line, PendingSet, Slab, Timer};
use crate::id::{CallerId, ClientId, EdgeId, GroupId, InstanceId, NodeId, ServiceId};
use crate::rng::{Streams, path_hash};
use crate::scenario::Scenario;
use crate::scenario::client::{EdgeOwner, Workload};
use crate::scenario::registry::RegistryProfile;
use crate::scenario::service::{Discipline, RegisteredConfig};
use crate::time::{SimDuration, SimTime};

/// The version of the list that every calling side has at the start.
const FIRST_VERSION: u64 = 1;

/// Ends that may wait for each lease, 16 bytes each.
const WAITING_END_COUNT_MAX: u64 = 4;

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    /// The world at time zero, with everything scheduled that happens by itself.
    pub(super) fn build(
        scenario: &'s Scenario,
        seed: u64,
        observer: &'s mut O,
        make: MakeBalancer<'s>,
    ) -> Result<Self, TooManyWindows> {
        let streams = Streams::new(seed);
        let nodes = build_nodes(scenario);
        let windows = fault_plan::plan(scenario, &nodes, &streams)?;
        let network = Network::new(&scenario.network, &streams, &nodes, |link| {
            let salt = path_hash(&format!("network.link.{}", link.name));
            let targets = Targets {
                scenario,
                nodes: &nodes,
                streams: &streams,
                leader: None,
            };
            link_sides(&targets, (&link.from, &link.to), salt)
        });
        let instances = build_instances(scenario);
        let instance_paths = nodes[..instances.len()]
            .iter()
            .map(|n| n.path_hash)
            .collect();
        let targets = Targets {
            scenario,
            nodes: &nodes,
            streams: &streams,
            leader: None,
        };
        let reactions = Reactions::new(scenario, &targets);
        let mut tables = Tables::new(instance_paths).with_groups(group_names(scenario));
        let published = (0..scenario.services.len())
            .map(ServiceId::from_index)
            .map(|service| {
                (
                    FIRST_VERSION,
                    tables
                        .views
                        .intern(service, first_list(scenario, &nodes, service)),
                )
            })
            .collect();
        let edge_count = u32::try_from(scenario.edges.len()).expect("few edges");
        let mut world = World {
            scenario,
            observer,
            queue: build_queue(&network),
            digest: Digest::new(),
            network,
            requests: Slab::new(),
            tried: TriedLists::default(),
            attempts: Slab::new(),
            attempt_lanes: Lanes::new(edge_count),
            attempt_timers: Vec::new(),
            several: Several::new(scenario),
            gates: Gates::new(scenario),
            connections: Connections::new(scenario),
            service_times: scenario
                .services
                .iter()
                .map(|s| Sampler::new(&s.service_time))
                .collect(),
            classes: ClassLaws::new(scenario),
            callers: Vec::new(),
            edge_hashes: scenario
                .edges
                .iter()
                .map(|edge| path_hash(&edge.path))
                .collect(),
            tables,
            composition: Composition::new(scenario, &nodes),
            exchange: Exchange::new(make),
            workloads: build_workloads(scenario, &streams),
            request_counts: vec![0; nodes.len() - instances.len()],
            registry: build_registry(scenario, &nodes, published),
            pings: Pings::new(scenario, &nodes),
            beats: Beats::new(scenario),
            gossip: Gossip::new(scenario, &nodes),
            servers: ServerState::new(scenario),
            faults: FaultSteps::new(windows),
            reactions,
            deferred: BTreeMap::new(),
            restarts: BTreeMap::new(),
            in_flight_count: 0,
            caches: Caches::new(scenario),
            rebuilds: Rebuilds::new(scenario),
            plans: CallPlans::new(scenario),
            joins: Joins::new(),
            is_noting: false,
            breakdown: scenario.has_breakdown.then(Box::default),
            streams,
            states: nodes.iter().map(|node| node.state).collect(),
            nodes,
            instances,
        };
        world.is_noting = world.reactions.is_watching;
        world.start();
        Ok(world)
    }

    /// Everything begins. Faults come first, so that at equal instants they act before the rest.
    fn start(&mut self) {
        self.start_faults();
        self.start_servers();
        self.observe_absent();
        for index in 0..self.instances.len() {
            let instance = InstanceId::from_index(index);
            let is_static = self.is_static(self.instances[index].service);
            if self.is_listed(instance) && !is_static && !self.has_system() {
                self.start_lease(instance);
            }
        }
        for edge in 0..self.scenario.edges.len() {
            self.start_calling_sides(EdgeId::from_index(edge));
        }
        self.start_gossip();
        self.start_polls();
        self.with_protocol(|protocol, port| protocol.start(port));
        self.start_exchange();
        self.start_workloads();
        self.start_scalers();
        self.assert_bare();
        if self.is_noting {
            self.settle();
        }
    }

    /// Tells which nodes are not there yet.
    fn observe_absent(&mut self) {
        for index in 0..self.nodes.len() {
            let state = self.nodes[index].state;
            if state != LifeState::Up {
                let node = NodeId::from_index(index);
                self.observe(Observation::NodeChanged {
                    node,
                    state,
                    fault: None,
                });
            }
        }
    }

    fn start_calling_sides(&mut self, edge: EdgeId) {
        let scenario = self.scenario;
        let config = &scenario.edges[edge.index()];
        let view = Arc::clone(&self.registry.published[config.to.index()].1);
        for caller in scenario.topology.edge_callers(edge) {
            let caller = CallerId(caller);
            assert!(
                caller.index() == self.callers.len(),
                "calling sides are made in order"
            );
            let node = scenario.topology.caller_node(caller);
            let mut balancer = self.make_balancer(caller, edge);
            balancer.on_update(&mut ViewUpdate {
                now: SimTime::START,
                listed: &view,
                candidates: &view,
                started_at: &[],
                tables: &mut self.tables,
            });
            self.exchange.add_side(caller, config.to, balancer.needs());
            self.callers.push(Caller {
                edge,
                node,
                client: match config.owner {
                    EdgeOwner::Client(client) => Some(client),
                    EdgeOwner::Service(_) => None,
                },
                balancer,
                listed: Arc::clone(&view),
                listed_version: FIRST_VERSION,
                candidates: Arc::clone(&view),
                in_flight: InFlight::to(scenario.topology.service_instances(config.to)),
                suspects: Vec::new(),
                pairs: Vec::new(),
                poll: Timer::UNSET,
                poll_count: 0,
                resilience: None,
            });
            self.observe(Observation::CandidatesChanged {
                caller,
                edge,
                view: &view,
            });
            let node = self.caller_node(caller);
            if self.nodes[node.index()].state == LifeState::Up {
                self.sync_pairs(caller);
            }
        }
    }
}

/// What the instances of every group are called, without their numbers.
fn group_names(scenario: &Scenario) -> Vec<GroupNames> {
    let topology = &scenario.topology;
    let of = |index: usize| {
        let instances = topology.group_instances(GroupId::from_index(index));
        let first = InstanceId(instances.start);
        (!instances.is_empty()).then(|| {
            let name = topology.instance_name(first);
            let service = topology.service_of(first);
            GroupNames {
                first,
                service_first: InstanceId(topology.service_instances(service).start),
                prefix: name.trim_end_matches('0').to_string(),
            }
        })
    };
    (0..scenario.groups.len()).filter_map(of).collect()
}

fn build_instances(scenario: &Scenario) -> Vec<Instance> {
    let mut instances = Vec::with_capacity(scenario.topology.instance_count() as usize);
    for group in &scenario.groups {
        let service = &scenario.services[group.service.index()];
        for _ in 0..group.count + group.count_spare {
            let mut instance =
                Instance::new(group.service, group.workers, group.speed, group.weight);
            if service.discipline == Discipline::ProcessorSharing {
                instance.sharing = Some(Box::new(Sharing::default()));
            }
            instances.push(instance);
        }
    }
    instances
}

/// What the list of a service has at the start: all instances that are there, but for those with
/// weight 0.
fn first_list(scenario: &Scenario, nodes: &[Node], service: ServiceId) -> Vec<super::view::Member> {
    scenario
        .topology
        .service_instances(service)
        .map(InstanceId)
        .map(|instance| {
            let group = &scenario.groups[scenario.topology.group_of(instance).index()];
            let zone = nodes[instance.index()].zone;
            super::view::Member {
                instance,
                zone,
                weight: group.weight,
            }
        })
        .filter(|m| nodes[m.instance.index()].state == LifeState::Up && m.weight > 0.0)
        .collect()
}

fn build_registry(
    scenario: &Scenario,
    nodes: &[Node],
    published: Vec<(u64, Arc<super::view::ViewSnapshot>)>,
) -> Registry {
    let mut registered = scenario
        .services
        .iter()
        .filter_map(|service| service.registered);
    let topology = &scenario.topology;
    let instances = (0..topology.instance_count()).map(InstanceId);
    let heartbeat_interval = registered.next().map(|first| first.heartbeat_interval);
    Registry {
        leases: build_leases(scenario, nodes),
        services: instances.map(|i| topology.service_of(i)).collect(),
        published,
        is_dirty: vec![false; scenario.services.len()],
        publish_after: vec![SimTime::START; scenario.services.len()],
        messages: Default::default(),
        contact: contact_of(scenario, nodes),
        is_up: topology.registry_member_count() > 0,
        heartbeats: Line::new(heartbeat_interval.unwrap_or(SimDuration::MAX)),
        ends: Line::of_limits(common_lease(scenario).unwrap_or(SimDuration::MAX)),
        system: System::build(scenario),
    }
}

/// The length of the leases whose ends come in the order of renewals: those of the first service,
/// if they end at once and are renewed so seldom that few ends wait for each.
fn common_lease(scenario: &Scenario) -> Option<SimDuration> {
    let RegistryProfile::Lease(config) = &scenario.registry.profile else {
        return None;
    };
    let registered = || {
        scenario
            .services
            .iter()
            .filter_map(|service| service.registered)
    };
    let length = registered().next()?.lease_duration;
    let waits_few = |own: RegisteredConfig| {
        let longest = own.heartbeat_interval.saturating_mul(WAITING_END_COUNT_MAX);
        own.lease_duration != length || length <= longest
    };
    (config.sweep_interval.is_zero() && registered().all(waits_few)).then_some(length)
}

fn build_queue<S: PendingSet>(network: &Network) -> EventQueue<Event, S> {
    let mut queue = EventQueue::new();
    if let Some(delay) = network.constant_delay() {
        queue.set_steady_delay(delay);
    }
    queue
}

fn build_leases(scenario: &Scenario, nodes: &[Node]) -> Vec<Lease> {
    let topology = &scenario.topology;
    let lease = |instance: InstanceId| {
        let is_up = nodes[instance.index()].state == LifeState::Up;
        let mut lease = Lease::new(is_up);
        let group = &scenario.groups[topology.group_of(instance).index()];
        // Only a window of a `scale_out` brings in a spare one.
        let is_spare = group.count <= topology.index_in_group(instance);
        lease.leave_count = u16::from(is_spare);
        lease
    };
    (0..topology.instance_count())
        .map(InstanceId)
        .map(lease)
        .collect()
}

fn build_workloads(scenario: &Scenario, streams: &Streams) -> Vec<WorkloadState> {
    let user_count = |workload: &Workload| match workload {
        Workload::Closed { user_count, .. } => *user_count,
        Workload::Open { .. } | Workload::Trace(_) => 0,
    };
    let workloads = || scenario.clients.iter().map(|client| &client.workload);
    let mut first_user = 0;
    let mut first_row = workloads().map(user_count).sum();
    let mut states = Vec::with_capacity(scenario.clients.len());
    for (index, workload) in workloads().enumerate() {
        let client = ClientId::from_index(index);
        let firsts = (first_user, first_row);
        states.push(WorkloadState::new(scenario, client, firsts, streams));
        first_user += user_count(workload);
        if let Workload::Trace(trace) = workload {
            first_row += trace.row_count();
        }
    }
    states
}
