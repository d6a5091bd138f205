use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;

/// So many turns of tried members are used up for one pick at most; beyond, they keep theirs.
const USED_UP_COUNT_MAX: u32 = 1 << 10;

/// More picks than this are not made in advance (Envoy: a tenth of 2^32).
const PICK_COUNT_MAX: u32 = 429_496_729;
/// What Envoy adds to weights when it makes picks in advance, so that multiples do not tie.
const WEIGHT_EPSILON: f64 = 1e-13;

/// Earliest deadline first: a member is due `1 / weight` after it was picked.
///
/// Source: Envoy 1.39, `edf_scheduler.h`: deadlines of double precision, ties in order of
/// insertion. With exact deadlines ties go to the member with fewer picks, then in order of place
/// (the draft of gRPC A31).
#[derive(Clone, Debug)]
pub struct Schedule {
    entries: BinaryHeap<Entry>,
    /// The deadline that was met last.
    now: f64,
    inserted_count: u64,
    is_exact: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: f64,
    /// Picks so far, and weight, where deadlines are exact; else weight 0.
    pick_count: u64,
    weight: u64,
    order: u64,
    place: u32,
}

impl Entry {
    fn is_due_before(&self, other: &Entry) -> Ordering {
        if self.weight == 0 {
            let by_deadline = self.deadline.total_cmp(&other.deadline);
            return by_deadline.then(self.order.cmp(&other.order));
        }
        let due = |a: &Entry, b: &Entry| u128::from(a.pick_count + 1) * u128::from(b.weight);
        let by_deadline = due(self, other).cmp(&due(other, self));
        let by_count = by_deadline.then(self.pick_count.cmp(&other.pick_count));
        by_count.then(self.place.cmp(&other.place))
    }
}

// The heap gives the largest first, so the earliest is the largest.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.is_due_before(self)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl Schedule {
    /// The beginning of the schedule of members with these weights.
    pub fn new(weights: impl Iterator<Item = f64>, is_exact: bool) -> Self {
        let mut schedule = Schedule {
            entries: BinaryHeap::new(),
            now: 0.0,
            inserted_count: 0,
            is_exact,
        };
        for (place, weight) in (0u32..).zip(weights) {
            schedule.insert(place, weight, 0);
        }
        schedule
    }

    /// A schedule in which `pick_count` picks were made, in O(n): most of them in advance for each
    /// member, the rest one by one.
    pub fn with_picks(weights: &[f64], pick_count: u32) -> Self {
        let pick_count = pick_count % PICK_COUNT_MAX;
        let raised = |weight: &f64| weight + WEIGHT_EPSILON;
        let sum: f64 = weights.iter().map(raised).sum();
        let (mut entries, mut made, mut now) = (Vec::new(), 0, 0.0f64);
        for (place, weight) in (0u32..).zip(weights.iter().map(raised)) {
            let mut count = (weight * f64::from(pick_count) / sum) as u32;
            if 0 < count && f64::from(pick_count) / sum <= f64::from(count) / weight {
                count -= 1;
            }
            now = now.max(f64::from(count) / weight);
            made += count;
            entries.push(Entry {
                deadline: f64::from(count + 1) / weight,
                pick_count: 0,
                weight: 0,
                order: u64::from(place),
                place,
            });
        }
        let mut schedule = Schedule {
            inserted_count: entries.len() as u64,
            entries: entries.into(),
            now,
            is_exact: false,
        };
        while made < pick_count {
            schedule.pick(&[], |place| weights[place]);
            made += 1;
        }
        schedule
    }

    fn insert(&mut self, place: u32, weight: f64, pick_count: u64) {
        self.entries.push(Entry {
            deadline: self.now + 1.0 / weight,
            pick_count,
            // Parts of 2^-20, enough for weights that are whole or written with some digits.
            weight: match self.is_exact {
                true => ((weight * f64::from(1 << 20)).round() as u64).max(1),
                false => 0,
            },
            order: self.inserted_count,
            place,
        });
        self.inserted_count += 1;
    }

    /// Picks the first that is due and not at one of the `avoided` places, which keep their turn;
    /// they are not all. The weight decides when it is due again.
    pub fn pick(&mut self, avoided: &[usize], weight_of: impl Fn(usize) -> f64) -> usize {
        let mut passed = Vec::new();
        let entry = loop {
            let entry = self.entries.pop().expect("not all are avoided");
            if avoided.binary_search(&(entry.place as usize)).is_err() {
                break entry;
            }
            passed.push(entry);
        };
        self.entries.extend(passed);
        self.take_turn(entry, weight_of)
    }

    /// As `pick`, but the turns of the avoided that come first are used up, as in Envoy, which
    /// picks again when a retry hits a host that was tried.
    pub fn pick_again(&mut self, avoided: &[usize], weight_of: impl Fn(usize) -> f64) -> usize {
        if avoided.is_empty() {
            return self.pick(avoided, weight_of);
        }
        for _ in 0..USED_UP_COUNT_MAX {
            let entry = self.entries.pop().expect("there are members");
            let place = self.take_turn(entry, &weight_of);
            if avoided.binary_search(&place).is_err() {
                return place;
            }
        }
        self.pick(avoided, weight_of)
    }

    /// The member of an entry that was taken out has its turn, and waits for the next one.
    fn take_turn(&mut self, entry: Entry, weight_of: impl Fn(usize) -> f64) -> usize {
        self.now = self.now.max(entry.deadline);
        let place = entry.place as usize;
        self.insert(entry.place, weight_of(place), entry.pick_count + 1);
        place
    }
}

/// Picks by the schedule of earliest deadlines, from its beginning.
///
/// Source: see [`Schedule`]. Guarantee: shares in proportion to the weights, in bursts: of two
/// candidates the heavier one may be picked many times in a row. A tried candidate keeps its turn.
/// A change of the candidates begins the schedule anew, as in Envoy. Cost per pick: O(log n).
#[derive(Debug)]
pub struct Edf {
    is_exact: bool,
    view: Option<Arc<ViewSnapshot>>,
    schedule: Option<Schedule>,
}

impl Edf {
    /// At the beginning.
    pub fn new(is_exact: bool) -> Self {
        Edf {
            is_exact,
            view: None,
            schedule: None,
        }
    }
}

impl Balancer for Edf {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.schedule = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let weights = || view.members.iter().map(|member| member.weight);
        let is_exact = self.is_exact;
        let schedule = self
            .schedule
            .get_or_insert_with(|| Schedule::new(weights(), is_exact));
        let place = schedule.pick(&eligible.avoided, |place| view.members[place].weight);
        Some(view.members[place].instance)
    }
}
