//! Strategies that look at the load that a caller knows of.

mod brpc_locality_aware;
mod dubbo_adaptive;
mod dubbo_least_active;
mod dubbo_shortest_response;
mod envoy_least_request;
mod haproxy_least_conn;
mod haproxy_random;
mod nginx_least_conn;
mod nginx_random_two;
mod peak_ewma;

use super::least_in_flight::LeastInFlight;
use super::random::Random;
use super::{Balancer, Eligible};
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::load::LoadConfig;

/// The behaviour of a strategy of this family.
pub fn build(config: &LoadConfig) -> Box<dyn Balancer> {
    match *config {
        LoadConfig::NginxLeastConn(failures) => {
            Box::new(nginx_least_conn::NginxLeastConn::new(failures))
        }
        LoadConfig::NginxRandomTwo(failures) => {
            Box::new(nginx_random_two::NginxRandomTwo::new(failures))
        }
        LoadConfig::HaproxyLeastConn => Box::<haproxy_least_conn::HaproxyLeastConn>::default(),
        LoadConfig::HaproxyRandom { draw_count } => {
            Box::new(haproxy_random::HaproxyRandom::new(draw_count))
        }
        LoadConfig::EnvoyLeastRequest {
            choice_count,
            active_request_bias,
        } => Box::new(envoy_least_request::EnvoyLeastRequest::new(
            choice_count,
            active_request_bias,
        )),
        // The weights play no part, which is what the name is for.
        LoadConfig::EnvoyRandom => Box::<Random>::default(),
        LoadConfig::PeakEwma {
            decay,
            default_rtt,
            full_scan,
        } => Box::new(peak_ewma::PeakEwma::new(decay, default_rtt, full_scan)),
        // Two distinct ones, the first in case of a tie.
        LoadConfig::LeastLoaded => Box::new(LeastInFlight::new(Some(2), false)),
        LoadConfig::DubboLeastActive {
            weight,
            has_actives,
        } => Box::new(dubbo_least_active::DubboLeastActive::new(
            weight,
            has_actives,
        )),
        LoadConfig::DubboShortestResponse { weight, window } => Box::new(
            dubbo_shortest_response::DubboShortestResponse::new(weight, window),
        ),
        LoadConfig::DubboAdaptive {
            weight,
            timeout,
            cpu_load,
        } => Box::new(dubbo_adaptive::DubboAdaptive::new(
            weight, timeout, cpu_load,
        )),
        LoadConfig::BrpcLocalityAware { timeout, max_retry } => Box::new(
            brpc_locality_aware::BrpcLocalityAware::new(timeout, max_retry),
        ),
    }
}

/// The places of two distinct eligible members, drawn uniformly, in the order drawn; the same one
/// twice where there is only one.
#[inline]
fn two_choices(eligible: &Eligible<'_>, draw: &mut Draw) -> (usize, usize) {
    let count = eligible.count();
    if count == 1 {
        return (eligible.place(0), eligible.place(0));
    }
    let first = draw.below(count);
    let second = draw.below(count - 1);
    let second = second + u32::from(first <= second);
    (eligible.place(first), eligible.place(second))
}

/// The place of the member with the least `load`; among ties at random, in proportion to `weight`
/// where their weights differ. It takes one number if there are ties.
fn pick_among(
    eligible: &Eligible<'_>,
    draw: &mut Draw,
    load: impl Fn(usize) -> u64,
    weight: impl Fn(usize) -> u64,
) -> usize {
    let places = || (0..eligible.count()).map(|rank| eligible.place(rank));
    let least = places().map(&load).min().expect("there is a candidate");
    let tied = || places().filter(|place| load(*place) == least);
    let first = tied().next().expect("one has the least");
    let (count, total) = tied().fold((0, 0), |(count, total), place| {
        (count + 1, total + weight(place))
    });
    if count == 1 {
        return first;
    }
    if tied().all(|place| weight(place) == weight(first)) {
        let rank = draw.below(count) as usize;
        return tied().nth(rank).expect("a rank among the tied");
    }
    let mut target = (draw.uniform() * total as f64) as u64;
    let is_past = |place: &usize| {
        let weight = weight(*place);
        let is_here = target < weight;
        target = target.saturating_sub(weight);
        is_here
    };
    tied().find(is_past).unwrap_or(first)
}

#[cfg(test)]
mod tests;
