use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::control::{ControlContext, Message, Needs};
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;
use crate::scenario::balancer::feedback::C3Config;

/// Picks the candidate with the lowest rank `R - 1/mu + q^3 / mu`, where `q = 1 + o n + Q`: `R` is
/// the moving average of its response times, `1/mu` that of its service times, `Q` that of its
/// queue, `o` what this caller has in flight to it and `n` the number of callers.
///
/// Source: Suresh, Canini, Schmid, Feldmann, "C3", NSDI 2015 (the ranking; its rate control is
/// left out, as in Elasticsearch). Queue and service time come with replies, which are those of
/// the process itself: rejections and losses tell nothing, so an instance that fails fast keeps
/// the rank that it had. Where nothing is known of a candidate its service time is the mean of the
/// others', its response time is its service time and its queue is empty: an assumption. Ties are
/// broken uniformly at random. Weights are ignored, but for 0, which drains. Cost per pick:
/// O(candidates).
#[derive(Debug)]
pub struct C3 {
    config: C3Config,
    client_count: f64,
    view: Option<Arc<ViewSnapshot>>,
    /// What is known of each member of the view.
    known: Vec<Option<Known>>,
    /// Room for ranks.
    ranks: Vec<f64>,
}

/// Moving averages of one instance, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    response_time: f64,
    service_time: f64,
    queue_depth: f64,
    /// Whether a response time has come.
    has_response: bool,
}

impl Known {
    fn rank(&self, in_flight: f64, client_count: f64, exponent: u32) -> f64 {
        let queue = 1.0 + in_flight * client_count + self.queue_depth;
        let power = (1..exponent).fold(queue, |power, _| power * queue);
        self.response_time - self.service_time + power * self.service_time
    }
}

impl C3 {
    /// Knows nothing yet.
    pub fn new(config: C3Config) -> Self {
        C3 {
            client_count: f64::from(config.client_count.unwrap_or(1)),
            config,
            view: None,
            known: Vec::new(),
            ranks: Vec::new(),
        }
    }

    fn known_mut(&mut self, instance: InstanceId) -> Option<&mut Option<Known>> {
        let place = self.view.as_ref()?.position(instance)?;
        self.known.get_mut(place)
    }

    /// What holds for an instance of which nothing is known.
    fn assumed(&self) -> Known {
        let known = || self.known.iter().flatten().map(|known| known.service_time);
        let count = known().count();
        let service_time = match count {
            0 => 1.0,
            _ => known().sum::<f64>() / count as f64,
        };
        Known {
            response_time: service_time,
            service_time,
            ..Known::default()
        }
    }
}

fn blend(before: f64, value: f64, weight: f64) -> f64 {
    before + weight * (value - before)
}

impl Balancer for C3 {
    fn needs(&self) -> Needs {
        Needs {
            reply_reports: true,
            ..Needs::default()
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        let before = std::mem::take(&mut self.known);
        let known_before = |instance| {
            let place = old.as_ref().and_then(|old| old.position(instance));
            place.and_then(|place| before[place])
        };
        let members = view.members.iter();
        self.known = members.map(|m| known_before(m.instance)).collect();
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        if self.config.client_count.is_none() {
            self.client_count = f64::from(ctx.peer_count);
        }
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        let assumed = self.assumed();
        self.ranks.clear();
        for place in (0..eligible.count()).map(|rank| eligible.place(rank)) {
            let known = self.known[place].unwrap_or(assumed);
            let in_flight = ctx.in_flight.count(eligible.members[place].instance);
            let (count, exponent) = (self.client_count, self.config.queue_exponent);
            self.ranks
                .push(known.rank(f64::from(in_flight), count, exponent));
        }
        let lowest = self.ranks.iter().copied().reduce(f64::min)?;
        let tied = || (0..eligible.count()).filter(|rank| self.ranks[*rank as usize] == lowest);
        let tied_count = u32::try_from(tied().count()).expect("instances fit in 32 bits");
        let chosen = ctx.draw.below(tied_count) as usize;
        let rank = tied().nth(chosen)?;
        Some(eligible.member(rank).instance)
    }

    fn on_message(&mut self, _ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        let Message::Report(report) = message else {
            return;
        };
        let Some(service_time) = report.service_time else {
            return;
        };
        let weight = self.config.ewma_weight;
        let Some(entry) = self.known_mut(from) else {
            return;
        };
        let (service_time, queue) = (service_time.as_secs_f64(), f64::from(report.queue_depth));
        let known = entry.get_or_insert(Known {
            service_time,
            queue_depth: queue,
            response_time: service_time,
            has_response: false,
        });
        known.service_time = blend(known.service_time, service_time, weight);
        known.queue_depth = blend(known.queue_depth, queue, weight);
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let is_answer = matches!(end.outcome, AttemptOutcome::Success | AttemptOutcome::Error);
        let weight = self.config.ewma_weight;
        if let Some(Some(known)) = self.known_mut(end.instance).filter(|_| is_answer) {
            let response_time = end.ended_at.since(end.sent_at).as_secs_f64();
            known.response_time = match std::mem::replace(&mut known.has_response, true) {
                true => blend(known.response_time, response_time, weight),
                false => response_time,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(response_time: f64, service_time: f64, queue_depth: f64) -> Known {
        Known {
            response_time,
            service_time,
            queue_depth,
            has_response: true,
        }
    }

    /// By hand: R = 20 ms, 1/mu = 4 ms. With nothing in flight and no queue q = 1, so the rank is
    /// R. With one in flight, 5 callers and a queue of 2: q = 8, 20 - 4 + 512 x 4 = 2064 ms.
    #[test]
    fn ranks_are_those_of_the_formula() {
        let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got}");
        near(known(0.020, 0.004, 0.0).rank(0.0, 5.0, 3), 0.020);
        near(known(0.020, 0.004, 2.0).rank(1.0, 5.0, 3), 2.064);
        near(known(0.020, 0.004, 2.0).rank(1.0, 5.0, 1), 0.048);
    }

    /// For service times of 4 ms and 20 ms a linear rank lets the queue of the fast server grow to
    /// five times that of the slow one before it chooses the slow one; the cubic rank lets it grow
    /// to the cube root of five, 1.71 times.
    #[test]
    fn the_cube_holds_back_from_long_queues_at_fast_instances() {
        let rank = |service: f64, queue: f64, exponent: u32| {
            known(service, service, queue - 1.0).rank(0.0, 1.0, exponent)
        };
        let slow_queue = 20.0;
        for (exponent, ratio) in [(1, 5.0), (3, 1.709_975_946_676_697)] {
            let below = rank(0.004, slow_queue * ratio * 0.999, exponent);
            let above = rank(0.004, slow_queue * ratio * 1.001, exponent);
            let slow = rank(0.020, slow_queue, exponent);
            assert!(below < slow && slow < above, "exponent {exponent}");
        }
    }
}
