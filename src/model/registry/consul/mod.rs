//! Consul 1.8: an agent on every host that checks its instances, servers that agree by raft, and
//! gossip between all of them.
//!
//! Source: `agent/checks/check.go`, `agent/local/state.go` and `agent/ae/ae.go` (anti-entropy),
//! `agent/agent.go` (reaper), `agent/router/manager.go`, `agent/consul/{client,rpc,leader}.go`,
//! `api/watch/plan.go`, `agent/cache/cache.go`, and the timers of hashicorp/raft 1.1; recorded:
//! TTL and HTTP checks, deregistration and gossip of 1.8.7.
//!
//! Instances register with the agent of their host, over its loopback: nothing of that passes the
//! network. The agent brings what it knows to the servers, and asks them for the calling sides on
//! its host. It dies with its host only; then gossip notices, and the leader marks the node.
//!
//! Left out: ACLs, sessions, streaming, prepared queries, WAN, script checks; elections are not
//! played out vote by vote.

mod agent;
mod check;
mod leader;
mod message;
mod peer;
mod rebalance;
mod rpc;
mod server;
mod state;
mod sync;
mod watch;

pub use message::{Alarm, Entry, Job, Message};

use self::agent::Agent;
use self::check::Counters;
use self::message::Status;
use self::server::Server;
use self::state::State;
use self::watch::Watch;
use super::system::parties::{Alarms, parties};
use super::system::quorum::{Effect, Ensemble};
use super::system::{self, Port, Probed, Protocol};
use crate::engine::DenseMap;
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::gossip::BeliefChange;
use crate::scenario::Scenario;
use crate::scenario::registry::consul::ConsulConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};
use crate::time::SimTime;

/// An instance as the agent of its host knows it.
#[derive(Clone, Copy, Debug)]
struct Local {
    agent: u32,
    service: ServiceId,
    /// The process wants to be registered.
    is_wanted: bool,
    /// It is registered with the agent.
    is_known: bool,
    status: Status,
    /// Since when its check is critical; never if it is not.
    critical_since: SimTime,
    /// What it reported last is on the agent's disk, and holds until then.
    reported_until: SimTime,
    counters: Counters,
    /// Checks so far, and whether one is under way.
    check_number: u32,
    is_checking: bool,
    /// The servers have what the agent has.
    is_in_sync: bool,
    /// The text of its check is another one.
    has_news: bool,
    /// Changes so far.
    change_count: u32,
}

impl Local {
    /// What the servers have is no longer what the agent has.
    fn note_change(&mut self) {
        self.is_in_sync = false;
        self.change_count += 1;
    }
}

/// Consul.
#[derive(Debug)]
pub struct Consul {
    config: ConsulConfig,
    sizes: SizesConfig,
    ensemble: Ensemble,
    servers: Vec<Server>,
    agents: Vec<Agent>,
    /// The first agent's node.
    first_agent: u32,
    locals: DenseMap<InstanceId, Local>,
    watches: Vec<Watch>,
    alarms: Alarms<Alarm>,
    /// Random numbers drawn so far, which name the next ones.
    draw_count: u32,
    /// Nodes that gossip knows.
    node_count: u32,
}

impl Consul {
    /// The agents, servers and watches of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &ConsulConfig) -> Self {
        let topology = &scenario.topology;
        let ensemble = Ensemble::new(scenario, system, &config.quorum);
        let agent_count = topology.agent_count();
        let state = State::new(scenario);
        let mut consul = Consul {
            config: config.clone(),
            sizes: system.sizes,
            servers: (0..ensemble.member_count())
                .map(|_| Server::new(state.clone()))
                .collect(),
            node_count: agent_count + ensemble.member_count(),
            ensemble,
            agents: (0..agent_count)
                .map(|host| Agent::new(topology.agent_node(host)))
                .collect(),
            first_agent: topology.node_count() - agent_count,
            locals: DenseMap::default(),
            watches: Vec::new(),
            alarms: Alarms::new(scenario, system::Alarm::Consul),
            draw_count: 0,
        };
        for party in parties(scenario) {
            let agent = topology.agent_of(party.node).expect("every host has one");
            if let Some((instance, service, _)) = party.instance {
                consul.add_local(agent, instance, service);
            }
            for (caller, service) in party.sides {
                consul.add_side(agent, party.node, caller, service);
            }
        }
        consul
    }

    fn add_local(&mut self, agent: u32, instance: InstanceId, service: ServiceId) {
        self.agents[agent as usize].instances.push(instance);
        let local = Local {
            agent,
            service,
            is_wanted: false,
            is_known: false,
            status: self.first_status(),
            critical_since: SimTime::NEVER,
            reported_until: SimTime::START,
            counters: Counters::new(&self.config.check),
            check_number: 0,
            is_checking: false,
            is_in_sync: true,
            has_news: false,
            change_count: 0,
        };
        self.locals.insert(instance, local);
    }

    fn add_side(&mut self, agent: u32, node: NodeId, caller: CallerId, service: ServiceId) {
        let shared = self.agents[agent as usize].watches.iter().copied();
        let shared = shared
            .filter(|_| self.config.query.uses_cache)
            .find(|watch| self.watches[*watch as usize].service == service);
        let watch = shared.unwrap_or_else(|| {
            let number = self.watches.len() as u32;
            self.agents[agent as usize].watches.push(number);
            self.watches.push(Watch::new(agent, service));
            number
        });
        self.watches[watch as usize].sides.push((caller, node));
    }

    /// The status of a registration before its first check.
    fn first_status(&self) -> Status {
        match self.config.check.is_passing_at_first {
            true => Status::Passing,
            false => Status::Critical,
        }
    }

    fn draw_number(&mut self) -> u32 {
        self.draw_count = self.draw_count.wrapping_add(1);
        self.draw_count
    }

    /// The node of an agent.
    fn node_of(&self, agent: u32) -> NodeId {
        NodeId(self.first_agent + agent)
    }

    fn agent_of(&self, node: NodeId) -> Option<u32> {
        node.0.checked_sub(self.first_agent)
    }

    fn on_own_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: Alarm) {
        self.alarms.note_fired(node, alarm);
        match (alarm, self.agent_of(node), self.ensemble.member_of(node)) {
            (Alarm::Pass { instance }, None, None) => self.pass(port, instance),
            (Alarm::Report { instance }, Some(_), _) => self.take_report(port, instance),
            (Alarm::Expire { instance }, Some(_), _) => {
                self.update_check(port, instance, Status::Critical);
            }
            (Alarm::Check { instance }, Some(_), _) => self.begin_check(port, instance),
            (Alarm::CheckTimeout { instance }, Some(_), _) => self.end_check(port, instance, false),
            (Alarm::Output { instance }, Some(_), _) => self.send_output(port, instance),
            (Alarm::Reap, Some(agent), _) => self.reap(port, agent),
            (Alarm::FullSync, Some(agent), _) => self.on_full_sync_due(port, agent),
            (Alarm::SyncAgain, Some(agent), _) => self.on_full_sync_due(port, agent),
            (Alarm::Rebalance, Some(agent), _) => self.rebalance(port, agent),
            (Alarm::KeepAlive { member }, Some(agent), _) => self.keep_alive(port, agent, member),
            (Alarm::Silence { member }, Some(agent), _) => self.on_silence(port, agent, member),
            (Alarm::Retry { number }, Some(agent), _) => self.try_request(port, agent, number),
            (Alarm::Timeout { number }, Some(agent), _) => {
                self.finish_request(port, agent, number, None);
            }
            (Alarm::Watch { watch }, Some(_), _) => self.ask(port, watch),
            (Alarm::Heartbeat, _, Some(member)) => self.on_heartbeat_due(port, member),
            (Alarm::Lease, _, Some(member)) => self.check_lease(port, member),
            (Alarm::Reconcile, _, Some(member)) => self.reconcile(port, member),
            (Alarm::PeerCheck, _, Some(member)) => self.check_peers(port, member),
            (Alarm::PeerSilence, _, Some(member)) => self.on_peer_silence(port, member),
            (Alarm::Held { number }, _, Some(member)) => self.serve_held(port, member, number),
            (Alarm::QueryEnds { query }, _, Some(member)) => self.end_query(port, member, query),
            _ => unreachable!("everybody has timers of its own"),
        }
    }
}

impl Protocol for Consul {
    fn start(&mut self, port: &mut dyn Port) {
        self.prepare(port);
        self.ensemble.start(port);
        self.settle(port);
        self.start_agents(port);
    }

    fn settle(&mut self, port: &mut dyn Port) {
        while let Some(effect) = self.ensemble.effects.pop_front() {
            match effect {
                Effect::Apply {
                    member,
                    zxid,
                    entry,
                } => {
                    let system::Entry::Consul(entry) = entry else {
                        unreachable!("it proposes its own entries");
                    };
                    self.apply(port, member, zxid, entry);
                }
                Effect::CopyState { from, to } => self.copy_state(port, from, to),
                Effect::Leads { member } => self.take_office(port, member),
                Effect::Follows { member } | Effect::Looks { member } => {
                    self.leave_office(port, member);
                }
                Effect::Done { member, job } => {
                    let system::Job::Consul(job) = job else {
                        unreachable!("the quorum does its own work");
                    };
                    self.on_job(port, member, job);
                }
            }
        }
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let members = (self.ensemble.member_of(from), self.ensemble.member_of(to));
        match (message, members) {
            (system::Message::Quorum(message), (Some(from), Some(to))) => {
                self.ensemble.on_message(port, from, to, message);
            }
            (system::Message::Consul(message), (Some(from), Some(to))) => {
                self.on_peer_message(port, from, to, message);
            }
            (system::Message::Consul(message), (None, Some(to))) => {
                let agent = self.agent_of(from).expect("only agents ask");
                self.on_agent_message(port, agent, to, message);
            }
            (system::Message::Consul(message), (Some(from), None)) => {
                let agent = self.agent_of(to).expect("only agents are told anything");
                self.on_server_message(port, agent, from, message);
            }
            _ => unreachable!("nobody speaks another protocol"),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        if let (system::Message::Consul(message), Some(member)) =
            (message, self.ensemble.member_of(to))
        {
            match (self.agent_of(from), self.ensemble.member_of(from)) {
                (Some(agent), _) => self.on_reset(port, agent, member, &message),
                (_, Some(own)) => self.fail_forwards(port, own, member),
                (None, None) => {}
            }
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: system::Alarm) {
        match self.ensemble.take_alarm(port, alarm) {
            None => {}
            Some(system::Alarm::Consul(alarm)) => self.on_own_alarm(port, node, alarm),
            Some(_) => unreachable!("it sets no other timers"),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.stop_server(port, member);
            self.ensemble.on_died(port, member);
        } else if let Some(agent) = self.agent_of(node) {
            self.stop_agent(port, agent);
        } else {
            self.stop_process(port, node);
        }
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.ensemble.on_started(port, member);
            self.start_peer_checks(port, member);
        } else if let Some(agent) = self.agent_of(node) {
            self.start_agent(port, agent);
        } else {
            self.start_watches(port, node);
        }
    }

    fn on_resumed(&mut self, port: &mut dyn Port, node: NodeId) {
        if self.locals.contains_key(InstanceId(node.0)) {
            self.resume_check(port, InstanceId(node.0));
        }
        self.resume_watches(port, node);
    }

    fn register(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, true);
    }

    fn deregister(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, false);
    }

    fn on_weight_changed(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.register_weight(port, instance);
    }

    fn on_probed(&mut self, port: &mut dyn Port, probed: Probed) {
        self.on_check_answer(port, probed.instance, probed.number, probed.is_good);
    }

    fn leader(&self) -> Option<u32> {
        self.ensemble.leader()
    }

    fn on_belief(
        &mut self,
        port: &mut dyn Port,
        (observer, subject): (NodeId, NodeId),
        change: BeliefChange,
    ) {
        if let Some(member) = self.ensemble.member_of(observer) {
            if let Some(host) = self.agent_of(subject) {
                self.on_host_belief(port, member, host, change);
            }
        } else if let (Some(agent), Some(server)) =
            (self.agent_of(observer), self.ensemble.member_of(subject))
        {
            self.on_server_belief(port, agent, server, change);
        }
    }
}
