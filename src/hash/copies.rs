//! Which instance has copies of which keys, and which copies are to be made: exact by the arcs of a
//! ring. It knows no time.
//!
//! All instances of a service are on its ring. The copies of an arc belong to the first instances
//! clockwise from it that are up. Arcs are copied one after the other, those with the fewest copies
//! first, then in the order of the ring; a copy counts when it is complete.

use super::ring::Ring;
use crate::id::ZoneId;

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
    /// Copies of a key.
    replica_count: usize,
    has_distinct_zones: bool,
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
    /// All copies in their places. The owners of the ring are places of instances, of which
    /// `zones` and `is_up` tell.
    pub fn new(
        ring: Ring,
        (zones, is_up): (Vec<ZoneId>, Vec<bool>),
        replica_count: u32,
        has_distinct_zones: bool,
    ) -> Self {
        let mut copies = Copies {
            replica_count: replica_count as usize,
            has_distinct_zones,
            zones,
            is_up,
            place_max: 0,
            ratios: ring.arcs().map(|(_, ratio)| ratio).collect(),
            ring,
            holders: Vec::new(),
            queue: Vec::new(),
            under_count: 0,
            under_ratio: 0.0,
        };
        copies.place_max = copies.place_count_max();
        copies.holders = (0..copies.ratios.len())
            .map(|arc| copies.targets(arc, copies.place_max))
            .collect();
        copies.recount();
        copies
    }

    /// Whether an instance is up, as last told.
    pub fn is_up(&self, place: u32) -> bool {
        self.is_up[place as usize]
    }

    /// The copy that is under way, if any is.
    pub fn next(&self) -> Option<Copying> {
        self.queue.last().copied()
    }

    /// Share of the keys that a copy has.
    pub fn ratio_of(&self, copying: Copying) -> f64 {
        self.ratios[copying.arc as usize]
    }

    /// Who sends a copy: the first one that has the keys.
    pub fn source_of(&self, copying: Copying) -> u32 {
        self.holders[copying.arc as usize][0]
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
        let replica_count = self.replica_count;
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
        let is_enough = self.holders[arc].len() + 1 == self.replica_count;
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
        let count = match self.has_distinct_zones {
            true => {
                let mut zones: Vec<ZoneId> = up().map(|local| self.zones[local]).collect();
                zones.sort_unstable();
                zones.dedup();
                zones.len()
            }
            false => up().count(),
        };
        count.min(self.replica_count)
    }

    /// Where the copies of an arc belong.
    fn targets(&self, arc: usize, place_max: usize) -> Vec<u32> {
        let mut targets: Vec<u32> = Vec::with_capacity(place_max);
        for owner in self.ring.walk_from(arc) {
            if targets.len() == place_max {
                break;
            }
            let zone = self.zones[owner as usize];
            let is_free = |target: &u32| match self.has_distinct_zones {
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
