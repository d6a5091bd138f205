//! Strategies that look at the load that a caller knows of.

use super::weighted::{DubboWeight, HAPROXY_WEIGHTS, NGINX_WEIGHTS, NginxFailures};
use crate::time::SimDuration;

/// A strategy that looks at load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadConfig {
    /// `least_conn` of nginx.
    NginxLeastConn(NginxFailures),
    /// `random two least_conn` of nginx.
    NginxRandomTwo(NginxFailures),
    /// `balance leastconn` of HAProxy.
    HaproxyLeastConn,
    /// `balance random` of HAProxy.
    HaproxyRandom {
        /// How many candidates are drawn.
        draw_count: u32,
    },
    /// `LEAST_REQUEST` of Envoy.
    EnvoyLeastRequest {
        /// How many candidates are drawn where all weights are equal.
        choice_count: u32,
        /// Power of the requests in flight by which weights fall where they are not.
        active_request_bias: f64,
    },
    /// `RANDOM` of Envoy.
    EnvoyRandom,
    /// Peak EWMA of Finagle and tower.
    PeakEwma {
        /// How fast a peak is forgotten.
        decay: SimDuration,
        /// Cost of an instance that was never measured; None: the penalty of Finagle.
        default_rtt: Option<SimDuration>,
        /// Whether all candidates are looked at, and not two of them.
        full_scan: bool,
    },
    /// Least loaded of two, after Finagle.
    LeastLoaded,
    /// `leastactive` of Dubbo.
    DubboLeastActive {
        /// Weights among ties.
        weight: DubboWeight,
        /// Whether Dubbo counts what is in flight (`actives` is set).
        has_actives: bool,
    },
    /// `shortestresponse` of Dubbo.
    DubboShortestResponse {
        /// Weights among ties.
        weight: DubboWeight,
        /// After how long the averages begin anew.
        window: SimDuration,
    },
    /// `adaptive` of Dubbo.
    DubboAdaptive {
        /// Weights.
        weight: DubboWeight,
        /// Timeout of a call, by which the rule measures how old a measurement is.
        timeout: SimDuration,
        /// CPU load of all providers; None: as they report it.
        cpu_load: Option<f64>,
    },
    /// `la` of brpc.
    BrpcLocalityAware {
        /// Timeout of a request, which errors are punished with.
        timeout: SimDuration,
        /// Retries of a request.
        max_retry: u32,
    },
}

impl LoadConfig {
    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            LoadConfig::NginxLeastConn(_) => "nginx_least_conn",
            LoadConfig::NginxRandomTwo(_) => "nginx_random_two",
            LoadConfig::HaproxyLeastConn => "haproxy_least_conn",
            LoadConfig::HaproxyRandom { .. } => "haproxy_random",
            LoadConfig::EnvoyLeastRequest { .. } => "envoy_least_request",
            LoadConfig::EnvoyRandom => "envoy_random",
            LoadConfig::PeakEwma { .. } => "peak_ewma",
            LoadConfig::LeastLoaded => "least_loaded",
            LoadConfig::DubboLeastActive { .. } => "dubbo_least_active",
            LoadConfig::DubboShortestResponse { .. } => "dubbo_shortest_response",
            LoadConfig::DubboAdaptive { .. } => "dubbo_adaptive",
            LoadConfig::BrpcLocalityAware { .. } => "brpc_locality_aware",
        }
    }

    /// The system whose weights are whole numbers, and the largest of them; None where any weight
    /// will do.
    pub fn whole_weights(&self) -> Option<(&'static str, u32)> {
        match self {
            LoadConfig::NginxLeastConn(_) | LoadConfig::NginxRandomTwo(_) => Some(NGINX_WEIGHTS),
            LoadConfig::HaproxyLeastConn | LoadConfig::HaproxyRandom { .. } => {
                Some(HAPROXY_WEIGHTS)
            }
            LoadConfig::EnvoyLeastRequest { .. }
            | LoadConfig::EnvoyRandom
            | LoadConfig::PeakEwma { .. }
            | LoadConfig::LeastLoaded
            | LoadConfig::DubboLeastActive { .. }
            | LoadConfig::DubboShortestResponse { .. }
            | LoadConfig::DubboAdaptive { .. }
            | LoadConfig::BrpcLocalityAware { .. } => None,
        }
    }

    /// Bytes of `callers` balancers in front of `instances` instances, and of what they share.
    pub fn bytes(&self, callers: f64, instances: f64) -> f64 {
        let per_pair = match self {
            LoadConfig::EnvoyRandom | LoadConfig::LeastLoaded => 0.0,
            // A shared ring of 16 points for each, where weights are 1.
            LoadConfig::HaproxyRandom { .. } => return 16.0 * 16.0 * instances,
            LoadConfig::DubboLeastActive { .. } => 0.0,
            LoadConfig::NginxLeastConn(_) | LoadConfig::NginxRandomTwo(_) => 16.0,
            LoadConfig::EnvoyLeastRequest { .. } => 24.0,
            LoadConfig::PeakEwma { .. } => 48.0,
            LoadConfig::HaproxyLeastConn | LoadConfig::DubboShortestResponse { .. } => 64.0,
            LoadConfig::DubboAdaptive { .. } => 128.0,
            // The last 128 times and latencies of each instance.
            LoadConfig::BrpcLocalityAware { .. } => 2_200.0,
        };
        16.0 * instances + per_pair * callers * instances
    }
}
