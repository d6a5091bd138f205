//! When a caller hedges: its delay and its budget.

use crate::scenario::attempts::{HedgeConfig, PercentileDelay};
use crate::stats::quantile::rank;
use crate::time::{SimDuration, SimTime};

/// What a hedge takes from the budget.
const HEDGE_COST: u64 = 1_000_000;

/// Hedges that a budget holds at most, so that a quiet time pays for no storm.
const HEDGE_COUNT_MAX: u64 = 10;

/// What one calling side knows for its hedges. A process that dies forgets it.
///
/// The budget is a token bucket: every request deposits `budget_ratio` of a hedge, a hedge takes
/// one, so hedges are never more than that share of the requests. (Finagle's budgets also
/// reserve some per second and let deposits expire after 10 s; here a cap does that.)
///
/// The delay is a percentile of the last first attempts, taken again when it is needed and older
/// than `refresh` (Finagle's `BackupRequestFilter` does so every 3 s), so it lags behind by that
/// and by the window. A first attempt that is given up counts with the time that it took until
/// then; where a hedge won, that is more than the delay, so the share of attempts above it is
/// right.
#[derive(Debug, Default)]
pub struct Hedging {
    /// In millionths of a hedge.
    budget: u64,
    /// The last first attempts in nanoseconds, in a circle.
    latencies: Vec<u64>,
    /// Where the next one goes once the circle is full.
    next: usize,
    delay: Option<SimDuration>,
    /// When the percentile was taken, or the first call began; None before that.
    taken_at: Option<SimTime>,
}

impl Hedging {
    /// A request arrived.
    pub fn deposit(&mut self, config: &HedgeConfig) {
        if let Some(ratio) = config.budget_ratio {
            let share = (ratio * HEDGE_COST as f64).round() as u64;
            self.budget = (self.budget + share).min(HEDGE_COUNT_MAX * HEDGE_COST);
        }
    }

    /// Whether the budget has a hedge.
    pub fn can_pay(&self, config: &HedgeConfig) -> bool {
        config.budget_ratio.is_none() || HEDGE_COST <= self.budget
    }

    /// Takes a hedge from the budget; whether there was one.
    pub fn withdraw(&mut self, config: &HedgeConfig) -> bool {
        let can_pay = self.can_pay(config);
        if can_pay && config.budget_ratio.is_some() {
            self.budget -= HEDGE_COST;
        }
        can_pay
    }

    /// A first attempt ended, or was given up, after `latency`.
    pub fn record(&mut self, config: &HedgeConfig, latency: SimDuration) {
        let Some(percentile) = &config.percentile else {
            return;
        };
        if self.latencies.len() < percentile.window_count as usize {
            self.latencies.push(latency.as_ns());
        } else {
            self.latencies[self.next] = latency.as_ns();
            self.next = (self.next + 1) % self.latencies.len();
        }
    }

    /// How long to wait for an attempt before the next one is sent; None for ever.
    pub fn delay(&mut self, config: &HedgeConfig, now: SimTime) -> Option<SimDuration> {
        let Some(percentile) = &config.percentile else {
            return config.delay;
        };
        let taken_at = *self.taken_at.get_or_insert(now);
        let is_due = percentile.refresh <= now.since(taken_at);
        if is_due && !self.latencies.is_empty() {
            self.delay = Some(self.percentile(percentile));
            self.taken_at = Some(now);
        }
        self.delay.or(config.delay)
    }

    /// The value of rank `ceil(p n)`.
    fn percentile(&self, config: &PercentileDelay) -> SimDuration {
        let mut sorted = self.latencies.clone();
        let place = rank(config.percent / 100.0, sorted.len() as u64) as usize - 1;
        let (_, value, _) = sorted.select_nth_unstable(place);
        SimDuration::from_ns(*value).max(config.delay_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(percent: Option<f64>, budget_ratio: Option<f64>) -> HedgeConfig {
        HedgeConfig {
            delay: Some(SimDuration::from_ms(50)),
            percentile: percent.map(|percent| PercentileDelay {
                percent,
                refresh: SimDuration::from_secs(3),
                delay_min: SimDuration::from_ms(1),
                window_count: 100,
            }),
            attempt_count_max: 2,
            budget_ratio,
        }
    }

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    #[test]
    fn a_budget_of_5_percent_pays_for_every_twentieth_request() {
        let (config, mut hedging) = (config(None, Some(0.05)), Hedging::default());
        let mut count = 0;
        for _ in 0..1_000 {
            hedging.deposit(&config);
            count += u32::from(hedging.withdraw(&config));
        }
        assert_eq!(count, 50);
    }

    #[test]
    fn a_quiet_time_saves_ten_hedges_at_most() {
        let (config, mut hedging) = (config(None, Some(0.5)), Hedging::default());
        (0..1_000).for_each(|_| hedging.deposit(&config));
        let count = (0..1_000).filter(|_| hedging.withdraw(&config)).count();
        assert_eq!(count, 10);
    }

    #[test]
    fn without_a_budget_nothing_bounds() {
        let config = config(None, None);
        assert!((0..1_000).all(|_| Hedging::default().withdraw(&config)));
    }

    #[test]
    fn a_percentile_follows_the_last_attempts_and_lags() {
        let (config, mut hedging) = (config(Some(95.0), None), Hedging::default());
        assert_eq!(hedging.delay(&config, at(0)), config.delay);
        (1..=100).for_each(|ms| hedging.record(&config, SimDuration::from_ms(ms)));
        // Until the first refresh the fixed delay holds.
        assert_eq!(
            hedging.delay(&config, at(2)),
            Some(SimDuration::from_ms(50))
        );
        assert_eq!(
            hedging.delay(&config, at(3)),
            Some(SimDuration::from_ms(95))
        );
        (1..=100).for_each(|ms| hedging.record(&config, SimDuration::from_ms(10 * ms)));
        assert_eq!(
            hedging.delay(&config, at(5)),
            Some(SimDuration::from_ms(95))
        );
        assert_eq!(
            hedging.delay(&config, at(6)),
            Some(SimDuration::from_ms(950))
        );
    }

    #[test]
    fn a_percentile_is_never_below_its_minimum() {
        let (config, mut hedging) = (config(Some(50.0), None), Hedging::default());
        assert_eq!(hedging.delay(&config, at(1)), config.delay);
        hedging.record(&config, SimDuration::from_us(3));
        // A refresh after the first call, however late that was.
        assert_eq!(hedging.delay(&config, at(3)), config.delay);
        assert_eq!(hedging.delay(&config, at(4)), Some(SimDuration::from_ms(1)));
    }
}
