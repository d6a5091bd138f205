//! Attempts and their connections: wait, travel, leave.

use super::{Connections, Flags, MessageKind, Phase, Pool, TIMER_OF_CALLER, WAITS};
use crate::engine::{PendingSet, Timer};
use crate::id::{CallerId, ClassId, EdgeId, InstanceId};
use crate::model::caller::{LEG_THERE, message_key};
use crate::model::classes::Leg;
use crate::model::event::Event;
use crate::model::network::Verdict;
use crate::model::observation::{AttemptOutcome, Observation, Observer};
use crate::model::request::{AttemptFlags, NIL, Reply, Stage};
use crate::model::world::World;
use crate::scenario::connection::{ConnectionConfig, PickPer};
use crate::time::{SimDuration, SimTime};

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    /// The connections of a call, if it has any.
    #[inline]
    pub(in crate::model) fn connection_config(&self, edge: EdgeId) -> Option<&'s ConnectionConfig> {
        self.scenario.edges[edge.index()].connection.as_ref()
    }

    pub(super) fn pool_config(&self, pool: u32) -> &'s ConnectionConfig {
        let caller = self.connections.pools[pool].caller;
        let edge = self.callers[caller.index()].edge;
        self.connection_config(edge)
            .expect("only calls with connections have pools")
    }

    /// The instance of an open connection with room, where picks are made per connection.
    /// Those in `shut`, which ascends, are left out.
    pub(in crate::model) fn shared_pick(
        &self,
        caller: CallerId,
        shut: &[InstanceId],
    ) -> Option<InstanceId> {
        let side = self.connections.sides.get(caller.index())?;
        let config = self.connection_config(self.callers[caller.index()].edge)?;
        if config.pick_per != PickPer::Connection {
            return None;
        }
        let candidates = &self.callers[caller.index()].candidates;
        let has_room = |entry: &&(InstanceId, u32)| {
            if candidates.position(entry.0).is_none() || shut.binary_search(&entry.0).is_ok() {
                return false;
            }
            let pool = &self.connections.pools[entry.1];
            let mut room = 0;
            for slot in self.connections.of_pool(entry.1) {
                let record = &self.connections.records[slot];
                if record.phase != Phase::Draining {
                    room += config.streams_max - record.stream_count;
                }
            }
            pool.waiting_count < room
        };
        let last = side.pools.binary_search_by_key(&side.last, |entry| entry.0);
        let last = last.ok().map(|place| &side.pools[place]).filter(has_room);
        last.or_else(|| side.pools.iter().find(has_room))
            .map(|entry| entry.0)
    }

    /// Whether an attempt needs a connection.
    pub(in crate::model) fn travels_connected(&self, slot: u32) -> bool {
        let edge = self.callers[self.attempts[slot].caller.index()].edge;
        self.connection_config(edge).is_some()
    }

    /// Whether an attempt still waits for a connection to a process that runs.
    pub(in crate::model) fn waits_for_the_living(&self, slot: u32) -> bool {
        let node = self.instance_node(self.attempts[slot].instance);
        self.connections.holds_back(slot) && self.nodes[node.index()].state.is_up()
    }

    /// Sends an attempt on a connection, as soon as there is one with room.
    pub(in crate::model) fn carry(&mut self, slot: u32) {
        let (caller, instance) = (self.attempts[slot].caller, self.attempts[slot].instance);
        self.connections.sides[caller.index()].last = instance;
        let thread = self.thread_of(self.attempts[slot].request);
        let pool = self.connections.pool_slot(caller, (instance, thread));
        if self.pool_config(pool).is_timed_from_sent {
            self.put_off_timeout(slot);
        }
        if let Some(failure) = self.fails_at_once(pool) {
            return self.fail_at_home(slot, failure);
        }
        self.connections.link_waiting(slot, pool);
        self.serve_waiting(pool);
    }

    /// An attempt fails without leaving its caller.
    fn fail_at_home(&mut self, slot: u32, failure: Reply) {
        let sequence = self.schedule(SimDuration::ZERO, Event::ReplyArrives(slot));
        let attempt = &mut self.attempts[slot];
        attempt.stage = Stage::Replied;
        attempt.reply = failure;
        attempt.pending = sequence;
    }

    /// While a pool backs off, or tries again after a failure, its attempts fail as the last try
    /// did.
    fn fails_at_once(&self, pool: u32) -> Option<Reply> {
        let record = &self.connections.pools[pool];
        if record.failure_count == 0 || self.pool_config(pool).reconnect.is_none() {
            return None;
        }
        (!self.has_open(pool)).then_some(record.failure)
    }

    /// Whether a pool has a connection that new attempts may use.
    pub(super) fn has_open(&self, pool: u32) -> bool {
        let mut connections = self.connections.of_pool(pool);
        connections.any(|slot| self.connections.records[slot].phase == Phase::Open)
    }

    /// Sends what waits, while there is room, and opens connections for the rest.
    pub(super) fn serve_waiting(&mut self, pool: u32) {
        let config = self.pool_config(pool);
        while self.connections.pools[pool].waiting_count > 0 {
            let Some((attempt, connection)) = self.next_carried(pool, config) else {
                break;
            };
            self.connections.unlink(attempt);
            if self.overflows_at_last(attempt) {
                self.fail_at_home(attempt, Reply::Rejected);
            } else {
                self.transmit_on(attempt, connection);
            }
        }
        let Pool {
            waiting_count,
            caller,
            ..
        } = self.connections.pools[pool];
        let (mut live_count, mut coming) = (0u32, 0u32);
        for slot in self.connections.of_pool(pool) {
            let phase = self.connections.records[slot].phase;
            live_count += u32::from(phase != Phase::Draining);
            coming += u32::from(phase == Phase::Opening).saturating_mul(config.streams_max);
        }
        let mut has_any = self.connections.of_pool(pool).next().is_some();
        while coming < waiting_count
            && live_count < config.connection_count_max
            && self.may_connect(caller, has_any)
        {
            has_any = true;
            let class = self.waiting_class(pool, coming);
            self.open_connection(pool, class);
            live_count += 1;
            coming = coming.saturating_add(config.streams_max);
        }
    }

    /// The class of the attempt that waits behind `count` others.
    fn waiting_class(&self, pool: u32, count: u32) -> ClassId {
        if self.scenario.classes.is_empty() {
            return ClassId::NONE;
        }
        let attempt = self.connections.waiting_at(pool, count);
        attempt.map_or(ClassId::NONE, |slot| self.attempts[slot].class)
    }

    /// Sends the bytes of an attempt.
    fn transmit_on(&mut self, slot: u32, connection: u32) {
        let now = self.now();
        self.connections.link_carried(slot, connection);
        let attempt = self.attempts[slot];
        let caller = attempt.caller;
        let pool = self.connections.records[connection].pool;
        if self.pool_config(pool).is_timed_from_sent {
            self.start_timeout(slot);
        }
        let (edge, node) = (
            self.callers[caller.index()].edge,
            self.callers[caller.index()].node,
        );
        self.observe(Observation::AttemptCarried {
            caller,
            edge,
            class: attempt.class,
            waiting: now.since(attempt.sent_at),
        });
        self.connections.records[connection].used_at = now;
        let link = (node, self.instance_node(attempt.instance));
        let key = message_key(&attempt, LEG_THERE);
        let verdict = self.send_message(slot, link, key, Leg::There);
        let Verdict::Deliver { delay, is_held } = verdict else {
            return self.note_unacked(connection, now);
        };
        let delay = self.in_order(connection, LEG_THERE, delay);
        let sequence = self.schedule(delay, Event::AttemptArrives(slot));
        let attempt = &mut self.attempts[slot];
        attempt.pending = sequence;
        attempt.due_ns = now.as_ns();
        if is_held {
            attempt.flags.set(AttemptFlags::HELD);
        }
        self.note_delay(connection, now, delay);
    }

    /// A message on a connection arrives after those sent before it in its direction.
    fn in_order(&mut self, connection: u32, leg: u32, delay: SimDuration) -> SimDuration {
        let now = self.now();
        let last = &mut self.connections.records[connection].arrives_after[leg as usize];
        *last = (*last).max(now + delay);
        last.since(now)
    }

    /// The delay of a reply, which keeps the order of its connection if it has one.
    #[inline]
    pub(in crate::model) fn reply_delay(
        &mut self,
        slot: u32,
        verdict: Verdict,
    ) -> Option<SimDuration> {
        let connection = self.connections.connection_of(slot);
        match (verdict, connection) {
            (verdict, Some(connection)) if !O::IS_BARE => self.delay_on(connection, verdict, slot),
            (Verdict::Deliver { delay, .. }, _) => Some(delay),
            (Verdict::Lost, _) => None,
        }
    }

    #[cold]
    fn delay_on(&mut self, connection: u32, verdict: Verdict, slot: u32) -> Option<SimDuration> {
        let (now, sent_at) = (self.now(), self.attempts[slot].sent_at);
        self.connections.records[connection].served_at = now;
        let Verdict::Deliver { delay, .. } = verdict else {
            self.note_unacked(connection, sent_at);
            return None;
        };
        self.note_delay(connection, now, delay);
        Some(self.in_order(connection, 1, delay))
    }

    /// An attempt reaches the host of its instance on a connection. Whether it is not read.
    #[inline(always)]
    pub(in crate::model) fn is_turned_back(&mut self, slot: u32) -> bool {
        match self.connections.connection_of(slot) {
            Some(connection) if !O::IS_BARE => self.turns_back(slot, connection),
            _ => false,
        }
    }

    #[inline(never)]
    fn turns_back(&mut self, slot: u32, connection: u32) -> bool {
        let now = self.now();
        if self.knows(connection) {
            self.connections.records[connection].served_at = now;
            return false;
        }
        let attempt = &mut self.attempts[slot];
        attempt.stage = Stage::Lost;
        let left_at = SimTime::from_ns(attempt.due_ns);
        self.answer_unknown(connection, left_at);
        true
    }

    /// An instance tells all that are connected to it to go away.
    pub(in crate::model) fn send_goaways(&mut self, instance: InstanceId) {
        if !self.has_pools() {
            return;
        }
        for connection in self.connections.of_instance(instance) {
            if self.knows(connection) {
                let flags = &mut self.connections.records[connection].flags;
                flags.set(Flags::GOAWAY_SENT);
                self.send_on(connection, MessageKind::Goaway);
            }
        }
    }

    /// Whether anybody is connected to a process.
    pub(in crate::model) fn has_connections(&self, instance: InstanceId) -> bool {
        let records = self.connections.records.iter();
        let mut of_instance = records.filter(|(_, record)| record.instance == instance);
        of_instance.any(|(connection, _)| self.knows(connection))
    }

    /// Worker time that the attempt's connection still costs.
    #[inline]
    pub(in crate::model) fn handshake_demand(&mut self, slot: u32) -> SimDuration {
        let Some(connection) = self.connections.connection_of(slot) else {
            return SimDuration::ZERO;
        };
        let record = &mut self.connections.records[connection];
        if !record.flags.has(Flags::HANDSHAKE_DUE) {
            return SimDuration::ZERO;
        }
        record.flags.clear(Flags::HANDSHAKE_DUE);
        let pool = record.pool;
        self.pool_config(pool).handshake_cpu
    }

    /// Names attempts by slot, identity and number: the end of one may give up others, and their
    /// slots are used again.
    pub(super) fn name_attempts(&self, slots: &[u32]) -> Vec<(u32, u64, u8)> {
        let name = |slot: &u32| {
            let attempt = &self.attempts[*slot];
            (*slot, attempt.identity, attempt.index)
        };
        slots.iter().map(name).collect()
    }

    /// Whether the caller still waits for an attempt.
    pub(super) fn is_awaited(&self, (slot, identity, index): (u32, u64, u8)) -> bool {
        self.attempts.get(slot).is_some_and(|attempt| {
            attempt.request != NIL && (attempt.identity, attempt.index) == (identity, index)
        })
    }

    /// The calling side is done with an attempt: its place is free for the next one.
    #[inline(always)]
    pub(in crate::model) fn leave_connection(&mut self, slot: u32, outcome: AttemptOutcome) {
        if self.has_pools() {
            self.end_stream(slot, outcome);
        }
    }

    #[inline(never)]
    fn end_stream(&mut self, slot: u32, outcome: AttemptOutcome) {
        let place = self.connections.unlink(slot);
        if place != NIL && place & WAITS == 0 {
            self.after_carried(place, outcome);
        }
    }

    fn after_carried(&mut self, connection: u32, outcome: AttemptOutcome) {
        let now = self.now();
        let record = &mut self.connections.records[connection];
        record.used_at = now;
        let (pool, phase, is_idle) = (record.pool, record.phase, record.stream_count == 0);
        let caller = self.connections.pools[pool].caller;
        if !self.nodes[self.caller_node(caller).index()].state.is_up() {
            return;
        }
        // Without multiplexing the reply that is still to come blocks the connection.
        let is_blocked = !self.pool_config(pool).is_multiplexed && !is_answered(outcome);
        if is_idle && (phase == Phase::Draining || is_blocked || self.is_worn(connection)) {
            return self.close_idle(connection);
        }
        self.watch(connection, TIMER_OF_CALLER);
        if is_idle {
            self.keep_idle(connection);
        }
        self.serve_waiting(pool);
    }

    /// The peer will not acknowledge what was sent at `since`.
    pub(super) fn note_unacked(&mut self, connection: u32, since: SimTime) {
        let record = &mut self.connections.records[connection];
        if record.unacked_since == SimTime::NEVER {
            record.unacked_since = since;
            record.timers[TIMER_OF_CALLER as usize].cancel();
            self.watch(connection, TIMER_OF_CALLER);
        }
    }

    /// A message that arrives later than the caller waits for its acknowledgement.
    pub(super) fn note_delay(&mut self, connection: u32, since: SimTime, delay: SimDuration) {
        let pool = self.connections.records[connection].pool;
        if self.pool_config(pool).unacked_timeout < delay {
            self.note_unacked(connection, since);
        }
    }
}

impl Connections {
    /// Whether a thread of a calling side has a connection that takes an attempt to an instance at
    /// once.
    pub fn has_room(
        &self,
        caller: CallerId,
        pool: (InstanceId, u32),
        config: &ConnectionConfig,
    ) -> bool {
        self.pool_place(caller, pool).is_ok_and(|place| {
            let pool = self.sides[caller.index()].pools[place].1;
            let is_free = self.pools[pool].waiting_count == 0;
            is_free && self.with_room(pool, config).is_some()
        })
    }

    /// The place of a pool in the list of its calling side, or where it would be.
    fn pool_place(
        &self,
        caller: CallerId,
        (instance, thread): (InstanceId, u32),
    ) -> Result<usize, usize> {
        let thread_of = |pool: u32| u32::from(self.pools[pool].thread);
        self.sides[caller.index()]
            .pools
            .binary_search_by(|(id, pool)| (*id, thread_of(*pool)).cmp(&(instance, thread)))
    }

    /// The pool of a thread, which is made when it is first needed.
    fn pool_slot(&mut self, caller: CallerId, (instance, thread): (InstanceId, u32)) -> u32 {
        let place = self.pool_place(caller, (instance, thread));
        let pools = &mut self.sides[caller.index()].pools;
        match place {
            Ok(place) => pools[place].1,
            Err(place) => {
                let slot = self.pools.insert(Pool {
                    caller,
                    instance,
                    first: NIL,
                    waiting_first: NIL,
                    waiting_last: NIL,
                    waiting_count: 0,
                    number: 0,
                    failure_count: 0,
                    failure: Reply::Refused,
                    thread: u8::try_from(thread).expect("threads are few"),
                    retry: Timer::UNSET,
                });
                pools.insert(place, (instance, slot));
                slot
            }
        }
    }

    /// The attempt that waits behind `count` others, if so many wait.
    fn waiting_at(&self, pool: u32, count: u32) -> Option<u32> {
        let record = &self.pools[pool];
        if record.waiting_count <= count {
            return None;
        }
        let behind = record.waiting_count - 1 - count;
        let step = |attempt: u32, is_back: bool| {
            let stream = self.streams[attempt as usize];
            if is_back { stream.prev } else { stream.next }
        };
        // From the nearer end.
        Some(match behind < count {
            true => (0..behind).fold(record.waiting_last, |attempt, _| step(attempt, true)),
            false => (0..count).fold(record.waiting_first, |attempt, _| step(attempt, false)),
        })
    }
}

/// Whether an attempt ended with a reply of the instance.
fn is_answered(outcome: AttemptOutcome) -> bool {
    matches!(
        outcome,
        AttemptOutcome::Success | AttemptOutcome::Error | AttemptOutcome::Rejected
    )
}
