//! Connections: made when they are first needed, shared by attempts, lost in several ways.
//!
//! A calling side has a pool for each instance that it ever connected to. A pool has one
//! multiplexed connection or several that carry one attempt each, and a first-in first-out list of
//! attempts that wait for one. Everything here is the caller's side of a connection, plus what the
//! instance knows of it: which process accepted it, and whether that process closed it.
//!
//! Messages of a connection arrive in the order in which they were sent, so a lost packet delays
//! all attempts behind it. Three timers drive it: the caller's and the instance's for each
//! connection, and the back-off of each pool. Only the earliest of what a timer watches is
//! scheduled; activity that puts it off leaves the event where it is, which then finds nothing due.
//!
//! Threads of a proxy have pools of their own, and rules of their own for what stays idle and for
//! whom (`kept`).

mod channel;
mod handshake;
mod keepalive;
mod kept;
mod liveness;
mod pool;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use self::kept::Idle;
use crate::engine::{Slab, Timer};
use crate::id::{CallerId, InstanceId};
use crate::model::request::{NIL, Reply};
use crate::scenario::Scenario;
use crate::scenario::connection::ConnectionConfig;
use crate::time::{SimDuration, SimTime};

/// First wait for the answer to a SYN; it doubles (Linux `TCP_TIMEOUT_INIT`).
const SYN_TIMEOUT: SimDuration = SimDuration::from_secs(1);

/// Timers of a slot: of the caller's side and the instance's side of a connection, and of a pool.
const TIMER_KINDS: u32 = 3;
const TIMER_OF_CALLER: u32 = 0;
const TIMER_OF_INSTANCE: u32 = 1;
const TIMER_OF_POOL: u32 = 2;

/// Marks a pool where a connection could stand.
const WAITS: u32 = 1 << 31;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Under way to being open.
    Opening,
    /// Carries attempts.
    Open,
    /// Carries the attempts that it has, and closes after the last.
    Draining,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags(u8);

impl Flags {
    /// The instance's kernel has it.
    const ACCEPTED: Flags = Flags(1);
    /// It waits for its process, which stands still, to accept it.
    const IN_BACKLOG: Flags = Flags(2);
    /// The instance closed it; nothing that arrives is read.
    const CLOSED_THERE: Flags = Flags(4);
    /// The instance asked the caller to open another one.
    const GOAWAY_SENT: Flags = Flags(8);
    /// A ping has no answer; then `heard_at` is when it was sent.
    const PINGED: Flags = Flags(16);
    /// The worker time of its handshake is not spent yet.
    const HANDSHAKE_DUE: Flags = Flags(32);
    /// Its SYN was answered.
    const ANSWERED: Flags = Flags(64);
    /// It is among the idle connections that a thread keeps.
    const KEPT: Flags = Flags(128);

    fn has(self, flags: Flags) -> bool {
        self.0 & flags.0 != 0
    }

    fn set(&mut self, flags: Flags) {
        self.0 |= flags.0;
    }

    fn clear(&mut self, flags: Flags) {
        self.0 &= !flags.0;
    }
}

/// One connection.
#[derive(Clone, Copy, Debug)]
struct Connection {
    instance: InstanceId,
    pool: u32,
    /// The how-many-th of its pool; with the pool it is its identity.
    number: u32,
    /// The next connection of its pool.
    next: u32,
    /// Of the process that accepted it.
    incarnation: u32,
    /// First of the attempts that it carries.
    stream_first: u32,
    stream_count: u32,
    /// Attempts that it carried so far, those that it carries included.
    carried_count: u32,
    /// Messages of its own sent in both directions; names their random numbers.
    message_count: u32,
    phase: Phase,
    flags: Flags,
    syn_count: u8,
    round_trips_left: u8,
    /// When it began to open; once it is open, when that was.
    since: SimTime,
    /// When it last began or ended to carry an attempt.
    used_at: SimTime,
    /// When the instance last read or answered.
    served_at: SimTime,
    /// When the caller last heard the answer to a ping, or sent the one without answer; in the
    /// handshake, when its latest round trip began.
    heard_at: SimTime,
    /// The oldest byte that nobody will acknowledge; never, if there is none.
    unacked_since: SimTime,
    /// Last arrival there and back: nothing overtakes it.
    arrives_after: [SimTime; 2],
    timers: [Timer; 2],
}

/// The connections of one calling side, or one thread of it, with one instance.
#[derive(Clone, Copy, Debug)]
struct Pool {
    caller: CallerId,
    instance: InstanceId,
    first: u32,
    waiting_first: u32,
    waiting_last: u32,
    waiting_count: u32,
    /// Connections begun.
    number: u32,
    /// Failures to connect in a row.
    failure_count: u16,
    /// How the last one failed.
    failure: Reply,
    /// Which thread of its calling side has it.
    thread: u8,
    retry: Timer,
}

/// An entry of the list of a calling side.
type PoolEntry = (InstanceId, u32);

// What one open connection takes, together with a pool of its own.
const _: () = assert!(size_of::<Connection>() + size_of::<Pool>() + size_of::<PoolEntry>() <= 160);

/// A message of a connection on the wire.
#[derive(Clone, Copy, Debug)]
struct Message {
    connection: u32,
    pool: u32,
    number: u32,
    kind: MessageKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageKind {
    Syn,
    SynAck,
    /// Nobody listens.
    Refused,
    Hello,
    HelloAck,
    Ping,
    PingAck,
    /// What a lost host did not acknowledge, once more.
    Retransmission,
    /// The process died with the connection.
    Crashed,
    /// The kernel knows no such connection, or its process closed it idle.
    Closed,
    /// Another connection, please.
    Goaway,
}

/// The place of an attempt in the list of its connection, or of the pool where it waits.
#[derive(Clone, Copy, Debug)]
struct Stream {
    /// Slot of a connection, or of a pool with [`WAITS`]; NIL for neither.
    place: u32,
    prev: u32,
    next: u32,
}

/// What connections keep of an attempt in flight.
pub const STREAM_BYTES: usize = size_of::<Stream>();

const NO_STREAM: Stream = Stream {
    place: NIL,
    prev: NIL,
    next: NIL,
};

/// One calling side.
#[derive(Clone, Debug, Default)]
struct Side {
    /// Ascending by instance and thread.
    pools: Vec<PoolEntry>,
    /// Instances that it is not connected to after a loss or a failure, ascending.
    not_ready: Vec<InstanceId>,
    /// Where the last attempt went, for picks per connection.
    last: InstanceId,
    /// Connections, opening and closing ones included.
    connection_count: u32,
    /// Attempts that wait for one.
    waiting_count: u32,
    /// The idle connections that its threads keep, by thread; empty where nothing bounds them.
    idle: Vec<Idle>,
}

/// The connections of a run.
#[derive(Debug)]
pub struct Connections {
    /// By calling side; empty where no call has connections.
    sides: Vec<Side>,
    pools: Slab<Pool>,
    records: Slab<Connection>,
    messages: Slab<Message>,
    /// By slot of the attempt.
    streams: Vec<Stream>,
    /// Connections that wait for a process that stands still.
    backlogs: BTreeMap<InstanceId, u32>,
    /// When processes with connections died in silence, by instance and incarnation.
    silent_deaths: BTreeMap<(InstanceId, u32), SimTime>,
    /// When instances closed connections of which no message tells the caller in time, by slot.
    silent_closes: BTreeMap<u32, SimTime>,
    /// Connections that were told to go away before they were open, by slot.
    early_goaways: BTreeSet<u32>,
}

impl Connections {
    /// None yet.
    pub fn new(scenario: &Scenario) -> Self {
        let is_used = scenario.edges.iter().any(|edge| edge.connection.is_some());
        let side_count = if is_used {
            scenario.topology.caller_count() as usize
        } else {
            0
        };
        Connections {
            sides: vec![Side::default(); side_count],
            pools: Slab::new(),
            records: Slab::new(),
            messages: Slab::new(),
            streams: Vec::new(),
            backlogs: BTreeMap::new(),
            silent_deaths: BTreeMap::new(),
            silent_closes: BTreeMap::new(),
            early_goaways: BTreeSet::new(),
        }
    }

    /// Whether any call has connections.
    #[inline]
    pub fn is_used(&self) -> bool {
        !self.sides.is_empty()
    }

    /// What a pick would rather avoid: what the call has tried, and instances that the calling
    /// side is not connected to after a loss or a failure. Both ascend.
    #[inline]
    pub fn avoided<'a>(&self, caller: CallerId, tried: &'a [InstanceId]) -> Cow<'a, [InstanceId]> {
        match self.sides.get(caller.index()) {
            Some(side) if !side.not_ready.is_empty() => {
                let mut avoided = [tried, &side.not_ready].concat();
                avoided.sort_unstable();
                avoided.dedup();
                Cow::Owned(avoided)
            }
            _ => Cow::Borrowed(tried),
        }
    }

    /// Attempts of a calling side that wait for a connection.
    #[inline]
    pub fn waiting_count(&self, caller: CallerId) -> u32 {
        self.sides
            .get(caller.index())
            .map_or(0, |side| side.waiting_count)
    }

    /// Connections of a calling side, opening and closing ones included.
    pub fn connection_count(&self, caller: CallerId) -> u32 {
        self.sides[caller.index()].connection_count
    }

    /// The open connection of a pool that was opened last, of those with room.
    fn with_room(&self, pool: u32, config: &ConnectionConfig) -> Option<u32> {
        self.of_pool(pool).find(|slot| {
            let record = &self.records[*slot];
            record.phase == Phase::Open && record.stream_count < config.streams_max
        })
    }

    /// A message is lost with the process that it waited for.
    pub fn lose_message(&mut self, slot: u32) {
        self.messages.remove(slot);
    }

    /// Slots of the connections of a pool, the latest first.
    fn of_pool(&self, pool: u32) -> impl Iterator<Item = u32> {
        let mut next = self.pools[pool].first;
        std::iter::from_fn(move || {
            let slot = next;
            (slot != NIL).then(|| {
                next = self.records[slot].next;
                slot
            })
        })
    }

    /// Slots of the connections with an instance, by calling side and then in the order in which
    /// they were begun.
    fn of_instance(&self, instance: InstanceId) -> Vec<u32> {
        let connected = self.records.iter().filter(|(_, c)| c.instance == instance);
        let mut slots: Vec<u32> = connected.map(|(slot, _)| slot).collect();
        slots.sort_unstable_by_key(|slot| {
            let record = &self.records[*slot];
            (self.pools[record.pool].caller, record.number)
        });
        slots
    }

    /// Slots of the attempts that a connection carries, the latest first.
    fn carried(&self, connection: u32) -> Vec<u32> {
        self.listed(self.records[connection].stream_first)
    }

    /// Slots of the attempts of a list, from its first.
    fn listed(&self, first: u32) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut next = first;
        while next != NIL {
            slots.push(next);
            next = self.streams[next as usize].next;
        }
        slots
    }

    /// The connection that carries an attempt.
    #[inline(always)]
    fn connection_of(&self, attempt: u32) -> Option<u32> {
        let stream = self.streams.get(attempt as usize)?;
        (stream.place != NIL && stream.place & WAITS == 0).then_some(stream.place)
    }

    /// Whether a connection carries an attempt.
    #[inline]
    pub fn carries(&self, attempt: u32) -> bool {
        self.connection_of(attempt).is_some()
    }

    /// Whether an attempt waits for a connection.
    pub fn holds_back(&self, attempt: u32) -> bool {
        let stream = self.streams.get(attempt as usize);
        stream.is_some_and(|stream| stream.place != NIL && stream.place & WAITS != 0)
    }

    /// Puts an attempt at the head of the list of a connection.
    fn link_carried(&mut self, attempt: u32, connection: u32) {
        self.take_from_idle(connection);
        let record = &mut self.records[connection];
        record.stream_count += 1;
        record.carried_count = record.carried_count.saturating_add(1);
        let next = std::mem::replace(&mut record.stream_first, attempt);
        if next != NIL {
            self.streams[next as usize].prev = attempt;
        }
        self.streams[attempt as usize] = Stream {
            place: connection,
            prev: NIL,
            next,
        };
    }

    /// Puts an attempt at the end of the list of those that wait.
    fn link_waiting(&mut self, attempt: u32, pool: u32) {
        if self.streams.len() <= attempt as usize {
            self.streams.resize(attempt as usize + 1, NO_STREAM);
        }
        let record = &mut self.pools[pool];
        record.waiting_count += 1;
        self.sides[record.caller.index()].waiting_count += 1;
        let prev = std::mem::replace(&mut record.waiting_last, attempt);
        match prev {
            NIL => record.waiting_first = attempt,
            _ => self.streams[prev as usize].next = attempt,
        }
        self.streams[attempt as usize] = Stream {
            place: pool | WAITS,
            prev,
            next: NIL,
        };
    }

    /// Takes an attempt out of the list where it stands. Returns its place.
    fn unlink(&mut self, attempt: u32) -> u32 {
        let Some(stream) = self.streams.get_mut(attempt as usize) else {
            return NIL;
        };
        let Stream { place, prev, next } = std::mem::replace(stream, NO_STREAM);
        if place == NIL {
            return NIL;
        }
        if prev != NIL {
            self.streams[prev as usize].next = next;
        }
        if next != NIL {
            self.streams[next as usize].prev = prev;
        }
        if place & WAITS != 0 {
            let pool = &mut self.pools[place & !WAITS];
            pool.waiting_count -= 1;
            self.sides[pool.caller.index()].waiting_count -= 1;
            if prev == NIL {
                pool.waiting_first = next;
            }
            if next == NIL {
                pool.waiting_last = prev;
            }
        } else {
            let record = &mut self.records[place];
            record.stream_count -= 1;
            if prev == NIL {
                record.stream_first = next;
            }
        }
        place
    }

    /// Takes a connection out of its pool and of its slot.
    fn remove(&mut self, slot: u32) -> Connection {
        self.take_from_idle(slot);
        let record = self.records.remove(slot);
        self.silent_closes.remove(&slot);
        self.early_goaways.remove(&slot);
        assert!(
            record.stream_count == 0,
            "a connection is gone that carries attempts"
        );
        let pool = &mut self.pools[record.pool];
        self.sides[pool.caller.index()].connection_count -= 1;
        if pool.first == slot {
            pool.first = record.next;
            return record;
        }
        let mut place = pool.first;
        while self.records[place].next != slot {
            place = self.records[place].next;
        }
        self.records[place].next = record.next;
        record
    }

    /// Returns whether that is news.
    fn set_ready(&mut self, pool: u32, is_ready: bool) -> bool {
        let Pool {
            caller, instance, ..
        } = self.pools[pool];
        let not_ready = &mut self.sides[caller.index()].not_ready;
        match (not_ready.binary_search(&instance), is_ready) {
            (Err(place), false) => not_ready.insert(place, instance),
            (Ok(place), true) => {
                not_ready.remove(place);
            }
            _ => return false,
        }
        true
    }
}
