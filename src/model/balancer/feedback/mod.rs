//! Strategies that instances tell about themselves: by probes, reports and notices.

mod c3;
mod grpc_weighted_round_robin;
mod join_idle_queue;
mod prequal;
mod prequal_pool;
mod shortest_queue_global;
mod static_stride;

use super::Balancer;
use crate::scenario::balancer::feedback::FeedbackConfig;

/// The behaviour of a strategy of this family.
pub fn build(config: &FeedbackConfig) -> Box<dyn Balancer> {
    match config {
        FeedbackConfig::GrpcWeightedRoundRobin(config) => Box::new(
            grpc_weighted_round_robin::GrpcWeightedRoundRobin::new(config.clone()),
        ),
        FeedbackConfig::Prequal(config) => Box::new(prequal::Prequal::new(config.clone())),
        FeedbackConfig::C3(config) => Box::new(c3::C3::new(config.clone())),
        FeedbackConfig::JoinIdleQueue => Box::new(join_idle_queue::JoinIdleQueue::default()),
        FeedbackConfig::ShortestQueueGlobal => {
            Box::new(shortest_queue_global::ShortestQueueGlobal::default())
        }
    }
}

#[cfg(test)]
mod tests;
