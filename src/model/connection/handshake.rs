//! How a connection is opened, and what follows when it is not.

use super::{
    Connection, Flags, Message, MessageKind, Phase, Pool, SYN_TIMEOUT, TIMER_KINDS,
    TIMER_OF_CALLER, TIMER_OF_INSTANCE, TIMER_OF_POOL,
};
use crate::engine::{PendingSet, Timer};
use crate::id::{CallerId, ClassId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict, pair_hash};
use crate::model::observation::{AttemptOutcome, LifeState, Observation, Observer};
use crate::model::request::{NIL, Reply};
use crate::model::world::World;
use crate::rng::{Draw, Purpose, UniformSource, mix};
use crate::scenario::connection::ReconnectConfig;
use crate::scenario::fault::Traffic;
use crate::scenario::topology::NodeKind;
use crate::time::{SimDuration, SimTime};

/// The wait after the `failure_count`-th failure in a row to connect, which counts from 1, from
/// the start of the attempt to connect (gRPC, connection-backoff.md).
pub(super) fn backoff(config: &ReconnectConfig, failure_count: u16, mut draw: Draw) -> SimDuration {
    let mut wait = config.initial;
    for _ in 1..failure_count {
        if config.max <= wait {
            break;
        }
        wait = wait.scaled(config.factor);
    }
    let jitter = config.jitter_ratio * (2.0 * draw.uniform() - 1.0);
    wait.min(config.max).scaled(1.0 + jitter)
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Names a pool in keyed draws: both nodes, the edge and the thread.
    fn pool_identity(&self, pool: u32) -> u64 {
        let Pool {
            caller,
            instance,
            thread,
            ..
        } = self.connections.pools[pool];
        let side = &self.callers[caller.index()];
        let link = (side.node, self.instance_node(instance));
        let pair = mix(pair_hash(&self.nodes, link) ^ self.edge_hash(side.edge));
        match thread {
            0 => pair,
            thread => mix(pair ^ u64::from(thread)),
        }
    }

    /// Names a connection in keyed draws and in the digest.
    pub(super) fn connection_identity(&self, pool: u32, number: u32) -> u64 {
        mix(self.pool_identity(pool).wrapping_add(u64::from(number)))
    }

    /// The nodes of a connection: the caller's and the instance's.
    pub(super) fn ends(&self, connection: u32) -> (NodeId, NodeId) {
        let record = &self.connections.records[connection];
        let caller = self.connections.pools[record.pool].caller;
        (
            self.caller_node(caller),
            self.instance_node(record.instance),
        )
    }

    /// Begins to open a connection that an attempt of this class needs.
    pub(super) fn open_connection(&mut self, pool: u32, class: ClassId) {
        let now = self.now();
        let config = self.pool_config(pool);
        let record = &mut self.connections.pools[pool];
        record.number += 1;
        let (caller, instance) = (record.caller, record.instance);
        let connection = Connection {
            instance,
            pool,
            number: record.number,
            next: record.first,
            incarnation: 0,
            stream_first: NIL,
            stream_count: 0,
            carried_count: 0,
            message_count: 0,
            phase: Phase::Opening,
            flags: Flags::default(),
            syn_count: 0,
            round_trips_left: config.tls_round_trips,
            since: now,
            used_at: now,
            served_at: now,
            heard_at: now,
            unacked_since: SimTime::NEVER,
            arrives_after: [SimTime::START; 2],
            timers: [Timer::UNSET; 2],
        };
        let slot = self.connections.records.insert(connection);
        self.connections.pools[pool].first = slot;
        self.connections.sides[caller.index()].connection_count += 1;
        let edge = self.callers[caller.index()].edge;
        self.observe(Observation::HandshakeStarted {
            caller,
            edge,
            instance,
            class,
        });
        self.send_syn(slot);
    }

    fn send_syn(&mut self, connection: u32) {
        let record = &mut self.connections.records[connection];
        record.syn_count = record.syn_count.saturating_add(1);
        self.send_packet_on(connection, MessageKind::Syn);
        self.watch(connection, TIMER_OF_CALLER);
    }

    /// When the next SYN leaves, if the connection is not open before: 1, 3, 7, 15 ... s after the
    /// first.
    pub(super) fn next_syn_at(&self, record: &Connection) -> SimTime {
        let doublings = u32::from(record.syn_count).min(20);
        record.since + SYN_TIMEOUT.saturating_mul((1 << doublings) - 1)
    }

    /// When opening a connection is given up.
    pub(super) fn connect_deadline(&self, record: &Connection) -> SimTime {
        let config = self.pool_config(record.pool);
        let caller = self.connections.pools[record.pool].caller;
        let node = &self.nodes[self.caller_node(caller).index()];
        let timeout = match &config.reconnect {
            None => config.connect_timeout,
            Some(reconnect) => config.connect_timeout.max(reconnect.connect_timeout_min),
        };
        record.since + node.true_length(timeout)
    }

    /// The caller's timer of a connection that is not open yet is due.
    pub(super) fn on_opening_due(&mut self, connection: u32) {
        let now = self.now();
        let record = self.connections.records[connection];
        if self.connect_deadline(&record) <= now {
            return self.fail_connection(connection, Reply::ConnectTimeout);
        }
        if !record.flags.has(Flags::ANSWERED) && self.next_syn_at(&record) <= now {
            return self.send_syn(connection);
        }
        if !self.keep_alive(connection) {
            return self.fail_connection(connection, Reply::ConnectTimeout);
        }
        self.watch(connection, TIMER_OF_CALLER);
    }

    /// Sends a message that is retransmitted until it arrives. Returns whether it will
    /// without the repair of a broken link.
    pub(super) fn send_on(&mut self, connection: u32, kind: MessageKind) -> bool {
        let (link, key) = self.message_on(connection, kind);
        let now = self.now();
        match self.send(link, key) {
            Verdict::Deliver { delay, is_held } => {
                self.deliver_on(connection, kind, delay);
                self.note_delay(connection, now, delay);
                !is_held
            }
            Verdict::Lost => {
                self.note_unacked(connection, now);
                false
            }
        }
    }

    /// Sends a packet that is not retransmitted by itself.
    pub(super) fn send_packet_on(&mut self, connection: u32, kind: MessageKind) {
        let (link, key) = self.message_on(connection, kind);
        let now = self.now();
        let packet = self
            .network
            .send_packet(now, &self.streams, &self.nodes, link, key);
        if let Some(delay) = packet {
            self.deliver_on(connection, kind, delay);
        }
    }

    /// The host of an instance is there again, and knows none of its connections: the first
    /// retransmission that reaches it tells it of one.
    pub(in crate::model) fn retransmit_to(&mut self, node: NodeId) {
        let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) else {
            return;
        };
        if !self.has_pools() {
            return;
        }
        let now = self.now();
        for connection in self.connections.of_instance(instance) {
            let sent_at = self.connections.records[connection].unacked_since;
            if sent_at == SimTime::NEVER {
                continue;
            }
            let kind = MessageKind::Retransmission;
            let (link, key) = self.message_on(connection, kind);
            let times = (sent_at, now);
            let sent = self
                .network
                .send_again(times, &self.streams, &self.nodes, link, key);
            if let Some(delay) = sent {
                self.deliver_on(connection, kind, (sent_at + delay).max(now).since(now));
            }
        }
    }

    fn message_on(&mut self, connection: u32, kind: MessageKind) -> ((NodeId, NodeId), MessageKey) {
        let record = &mut self.connections.records[connection];
        record.message_count = record.message_count.wrapping_add(1);
        let Connection {
            pool,
            number,
            message_count,
            ..
        } = *record;
        let (there, back) = self.ends(connection);
        let is_there = is_for_instance(kind);
        let key = MessageKey {
            identity: self.connection_identity(pool, number),
            number: message_count,
            leg: u32::from(!is_there),
            class: ClassId::NONE,
            traffic: match kind {
                MessageKind::Ping | MessageKind::PingAck => Some(Traffic::Heartbeats),
                MessageKind::Retransmission => Some(Traffic::Requests),
                MessageKind::Syn
                | MessageKind::SynAck
                | MessageKind::Refused
                | MessageKind::Hello
                | MessageKind::HelloAck
                | MessageKind::Crashed
                | MessageKind::Closed
                | MessageKind::Goaway => None,
            },
        };
        let link = if is_there {
            (there, back)
        } else {
            (back, there)
        };
        (link, key)
    }

    fn deliver_on(&mut self, connection: u32, kind: MessageKind, delay: SimDuration) {
        let Connection { pool, number, .. } = self.connections.records[connection];
        let message = Message {
            connection,
            pool,
            number,
            kind,
        };
        let slot = self.connections.messages.insert(message);
        self.schedule(delay, Event::ConnectionMessage(slot));
    }

    /// A SYN reaches the host of its instance. The kernel answers for a process that stands still,
    /// as long as there is room in the backlog; a process that runs accepts at once.
    pub(super) fn on_syn(&mut self, connection: u32) {
        let instance = self.connections.records[connection].instance;
        let node = self.instance_node(instance);
        let is_known = self.knows(connection);
        match self.nodes[node.index()].state {
            LifeState::HostLost => return,
            LifeState::Crashed | LifeState::Restarting | LifeState::Absent => {
                return self.send_packet_on(connection, MessageKind::Refused);
            }
            LifeState::Paused if !is_known => {
                let service = self.instances[instance.index()].service;
                let backlog_max = self.scenario.services[service.index()].accept.backlog_max;
                let waiting = self.connections.backlogs.entry(instance).or_insert(0);
                if backlog_max <= *waiting {
                    return;
                }
                *waiting += 1;
                let record = &mut self.connections.records[connection];
                record.flags.set(Flags::IN_BACKLOG);
            }
            LifeState::Up if !is_known && self.instances[instance.index()].is_closing => {
                return self.send_packet_on(connection, MessageKind::Refused);
            }
            LifeState::Paused | LifeState::Up => {}
        }
        let record = &mut self.connections.records[connection];
        if !is_known {
            record.flags.set(Flags::ACCEPTED);
            record.incarnation = self.nodes[node.index()].incarnation;
        }
        self.send_packet_on(connection, MessageKind::SynAck);
    }

    /// The handshake of TCP, or a round trip after it, is over at the caller.
    pub(super) fn on_round_trip(&mut self, connection: u32, kind: MessageKind) {
        let now = self.now();
        let record = &mut self.connections.records[connection];
        // A second SYN of the same connection is answered too.
        let is_repeated = kind == MessageKind::SynAck && record.flags.has(Flags::ANSWERED);
        if record.phase != Phase::Opening || is_repeated {
            return;
        }
        record.flags.set(Flags::ANSWERED);
        if record.round_trips_left == 0 {
            return self.established(connection);
        }
        record.round_trips_left -= 1;
        record.heard_at = now;
        let record = *record;
        self.send_on(connection, MessageKind::Hello);
        if self.keepalive_due(&record) != SimTime::NEVER {
            self.watch(connection, TIMER_OF_CALLER);
        }
    }

    fn established(&mut self, connection: u32) {
        let now = self.now();
        let record = &mut self.connections.records[connection];
        record.phase = Phase::Open;
        record.flags.set(Flags::HANDSHAKE_DUE);
        record.since = now;
        record.used_at = now;
        record.served_at = now;
        record.heard_at = now;
        let (pool, instance) = (record.pool, record.instance);
        let pool_record = &mut self.connections.pools[pool];
        pool_record.failure_count = 0;
        pool_record.retry.cancel();
        let caller = pool_record.caller;
        self.set_channel(pool, true);
        let edge = self.callers[caller.index()].edge;
        self.observe(Observation::ConnectionOpened {
            caller,
            edge,
            instance,
        });
        self.connections.records[connection].timers = [Timer::UNSET; 2];
        self.watch(connection, TIMER_OF_CALLER);
        self.watch(connection, TIMER_OF_INSTANCE);
        self.serve_waiting(pool);
        // Told so during the handshake, it carries what waited for it and no more.
        let is_told = self.connections.early_goaways.remove(&connection);
        if is_told || !self.is_candidate(caller, instance) {
            self.drain_connection(connection);
        }
    }

    /// Whether a calling side may pick an instance.
    fn is_candidate(&self, caller: CallerId, instance: InstanceId) -> bool {
        let candidates = &self.callers[caller.index()].candidates;
        candidates.position(instance).is_some()
    }

    /// A connection could not be opened. What waits for it fails, unless another one is open; with
    /// back-off the next try follows by itself. Of a proxy all that wait fail (Envoy), or the one
    /// that has waited longest, for which it was opened (nginx, HAProxy).
    pub(super) fn fail_connection(&mut self, connection: u32, failure: Reply) {
        let record = self.connections.remove(connection);
        self.leave_backlog(&record);
        let pool = record.pool;
        let state = &mut self.connections.pools[pool];
        state.failure_count = state.failure_count.saturating_add(1);
        state.failure = failure;
        self.back_off(pool, record.since);
        self.tell_balancer(pool, false);
        let forward = self.pool_forward(pool);
        if forward.is_none() && self.has_open(pool) {
            return self.serve_waiting(pool);
        }
        let outcome = match failure {
            Reply::ConnectTimeout => AttemptOutcome::ConnectTimeout,
            _ => AttemptOutcome::Refused,
        };
        // New ones join behind and are not meant.
        let mut waiting = self
            .connections
            .listed(self.connections.pools[pool].waiting_first);
        if forward.is_some_and(|forward| !forward.fails_all_waiting) {
            waiting.truncate(1);
        }
        for name in self.name_attempts(&waiting) {
            if self.is_awaited(name) {
                self.end_attempt(name.0, outcome);
            }
        }
    }

    /// Schedules the next try to connect, counted from the start of the one that failed.
    fn back_off(&mut self, pool: u32, started_at: SimTime) {
        let Some(reconnect) = &self.pool_config(pool).reconnect else {
            return;
        };
        self.set_channel(pool, false);
        let Pool {
            caller,
            number,
            failure_count,
            ..
        } = self.connections.pools[pool];
        let identity = self.pool_identity(pool);
        let draw = self
            .streams
            .draw(Purpose::ReconnectJitter, identity, number, 0);
        let node = &self.nodes[self.caller_node(caller).index()];
        let wait = node.true_length(backoff(reconnect, failure_count, draw));
        let now = self.now();
        let delay = (started_at + wait).max(now).since(now);
        let sequence = self.schedule(
            delay,
            Event::ConnectionTimer(pool * TIMER_KINDS + TIMER_OF_POOL),
        );
        self.connections.pools[pool].retry.set(sequence);
    }

    /// A pool has backed off. It tries again if its instance is still a candidate.
    pub(super) fn on_backed_off(&mut self, pool: u32) {
        let Pool {
            caller, instance, ..
        } = self.connections.pools[pool];
        if self.is_candidate(caller, instance) {
            self.open_connection(pool, ClassId::NONE);
        } else {
            self.connections.pools[pool].failure_count = 0;
            self.set_channel(pool, true);
        }
    }

    /// Tells the balancer of a calling side that it is not connected to an instance any more.
    pub(super) fn tell_balancer(&mut self, pool: u32, is_graceful: bool) {
        let Pool {
            caller, instance, ..
        } = self.connections.pools[pool];
        let side = &mut self.callers[caller.index()];
        side.balancer.on_disconnected(instance, is_graceful);
    }
}

/// Whether the caller sends it.
pub(super) fn is_for_instance(kind: MessageKind) -> bool {
    match kind {
        MessageKind::Syn | MessageKind::Hello | MessageKind::Ping | MessageKind::Retransmission => {
            true
        }
        MessageKind::SynAck
        | MessageKind::Refused
        | MessageKind::HelloAck
        | MessageKind::PingAck
        | MessageKind::Crashed
        | MessageKind::Closed
        | MessageKind::Goaway => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    /// Source: gRPC, connection-backoff.md: 1 s, factor 1.6, at most 120 s, jitter 0.2.
    #[test]
    fn waits_grow_by_the_factor_and_jitter_fills_its_range() {
        let config = ReconnectConfig {
            initial: SimDuration::from_secs(1),
            factor: 1.6,
            max: SimDuration::from_secs(120),
            jitter_ratio: 0.2,
            connect_timeout_min: SimDuration::from_secs(20),
        };
        let streams = Streams::new(3);
        for (failure_count, mean) in [(1, 1.0), (2, 1.6), (3, 2.56), (4, 4.096), (30, 120.0)] {
            let waits: Vec<f64> = (0..1_000)
                .map(|identity| streams.draw(Purpose::ReconnectJitter, identity, failure_count, 0))
                .map(|draw| backoff(&config, failure_count as u16, draw).as_secs_f64())
                .collect();
            let lowest = waits.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = waits.iter().copied().fold(0.0, f64::max);
            // The extremes of 1,000 uniform numbers miss the ends by more than 2 % of the range
            // with probability 2 x 0.98^1000 < 1e-8.
            let slack = 0.02 * 0.4 * mean;
            assert!(
                0.8 * mean <= lowest && lowest < 0.8 * mean + slack,
                "{failure_count}"
            );
            assert!(
                1.2 * mean - slack < highest && highest <= 1.2 * mean,
                "{failure_count}"
            );
        }
    }
}
