//! Every measure that an expectation may name, with its definition: the text of
//! `stormglass metrics`.

use super::measure::{Measure, Statistic, Unit};

/// What is said about one family of measures.
#[derive(Clone, Copy, Debug)]
pub struct MeasureInfo {
    /// The family.
    pub measure: Measure,
    /// Its name in expectations.
    pub name: &'static str,
    /// The unit of its plain numbers.
    pub unit: Unit,
    /// Which numbers of the family there are.
    pub statistics: Statistics,
    /// The keys that a scope may have.
    pub scopes: &'static [&'static str],
    /// Whether it is a measure of one fault and needs `of fault.NAME`.
    pub is_of_fault: bool,
    /// What it means: formula, and source where it has one.
    pub definition: &'static str,
}

/// Which numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// One only, without a word.
    Single,
    /// `mean`, `min`, `max`, `sd` and percentiles `p50`, `p99.9`.
    Distribution,
    /// One of the first window, without a word; `mean`, `min` and `max` over all windows.
    PerWindow,
    /// `max_over_mean`, `cv` and `jain`.
    Balance,
    /// `max_absolute`, `max_relative` and `chi_squared_p`.
    Deviation,
    /// `max` and `burst_max`.
    Prefix,
}

const REQUEST: &[&str] = &["client", "zone", "call"];
const CALL: &[&str] = &["client", "call"];
const SERVER: &[&str] = &["service", "zone", "instance"];
const DETECTOR: &[&str] = &["call", "client", "service", "zone", "instance"];
const RING: &[&str] = &["call", "client", "service"];

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
        "Requests whose last attempt a full queue refused / requests that arrived.",
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
        SERVER,
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
        "Attempts / requests.",
    ),
    ratio(
        Measure::RetryRatio,
        "retry_ratio",
        "Requests with more than one attempt / requests.",
    ),
    ratio(
        Measure::WastedAttemptRatio,
        "wasted_attempt_ratio",
        "Attempts sent to an instance that was down / attempts.",
    ),
    times(
        Measure::WaitingTime,
        "waiting_time",
        SERVER,
        "Arrival of an attempt in an instance's queue to the start of its service.",
    ),
    MeasureInfo {
        scopes: SERVER,
        ..ratio(
            Measure::WaitRatio,
            "wait_ratio",
            "Attempts that had to wait for a worker / attempts that were served.",
        )
    },
    times(
        Measure::SojournTime,
        "sojourn_time",
        SERVER,
        "Waiting time + service time at one instance.",
    ),
    times(
        Measure::ServiceTime,
        "service_time",
        SERVER,
        "What a worker really spends on an attempt: service demand / speed.",
    ),
    number(
        Measure::InSystem,
        "in_system",
        SERVER,
        "Attempts waiting or in service, averaged over time, summed over the instances in scope. \
         By Little's law it is throughput x mean sojourn time (Little 1961).",
    ),
    MeasureInfo {
        scopes: SERVER,
        ..ratio(
            Measure::Utilization,
            "utilization",
            "Busy worker time / worker time.",
        )
    },
    MeasureInfo {
        scopes: SERVER,
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
        "Start of a fault to the detector's final suspicion of an instance that it hit (T_D of \
         Chen, Toueg and Aguilera 2002). Never detected counts as infinite.",
    )),
    of_fault(times(
        Measure::ExclusionTime,
        "exclusion_time",
        DETECTOR,
        "Start of a fault to a caller's final exclusion of an instance that it hit. Never excluded \
         counts as infinite.",
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
    of_fault(per_window(
        Measure::MitigationTime,
        "mitigation_time",
        "Start of a fault to the first of five 1 s windows in a row back in the steady band: \
         success ratio >= steady - 0.1 points, p99 <= 1.25 x steady.",
    )),
    of_fault(per_window(
        Measure::RecoveryTime,
        "recovery_time",
        "End of a fault to the first of five 1 s windows in a row back in the steady band: success \
         ratio >= steady - 0.1 points, p99 <= 1.25 x steady.",
    )),
    of_fault(MeasureInfo {
        scopes: RING,
        ..ratio(
            Measure::MovedKeyRatio,
            "moved_key_ratio",
            "Share of the hash space whose instance changes with the membership, by exact arcs.",
        )
    }),
    of_fault(MeasureInfo {
        scopes: RING,
        ..ratio(
            Measure::MovedRequestRatio,
            "moved_request_ratio",
            "Share of the requests whose instance changes with the membership: moved keys weighted \
             by their popularity.",
        )
    }),
    balance(
        Measure::Ownership,
        "ownership",
        RING,
        "Share of the hash space per instance, relative to its weight.",
    ),
    of_fault(balance(
        Measure::LoadAfterChange,
        "load_after_change",
        RING,
        "Requests per instance after the membership changed, relative to its weight.",
    )),
    MeasureInfo {
        scopes: CALL,
        statistics: Statistics::Deviation,
        ..ratio(
            Measure::SelectionError,
            "selection_error",
            "Share of the picks per instance against its share of the weight: largest absolute \
             and relative deviation, and the p-value of Pearson's chi-squared test.",
        )
    },
    MeasureInfo {
        scopes: CALL,
        statistics: Statistics::Prefix,
        ..number(
            Measure::Smoothness,
            "smoothness",
            CALL,
            "max: largest deviation, over all prefixes of a caller's picks, of an instance's count \
             from its share. burst_max: longest run of picks of one instance.",
        )
    },
    balance(
        Measure::InFlightBalance,
        "in_flight_balance",
        SERVER,
        "Attempts in flight per instance, averaged over time.",
    ),
    balance(
        Measure::UtilizationBalance,
        "utilization_balance",
        SERVER,
        "Utilization per instance.",
    ),
];

/// The measure of a name.
pub fn find(name: &str) -> Option<&'static MeasureInfo> {
    MEASURES.iter().find(|info| info.name == name)
}

/// What is said about a measure.
pub fn info(measure: Measure) -> &'static MeasureInfo {
    let mut all = MEASURES.iter();
    all.find(|info| info.measure == measure)
        .expect("the catalog has every measure")
}

impl MeasureInfo {
    /// The unit of one number of the family.
    pub fn unit_of(&self, statistic: Statistic) -> Unit {
        match statistic {
            Statistic::MaxOverMean
            | Statistic::Cv
            | Statistic::Jain
            | Statistic::BurstMax
            | Statistic::ChiSquaredP => Unit::Number,
            Statistic::MaxAbsolute | Statistic::MaxRelative => Unit::Ratio,
            Statistic::Value
            | Statistic::Mean
            | Statistic::Min
            | Statistic::Max
            | Statistic::StandardDeviation
            | Statistic::Percentile(_) => self.unit,
        }
    }
}

impl Statistics {
    /// Whether a family has this number.
    pub fn has(self, statistic: Statistic) -> bool {
        use Statistic as S;
        match self {
            Statistics::Single => matches!(statistic, S::Value),
            Statistics::Distribution => matches!(
                statistic,
                S::Mean | S::Min | S::Max | S::StandardDeviation | S::Percentile(_)
            ),
            Statistics::PerWindow => matches!(statistic, S::Value | S::Mean | S::Min | S::Max),
            Statistics::Balance => matches!(statistic, S::MaxOverMean | S::Cv | S::Jain),
            Statistics::Deviation => {
                matches!(statistic, S::MaxAbsolute | S::MaxRelative | S::ChiSquaredP)
            }
            Statistics::Prefix => matches!(statistic, S::Max | S::BurstMax),
        }
    }

    /// The words of these numbers; the empty word is none.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Statistics::Single => &[""],
            Statistics::Distribution => &["mean", "min", "max", "sd", "p50", "p90", "p99", "p99.9"],
            Statistics::PerWindow => &["", "mean", "min", "max"],
            Statistics::Balance => &["max_over_mean", "cv", "jain"],
            Statistics::Deviation => &["max_absolute", "max_relative", "chi_squared_p"],
            Statistics::Prefix => &["max", "burst_max"],
        }
    }
}

/// The number that a word names: `mean`, `p99.9`, `max_over_mean`. None for other words and for
/// percentiles that are not between 0 and 100.
pub fn statistic(word: &str) -> Option<Statistic> {
    Some(match word {
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "sd" => Statistic::StandardDeviation,
        "max_over_mean" => Statistic::MaxOverMean,
        "cv" => Statistic::Cv,
        "jain" => Statistic::Jain,
        "max_absolute" => Statistic::MaxAbsolute,
        "max_relative" => Statistic::MaxRelative,
        "chi_squared_p" => Statistic::ChiSquaredP,
        "burst_max" => Statistic::BurstMax,
        _ => {
            let percent = word.strip_prefix('p')?;
            let is_decimal = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let percent: f64 = percent.parse().ok().filter(|_| is_decimal)?;
            (0.0 < percent && percent < 100.0).then_some(Statistic::Percentile(percent))?
        }
    })
}

const fn single(
    measure: Measure,
    name: &'static str,
    unit: Unit,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        measure,
        name,
        unit,
        statistics: Statistics::Single,
        scopes,
        is_of_fault: false,
        definition,
    }
}

const fn ratio(measure: Measure, name: &'static str, definition: &'static str) -> MeasureInfo {
    single(measure, name, Unit::Ratio, REQUEST, definition)
}

const fn rate(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Rate, scopes, definition)
}

const fn number(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Number, scopes, definition)
}

const fn times(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::Distribution,
        ..single(measure, name, Unit::Time, scopes, definition)
    }
}

const fn per_window(measure: Measure, name: &'static str, definition: &'static str) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::PerWindow,
        ..single(measure, name, Unit::Time, REQUEST, definition)
    }
}

const fn balance(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::Balance,
        ..single(measure, name, Unit::Number, scopes, definition)
    }
}

const fn of_fault(info: MeasureInfo) -> MeasureInfo {
    MeasureInfo {
        is_of_fault: true,
        ..info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_open_at_both_ends() {
        assert_eq!(statistic("p99.9"), Some(Statistic::Percentile(99.9)));
        for word in ["p", "p0", "p100", "p-1", "pnan", "pinf", "p1e1", "99", "q5"] {
            assert_eq!(statistic(word), None, "{word}");
        }
    }

    #[test]
    fn names_are_unique_and_every_word_of_a_family_is_one_of_its_numbers() {
        for (place, info) in MEASURES.iter().enumerate() {
            let others = &MEASURES[place + 1..];
            assert!(
                others.iter().all(|other| other.name != info.name),
                "{}",
                info.name
            );
            assert!(others.iter().all(|other| other.measure != info.measure));
            for word in info.statistics.words() {
                let number = match word.is_empty() {
                    true => Statistic::Value,
                    false => statistic(word).expect(word),
                };
                assert!(info.statistics.has(number), "{}.{word}", info.name);
            }
        }
    }
}
