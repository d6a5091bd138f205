//! What a scenario may say about clients and their calls.

use std::sync::Arc;

use super::attempts::{AttemptsConfig, ClusterMode};
use super::balancer::BalancerConfig;
use super::cache::CallCacheConfig;
use super::connection::ConnectionConfig;
use super::detector::DetectorConfig;
use super::distribution::Distribution;
use super::flow::CallFlow;
use super::proxy::ForwardConfig;
use super::registry::ClockConfig;
use super::resilience::{ResilienceConfig, RetryOn};
use crate::id::{ClientId, EdgeId, ServiceId, ZoneId};
use crate::time::{SimDuration, SimTime};

/// `[client.shop]`: a named group of callers.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// The name; its path is `client.NAME`, its callers' `client.NAME/0` and so on.
    pub name: String,
    /// How many callers, each with its own balancer and view.
    pub count: u32,
    /// Caller `i` is in `zones[i % zones.len()]`.
    pub zones: Vec<ZoneId>,
    /// When requests arrive.
    pub workload: Workload,
    /// Which keys they carry.
    pub keys: KeyConfig,
    /// What happens to arrivals of a caller that is down.
    pub when_caller_down: WhenCallerDown,
    /// The calls that every request makes, one after the other.
    pub calls: Vec<EdgeId>,
    /// The clock of these nodes.
    pub clock: ClockConfig,
}

/// When requests arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Arrivals ignore completions. The process is that of the whole group; every arrival goes to
    /// a caller drawn uniformly by key.
    Open {
        /// The law of the arrivals.
        process: ArrivalProcess,
    },
    /// Every user sends, waits for the outcome, thinks, and sends again.
    Closed {
        /// Users of the whole group; user `i` belongs to caller `i % count`.
        user_count: u32,
        /// Law of the time between an outcome and the next request.
        think_time: Distribution,
    },
    /// Recorded arrivals; the n-th row goes to caller `n % count`.
    Trace(Arc<Trace>),
}

/// The law of open-loop arrivals; rates are per second and of the whole group.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrivalProcess {
    /// Evenly spaced.
    Constant { rate: f64 },
    /// Poisson.
    Poisson { rate: f64 },
    /// Independent gaps of any law.
    Renewal { gap: Distribution },
    /// Poisson whose rate is `burst_rate` for the first `burst_duration` of every `period` and
    /// `rate` for the rest.
    Bursts {
        rate: f64,
        burst_rate: f64,
        period: SimDuration,
        burst_duration: SimDuration,
    },
    /// Poisson whose rate moves linearly from `rate_from` to `rate_to` between `start_at` and
    /// `end_at` and is constant outside.
    Ramp {
        rate_from: f64,
        rate_to: f64,
        start_at: SimTime,
        end_at: SimTime,
    },
}

impl Workload {
    /// Requests that the scenario will see up to `duration`, on average; for closed loops an upper
    /// bound from the think time, None where there is none.
    pub fn expected_request_count(&self, duration: SimDuration) -> Option<f64> {
        let secs = duration.as_secs_f64();
        match self {
            Workload::Open { process } => Some(process.mean_rate(duration) * secs),
            Workload::Closed {
                user_count,
                think_time,
            } => {
                let think_secs = think_time.mean_secs();
                (think_secs > 0.0).then(|| f64::from(*user_count) * (secs / think_secs + 1.0))
            }
            Workload::Trace(trace) => {
                let is_in_run = |row: &TraceRow| row.arrives_at.as_ns() < duration.as_ns();
                Some(trace.rows.partition_point(is_in_run) as f64)
            }
        }
    }
}

impl ArrivalProcess {
    /// Arrivals per second at the busiest time of the run, as the law has it.
    pub fn peak_rate(&self, duration: SimDuration) -> f64 {
        match self {
            ArrivalProcess::Constant { .. }
            | ArrivalProcess::Poisson { .. }
            | ArrivalProcess::Renewal { .. } => self.mean_rate(duration),
            ArrivalProcess::Bursts {
                rate, burst_rate, ..
            } => rate.max(*burst_rate),
            ArrivalProcess::Ramp {
                rate_from,
                rate_to,
                start_at,
                end_at,
            } => {
                let climb = (end_at.as_secs_f64() - start_at.as_secs_f64()).max(f64::MIN_POSITIVE);
                let part = (duration.as_secs_f64() - start_at.as_secs_f64()) / climb;
                rate_from.max(rate_from + (rate_to - rate_from) * part.clamp(0.0, 1.0))
            }
        }
    }

    /// Arrivals per second, averaged over the run.
    pub fn mean_rate(&self, duration: SimDuration) -> f64 {
        match self {
            ArrivalProcess::Constant { rate } | ArrivalProcess::Poisson { rate } => *rate,
            ArrivalProcess::Renewal { gap } => 1.0 / gap.mean_secs(),
            ArrivalProcess::Bursts {
                rate,
                burst_rate,
                period,
                burst_duration,
            } => {
                let burst_ratio = burst_duration.as_secs_f64() / period.as_secs_f64();
                rate + (burst_rate - rate) * burst_ratio
            }
            ArrivalProcess::Ramp {
                rate_from,
                rate_to,
                start_at,
                end_at,
            } => {
                let (total, start, end) = (
                    duration.as_secs_f64(),
                    start_at.as_secs_f64(),
                    end_at.as_secs_f64(),
                );
                let rate_at = |secs: f64| {
                    let position = ((secs - start) / (end - start)).clamp(0.0, 1.0);
                    rate_from + (rate_to - rate_from) * position
                };
                let (first, last) = (start.min(total), end.min(total));
                let area = rate_from * first
                    + (rate_at(first) + rate_at(last)) / 2.0 * (last - first)
                    + rate_to * (total - last);
                area / total
            }
        }
    }
}

/// A recorded workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// In order of arrival.
    pub rows: Vec<TraceRow>,
    /// Names of the classes that rows refer to.
    pub class_names: Vec<String>,
}

impl Trace {
    /// How many requests were recorded.
    ///
    /// # Panics
    ///
    /// If there are 2^32 or more.
    pub fn row_count(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("a trace has fewer than 2^32 rows")
    }
}

/// One recorded request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceRow {
    /// When it arrives.
    pub arrives_at: SimTime,
    /// Its service demand at the service of its first call, which may lie behind proxies; None
    /// draws it from the service's law.
    pub service_demand: Option<SimDuration>,
    /// Its key; None draws it from the client's law.
    pub key: Option<u64>,
    /// The place of its class among the names of the trace, plus one; 0 draws it by share.
    pub class: u8,
}

/// Which keys requests carry: numbers from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyConfig {
    /// All keys alike.
    Uniform { count: u32 },
    /// Key `i` in proportion to `1 / (i + 1)^exponent`.
    Zipf { count: u32, exponent: f64 },
    /// A share `hot_ratio` of the requests goes to the first `hot_count` keys, uniformly.
    HotSet {
        count: u32,
        hot_count: u32,
        hot_ratio: f64,
    },
}

impl KeyConfig {
    /// How many keys there are.
    pub fn count(&self) -> u32 {
        match self {
            KeyConfig::Uniform { count }
            | KeyConfig::Zipf { count, .. }
            | KeyConfig::HotSet { count, .. } => *count,
        }
    }
}

/// What happens to arrivals of a caller that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenCallerDown {
    /// They go to a caller that is up.
    Redistribute,
    /// They do not arrive.
    Lose,
    /// They arrive and fail.
    Fail,
}

/// Who owns a call edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeOwner {
    /// `client.NAME`: every caller of the group has a calling side.
    Client(ClientId),
    /// `service.NAME`: every instance of the service has a calling side.
    Service(ServiceId),
}

/// `[client.shop.call.web]` or `[service.api.call.db]`.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeConfig {
    /// Who calls.
    pub owner: EdgeOwner,
    /// The service that is called; its name is the last part of the path.
    pub to: ServiceId,
    /// `client.shop.call.web`.
    pub path: String,
    /// How an instance is picked.
    pub balancer: BalancerConfig,
    /// How long one attempt may take. None: as long as the deadline.
    pub attempt_timeout: Option<SimDuration>,
    /// How long the call may take, all attempts included. None: for ever, or as long as the law in
    /// `attempts` says.
    pub deadline: Option<SimDuration>,
    /// What follows a failed attempt.
    pub retry: RetryConfig,
    /// Pings from this caller to every instance in its view.
    pub detector: Option<DetectorConfig>,
    /// How callers protect themselves and the service; None where nothing is asked for.
    pub resilience: Option<Box<ResilienceConfig>>,
    /// What a worker spends on a ping, where pings wait for a worker.
    pub ping_time: Option<Distribution>,
    /// How it takes part in the work of its owner.
    pub flow: CallFlow,
    /// What it does beyond one attempt after the other.
    pub attempts: Option<Box<AttemptsConfig>>,
    /// The connections that attempts travel on. None: every attempt travels on its own.
    pub connection: Option<ConnectionConfig>,
    /// Good replies that are kept.
    pub cache: Option<CallCacheConfig>,
    /// How a proxy forwards; None for calls that are none of a proxy.
    pub forward: Option<Box<ForwardConfig>>,
}

impl EdgeConfig {
    /// Whether an attempt goes to every candidate, so that nothing is picked.
    #[inline]
    pub fn is_broadcast(&self) -> bool {
        let mode = self.attempts.as_ref().map(|attempts| attempts.cluster);
        matches!(mode, Some(ClusterMode::Broadcast { .. }))
    }

    /// Whether each first attempt goes to an instance that is drawn for itself from all candidates.
    pub fn picks_independently(&self) -> bool {
        let leaves_out = |resilience: &ResilienceConfig| {
            resilience.breaker.is_some() || resilience.instance_limit.is_some()
        };
        self.balancer.is_independent()
            && !self.is_broadcast()
            && !self.resilience.as_deref().is_some_and(leaves_out)
    }

    /// Whether the attempts that follow the first one avoid the instances that were tried.
    pub fn avoids_tried(&self) -> bool {
        let attempts = self.attempts.as_ref();
        self.retry.failover || attempts.is_some_and(|it| it.has_several_in_flight())
    }

    /// Whether ejections are all that it has to detect failures by.
    pub fn detects_passively(&self) -> bool {
        let ejects = match &self.balancer {
            BalancerConfig::Composed(composed) => composed.ejection.is_some(),
            _ => false,
        };
        ejects && self.detector.is_none()
    }

    /// Whether the states of its channels are: whoever reconnects by itself knows an instance that
    /// it is not connected to.
    pub fn watches_by_channel(&self) -> bool {
        let reconnects = self
            .connection
            .as_ref()
            .is_some_and(|it| it.reconnect.is_some());
        reconnects && self.detector.is_none() && !self.detects_passively()
    }

    /// Calling sides that each owner has: more than one where the workers of a proxy have their
    /// own.
    pub fn side_count(&self) -> u32 {
        self.forward
            .as_ref()
            .map_or(1, |forward| forward.side_count)
    }

    /// The law of the deadline where every request draws its own.
    pub fn deadline_law(&self) -> Option<&Distribution> {
        self.attempts.as_ref()?.deadline_law.as_ref()
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryConfig {
    /// Attempts per call, the first one included.
    pub attempt_count_max: u32,
    /// Wait before the first retry, before jitter.
    pub backoff_min: SimDuration,
    /// Longest wait.
    pub backoff_max: SimDuration,
    /// Growth of the wait from retry to retry.
    pub backoff_factor: f64,
    /// The random part of the wait.
    pub jitter: Jitter,
    /// Whether a retry avoids instances that the call already tried.
    pub failover: bool,
    /// Ends of an attempt that are retried.
    pub on: RetryOn,
}

/// The random part of a back-off `b` (names after "Exponential Backoff and Jitter", AWS
/// Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Waits `b`.
    None,
    /// Uniform on `[0, b]`.
    Full,
    /// `b / 2` plus uniform on `[0, b / 2]`.
    Equal,
    /// Uniform on `[min, 3 x the wait before]`, at most `max`.
    Decorrelated,
    /// Uniform on `[0.8 b, 1.2 b]` (gRFC A6).
    Grpc,
    /// Uniform on `[0, (2^k - 1) min)`, at most `max`, before the `k`-th retry (Envoy).
    Envoy,
    /// `2^(k - 1) min` plus uniform on `[0, the same]`, at most `max` (Finagle's equal jitter).
    FinagleEqual,
}
