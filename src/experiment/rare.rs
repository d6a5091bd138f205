//! Events that are few, and may come in bursts.

use crate::scenario::measure::{Measure, MeasureRef, Phase};
use crate::stats::poisson;

/// The level of all intervals.
const LEVEL: f64 = 0.95;
const SECS_PER_HOUR: f64 = 3_600.0;
/// Hours that are worth a forecast at most: a thousand years.
const HOURS_MAX: f64 = 1e7;

/// How often something happens, by the events that are independent of each other: one burst is seen
/// by many observers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RareEvents {
    /// Independent events; where it is rare, the replications in which it happened.
    pub seen_count: u64,
    /// Measured time of all replications.
    pub exposure_secs: f64,
    /// Lower end of the exact 95 % interval per second.
    pub low_per_sec: f64,
    /// Its upper end; one-sided where none was seen.
    pub high_per_sec: f64,
}

/// Whether a measure counts such events over the whole run.
pub fn is_rare_count(measure: &MeasureRef) -> bool {
    let is_one = matches!(
        measure.measure,
        Measure::MistakeCount | Measure::MistakeRate | Measure::LostKeyCount
    );
    is_one && measure.phase == Phase::Whole
}

/// Whether a measure is the rate of such events, of which an upper limit can be judged.
pub fn is_rare_rate(measure: &MeasureRef) -> bool {
    measure.measure == Measure::MistakeRate && measure.phase == Phase::Whole
}

/// The events of replications of `measured_secs` each, by their number or rate in each of them: one
/// for each in which they happened. None where that is more than half of the replications: then
/// they are not rare, and one for each would count too few.
pub fn bursts(values: &[f64], measured_secs: f64) -> Option<RareEvents> {
    let seen_count = values.iter().filter(|value| 0.0 < **value).count();
    if values.len() < 2 * seen_count {
        return None;
    }
    let exposure_secs = measured_secs * values.len() as f64;
    Some(RareEvents::new(seen_count as u64, exposure_secs))
}

/// How often a rare event happens, of a measure that counts one, by its number in each replication.
pub fn rare_events(
    measure: &MeasureRef,
    values: &[Option<f64>],
    measured_secs: f64,
) -> Option<RareEvents> {
    if !is_rare_count(measure) {
        return None;
    }
    let known: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
    bursts(&known, measured_secs)
}

impl RareEvents {
    /// So many independent events in all of the measured time.
    pub fn new(seen_count: u64, exposure_secs: f64) -> Self {
        let (low, high) = poisson::mean_interval(seen_count, LEVEL);
        RareEvents {
            seen_count,
            exposure_secs,
            low_per_sec: low / exposure_secs,
            high_per_sec: high / exposure_secs,
        }
    }

    /// The interval of a rate that these events make up, like that of the mistakes that observers
    /// make in bursts. Where none was seen, every burst is taken to reach every observer.
    pub fn scaled(&self, rate: f64) -> (f64, f64) {
        match self.seen_count {
            0 => (0.0, self.high_per_sec),
            seen_count => {
                let factor = rate * self.exposure_secs / seen_count as f64;
                (self.low_per_sec * factor, self.high_per_sec * factor)
            }
        }
    }

    /// Hours that must be measured besides until the upper bound of the rate is at most `limit`, if
    /// events go on as rarely; None where no number of hours does it.
    pub fn hours_needed(&self, rate: f64, limit: f64) -> Option<f64> {
        if limit <= rate {
            return None;
        }
        let seen_ratio = self.seen_count as f64;
        let upper = |times: f64| {
            let count = (seen_ratio * times).ceil() as u64;
            let (_, high) = poisson::mean_interval(count, LEVEL);
            let weight = match self.seen_count {
                0 => 1.0,
                _ => rate * self.exposure_secs / seen_ratio,
            };
            high * weight / (self.exposure_secs * times)
        };
        let mut times = 1.0;
        while limit < upper(times) {
            // Steps of a percent; where nothing was seen the bound falls like the exposure.
            times *= match self.seen_count {
                0 => upper(times) / limit,
                _ => 1.01,
            };
            let hours = self.exposure_secs * times / SECS_PER_HOUR;
            if limit <= 0.0 || HOURS_MAX < hours {
                return None;
            }
            if self.seen_count == 0 {
                break;
            }
        }
        Some(self.exposure_secs * (times - 1.0) / SECS_PER_HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_many_observers_counts_once() {
        let mut values = [0.0; 24];
        values[3] = 50.0;
        let rare = bursts(&values, 3_600.0).expect("rare");
        assert_eq!((rare.seen_count, rare.exposure_secs), (1, 86_400.0));
        // One a day, exactly between 0.0253 and 5.572.
        assert!((rare.low_per_sec * 86_400.0 - 0.025_3).abs() < 1e-4);
        assert!((rare.high_per_sec * 86_400.0 - 5.572).abs() < 1e-3);
    }

    #[test]
    fn what_most_replications_see_is_not_rare() {
        assert_eq!(bursts(&[1.0, 1.0, 0.0], 1.0), None);
        assert!(bursts(&[1.0, 0.0], 1.0).is_some());
    }

    #[test]
    fn more_hours_bring_the_bound_down() {
        let none = bursts(&[0.0; 10], 3_600.0).expect("rare");
        let hours = none.hours_needed(0.0, 1.0 / 86_400.0).expect("decidable");
        assert!((hours - (24.0 * 2.995_732 - 10.0)).abs() < 1e-3, "{hours}");
        assert_eq!(none.hours_needed(0.0, 0.0), None);
        // One in 10 h, and a limit of one in 5 h: a count of k in k times 10 h is below the limit
        // where its upper end is at most 2 k, which is at eight (15.76) and not at seven (14.42).
        let mut values = [0.0; 10];
        values[0] = 1.0 / 3_600.0;
        let one = bursts(&values, 3_600.0).expect("rare");
        let hours = one
            .hours_needed(0.1 / 3_600.0, 0.2 / 3_600.0)
            .expect("decidable");
        assert!((60.0..=70.0).contains(&hours), "{hours}");
        assert_eq!(one.hours_needed(0.1 / 3_600.0, 0.05 / 3_600.0), None);
    }
}
