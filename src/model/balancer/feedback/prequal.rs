use std::sync::Arc;

use super::prequal_pool::{Answer, Pool, Seen, reuse_count};
use crate::id::InstanceId;
use crate::model::balancer::control::{ControlContext, InstanceLoad, Message, Needs, Orders};
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::feedback::PrequalConfig;

/// Picks among the answers to probes that were sent ahead of time: the lowest latency among
/// instances that are not hot, or else the fewest requests in flight.
///
/// Source: Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should balance: Introducing
/// Prequal", NSDI 2024. The signals and the asynchronous, reused probes are the paper's; the
/// numbers are unconfirmed and can all be set. An answer is dropped when a newer one of its
/// instance comes, when it is old, when it was used as often as it may, or when its turn to be
/// removed comes: the oldest and the worst in turn. A pick counts itself in the answer it used
/// (compensation). Probes leave with each pick, to different instances drawn at random; broken
/// rates are carried over. Ties go to the older answer. With too few answers a pick is random. An
/// instance that fails fast looks cold and draws the load to itself: the paper's guard against
/// that is left out. Weights are ignored, but for 0, which drains. Cost per pick: O(pool).
#[derive(Debug)]
pub struct Prequal {
    config: PrequalConfig,
    view: Option<Arc<ViewSnapshot>>,
    pool: Pool,
    seen: Seen,
    /// Probes and removals that are due, with broken parts.
    probes_due: f64,
    removals_due: f64,
    is_worst_next: bool,
}

impl Prequal {
    /// Knows nothing yet.
    pub fn new(config: PrequalConfig) -> Self {
        Prequal {
            config,
            view: None,
            pool: Pool::default(),
            seen: Seen::default(),
            probes_due: 0.0,
            removals_due: 0.0,
            is_worst_next: false,
        }
    }

    fn threshold(&self) -> u32 {
        self.seen.quantile(self.config.hot_quantile)
    }

    /// How often a new answer may be used. The broken part of the rule is drawn.
    fn draw_uses(&self, draw: &mut Draw) -> u32 {
        let view = self.view.as_ref();
        let instance_count = view.map_or(0, |view| view.members.len());
        let count = reuse_count(
            (
                self.config.pool_size,
                u32::try_from(instance_count).expect("instances fit in 32 bits"),
            ),
            (self.config.probe_rate, self.config.removal_rate),
            self.config.reuse_slack,
        );
        count.map_or(u32::MAX, |count| {
            let whole = count.floor();
            whole as u32 + u32::from(draw.uniform() < count - whole)
        })
    }

    /// Sends the probes that are due, to different instances.
    fn send_probes(&mut self, draw: &mut Draw, orders: &mut Orders) {
        let Some(view) = &self.view else {
            return;
        };
        self.probes_due += self.config.probe_rate;
        let whole = self.probes_due.floor();
        self.probes_due -= whole;
        let member_count = view.members.len();
        let count = (whole as usize).min(member_count);
        // Floyd's sampling: each set of places is equally likely.
        let mut places: Vec<usize> = Vec::with_capacity(count);
        for last in member_count - count..member_count {
            let bound = u32::try_from(last + 1).expect("instances fit in 32 bits");
            let place = draw.below(bound) as usize;
            places.push(match places.contains(&place) {
                true => last,
                false => place,
            });
        }
        for place in places {
            orders.send(view.members[place].instance, Message::Probe);
        }
    }

    fn remove(&mut self, threshold: u32) {
        self.removals_due += self.config.removal_rate;
        while 1.0 <= self.removals_due {
            self.removals_due -= 1.0;
            match self.is_worst_next {
                true => self.pool.remove_worst(threshold),
                false => self.pool.remove_oldest(),
            }
            self.is_worst_next = !self.is_worst_next;
        }
    }
}

impl Balancer for Prequal {
    fn needs(&self) -> Needs {
        Needs {
            orders: true,
            latency_sample_count: self.config.latency_sample_count,
            ..Needs::default()
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.pool
            .retain(|answer| view.position(answer.instance).is_some());
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.pool.expire(ctx.now, self.config.probe_age_max);
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let threshold = self.threshold();
        let is_untried = |answer: &Answer| ctx.tried.binary_search(&answer.instance).is_err();
        let count = self.pool.answers().filter(|a| is_untried(a)).count();
        let is_known = self.config.pool_size_min as usize <= count;
        let best = match is_known {
            true => self.pool.best(threshold, is_untried),
            false => None,
        };
        let picked = best.unwrap_or_else(|| {
            let rank = ctx.draw.below(eligible.count());
            eligible.member(rank).instance
        });
        self.pool.note_sent(picked, best.is_some());
        self.remove(threshold);
        self.send_probes(&mut ctx.draw, ctx.orders);
        Some(picked)
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        let Message::ProbeReply(InstanceLoad { in_flight, latency }) = *message else {
            return;
        };
        self.seen.add(in_flight, self.config.seen_count as usize);
        let view = self.view.as_ref();
        if view.is_none_or(|view| view.position(from).is_none()) {
            return;
        }
        let uses_left = self.draw_uses(&mut ctx.draw);
        let answer = Answer {
            instance: from,
            in_flight,
            latency,
            at: ctx.now,
            uses_left,
        };
        self.pool.add(answer, self.config.pool_size as usize);
    }
}
