//! Caches, at the calling side and at instances: what they hold, and who waits for what.
//!
//! [`call`] answers calls from them; [`service`] spares instances the cost of a miss.

mod call;
mod lru;
mod service;

use std::collections::BTreeMap;

use lru::{Lookup, Lru};
pub(super) use service::LOAD_STEP;

use super::observation::Outcome;
use super::request::{Request, RequestFlags};
use super::sampler::Sampler;
use crate::engine::TimerTable;
use crate::id::{EdgeId, InstanceId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::cache::{CacheConfig, CacheMiss, CachePer};
use crate::time::SimTime;

/// All caches of a run.
#[derive(Debug)]
pub struct Caches {
    /// By edge.
    calls: Vec<Option<CacheSet>>,
    /// By service.
    services: Vec<Option<CacheSet>>,
    /// What a miss adds to the work, by service.
    miss_times: Vec<Option<Sampler>>,
    /// What becomes due at caches.
    timers: TimerTable<CacheTimer>,
    /// What the cache of its instance said, by slot of the attempt.
    marks: Vec<Mark>,
}

/// The caches of one call or of one service.
#[derive(Debug)]
struct CacheSet {
    config: CacheConfig,
    hit_time: Sampler,
    /// The calling side, zone or instance of the first one.
    first: u32,
    /// Made when they are first used.
    caches: Vec<Option<Box<Cache>>>,
}

/// One cache.
#[derive(Debug)]
struct Cache {
    entries: Lru,
    /// Who waits for each key that is being loaded.
    loads: BTreeMap<u32, Vec<Waiter>>,
}

/// A request or an attempt that waits for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiter {
    slot: u32,
    /// Its slot may have another tenant by then.
    identity: u64,
}

/// What a cache says when it is asked for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It has it.
    Fresh,
    /// It has it, but it is past its life; `loads` if it must be loaded again.
    Stale { loads: bool },
    /// It is being loaded, and who asks may wait for it.
    Loading,
    /// It must be loaded.
    Absent,
}

/// What becomes due at a cache.
#[derive(Clone, Copy, Debug)]
enum CacheTimer {
    /// An answer reaches its request.
    Answers(Waiter),
    /// A miss is known, and the request goes on to the service.
    Misses(Waiter),
    /// The deadline of a request that waits for a key.
    Deadline(Waiter),
    /// The load that a request waited for ended like this.
    Fails { waiter: Waiter, outcome: Outcome },
    /// An instance has loaded a key in the background.
    Reloaded {
        instance: InstanceId,
        key: u32,
        incarnation: u32,
    },
}

impl CacheTimer {
    /// Names it in the digest.
    fn identity(self) -> u64 {
        match self {
            CacheTimer::Answers(waiter)
            | CacheTimer::Misses(waiter)
            | CacheTimer::Deadline(waiter)
            | CacheTimer::Fails { waiter, .. } => waiter.identity,
            CacheTimer::Reloaded { key, .. } => u64::from(key),
        }
    }

    /// Whether it is still due at its request: one that came to load the key itself, because who
    /// loaded it died, has its deadline with its attempts.
    fn concerns(self, request: &Request) -> bool {
        match self {
            CacheTimer::Deadline(_) => !request.flags.has(RequestFlags::LOADS_CACHE),
            _ => true,
        }
    }
}

/// What the cache of its instance said about an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    /// Nothing: it has no cache, or was not asked.
    #[default]
    None,
    /// It holds the key.
    Holds,
    /// The attempt loads the key.
    Loads,
    /// Another one loads the key.
    Waits,
    /// The load that it waited for failed while it had work of its own.
    Fails,
    /// It loads the key after its own work, because who loaded it was given up.
    Inherits,
    /// It loads the key like that, and nothing else is left to do.
    LoadsLate,
}

/// What caches keep of an attempt in flight.
pub const MARK_BYTES: usize = size_of::<Mark>();

impl Caches {
    /// Empty caches.
    pub fn new(scenario: &Scenario) -> Self {
        let topology = &scenario.topology;
        let of_call = |edge: usize| {
            let config = scenario.edges[edge].cache.as_ref()?;
            let callers = topology.edge_callers(EdgeId::from_index(edge));
            let range = match config.per {
                CachePer::Caller => callers,
                CachePer::Zone => 0..scenario.zones.len() as u32,
            };
            Some(CacheSet::new(&config.cache, range))
        };
        let of_service = |service: usize| {
            let config = scenario.services[service].cache.as_ref()?;
            let instances = topology.service_instances(ServiceId::from_index(service));
            Some(CacheSet::new(&config.cache, instances))
        };
        let miss_time = |service: usize| match &scenario.services[service].cache.as_ref()?.miss {
            CacheMiss::Time(law) => Some(Sampler::new(law)),
            CacheMiss::Call(_) => None,
        };
        Caches {
            calls: (0..scenario.edges.len()).map(of_call).collect(),
            services: (0..scenario.services.len()).map(of_service).collect(),
            miss_times: (0..scenario.services.len()).map(miss_time).collect(),
            timers: TimerTable::new(),
            marks: Vec::new(),
        }
    }
}

impl CacheSet {
    fn new(config: &CacheConfig, range: std::ops::Range<u32>) -> Self {
        CacheSet {
            config: config.clone(),
            hit_time: Sampler::new(&config.hit_time),
            first: range.start,
            caches: range.map(|_| None).collect(),
        }
    }

    /// Asks the cache of `place` for a key.
    fn ask(&mut self, place: u32, key: u32, now: SimTime) -> Answer {
        let coalesces = self.config.coalesce;
        let cache = self.cache(place);
        let is_loading = cache.loads.contains_key(&key);
        match cache.entries.look_up(key, now) {
            Lookup::Fresh => Answer::Fresh,
            Lookup::Stale => Answer::Stale { loads: !is_loading },
            Lookup::Absent if is_loading && coalesces => Answer::Loading,
            Lookup::Absent => Answer::Absent,
        }
    }

    /// Somebody loads a key.
    fn begin_load(&mut self, place: u32, key: u32) {
        self.cache(place).loads.entry(key).or_default();
    }

    /// Adds who waits for a key that is being loaded.
    fn wait(&mut self, place: u32, key: u32, waiter: Waiter) {
        let waiters = self.cache(place).loads.get_mut(&key);
        waiters.expect("the key is being loaded").push(waiter);
    }

    /// Whether a key is being loaded.
    fn is_loading(&mut self, place: u32, key: u32) -> bool {
        self.cache(place).loads.contains_key(&key)
    }

    /// A load ended; the entry lives for `life` if it was good. Returns who waited.
    fn end_load(&mut self, place: u32, key: u32, life: Option<Life>) -> Vec<Waiter> {
        let cache = self.cache(place);
        if let Some(life) = life {
            cache.entries.put(key, life.fresh_until, life.stale_until);
        }
        cache.loads.remove(&key).unwrap_or_default()
    }

    /// How long an entry that is filled now lives; `uniform` is random.
    fn life(&self, now: SimTime, uniform: f64) -> Life {
        let fresh_until = self.config.ttl.map_or(SimTime::NEVER, |ttl| {
            now + ttl.scaled(1.0 - self.config.ttl_jitter_ratio * uniform)
        });
        Life {
            fresh_until,
            stale_until: fresh_until + self.config.stale_while_revalidate,
        }
    }

    fn cache(&mut self, place: u32) -> &mut Cache {
        let capacity = self.config.capacity;
        let cache = &mut self.caches[(place - self.first) as usize];
        cache.get_or_insert_with(|| {
            Box::new(Cache {
                entries: Lru::new(capacity),
                loads: BTreeMap::new(),
            })
        })
    }

    /// The process died, and with it what it held.
    fn clear(&mut self, place: u32) {
        self.caches[(place - self.first) as usize] = None;
    }
}

/// How long an entry lives.
#[derive(Clone, Copy, Debug)]
struct Life {
    fresh_until: SimTime,
    stale_until: SimTime,
}
