//! What the replications of a point say together.

use xxhash_rust::xxh64::Xxh64;

use super::super::rare::{RareEvents, rare_events};
use super::execute::{Outcome, RunRecord};
use super::pareto::{Front, front};
use crate::metrics::evaluate::Reading;
use crate::scenario::measure::{AskedMeasure, MeasureRef};
use crate::scenario::measure_catalog::direction;
use crate::stats::interval::{MeanInterval, mean_interval};

/// One measure of one point over its replications.
#[derive(Clone, Debug, PartialEq)]
pub struct PointMeasure {
    /// Replications in which the number exists, those in which it never came included.
    pub known_count: u32,
    /// Replications in which it never came: it is infinite there.
    pub never_count: u32,
    /// Replications without the number, failed ones included.
    pub missing_count: u32,
    /// The mean with its 95 % interval; None unless every replication has a finite number.
    pub mean: Option<MeanInterval>,
    /// How often a rare event happens, where the measure counts one.
    pub rare: Option<RareEvents>,
}

/// What all points of a sweep say.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepSummary {
    /// By point, then by measure.
    pub points: Vec<Vec<PointMeasure>>,
    /// The xxHash64 of the digests of all runs, in plan order; a failed run has the digest 0.
    pub digest: u64,
    /// Handled events of all runs.
    pub event_count: u64,
    /// Runs that failed.
    pub failed_count: u32,
    /// The best compromises, if they were asked for and some point has both numbers.
    pub front: Option<Front>,
}

/// Makes a summary out of the points of a sweep, which are given in order.
pub struct Summarizer<'a> {
    asked: &'a [AskedMeasure],
    hasher: Xxh64,
    summary: SweepSummary,
}

impl<'a> Summarizer<'a> {
    /// Of points that were asked for these measures.
    pub fn new(asked: &'a [AskedMeasure]) -> Self {
        Summarizer {
            asked,
            hasher: Xxh64::new(0),
            summary: SweepSummary {
                points: Vec::new(),
                digest: 0,
                event_count: 0,
                failed_count: 0,
                front: None,
            },
        }
    }

    /// Takes in the next point.
    pub fn add_point(&mut self, records: &[RunRecord]) {
        for record in records {
            let digest = match &record.outcome {
                Outcome::Done {
                    digest,
                    event_count,
                    ..
                } => {
                    let sum = self.summary.event_count.saturating_add(*event_count);
                    self.summary.event_count = sum;
                    *digest
                }
                Outcome::Failed(_) => {
                    self.summary.failed_count += 1;
                    0
                }
            };
            self.hasher.update(&digest.to_le_bytes());
        }
        let measures = point_measures(records, self.asked);
        self.summary.points.push(measures);
    }

    /// The summary, with the best compromises between two of the measures.
    pub fn finish(self, pareto: Option<[usize; 2]>) -> SweepSummary {
        let asked = self.asked;
        let mut summary = self.summary;
        summary.digest = self.hasher.digest();
        summary.front = pareto.and_then(|sides| {
            let mean = |point: &[PointMeasure], side: usize| point[side].mean.map(|mean| mean.mean);
            let both =
                |point: &Vec<PointMeasure>| Some([mean(point, sides[0])?, mean(point, sides[1])?]);
            let values: Vec<Option<[f64; 2]>> = summary.points.iter().map(both).collect();
            front(&values, sides.map(|side| direction(&asked[side].measure)))
        });
        summary
    }
}

/// All measures of a point, given the records of its replications.
pub fn point_measures(records: &[RunRecord], asked: &[AskedMeasure]) -> Vec<PointMeasure> {
    let measured_secs = records.iter().find_map(|record| match record.outcome {
        Outcome::Done { measured_secs, .. } => Some(measured_secs),
        Outcome::Failed(_) => None,
    });
    let measured_secs = measured_secs.unwrap_or_default();
    let of_measure = |(place, asked): (usize, &AskedMeasure)| {
        let values = records.iter().map(|record| value(record, place));
        measure(&values.collect::<Vec<_>>(), &asked.measure, measured_secs)
    };
    asked.iter().enumerate().map(of_measure).collect()
}

/// One number of one run; infinite where it never came, None where it does not exist.
pub fn value(record: &RunRecord, measure: usize) -> Option<f64> {
    let Outcome::Done { readings, .. } = &record.outcome else {
        return None;
    };
    match &readings[measure] {
        Reading::Known(value) => Some(*value),
        Reading::Undecided(_) => None,
    }
}

fn measure(values: &[Option<f64>], asked: &MeasureRef, measured_secs: f64) -> PointMeasure {
    let count = |is_counted: &dyn Fn(&Option<f64>) -> bool| {
        let counted = values.iter().filter(|value| is_counted(value)).count();
        u32::try_from(counted).expect("replications are counted in 32 bits")
    };
    let all: Option<Vec<f64>> = values.iter().copied().collect();
    let finite = all.filter(|values| values.iter().all(|value| value.is_finite()));
    PointMeasure {
        known_count: count(&|value| value.is_some()),
        never_count: count(&|value| value.is_some_and(f64::is_infinite)),
        missing_count: count(&|value| value.is_none()),
        mean: finite.and_then(|values| mean_interval(&values)),
        rare: rare_events(asked, values, measured_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::measure::{Aggregation, Measure, Phase, Scope, Statistic};

    fn of(values: &[Option<f64>], of: Measure) -> PointMeasure {
        let asked = MeasureRef {
            measure: of,
            statistic: Statistic::Value,
            scope: Scope::default(),
            aggregation: Aggregation::Pooled,
            phase: Phase::Whole,
        };
        measure(values, &asked, 100.0)
    }

    #[test]
    fn what_never_came_is_counted_and_not_averaged() {
        let point = of(
            &[Some(1.0), Some(f64::INFINITY), None],
            Measure::RecoveryTime,
        );
        let counts = (point.known_count, point.never_count, point.missing_count);
        assert_eq!((counts, point.mean), ((2, 1, 1), None));
    }

    #[test]
    fn a_mistake_that_nobody_saw_is_bounded_from_above() {
        let point = of(&[Some(0.0); 10], Measure::MistakeRate);
        // 3.0 in 1,000 s.
        let rare = point.rare.expect("mistakes are rare");
        assert!((rare.high_per_sec - 2.995_732e-3).abs() < 1e-8);
    }
}
