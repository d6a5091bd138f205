//! The formulas of SWIM and of memberlist.
//!
//! Sources: Das, Gupta, Motivala, SWIM, DSN 2002; hashicorp/memberlist `util.go`, `suspicion.go`.
//! Memberlist counts its logarithms in thousandths, rounded down, and takes them as Go does.

use crate::scenario::gossip::{GossipConfig, ScaleLaw};
use crate::time::SimDuration;

/// Members above which full exchanges become rarer.
const PUSH_PULL_SCALE_THRESHOLD: u32 = 32;

/// A logarithm to the base 2 as `math.Log2` of Go takes it: exact for powers of 2.
fn log2(x: f64) -> f64 {
    let (fraction, exponent) = libm::frexp(x);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    libm::log(fraction) * (1.0 / std::f64::consts::LN_2) + f64::from(exponent)
}

/// A logarithm to the base 10 as `math.Log10` of Go takes it.
fn log10(x: f64) -> f64 {
    log2(x) * std::f64::consts::LOG10_2
}

impl ScaleLaw {
    /// `log(count + 1)`, rounded up: by how much a large cluster needs more than a small one.
    fn log_ceil(self, count: u32) -> u32 {
        let x = f64::from(count) + 1.0;
        let log = match self {
            ScaleLaw::Memberlist => log10(x),
            ScaleLaw::Swim { log_base } => libm::log(x) / libm::log(log_base),
        };
        // What is a whole number but for rounding is that number.
        let whole = libm::round(log);
        let ceil = if (log - whole).abs() < 1e-12 {
            whole
        } else {
            libm::ceil(log)
        };
        ceil as u32
    }
}

/// How often each member passes an update on.
pub fn retransmit_limit(law: ScaleLaw, retransmit_mult: u32, count: u32) -> u32 {
    retransmit_mult.saturating_mul(law.log_ceil(count))
}

/// How long a suspicion lasts at least, seen by a member that knows `count` members.
pub fn suspicion_timeout(
    law: ScaleLaw,
    suspicion_mult: u32,
    count: u32,
    interval: SimDuration,
) -> SimDuration {
    match law {
        ScaleLaw::Swim { .. } => {
            interval.saturating_mul(u64::from(suspicion_mult) * u64::from(law.log_ceil(count)))
        }
        ScaleLaw::Memberlist => {
            let scale = log10(f64::from(count.max(1))).max(1.0);
            let thousandths = (scale * 1_000.0) as u64;
            let ns = u128::from(suspicion_mult) * u128::from(thousandths);
            let ns = ns * u128::from(interval.as_ns()) / 1_000;
            SimDuration::from_ns(u64::try_from(ns).unwrap_or(u64::MAX))
        }
    }
}

/// Confirmations that shorten a suspicion to its minimum. A cluster too small to give them is
/// asked for none.
pub fn confirmation_count(config: &GossipConfig, count: u32) -> u32 {
    if config.law != ScaleLaw::Memberlist {
        return 0;
    }
    let wanted = config.suspicion_mult.saturating_sub(2);
    if count.saturating_sub(2) < wanted {
        0
    } else {
        wanted
    }
}

/// How long a suspicion lasts in all after `confirmations` of `wanted`. Whole milliseconds, as
/// memberlist rounds.
pub fn suspicion_length(
    confirmations: u32,
    wanted: u32,
    (min, max): (SimDuration, SimDuration),
) -> SimDuration {
    if wanted == 0 {
        return min;
    }
    if confirmations == 0 {
        return max;
    }
    let share = libm::log(f64::from(confirmations) + 1.0) / libm::log(f64::from(wanted) + 1.0);
    let (min_secs, max_secs) = (min.as_secs_f64(), max.as_secs_f64());
    let millis = libm::floor(1_000.0 * (max_secs - share * (max_secs - min_secs)));
    SimDuration::from_ms(millis.max(0.0) as u64).max(min)
}

/// From one full exchange of a member to its next.
pub fn push_pull_interval(interval: SimDuration, count: u32) -> SimDuration {
    if count <= PUSH_PULL_SCALE_THRESHOLD {
        return interval;
    }
    let threshold = f64::from(PUSH_PULL_SCALE_THRESHOLD);
    let more = libm::ceil(log2(f64::from(count)) - log2(threshold)) as u64;
    interval.saturating_mul(more + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    const LAN: SimDuration = SimDuration::from_secs(1);

    #[test]
    fn suspicion_timeouts_are_those_of_the_tests_of_memberlist() {
        for case in oracle::cases("memberlist_suspicion_timeout") {
            let interval = SimDuration::from_ms(case.count("interval_ms"));
            let (mult, count) = (case.count("mult") as u32, case.count("n") as u32);
            let timeout = suspicion_timeout(ScaleLaw::Memberlist, mult, count, interval);
            assert_eq!(timeout.as_ns() as f64, case.value() * 1e6);
        }
    }

    #[test]
    fn shortened_suspicions_are_those_of_the_tests_of_memberlist() {
        for case in oracle::cases("lifeguard_remaining") {
            let secs = |name| SimDuration::from_secs(case.count(name));
            let bounds = (secs("min_s"), secs("max_s"));
            let (confirmations, wanted) = (case.count("confirmations"), case.count("k"));
            let length = suspicion_length(confirmations as u32, wanted as u32, bounds);
            let left = length.saturating_sub(secs("elapsed_s"));
            assert_eq!(left.as_secs_f64() * 1e3, case.value());
        }
    }

    #[test]
    fn retransmit_limits_are_those_of_the_tests_of_memberlist() {
        for case in oracle::cases("memberlist_retransmit") {
            let (mult, count) = (case.count("mult") as u32, case.count("n") as u32);
            let limit = retransmit_limit(ScaleLaw::Memberlist, mult, count);
            assert_eq!(f64::from(limit), case.value());
        }
        assert_eq!(retransmit_limit(ScaleLaw::Memberlist, 4, 99), 8);
        assert_eq!(retransmit_limit(ScaleLaw::Memberlist, 4, 100), 12);
    }

    #[test]
    fn the_lan_profile_waits_as_the_reference_says() {
        // Seconds with 0, 1 and 2 confirmations.
        for (count, secs) in [
            (3, [4.0, 4.0, 4.0]),
            (4, [24.0, 11.38, 4.0]),
            (10, [24.0, 11.38, 4.0]),
            (100, [48.0, 22.76, 8.0]),
            (1_000, [72.0, 34.14, 12.0]),
            (10_000, [96.0, 45.53, 16.0]),
        ] {
            let min = suspicion_timeout(ScaleLaw::Memberlist, 4, count, LAN);
            let wanted = if count - 2 < 2 { 0 } else { 2 };
            for (confirmations, expected) in (0..).zip(secs) {
                let bounds = (min, min.saturating_mul(6));
                let length = suspicion_length(confirmations, wanted, bounds).as_secs_f64();
                assert!(
                    (length / expected - 1.0).abs() < 5e-4,
                    "{count}: {length} {expected}"
                );
            }
        }
    }

    #[test]
    fn full_exchanges_are_rarer_in_large_clusters() {
        let interval = SimDuration::from_secs(30);
        for (count, factor) in [(32, 1), (33, 2), (64, 2), (65, 3), (10_000, 10)] {
            assert_eq!(
                push_pull_interval(interval, count),
                interval.saturating_mul(factor)
            );
        }
    }
}
