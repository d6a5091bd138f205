//! The weight of a Dubbo provider.

use super::first_seen::FirstSeen;
use crate::model::view::Member;
use crate::scenario::balancer::weighted::DubboWeight;
use crate::time::SimTime;

/// Nanoseconds of a millisecond, the unit of Dubbo's clock.
const NS_PER_MS: u64 = 1_000_000;

/// The weight of a provider at `now`.
///
/// Source: Dubbo 3.2, `AbstractLoadBalance`: between its start and the end of the warm-up a
/// provider has `uptime / (warmup / weight)` in single precision, rounded down, at least 1; in the
/// very millisecond of its start it has its full weight. Providers tell when they started, a view
/// does not: here a provider starts when the caller first picks with it, and those that the caller
/// began with are warm.
pub fn weight_at(config: DubboWeight, member: &Member, seen: &FirstSeen, now: SimTime) -> u64 {
    let weight = full_weight(config, member);
    if config.warmup.is_zero() || seen.is_empty() {
        return weight;
    }
    let Some(joined_at) = seen.joined_at(member.instance) else {
        return weight;
    };
    let uptime_ms = now.since(joined_at).as_ns() / NS_PER_MS;
    warmup_weight(uptime_ms, config.warmup.as_ns() / NS_PER_MS, weight)
}

/// The weight after the warm-up.
pub fn full_weight(config: DubboWeight, member: &Member) -> u64 {
    ((member.weight * f64::from(config.unit)).round() as u64).max(1)
}

fn warmup_weight(uptime_ms: u64, warmup_ms: u64, weight: u64) -> u64 {
    if uptime_ms == 0 || warmup_ms <= uptime_ms {
        return weight;
    }
    let unit = warmup_ms as f32 / weight as f32;
    ((uptime_ms as f32 / unit) as u64).clamp(1, weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_warm_up_as_published() {
        // Weight 100, 10 minutes.
        for (uptime_ms, expected) in [
            (0, 100),
            (1, 1),
            (5_999, 1),
            (6_000, 1),
            (12_000, 2),
            (60_000, 10),
            (300_000, 50),
            (599_999, 99),
            (600_000, 100),
        ] {
            assert_eq!(
                warmup_weight(uptime_ms, 600_000, 100),
                expected,
                "{uptime_ms} ms"
            );
        }
    }
}
