//! Strategies that pick by weight and know nothing of load.

pub mod alias;
pub mod classes;
pub(super) mod draw;
mod dubbo_random;
mod dubbo_round_robin;
pub mod dubbo_weight;
pub mod edf;
pub mod effective;
mod envoy_round_robin;
pub mod first_seen;
mod haproxy_round_robin;
mod haproxy_static_rr;
mod lvs_round_robin;
mod naive_weighted_random;
mod nginx_round_robin;
mod ranking;
pub mod smooth;
pub mod smooth_view;
pub mod tables;

pub use envoy_round_robin::{has_equal_weights, seeded_schedule};

use super::Balancer;
use crate::scenario::balancer::weighted::WeightedConfig;

/// The behaviour of a strategy of this family.
pub fn build(config: &WeightedConfig) -> Box<dyn Balancer> {
    match *config {
        WeightedConfig::NginxRoundRobin(failures) => {
            Box::new(nginx_round_robin::NginxRoundRobin::new(failures))
        }
        WeightedConfig::Edf { is_exact } => Box::new(edf::Edf::new(is_exact)),
        WeightedConfig::EnvoyRoundRobin => Box::<envoy_round_robin::EnvoyRoundRobin>::default(),
        WeightedConfig::HaproxyRoundRobin => {
            Box::<haproxy_round_robin::HaproxyRoundRobin>::default()
        }
        WeightedConfig::HaproxyStaticRr => Box::<haproxy_static_rr::HaproxyStaticRr>::default(),
        WeightedConfig::LvsRoundRobin => Box::<lvs_round_robin::LvsRoundRobin>::default(),
        WeightedConfig::DubboRoundRobin(weight) => {
            Box::new(dubbo_round_robin::DubboRoundRobin::new(weight))
        }
        WeightedConfig::DubboRandom(weight) => Box::new(dubbo_random::DubboRandom::new(weight)),
        WeightedConfig::NaiveWeightedRandom => {
            Box::<naive_weighted_random::NaiveWeightedRandom>::default()
        }
    }
}

#[cfg(test)]
mod draw_tests;
#[cfg(test)]
mod tests;
