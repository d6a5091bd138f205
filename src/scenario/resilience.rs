//! What a scenario may say about how a caller, or an instance, protects itself and others.

use crate::time::SimDuration;

/// What a calling side does besides picking and retrying. Every caller has its own state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResilienceConfig {
    /// How many retries there may be, over all calls of the caller.
    pub budget: Option<BudgetConfig>,
    /// When attempts are not sent because others failed.
    pub breaker: Option<BreakerConfig>,
    /// How many attempts may be under way.
    pub bulkhead: Option<BulkheadConfig>,
    /// When attempts are not sent because the service turned others away.
    pub throttle: Option<ThrottleConfig>,
    /// How many attempts may be under way, found out by itself.
    pub limit: Option<LimitConfig>,
    /// How many attempts may be under way at one instance.
    pub instance_limit: Option<InstanceLimit>,
    /// A retry begins no later than this after its request came. None: whenever.
    pub retry_within: Option<SimDuration>,
}

/// `maxconn` of HAProxy's servers, `max_conns` of nginx's: instances that have as many attempts of
/// a calling side are not picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceLimit {
    /// Attempts at one instance.
    pub attempt_count_max: u32,
    /// How long a request waits in line while all are full. Zero: it fails at once.
    pub wait_max: SimDuration,
}

impl ResilienceConfig {
    /// Whether attempts may wait in line for a place.
    pub fn has_line(&self) -> bool {
        let waits = |limit: InstanceLimit| !limit.wait_max.is_zero();
        self.bulkhead.is_some() || self.instance_limit.is_some_and(waits)
    }

    /// How long an attempt may wait in line.
    pub fn wait_max(&self) -> SimDuration {
        let of_limit = self.instance_limit.map(|limit| limit.wait_max);
        let of_bulkhead = self.bulkhead.map(|bulkhead| bulkhead.wait_max);
        of_bulkhead.or(of_limit).unwrap_or_default()
    }

    /// Whether anything is asked for.
    pub fn is_used(&self) -> bool {
        self != &ResilienceConfig::default()
    }
}

/// Ends of an attempt that a call may retry, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOn(pub u8);

impl RetryOn {
    /// Nobody listens.
    pub const REFUSED: RetryOn = RetryOn(1);
    /// No connection within its timeout.
    pub const CONNECT_TIMEOUT: RetryOn = RetryOn(2);
    /// The connection broke before the request was sent.
    pub const RESET_UNSENT: RetryOn = RetryOn(4);
    /// The connection broke after the request was sent.
    pub const RESET_SENT: RetryOn = RetryOn(8);
    /// No reply within the timeout.
    pub const TIMEOUT: RetryOn = RetryOn(16);
    /// Turned away by the instance, or by the caller itself.
    pub const REJECTED: RetryOn = RetryOn(32);
    /// An error reply.
    pub const ERROR: RetryOn = RetryOn(64);
    /// All of them.
    pub const ALL: RetryOn = RetryOn(127);

    /// The words of a scenario.
    pub const WORDS: [(&'static str, RetryOn); 7] = [
        ("refused", RetryOn::REFUSED),
        ("connect_timeout", RetryOn::CONNECT_TIMEOUT),
        ("reset_unsent", RetryOn::RESET_UNSENT),
        ("reset_sent", RetryOn::RESET_SENT),
        ("timeout", RetryOn::TIMEOUT),
        ("rejected", RetryOn::REJECTED),
        ("error", RetryOn::ERROR),
    ];

    /// Whether the set has this end.
    pub fn has(self, end: RetryOn) -> bool {
        self.0 & end.0 != 0
    }
}

/// `retry.budget`: how many retries a caller may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetConfig {
    /// gRPC's retry throttling (gRFC A6).
    Grpc { tokens_max: f64, token_ratio: f64 },
    /// Finagle's, Tower's and linkerd's retry budget.
    Finagle {
        ratio: f64,
        min_rate: f64,
        ttl: SimDuration,
    },
    /// Envoy's retry budget: of what is under way.
    Envoy { ratio: f64, concurrent_min: u32 },
    /// The ratio of the SRE book, chapter 21.
    Sre { ratio: f64, window: SimDuration },
}

/// `breaker`: when attempts are not sent because others failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BreakerConfig {
    /// Netflix Hystrix.
    Hystrix {
        per: BreakerPer,
        config: HystrixConfig,
    },
    /// resilience4j.
    Resilience4j {
        per: BreakerPer,
        config: Resilience4jConfig,
    },
    /// Envoy: limits of what is under way; no state.
    Envoy(EnvoyLimits),
}

impl BreakerConfig {
    /// What has a breaker of its own.
    pub fn per(&self) -> BreakerPer {
        match self {
            BreakerConfig::Hystrix { per, .. } | BreakerConfig::Resilience4j { per, .. } => *per,
            BreakerConfig::Envoy(_) => BreakerPer::Call,
        }
    }
}

/// What has a breaker of its own, at every caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerPer {
    /// The call: an open breaker sends nothing.
    Call,
    /// Every instance that is called: an open one is not picked.
    Instance,
}

/// Hystrix's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HystrixConfig {
    /// How far back it counts.
    pub window: SimDuration,
    /// Slices of the window.
    pub bucket_count: u32,
    /// How often it looks at the counts.
    pub snapshot_interval: SimDuration,
    /// Calls in the window below which it stays closed.
    pub call_count_min: u32,
    /// Share of failures from which it opens.
    pub failure_ratio: f64,
    /// How long it stays open before it lets one call probe.
    pub open_duration: SimDuration,
}

/// resilience4j's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resilience4jConfig {
    /// What it counts.
    pub window: WindowConfig,
    /// Calls in the window below which it stays closed.
    pub call_count_min: u32,
    /// Share of failures from which it opens.
    pub failure_ratio: f64,
    /// Share of slow calls from which it opens.
    pub slow_ratio: f64,
    /// A call that takes longer is slow.
    pub slow_duration: SimDuration,
    /// How long it stays open at least.
    pub open_duration: SimDuration,
    /// Calls that may probe.
    pub probe_count: u32,
}

/// What resilience4j counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WindowConfig {
    /// The last calls.
    Count(u32),
    /// The calls of the last whole seconds, the one that runs included.
    Time { second_count: u32 },
}

/// Envoy's limits; what is beyond fails at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnvoyLimits {
    /// Connections of a caller, where the call has some.
    pub connection_count_max: u32,
    /// Attempts under way.
    pub request_count_max: u32,
    /// Attempts that wait at the caller, for a connection or for a place in the bulkhead.
    pub pending_count_max: u32,
    /// Retries that wait or are under way.
    pub retry_count_max: u32,
}

impl EnvoyLimits {
    /// The limit of connections that holds unless a scenario says otherwise.
    pub const CONNECTION_COUNT_STANDARD: u32 = 1_024;
}

/// `bulkhead`: how many attempts of a caller may be under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BulkheadConfig {
    /// Attempts under way.
    pub concurrent_max: u32,
    /// How long others wait, in order of arrival.
    pub wait_max: SimDuration,
}

/// `throttle`: adaptive throttling of the SRE book, chapter 21.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleConfig {
    /// Requests that may be tried for each that is accepted.
    pub k: f64,
    /// How far back it counts.
    pub window: SimDuration,
}

/// `concurrency_limit`: attempts under way, adapted to what latency and drops say (Netflix
/// concurrency-limits).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitConfig {
    /// The rule.
    pub kind: LimitKind,
    /// The limit at the start.
    pub initial: u32,
    /// Smallest limit.
    pub min: u32,
    /// Largest limit.
    pub max: u32,
    /// Samples are put together for this long; zero takes them one by one.
    pub window: SimDuration,
    /// Fewest samples of a window.
    pub window_sample_count_min: u32,
}

/// The rule of a concurrency limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitKind {
    /// Additive increase, multiplicative decrease.
    Aimd {
        backoff_ratio: f64,
        timeout: SimDuration,
    },
    /// By an estimate of the queue, after TCP Vegas.
    Vegas {
        smoothing: f64,
        probe_multiplier: u32,
    },
    /// By the gradient of short against long latency.
    Gradient2 {
        smoothing: f64,
        tolerance: f64,
        queue: u32,
        long_window: u32,
    },
}
