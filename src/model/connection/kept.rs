//! What proxies do with connections that carry nothing: which request may use one that others used,
//! and how many are kept.
//!
//! Source: nginx 1.22.1 `ngx_http_upstream_keepalive_module.c`; HAProxy 2.6 `backend.c`
//! (`connect_server`) and `http-reuse` of its configuration manual; Envoy `conn_pool_base.cc`.

use std::collections::VecDeque;

use super::{Connections, Flags, Phase};
use crate::engine::PendingSet;
use crate::model::observation::Observer;
use crate::model::world::World;
use crate::scenario::connection::ConnectionConfig;
use crate::scenario::proxy::{ForwardConfig, IdleCache, Reuse};
use crate::time::SimTime;

/// Below so many entries a line is left as it is.
const ENTRIES_MIN: usize = 64;

/// The idle connections that a thread keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Idle {
    count: u32,
    /// From the one that was used longest ago: slot, pool, number and time of use. Entries of
    /// connections that are gone or were used since are left where they are.
    order: VecDeque<(u32, u32, u32, SimTime)>,
}

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    pub(super) fn pool_forward(&self, pool: u32) -> Option<&'s ForwardConfig> {
        let caller = self.connections.pools[pool].caller;
        self.forward_config(self.callers[caller.index()].edge)
    }

    /// The attempt of a pool that is sent next, and on which connection, if one is free for it.
    pub(super) fn next_carried(&self, pool: u32, config: &ConnectionConfig) -> Option<(u32, u32)> {
        let first = self.connections.pools[pool].waiting_first;
        let Some(forward) = self.pool_forward(pool) else {
            let connection = self.connections.with_room(pool, config)?;
            return Some((first, connection));
        };
        if forward.reuse == Reuse::Always {
            let connection = self.connections.used_last(pool, config)?;
            return Some((first, connection));
        }
        self.next_by_session(pool, config, forward.reuse)
    }

    /// The same where the first request of a client's connection may not use every one.
    fn next_by_session(
        &self,
        pool: u32,
        config: &ConnectionConfig,
        reuse: Reuse,
    ) -> Option<(u32, u32)> {
        let connections = &self.connections;
        let has_room = |slot: &u32| {
            let record = &connections.records[*slot];
            record.phase == Phase::Open && record.stream_count < config.streams_max
        };
        let free = || connections.of_pool(pool).filter(has_room);
        let carried = |slot: &u32| connections.records[*slot].carried_count;
        let fresh = free().find(|slot| carried(slot) == 0);
        let for_first = match reuse {
            Reuse::Aggressive => free().find(|slot| 1 < carried(slot)).or(fresh),
            Reuse::Safe | Reuse::Never | Reuse::Always => fresh,
        };
        let for_others = match reuse {
            Reuse::Never => fresh,
            Reuse::Safe | Reuse::Aggressive | Reuse::Always => {
                free().find(|slot| 0 < carried(slot)).or(fresh)
            }
        };
        for_first.or(for_others)?;
        let waiting = connections.listed(connections.pools[pool].waiting_first);
        waiting.into_iter().find_map(|attempt| {
            let connection = match self.is_first_of_session(attempt) {
                true => for_first,
                false => for_others,
            };
            connection.map(|connection| (attempt, connection))
        })
    }

    /// Whether an attempt forwards the first request of a connection of a client. A call without
    /// connections has one for each request.
    fn is_first_of_session(&self, attempt: u32) -> bool {
        let behind = self.attempt_behind(self.attempts[attempt].request);
        let connection = behind.and_then(|behind| self.connections.connection_of(behind));
        connection.is_none_or(|it| self.connections.records[it].carried_count <= 1)
    }

    /// Whether a connection that carries nothing is closed for what it has carried.
    pub(super) fn is_worn(&self, connection: u32) -> bool {
        let record = &self.connections.records[connection];
        let Some(forward) = self.pool_forward(record.pool) else {
            return false;
        };
        let is_over = |cache: IdleCache| cache.request_count_max <= record.carried_count;
        forward.reuse == Reuse::Never || forward.cache.is_some_and(is_over)
    }

    /// A connection carries nothing any more and is kept. Of too many, the one that was used
    /// longest ago is closed.
    pub(super) fn keep_idle(&mut self, connection: u32) {
        let pool = self.connections.records[connection].pool;
        let Some(cache) = self.pool_forward(pool).and_then(|forward| forward.cache) else {
            return;
        };
        let oldest = self.connections.add_idle(connection, cache.count_max);
        if let Some(oldest) = oldest {
            self.close_idle(oldest);
        }
    }
}

impl Connections {
    /// The open connection of a pool that was used last, of those with room.
    fn used_last(&self, pool: u32, config: &ConnectionConfig) -> Option<u32> {
        let has_room = |slot: &u32| {
            let record = &self.records[*slot];
            record.phase == Phase::Open && record.stream_count < config.streams_max
        };
        let free = self.of_pool(pool).filter(has_room);
        // Of equals the one that was opened last, which comes first.
        free.reduce(|best, slot| {
            let is_later = self.records[best].used_at < self.records[slot].used_at;
            if is_later { slot } else { best }
        })
    }

    fn idle_of(&mut self, pool: u32) -> &mut Idle {
        let (caller, thread) = (self.pools[pool].caller, self.pools[pool].thread);
        let idle = &mut self.sides[caller.index()].idle;
        let place = usize::from(thread);
        if idle.len() <= place {
            idle.resize_with(place + 1, Idle::default);
        }
        &mut idle[place]
    }

    /// Puts a connection among the idle ones. Returns the one that is too many.
    fn add_idle(&mut self, connection: u32, count_max: u32) -> Option<u32> {
        let record = &mut self.records[connection];
        record.flags.set(Flags::KEPT);
        let entry = (connection, record.pool, record.number, record.used_at);
        let pool = record.pool;
        let idle = self.idle_of(pool);
        idle.count += 1;
        idle.order.push_back(entry);
        if idle.count <= count_max {
            self.thin_out(pool);
            return None;
        }
        loop {
            let entry = self.idle_of(pool).order.pop_front();
            let entry = entry.expect("what is counted is in line");
            if self.is_in_line(entry) {
                return Some(entry.0);
            }
        }
    }

    /// Forgets entries that mean nothing any more, once they are more than the others.
    fn thin_out(&mut self, pool: u32) {
        let idle = self.idle_of(pool);
        if idle.order.len() < 2 * idle.count as usize + ENTRIES_MIN {
            return;
        }
        let mut order = std::mem::take(&mut idle.order);
        order.retain(|entry| self.is_in_line(*entry));
        self.idle_of(pool).order = order;
    }

    /// Whether a connection is idle since it was put in line.
    fn is_in_line(&self, (slot, pool, number, used_at): (u32, u32, u32, SimTime)) -> bool {
        self.records.get(slot).is_some_and(|record| {
            record.flags.has(Flags::KEPT)
                && (record.pool, record.number, record.used_at) == (pool, number, used_at)
        })
    }

    /// A connection is no longer idle, or no longer there.
    pub(super) fn take_from_idle(&mut self, connection: u32) {
        let record = &mut self.records[connection];
        if !record.flags.has(Flags::KEPT) {
            return;
        }
        record.flags.clear(Flags::KEPT);
        let pool = record.pool;
        let idle = self.idle_of(pool);
        idle.count -= 1;
        if idle.count == 0 {
            idle.order.clear();
        }
    }
}
