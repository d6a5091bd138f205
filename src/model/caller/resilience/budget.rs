//! Retry budgets: how many retries a calling side may make, over all its calls.

use super::rolling::Rolling;
use crate::scenario::resilience::BudgetConfig;
use crate::time::SimTime;

/// Units of a token, so that ratios of three decimals are exact (gRFC A6).
const TOKEN_UNITS: f64 = 1_000.0;
/// Slices of Finagle's window.
const FINAGLE_SLICE_COUNT: u32 = 10;
/// Slices of the window of the SRE book's ratio.
const SRE_SLICE_COUNT: u32 = 12;
/// What Finagle's bucket counts a request as.
const DEPOSIT_UNITS: f64 = 1_000.0;

/// What is under way at a calling side.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Attempts under way or waiting at the caller.
    pub attempt_count: u32,
    /// Of these, and of calls that wait out a back-off, the retries.
    pub retry_count: u32,
}

/// A budget.
#[derive(Clone, Debug)]
pub enum Budget {
    /// gRFC A6: a failure costs one token, a success earns `ratio`; a retry is possible while more
    /// than half of the tokens are there.
    Grpc {
        units: i64,
        units_max: i64,
        success_units: i64,
    },
    /// Finagle's `RetryBudget`: a request pays in, a retry takes `1 / ratio` as much out, both
    /// expire, and `reserve` is there on top.
    Finagle {
        balance: Rolling<1>,
        reserve_units: i64,
        retry_units: i64,
    },
    /// Envoy: retries under way are at most a share of the attempts under way.
    Envoy { ratio: f64, concurrent_min: u32 },
    /// SRE book, chapter 21: retries are at most a share of the requests of the window.
    Sre { counts: Rolling<2>, ratio: f64 },
}

impl Budget {
    /// A fresh budget.
    pub fn new(config: &BudgetConfig, now: SimTime) -> Self {
        match *config {
            BudgetConfig::Grpc {
                tokens_max,
                token_ratio,
            } => {
                let units_max = (tokens_max * TOKEN_UNITS).round() as i64;
                Budget::Grpc {
                    units: units_max,
                    units_max,
                    success_units: (token_ratio * TOKEN_UNITS).round() as i64,
                }
            }
            BudgetConfig::Finagle {
                ratio,
                min_rate,
                ttl,
            } => {
                let retry_units = (DEPOSIT_UNITS / ratio).round();
                Budget::Finagle {
                    balance: Rolling::new(now, ttl, FINAGLE_SLICE_COUNT),
                    reserve_units: (min_rate * ttl.as_secs_f64() * retry_units).round() as i64,
                    retry_units: retry_units as i64,
                }
            }
            BudgetConfig::Envoy {
                ratio,
                concurrent_min,
            } => Budget::Envoy {
                ratio,
                concurrent_min,
            },
            BudgetConfig::Sre { ratio, window } => Budget::Sre {
                counts: Rolling::new(now, window, SRE_SLICE_COUNT),
                ratio,
            },
        }
    }

    /// A call sends its first attempt.
    pub fn on_call(&mut self, now: SimTime) {
        match self {
            Budget::Finagle { balance, .. } => balance.add(now, 0, DEPOSIT_UNITS as i64),
            Budget::Sre { counts, .. } => counts.add(now, 0, 1),
            Budget::Grpc { .. } | Budget::Envoy { .. } => {}
        }
    }

    /// An attempt succeeded, or failed in a way that may be retried.
    pub fn on_attempt_ended(&mut self, is_success: bool) {
        if let Budget::Grpc {
            units,
            units_max,
            success_units,
        } = self
        {
            let change = if is_success {
                *success_units
            } else {
                -(TOKEN_UNITS as i64)
            };
            *units = (*units + change).clamp(0, *units_max);
        }
    }

    /// Whether hedges may be sent: gRPC's throttling stops them as it does retries (gRFC A6); the
    /// others know retries only.
    pub fn permits_hedges(&self) -> bool {
        match self {
            Budget::Grpc {
                units, units_max, ..
            } => *units_max < 2 * *units,
            Budget::Finagle { .. } | Budget::Envoy { .. } | Budget::Sre { .. } => true,
        }
    }

    /// Takes a retry out of the budget. Returns whether there was one.
    pub fn take(&mut self, now: SimTime, under_way: UnderWay) -> bool {
        match self {
            Budget::Grpc { .. } => self.permits_hedges(),
            Budget::Finagle {
                balance,
                reserve_units,
                retry_units,
            } => {
                let has_units = *retry_units <= balance.sums(now)[0] + *reserve_units;
                if has_units {
                    balance.add(now, 0, -*retry_units);
                }
                has_units
            }
            Budget::Envoy {
                ratio,
                concurrent_min,
            } => {
                let share = *ratio * f64::from(under_way.attempt_count);
                under_way.retry_count < (share as u32).max(*concurrent_min)
            }
            Budget::Sre { counts, ratio } => {
                let [requests, retries] = counts.sums(now);
                let has_room = 0 < requests && (retries + 1) as f64 / requests as f64 <= *ratio;
                if has_room {
                    counts.add(now, 1, 1);
                }
                has_room
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    const NOTHING: UnderWay = UnderWay {
        attempt_count: 0,
        retry_count: 0,
    };

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    fn grpc() -> Budget {
        let config = BudgetConfig::Grpc {
            tokens_max: 10.0,
            token_ratio: 0.1,
        };
        Budget::new(&config, SimTime::START)
    }

    #[test]
    fn grpc_allows_no_retry_after_half_the_tokens_failed() {
        let mut budget = grpc();
        // 9, 8, 7 and 6 tokens are more than half of 10; 5 are not.
        let allowed: Vec<bool> = (0..6)
            .map(|_| {
                budget.on_attempt_ended(false);
                budget.take(at(0), NOTHING)
            })
            .collect();
        assert_eq!(allowed, [true, true, true, true, false, false]);
        // From 4 tokens: 10 successes make 5, still not more than half; one more does.
        for _ in 0..10 {
            budget.on_attempt_ended(true);
        }
        assert!(!budget.take(at(0), NOTHING));
        budget.on_attempt_ended(true);
        assert!(budget.take(at(0), NOTHING));
    }

    #[test]
    fn grpc_breaks_even_at_a_success_share_of_one_over_one_plus_the_ratio() {
        // 1 / 1.1: ten successes pay for one failure, to the last unit.
        let mut budget = grpc();
        for _ in 0..3 {
            budget.on_attempt_ended(false);
        }
        for _ in 0..100_000 {
            budget.on_attempt_ended(false);
            (0..10).for_each(|_| budget.on_attempt_ended(true));
        }
        let Budget::Grpc { units, .. } = budget else {
            unreachable!("it is one of gRPC")
        };
        assert_eq!(units, 7_000);
    }

    #[test]
    fn finagle_lends_a_fifth_of_the_requests_and_its_reserve() {
        let config = BudgetConfig::Finagle {
            ratio: 0.2,
            min_rate: 10.0,
            ttl: SimDuration::from_secs(10),
        };
        let mut budget = Budget::new(&config, SimTime::START);
        // 10/s for 10 s: a fresh budget has 100 retries.
        let count = (0..1_000).filter(|_| budget.take(at(0), NOTHING)).count();
        assert_eq!(count, 100);
        // Five requests pay for one retry.
        (0..50).for_each(|_| budget.on_call(at(500)));
        let count = (0..1_000).filter(|_| budget.take(at(900), NOTHING)).count();
        assert_eq!(count, 10);
        // What was taken in the first second is forgotten after ten, and so is what was paid.
        let count = (0..1_000)
            .filter(|_| budget.take(at(10_000), NOTHING))
            .count();
        assert_eq!(count, 100);
    }

    #[test]
    fn envoy_allows_a_share_of_what_is_under_way_and_at_least_the_minimum() {
        let config = BudgetConfig::Envoy {
            ratio: 0.2,
            concurrent_min: 3,
        };
        let mut budget = Budget::new(&config, SimTime::START);
        let mut allows = |attempt_count, retry_count| {
            let under_way = UnderWay {
                attempt_count,
                retry_count,
            };
            budget.take(at(0), under_way)
        };
        assert!(allows(0, 2) && !allows(0, 3));
        assert!(allows(100, 19) && !allows(100, 20));
    }

    #[test]
    fn the_sre_ratio_bounds_all_attempts() {
        let config = BudgetConfig::Sre {
            ratio: 0.1,
            window: SimDuration::from_secs(120),
        };
        let mut budget = Budget::new(&config, SimTime::START);
        let mut retry_count = 0;
        for request_count in 1..=1_000 {
            budget.on_call(at(0));
            while budget.take(at(0), NOTHING) {
                retry_count += 1;
            }
            assert!(retry_count <= request_count / 10);
        }
        assert_eq!(retry_count, 100);
    }
}
