use std::collections::BTreeMap;
use std::sync::Arc;

use super::two_choices;
use crate::id::InstanceId;
use crate::model::balancer::control::{ControlContext, Message, Needs};
use crate::model::balancer::weighted::dubbo_weight::weight_at;
use crate::model::balancer::weighted::first_seen::FirstSeen;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;
use crate::scenario::balancer::weighted::DubboWeight;
use crate::time::{SimDuration, SimTime};

/// Over which providers measure their CPU.
const REPORT_WINDOW: SimDuration = SimDuration::from_secs(1);
/// Part of the old mean that a new latency leaves.
const BETA: f64 = 0.5;

/// `adaptive` of Dubbo: of two providers the one with the lower load, which is `cpu (sqrt(mean
/// latency) + 1) (in flight + 1) / (successes / (requests + 1) weight + 1)`.
///
/// Source: Dubbo 3.2, `AdaptiveLoadBalance` and `AdaptiveMetrics`. The first look at a measurement
/// mixes in twice the timeout, each later one the last latency shifted right by the timeouts that
/// passed plus one. One that was not picked for two timeouts has load 0 and wins. Latencies are
/// whole milliseconds. Ties are broken at random by weight. The CPU load of a provider is the
/// utilization of its workers over the last whole second, which comes with its replies, or the same
/// for all; before the first report it is 0. Cost per pick: O(log n).
///
/// A provider that died silently gets up to twice its share, as in Dubbo. The penalty of twice the
/// timeout in `AdaptiveMetrics.getLoad` falls on who has just replied (`currentProviderTime ==
/// currentTime`), while every look at one that does not reply halves its last latency, so that its
/// mean goes to 0; its CPU load stays what it said last. Its successes over all requests, counted
/// from the start, fall slowly. So it has the lower load of every pair that it is drawn for, and it
/// is drawn for 2 of n. What takes it out is the list, or a closed channel, not the load.
#[derive(Debug)]
pub struct DubboAdaptive {
    weight: DubboWeight,
    timeout_ms: u64,
    /// None: as providers report it.
    cpu_load: Option<f64>,
    seen: FirstSeen,
    view: Option<Arc<ViewSnapshot>>,
    /// Those that were looked at. Dubbo forgets none.
    metrics: BTreeMap<InstanceId, Metrics>,
}

/// What a caller knows of a provider; times are milliseconds of the run.
#[derive(Clone, Copy, Debug, Default)]
struct Metrics {
    picked_at_ms: u64,
    /// When the last reply came, by the provider's clock, and when that was last looked at; 0
    /// before the first.
    provider_ms: u64,
    looked_at_ms: u64,
    has_report: bool,
    last_latency_ms: u64,
    ewma_ms: f64,
    request_count: u64,
    success_count: u64,
    error_count: u64,
    /// What came last, and what came with the last success.
    reported_load: f64,
    cpu_load: f64,
}

fn to_ms(time: SimTime) -> u64 {
    time.as_ns() / 1_000_000
}

impl Metrics {
    fn mix(&mut self) {
        self.ewma_ms = BETA * self.ewma_ms + (1.0 - BETA) * self.last_latency_ms as f64;
    }

    fn load(&mut self, weight: u64, timeout_ms: u64, now_ms: u64) -> f64 {
        if 2 * timeout_ms < now_ms.saturating_sub(self.picked_at_ms) {
            return 0.0;
        }
        if self.has_report {
            let multiple = now_ms.saturating_sub(self.looked_at_ms) / timeout_ms + 1;
            self.last_latency_ms = match self.provider_ms == self.looked_at_ms {
                true => 2 * timeout_ms,
                // Shifts of a Java long count modulo 64.
                false => self.last_latency_ms >> (multiple % 64),
            };
            self.mix();
            self.looked_at_ms = now_ms;
        }
        let ended_count = self.success_count + self.error_count;
        let in_flight = self.request_count.saturating_sub(ended_count) as f64;
        let success_ratio = self.success_count as f64 / (self.request_count + 1) as f64;
        self.cpu_load * (self.ewma_ms.sqrt() + 1.0) * (in_flight + 1.0)
            / (success_ratio * weight as f64 + 1.0)
    }

    /// A reply at `now_ms` that took `latency_ms`.
    fn report(&mut self, now_ms: u64, latency_ms: u64, cpu_load: f64) {
        self.has_report = true;
        (self.provider_ms, self.looked_at_ms) = (now_ms, now_ms);
        self.cpu_load = cpu_load;
        self.last_latency_ms = latency_ms;
        self.mix();
    }
}

impl DubboAdaptive {
    /// With nothing known of any provider.
    pub fn new(weight: DubboWeight, timeout: SimDuration, cpu_load: Option<f64>) -> Self {
        DubboAdaptive {
            weight,
            timeout_ms: timeout.as_ns() / 1_000_000,
            cpu_load,
            seen: FirstSeen::default(),
            view: None,
            metrics: BTreeMap::new(),
        }
    }

    fn metrics(&mut self, instance: InstanceId, now_ms: u64) -> &mut Metrics {
        self.metrics.entry(instance).or_insert(Metrics {
            picked_at_ms: now_ms,
            ..Metrics::default()
        })
    }
}

impl Balancer for DubboAdaptive {
    fn needs(&self) -> Needs {
        let is_reported = self.cpu_load.is_none();
        Needs {
            reply_reports: is_reported,
            report_window: is_reported.then_some(REPORT_WINDOW),
            ..Needs::default()
        }
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        if let Message::Report(report) = message
            && let Some(load) = report.load
            && self.cpu_load.is_none()
        {
            self.metrics(from, to_ms(ctx.now)).reported_load = load.utilization;
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        self.seen.on_view(old.as_deref(), view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.view.as_ref()?);
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let (first, second) = two_choices(&eligible, &mut ctx.draw);
        let now_ms = to_ms(ctx.now);
        let timeout_ms = self.timeout_ms;
        let place = if first == second {
            first
        } else {
            let [of_first, of_second] = [first, second].map(|place| {
                let member = &view.members[place];
                let weight = weight_at(self.weight, member, &self.seen, ctx.now);
                let metrics = self.metrics(member.instance, now_ms);
                (metrics.load(weight, timeout_ms, now_ms), weight)
            });
            let is_first = if of_first.0 == of_second.0 {
                let target = ctx.draw.uniform() * (of_first.1 + of_second.1) as f64;
                target < of_first.1 as f64
            } else {
                of_first.0 < of_second.0
            };
            if is_first { first } else { second }
        };
        let instance = view.members[place].instance;
        let metrics = self.metrics(instance, now_ms);
        metrics.request_count += 1;
        metrics.picked_at_ms = now_ms;
        Some(instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let cpu_load = self.cpu_load;
        let now_ms = to_ms(end.ended_at);
        let metrics = self.metrics(end.instance, now_ms);
        if end.outcome == AttemptOutcome::Success {
            metrics.success_count += 1;
            let cpu_load = cpu_load.unwrap_or(metrics.reported_load);
            metrics.report(now_ms, now_ms.saturating_sub(to_ms(end.sent_at)), cpu_load);
        } else {
            metrics.error_count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_no_more_looks_better_than_who_does() {
        let timeout_ms = 1_000;
        let mut alive = Metrics {
            picked_at_ms: 1_000,
            request_count: 100,
            success_count: 100,
            ..Metrics::default()
        };
        alive.report(1_000, 16, 0.5);
        let mut dead = alive;
        // Each look k adds half of 2000 / 2^(k-1), and halves the rest: after 30 looks nothing is
        // left of the mean.
        let looks = (1..=30).map(|look| dead.load(100, timeout_ms, 1_000 + look));
        let of_dead = looks.last().expect("it was looked at");
        assert!(dead.ewma_ms < 1e-3, "{}", dead.ewma_ms);
        // Twenty requests that failed meanwhile, and one that is under way.
        (dead.request_count, dead.error_count) = (121, 20);
        let of_dead_later = dead.load(100, timeout_ms, 1_031);
        alive.report(1_030, 16, 0.5);
        let of_alive = alive.load(100, timeout_ms, 1_031);
        assert!(of_dead < of_alive && of_dead_later < of_alive);
    }

    #[test]
    fn the_load_is_that_of_the_formula() {
        let mut metrics = Metrics {
            request_count: 3,
            ..Metrics::default()
        };
        metrics.success_count = 1;
        metrics.report(1_000, 16, 0.5);
        assert_eq!(metrics.ewma_ms, 8.0);
        // The first look mixes in 2 x 1000 ms: 0.5 x 8 + 0.5 x 2000 = 1004.
        let expected = 0.5 * (1_004f64.sqrt() + 1.0) * 3.0 / (0.25 * 100.0 + 1.0);
        assert_eq!(metrics.load(100, 1_000, 1_100), expected);
        // The second look halves the last latency: 0.5 x 1004 + 0.5 x 1000 = 1002.
        metrics.load(100, 1_000, 1_200);
        assert_eq!(metrics.ewma_ms, 1_002.0);
        // Two timeouts without a pick.
        assert_eq!(metrics.load(100, 1_000, 2_001), 0.0);
    }
}
