//! The agent of a host: what is registered with it, and its life.

use std::collections::BTreeMap;

use super::Consul;
use super::message::{Alarm, Message, Status};
use super::rpc::{Connection, Request};
use super::sync::Syncer;
use crate::id::{InstanceId, NodeId};
use crate::model::gossip::BeliefChange;
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::parties::first_tick;
use crate::scenario::registry::Phase;
use crate::scenario::registry::consul::CheckKind;
use crate::time::SimTime;

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub node: NodeId,
    /// The instances of its host that may register.
    pub instances: Vec<InstanceId>,
    /// The watches of the calling sides on its host.
    pub watches: Vec<u32>,
    /// The servers that it takes for alive; the first one is asked.
    pub order: Vec<u32>,
    pub connections: Vec<Connection>,
    /// Connections so far.
    pub epoch: u32,
    pub requests: BTreeMap<u32, Request>,
    /// Requests so far.
    pub request_count: u32,
    pub syncer: Syncer,
    /// The leader takes its host for dead.
    pub is_taken_for_dead: bool,
    /// When its process died.
    died_at: SimTime,
}

impl Agent {
    pub fn new(node: NodeId) -> Self {
        Agent {
            node,
            instances: Vec::new(),
            watches: Vec::new(),
            order: Vec::new(),
            connections: Vec::new(),
            epoch: 0,
            requests: BTreeMap::new(),
            request_count: 0,
            syncer: Syncer::default(),
            is_taken_for_dead: false,
            died_at: SimTime::START,
        }
    }
}

impl Consul {
    pub(super) fn agent(&mut self, agent: u32) -> &mut Agent {
        &mut self.agents[agent as usize]
    }

    pub(super) fn is_agent_up(&self, port: &dyn Port, agent: u32) -> bool {
        port.node(self.node_of(agent)).state == LifeState::Up
    }

    /// The run begins: what is listed is registered everywhere, and its checks pass.
    pub(super) fn prepare(&mut self, port: &dyn Port) {
        let mut listed = Vec::new();
        for (instance, local) in self.locals.iter_mut() {
            if port.is_listed(instance) {
                (local.is_wanted, local.is_known) = (true, true);
                local.status = Status::Passing;
                listed.push(instance);
            }
        }
        for server in &mut self.servers {
            server.state.register_first(&listed);
        }
    }

    /// Every agent is connected to a server of its own, in sync, and its checks have gone on for
    /// long.
    pub(super) fn start_agents(&mut self, port: &mut dyn Port) {
        for agent in 0..self.agents.len() as u32 {
            if !self.is_agent_up(port, agent) {
                continue;
            }
            self.shuffle_servers(port, agent);
            self.open_first(port, agent);
            self.start_syncer(port, agent);
            self.start_clocks(port, agent, Phase::Random);
            for instance in self.agents[agent as usize].instances.clone() {
                if self.locals[instance].is_known {
                    self.start_proven_check(port, instance);
                }
            }
            for watch in self.agents[agent as usize].watches.clone() {
                self.start_watch(port, watch);
            }
        }
        for member in 0..self.ensemble.member_count() {
            self.start_peer_checks(port, member);
        }
    }

    fn start_clocks(&mut self, port: &mut dyn Port, agent: u32, phase: Phase) {
        let node = self.node_of(agent);
        let (interval, is_on) = (
            self.config.check.reap_interval,
            self.config.check.deregister_after.is_some(),
        );
        if is_on {
            let first = first_tick(port, node, "consul.reap", (interval, phase));
            self.alarms.set(port, node, first, Alarm::Reap);
        }
        self.plan_rebalance(port, agent, phase);
    }

    /// An agent starts: what was registered with it is on its disk, and what was reported to it. A
    /// check of its own is critical until it is made.
    pub(super) fn start_agent(&mut self, port: &mut dyn Port, agent: u32) {
        self.shuffle_servers(port, agent);
        for instance in self.agents[agent as usize].instances.clone() {
            let status = self.restored_status(port, instance);
            let is_up = port.node(NodeId(instance.0)).state.is_up();
            let local = self.local(instance);
            local.critical_since = match status {
                Status::Critical => port.now(),
                Status::Passing | Status::Warning => SimTime::NEVER,
            };
            local.status = status;
            let (is_known, is_wanted) = (local.is_known, local.is_wanted);
            if is_known {
                local.note_change();
                self.start_check(port, instance);
                self.update_suspicion(port, instance);
            } else if is_wanted && is_up {
                self.add_service(port, instance);
            }
        }
        self.start_clocks(port, agent, Phase::Aligned);
        self.on_full_sync_due(port, agent);
        let died_at = self.agents[agent as usize].died_at;
        for watch in self.agents[agent as usize].watches.clone() {
            self.start_refused_watch(port, watch, died_at);
        }
    }

    /// An agent dies, or leaves.
    pub(super) fn stop_agent(&mut self, port: &mut dyn Port, agent: u32) {
        let node = self.node_of(agent);
        if closes_connections(port, node) {
            for connection in self.agents[agent as usize].connections.clone() {
                let epoch = connection.epoch;
                let message = Message::Hangup { epoch };
                self.tell_server(port, agent, connection.member, message);
            }
        }
        self.alarms.cancel_all(port, node);
        let now = port.now();
        let own = self.agent(agent);
        own.died_at = now;
        own.connections.clear();
        own.requests.clear();
        own.order.clear();
        own.syncer = Syncer::default();
        for watch in own.watches.clone() {
            self.watches[watch as usize].stop();
        }
        for instance in self.agents[agent as usize].instances.clone() {
            self.local(instance).is_checking = false;
        }
    }

    /// A process that is no agent dies: it reports no more, and hears no more.
    pub(super) fn stop_process(&mut self, port: &mut dyn Port, node: NodeId) {
        let instance = InstanceId(node.0);
        if self.locals.contains_key(instance) {
            self.alarms.cancel(port, node, Alarm::Pass { instance });
            let local = self.local(instance);
            local.is_wanted = false;
            let is_answered = local.is_checking && closes_connections(port, node);
            if is_answered && !self.config.check.path.needs_worker() {
                self.end_check(port, instance, false);
            }
        }
        self.stop_watches(port, node);
    }

    /// An instance wants to be registered, or no longer does.
    pub(super) fn set_wanted(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_wanted: bool,
    ) {
        let Some(local) = self.locals.get_mut(instance) else {
            return;
        };
        local.is_wanted = is_wanted;
        let agent = local.agent;
        let node = NodeId(instance.0);
        if !port.node(node).state.is_up() || !self.is_agent_up(port, agent) {
            return;
        }
        match is_wanted {
            true => self.add_service(port, instance),
            false => {
                self.alarms.cancel(port, node, Alarm::Pass { instance });
                self.remove_service(port, instance);
            }
        }
    }

    /// An instance registers with its agent. A check that was there keeps its status.
    pub(super) fn add_service(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let first = self.first_status();
        let now = port.now();
        let local = self.local(instance);
        if !local.is_known {
            local.status = first;
            local.critical_since = match first {
                Status::Critical => now,
                Status::Passing | Status::Warning => SimTime::NEVER,
            };
        }
        local.is_known = true;
        local.note_change();
        self.start_check(port, instance);
        if self.config.check.kind == CheckKind::Ttl {
            self.pass(port, instance);
        }
        self.trigger_changes(port, instance);
    }

    fn remove_service(&mut self, port: &mut dyn Port, instance: InstanceId) {
        if !self.locals[instance].is_known {
            return;
        }
        let local = self.local(instance);
        local.is_known = false;
        local.note_change();
        self.stop_check(port, instance);
        self.trigger_changes(port, instance);
    }

    /// An instance has another weight: its registration changed.
    pub(super) fn register_weight(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let Some(local) = self.locals.get(instance) else {
            return;
        };
        if local.is_known && self.is_agent_up(port, local.agent) {
            self.send_output(port, instance);
        }
    }

    /// Instances whose check was critical for longer than they may are deregistered.
    pub(super) fn reap(&mut self, port: &mut dyn Port, agent: u32) {
        let node = self.node_of(agent);
        let interval = self.config.check.reap_interval;
        self.alarms.set(port, node, interval, Alarm::Reap);
        let Some(after) = self.config.check.deregister_after else {
            return;
        };
        let after = port.node(node).true_length(after);
        for instance in self.agents[agent as usize].instances.clone() {
            let since = self.locals[instance].critical_since;
            if self.locals[instance].is_known && since + after < port.now() {
                self.remove_service(port, instance);
            }
        }
    }

    /// An agent believes something else of a server: it asks those only that it takes for alive,
    /// and compares all it has when one comes.
    pub(super) fn on_server_belief(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        server: u32,
        change: BeliefChange,
    ) {
        let order = &mut self.agent(agent).order;
        match change {
            BeliefChange::Suspects => {}
            BeliefChange::Failed | BeliefChange::Left => order.retain(|other| *other != server),
            BeliefChange::Alive if order.contains(&server) => {}
            BeliefChange::Alive => {
                order.push(server);
                self.sync_for_server(port, agent);
            }
        }
    }
}
