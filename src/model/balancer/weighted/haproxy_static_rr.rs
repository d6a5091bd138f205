use std::collections::BTreeSet;
use std::sync::Arc;

use super::effective::whole;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::HAPROXY_WEIGHTS;

/// `balance static-rr` of HAProxy: in turn through a map in which each candidate has as many
/// places as its weight, divided by the greatest common divisor of all.
///
/// Source: HAProxy 2.6, `lb_map.c`. Guarantee: one round holds each candidate exactly by its
/// weight; equal weights keep the order of path. A change of the candidates makes a new map, and
/// the turn goes on from the same index. Callers with equal candidates share the map. A tried
/// candidate is stepped over, and the index goes on after the one that is picked. Cost per pick:
/// O(1); O(map) where nearly all the map is tried.
#[derive(Debug, Default)]
pub struct HaproxyStaticRr {
    view: Option<Arc<ViewSnapshot>>,
    map: Option<Arc<[u32]>>,
    index: usize,
}

impl Balancer for HaproxyStaticRr {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.map = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let map = self
            .map
            .get_or_insert_with(|| ctx.tables.weighted.static_map(view));
        loop {
            if map.len() <= self.index {
                self.index = 0;
            }
            let place = map[self.index] as usize;
            self.index += 1;
            if !eligible.avoids(place) {
                return Some(view.members[place].instance);
            }
        }
    }
}

/// The map over the members of a view, by place.
///
/// HAProxy goes through all servers for each entry: every score grows by the weight `w`, and the
/// first server whose `(score + total) / total`, in whole numbers, is largest has the entry and
/// loses the total. So a server whose score has reached more multiples of the total comes before
/// one that has reached fewer, and those below 0 come last; when a score gets there is known in
/// advance.
pub fn static_map(view: &ViewSnapshot) -> Vec<u32> {
    let weight_max = HAPROXY_WEIGHTS.1;
    let weights = view.members.iter().map(|m| whole(m.weight).min(weight_max));
    let weights: Vec<u32> = weights.collect();
    let divisor = weights.iter().copied().fold(0, greatest_common_divisor);
    let weights: Vec<i64> = weights.iter().map(|w| i64::from(w / divisor)).collect();
    let total: i64 = weights.iter().sum();
    let mut levels = Levels::new(&weights, total);
    (0..total).map(|step| levels.next(step)).collect()
}

/// Multiples of the total that scores are told apart by, 0 among them. HAProxy says that the
/// result lies between 0 and 3, which are those below 0 and three multiples.
const LEVEL_COUNT: usize = 3;

/// Who comes first at each step.
struct Levels<'a> {
    weights: &'a [i64],
    total: i64,
    /// Score of each at step `s`, less `w (s + 1)`.
    bases: Vec<i64>,
    /// By level, those whose score has reached so many times the total.
    ready: [BTreeSet<u32>; LEVEL_COUNT],
    /// Those who get there at a step, with the level.
    due: Vec<Vec<(u32, usize)>>,
}

impl<'a> Levels<'a> {
    fn new(weights: &'a [i64], total: i64) -> Self {
        let mut levels = Levels {
            weights,
            total,
            bases: vec![0; weights.len()],
            ready: Default::default(),
            due: vec![Vec::new(); total as usize],
        };
        for place in 0..weights.len() as u32 {
            levels.ready[0].insert(place);
            (1..LEVEL_COUNT).for_each(|level| levels.plan(place, level, 0));
        }
        levels
    }

    /// Notes the step, `from` or later, at which the score reaches `level` times the total.
    fn plan(&mut self, place: u32, level: usize, from: i64) {
        let weight = self.weights[place as usize];
        let missing = level as i64 * self.total - self.bases[place as usize];
        let step = ((missing + weight - 1).div_euclid(weight) - 1).max(from);
        if let Some(due) = self.due.get_mut(step as usize) {
            due.push((place, level));
        }
    }

    fn next(&mut self, step: i64) -> u32 {
        for (place, level) in std::mem::take(&mut self.due[step as usize]) {
            // A plan is void where the server lost the total since.
            let weight = self.weights[place as usize];
            let score = self.bases[place as usize] + weight * (step + 1);
            if level as i64 * self.total <= score {
                self.ready[level].insert(place);
            }
        }
        let first = self.ready.iter().rev().find_map(BTreeSet::first);
        // Where no score is above 0, the first server has the entry.
        let place = first.copied().unwrap_or(0);
        self.ready.iter_mut().for_each(|ready| {
            ready.remove(&place);
        });
        self.bases[place as usize] -= self.total;
        let score = self.bases[place as usize] + self.weights[place as usize] * (step + 1);
        for level in 0..LEVEL_COUNT {
            if level as i64 * self.total <= score {
                self.ready[level].insert(place);
            } else {
                self.plan(place, level, step + 1);
            }
        }
        place
    }
}

/// The greatest common divisor; of 0 and a number, the number.
pub fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
