//! What the replications of a point say together.

use xxhash_rust::xxh64::Xxh64;

use super::super::compare::sample::{Level, Sample};
use super::super::pool::Pool;
use super::super::rare::{RareEvents, is_rare_rate, rare_events};
use super::super::study::Estimate;
use super::execute::{Outcome, RunRecord};
use super::paired::{PairedNumbers, all_finite};
use super::pareto::{Front, front_paired};
use crate::metrics::evaluate::Reading;
use crate::metrics::lengths::Evidence;
use crate::scenario::measure::AskedMeasure;
use crate::scenario::measure_catalog::{direction, info};

/// One measure of one point over its replications.
#[derive(Clone, Debug, PartialEq)]
pub struct PointMeasure {
    /// Replications in which the number exists, those in which it never came included. One may be
    /// too short for a percentile of its own, although all together have one.
    pub known_count: u32,
    /// Replications in which it never came: it is infinite there.
    pub never_count: u32,
    /// Replications without the number, failed ones included.
    pub missing_count: u32,
    /// The number over all replications: the percentile of all samples, or the mean of the runs.
    pub level: Level,
    /// The number and the ends of its 95 % interval, that of a rare event exactly; None where
    /// there is none, or where it never came.
    pub interval: Option<Estimate>,
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

/// Makes a summary out of the runs of a sweep, which are given in plan order. It holds one point
/// at a time.
pub struct Summarizer<'a> {
    asked: &'a [AskedMeasure],
    repeat: u32,
    hasher: Xxh64,
    point: PointRuns,
    summary: SweepSummary,
    /// The two measures whose best compromises are sought, and their numbers.
    pareto: Option<([usize; 2], PairedNumbers)>,
}

/// The runs of a point so far.
#[derive(Default)]
struct PointRuns {
    readings: Vec<Vec<Reading>>,
    pools: Vec<Pool>,
    measured_secs: f64,
    is_any_failed: bool,
}

impl<'a> Summarizer<'a> {
    /// Of points that were asked for these measures, `repeat` runs each on the same seeds; with
    /// the best compromises between two of the measures.
    pub fn new(asked: &'a [AskedMeasure], repeat: u32, pareto: Option<[usize; 2]>) -> Self {
        let unit = |place: usize| {
            let measure = &asked[place].measure;
            info(measure.measure).unit_of(measure.statistic)
        };
        Summarizer {
            asked,
            repeat,
            pareto: pareto.map(|sides| (sides, PairedNumbers::new(sides.map(unit)))),
            hasher: Xxh64::new(0),
            point: PointRuns::default(),
            summary: SweepSummary {
                points: Vec::new(),
                digest: 0,
                event_count: 0,
                failed_count: 0,
                front: None,
            },
        }
    }

    /// Takes in the next run.
    pub fn add(&mut self, record: &RunRecord) {
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
        self.point.add(self.asked, record);
        if self.point.readings.len() == self.repeat as usize {
            let point = std::mem::take(&mut self.point);
            let values = self.pareto.as_ref().map(|(sides, _)| {
                let of = |side: usize| all_finite(point.readings.iter().map(|run| &run[side]));
                sides.map(of)
            });
            let measures = point.measures(self.asked);
            if let (Some((sides, paired)), Some(mut values)) = (&mut self.pareto, values) {
                // Few events have an exact interval, which their differences have not.
                for (side, values) in sides.iter().zip(&mut values) {
                    values.take_if(|_| {
                        measures[*side].rare.is_some() && is_rare_rate(&self.asked[*side].measure)
                    });
                }
                paired.add(values);
            }
            self.summary.points.push(measures);
        }
    }

    /// The summary.
    pub fn finish(self) -> SweepSummary {
        let asked = self.asked;
        let mut summary = self.summary;
        summary.digest = self.hasher.digest();
        summary.front = self.pareto.and_then(|(sides, paired)| {
            let both = |point: &Vec<PointMeasure>| {
                Some([point[sides[0]].interval?, point[sides[1]].interval?])
            };
            let values: Vec<_> = summary.points.iter().map(both).collect();
            let directions = sides.map(|side| direction(&asked[side].measure));
            let gap = |own, other, side| paired.gap(own, other, side);
            front_paired(&values, directions, gap)
        });
        summary
    }
}

impl PointRuns {
    fn add(&mut self, asked: &[AskedMeasure], record: &RunRecord) {
        let replication = u32::try_from(self.readings.len()).expect("counted in 32 bits");
        self.pools.resize_with(asked.len(), Pool::default);
        match &record.outcome {
            Outcome::Failed(reason) => {
                self.is_any_failed = true;
                let missing = Reading::Undecided(format!("a run failed: {reason}"));
                self.readings.push(vec![missing; asked.len()]);
            }
            Outcome::Done {
                measured_secs,
                readings,
                evidence,
                ..
            } => {
                self.measured_secs = *measured_secs;
                for (place, asked) in asked.iter().enumerate() {
                    let kept = evidence.get(place).and_then(Option::as_ref);
                    let statistic = asked.measure.statistic;
                    if let Some(own) = kept.and_then(|kept| Evidence::of_kept(kept, statistic)) {
                        self.pools[place].add(replication, &own);
                    }
                }
                self.readings.push(readings.clone());
            }
        }
    }

    fn measures(mut self, asked: &[AskedMeasure]) -> Vec<PointMeasure> {
        if self.is_any_failed {
            // The samples of some runs are not known.
            self.pools.clear();
        }
        let sample = Sample {
            name: String::new(),
            readings: self.readings,
            pools: self.pools,
        };
        let measure = |(place, asked): (usize, &AskedMeasure)| {
            let values = sample.values(place);
            let count = |is_counted: &dyn Fn(&Option<f64>) -> bool| {
                let counted = values.iter().filter(|value| is_counted(value)).count();
                u32::try_from(counted).expect("replications are counted in 32 bits")
            };
            let rare = rare_events(&asked.measure, &values, self.measured_secs);
            let level = sample.level(place);
            PointMeasure {
                known_count: count(&|value| value.is_some()),
                never_count: count(&|value| value.is_some_and(f64::is_infinite)),
                missing_count: count(&|value| value.is_none()),
                interval: interval(&level, rare.filter(|_| is_rare_rate(&asked.measure))),
                level,
                rare,
            }
        };
        asked.iter().enumerate().map(measure).collect()
    }
}

fn interval(level: &Level, rare_rate: Option<RareEvents>) -> Option<Estimate> {
    let (value, low, high) = level.interval().filter(|(value, ..)| value.is_finite())?;
    let (low, high) = rare_rate.map_or((low, high), |rare| rare.scaled(value));
    Some(Estimate { value, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::histogram::Samples;
    use crate::metrics::lengths::{KeptEvidence, Lengths};
    use crate::scenario::measure::{Aggregation, Measure, MeasureRef, Phase, Scope, Statistic};
    use crate::time::SimDuration;

    fn asked(measure: Measure, statistic: Statistic) -> AskedMeasure {
        AskedMeasure {
            text: String::new(),
            measure: MeasureRef {
                measure,
                statistic,
                scope: Scope::default(),
                aggregation: Aggregation::Pooled,
                phase: Phase::Whole,
            },
        }
    }

    fn record(reading: Reading, evidence: Option<KeptEvidence>) -> RunRecord {
        RunRecord {
            run: 0,
            seed: 0,
            outcome: Outcome::Done {
                digest: 1,
                event_count: 1,
                measured_secs: 100.0,
                readings: vec![reading],
                evidence: vec![evidence],
            },
        }
    }

    fn point(asked: AskedMeasure, records: &[RunRecord]) -> PointMeasure {
        let asked = [asked];
        let count = u32::try_from(records.len()).expect("few");
        let mut summarizer = Summarizer::new(&asked, count, None);
        records.iter().for_each(|record| summarizer.add(record));
        summarizer.finish().points.remove(0).remove(0)
    }

    fn of(values: &[Option<f64>], measure: Measure) -> PointMeasure {
        let reading = |value: &Option<f64>| match value {
            Some(value) => Reading::Known(*value),
            None => Reading::Undecided("no request".to_string()),
        };
        let records: Vec<RunRecord> = values.iter().map(|v| record(reading(v), None)).collect();
        point(asked(measure, Statistic::Value), &records)
    }

    #[test]
    fn what_never_came_is_counted_and_not_averaged() {
        let point = of(
            &[Some(1.0), Some(f64::INFINITY), None],
            Measure::RecoveryTime,
        );
        let counts = (point.known_count, point.never_count, point.missing_count);
        assert_eq!((counts, point.interval), ((2, 1, 1), None));
    }

    #[test]
    fn a_mistake_that_nobody_saw_is_bounded_from_above() {
        let point = of(&[Some(0.0); 10], Measure::MistakeRate);
        // 3.0 in 1,000 s.
        let rare = point.rare.expect("mistakes are rare");
        assert!((rare.high_per_sec - 2.995_732e-3).abs() < 1e-8);
        let interval = point.interval.expect("known");
        assert_eq!((interval.value, interval.low), (0.0, 0.0));
        assert_eq!(interval.high, rare.high_per_sec);
    }

    /// A run of samples of 1 ms, 2 ms, ... which alone has one above its p99.
    fn hundred() -> RunRecord {
        let mut samples = Samples::default();
        (1..=100).for_each(|ms| samples.record(SimDuration::from_ms(ms)));
        let few = Reading::Undecided("only 1 of 100".to_string());
        let kept = KeptEvidence::Samples(Lengths::new(&samples, 0).buckets());
        record(few, Some(kept))
    }

    #[test]
    fn a_percentile_is_that_of_the_samples_of_all_runs() {
        let p99 = || asked(Measure::Latency, Statistic::Percentile(99.0));
        let all = point(p99(), &vec![hundred(); 10]);
        let interval = all.interval.expect("ten lie above");
        assert!((interval.value - 0.099).abs() < 1e-4, "{interval:?}");
        assert_eq!((all.known_count, all.missing_count), (0, 10));
        // Nine have nine above.
        assert_eq!(point(p99(), &vec![hundred(); 9]).interval, None);
        // Of a run that failed the samples are missing.
        let failed = RunRecord {
            outcome: Outcome::Failed("no memory".to_string()),
            ..hundred()
        };
        let all = point(p99(), &[vec![hundred(); 10], vec![failed]].concat());
        assert_eq!(all.interval, None);
    }

    #[test]
    fn one_failure_in_many_runs_is_no_less_than_none() {
        let success = || asked(Measure::SuccessRatio, Statistic::Value);
        let run = |part: u64| {
            let kept = KeptEvidence::Share { part, whole: 2_000 };
            record(Reading::Known(part as f64 / 2_000.0), Some(kept))
        };
        let mut runs = vec![run(2_000); 35];
        let none = point(success(), &runs).interval.expect("known");
        runs[4] = run(1_999);
        let one = point(success(), &runs).interval.expect("known");
        assert!(
            one.low < none.low && none.low < 0.999_95,
            "{one:?} {none:?}"
        );
        assert!(one.high < 1.0 && none.high == 1.0, "{one:?} {none:?}");
    }
}
