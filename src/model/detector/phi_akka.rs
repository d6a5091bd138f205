//! Phi accrual as Akka does it.
//!
//! Source: Akka 2.x, `PhiAccrualFailureDetector.scala` and the `reference.conf` of akka-cluster.
//! Times are whole milliseconds. The law is a logistic approximation of the normal one; the
//! acceptable pause is added to the mean; the window begins with the expected interval plus and
//! minus a quarter of it; an interval that ends a suspicion is not recorded. An instance is
//! available while phi is below the threshold. Akka judges replies to its own questions; here they
//! are heartbeats that nobody asks for.

use super::judge::{Beat, Judge};
use super::window::Window;
use crate::scenario::detector::AkkaConfig;
use crate::time::SimDuration;

const NS_PER_MS: u64 = 1_000_000;

/// Suspects as Akka's detector does.
#[derive(Clone, Debug)]
pub struct PhiAkka {
    intervals: Window,
    threshold: f64,
    std_deviation_min_ms: f64,
    acceptable_pause_ms: f64,
    /// Standard deviations beyond the mean at which phi reaches the threshold.
    deviations: f64,
    /// The last heartbeat; before the first one, when one is made up.
    last_ms: u64,
    has_heard: bool,
    trusted_until_ms: u64,
}

impl PhiAkka {
    /// Begins at `start_ns`.
    pub fn new(interval: SimDuration, config: AkkaConfig, start_ns: u64) -> Self {
        let whole_ms = |length: SimDuration| length.as_ns() / NS_PER_MS;
        let mean = whole_ms(interval);
        let mut intervals = Window::new(config.window);
        for first in [mean - mean / 4, mean + mean / 4] {
            intervals.push(super::arrival_estimate::signed(first));
        }
        let last_ms = start_ns / NS_PER_MS + whole_ms(config.expected_response_after);
        let mut judge = PhiAkka {
            intervals,
            threshold: config.threshold,
            std_deviation_min_ms: whole_ms(config.std_deviation_min) as f64,
            acceptable_pause_ms: whole_ms(config.acceptable_pause) as f64,
            deviations: deviations_at(config.threshold),
            last_ms,
            has_heard: false,
            trusted_until_ms: 0,
        };
        judge.trusted_until_ms = last_ms + judge.first_elapsed_ms();
        judge
    }

    /// The fewest milliseconds after which phi is not below the threshold.
    fn first_elapsed_ms(&self) -> u64 {
        let mean = self.intervals.mean() + self.acceptable_pause_ms;
        let deviation = self.intervals.variance().sqrt();
        let deviation = deviation.max(self.std_deviation_min_ms);
        let is_reached = |ms: u64| self.threshold <= phi(ms as f64, mean, deviation);
        let mut elapsed = (mean + self.deviations * deviation).ceil().max(0.0) as u64;
        while 0 < elapsed && is_reached(elapsed - 1) {
            elapsed -= 1;
        }
        while !is_reached(elapsed) {
            elapsed += 1;
        }
        elapsed
    }
}

/// The level of suspicion after `elapsed`.
fn phi(elapsed: f64, mean: f64, deviation: f64) -> f64 {
    let e = libm::exp(-exponent((elapsed - mean) / deviation));
    if mean < elapsed {
        -libm::log10(e / (1.0 + e))
    } else {
        -libm::log1p(-1.0 / (1.0 + e)) * std::f64::consts::LOG10_E
    }
}

/// The exponent of the logistic approximation, `y` standard deviations beyond the mean.
fn exponent(y: f64) -> f64 {
    y * (1.5976 + 0.070_566 * y * y)
}

/// How many standard deviations beyond the mean phi reaches `threshold`: phi is `log10(1 + e^x)`
/// with the exponent `x`, which grows with `y`.
fn deviations_at(threshold: f64) -> f64 {
    let tens = threshold * std::f64::consts::LN_10;
    // ln(10^threshold - 1), without the overflow.
    let exponent_at = tens + libm::log1p(-libm::exp(-tens));
    let (mut low, mut high) = (-100.0, 100.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if exponent(middle) < exponent_at {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

impl Judge for PhiAkka {
    fn on_heartbeat(&mut self, beat: Beat) {
        let now_ms = beat.arrived_ns / NS_PER_MS;
        // Before the first heartbeat there may have been one that was made up.
        let has_last = std::mem::replace(&mut self.has_heard, true) || self.last_ms <= now_ms;
        if has_last && now_ms < self.trusted_until_ms {
            let interval = now_ms.saturating_sub(self.last_ms);
            self.intervals
                .push(super::arrival_estimate::signed(interval));
        }
        self.last_ms = now_ms;
        self.trusted_until_ms = now_ms + self.first_elapsed_ms();
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ms.saturating_mul(NS_PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    const CLUSTER: AkkaConfig = AkkaConfig {
        threshold: 8.0,
        window: 1_000,
        std_deviation_min: SimDuration::from_ms(100),
        acceptable_pause: SimDuration::from_secs(3),
        expected_response_after: SimDuration::from_secs(1),
    };

    #[test]
    fn phi_is_the_logistic_approximation() {
        for case in oracle::cases("phi_akka") {
            let (mean, deviation) = (case.number("mean"), case.number("sd"));
            case.assert_met_by(phi(case.number("t"), mean, deviation));
        }
        // The values that Akka's own test states, to one tenth.
        for (elapsed, expected) in [
            (500.0, 0.1),
            (1_000.0, 0.3),
            (1_200.0, 1.6),
            (1_400.0, 4.7),
            (1_600.0, 10.8),
            (1_700.0, 15.3),
        ] {
            assert!((phi(elapsed, 1_000.0, 100.0) - expected).abs() <= 0.1);
        }
    }

    #[test]
    fn the_crossing_is_the_inverse() {
        for case in oracle::cases("phi_timeout") {
            if case.param("law") == "akka logistic" {
                let deviations = deviations_at(case.number("phi"));
                case.assert_met_by(case.number("mean") + deviations * case.number("sd"));
            }
        }
    }

    /// Milliseconds from the last heartbeat to the suspicion, after intervals of mean one second
    /// and this standard deviation.
    fn crossing(threshold: f64, pause_ms: u64, deviation_ms: u64) -> u64 {
        let config = AkkaConfig {
            threshold,
            acceptable_pause: SimDuration::from_ms(pause_ms),
            ..CLUSTER
        };
        let mut judge = PhiAkka::new(SimDuration::from_secs(1), config, 0);
        judge.intervals = Window::new(1_000);
        for sign in [-1, 1] {
            judge.intervals.push(1_000 + sign * deviation_ms as i64);
        }
        judge.first_elapsed_ms()
    }

    #[test]
    fn the_published_crossings_are_met() {
        for (pause, deviation, elapsed) in [
            (0, 100, 1_523),
            (0, 250, 2_306),
            (0, 1_000, 6_226),
            (3_000, 100, 4_523),
            (3_000, 250, 5_306),
            (3_000, 1_000, 9_226),
            // Below the floor the floor holds.
            (3_000, 1, 4_523),
        ] {
            let got = crossing(8.0, pause, deviation);
            assert!(got.abs_diff(elapsed) <= 1, "{pause} {deviation}: {got}");
        }
        for (threshold, elapsed) in [
            (1.0, 4_128),
            (3.0, 4_306),
            (5.0, 4_412),
            (8.0, 4_523),
            (12.0, 4_629),
        ] {
            let got = crossing(threshold, 3_000, 100);
            assert!(got.abs_diff(elapsed) <= 1, "{threshold}: {got}");
        }
    }

    fn hear(judge: &mut PhiAkka, at_ms: u64) -> u64 {
        judge.on_heartbeat(Beat {
            number: 1,
            sent_ns: 0,
            arrived_ns: at_ms * NS_PER_MS,
        });
        judge.trusted_until_ms - at_ms
    }

    #[test]
    fn the_window_begins_with_a_guess_and_leaves_out_what_ends_a_suspicion() {
        let mut judge = PhiAkka::new(SimDuration::from_secs(1), CLUSTER, 0);
        // One heartbeat is made up after a second; with a deviation of 250 ms phi crosses 8 after
        // 4000 + 250 x 5.22599 = 5306.5 ms.
        assert_eq!(judge.trusted_until_ns(), (1_000 + 5_307) * NS_PER_MS);
        assert_eq!(hear(&mut judge, 500), 5_307);
        assert_eq!(judge.intervals.mean(), 1_000.0);
        hear(&mut judge, 1_500);
        assert_eq!(judge.intervals.mean(), 1_000.0);
        let before = judge.intervals.clone();
        hear(&mut judge, 60_000);
        assert_eq!(judge.intervals.variance(), before.variance());
        hear(&mut judge, 61_400);
        assert_eq!(judge.intervals.mean(), 1_100.0);
    }
}
