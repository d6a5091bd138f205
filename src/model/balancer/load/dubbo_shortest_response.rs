use std::sync::Arc;

use super::pick_among;
use crate::id::InstanceId;
use crate::model::balancer::per_member::PerMember;
use crate::model::balancer::weighted::dubbo_weight::weight_at;
use crate::model::balancer::weighted::first_seen::FirstSeen;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::DubboWeight;
use crate::time::{SimDuration, SimTime};

/// `shortestresponse` of Dubbo: the shortest mean latency of successes times the requests in flight
/// plus one, from this caller; ties at random by weight.
///
/// Source: Dubbo 3.2, `ShortestResponseLoadBalance`. Latencies are whole milliseconds, the mean is
/// rounded down. The means begin anew for all providers at the first pick that finds them older
/// than the window. A provider without a success in it counts as 0 and wins: one that is new, and
/// one that fails all. A tried provider is left out. Cost per pick: O(n), as in Dubbo.
#[derive(Debug)]
pub struct DubboShortestResponse {
    weight: DubboWeight,
    window: SimDuration,
    seen: FirstSeen,
    successes: PerMember<Successes>,
    began_at: SimTime,
}

/// Successes since the means began.
#[derive(Clone, Copy, Debug, Default)]
struct Successes {
    count: u64,
    elapsed_ms: u64,
}

impl DubboShortestResponse {
    /// Begins means anew after `window`.
    pub fn new(weight: DubboWeight, window: SimDuration) -> Self {
        DubboShortestResponse {
            weight,
            window,
            seen: FirstSeen::default(),
            successes: PerMember::default(),
            began_at: SimTime::START,
        }
    }
}

impl Balancer for DubboShortestResponse {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.seen
            .on_view(self.successes.view().map(AsRef::as_ref), view);
        self.successes
            .on_view(view, |_, kept| kept.unwrap_or_default());
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.successes.view()?);
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let successes = self.successes.values();
        let response = |place: usize| {
            let of = &successes[place];
            let mean_ms = of.elapsed_ms.checked_div(of.count).unwrap_or(0);
            mean_ms * (u64::from(ctx.in_flight.count(view.members[place].instance)) + 1)
        };
        let weight =
            |place: usize| weight_at(self.weight, &view.members[place], &self.seen, ctx.now);
        let place = pick_among(&eligible, &mut ctx.draw, response, weight);
        if self.window < ctx.now.since(self.began_at) {
            successes.fill(Successes::default());
            self.began_at = ctx.now;
        }
        Some(view.members[place].instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        if end.outcome == AttemptOutcome::Success
            && let Some((_, successes)) = self.successes.find(end.instance)
        {
            successes.count += 1;
            successes.elapsed_ms += end.ended_at.since(end.sent_at).as_ns() / 1_000_000;
        }
    }
}
