//! What supports the models of how callers, queues and deployments protect a service, where they
//! bear the name of a real system. Reports print it; the parameters and their defaults are those of
//! the schema.

use super::attempts::ClusterMode;
use super::balancer::wrappers::{EjectionConfig, SlowStartConfig};
use super::client::{EdgeConfig, Jitter};
use super::resilience::{BreakerConfig, BudgetConfig, LimitConfig, LimitKind};
use super::service::ServiceConfig;
use super::strategy_catalog::Evidence::{Published, Recorded, SourceReading};
use super::strategy_catalog::{Evidence, StrategyInfo};

/// What is said about a model in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// What it is called there.
    pub name: &'static str,
    /// Where the rule is from.
    pub source: &'static str,
    /// What shows that it behaves like that.
    pub evidence: Evidence,
}

impl From<&StrategyInfo> for ModelInfo {
    fn from(info: &StrategyInfo) -> Self {
        ModelInfo {
            name: info.name,
            source: info.source,
            evidence: info.evidence,
        }
    }
}

/// What unit tests check of a model whose source was read.
const BY_HAND: Evidence = SourceReading("state by state against sequences worked out by hand");

const fn model(name: &'static str, source: &'static str, evidence: Evidence) -> ModelInfo {
    ModelInfo {
        name,
        source,
        evidence,
    }
}

/// Everything of these that a call uses.
pub fn of_call(edge: &EdgeConfig) -> Vec<ModelInfo> {
    let mut models: Vec<ModelInfo> = jitter(edge.retry.jitter).into_iter().collect();
    if let Some(composed) = edge.balancer.composed() {
        models.extend(composed.slow_start.as_ref().map(slow_start));
        models.extend(composed.ejection.as_ref().map(ejection));
    }
    if let Some(config) = edge.resilience.as_deref() {
        models.extend(config.budget.as_ref().map(budget));
        models.extend(config.breaker.as_ref().map(breaker));
        models.extend(config.bulkhead.map(|_| BULKHEAD));
        models.extend(config.throttle.map(|_| THROTTLE));
        models.extend(config.limit.as_ref().map(limit));
        models.extend(config.instance_limit.map(|_| INSTANCE_LIMIT));
    }
    if let Some(config) = &edge.attempts {
        models.extend(config.hedge.map(|_| HEDGE));
        models.extend(cluster(config.cluster));
    }
    models
}

/// Everything of these that a service uses.
pub fn of_service(service: &ServiceConfig) -> Vec<ModelInfo> {
    let rules = service.queue_rules.as_ref();
    let is_adaptive = rules.is_some_and(|rules| rules.is_adaptive);
    let codel = rules.and_then(|rules| rules.codel).map(|_| CODEL);
    let scaling = service.autoscale.as_ref().map(|_| AUTOSCALE);
    let limit = service.limit.as_ref().map(limit);
    let adaptive = is_adaptive.then_some(ADAPTIVE_LIFO);
    [limit, adaptive, codel, scaling]
        .into_iter()
        .flatten()
        .collect()
}

/// A rolling restart that brings new instances.
pub const DEPLOYMENT: ModelInfo = model(
    "rolling_restart (Deployment)",
    "Kubernetes documentation, Deployments, Rolling Update Deployment",
    Published("maxSurge rounded up and maxUnavailable down: of 3, 4 and 10 instances at 25 %"),
);

const BULKHEAD: ModelInfo = model(
    "bulkhead",
    "resilience4j 2 SemaphoreBulkhead, with a line in order of arrival",
    BY_HAND,
);
const THROTTLE: ModelInfo = model(
    "throttle",
    "Site Reliability Engineering, chapter 21, adaptive throttling",
    Published("the chapter's formula: (1,000 requests, 100 accepts) at K = 2 -> 0.7992"),
);
const INSTANCE_LIMIT: ModelInfo = model(
    "instance_limit",
    "HAProxy maxconn of a server; nginx max_conns",
    SourceReading("their documentation; the line is HAProxy's"),
);
const HEDGE: ModelInfo = model(
    "hedge",
    "Dean and Barroso 2013; gRFC A6 (hedging); Finagle BackupRequestFilter",
    SourceReading("the delay lags as Finagle's does; its budget is a token bucket, not Finagle's"),
);
const CODEL: ModelInfo = model("codel", "folly and wangle, Codel.cpp", BY_HAND);
const ADAPTIVE_LIFO: ModelInfo = model("adaptive_lifo", "HHVM job-queue.h", BY_HAND);
const AUTOSCALE: ModelInfo = model(
    "autoscale",
    "Kubernetes documentation, Horizontal Pod Autoscaling, Algorithm details",
    Published("ceil(current x metric / target), 10 % tolerance, stabilization window"),
);

fn budget(config: &BudgetConfig) -> ModelInfo {
    let source = |name, text| model(name, text, BY_HAND);
    match config {
        BudgetConfig::Grpc { .. } => model(
            "retry.budget grpc",
            "gRFC A6 (retry throttling)",
            Published("A6: no retry after half the tokens failed, tokens to three decimals"),
        ),
        BudgetConfig::Finagle { .. } => source(
            "retry.budget finagle",
            "Finagle RetryBudget and TokenBucket; Tower and linkerd have the same",
        ),
        BudgetConfig::Envoy { .. } => source(
            "retry.budget envoy",
            "Envoy resource_manager_impl.h (retry budget)",
        ),
        BudgetConfig::Sre { .. } => source(
            "retry.budget sre",
            "Site Reliability Engineering, chapter 21, retry budget of a client",
        ),
    }
}

fn breaker(config: &BreakerConfig) -> ModelInfo {
    match config {
        BreakerConfig::Hystrix { .. } => model(
            "breaker hystrix",
            "Hystrix 1.5 HystrixCircuitBreaker and HealthCountsStream",
            BY_HAND,
        ),
        BreakerConfig::Resilience4j { .. } => model(
            "breaker resilience4j",
            "resilience4j 2 CircuitBreakerStateMachine",
            BY_HAND,
        ),
        BreakerConfig::Envoy(_) => model(
            "breaker envoy",
            "Envoy resource_manager_impl.h and conn_pool_base.cc",
            BY_HAND,
        ),
    }
}

fn limit(config: &LimitConfig) -> ModelInfo {
    match config.kind {
        LimitKind::Aimd { .. } => model(
            "concurrency_limit aimd",
            "Netflix concurrency-limits AIMDLimit, SimpleLimiter, WindowedLimit",
            BY_HAND,
        ),
        LimitKind::Vegas { .. } => model(
            "concurrency_limit vegas",
            "Netflix concurrency-limits VegasLimit, Log10RootIntFunction",
            BY_HAND,
        ),
        LimitKind::Gradient2 { .. } => model(
            "concurrency_limit gradient2",
            "Netflix concurrency-limits Gradient2Limit, ExpAvgMeasurement",
            BY_HAND,
        ),
    }
}

fn slow_start(config: &SlowStartConfig) -> ModelInfo {
    match config {
        SlowStartConfig::Envoy { .. } => model(
            "slow_start envoy",
            "Envoy load_balancer_impl.cc (applySlowStartFactor)",
            Published("window 60 s: after 6 s .10, after 30 s .5"),
        ),
        SlowStartConfig::Dubbo { .. } => model(
            "slow_start dubbo",
            "Dubbo AbstractLoadBalance",
            Published("60 s of a warm-up of 10 min: weight 10"),
        ),
        SlowStartConfig::Haproxy { .. } => model(
            "slow_start haproxy",
            "HAProxy server_recalc_eweight",
            SourceReading("sixteenths by whole seconds"),
        ),
    }
}

fn ejection(config: &EjectionConfig) -> ModelInfo {
    match config {
        EjectionConfig::EnvoyOutlier(_) => model(
            "ejection envoy_outlier",
            "Envoy 1.39 outlier_detection_impl.cc",
            Recorded("Envoy 1.39.3, envoy-outlier-health"),
        ),
        EjectionConfig::GrpcOutlier(_) => model(
            "ejection grpc_outlier",
            "gRFC A50; grpc-go balancer/outlierdetection",
            BY_HAND,
        ),
        EjectionConfig::NginxMaxFails(_) => model(
            "ejection nginx_max_fails",
            "nginx ngx_http_upstream_round_robin.c",
            Recorded("nginx 1.22.1, nginx-fail-refused and nginx-fail-blackhole"),
        ),
        EjectionConfig::FinagleAccrual(_) => model(
            "ejection finagle_accrual",
            "Finagle FailureAccrualFactory and FailureAccrualPolicy (2024)",
            BY_HAND,
        ),
    }
}

/// Waits before a retry; None of those that are no system's.
fn jitter(jitter: Jitter) -> Option<ModelInfo> {
    let (name, source) = match jitter {
        Jitter::None | Jitter::Full | Jitter::Equal | Jitter::Decorrelated => return None,
        Jitter::Grpc => ("retry.backoff grpc", "gRFC A6: 0.8 to 1.2 times the wait"),
        Jitter::Envoy => (
            "retry.backoff envoy",
            "Envoy JitteredExponentialBackOffStrategy",
        ),
        Jitter::FinagleEqual => (
            "retry.backoff finagle_equal",
            "Finagle Backoff.equalJittered",
        ),
    };
    Some(model(name, source, BY_HAND))
}

/// Dubbo's ways of a call; None of the plain one.
fn cluster(mode: ClusterMode) -> Option<ModelInfo> {
    let name = match mode {
        ClusterMode::Failover => return None,
        ClusterMode::Failfast => "cluster failfast",
        ClusterMode::Failsafe => "cluster failsafe",
        ClusterMode::Failback { .. } => "cluster failback",
        ClusterMode::Forking { .. } => "cluster forking",
        ClusterMode::Broadcast { .. } => "cluster broadcast",
    };
    Some(model(
        name,
        "Apache Dubbo, fault tolerance of clusters",
        BY_HAND,
    ))
}
