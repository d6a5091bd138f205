use std::collections::BTreeMap;
use std::sync::Arc;

use super::two_choices;
use crate::id::InstanceId;
use crate::model::balancer::weighted::first_seen::FirstSeen;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::math;
use crate::time::{SimDuration, SimTime};

/// Load of an instance that something is in flight to and that was never measured: 2^47 - 1 in
/// Finagle.
const PENALTY: f64 = (i64::MAX >> 16) as f64;

/// Peak EWMA: of two candidates the one with the lower cost, which is the decayed peak of its
/// latency times the attempts in flight plus one, from this caller.
///
/// Source: Finagle, `PeakEwma.scala` and `P2C.scala`; tower, `load/peak_ewma.rs` and
/// `balance/p2c`. A latency above the cost becomes the cost; otherwise the cost moves towards it
/// by `1 - e^(-time since the last look / decay)`, and each look moves it towards 0. The two are
/// distinct and drawn uniformly, ties go to the first. Whatever ends an attempt counts as its
/// latency, errors too, so a server that fails fast is cheap. One that was never measured costs
/// nothing until something is in flight to it, and then the most (Finagle); or it begins with a
/// default latency (tower). Weights play no part. Cost per pick: O(log n), or O(n log n)
/// where all are looked at.
#[derive(Debug)]
pub struct PeakEwma {
    decay_ns: f64,
    default_rtt_ns: f64,
    full_scan: bool,
    view: Option<Arc<ViewSnapshot>>,
    seen: FirstSeen,
    /// Those that were looked at.
    metrics: BTreeMap<InstanceId, Metric>,
}

#[derive(Clone, Copy, Debug)]
struct Metric {
    cost_ns: f64,
    updated_at: SimTime,
}

impl Metric {
    /// A latency that was measured, or 0 for a look.
    fn observe(&mut self, rtt_ns: f64, now: SimTime, decay_ns: f64) {
        if self.cost_ns < rtt_ns {
            self.cost_ns = rtt_ns;
        } else {
            let elapsed = now.since(self.updated_at).as_ns() as f64;
            let kept = math::exp(-elapsed / decay_ns);
            self.cost_ns = self.cost_ns * kept + rtt_ns * (1.0 - kept);
        }
        self.updated_at = now;
    }

    fn load(&mut self, in_flight: u32, now: SimTime, decay_ns: f64) -> f64 {
        self.observe(0.0, now, decay_ns);
        if self.cost_ns == 0.0 && in_flight != 0 {
            return PENALTY + f64::from(in_flight);
        }
        self.cost_ns * (f64::from(in_flight) + 1.0)
    }
}

impl PeakEwma {
    /// Forgets a peak with this time constant.
    pub fn new(decay: SimDuration, default_rtt: Option<SimDuration>, full_scan: bool) -> Self {
        PeakEwma {
            decay_ns: decay.as_ns() as f64,
            default_rtt_ns: default_rtt.map_or(0.0, |rtt| rtt.as_ns() as f64),
            full_scan,
            view: None,
            seen: FirstSeen::default(),
            metrics: BTreeMap::new(),
        }
    }

    fn metric(&mut self, instance: InstanceId, now: SimTime) -> &mut Metric {
        let seen = &self.seen;
        let cost_ns = self.default_rtt_ns;
        self.metrics.entry(instance).or_insert_with(|| Metric {
            cost_ns,
            updated_at: seen.seen_at(instance).unwrap_or(now),
        })
    }
}

impl Balancer for PeakEwma {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        self.seen.on_view(old.as_deref(), view);
        self.metrics
            .retain(|instance, _| view.position(*instance).is_some());
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.view.as_ref()?);
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let (decay_ns, full_scan) = (self.decay_ns, self.full_scan);
        let mut load = |place: usize| {
            let instance = view.members[place].instance;
            let in_flight = ctx.in_flight.count(instance);
            self.metric(instance, ctx.now)
                .load(in_flight, ctx.now, decay_ns)
        };
        let place = if full_scan {
            let first = eligible.place(0);
            let mut best = (first, load(first));
            for rank in 1..eligible.count() {
                let place = eligible.place(rank);
                let cost = load(place);
                if cost < best.1 {
                    best = (place, cost);
                }
            }
            best.0
        } else {
            let (first, second) = two_choices(&eligible, &mut ctx.draw);
            match load(first) <= load(second) {
                true => first,
                false => second,
            }
        };
        Some(view.members[place].instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let is_member = |view: &Arc<ViewSnapshot>| view.position(end.instance).is_some();
        if self.view.as_ref().is_some_and(is_member) {
            let rtt_ns = end.ended_at.since(end.sent_at).as_ns() as f64;
            let decay_ns = self.decay_ns;
            let metric = self.metric(end.instance, end.ended_at);
            metric.observe(rtt_ns, end.ended_at, decay_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    /// The test `default_decay` of tower.
    #[test]
    fn a_default_decays() {
        let mut metric = Metric {
            cost_ns: 10.0 * MS,
            updated_at: at(0),
        };
        assert_eq!(metric.load(0, at(0), 1_000.0 * MS), 10.0 * MS);
        let load = metric.load(0, at(100), 1_000.0 * MS);
        assert!(9.0 * MS < load && load < 10.0 * MS);
        let load = metric.load(0, at(200), 1_000.0 * MS);
        assert!(8.0 * MS < load && load < 9.0 * MS);
    }

    /// The test `compound_decay` of tower.
    #[test]
    fn peaks_are_taken_at_once_and_forgotten_slowly() {
        let decay = 1_000.0 * MS;
        let mut metric = Metric {
            cost_ns: 20.0 * MS,
            updated_at: at(0),
        };
        assert_eq!(metric.load(0, at(0), decay), 20.0 * MS);
        assert!(20.0 * MS < metric.load(1, at(100), decay));
        assert!(40.0 * MS < metric.load(2, at(200), decay));
        metric.observe(200.0 * MS, at(300), decay);
        assert_eq!(metric.load(1, at(300), decay), 400.0 * MS);
        metric.observe(200.0 * MS, at(400), decay);
        assert_eq!(metric.load(0, at(400), decay), 200.0 * MS);
        assert!(metric.load(0, at(1_400), decay) < 100.0 * MS);
        assert!(metric.load(0, at(11_400), decay) < 0.1 * MS);
    }

    #[test]
    fn what_was_never_measured_takes_one_probe() {
        let mut metric = Metric {
            cost_ns: 0.0,
            updated_at: at(0),
        };
        assert_eq!(metric.load(0, at(5), MS), 0.0);
        // Long.MaxValue >> 16, and one pending.
        assert_eq!(metric.load(1, at(5), MS), 140_737_488_355_328.0);
    }
}
