use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::least_in_flight::LeastInFlight;
use crate::model::balancer::weighted::edf::Schedule;
use crate::model::balancer::weighted::{has_equal_weights, seeded_schedule};
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// `LEAST_REQUEST` of Envoy: where all weights are equal, of a few draws the one with the fewest
/// requests in flight from this caller; else the schedule of earliest deadlines, by weights that
/// fall with what is in flight.
///
/// Source: Envoy 1.39, `least_request_lb.cc`. Draws are with replacement, ties go to the first. In
/// the schedule a candidate's weight is `weight / (in flight + 1)^bias`, taken when it is picked
/// and not again before its next turn, so a busy one never drains. The schedule begins anew, after
/// a random number of picks drawn once for each caller, when candidates change. The turn of a tried
/// candidate is used up, as by a retry that picks again. Cost per pick: O(draws), or O(log n).
#[derive(Debug)]
pub struct EnvoyLeastRequest {
    choices: LeastInFlight,
    bias: f64,
    view: Option<Arc<ViewSnapshot>>,
    are_equal: bool,
    seed: Option<u32>,
    schedule: Option<Schedule>,
}

impl EnvoyLeastRequest {
    /// Draws `choice_count` candidates, or divides weights by what is in flight to the power of
    /// `bias`.
    pub fn new(choice_count: u32, bias: f64) -> Self {
        EnvoyLeastRequest {
            choices: LeastInFlight::new(Some(choice_count), true),
            bias,
            view: None,
            are_equal: true,
            seed: None,
            schedule: None,
        }
    }
}

/// A weight as the schedule takes it.
fn biased_weight(weight: f64, in_flight: u32, bias: f64) -> f64 {
    let active = f64::from(in_flight) + 1.0;
    if bias == 0.0 {
        weight
    } else if bias == 1.0 {
        weight / active
    } else {
        weight / libm::pow(active, bias)
    }
}

impl Balancer for EnvoyLeastRequest {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.choices.on_view(view);
        self.are_equal = has_equal_weights(view);
        self.view = Some(Arc::clone(view));
        self.schedule = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        if self.are_equal {
            return self.choices.pick(ctx);
        }
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        let seed = *self.seed.get_or_insert_with(|| ctx.draw.next_u64() as u32);
        let schedule = self
            .schedule
            .get_or_insert_with(|| seeded_schedule(view, seed));
        let place = schedule.pick_again(&eligible.avoided, |place| {
            let member = &view.members[place];
            biased_weight(
                member.weight,
                ctx.in_flight.count(member.instance),
                self.bias,
            )
        });
        Some(view.members[place].instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_with_what_is_in_flight() {
        // Envoy's documentation: weight 2 with 4 active requests counts as 2 / 5.
        assert_eq!(biased_weight(2.0, 4, 1.0), 0.4);
        assert_eq!(biased_weight(2.0, 4, 0.0), 2.0);
        assert_eq!(biased_weight(9.0, 2, 2.0), 1.0);
    }
}
