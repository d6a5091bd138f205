use std::sync::Arc;

use super::static_stride::StaticStride;
use crate::id::InstanceId;
use crate::model::balancer::control::{ControlContext, Message, Needs, WindowLoad};
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::feedback::GrpcWeightedRoundRobinConfig;
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Picks in proportion to weights that follow from the load that instances report.
///
/// Source: gRFC A58 and grpc-go `balancer/weightedroundrobin`. A report makes the weight `rate /
/// (utilization + errors / rate * penalty)`; one without rate or utilization is ignored. A weight
/// counts from `blackout` after the first report that was not ignored, until the last one is
/// `expiration` old; then the blackout begins again, and so it does with a lost connection. Every
/// `update_interval`, and when the candidates change, a static stride scheduler is made of the
/// weights; those that do not count are the mean of the others, and with fewer than two that count
/// it is round robin. The sequence goes on from one scheduler to the next, and begins anew at a
/// random place when the candidates change. There are no ties. A retry passes over what it tried.
/// Configured weights are ignored, but for 0, which drains. Reports that do not come with replies
/// are asked for again when three have not come. Cost per pick: O(1) on average, O(candidates) at
/// worst; O(candidates) per update.
#[derive(Debug)]
pub struct GrpcWeightedRoundRobin {
    config: GrpcWeightedRoundRobinConfig,
    view: Option<Arc<ViewSnapshot>>,
    /// What is known of each member of the view.
    known: Vec<Known>,
    scheduler: Option<StaticStride>,
    sequence: u32,
    update_at: SimTime,
}

/// What is known of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    weight: f64,
    /// When the first report came that was not ignored, since it began to count anew.
    reported_since: Option<SimTime>,
    /// When the last one came.
    reported_at: SimTime,
    /// When reports on a period were asked for, or one came.
    heard_at: Option<SimTime>,
}

/// The weight that follows from a load, if any does.
fn weight_of(load: &WindowLoad, error_penalty: f64) -> Option<f64> {
    let rate = load.reply_rate_per_sec;
    if rate <= 0.0 || load.utilization <= 0.0 {
        return None;
    }
    let error_ratio = load.error_rate_per_sec / rate;
    Some(rate / (load.utilization + error_ratio * error_penalty))
}

impl Known {
    fn report(&mut self, now: SimTime, weight: f64) {
        self.weight = weight;
        self.reported_at = now;
        self.reported_since.get_or_insert(now);
    }

    /// The weight that counts now; 0 if none does.
    fn weight(&mut self, now: SimTime, config: &GrpcWeightedRoundRobinConfig) -> f64 {
        let Some(since) = self.reported_since else {
            return 0.0;
        };
        if config.expiration <= now.since(self.reported_at) {
            self.reported_since = None;
            return 0.0;
        }
        match now.since(since) < config.blackout {
            true => 0.0,
            false => self.weight,
        }
    }
}

/// Reports that may be missing before they are asked for again.
const MISSING_COUNT_MAX: u64 = 3;

impl GrpcWeightedRoundRobin {
    /// Knows nothing yet.
    pub fn new(config: GrpcWeightedRoundRobinConfig) -> Self {
        GrpcWeightedRoundRobin {
            config,
            view: None,
            known: Vec::new(),
            scheduler: None,
            sequence: 0,
            update_at: SimTime::NEVER,
        }
    }

    fn known_mut(&mut self, instance: InstanceId) -> Option<&mut Known> {
        let place = self.view.as_ref()?.position(instance)?;
        self.known.get_mut(place)
    }

    fn update(&mut self, now: SimTime, draw: &mut Draw) {
        if self.scheduler.is_none() {
            self.sequence = draw.next_u64() as u32;
        }
        let config = &self.config;
        let weights: Vec<f64> = self
            .known
            .iter_mut()
            .map(|known| known.weight(now, config))
            .collect();
        self.scheduler = Some(StaticStride::new(&weights));
    }

    /// Asks those instances for reports that send none.
    fn ask_for_reports(&mut self, ctx: &mut ControlContext<'_>) {
        let (Some(interval), Some(view)) = (self.config.report_interval, &self.view) else {
            return;
        };
        let patience = interval.saturating_mul(MISSING_COUNT_MAX);
        for (member, known) in view.members.iter().zip(&mut self.known) {
            let is_quiet = |heard: SimTime| patience < ctx.now.since(heard);
            if known.heard_at.is_none_or(is_quiet) {
                known.heard_at = Some(ctx.now);
                let request = Message::ReportRequest { interval };
                ctx.orders.send(member.instance, request);
            }
        }
    }

    fn set_timer(&mut self, ctx: &mut ControlContext<'_>, at: SimTime) {
        self.update_at = at;
        ctx.orders.wake_at(at);
    }

    fn interval(&self, ctx: &ControlContext<'_>) -> SimDuration {
        ctx.true_length(self.config.update_interval)
    }
}

impl Balancer for GrpcWeightedRoundRobin {
    fn needs(&self) -> Needs {
        Needs {
            orders: true,
            reply_reports: self.config.report_interval.is_none(),
            report_window: Some(self.config.report_window),
            ..Needs::default()
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        let before = std::mem::take(&mut self.known);
        let known_before = |instance| {
            let place = old.as_ref().and_then(|old| old.position(instance));
            place.map_or(Known::default(), |place| before[place])
        };
        let members = view.members.iter();
        self.known = members.map(|m| known_before(m.instance)).collect();
        // Made at the next pick, which knows the time.
        self.scheduler = None;
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        let first = match self.config.phase {
            Phase::Random => ctx.first_tick(self.config.update_interval),
            Phase::Aligned => ctx.now + self.interval(ctx),
            Phase::At(offset) => ctx.now + ctx.true_length(offset),
        };
        self.set_timer(ctx, first);
        self.ask_for_reports(ctx);
    }

    fn on_timer(&mut self, ctx: &mut ControlContext<'_>) {
        if ctx.now < self.update_at {
            return ctx.orders.wake_at(self.update_at);
        }
        self.update(ctx.now, &mut ctx.draw);
        let next = ctx.now + self.interval(ctx);
        self.set_timer(ctx, next);
        self.ask_for_reports(ctx);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        if self.view.as_ref()?.members.is_empty() {
            return None;
        }
        if self.scheduler.is_none() {
            self.update(ctx.now, &mut ctx.draw);
        }
        let view = self.view.as_ref()?;
        let scheduler = self.scheduler.as_ref()?;
        for _ in 0..=view.members.len() {
            let instance = view.members[scheduler.next(&mut self.sequence)].instance;
            if ctx.tried.binary_search(&instance).is_err() {
                return Some(instance);
            }
        }
        // What is left is tried, or has too small a weight to come up soon.
        let eligible = Eligible::new(view, ctx.tried);
        let rank = ctx.draw.below(eligible.count());
        Some(eligible.member(rank).instance)
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        let Message::Report(report) = message else {
            return;
        };
        let penalty = self.config.error_penalty;
        let Some(known) = self.known_mut(from) else {
            return;
        };
        known.heard_at = Some(ctx.now);
        if let Some(weight) = report.load.and_then(|load| weight_of(&load, penalty)) {
            known.report(ctx.now, weight);
        }
    }

    fn on_disconnected(&mut self, instance: InstanceId, _is_graceful: bool) {
        if let Some(known) = self.known_mut(instance) {
            known.reported_since = None;
            known.heard_at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(utilization: f64, rate: f64, error_rate: f64) -> WindowLoad {
        WindowLoad {
            utilization,
            reply_rate_per_sec: rate,
            error_rate_per_sec: error_rate,
        }
    }

    fn config() -> GrpcWeightedRoundRobinConfig {
        GrpcWeightedRoundRobinConfig {
            blackout: SimDuration::from_secs(10),
            expiration: SimDuration::from_secs(180),
            update_interval: SimDuration::from_secs(1),
            phase: Phase::Random,
            error_penalty: 1.0,
            report_interval: None,
            report_window: SimDuration::from_secs(1),
        }
    }

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    /// gRFC A58. All errors at a utilization of 0.1: 1 / (0.1 + 1) instead of 1 / 0.1, a weight
    /// eleven times smaller.
    #[test]
    fn the_weight_is_the_rate_over_utilization_and_errors() {
        assert_eq!(weight_of(&load(0.5, 100.0, 0.0), 1.0), Some(200.0));
        let good = weight_of(&load(0.1, 50.0, 0.0), 1.0).expect("a weight");
        let bad = weight_of(&load(0.1, 50.0, 50.0), 1.0).expect("a weight");
        assert!((good / bad - 11.0).abs() < 1e-12, "{good} {bad}");
        assert_eq!(weight_of(&load(0.1, 50.0, 50.0), 0.0), Some(500.0));
        assert_eq!(weight_of(&load(0.0, 50.0, 0.0), 1.0), None);
        assert_eq!(weight_of(&load(0.5, 0.0, 0.0), 1.0), None);
    }

    #[test]
    fn a_weight_counts_after_the_blackout_and_until_it_expires() {
        let config = config();
        let mut known = Known::default();
        assert_eq!(known.weight(at(0), &config), 0.0);
        known.report(at(5), 3.0);
        known.report(at(14), 4.0);
        assert_eq!(known.weight(at(14), &config), 0.0);
        assert_eq!(known.weight(at(15), &config), 4.0);
        assert_eq!(known.weight(at(193), &config), 4.0);
        assert_eq!(known.weight(at(194), &config), 0.0);
        // The blackout begins again with the next report.
        known.report(at(200), 5.0);
        assert_eq!(known.weight(at(209), &config), 0.0);
        assert_eq!(known.weight(at(210), &config), 5.0);
    }
}
