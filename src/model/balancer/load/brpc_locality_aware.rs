use std::collections::VecDeque;
use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::per_member::PerMember;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::time::{SimDuration, SimTime};

/// Scale of weights: the largest signed number over 72,000,000 and 127.
const WEIGHT_SCALE: i64 = i64::MAX / 72_000_000 / 127;
const WEIGHT_MIN: i64 = 1_000;
/// Replies that are remembered.
const SAMPLE_COUNT_MAX: usize = 128;
const US_PER_SEC: i64 = 1_000_000;

/// `la` of brpc, locality-aware: at random, by the throughput of the last 128 replies over their
/// mean latency.
///
/// Source: brpc 1.x, `locality_aware_load_balancer.{h,cpp}`. The weight is `replies per second /
/// mean latency`, scaled, at least 1000. Where what is in flight has been so for 1.5 times the mean
/// latency on average, the weight shrinks by that time. An error adds to the last sample 1.2 times
/// its latency, mixed with the timeout by the retries that are left, so it lowers throughput and
/// raises latency. A newcomer has the mean weight, and a lost connection takes what is above it.
/// A tried server is drawn again, as often as there are servers, then taken. Weights of the view
/// play no part. Cost per pick: O(log n).
#[derive(Debug)]
pub struct BrpcLocalityAware {
    timeout_us: i64,
    max_retry: i64,
    servers: PerMember<Server>,
    sums: Sums,
    /// Attempts in flight that are retries: instance, time, and number of the retry.
    retries: Vec<(InstanceId, SimTime, i64)>,
}

#[derive(Debug, Default)]
struct Server {
    weight: i64,
    base_weight: i64,
    begin_sum_us: i64,
    begin_count: i64,
    latency_mean_us: i64,
    /// Sum of latencies up to a reply, and its time.
    samples: VecDeque<(i64, i64)>,
}

/// Sums of weights by place (Fenwick, 1994).
#[derive(Debug, Default)]
struct Sums {
    nodes: Vec<i64>,
    total: i64,
}

impl Sums {
    fn new(weights: impl ExactSizeIterator<Item = i64>) -> Self {
        let mut sums = Sums {
            nodes: vec![0; weights.len() + 1],
            total: 0,
        };
        for (place, weight) in weights.enumerate() {
            sums.add(place, weight);
        }
        sums
    }

    fn add(&mut self, place: usize, more: i64) {
        self.total += more;
        let mut node = place + 1;
        while node < self.nodes.len() {
            self.nodes[node] += more;
            node += node & node.wrapping_neg();
        }
    }

    /// The place where the running sum passes `target`, and how far into it the target is.
    fn find(&self, mut target: i64) -> (usize, i64) {
        let mut node = 0;
        let mut step = self.nodes.len().next_power_of_two();
        while 0 < step {
            let next = node + step;
            if next < self.nodes.len() && self.nodes[next] <= target {
                target -= self.nodes[next];
                node = next;
            }
            step /= 2;
        }
        (node.min(self.nodes.len() - 2), target)
    }
}

fn to_us(time: SimTime) -> i64 {
    (time.as_ns() / 1_000) as i64
}

impl Server {
    fn new(weight: i64) -> Self {
        Server {
            weight,
            base_weight: weight,
            ..Server::default()
        }
    }

    /// Sets the weight from its base and what is in flight; returns how much it grew.
    fn reset_weight(&mut self, now_us: i64) -> i64 {
        let mut weight = self.base_weight;
        if 0 < self.begin_count {
            let delay_us = now_us - self.begin_sum_us / self.begin_count;
            // 1.5 times, rounded down.
            let punished_us = self.latency_mean_us * 3 / 2;
            if punished_us <= delay_us && 0 < self.latency_mean_us {
                weight = weight * punished_us / delay_us;
            }
        }
        let before = self.weight;
        self.weight = weight.max(WEIGHT_MIN);
        self.weight - before
    }

    /// A sample, and the weight from it; returns how much the weight grew.
    fn update(&mut self, latency_us: i64, error_us: Option<i64>, now_us: i64, cap_us: i64) -> i64 {
        let last = self.samples.back().copied();
        match (error_us, self.samples.back_mut()) {
            (None, _) => {
                if self.samples.len() == SAMPLE_COUNT_MAX {
                    self.samples.pop_front();
                }
                let sum = last.map_or(0, |(sum, _)| sum) + latency_us;
                self.samples.push_back((sum, now_us));
            }
            (Some(error_us), Some(last)) => *last = (last.0 + error_us, now_us),
            (Some(error_us), None) => self.samples.push_back((error_us.max(cap_us), now_us)),
        }
        let count = self.samples.len();
        let (first_sum, first_us) = self.samples[0];
        let last_sum = self.samples[count - 1].0;
        let mut scaled_rate = WEIGHT_SCALE;
        if first_us < now_us {
            if count == SAMPLE_COUNT_MAX || first_us + US_PER_SEC <= now_us {
                let rate = (count as i64 - 1) * US_PER_SEC * WEIGHT_SCALE / (now_us - first_us);
                scaled_rate = rate.max(WEIGHT_SCALE);
            }
            // There are two samples at least: a single one is of now.
            self.latency_mean_us = (last_sum - first_sum) / (count as i64 - 1);
        } else if count == 1 {
            self.latency_mean_us = last_sum;
        } else {
            return 0;
        }
        if self.latency_mean_us == 0 {
            return 0;
        }
        self.base_weight = scaled_rate / self.latency_mean_us;
        self.reset_weight(now_us)
    }
}

impl BrpcLocalityAware {
    /// With this timeout and number of retries of a request.
    pub fn new(timeout: SimDuration, max_retry: u32) -> Self {
        BrpcLocalityAware {
            timeout_us: (timeout.as_ns() / 1_000) as i64,
            max_retry: i64::from(max_retry),
            servers: PerMember::default(),
            sums: Sums::default(),
            retries: Vec::new(),
        }
    }

    /// Draws until one is taken: its place.
    fn choose(&mut self, eligible: &Eligible<'_>, draw: &mut Draw, now_us: i64) -> usize {
        let count = eligible.members.len();
        let mut place = 0;
        for try_count in 1..=count {
            let scaled = u128::from(draw.next_u64()) * self.sums.total as u128;
            let rest;
            (place, rest) = self.sums.find((scaled >> 64) as i64);
            if try_count < count && eligible.avoids(place) {
                continue;
            }
            let server = &mut self.servers.values()[place];
            let grown = server.reset_weight(now_us);
            let is_taken = rest <= server.weight;
            self.sums.add(place, grown);
            if is_taken {
                break;
            }
        }
        // Where all draws missed, brpc fails the request; the last one is taken instead.
        place
    }

    /// What an error counts as: its latency and the timeout, mixed by the retries that are left.
    fn error_latency_us(&self, latency_us: i64, retry: i64) -> i64 {
        let (done, left) = match self.max_retry {
            0 => (1, 0),
            max => (retry.min(max), (max - retry).max(0)),
        };
        (left * (latency_us * 6 / 5) + done * self.timeout_us) / (done + left)
    }
}

impl Balancer for BrpcLocalityAware {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let total = self.sums.total;
        let count = self.servers.values().len() as i64;
        let newcomer_weight = total.checked_div(count).unwrap_or(WEIGHT_SCALE);
        self.servers.on_view(view, |_, kept| {
            kept.unwrap_or_else(|| Server::new(newcomer_weight))
        });
        self.sums = Sums::new(self.servers.values().iter().map(|server| server.weight));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.servers.view()?);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let now_us = to_us(ctx.now);
        let place = self.choose(&eligible, &mut ctx.draw, now_us);
        let server = &mut self.servers.values()[place];
        server.begin_sum_us += now_us;
        server.begin_count += 1;
        let instance = view.members[place].instance;
        if !ctx.tried.is_empty() {
            self.retries
                .push((instance, ctx.now, ctx.tried.len() as i64));
        }
        Some(instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let is_it =
            |retry: &(InstanceId, SimTime, i64)| (retry.0, retry.1) == (end.instance, end.sent_at);
        let found = self.retries.iter().position(is_it);
        let retry = found.map_or(0, |at| self.retries.swap_remove(at).2);
        let (now_us, begin_us) = (to_us(end.ended_at), to_us(end.sent_at));
        let latency_us = now_us - begin_us;
        let error_us = match end.outcome {
            AttemptOutcome::Success => None,
            _ => Some(self.error_latency_us(latency_us, retry)),
        };
        let timeout_us = self.timeout_us;
        let Some((place, server)) = self.servers.find(end.instance) else {
            return;
        };
        if 0 < server.begin_count {
            server.begin_count -= 1;
            server.begin_sum_us = match server.begin_count {
                0 => 0,
                _ => server.begin_sum_us - begin_us,
            };
        }
        if 0 < latency_us {
            let grown = server.update(latency_us, error_us, now_us, timeout_us);
            self.sums.add(place, grown);
        }
    }

    fn on_disconnected(&mut self, instance: InstanceId, is_graceful: bool) {
        let count = self.servers.values().len() as i64;
        let mean = self.sums.total.checked_div(count).unwrap_or(0);
        if let Some((place, server)) = self.servers.find(instance)
            && !is_graceful
            && mean < server.base_weight
        {
            server.base_weight = mean;
            let before = server.weight;
            server.weight = mean.max(WEIGHT_MIN);
            let grown = server.weight - before;
            self.sums.add(place, grown);
        }
    }
}
