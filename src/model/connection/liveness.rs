//! How a connection stays open and how it ends: idle, old, unacknowledged, reset.

use super::handshake::is_for_instance;
use super::{
    Connection, Flags, Message, MessageKind, Phase, Pool, TIMER_KINDS, TIMER_OF_CALLER,
    TIMER_OF_INSTANCE,
};
use crate::engine::PendingSet;
use crate::id::{CallerId, ClassId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::observation::{AttemptOutcome, LifeState, Observation, Observer};
use crate::model::request::{AttemptFlags, Reply, Stage};
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, UniformSource};
use crate::scenario::connection::AcceptConfig;
use crate::scenario::topology::NodeKind;
use crate::time::SimTime;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Whether the process of the instance has the connection.
    pub(super) fn knows(&self, connection: u32) -> bool {
        let record = &self.connections.records[connection];
        let node = &self.nodes[self.instance_node(record.instance).index()];
        record.flags.has(Flags::ACCEPTED)
            && !record.flags.has(Flags::CLOSED_THERE)
            && record.incarnation == node.incarnation
            && node.state.is_up()
    }

    fn accept_config(&self, instance: InstanceId) -> &AcceptConfig {
        let service = self.instances[instance.index()].service;
        &self.scenario.services[service.index()].accept
    }

    /// Schedules the earliest of what one side of a connection waits for, unless it is already
    /// scheduled for some time before.
    pub(super) fn watch(&mut self, connection: u32, side: u32) {
        let record = &self.connections.records[connection];
        if record.timers[side as usize].is_set() && record.phase != Phase::Opening {
            return;
        }
        let due = match side {
            TIMER_OF_CALLER => self.caller_due(record),
            _ => self.instance_due(record),
        };
        if due == SimTime::NEVER {
            return;
        }
        let now = self.now();
        let delay = due.max(now).since(now);
        let event = Event::ConnectionTimer(connection * TIMER_KINDS + side);
        let sequence = self.schedule(delay, event);
        self.connections.records[connection].timers[side as usize].set(sequence);
    }

    /// When the caller has something to do.
    fn caller_due(&self, record: &Connection) -> SimTime {
        let config = self.pool_config(record.pool);
        let caller = self.connections.pools[record.pool].caller;
        let node = &self.nodes[self.caller_node(caller).index()];
        if record.phase == Phase::Opening {
            let deadline = self.connect_deadline(record);
            return match record.flags.has(Flags::ANSWERED) {
                true => deadline.min(self.keepalive_due(record)),
                false => deadline.min(self.next_syn_at(record)),
            };
        }
        let mut due = match record.unacked_since {
            SimTime::NEVER => SimTime::NEVER,
            since => since + node.true_length(config.unacked_timeout),
        };
        if let Some(idle) = config.idle_timeout.filter(|_| record.stream_count == 0) {
            due = due.min(record.used_at + node.true_length(idle));
        }
        due.min(self.keepalive_due(record))
    }

    /// When the instance has something to do.
    fn instance_due(&self, record: &Connection) -> SimTime {
        let config = self.accept_config(record.instance);
        let node = &self.nodes[self.instance_node(record.instance).index()];
        let mut due = SimTime::NEVER;
        if record.flags.has(Flags::CLOSED_THERE) {
            return due;
        }
        if let Some(idle) = config.idle_timeout {
            due = record.served_at + node.true_length(idle);
        }
        due.min(self.age_due(record))
    }

    /// When the instance asks the caller to open another connection.
    fn age_due(&self, record: &Connection) -> SimTime {
        let config = self.accept_config(record.instance);
        let Some(age_max) = config
            .age_max
            .filter(|_| !record.flags.has(Flags::GOAWAY_SENT))
        else {
            return SimTime::NEVER;
        };
        let identity = self.connection_identity(record.pool, record.number);
        let mut draw = self
            .streams
            .draw(Purpose::ReconnectJitter, identity, record.number, 1);
        let jitter = config.age_jitter_ratio * (2.0 * draw.uniform() - 1.0);
        let node = &self.nodes[self.instance_node(record.instance).index()];
        record.since + node.true_length(age_max.scaled(1.0 + jitter))
    }

    /// A timer of a connection or of a pool is due, if it was not cancelled.
    pub(in crate::model) fn on_connection_timer(&mut self, index: u32, sequence: u64) {
        let (slot, kind) = (index / TIMER_KINDS, index % TIMER_KINDS);
        let is_of_pool = kind > TIMER_OF_INSTANCE;
        let (timer, pool, number) = match is_of_pool {
            true => {
                let pool = &self.connections.pools[slot];
                (pool.retry, slot, pool.number)
            }
            false => match self.connections.records.get(slot) {
                Some(record) => (record.timers[kind as usize], record.pool, record.number),
                None => return,
            },
        };
        if !timer.is_live(sequence) {
            return;
        }
        let event = Event::ConnectionTimer(index);
        let node = match kind {
            TIMER_OF_INSTANCE => self.instance_node(self.connections.pools[pool].instance),
            _ => self.caller_node(self.connections.pools[pool].caller),
        };
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.connection_identity(pool, number);
        self.fold(event, node, identity);
        match kind {
            _ if is_of_pool => {
                self.connections.pools[slot].retry.cancel();
                self.on_backed_off(slot);
            }
            TIMER_OF_INSTANCE => {
                self.connections.records[slot].timers[kind as usize].cancel();
                self.on_instance_due(slot);
            }
            _ => {
                self.connections.records[slot].timers[kind as usize].cancel();
                match self.connections.records[slot].phase {
                    Phase::Opening => self.on_opening_due(slot),
                    Phase::Open | Phase::Draining => self.on_caller_due(slot),
                }
            }
        }
    }

    fn on_caller_due(&mut self, connection: u32) {
        let now = self.now();
        let record = self.connections.records[connection];
        let config = self.pool_config(record.pool);
        let node = &self.nodes[self.ends(connection).0.index()];
        let is_over = |since: SimTime, length| {
            since != SimTime::NEVER && since + node.true_length(length) <= now
        };
        if is_over(record.unacked_since, config.unacked_timeout) {
            return self.lose_connection(connection, Ending::GivenUp);
        }
        let is_idle = record.stream_count == 0;
        if is_idle
            && config
                .idle_timeout
                .is_some_and(|idle| is_over(record.used_at, idle))
        {
            return self.close_idle(connection);
        }
        if !self.keep_alive(connection) {
            return self.lose_connection(connection, Ending::GivenUp);
        }
        self.watch(connection, TIMER_OF_CALLER);
    }

    fn on_instance_due(&mut self, connection: u32) {
        if !self.knows(connection) {
            return;
        }
        let now = self.now();
        let record = self.connections.records[connection];
        let config = *self.accept_config(record.instance);
        let node = &self.nodes[self.ends(connection).1.index()];
        let is_idle = config
            .idle_timeout
            .is_some_and(|idle| record.served_at + node.true_length(idle) <= now);
        if is_idle {
            if self.is_serving(connection) {
                self.connections.records[connection].served_at = now;
            } else {
                let flags = &mut self.connections.records[connection].flags;
                flags.set(Flags::CLOSED_THERE);
                if !self.send_on(connection, MessageKind::Closed) {
                    self.connections.silent_closes.insert(connection, now);
                }
                return;
            }
        }
        if self.age_due(&record) <= now {
            let flags = &mut self.connections.records[connection].flags;
            flags.set(Flags::GOAWAY_SENT);
            self.send_on(connection, MessageKind::Goaway);
        }
        self.watch(connection, TIMER_OF_INSTANCE);
    }

    /// Whether the instance works on something that the connection brought.
    fn is_serving(&self, connection: u32) -> bool {
        let carried = self.connections.carried(connection);
        let mut stages = carried.iter().map(|slot| self.attempts[*slot].stage);
        stages.any(Stage::is_at_instance)
    }

    /// A message of a connection arrives.
    pub(in crate::model) fn on_connection_message(&mut self, slot: u32, sequence: u64) {
        let Message {
            connection,
            pool,
            number,
            kind,
        } = self.connections.messages[slot];
        let is_meant = |record: &&Connection| record.pool == pool && record.number == number;
        let record = self.connections.records.get(connection);
        if record.filter(is_meant).is_none() {
            self.connections.messages.remove(slot);
            return;
        }
        let (there, back) = self.ends(connection);
        let node = if is_for_instance(kind) { back } else { there };
        let event = Event::ConnectionMessage(slot);
        // The kernel alone answers a SYN, and what belongs to no connection that it has.
        let is_for_kernel = matches!(kind, MessageKind::Syn | MessageKind::Retransmission);
        if !is_for_kernel && self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.connections.messages.remove(slot);
        let identity = self.connection_identity(pool, number);
        self.fold(event, node, identity);
        match kind {
            MessageKind::Syn => self.on_syn(connection),
            MessageKind::SynAck | MessageKind::HelloAck => self.on_round_trip(connection, kind),
            MessageKind::Refused => self.fail_connection(connection, Reply::Refused),
            MessageKind::Hello => self.answer(connection, MessageKind::HelloAck),
            MessageKind::Ping => self.answer(connection, MessageKind::PingAck),
            MessageKind::PingAck => self.on_ping_answered(connection),
            MessageKind::Retransmission => self.on_retransmission(connection),
            MessageKind::Crashed => self.lose_connection(connection, Ending::Crashed),
            MessageKind::Closed => self.lose_connection(connection, Ending::Closed),
            MessageKind::Goaway => self.on_goaway(connection),
        }
    }

    /// The instance's side answers a message that needs its process.
    fn answer(&mut self, connection: u32, answer: MessageKind) {
        if self.knows(connection) {
            self.send_on(connection, answer);
        } else {
            // Both what a handshake and what a ping sent last left then.
            let sent_at = self.connections.records[connection].heard_at;
            self.answer_unknown(connection, sent_at);
        }
    }

    fn on_retransmission(&mut self, connection: u32) {
        if !self.knows(connection) {
            let sent_at = self.connections.records[connection].unacked_since;
            self.answer_unknown(connection, sent_at);
        }
    }

    /// A message of a connection that the instance does not have reaches its host. The kernel
    /// resets it; a lost host is silent; a connection that was closed there was answered already.
    pub(super) fn answer_unknown(&mut self, connection: u32, sent_at: SimTime) {
        let record = &self.connections.records[connection];
        let node = self.instance_node(record.instance);
        if self.nodes[node.index()].state == LifeState::HostLost {
            self.note_unacked(connection, sent_at);
        } else if !record.flags.has(Flags::CLOSED_THERE) {
            self.send_on(connection, MessageKind::Closed);
        }
    }

    /// The instance asks for another connection. One that is not open yet drains as soon as it is.
    fn on_goaway(&mut self, connection: u32) {
        if self.connections.records[connection].phase == Phase::Opening {
            self.connections.early_goaways.insert(connection);
        }
        self.drain_connection(connection);
    }

    /// The caller opens no more attempts on a connection and closes it after the last.
    pub(super) fn drain_connection(&mut self, connection: u32) {
        let record = &mut self.connections.records[connection];
        if record.phase != Phase::Open {
            return;
        }
        record.phase = Phase::Draining;
        let (pool, is_idle) = (record.pool, record.stream_count == 0);
        self.tell_balancer(pool, true);
        if is_idle {
            self.close_idle(connection);
        }
    }

    /// An instance is no longer a candidate of a calling side.
    pub(in crate::model) fn drain_connections_to(
        &mut self,
        caller: CallerId,
        instance: InstanceId,
    ) {
        let Some(side) = self.connections.sides.get(caller.index()) else {
            return;
        };
        let first = side.pools.partition_point(|entry| entry.0 < instance);
        let own = side.pools[first..].iter();
        let own: Vec<u32> = own
            .take_while(|entry| entry.0 == instance)
            .flat_map(|entry| self.connections.of_pool(entry.1))
            .collect();
        for connection in own {
            self.drain_connection(connection);
        }
    }

    /// The caller closes a connection that carries nothing.
    pub(super) fn close_idle(&mut self, connection: u32) {
        let pool = self.connections.records[connection].pool;
        self.forget_connection(connection, true);
        self.serve_waiting(pool);
    }

    /// A connection is gone for its caller: nobody carries on what it carried.
    fn lose_connection(&mut self, connection: u32, ending: Ending) {
        let record = self.connections.records[connection];
        if record.phase == Phase::Opening {
            return self.fail_connection(connection, Reply::Refused);
        }
        let carried = self.connections.carried(connection);
        let names = self.name_attempts(&carried);
        for attempt in carried {
            self.connections.unlink(attempt);
        }
        self.forget_connection(connection, ending != Ending::Crashed);
        let pool = record.pool;
        self.tell_balancer(pool, false);
        let reconnects = record.phase == Phase::Open && self.pool_config(pool).reconnect.is_some();
        if reconnects {
            self.set_channel(pool, false);
            self.open_connection(pool, ClassId::NONE);
        } else {
            self.serve_waiting(pool);
        }
        // In the order in which they were sent.
        for name in names.into_iter().rev() {
            if !self.is_awaited(name) {
                continue;
            }
            let attempt = name.0;
            let was_read = self.attempts[attempt].flags.has(AttemptFlags::ARRIVED);
            let outcome = match ending {
                Ending::Closed if !was_read => AttemptOutcome::ResetUnsent,
                Ending::Closed | Ending::Crashed | Ending::GivenUp => AttemptOutcome::Reset,
            };
            self.end_attempt(attempt, outcome);
        }
    }

    fn forget_connection(&mut self, connection: u32, may_be_half_open: bool) {
        let closed_at = self.connections.silent_closes.remove(&connection);
        let record = self.connections.remove(connection);
        self.leave_backlog(&record);
        let Pool {
            caller, instance, ..
        } = self.connections.pools[record.pool];
        let death = (instance, record.incarnation);
        let died_at = self.connections.silent_deaths.get(&death).copied();
        let edge = self.callers[caller.index()].edge;
        self.observe(Observation::ConnectionClosed {
            caller,
            edge,
            instance,
            half_open_since: closed_at.or(died_at).filter(|_| may_be_half_open),
        });
    }

    pub(super) fn leave_backlog(&mut self, record: &Connection) {
        if record.flags.has(Flags::IN_BACKLOG)
            && let Some(waiting) = self.connections.backlogs.get_mut(&record.instance)
        {
            *waiting -= 1;
        }
    }

    /// A node died. Its instance's kernel resets the connections, if it still answers; those of
    /// its calling sides are gone.
    pub(in crate::model) fn on_connected_died(&mut self, node: NodeId) {
        if !self.has_pools() {
            return;
        }
        if let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) {
            self.break_connections(instance);
        }
        for edge in self.scenario.topology.edges_of(node) {
            for caller in self.scenario.topology.callers_of(edge, node) {
                self.drop_connections(caller);
            }
        }
    }

    fn break_connections(&mut self, instance: InstanceId) {
        self.connections.backlogs.remove(&instance);
        let node = &self.nodes[instance.index()];
        let (incarnation, answers) = (node.incarnation, node.state != LifeState::HostLost);
        let now = self.now();
        for connection in self.connections.of_instance(instance) {
            let record = &mut self.connections.records[connection];
            record.flags.clear(Flags::IN_BACKLOG);
            if !record.flags.has(Flags::ACCEPTED) || record.incarnation != incarnation {
                continue;
            }
            let death = (instance, incarnation);
            self.connections.silent_deaths.entry(death).or_insert(now);
            if answers {
                self.send_packet_on(connection, MessageKind::Crashed);
            }
        }
    }

    fn drop_connections(&mut self, caller: CallerId) {
        let pools = self.connections.sides[caller.index()].pools.clone();
        let not_ready = std::mem::take(&mut self.connections.sides[caller.index()].not_ready);
        for instance in not_ready {
            self.forget_channel(caller, instance);
        }
        for (_, pool) in pools {
            let connections: Vec<u32> = self.connections.of_pool(pool).collect();
            for connection in connections {
                match self.connections.records[connection].phase {
                    Phase::Opening => {
                        let record = self.connections.remove(connection);
                        self.leave_backlog(&record);
                    }
                    Phase::Open | Phase::Draining => self.forget_connection(connection, false),
                }
            }
            let state = &mut self.connections.pools[pool];
            state.failure_count = 0;
            state.retry.cancel();
        }
    }

    /// A process that stood still goes on and accepts what waited.
    pub(in crate::model) fn accept_backlog(&mut self, node: NodeId) {
        let instance = InstanceId(node.0);
        if self.connections.backlogs.remove(&instance).is_none() {
            return;
        }
        for connection in self.connections.of_instance(instance) {
            let record = &mut self.connections.records[connection];
            record.flags.clear(Flags::IN_BACKLOG);
        }
    }
}

/// How a connection ends that its caller did not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The process died with it.
    Crashed,
    /// The instance had closed it, or did not know it.
    Closed,
    /// The caller gave it up: a ping or data went without answer.
    GivenUp,
}
