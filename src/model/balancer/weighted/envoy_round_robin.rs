use std::sync::Arc;

use super::edf::Schedule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// `ROUND_ROBIN` of Envoy: candidates of equal weight in turn from a random one, else the schedule
/// of earliest deadlines after a random number of picks.
///
/// Source: Envoy 1.39, `load_balancer_impl.cc`. The random number is drawn once for each caller.
/// The index of the turn runs on when candidates change; the schedule begins anew, after the same
/// number of picks. The turn of a tried candidate is used up, in both forms, as by a retry with the
/// predicate `previous_hosts`, which picks again; Envoy gives up after
/// `host_selection_retry_max_attempts` and takes the last one. Cost per pick: O(1), or O(log n)
/// where weights differ.
#[derive(Debug, Default)]
pub struct EnvoyRoundRobin {
    view: Option<Arc<ViewSnapshot>>,
    /// Drawn at the first pick.
    seed: Option<u32>,
    index: u64,
    schedule: Option<Schedule>,
    are_equal: bool,
}

impl Balancer for EnvoyRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.are_equal = has_equal_weights(view);
        self.view = Some(Arc::clone(view));
        self.schedule = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let seed = *self.seed.get_or_insert_with(|| {
            let seed = ctx.draw.next_u64() as u32;
            self.index = u64::from(seed);
            seed
        });
        let place = if self.are_equal {
            let count = view.members.len() as u64;
            let mut place = (self.index % count) as usize;
            self.index += 1;
            while eligible.avoids(place) {
                place = (self.index % count) as usize;
                self.index += 1;
            }
            place
        } else {
            let schedule = self
                .schedule
                .get_or_insert_with(|| seeded_schedule(view, seed));
            schedule.pick_again(&eligible.avoided, |place| view.members[place].weight)
        };
        Some(view.members[place].instance)
    }
}

/// Whether all candidates have the same weight.
pub fn has_equal_weights(view: &ViewSnapshot) -> bool {
    let weights = view.members.windows(2);
    weights
        .into_iter()
        .all(|pair| pair[0].weight == pair[1].weight)
}

/// The schedule of a view after `seed` picks.
pub fn seeded_schedule(view: &ViewSnapshot, seed: u32) -> Schedule {
    let weights: Vec<f64> = view.members.iter().map(|member| member.weight).collect();
    Schedule::with_picks(&weights, seed)
}
