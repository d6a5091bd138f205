//! Smooth weighted round robin without a step for every member.

use std::sync::Arc;

use super::classes::WeightClasses;
use super::effective::EffectiveWeight;
use super::ranking::Ranking;
use crate::id::InstanceId;
use crate::scenario::balancer::weighted::{TURN_BYTES, TURN_ENTRY_BYTES};

/// Numbers stay below this.
const VALUE_BITS_MAX: u32 = 61;

/// Smooth weighted round robin: every eligible member's current weight grows by its effective
/// weight, the largest is picked, the first of them in case of a tie, and falls by the sum.
///
/// Members of equal weight grow alike, so only their order counts; it changes where one is picked
/// or left out. A pick costs O(distinct weights + members that recover + log n), and the state
/// takes no memory for a member before a retry or a failure breaks the turn of its class.
/// The picks are those of the plain form, which the tests compare.
#[derive(Clone, Debug)]
pub struct Smooth {
    classes: Arc<WeightClasses>,
    /// Current weights, less the weight of the class times `ticks`.
    rankings: Vec<Ranking>,
    /// Picks since current weights were written down.
    ticks: i64,
    /// After how many they must be.
    ticks_max: i64,
    /// Members whose weight has fallen, in order of place. Their entries in the rankings are below
    /// all others.
    recovering: Vec<Recovering>,
}

/// A member whose weight has fallen.
#[derive(Clone, Copy, Debug)]
struct Recovering {
    place: u32,
    /// Its current weight in parts.
    current: i64,
    effective: EffectiveWeight,
}

// What the estimate of the memory of a run takes.
const _: () = assert!(size_of::<Ranking>() as f64 <= TURN_BYTES);
const _: () = assert!(size_of::<Recovering>() as f64 <= TURN_ENTRY_BYTES);
const _: () = assert!(size_of::<(InstanceId, Carried)>() as f64 <= TURN_ENTRY_BYTES);

/// Stands for a member that its ranking must not offer.
const ABSENT: i64 = i64::MIN;

impl Smooth {
    /// Begins with all current weights at 0.
    pub fn new(classes: Arc<WeightClasses>) -> Self {
        let rankings = (0..classes.weights.len())
            .map(|class| Ranking::Turn {
                high: 0,
                low: 0,
                next: 0,
                count: classes.members(class).len() as u32,
            })
            .collect();
        Smooth::with_rankings(classes, rankings)
    }

    fn with_rankings(classes: Arc<WeightClasses>, rankings: Vec<Ranking>) -> Self {
        let largest = classes.weights[classes.weights.len() - 1];
        Smooth {
            ticks_max: (1 << VALUE_BITS_MAX) / largest,
            classes,
            rankings,
            ticks: 0,
            recovering: Vec::new(),
        }
    }

    /// Goes on with the current weights, in parts of a whole, that `before` gives for a member.
    pub fn with_currents(
        classes: Arc<WeightClasses>,
        mut before: impl FnMut(usize) -> Option<Carried>,
    ) -> Self {
        let mut recovering = Vec::new();
        let bits = classes.part_bits;
        let rankings = (0..classes.weights.len())
            .map(|class| {
                let weight_of = |place: &u32| {
                    let Some(carried) = before(*place as usize) else {
                        return 0;
                    };
                    let current = carried.current_in(bits);
                    let Some(effective) = carried.effective else {
                        return current;
                    };
                    recovering.push(Recovering {
                        place: *place,
                        current,
                        effective,
                    });
                    ABSENT
                };
                Ranking::new(classes.members(class).iter().map(weight_of).collect())
            })
            .collect();
        recovering.sort_unstable_by_key(|recovering: &Recovering| recovering.place);
        Smooth {
            recovering,
            ..Smooth::with_rankings(classes, rankings)
        }
    }

    /// What a member has to carry over to another list of members.
    pub fn carried(&self, place: usize) -> Carried {
        let bits = self.classes.part_bits;
        let found = self.find_recovering(place).map(|at| self.recovering[at]);
        Carried {
            current: found.map_or_else(|| self.current(place), |recovering| recovering.current),
            bits,
            effective: found.map(|recovering| recovering.effective),
        }
    }

    fn current(&self, place: usize) -> i64 {
        let (class, rank) = self.classes.position(place);
        self.rankings[class].weight(rank) + self.classes.weights[class] * self.ticks
    }

    fn find_recovering(&self, place: usize) -> Option<usize> {
        self.recovering
            .binary_search_by_key(&place, |recovering| recovering.place as usize)
            .ok()
    }

    /// Picks a member that is not at one of the `avoided` places, which are ascending and not all.
    #[inline]
    pub fn pick(&mut self, avoided: &[usize]) -> usize {
        if self.ticks_max <= self.ticks {
            self.write_down();
        }
        self.ticks += 1;
        if avoided.is_empty() && self.recovering.is_empty() {
            let (place, class) = self.largest();
            let class = class.expect("no member recovers");
            self.rankings[class].lower_first(self.classes.total);
            return place;
        }
        self.pick_unusual(avoided)
    }

    /// The first of the members with the largest current weight among those that do not recover;
    /// their class.
    #[inline]
    fn largest(&self) -> (usize, Option<usize>) {
        let (mut largest, mut first, mut best) = (ABSENT, u32::MAX, None);
        for (class, (ranking, weight)) in
            self.rankings.iter().zip(&self.classes.weights).enumerate()
        {
            let (current, rank) = ranking.first();
            if current == ABSENT {
                continue;
            }
            let current = current + weight * self.ticks;
            if current < largest {
                continue;
            }
            let place = self.classes.members(class)[rank as usize];
            if largest < current || place < first {
                (largest, first, best) = (current, place, Some(class));
            }
        }
        (first as usize, best)
    }

    /// Some members are left out, or grow by less than their weight.
    fn pick_unusual(&mut self, avoided: &[usize]) -> usize {
        let held: Vec<(usize, i64)> = avoided
            .iter()
            .filter(|place| self.find_recovering(**place).is_none())
            .map(|place| (*place, self.current(*place) - self.classes.weight(*place)))
            .collect();
        let mut total = self.classes.total;
        for (place, _) in &held {
            total -= self.classes.weight(*place);
            self.set_raw(*place, ABSENT);
        }
        let parts = |left: u32| i64::from(left) << self.classes.part_bits.max(0);
        for recovering in &mut self.recovering {
            let place = recovering.place as usize;
            total -= self.classes.weight(place);
            if avoided.binary_search(&place).is_ok() {
                continue;
            }
            let grown = parts(recovering.effective.left);
            recovering.current += grown;
            total += grown;
            recovering.effective.recover();
        }
        let best = self.lower_largest(avoided, total);
        for (place, current) in held {
            self.set_current(place, current);
        }
        let recovered = |r: &Recovering| r.effective.left == r.effective.weight;
        while let Some(at) = self.recovering.iter().position(recovered) {
            let recovering = self.recovering.remove(at);
            self.set_current(recovering.place as usize, recovering.current);
        }
        best
    }

    /// Takes `total` from the largest, the first of them by place.
    fn lower_largest(&mut self, avoided: &[usize], total: i64) -> usize {
        let (place, class) = self.largest();
        let mut largest = class.map(|_| (self.current(place), place));
        let mut best = None;
        for (at, recovering) in self.recovering.iter().enumerate() {
            let place = recovering.place as usize;
            if avoided.binary_search(&place).is_ok() {
                continue;
            }
            let is_larger = largest.is_none_or(|(current, other)| {
                current < recovering.current || current == recovering.current && place < other
            });
            if is_larger {
                largest = Some((recovering.current, place));
                best = Some(at);
            }
        }
        let (_, picked) = largest.expect("not all members are avoided");
        match (best, class) {
            (Some(at), _) => self.recovering[at].current -= total,
            (None, Some(class)) => self.rankings[class].lower_first(total),
            (None, None) => unreachable!("one was the largest"),
        }
        picked
    }

    fn set_raw(&mut self, place: usize, raw: i64) {
        let (class, rank) = self.classes.position(place);
        self.rankings[class].set(rank, raw);
    }

    fn set_current(&mut self, place: usize, current: i64) {
        self.set_raw(place, current - self.classes.weight(place) * self.ticks);
    }

    /// A failure of a member with a whole weight.
    pub fn fall(&mut self, place: usize, weight: u32, max_fails: u32) {
        if let Some(at) = self.find_recovering(place) {
            self.recovering[at].effective.fall(max_fails);
            return;
        }
        let mut effective = EffectiveWeight::full(weight);
        effective.fall(max_fails);
        if effective.left == effective.weight {
            return;
        }
        let recovering = Recovering {
            place: place as u32,
            current: self.current(place),
            effective,
        };
        self.set_raw(place, ABSENT);
        let at = self
            .recovering
            .partition_point(|r| r.place < recovering.place);
        self.recovering.insert(at, recovering);
    }

    /// Writes current weights down as they are, so that numbers stay small.
    #[cold]
    fn write_down(&mut self) {
        for (ranking, weight) in self.rankings.iter_mut().zip(&self.classes.weights) {
            ranking.raise_all(weight * self.ticks);
        }
        for at in 0..self.recovering.len() {
            self.set_raw(self.recovering[at].place as usize, ABSENT);
        }
        self.ticks = 0;
    }
}

/// A member's state as it goes over to another list of members.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    current: i64,
    bits: i32,
    effective: Option<EffectiveWeight>,
}

impl Carried {
    /// The current weight in parts of 2^-`bits`.
    fn current_in(&self, bits: i32) -> i64 {
        let more = bits - self.bits;
        match 0 <= more {
            true => self.current << more,
            false => self.current >> -more,
        }
    }

    /// A failure of a member with a whole weight.
    pub fn fall(&mut self, weight: u32, max_fails: u32) {
        let full = EffectiveWeight::full(weight);
        let mut effective = self.effective.unwrap_or(full);
        effective.fall(max_fails);
        self.effective = (effective.left < effective.weight).then_some(effective);
    }

    /// Forgets what failures took from a weight that was changed.
    pub fn with_weight(self, weight: u32) -> Self {
        let kept = self
            .effective
            .filter(|effective| effective.weight == weight);
        Carried {
            effective: kept,
            ..self
        }
    }
}
