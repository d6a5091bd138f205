use std::sync::Arc;

use super::effective::whole;
use super::haproxy_static_rr::greatest_common_divisor;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;

/// `wrr` of the Linux Virtual Server: rounds over the candidates, each with a threshold that falls
/// from the largest weight by the greatest common divisor; those that reach it are picked.
///
/// Source: kb.linuxvirtualserver.org, Weighted Round-Robin Scheduling. Guarantee: one cycle holds
/// each candidate exactly by its weight, the heavier ones first and in bursts. Candidates of equal
/// weight keep the order of path. The place and the threshold survive a change of the candidates,
/// the latter bounded by the largest weight. A tried candidate is stepped over. Cost per pick:
/// O(n) where few candidates are heavy, O(1) where weights are equal.
#[derive(Debug, Default)]
pub struct LvsRoundRobin {
    view: Option<Arc<ViewSnapshot>>,
    /// Where the round goes on.
    next: usize,
    threshold: u32,
    divisor: u32,
    weight_max: u32,
}

impl Balancer for LvsRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        let at = old.and_then(|old| old.members.get(self.next).map(|m| m.instance));
        self.next = at.map_or(0, |at| view.members.partition_point(|m| m.instance < at));
        let weights = || view.members.iter().map(|member| whole(member.weight));
        self.divisor = weights().fold(0, greatest_common_divisor);
        self.weight_max = weights().max().unwrap_or(0);
        self.threshold = self.threshold.min(self.weight_max);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.view.as_ref()?);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let count = view.members.len();
        let mut step_count = 0;
        loop {
            let place = self.next % count;
            if place == 0 {
                self.threshold = match self.threshold <= self.divisor {
                    true => self.weight_max,
                    false => self.threshold - self.divisor,
                };
                if count < step_count {
                    // A whole round reached nobody: on to the first threshold that somebody does.
                    self.lower_threshold(&eligible);
                }
            }
            self.next = (place + 1) % count;
            step_count += 1;
            let member = &view.members[place];
            if self.threshold <= whole(member.weight) && !eligible.avoids(place) {
                return Some(member.instance);
            }
        }
    }
}

impl LvsRoundRobin {
    fn lower_threshold(&mut self, eligible: &Eligible<'_>) {
        let places = (0..eligible.count()).map(|rank| eligible.member(rank));
        let reached = places.map(|member| whole(member.weight)).max().unwrap_or(1);
        if reached < self.threshold {
            let steps = (self.threshold - reached).div_ceil(self.divisor);
            self.threshold = self.threshold.saturating_sub(steps * self.divisor);
            self.threshold = self.threshold.max(self.divisor.min(reached));
        }
    }
}
