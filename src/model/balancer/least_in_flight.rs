use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::in_flight::InFlight;
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};

/// Picks the candidate with the fewest requests in flight from this caller, among all or among
/// `choice_count` sampled ones.
///
/// With `choice_count = 2` this is the power of two random choices (Mitzenmacher, IEEE TPDS 12,
/// 2001). A full scan breaks ties uniformly at random; among sampled ones ties go to the first
/// sampled (Finagle and tower: `<=`), so that equal instances share load evenly. Weights are
/// ignored, but for 0, which drains. Cost per pick: O(candidates with requests in flight) for the
/// full scan, O(choices) when sampled.
#[derive(Debug)]
pub struct LeastInFlight {
    choice_count: Option<u32>,
    /// Whether one candidate may be sampled twice.
    replacement: bool,
    view: Option<Arc<ViewSnapshot>>,
}

impl LeastInFlight {
    /// Samples `choice_count` candidates; `None` looks at all.
    pub fn new(choice_count: Option<u32>, replacement: bool) -> Self {
        LeastInFlight {
            choice_count,
            replacement,
            view: None,
        }
    }
}

impl Balancer for LeastInFlight {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        if self.choice_count == Some(2) && !self.replacement && ctx.tried.is_empty() {
            if let Some(instance) = least_of_two(view, ctx) {
                return Some(instance);
            }
        }
        let eligible = Eligible::new(view, ctx.tried);
        let count = eligible.count();
        if count == 0 {
            return None;
        }
        let rank = match self.choice_count {
            Some(choice_count) if self.replacement => {
                let ranks = (0..choice_count).map(|_| ctx.draw.below(count));
                least(&eligible, ctx.in_flight, ranks)
            }
            Some(choice_count) if choice_count < count => {
                let ranks = sample_distinct(&mut ctx.draw, choice_count, count);
                least(
                    &eligible,
                    ctx.in_flight,
                    ranks.into_iter().take(choice_count as usize),
                )
            }
            _ => return Some(least_of_all(&eligible, ctx.in_flight, &mut ctx.draw)),
        };
        Some(eligible.member(rank).instance)
    }
}

/// Two choices among more than two candidates, the usual case, without tables of ranks.
#[inline]
fn least_of_two(view: &ViewSnapshot, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
    let count = u32::try_from(view.members.len()).expect("instances fit in 32 bits");
    if count <= 2 {
        return None;
    }
    let first = ctx.draw.below(count);
    let second = ctx.draw.below(count - 1);
    let second = second + u32::from(first <= second);
    let [first, second] = [first, second].map(|place| view.members[place as usize].instance);
    let is_second_idler = ctx.in_flight.count(second) < ctx.in_flight.count(first);
    Some(if is_second_idler { second } else { first })
}

/// The first rank with the fewest in flight.
fn least(eligible: &Eligible<'_>, in_flight: &InFlight, ranks: impl Iterator<Item = u32>) -> u32 {
    ranks
        .min_by_key(|rank| in_flight.count(eligible.member(*rank).instance))
        .expect("at least one candidate is sampled")
}

/// Most candidates that one pick samples.
pub const CHOICE_COUNT_MAX: u32 = 16;

/// `choice_count` distinct numbers below `count`, in the order drawn: each is drawn from those that
/// are left. Entries past `choice_count` mean nothing.
fn sample_distinct(
    draw: &mut Draw,
    choice_count: u32,
    count: u32,
) -> [u32; CHOICE_COUNT_MAX as usize] {
    let mut sorted = [0; CHOICE_COUNT_MAX as usize];
    let mut ranks = [0; CHOICE_COUNT_MAX as usize];
    for drawn in 0..choice_count as usize {
        let mut rank = draw.below(count - drawn as u32);
        let mut place = 0;
        while place < drawn && sorted[place] <= rank {
            rank += 1;
            place += 1;
        }
        sorted.copy_within(place..drawn, place + 1);
        sorted[place] = rank;
        ranks[drawn] = rank;
    }
    ranks
}

/// A uniformly drawn one of the candidates with the fewest in flight.
fn least_of_all(eligible: &Eligible<'_>, in_flight: &InFlight, draw: &mut Draw) -> InstanceId {
    let idle_count = eligible.count() - busy_count(eligible, in_flight);
    if idle_count > 0 {
        return idle_member(eligible, in_flight, draw.below(idle_count));
    }
    let counts = || (0..eligible.count()).map(|r| in_flight.count(eligible.member(r).instance));
    let fewest = counts().min().expect("there is a candidate");
    let tied_count = counts().filter(|count| *count == fewest).count();
    let tied = draw.below(u32::try_from(tied_count).expect("instances fit in 32 bits"));
    let rank = (0..eligible.count())
        .zip(counts())
        .filter(|(_, count)| *count == fewest)
        .nth(tied as usize)
        .expect("the tied one is among the tied")
        .0;
    eligible.member(rank).instance
}

/// Eligible candidates that have something in flight.
fn busy_count(eligible: &Eligible<'_>, in_flight: &InFlight) -> u32 {
    let count = busy_places(eligible, in_flight).count();
    u32::try_from(count).expect("instances fit in 32 bits")
}

/// Places of the eligible members with something in flight, ascending.
fn busy_places<'a>(
    eligible: &'a Eligible<'_>,
    in_flight: &'a InFlight,
) -> impl Iterator<Item = usize> + 'a {
    in_flight
        .busy()
        .filter_map(|instance| {
            eligible
                .members
                .binary_search_by_key(&instance, |m| m.instance)
                .ok()
        })
        .filter(|place| !eligible.avoids(*place))
}

/// The `rank`-th eligible candidate with nothing in flight.
fn idle_member(eligible: &Eligible<'_>, in_flight: &InFlight, rank: u32) -> InstanceId {
    let mut busy = busy_places(eligible, in_flight).peekable();
    let mut avoided = eligible.avoided.iter().copied().peekable();
    let mut place = rank as usize;
    loop {
        let skip = match (busy.peek(), avoided.peek()) {
            (Some(b), Some(a)) if b < a => busy.next(),
            (Some(_), None) => busy.next(),
            _ => avoided.next(),
        };
        match skip {
            Some(skip) if skip <= place => place += 1,
            _ => return eligible.members[place].instance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_samples_are_distinct_and_cover_all_orders() {
        let streams = crate::rng::Streams::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for identity in 0..200 {
            let mut draw = streams.draw(crate::rng::Purpose::Pick, identity, 0, 0);
            let ranks = sample_distinct(&mut draw, 2, 3);
            assert_ne!(ranks[0], ranks[1]);
            assert!(ranks[0] < 3 && ranks[1] < 3);
            seen.insert((ranks[0], ranks[1]));
        }
        // 3 x 2 ordered pairs; one is missed in 200 draws with probability 6 (5/6)^200 < 1e-15.
        assert_eq!(seen.len(), 6);
    }
}
