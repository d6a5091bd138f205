//! The definitions of the measures (design section 8 in one table).

use super::super::measure::{Measure, Unit};
use super::family::*;
use super::flow::FLOW_MEASURES;
use super::member::MEMBER_MEASURES;
use super::placement::PLACEMENT_MEASURES;
use super::returns::RETURN_MEASURES;
use super::rollout::ROLLOUT_MEASURES;
use super::{MeasureInfo, Statistics};

/// All measures.
pub const MEASURES: &[MeasureInfo] = &[
    ratio(
        Measure::SuccessRatio,
        "success_ratio",
        "Requests that succeeded within their deadline / requests that arrived.",
    ),
    ratio(
        Measure::FailureRatio,
        "failure_ratio",
        "Requests that failed (error replies, refused or reset connections, no candidate) / \
         requests that arrived.",
    ),
    ratio(
        Measure::TimeoutRatio,
        "timeout_ratio",
        "Requests whose deadline or last attempt timed out / requests that arrived.",
    ),
    ratio(
        Measure::RejectedRatio,
        "rejected_ratio",
        "Requests whose last attempt was turned away / requests that arrived: by a full queue or \
         a limit of the server, or by the caller itself (breaker, bulkhead, throttle).",
    ),
    rate(
        Measure::RequestRate,
        "request_rate",
        REQUEST,
        "Requests that arrived per second.",
    ),
    rate(
        Measure::Goodput,
        "goodput",
        REQUEST,
        "Requests that succeeded within their deadline, per second; a request belongs to the \
         window of its arrival.",
    ),
    rate(
        Measure::Throughput,
        "throughput",
        WORK,
        "Attempts that instances completed per second, useful or not.",
    ),
    ratio(
        Measure::WindowAvailability,
        "window_availability",
        "Share of windows with arrivals whose success ratio is at least the availability \
         objective of the scenario.",
    ),
    times(
        Measure::Latency,
        "latency",
        REQUEST,
        "Intended arrival of a request at its caller to its outcome, all attempts and all waiting \
         included, of successful requests only. Percentiles are withheld where fewer than 10 \
         samples lie above them.",
    ),
    times(
        Measure::LatencyOrFail,
        "latency_or_fail",
        REQUEST,
        "Latency of all requests, where every outcome but success counts as infinite.",
    ),
    times(
        Measure::LatencyAll,
        "latency_all",
        REQUEST,
        "Latency of all requests, whatever their outcome.",
    ),
    number(
        Measure::Amplification,
        "amplification",
        REQUEST,
        "Attempts sent / calls that began; a request calls next when the call before succeeds.",
    ),
    beyond_one(ratio(
        Measure::RetryRatio,
        "retry_ratio",
        "Calls whose second attempt was sent / calls that began.",
    )),
    MeasureInfo {
        scopes: CALL_CLASS,
        ..ratio(
            Measure::WastedAttemptRatio,
            "wasted_attempt_ratio",
            "Attempts sent to an instance that was down or had left / attempts.",
        )
    },
    times(
        Measure::WaitingTime,
        "waiting_time",
        WORK,
        "Arrival of an attempt in an instance's queue to the start of its service.",
    ),
    MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::WaitRatio,
            "wait_ratio",
            "Attempts that had to wait for a worker / attempts that were served.",
        )
    },
    times(
        Measure::SojournTime,
        "sojourn_time",
        WORK,
        "Waiting time + service time at one instance.",
    ),
    times(
        Measure::ServiceTime,
        "service_time",
        WORK,
        "Start of the service of an attempt to the end of its work: service demand / speed, longer \
         where attempts share workers (`discipline = \"ps\"`) or cores, and by pauses and calls \
         that keep the worker.",
    ),
    number(
        Measure::InSystem,
        "in_system",
        WORK,
        "Attempts waiting or in service, averaged over time, summed over the instances in scope. \
         By Little's law it is throughput x mean sojourn time (Little 1961).",
    ),
    MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::Utilization,
            "utilization",
            "Busy worker time / worker time. Of a class: time that workers were busy with it / all \
             worker time; attempts that share workers have equal parts of the busy ones.",
        )
    },
    MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::ZombieRatio,
            "zombie_ratio",
            "Served attempts whose caller had given up before / served attempts.",
        )
    },
    of_fault(times(
        Measure::DetectionTime,
        "detection_time",
        DETECTOR,
        "Crash of an instance, or loss of its host, to the detector's final suspicion (T_D of \
         Chen, Toueg and Aguilera 2002). Never detected counts as infinite. Only instances that \
         went down count: not those that left on purpose, nor slow ones that were ejected.",
    )),
    of_fault(times(
        Measure::DetectionTimeFirst,
        "detection_time_first",
        DETECTOR,
        "The same for the first of those who watch an instance, one value for every crash.",
    )),
    of_fault(times(
        Measure::DetectionTimeMedian,
        "detection_time_median",
        DETECTOR,
        "The same for the one in the middle of those who watch an instance, the lower one of two; \
         one value for every crash.",
    )),
    of_fault(times(
        Measure::DetectionTimeLast,
        "detection_time_last",
        DETECTOR,
        "The same for the last of those who watch an instance, one value for every crash. Of a \
         cluster only members count that are there themselves.",
    )),
    of_fault(times(
        Measure::ExclusionTime,
        "exclusion_time",
        DETECTOR,
        "From when an instance went down, or left because of a fault, to its final exclusion by a \
         caller that had it as a candidate then. Never excluded counts as infinite. Only such \
         instances count: the ejection of a slow one is not among them.",
    )),
    of_fault(number(
        Measure::UndetectedCount,
        "undetected_count",
        DETECTOR,
        "Pairs of a detector and an instance that the fault hit and that the detector never \
         suspected for good.",
    )),
    number(
        Measure::MistakeCount,
        "mistake_count",
        DETECTOR,
        "Suspicions of instances that were up.",
    ),
    rate(
        Measure::MistakeRate,
        "mistake_rate",
        DETECTOR,
        "Mistakes per second of observed time, per pair of detector and instance (lambda_M of \
         Chen, Toueg and Aguilera 2002).",
    ),
    times(
        Measure::MistakeDuration,
        "mistake_duration",
        DETECTOR,
        "Start of a mistake to its withdrawal (T_M of Chen, Toueg and Aguilera 2002).",
    ),
    times(
        Measure::MistakeRecurrence,
        "mistake_recurrence",
        DETECTOR,
        "Start of a mistake to the start of the next one of the same pair (T_MR of Chen, Toueg \
         and Aguilera 2002).",
    ),
    MeasureInfo {
        scopes: DETECTOR,
        ..ratio(
            Measure::QueryAccuracy,
            "query_accuracy",
            "Probability that a detector is right about an instance that is up, at a random \
             instant (P_A of Chen, Toueg and Aguilera 2002).",
        )
    },
    rate(
        Measure::ControlMessageRate,
        "control_message_rate",
        &["service"],
        "Heartbeats, pings, ACKs, notifications and polls per second.",
    ),
    rate(
        Measure::ControlByteRate,
        "control_byte_rate",
        &["service"],
        "Bytes of control messages per second.",
    ),
    MEMBER_MEASURES[0],
    MEMBER_MEASURES[1],
    RETURN_MEASURES[0],
    RETURN_MEASURES[1],
    PLACEMENT_MEASURES[0],
    PLACEMENT_MEASURES[1],
    PLACEMENT_MEASURES[2],
    PLACEMENT_MEASURES[3],
    PLACEMENT_MEASURES[4],
    PLACEMENT_MEASURES[5],
    PLACEMENT_MEASURES[6],
    PLACEMENT_MEASURES[7],
    PLACEMENT_MEASURES[8],
    PLACEMENT_MEASURES[9],
    PLACEMENT_MEASURES[10],
    PLACEMENT_MEASURES[11],
    PLACEMENT_MEASURES[12],
    ROLLOUT_MEASURES[0],
    ROLLOUT_MEASURES[1],
    ROLLOUT_MEASURES[2],
    ROLLOUT_MEASURES[3],
    ROLLOUT_MEASURES[4],
    ROLLOUT_MEASURES[5],
    balance(
        Measure::InFlightBalance,
        "in_flight_balance",
        WORK,
        "Attempts in flight per instance, averaged over time.",
    ),
    balance(
        Measure::QueueDepthBalance,
        "queue_depth_balance",
        WORK,
        "Attempts at an instance that no worker serves, per instance, averaged over time.",
    ),
    balance(
        Measure::UtilizationBalance,
        "utilization_balance",
        WORK,
        "Utilization per instance.",
    ),
    rate(
        Measure::ByteRate,
        "byte_rate",
        &["client", "call", "service", "class"],
        "Bytes of requests and good replies sent per second, retransmissions not counted; messages \
         of classes without a size have none.",
    ),
    FLOW_MEASURES[0],
    FLOW_MEASURES[1],
    FLOW_MEASURES[2],
    FLOW_MEASURES[3],
    FLOW_MEASURES[4],
    FLOW_MEASURES[5],
    FLOW_MEASURES[6],
    FLOW_MEASURES[7],
    beyond_one(MeasureInfo {
        scopes: CALL_CLASS,
        ..ratio(
            Measure::HedgeRatio,
            "hedge_ratio",
            "Attempts sent while others of their call were in flight (by `hedge`, `forking` or \
             `broadcast`; they are no retries) / first attempts of calls.",
        )
    }),
    beyond_one(MeasureInfo {
        scopes: CALL_CLASS,
        ..ratio(
            Measure::FailsafeRatio,
            "failsafe_ratio",
            "Calls that failed and ended with a fallback, as a success (`failsafe`, `failback`) / \
             first attempts of calls.",
        )
    }),
    beyond_one(MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::DroppedRatio,
            "dropped_ratio",
            "Attempts that a worker took up and dropped, after their deadline or by controlled \
              delay / attempts that arrived and were not rejected.",
        )
    }),
    beyond_one(MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::CancelledRatio,
            "cancelled_ratio",
            "Attempts that their caller took back while they waited or ran / attempts that \
             arrived and were not rejected.",
        )
    }),
    MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::ZombieTimeRatio,
            "zombie_time_ratio",
            "Time in service after the caller had given up / time in service, of work that ended.",
        )
    },
    by_call_and_class(
        Measure::LocalRejectionRatio,
        "local_rejection_ratio",
        "Attempts that callers turned away themselves, by breaker, bulkhead, throttle or \
         concurrency limit / attempts sent or turned away so.",
    ),
    by_call_and_class(
        Measure::BreakerRejectionRatio,
        "breaker_rejection_ratio",
        "Attempts that an open breaker or a limit of Envoy's form turned away / attempts sent or \
         turned away by callers.",
    ),
    by_call_and_class(
        Measure::BulkheadRejectionRatio,
        "bulkhead_rejection_ratio",
        "Attempts without a place in the bulkhead / attempts sent or turned away by callers.",
    ),
    by_call_and_class(
        Measure::ThrottleRejectionRatio,
        "throttle_rejection_ratio",
        "Attempts that adaptive throttling turned away / attempts sent or turned away by callers.",
    ),
    by_call_and_class(
        Measure::LimitRejectionRatio,
        "limit_rejection_ratio",
        "Attempts above the caller's concurrency limit / attempts sent or turned away by callers.",
    ),
    by_call_and_class(
        Measure::RetryBudgetExhaustedRatio,
        "retry_budget_exhausted_ratio",
        "Retries that a budget or Envoy's limit of retries did not allow / retries wanted: failed \
         attempts that the policy would try again.",
    ),
    by_call(
        Measure::BreakerOpenRatio,
        "breaker_open_ratio",
        "Time that breakers were open, half-open not included / time, over all callers, and over \
         all pairs of caller and instance where every instance has one. A breaker whose state is \
         due to change while nobody calls changes with the next call.",
    ),
    number(
        Measure::ConcurrencyLimit,
        "concurrency_limit",
        LIMIT,
        "Concurrency limit, averaged over time and over the callers or, of a service, the \
         instances that have one.",
    ),
    beyond_one(MeasureInfo {
        scopes: WORK,
        ..ratio(
            Measure::CpuUtilization,
            "cpu_utilization",
            "CPU time used / CPU time available: cores, or the quota where that is less, x time \
             up. Of a class: CPU time of its attempts, which share the cores in use in equal parts \
             / all that is available; a handshake belongs to the first attempt on its connection.",
        )
    }),
    MeasureInfo {
        scopes: SERVER,
        ..ratio(
            Measure::ThrottledRatio,
            "throttled_ratio",
            "Time in which work stood still because the CPU quota was used up / time up.",
        )
    },
    MeasureInfo {
        scopes: SERVER,
        ..ratio(
            Measure::PauseRatio,
            "pause_ratio",
            "Time paused, by itself or by a fault / time up.",
        )
    },
    MeasureInfo {
        statistics: Statistics::Distribution,
        ..number(
            Measure::ConnectionsOpen,
            "connections_open",
            CONNECTED,
            "Connections that are open at their calling sides; each level counts for as long as it \
             lasts.",
        )
    },
    rate(
        Measure::HandshakeRate,
        "handshake_rate",
        CONNECTED_CLASS,
        "Connections that calling sides began to open, per second. Of a class: those that an \
         attempt of it needed; reconnections that no attempt waits for are of no class.",
    ),
    times(
        Measure::PoolWaitingTime,
        "pool_waiting_time",
        CONNECTED_CLASS,
        "From the sending of an attempt until its bytes leave on a connection: handshakes and \
         waiting for a free one. Attempts that never leave are not counted.",
    ),
    times(
        Measure::HalfOpenTime,
        "half_open_time",
        CONNECTED,
        "From the death of the process at the other end of a connection, or from its closing it, \
         of which nothing told the calling side in time, until that closes it too. A link that is \
         cut makes no half-open connection by itself: both ends have it (RFC 9293). One that is \
         still open at the end is not counted.",
    ),
    MeasureInfo {
        scopes: CACHE,
        ..ratio(
            Measure::CacheHitRatio,
            "cache_hit_ratio",
            "Questions to a cache that an entry answered, stale ones included / questions. Who \
             waits for a key that is being loaded counts as a miss. Entries are shared: a class \
             may hit what another one loaded.",
        )
    },
    MeasureInfo {
        scopes: CACHE,
        ..ratio(
            Measure::CacheStaleRatio,
            "cache_stale_ratio",
            "Questions to a cache that an entry past its life answered / questions.",
        )
    },
    MeasureInfo {
        statistics: Statistics::PerWindow,
        ..rate(
            Measure::CacheLoadRate,
            "cache_load_rate",
            CACHE,
            "Keys that somebody began to load into a cache, per second: the load that misses put \
             on the origin. Of a class: those that its requests missed or found past their life. \
             min and max: over the windows of the series.",
        )
    },
    number(
        Measure::CacheLoadPeak,
        "cache_load_peak",
        CACHE,
        "Largest load rate of a window of the series / mean load rate.",
    ),
    MeasureInfo {
        unit: Unit::Number,
        ..times(
            Measure::InstanceCount,
            "instance_count",
            &["service"],
            "Instances that are up, over time; without a service, those of the only one.",
        )
    },
];
