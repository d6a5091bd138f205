//! What a scenario may say about caches.

use super::distribution::Distribution;
use crate::id::EdgeId;
use crate::time::SimDuration;

/// What every cache has.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheConfig {
    /// Keys that one cache holds; the one used longest ago makes room.
    pub capacity: u32,
    /// How long an entry is fresh, counted from its fill. None: for ever.
    pub ttl: Option<SimDuration>,
    /// Share of `ttl` by which an entry's life is shortened at random, uniformly.
    pub ttl_jitter_ratio: f64,
    /// Law of the time that an answer from the cache takes.
    pub hit_time: Distribution,
    /// Whether misses of a key that is being loaded wait for it and load nothing themselves.
    pub coalesce: bool,
    /// How long after its life an entry still answers, while it is loaded again in the background.
    pub stale_while_revalidate: SimDuration,
}

/// `cache` of a call: what is found in it is answered without an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct CallCacheConfig {
    /// What every cache has.
    pub cache: CacheConfig,
    /// Who shares one.
    pub per: CachePer,
}

/// Who shares the cache of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePer {
    /// Every caller has its own, in its process.
    Caller,
    /// The callers of a zone share one that stands in their zone, a round trip away (an edge
    /// cache, as of a content delivery network). It does not fail.
    Zone,
}

/// `cache` of a service: every instance has one.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceCacheConfig {
    /// What every cache has.
    pub cache: CacheConfig,
    /// What a key that is not in the cache costs, besides the service time.
    pub miss: CacheMiss,
}

impl ServiceCacheConfig {
    /// The call that a miss makes, if it makes one.
    pub fn miss_call(&self) -> Option<EdgeId> {
        match self.miss {
            CacheMiss::Call(edge) => Some(edge),
            CacheMiss::Time(_) => None,
        }
    }
}

/// What a miss at an instance costs.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheMiss {
    /// Work of its own.
    Time(Distribution),
    /// One of the service's calls, which is made on a miss only.
    Call(EdgeId),
}
