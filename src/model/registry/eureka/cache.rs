//! What a server hands out: two caches before the registry (`ResponseCacheImpl`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::lease::Lease;
use crate::id::InstanceId;
use crate::scenario::registry::eureka::CacheConfig;
use crate::time::{SimDuration, SimTime};

/// All registered instances, ascending.
pub type Apps = Vec<InstanceId>;

/// The changes of the last minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// In order: who, and whether it is registered from then on.
    pub changes: Vec<(InstanceId, bool)>,
    /// How many instances there are: the hash code that clients compare holds no more.
    pub count: u32,
}

impl Delta {
    /// What a client makes of it.
    pub fn applied_to(&self, apps: &Apps) -> Apps {
        let mut apps = apps.clone();
        for (instance, is_present) in &self.changes {
            match (apps.binary_search(instance), is_present) {
                (Err(place), true) => apps.insert(place, *instance),
                (Ok(place), false) => {
                    apps.remove(place);
                }
                _ => {}
            }
        }
        apps
    }
}

/// What the first cache holds of one kind.
#[derive(Clone, Debug)]
struct Written<T> {
    value: Arc<T>,
    at: SimTime,
    is_valid: bool,
}

/// Both caches of one kind of answer.
#[derive(Clone, Debug)]
struct Pair<T> {
    read_write: Option<Written<T>>,
    read_only: Option<Arc<T>>,
}

impl<T: PartialEq> Pair<T> {
    const EMPTY: Self = Pair {
        read_write: None,
        read_only: None,
    };

    fn read_write(&mut self, now: SimTime, expiry: SimDuration, make: &dyn Fn() -> T) -> Arc<T> {
        if let Some(written) = &self.read_write
            && written.is_valid
            && now.since(written.at) < expiry
        {
            return Arc::clone(&written.value);
        }
        let made = make();
        // Equal contents are one, so that clients see at once that nothing is new.
        let value = match self.read_write.take() {
            Some(before) if *before.value == made => before.value,
            _ => Arc::new(made),
        };
        self.read_write = Some(Written {
            value: Arc::clone(&value),
            at: now,
            is_valid: true,
        });
        value
    }

    fn read(&mut self, now: SimTime, config: &CacheConfig, make: &dyn Fn() -> T) -> Arc<T> {
        if !config.has_read_only {
            return self.read_write(now, config.expiry, make);
        }
        if let Some(value) = &self.read_only {
            return Arc::clone(value);
        }
        let value = self.read_write(now, config.expiry, make);
        self.read_only = Some(Arc::clone(&value));
        value
    }

    /// The second cache follows, if anybody has read it.
    fn sync(&mut self, now: SimTime, config: &CacheConfig, make: &dyn Fn() -> T) {
        if self.read_only.is_some() {
            self.read_only = Some(self.read_write(now, config.expiry, make));
        }
    }

    fn invalidate(&mut self) {
        if let Some(written) = &mut self.read_write {
            written.is_valid = false;
        }
    }
}

/// The leases of a server, the changes that clients can fetch, and both caches.
#[derive(Clone, Debug)]
pub struct Store {
    config: CacheConfig,
    /// By instance; [`Lease::NONE`] where it is not registered.
    leases: Vec<Lease>,
    count: u32,
    recent: VecDeque<(SimTime, InstanceId, bool)>,
    full: Pair<Apps>,
    delta: Pair<Delta>,
}

impl Store {
    /// Nothing is registered.
    pub fn new(config: CacheConfig, instance_count: u32) -> Self {
        Store {
            config,
            leases: vec![Lease::NONE; instance_count as usize],
            count: 0,
            recent: VecDeque::new(),
            full: Pair::EMPTY,
            delta: Pair::EMPTY,
        }
    }

    /// How many instances are registered.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The lease of an instance.
    pub fn lease(&mut self, instance: InstanceId) -> Option<&mut Lease> {
        let lease = &mut self.leases[instance.index()];
        (*lease != Lease::NONE).then_some(lease)
    }

    /// Whether an instance is registered.
    pub fn has(&self, instance: InstanceId) -> bool {
        self.leases[instance.index()] != Lease::NONE
    }

    /// Those registered whose lease is as described, ascending.
    pub fn those(&self, is_meant: impl Fn(&Lease) -> bool) -> Apps {
        let leases = self.leases.iter().enumerate();
        leases
            .filter(|(_, lease)| **lease != Lease::NONE && is_meant(lease))
            .map(|(index, _)| InstanceId::from_index(index))
            .collect()
    }

    /// Sets a lease, or ends it. A change that clients can fetch, unless nothing had to be done.
    pub fn set(&mut self, now: SimTime, instance: InstanceId, lease: Option<Lease>) {
        let (is_present, was_present) = (lease.is_some(), self.has(instance));
        self.leases[instance.index()] = lease.unwrap_or(Lease::NONE);
        self.count = self.count + u32::from(is_present) - u32::from(was_present);
        if was_present || is_present {
            self.recent.push_back((now, instance, is_present));
            self.full.invalidate();
            self.delta.invalidate();
        }
    }

    /// A registration that everybody knew before the run began.
    pub fn set_before_start(&mut self, instance: InstanceId, lease: Lease) {
        self.leases[instance.index()] = lease;
        self.count += 1;
    }

    /// Old changes are dropped.
    pub fn clean(&mut self, now: SimTime) {
        let retention = self.config.delta_retention;
        while let Some((at, ..)) = self.recent.front()
            && retention < now.since(*at)
        {
            self.recent.pop_front();
        }
    }

    fn changes(recent: &VecDeque<(SimTime, InstanceId, bool)>, count: u32) -> Delta {
        Delta {
            changes: recent.iter().map(|change| (change.1, change.2)).collect(),
            count,
        }
    }

    fn all(leases: &[Lease]) -> Apps {
        let leases = leases.iter().enumerate();
        let registered = leases.filter(|(_, lease)| **lease != Lease::NONE);
        registered
            .map(|(index, _)| InstanceId::from_index(index))
            .collect()
    }

    /// What a client gets that asks for everything.
    pub fn full(&mut self, now: SimTime) -> Arc<Apps> {
        let leases = &self.leases;
        self.full.read(now, &self.config, &|| Self::all(leases))
    }

    /// What a client gets that asks for changes.
    pub fn delta(&mut self, now: SimTime) -> Arc<Delta> {
        let (recent, count) = (&self.recent, self.count);
        let make = || Self::changes(recent, count);
        self.delta.read(now, &self.config, &make)
    }

    /// The second cache follows the first one.
    pub fn sync_caches(&mut self, now: SimTime) {
        let (leases, recent, count) = (&self.leases, &self.recent, self.count);
        self.full.sync(now, &self.config, &|| Self::all(leases));
        let make = || Self::changes(recent, count);
        self.delta.sync(now, &self.config, &make);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::registry::Phase;

    const CONFIG: CacheConfig = CacheConfig {
        has_read_only: true,
        read_only_interval: SimDuration::from_secs(30),
        expiry: SimDuration::from_secs(180),
        wall_clock: Phase::Aligned,
        delta_retention: SimDuration::from_secs(180),
        delta_clean_interval: SimDuration::from_secs(30),
    };

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    fn ids(ids: &[u32]) -> Apps {
        ids.iter().map(|id| InstanceId(*id)).collect()
    }

    #[test]
    fn the_second_cache_is_stale_until_its_timer_and_the_first_is_not() {
        let lease = Lease::new(at(0), SimDuration::from_secs(90));
        for has_read_only in [true, false] {
            let config = CacheConfig {
                has_read_only,
                ..CONFIG
            };
            let mut store = Store::new(config, 3);
            store.set(at(0), InstanceId(1), Some(lease));
            assert_eq!(*store.full(at(1)), ids(&[1]));
            store.set(at(2), InstanceId(0), Some(lease));
            let expected = if has_read_only {
                ids(&[1])
            } else {
                ids(&[0, 1])
            };
            assert_eq!(*store.full(at(3)), expected);
            store.sync_caches(at(30));
            assert_eq!(*store.full(at(31)), ids(&[0, 1]));
        }
    }

    #[test]
    fn changes_are_kept_for_their_time_and_clients_that_missed_them_see_it_by_the_count() {
        let config = CacheConfig {
            has_read_only: false,
            ..CONFIG
        };
        let lease = Lease::new(at(0), SimDuration::from_secs(90));
        let mut store = Store::new(config, 3);
        for id in 0..3 {
            store.set_before_start(InstanceId(id), lease);
        }
        store.set(at(10), InstanceId(1), None);
        store.clean(at(190));
        let delta = store.delta(at(190));
        assert_eq!(delta.changes, [(InstanceId(1), false)]);
        assert_eq!(delta.applied_to(&ids(&[0, 1, 2])), ids(&[0, 2]));
        assert_eq!(delta.count, 2);
        store.clean(at(191));
        // The first cache still has what it was written with, until it expires.
        assert_eq!(store.delta(at(191)).changes.len(), 1);
        let late = store.delta(at(371));
        assert!(late.changes.is_empty());
        assert_ne!(late.applied_to(&ids(&[0, 1, 2])).len() as u32, late.count);
    }
}
