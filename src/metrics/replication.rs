//! The data that instances keep: copies on ring successors, what deaths take away and what is
//! copied again. Exact by the arcs of the ring; nothing of it happens in the model.
//!
//! All instances of a service are on its ring. The copies of an arc belong to the first instances
//! clockwise from it that are up. Arcs are copied one after the other, those with the fewest copies
//! first, then in the order of the ring; a copy counts when it is complete.

use super::data::replication::DataMetrics;
use crate::hash::function::Function;
use crate::hash::ring::{Ring, RingEntry, hashed_points};
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::rng::path_hash;
use crate::scenario::Scenario;
use crate::scenario::data::DataConfig;
use crate::time::SimTime;

/// Times to full replication that are kept.
const EPISODE_COUNT_MAX: usize = 1_000;

/// A copy to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copying {
    arc: u32,
    target: u32,
}

/// The data of one service. Instances are told by their place in it.
#[derive(Clone, Debug)]
struct ServiceData {
    config: DataConfig,
    instance_first: u32,
    /// By instance.
    zones: Vec<ZoneId>,
    is_up: Vec<bool>,
    ring: Ring,
    /// Places that one key can have copies at.
    place_max: usize,
    /// Share of the keys, by arc.
    ratios: Vec<f64>,
    /// Who has a copy, by arc.
    holders: Vec<Vec<u32>>,
    /// Copies to be made, the next one last.
    queue: Vec<Copying>,
    /// How long the next one has been copied.
    copied_secs: f64,
    now_secs: f64,
    under_count: usize,
    under_ratio: f64,
    under_since_secs: f64,
    metrics: DataMetrics,
}

/// The data of all services of one run that keep some.
#[derive(Clone, Debug, Default)]
pub struct ReplicationTable {
    /// By service; empty where none keeps data.
    services: Vec<Option<Box<ServiceData>>>,
    end: SimTime,
}

impl ReplicationTable {
    /// All copies in their places.
    pub fn new(scenario: &Scenario) -> Self {
        let services = &scenario.services;
        if services.iter().all(|service| service.data.is_none()) {
            return ReplicationTable::default();
        }
        let of = |index: usize| {
            let data = ServiceData::new(scenario, ServiceId::from_index(index))?;
            Some(Box::new(data))
        };
        ReplicationTable {
            services: (0..services.len()).map(of).collect(),
            end: SimTime::START + scenario.duration,
        }
    }

    /// An instance of a service came, with nothing, or died.
    pub fn set_up(&mut self, at: SimTime, service: ServiceId, instance: InstanceId, is_up: bool) {
        if let Some(Some(data)) = self.services.get_mut(service.index())
            && at < self.end
        {
            let local = instance.0 - data.instance_first;
            data.advance(at.as_secs_f64());
            data.set_up(local, is_up);
        }
    }

    /// The run is over.
    pub fn close(&mut self) {
        for data in self.services.iter_mut().flatten() {
            data.advance(self.end.as_secs_f64());
            data.metrics.is_under_replicated = 0 < data.under_count;
        }
    }

    /// What became of the data of a service, if it keeps some.
    pub fn metrics(&self, service: ServiceId) -> Option<&DataMetrics> {
        let data = self.services.get(service.index())?.as_ref()?;
        Some(&data.metrics)
    }
}

impl ServiceData {
    fn new(scenario: &Scenario, service: ServiceId) -> Option<Self> {
        let config = scenario.services[service.index()].data?;
        let topology = &scenario.topology;
        let instances = topology.service_instances(service);
        let group = |index| &scenario.groups[topology.group_of(InstanceId(index)).index()];
        let is_up = |index| topology.index_in_group(InstanceId(index)) < group(index).count;
        let points = instances.clone().flat_map(|index| {
            let node = topology.instance_node(InstanceId(index));
            let entry = RingEntry {
                owner: index - instances.start,
                name: path_hash(&topology.node_path(node)),
                point_count: config.virtual_node_count,
            };
            hashed_points(entry, Function::Xxh64, 0)
        });
        let zone = |index| group(index).zone;
        let mut data = ServiceData {
            config,
            instance_first: instances.start,
            zones: instances.clone().map(zone).collect(),
            is_up: instances.clone().map(is_up).collect(),
            ring: Ring::build(points),
            place_max: 0,
            ratios: Vec::new(),
            holders: Vec::new(),
            queue: Vec::new(),
            copied_secs: 0.0,
            now_secs: 0.0,
            under_count: 0,
            under_ratio: 0.0,
            under_since_secs: 0.0,
            metrics: DataMetrics::default(),
        };
        data.ratios = data.ring.arcs().map(|(_, ratio)| ratio).collect();
        data.place_max = data.place_count_max();
        data.holders = (0..data.ratios.len())
            .map(|arc| data.targets(arc, data.place_max))
            .collect();
        data.recount();
        Some(data)
    }

    /// Places that one key can have copies at.
    fn place_count_max(&self) -> usize {
        let up = || (0..self.is_up.len()).filter(|local| self.is_up[*local]);
        let count = match self.config.has_distinct_zones {
            true => {
                let mut zones: Vec<ZoneId> = up().map(|local| self.zones[local]).collect();
                zones.sort_unstable();
                zones.dedup();
                zones.len()
            }
            false => up().count(),
        };
        count.min(self.config.replica_count as usize)
    }

    /// Where the copies of an arc belong.
    fn targets(&self, arc: usize, place_max: usize) -> Vec<u32> {
        let mut targets: Vec<u32> = Vec::with_capacity(place_max);
        for owner in self.ring.walk_from(arc) {
            if targets.len() == place_max {
                break;
            }
            let zone = self.zones[owner as usize];
            let is_free = |target: &u32| match self.config.has_distinct_zones {
                true => self.zones[*target as usize] != zone,
                false => *target != owner,
            };
            if self.is_up[owner as usize] && targets.iter().all(is_free) {
                targets.push(owner);
            }
        }
        targets
    }

    fn set_up(&mut self, local: u32, is_up: bool) {
        self.is_up[local as usize] = is_up;
        if !is_up {
            for (holders, ratio) in self.holders.iter_mut().zip(&self.ratios) {
                let before = holders.len();
                holders.retain(|holder| *holder != local);
                if 0 < before && holders.is_empty() {
                    self.metrics.lost_key_count += ratio * self.config.key_count as f64;
                }
            }
        }
        self.plan();
        self.recount();
    }

    /// Copies that are to be made now. The one that runs goes on where it is still wanted.
    fn plan(&mut self) {
        let running = self.queue.last().copied();
        self.place_max = self.place_count_max();
        self.queue.clear();
        for arc in 0..self.holders.len() {
            if self.holders[arc].is_empty() {
                continue;
            }
            let targets = self.targets(arc, self.place_max);
            let missing = targets.iter().filter(|t| !self.holders[arc].contains(t));
            let copies: Vec<Copying> = missing
                .map(|target| Copying {
                    arc: arc as u32,
                    target: *target,
                })
                .collect();
            if copies.is_empty() {
                self.holders[arc].retain(|holder| targets.contains(holder));
            }
            self.queue.extend(copies);
        }
        let holders = &self.holders;
        let order = |copying: &Copying| {
            let is_running = Some(*copying) == running;
            (
                !is_running,
                holders[copying.arc as usize].len(),
                copying.arc,
            )
        };
        // Ties keep the order of the targets.
        self.queue.sort_by_key(order);
        self.queue.reverse();
        if self.queue.last().copied() != running {
            self.copied_secs = 0.0;
        }
    }

    /// Keys with too few copies, and whether there are any.
    fn recount(&mut self) {
        let replica_count = self.config.replica_count as usize;
        let is_under = |holders: &Vec<u32>| !holders.is_empty() && holders.len() < replica_count;
        let under = self.holders.iter().zip(&self.ratios);
        let under = under.filter(|(holders, _)| is_under(holders));
        let was_under = 0 < self.under_count;
        (self.under_count, self.under_ratio) = (0, 0.0);
        for (_, ratio) in under {
            self.under_count += 1;
            self.under_ratio += ratio;
        }
        self.note_under(was_under);
    }

    /// Begins or ends an episode.
    fn note_under(&mut self, was_under: bool) {
        match (was_under, 0 < self.under_count) {
            (false, true) => self.under_since_secs = self.now_secs,
            (true, false) if self.metrics.full_replication_secs.len() < EPISODE_COUNT_MAX => {
                let secs = self.now_secs - self.under_since_secs;
                self.metrics.full_replication_secs.push(secs);
            }
            _ => {}
        }
    }

    /// Copies until `until_secs`.
    fn advance(&mut self, until_secs: f64) {
        while let Some(copying) = self.queue.last().copied() {
            let keys = self.ratios[copying.arc as usize] * self.config.key_count as f64;
            let bytes = keys * self.config.bytes_per_key;
            let left_secs = bytes / self.config.rebuild_bandwidth - self.copied_secs;
            if until_secs < self.now_secs + left_secs {
                self.copied_secs += until_secs - self.now_secs;
                break;
            }
            self.pass(self.now_secs + left_secs);
            self.queue.pop();
            self.copied_secs = 0.0;
            self.metrics.moved_bytes += bytes;
            self.finish(copying);
        }
        self.pass(until_secs);
    }

    fn pass(&mut self, until_secs: f64) {
        let key_count = self.config.key_count as f64;
        let secs = until_secs - self.now_secs;
        self.metrics.under_replicated_key_secs += self.under_ratio * key_count * secs;
        self.now_secs = until_secs;
    }

    /// A copy is complete.
    fn finish(&mut self, copying: Copying) {
        let arc = copying.arc as usize;
        let replica_count = self.config.replica_count as usize;
        let is_enough = self.holders[arc].len() + 1 == replica_count;
        self.holders[arc].push(copying.target);
        let targets = self.targets(arc, self.place_max);
        if targets.iter().all(|t| self.holders[arc].contains(t)) {
            self.holders[arc].retain(|holder| targets.contains(holder));
        }
        if is_enough {
            self.under_count -= 1;
            self.under_ratio = match self.under_count {
                0 => 0.0,
                _ => self.under_ratio - self.ratios[arc],
            };
            self.note_under(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::ring::moves;
    use crate::metrics::fixture::{SMALL, Shape, scenario};

    const KEY_COUNT: f64 = 1e6;

    /// 1,000 bytes a key, 1 MB/s: a thousand keys a second.
    fn kept(instance_count: u32, replica_count: u32) -> ReplicationTable {
        let mut scenario = scenario(Shape {
            instance_count,
            ..SMALL
        });
        scenario.duration = crate::time::SimDuration::from_secs(100_000);
        scenario.services[0].data = Some(DataConfig {
            key_count: KEY_COUNT as u64,
            bytes_per_key: 1e3,
            replica_count,
            rebuild_bandwidth: 1e6,
            has_distinct_zones: false,
            virtual_node_count: 100,
        });
        ReplicationTable::new(&scenario)
    }

    fn change(table: &mut ReplicationTable, secs: u64, instance: u32, is_up: bool) {
        let at = SimTime::START + crate::time::SimDuration::from_secs(secs);
        table.set_up(at, ServiceId(0), InstanceId(instance), is_up);
    }

    fn closed(mut table: ReplicationTable) -> DataMetrics {
        table.close();
        table.metrics(ServiceId(0)).expect("it keeps data").clone()
    }

    fn near(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 1e-9, "{value} {expected}");
    }

    /// Share of the keys that have the first copy at the first instance, or the second one: what it
    /// would get from each other one.
    fn share_of_first(table: &ReplicationTable, instance_count: u32) -> f64 {
        let ring = &table.services[0].as_ref().expect("it keeps data").ring;
        let second = (1..instance_count).flat_map(|other| moves(ring, &ring.without(&[other])));
        let second: f64 = second.filter(|m| m.to == 0).map(|m| m.ratio).sum();
        ring.ownership()[0].1 + second
    }

    #[test]
    fn what_one_had_is_copied_at_the_bandwidth() {
        let mut table = kept(10, 2);
        let share = share_of_first(&table, 10);
        // Beta(2 v, (n - 2) v) or so: 0.2 with a deviation of 0.013.
        assert!((share - 0.2).abs() < 0.05, "{share}");
        change(&mut table, 10, 0, false);
        let data = closed(table);
        near(data.moved_bytes, share * 1e9);
        near(data.full_replication_secs[0], share * 1e3);
        assert_eq!(data.lost_key_count, 0.0);
        // One after the other: half of the keys on average, and half an arc more.
        let half = share * KEY_COUNT * share * 1e3 / 2.0;
        let ratio = data.under_replicated_key_secs / half;
        assert!(1.0 < ratio && ratio < 1.05, "{ratio}");
        assert!(!data.is_under_replicated);
    }

    #[test]
    fn every_key_is_lost_with_exactly_one_pair() {
        let mut lost = 0.0;
        for first in 0..6 {
            for second in first + 1..6 {
                let mut table = kept(6, 2);
                change(&mut table, 10, first, false);
                change(&mut table, 10, second, false);
                let of_pair = closed(table).lost_key_count;
                // A fifteenth on average, and all of these pairs share some keys.
                assert!(0.0 < of_pair && of_pair < KEY_COUNT / 5.0, "{of_pair}");
                lost += of_pair;
            }
        }
        near(lost, KEY_COUNT);
    }

    #[test]
    fn a_second_loss_takes_what_was_not_copied_yet() {
        let lost_after = |secs: u64| {
            let mut table = kept(6, 2);
            change(&mut table, 10, 0, false);
            change(&mut table, 10 + secs, 1, false);
            closed(table).lost_key_count
        };
        let at_once = lost_after(0);
        // A third of 1 GB is copied within 333 s or so.
        let halfway = lost_after(160);
        assert!(
            0.3 * at_once < halfway && halfway < 0.8 * at_once,
            "{halfway} {at_once}"
        );
        assert_eq!(lost_after(600), 0.0);
    }

    #[test]
    fn who_comes_back_empty_gets_its_copies_again() {
        let mut table = kept(10, 2);
        let share = share_of_first(&table, 10);
        let before = table.services[0]
            .as_ref()
            .expect("it keeps data")
            .holders
            .clone();
        change(&mut table, 10, 0, false);
        change(&mut table, 1_000, 0, true);
        table.close();
        let data = table.services[0].as_ref().expect("it keeps data");
        near(data.metrics.moved_bytes, 2.0 * share * 1e9);
        // Nobody lacks a copy while it comes back.
        assert_eq!(data.metrics.full_replication_secs.len(), 1);
        let sorted = |holders: &Vec<u32>| {
            let mut holders = holders.clone();
            holders.sort_unstable();
            holders
        };
        let after: Vec<_> = data.holders.iter().map(sorted).collect();
        assert_eq!(after, before.iter().map(sorted).collect::<Vec<_>>());
    }

    #[test]
    fn with_fewer_instances_than_copies_nothing_is_complete() {
        let mut table = kept(3, 3);
        change(&mut table, 99_990, 0, false);
        let data = closed(table);
        assert!(data.is_under_replicated);
        near(data.under_replicated_key_secs, KEY_COUNT * 10.0);
        assert_eq!(data.moved_bytes, 0.0);
    }
}
