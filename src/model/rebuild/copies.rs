//! Which instance has copies of which keys, and which copies are to be made: exact by the arcs of a
//! ring. It knows no time.
//!
//! All instances of a service are on its ring. The copies of an arc belong to the first instances
//! clockwise from it that are up. Arcs are copied one after the other, those with the fewest copies
//! first, then in the order of the ring; a copy counts when it is complete.

use crate::hash::function::Function;
use crate::hash::ring::{Ring, RingEntry, hashed_points};
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::rng::path_hash;
use crate::scenario::Scenario;
use crate::scenario::data::DataConfig;

/// A copy to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copying {
    /// Of these keys.
    pub arc: u32,
    /// At this instance, by its place in the service.
    pub target: u32,
}

/// What a change of the instances does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Share of the keys whose last copy is lost.
    pub lost_ratio: f64,
    /// Whether another copy than before is under way, from its beginning.
    pub restarts: bool,
}

/// The copies of the data of one service. Instances are told by their place in it.
#[derive(Clone, Debug)]
pub struct Copies {
    /// What is copied, and how.
    pub config: DataConfig,
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
    under_count: usize,
    under_ratio: f64,
}

impl Copies {
    /// All copies in their places; None for a service that keeps no data.
    pub fn new(scenario: &Scenario, service: ServiceId) -> Option<Self> {
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
        let mut copies = Copies {
            config,
            instance_first: instances.start,
            zones: instances.clone().map(zone).collect(),
            is_up: instances.clone().map(is_up).collect(),
            ring: Ring::build(points),
            place_max: 0,
            ratios: Vec::new(),
            holders: Vec::new(),
            queue: Vec::new(),
            under_count: 0,
            under_ratio: 0.0,
        };
        copies.ratios = copies.ring.arcs().map(|(_, ratio)| ratio).collect();
        copies.place_max = copies.place_count_max();
        copies.holders = (0..copies.ratios.len())
            .map(|arc| copies.targets(arc, copies.place_max))
            .collect();
        copies.recount();
        Some(copies)
    }

    /// The place of an instance of the service.
    pub fn place_of(&self, instance: InstanceId) -> u32 {
        instance.0 - self.instance_first
    }

    /// The instance at a place.
    pub fn instance_at(&self, place: u32) -> InstanceId {
        InstanceId(self.instance_first + place)
    }

    /// Whether an instance is up, as last told.
    pub fn is_up(&self, place: u32) -> bool {
        self.is_up[place as usize]
    }

    /// The copy that is under way, if any is.
    pub fn next(&self) -> Option<Copying> {
        self.queue.last().copied()
    }

    /// Bytes of a copy.
    pub fn bytes_of(&self, copying: Copying) -> f64 {
        let keys = self.ratios[copying.arc as usize] * self.config.key_count as f64;
        keys * self.config.bytes_per_key
    }

    /// Who sends a copy: the first one that has the keys.
    pub fn source_of(&self, copying: Copying) -> InstanceId {
        self.instance_at(self.holders[copying.arc as usize][0])
    }

    /// The ring of all instances.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Who has a copy, by arc.
    pub fn holders(&self) -> &[Vec<u32>] {
        &self.holders
    }

    /// Share of the keys that have copies, but too few of them.
    pub fn under_ratio(&self) -> f64 {
        self.under_ratio
    }

    /// Whether there are any.
    pub fn is_under(&self) -> bool {
        0 < self.under_count
    }

    /// An instance came, with nothing, or died.
    pub fn set_up(&mut self, place: u32, is_up: bool) -> Change {
        self.is_up[place as usize] = is_up;
        let mut lost_ratio = 0.0;
        if !is_up {
            for (holders, ratio) in self.holders.iter_mut().zip(&self.ratios) {
                let before = holders.len();
                holders.retain(|holder| *holder != place);
                if 0 < before && holders.is_empty() {
                    lost_ratio += ratio;
                }
            }
        }
        let running = self.next();
        self.plan(running);
        self.recount();
        Change {
            lost_ratio,
            restarts: self.next() != running,
        }
    }

    /// Copies that are to be made now. The one that runs goes on where it is still wanted.
    fn plan(&mut self, running: Option<Copying>) {
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
    }

    /// Keys with too few copies.
    fn recount(&mut self) {
        let replica_count = self.config.replica_count as usize;
        let is_under = |holders: &Vec<u32>| !holders.is_empty() && holders.len() < replica_count;
        let under = self.holders.iter().zip(&self.ratios);
        let under = under.filter(|(holders, _)| is_under(holders));
        (self.under_count, self.under_ratio) = (0, 0.0);
        for (_, ratio) in under {
            self.under_count += 1;
            self.under_ratio += ratio;
        }
    }

    /// The copy under way is complete. Returns it.
    ///
    /// # Panics
    ///
    /// If none is under way.
    pub fn finish(&mut self) -> Copying {
        let copying = self.queue.pop().expect("a copy is under way");
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
        }
        copying
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
}
