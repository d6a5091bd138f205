//! Bertier's detector: the estimate of NFD-E with a margin that adapts like the retransmission
//! timeout of TCP.
//!
//! Source: Bertier, Marin, Sens, DSN 2002, from a secondary description; no measured value of the
//! paper was available. `error = A - EA - delay`, `delay += gamma * error`,
//! `var += gamma * (|error| - var)`, margin `beta * delay + phi * var`. The start of `var` is ours:
//! the margin before anything is known.

use super::arrival_estimate::{ArrivalEstimate, signed, unsigned};
use super::judge::{Beat, Judge};
use crate::scenario::detector::BertierConfig;

/// Suspects an adaptive margin after the estimated arrival.
#[derive(Clone, Debug)]
pub struct Bertier {
    estimate: ArrivalEstimate,
    config: BertierConfig,
    delay_ns: f64,
    var_ns: f64,
    trusted_until_ns: u64,
}

impl Bertier {
    /// Begins at `start_ns`.
    pub fn new(interval_ns: u64, config: BertierConfig, start_ns: u64) -> Self {
        let margin_ns = config.margin_first.as_ns();
        let grace = interval_ns.saturating_add(margin_ns);
        Bertier {
            estimate: ArrivalEstimate::new(interval_ns, config.window),
            config,
            delay_ns: 0.0,
            var_ns: margin_ns as f64 / config.phi,
            trusted_until_ns: start_ns.saturating_add(grace),
        }
    }
}

impl Judge for Bertier {
    fn on_heartbeat(&mut self, beat: Beat) {
        if !self.estimate.is_news(beat.number) {
            return;
        }
        let BertierConfig {
            beta, phi, gamma, ..
        } = self.config;
        if let Some(expected) = self.estimate.expected_ns(beat.number) {
            let late_ns = signed(beat.arrived_ns).saturating_sub(expected) as f64;
            let error = late_ns - self.delay_ns;
            self.delay_ns += gamma * error;
            self.var_ns += gamma * (error.abs() - self.var_ns);
        }
        self.estimate.take(beat);
        let margin = (beta * self.delay_ns + phi * self.var_ns).round() as i64;
        let expected = self.estimate.expected_ns(beat.number + 1);
        let expected = expected.expect("a heartbeat has arrived");
        self.trusted_until_ns = unsigned(expected.saturating_add(margin));
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    #[test]
    fn the_margin_follows_the_errors() {
        let config = BertierConfig {
            window: 1,
            beta: 1.0,
            phi: 4.0,
            gamma: 0.1,
            margin_first: SimDuration::from_ns(400),
        };
        let mut judge = Bertier::new(1_000, config, 0);
        assert_eq!(judge.trusted_until_ns(), 1_400);
        let mut hear = |number: u64, late: u64| {
            judge.on_heartbeat(Beat {
                number,
                sent_ns: 0,
                arrived_ns: number * 1_000 + late,
            });
            judge.trusted_until_ns()
        };
        // Nothing was expected yet: the margin stays.
        assert_eq!(hear(1, 0), 2_000 + 400);
        // In time: var falls from 100 to 90.
        assert_eq!(hear(2, 0), 3_000 + 360);
        // 200 late: delay 20, var 90 + 0.1 * (200 - 90) = 101; the estimate moves by 200.
        assert_eq!(hear(3, 200), 4_200 + 20 + 404);
        // As late as that: the error is -20, delay 18, var 101 - 8.1 = 92.9; 18 + 371.6 = 389.6.
        assert_eq!(hear(4, 200), 5_200 + 390);
    }
}
