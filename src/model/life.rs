//! How nodes die, stand still and come back.

use super::event::Event;
use super::node::Node;
use super::observation::{LifeState, Observation, Observer, WorkEnd};
use super::request::{AttemptFlags, NIL, Reply, Stage};
use super::target::NodeSet;
use super::world::{Deferred, World};
use crate::engine::PendingSet;
use crate::id::{FaultId, InstanceId, NodeId};
use crate::rng::Purpose;
use crate::scenario::network::Transport;
use crate::scenario::topology::NodeKind;
use crate::time::{SimDuration, SimTime};

/// Whether work and timers are gone after this state, and the process starts from nothing.
fn loses_memory(state: LifeState) -> bool {
    match state {
        LifeState::Crashed | LifeState::HostLost | LifeState::Absent | LifeState::Restarting => {
            true
        }
        LifeState::Up | LifeState::Paused => false,
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A window of a fault begins to hold these nodes in `state`.
    pub(super) fn hold_nodes(
        &mut self,
        nodes: &[NodeId],
        state: LifeState,
        fault: Option<FaultId>,
    ) {
        let mut changes: Vec<(NodeId, LifeState)> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let next = self.nodes[node.index()].hold(state);
            match loses_memory(state) && self.restarts.remove(node).is_some() {
                true => changes.push((
                    *node,
                    self.nodes[node.index()].release(LifeState::Restarting),
                )),
                false => changes.push((*node, next)),
            }
        }
        if state == LifeState::HostLost {
            changes.extend(self.agent_changes(nodes));
        }
        self.change_states(&changes, fault);
    }

    /// An instance exits for good: if it was the last on its host, the host goes with it.
    pub(super) fn exit_for_good(&mut self, node: NodeId, fault: Option<FaultId>) {
        self.hold_nodes(&[node], LifeState::Absent, fault);
        let changes = self.agent_changes(&[node]);
        self.change_states(&changes, fault);
    }

    /// The agents of hosts that are lost, gone, or there again, now that these nodes changed. A
    /// host is lost when nothing on it is left but what is lost, and gone when nothing is left.
    fn agent_changes(&mut self, nodes: &[NodeId]) -> Vec<(NodeId, LifeState)> {
        let topology = &self.scenario.topology;
        if topology.agent_count() == 0 {
            return Vec::new();
        }
        let mut hosts: Vec<u32> = nodes.iter().filter_map(|n| topology.agent_of(*n)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut changes = Vec::new();
        for host in hosts {
            let range = topology.host_nodes(host);
            let own = &self.nodes[range.start as usize..range.end as usize];
            let is_gone = own.iter().all(|node| node.is_held(LifeState::Absent));
            let is_left = |node: &Node| {
                !node.is_held(LifeState::HostLost) && !node.is_held(LifeState::Absent)
            };
            let is_lost = !is_gone && !own.iter().any(is_left);
            let id = topology.agent_node(host);
            let agent = &mut self.nodes[id.index()];
            let mut next = agent.state;
            for (state, is_meant) in [(LifeState::HostLost, is_lost), (LifeState::Absent, is_gone)]
            {
                next = match (agent.is_held(state), is_meant) {
                    (false, true) => agent.hold(state),
                    (true, false) => agent.release(state),
                    _ => next,
                };
            }
            changes.push((id, next));
        }
        changes
    }

    /// A window of a fault no longer holds these nodes in `state`. Processes that died may take
    /// time to start again.
    pub(super) fn release_nodes(
        &mut self,
        nodes: &[NodeId],
        state: LifeState,
        fault: Option<FaultId>,
    ) {
        let mut own = Vec::with_capacity(nodes.len());
        for node in nodes {
            let next = self.nodes[node.index()].release(state);
            if next.is_up() && loses_memory(state) && self.begin_restart(*node) {
                own.push((*node, self.nodes[node.index()].hold(LifeState::Restarting)));
            } else {
                own.push((*node, next));
            }
        }
        let mut changes = match state {
            // A host is there before its processes are.
            LifeState::HostLost | LifeState::Absent => self.agent_changes(nodes),
            _ => Vec::new(),
        };
        changes.extend(own);
        self.change_states(&changes, fault);
    }

    /// Schedules the end of a restart. Returns whether the process takes time to start.
    fn begin_restart(&mut self, node: NodeId) -> bool {
        let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) else {
            return false;
        };
        let service = self.instances[instance.index()].service;
        let Some(law) = &self.scenario.services[service.index()].restart_time else {
            return false;
        };
        let Node {
            path_hash,
            incarnation,
            ..
        } = self.nodes[node.index()];
        let mut draw = self
            .streams
            .draw(Purpose::RestartTime, path_hash, incarnation, 0);
        let length = super::sampler::Sampler::new(law).sample(&mut draw);
        if length.is_zero() {
            return false;
        }
        let sequence = self.schedule(length, Event::RestartEnds(node.0));
        self.restarts.insert(node, sequence);
        true
    }

    /// A process has started again, unless it died again in the meantime.
    #[inline(never)]
    pub(super) fn on_restart_ends(&mut self, node: NodeId, sequence: u64) {
        if self.restarts.get(&node) != Some(&sequence) {
            return;
        }
        self.restarts.remove(&node);
        let path_hash = self.nodes[node.index()].path_hash;
        self.fold(Event::RestartEnds(node.0), node, path_hash);
        let next = self.nodes[node.index()].release(LifeState::Restarting);
        self.change_states(&[(node, next)], None);
    }

    /// Moves nodes to the states that hold from now on, all at once.
    fn change_states(&mut self, changes: &[(NodeId, LifeState)], fault: Option<FaultId>) {
        let changed: Vec<(NodeId, LifeState, LifeState)> = changes
            .iter()
            .map(|(node, next)| (*node, self.nodes[node.index()].state, *next))
            .filter(|(_, before, next)| before != next)
            .collect();
        let paused = nodes_where(&changed, |_, next| next == LifeState::Paused);
        for node in paused.iter() {
            self.beats.note_pause(node, self.queue.now());
        }
        self.hold_work(&paused);
        for (node, _, next) in &changed {
            self.nodes[node.index()].state = *next;
            self.states[node.index()] = *next;
            self.observe(Observation::NodeChanged {
                node: *node,
                state: *next,
                fault,
            });
            if self.rebuilds.is_some()
                && let NodeKind::Instance(instance) = self.scenario.topology.node_kind(*node)
            {
                self.note_copies(instance, *next);
            }
        }
        self.choose_contact();
        let dying = |before, next| !loses_memory(before) && loses_memory(next);
        let dead = nodes_where(&changed, dying);
        self.lose_work(&dead);
        self.abandon_requests(&dead);
        for (node, before, next) in &changed {
            if dying(*before, *next) {
                self.on_died(*node);
            } else if loses_memory(*before) && !loses_memory(*next) {
                self.on_started(*node);
            }
            if *before == LifeState::HostLost {
                self.retransmit_to(*node);
            }
            if *before == LifeState::Paused && *next == LifeState::Up {
                self.on_resumed(*node);
            }
            self.note_rollout_change(*node);
        }
    }

    /// Running work of nodes that come to stand still: what is left of it is kept.
    fn hold_work(&mut self, nodes: &NodeSet) {
        let now_ns = self.now().as_ns();
        for slot in self.running_at(nodes) {
            let attempt = &mut self.attempts[slot];
            attempt.due_ns -= now_ns;
            attempt.pending = 0;
        }
        for instance in self.sharing_at(nodes) {
            self.hold_sharing(instance);
        }
    }

    /// Slots of the attempts that workers of these nodes serve, in an order that does not depend
    /// on slots.
    fn running_at(&self, nodes: &NodeSet) -> Vec<u32> {
        self.attempts_at(nodes, |stage| stage == Stage::Running)
            .into_iter()
            .filter(|slot| !self.is_shared(*slot))
            .collect()
    }

    fn attempts_at(&self, nodes: &NodeSet, is_meant: impl Fn(Stage) -> bool) -> Vec<u32> {
        if nodes.is_empty() {
            return Vec::new();
        }
        let mut slots: Vec<u32> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| is_meant(attempt.stage))
            .filter(|(_, attempt)| nodes.has(NodeId(attempt.instance.0)))
            .map(|(slot, _)| slot)
            .collect();
        slots.sort_by_key(|slot| {
            let attempt = &self.attempts[*slot];
            let copy = attempt.flags.0;
            (
                attempt.instance,
                attempt.arrived_at,
                attempt.identity,
                attempt.index,
                copy,
            )
        });
        slots
    }

    fn sharing_at(&self, nodes: &NodeSet) -> Vec<InstanceId> {
        nodes
            .iter()
            .take_while(|node| node.index() < self.instances.len())
            .map(|node| InstanceId(node.0))
            .filter(|instance| self.instances[instance.index()].shared().is_some())
            .collect()
    }

    /// All work at these nodes is lost. A host that still answers resets the connections.
    fn lose_work(&mut self, nodes: &NodeSet) {
        let held = Stage::is_at_instance;
        for slot in self.attempts_at(nodes, held) {
            let attempt = &mut self.attempts[slot];
            let is_free = attempt.stage == Stage::CallingFree;
            attempt.stage = Stage::Lost;
            attempt.pending = 0;
            let (instance, arrived_at) = (attempt.instance, attempt.arrived_at);
            let class = attempt.class;
            let is_zombie = attempt.request == NIL;
            let is_probe = attempt.flags.has(AttemptFlags::PROBE);
            let end = WorkEnd::Lost;
            let started_at = Some(attempt.started_at).filter(|at| *at != SimTime::NEVER);
            if is_free {
                self.observe_free_work_ended(slot, end);
            } else if !is_probe {
                let left = Observation::WorkEnded {
                    instance,
                    class,
                    arrived_at,
                    started_at,
                    end,
                    is_zombie,
                };
                self.observe_left(slot, left, end);
            }
            let answers = self.network.transport == Transport::Stream
                && self.nodes[instance.index()].state != LifeState::HostLost
                && !self.connections.carries(slot);
            if answers {
                self.send_reply(slot, Reply::Reset);
            } else if is_zombie {
                self.remove_attempt(slot);
            }
        }
    }

    /// A process died: nothing that it knew is left.
    fn on_died(&mut self, node: NodeId) {
        if let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) {
            let state = &mut self.instances[instance.index()];
            state.busy_count = 0;
            state.waiting_count = 0;
            state.waiting_first = NIL;
            state.waiting_last = NIL;
            if let Some(sharing) = &mut state.sharing {
                sharing.clear();
            }
            self.forget_server_limit(instance);
            self.stop_server(instance);
            self.stop_heartbeats(instance);
            self.stop_beats(instance);
            self.exchange.forget_instance(instance);
            self.observe(Observation::BusyChanged {
                instance,
                busy_count: 0,
            });
        }
        self.beats.note_death(node);
        self.on_member_died(node);
        self.forget_protection(node);
        if let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) {
            self.clear_service_cache(instance);
        }
        self.clear_call_caches(node);
        self.stop_calling_sides(node);
        self.on_connected_died(node);
        self.on_registry_member_changed(node);
        self.with_protocol(|protocol, port| protocol.on_died(port, node));
        for deferred in self.deferred.remove(&node).unwrap_or_default() {
            if let Deferred::Event(event, sequence) = deferred {
                self.lose_deferred(event, sequence);
            }
        }
    }

    /// What waited for a process that stood still and died. Messages are lost with its kernel's
    /// buffers; what the members of the registry share is taken up by another member.
    fn lose_deferred(&mut self, event: Event, sequence: u64) {
        match event {
            Event::AttemptArrives(slot) => self.lose_arrival(slot, sequence),
            Event::ReplyArrives(slot) => self.lose_reply(slot, sequence),
            Event::BackoffEnds(slot) => self.on_backoff_ends(slot, sequence),
            Event::ListArrives(slot) => self.registry.messages.lose(slot),
            Event::BalancerMessage(slot) => self.exchange.lose_message(slot),
            // Its stage died with the node.
            Event::FallbackEnds(_) => {}
            Event::ConnectionMessage(slot) => self.connections.lose_message(slot),
            Event::CancelArrives(slot) => self.lose_cancel(slot),
            Event::BeatArrives(slot) => self.beats.lose_message(slot),
            Event::GossipMessage(slot) => self.lose_gossip(slot),
            Event::GossipRelayEnds(slot) => self.lose_gossip_relay(slot, sequence),
            Event::RegistryMessage(slot) => self.lose_registry_message(slot),
            Event::LeaseExpires(_) | Event::PublishDue(_) => self.handle_late(sequence, event),
            Event::RequestArrives(_)
            | Event::ThinkEnds(_)
            | Event::WorkDone(_)
            | Event::SharedWorkDone(_)
            | Event::AttemptTimeout(_)
            | Event::AttemptDeadline(_)
            | Event::ServerStep(_)
            | Event::ConnectionTimer(_)
            | Event::HeartbeatDue(_)
            | Event::HeartbeatArrives(_)
            | Event::PollDue(_)
            | Event::PollArrives(_)
            | Event::PingDue(_)
            | Event::PingArrives(_)
            | Event::AckArrives(_)
            | Event::PingTimeout(_)
            | Event::CacheDue(_)
            | Event::FaultStep(_)
            | Event::RestartEnds(_)
            | Event::GraceEnds(_)
            | Event::DeregistrationArrives(_)
            | Event::HedgeDue(_)
            | Event::BalancerWakes(_)
            | Event::ReportDue(_)
            | Event::BeatDue(_)
            | Event::BeliefDue(_)
            | Event::GossipDue(_)
            | Event::GossipSuspicionEnds(_)
            | Event::RegistryTimer(_)
            | Event::GateWaitEnds(_) => {}
        }
    }

    /// A process started: it registers, asks for its lists and begins to ping.
    fn on_started(&mut self, node: NodeId) {
        self.nodes[node.index()].incarnation += 1;
        self.start_warmup(node);
        self.composition.note_start(node, self.queue.now());
        if node.index() < self.instances.len() {
            self.start_meter(InstanceId(node.0));
            self.start_beats(InstanceId(node.0));
        }
        if let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node)
            && !self.registry.leases[instance.index()].is_leaving()
        {
            self.register(instance);
        }
        self.note_rollout_start(node);
        self.restart_calling_sides(node);
        self.on_member_started(node);
        self.on_registry_member_changed(node);
        self.with_protocol(|protocol, port| protocol.on_started(port, node));
    }

    /// A process that stood still goes on. Workers continue first; then everything that came due
    /// is handled in the order in which it came due, timeouts and replies alike.
    fn on_resumed(&mut self, node: NodeId) {
        let nodes: NodeSet = [node].into_iter().collect();
        for slot in self.running_at(&nodes) {
            let left = SimDuration::from_ns(self.attempts[slot].due_ns);
            let due = self.now() + left;
            let sequence = self.schedule(left, Event::WorkDone(slot));
            self.attempts[slot].pending = sequence;
            self.attempts[slot].due_ns = due.as_ns();
        }
        for instance in self.sharing_at(&nodes) {
            self.resume_sharing(instance);
        }
        self.accept_backlog(node);
        self.beats.note_resume(node, self.queue.now());
        self.with_protocol(|protocol, port| protocol.on_resumed(port, node));
        for deferred in self.deferred.remove(&node).unwrap_or_default() {
            match deferred {
                Deferred::Event(event, sequence) => self.handle_late(sequence, event),
                Deferred::AttemptTimeout(slot) => self.on_deferred_timeout(slot, node),
                Deferred::CallStart(slot) => self.start_deferred_calls(slot),
                Deferred::PingTimeout { slot, number } => self.on_ping_missed(slot, number),
            }
        }
    }

    /// The speed of these instances changed by `factor` (more than 1 is slower).
    pub(super) fn rescale_work(&mut self, nodes: &[NodeId], factors: &[f64]) {
        let set: NodeSet = nodes.iter().copied().collect();
        let factor_of = |instance: InstanceId| {
            let place = nodes
                .binary_search(&NodeId(instance.0))
                .expect("it is one of the nodes");
            factors[place]
        };
        for slot in self.running_at(&set) {
            let attempt = self.attempts[slot];
            let factor = factor_of(attempt.instance);
            if self.nodes[attempt.instance.index()].state == LifeState::Paused {
                let left = SimDuration::from_ns(attempt.due_ns).scaled(factor);
                self.attempts[slot].due_ns = left.as_ns();
                continue;
            }
            let left = SimTime::from_ns(attempt.due_ns)
                .since(self.now())
                .scaled(factor);
            let due = self.now() + left;
            let sequence = self.schedule(left, Event::WorkDone(slot));
            self.attempts[slot].pending = sequence;
            self.attempts[slot].due_ns = due.as_ns();
        }
    }
}

/// The nodes whose change is meant.
fn nodes_where(
    changed: &[(NodeId, LifeState, LifeState)],
    is_meant: impl Fn(LifeState, LifeState) -> bool,
) -> NodeSet {
    changed
        .iter()
        .filter(|(_, before, next)| is_meant(*before, *next))
        .map(|(node, _, _)| *node)
        .collect()
}
