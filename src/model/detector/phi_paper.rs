//! Phi accrual as published: normal intervals.
//!
//! Source: Hayashibara, Defago, Yared, Katayama, IS-RR-2004-010: phi is `-log10` of the probability
//! that a heartbeat comes later than now, with the mean and the standard deviation of the intervals
//! in the window. Phi reaches the threshold when the elapsed time is the matching quantile of that
//! normal law. Until there is an interval, and below the smallest standard deviation, the numbers
//! are ours: the paper says nothing about either.

use super::judge::{Beat, Judge};
use super::window::Window;
use crate::rng::math;
use crate::time::SimDuration;

/// Suspects at a quantile of the normal law of intervals.
#[derive(Clone, Debug)]
pub struct PhiPaper {
    intervals: Window,
    interval_ns: u64,
    std_deviation_min_ns: f64,
    /// Standard deviations beyond the mean at which phi reaches the threshold.
    z: f64,
    last_ns: u64,
    has_heard: bool,
}

impl PhiPaper {
    /// Begins at `start_ns`, as if a heartbeat had come then. `bounds` are the most intervals that
    /// are remembered and the smallest standard deviation.
    pub fn new(
        interval_ns: u64,
        threshold: f64,
        (window, std_deviation_min): (u32, SimDuration),
        start_ns: u64,
    ) -> Self {
        PhiPaper {
            intervals: Window::new(window),
            interval_ns,
            std_deviation_min_ns: std_deviation_min.as_ns() as f64,
            z: deviations_at(threshold),
            last_ns: start_ns,
            has_heard: false,
        }
    }

    /// Mean and standard deviation of the intervals.
    fn law(&self) -> (f64, f64) {
        if self.intervals.is_empty() {
            let mean = self.interval_ns as f64;
            return (mean, mean / 4.0);
        }
        let deviation = self.intervals.variance().sqrt();
        (
            self.intervals.mean(),
            deviation.max(self.std_deviation_min_ns),
        )
    }
}

/// How many standard deviations beyond the mean phi reaches `threshold`.
fn deviations_at(threshold: f64) -> f64 {
    -math::normal_quantile(math::exp(-threshold * std::f64::consts::LN_10))
}

impl Judge for PhiPaper {
    fn on_heartbeat(&mut self, beat: Beat) {
        let interval = beat.arrived_ns.saturating_sub(self.last_ns);
        // What came before the first heartbeat is no interval between two.
        if std::mem::replace(&mut self.has_heard, true) {
            self.intervals
                .push(super::arrival_estimate::signed(interval));
        }
        self.last_ns = beat.arrived_ns;
    }

    fn trusted_until_ns(&self) -> u64 {
        let (mean, deviation) = self.law();
        let elapsed = (mean + self.z * deviation).ceil().max(0.0);
        self.last_ns.saturating_add(elapsed as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    /// The elapsed time at which phi reaches `phi`.
    fn elapsed(phi: f64, mean: f64, deviation: f64) -> f64 {
        mean + deviations_at(phi) * deviation
    }

    #[test]
    fn phi_is_reached_when_the_exact_normal_tail_says() {
        for case in oracle::cases("phi_normal") {
            let got = elapsed(case.value(), case.number("mean"), case.number("sd"));
            let error = (got / case.number("t") - 1.0).abs();
            assert!(error <= case.tolerance(), "{}: {got}", case.id());
        }
        let timeouts = oracle::cases("phi_timeout");
        for case in timeouts.iter().filter(|c| c.param("law") == "normal") {
            let (mean, deviation) = (case.number("mean"), case.number("sd"));
            case.assert_met_by(elapsed(case.number("phi"), mean, deviation));
        }
    }

    #[test]
    fn the_window_decides_and_the_deviation_has_a_floor() {
        let bounds = (1_000, SimDuration::from_ns(100));
        let mut judge = PhiPaper::new(1_000, 8.0, bounds, 0);
        let z = deviations_at(8.0);
        assert!((z - 5.612_001).abs() < 1e-6);
        assert_eq!(
            judge.trusted_until_ns(),
            (1_000.0 + z * 250.0).ceil() as u64
        );
        for number in 1..=10 {
            judge.on_heartbeat(Beat {
                number,
                sent_ns: 0,
                arrived_ns: number * 1_000,
            });
        }
        assert_eq!(judge.trusted_until_ns(), 10_000 + 1_562);
        // Intervals of 1000, nine times, and 2000: mean 1100, deviation 300.
        judge.on_heartbeat(Beat {
            number: 12,
            sent_ns: 0,
            arrived_ns: 12_000,
        });
        assert_eq!(judge.trusted_until_ns(), 12_000 + 1_100 + 1_684);
    }
}
