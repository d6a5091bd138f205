//! Strategies that instances tell about themselves.

use crate::scenario::registry::Phase;
use crate::time::SimDuration;

/// A strategy that learns from probes, reports or notices of instances.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedbackConfig {
    /// Weights from load reports (gRPC).
    GrpcWeightedRoundRobin(GrpcWeightedRoundRobinConfig),
    /// Probes of load, asked for ahead of time.
    Prequal(PrequalConfig),
    /// Rank from response times, service times and queues that replies tell of.
    C3(C3Config),
    /// Instances that have nothing to do say so.
    JoinIdleQueue,
    /// The truly shortest queue: a bound.
    ShortestQueueGlobal,
}

/// Weights from load reports (gRFC A58).
#[derive(Clone, Debug, PartialEq)]
pub struct GrpcWeightedRoundRobinConfig {
    /// How long reports must have come before their weight is used.
    pub blackout: SimDuration,
    /// Age at which the weight of the last report is dropped.
    pub expiration: SimDuration,
    /// From one scheduler to the next.
    pub update_interval: SimDuration,
    /// Where in that interval each calling side starts.
    pub phase: Phase,
    /// What an error ratio of one adds to the utilization.
    pub error_penalty: f64,
    /// From one report to the next where they do not come with replies.
    pub report_interval: Option<SimDuration>,
    /// Length of the windows over which instances measure their load.
    pub report_window: SimDuration,
}

/// Probes of load, asked for ahead of time (Prequal).
#[derive(Clone, Debug, PartialEq)]
pub struct PrequalConfig {
    /// Most answers in the pool.
    pub pool_size: u32,
    /// Answers without which a pick is random.
    pub pool_size_min: u32,
    /// Probes sent with each pick.
    pub probe_rate: f64,
    /// Answers removed with each pick.
    pub removal_rate: f64,
    /// Age at which an answer is dropped.
    pub probe_age_max: SimDuration,
    /// Instances with more in flight than this quantile of what was seen are hot.
    pub hot_quantile: f64,
    /// Slack in the reuse of answers.
    pub reuse_slack: f64,
    /// Answers from which the quantile is taken.
    pub seen_count: u32,
    /// Latencies that an instance remembers for its answers.
    pub latency_sample_count: u32,
}

/// Rank from response times, service times and queues (C3).
#[derive(Clone, Debug, PartialEq)]
pub struct C3Config {
    /// Weight of the newest value in moving averages.
    pub ewma_weight: f64,
    /// Calling sides that share the instances. None: those of the call.
    pub client_count: Option<u32>,
    /// Exponent of the queue.
    pub queue_exponent: u32,
}

impl FeedbackConfig {
    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            FeedbackConfig::GrpcWeightedRoundRobin(_) => "grpc_weighted_round_robin",
            FeedbackConfig::Prequal(_) => "prequal",
            FeedbackConfig::C3(_) => "c3",
            FeedbackConfig::JoinIdleQueue => "join_idle_queue",
            FeedbackConfig::ShortestQueueGlobal => "shortest_queue_global",
        }
    }

    /// Bytes of all calling sides of a call.
    pub fn memory_bytes(&self, callers: f64, instances: f64) -> f64 {
        let each = match self {
            FeedbackConfig::GrpcWeightedRoundRobin(_) => 56.0 * instances,
            FeedbackConfig::Prequal(config) => {
                let of_instances = 24.0 * f64::from(config.latency_sample_count) * instances;
                let of_caller = 48.0 * f64::from(config.pool_size.min(1 << 16))
                    + 8.0 * f64::from(config.seen_count);
                return of_instances + of_caller * callers;
            }
            FeedbackConfig::C3(_) => 40.0 * instances,
            // A notice may go to any calling side, and stay there.
            FeedbackConfig::JoinIdleQueue => 64.0 * instances,
            FeedbackConfig::ShortestQueueGlobal => 0.0,
        };
        each * callers
    }

    /// Events of messages that come with each attempt.
    pub fn events_per_attempt(&self) -> f64 {
        match self {
            FeedbackConfig::Prequal(config) => 2.0 * config.probe_rate,
            FeedbackConfig::JoinIdleQueue => 1.0,
            FeedbackConfig::GrpcWeightedRoundRobin(_)
            | FeedbackConfig::C3(_)
            | FeedbackConfig::ShortestQueueGlobal => 0.0,
        }
    }

    /// Events per second of timers and reports, for all calling sides of a call.
    pub fn event_rate(&self, callers: f64, instances: f64) -> f64 {
        match self {
            FeedbackConfig::GrpcWeightedRoundRobin(config) => {
                let reports = config
                    .report_interval
                    .map_or(0.0, |interval| 2.0 * instances / interval.as_secs_f64());
                callers * (1.0 / config.update_interval.as_secs_f64() + reports)
            }
            FeedbackConfig::Prequal(_)
            | FeedbackConfig::C3(_)
            | FeedbackConfig::JoinIdleQueue
            | FeedbackConfig::ShortestQueueGlobal => 0.0,
        }
    }
}
