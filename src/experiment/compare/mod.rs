//! Variants of a scenario, compared on the same seeds.
//!
//! Numbers are compared by replication: shares by their difference, other numbers by their ratio
//! where all are positive. A number that never came in some replications is not averaged: its
//! pairs are judged by who was lower. Verdicts hold together: Holm's correction is over all of
//! them.

#[cfg(test)]
mod tests;

use crate::metrics::evaluate::Reading;
use crate::scenario::measure::{Aggregation, Phase};
use crate::scenario::measure::{AskedMeasure, Measure, MeasureRef, Statistic, Unit};
use crate::scenario::measure_catalog::{Direction, direction, info};
use crate::stats::binomial::{sign_test_p_value, wilson_interval};
use crate::stats::contrast::{Contrast, Pairing, RatioContrast, difference, ratio};
use crate::stats::holm;
use crate::stats::interval::{MeanInterval, mean_interval};
use crate::stats::moments::mean;
use crate::stats::poisson;
use crate::stats::quantile::{interval_ranks, quantile};

/// Fewest replications for a verdict.
pub const VERDICT_RUN_COUNT_MIN: usize = 5;
/// The level of all intervals.
const LEVEL: f64 = 0.95;
/// The normal quantile of that level.
const Z: f64 = 1.959_963_984_540_054;

/// What one variant gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The variant.
    pub name: String,
    /// By replication, the readings of [`questions`].
    pub readings: Vec<Vec<Reading>>,
}

/// All variants against one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The place of the reference.
    pub reference: usize,
    /// The variants, in order.
    pub variants: Vec<String>,
    /// Replications of each.
    pub run_count: usize,
    /// One for each measure, in the order asked.
    pub measures: Vec<MeasureComparison>,
}

/// One measure of all variants.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureComparison {
    /// The measure as written.
    pub text: String,
    /// What kind of number it is.
    pub unit: Unit,
    /// Which way it gets better.
    pub direction: Direction,
    /// By variant.
    pub rows: Vec<Row>,
}

/// One measure of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// By replication; infinite where it never came, None where it does not exist.
    pub values: Vec<Option<f64>>,
    /// All replications together.
    pub level: Level,
    /// Against the reference; None of the reference itself and where there is nothing to compare.
    pub effect: Option<Effect>,
    /// The p-value after Holm's correction.
    pub p_adjusted: Option<f64>,
    /// What it means; None of the reference itself.
    pub verdict: Option<Verdict>,
    /// How often a rare event happens, where the measure counts one.
    pub rare: Option<RareEvents>,
}

/// A number over all replications.
#[derive(Clone, Debug, PartialEq)]
pub enum Level {
    /// Its mean, with a 95 % interval.
    Mean(MeanInterval),
    /// It never came in some replications.
    Censored {
        /// In how many.
        never_count: usize,
        /// The 95 % interval (Wilson) of their share.
        never_ratio: (f64, f64),
        /// The median, infinite where it never came in half of them.
        median: f64,
        /// Its interval of at least 95 %; None with fewer than six replications.
        median_interval: Option<(f64, f64)>,
    },
    /// It does not exist in some replications.
    Unknown {
        /// In how many it does.
        known_count: usize,
        /// Why not in the first of the others.
        reason: String,
    },
}

/// How far a variant is from the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// By its ratio.
    Ratio(RatioContrast),
    /// By its difference.
    Difference(Contrast),
    /// By who was lower in a replication, because one of them never got there in some.
    Signs {
        /// Replications in which the variant was lower.
        lower_count: u64,
        /// Replications in which the reference was lower.
        higher_count: u64,
    },
}

/// What a comparison means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the reference.
    Better,
    /// Worse than the reference.
    Worse,
    /// A better latency of fewer successes.
    TradeOff,
    /// Higher, of a number that is neither better nor worse.
    Higher,
    /// Lower, of a number that is neither better nor worse.
    Lower,
    /// The replications do not tell. This is not: there is no difference.
    NoEvidence,
    /// The number does not exist in some replications of one of both.
    NotComparable,
}

/// How often a rare event happens: at most one is counted in a replication, because one burst is
/// seen by many observers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RareEvents {
    /// Replications in which it happened.
    pub seen_count: u64,
    /// Measured time of all replications.
    pub exposure_secs: f64,
    /// Lower end of the exact 95 % interval per second.
    pub low_per_sec: f64,
    /// Its upper end.
    pub high_per_sec: f64,
}

/// What to read of every run, two numbers a measure: the measure, and the success ratio of the
/// same requests, without which a better latency means nothing.
pub fn questions(asked: &[AskedMeasure]) -> Vec<AskedMeasure> {
    let success = |asked: &AskedMeasure| AskedMeasure {
        text: "success_ratio".to_string(),
        measure: MeasureRef {
            measure: Measure::SuccessRatio,
            statistic: Statistic::Value,
            aggregation: Aggregation::Pooled,
            ..asked.measure
        },
    };
    let pairs = asked.iter().map(|asked| [asked.clone(), success(asked)]);
    pairs.flatten().collect()
}

/// Compares the samples of variants with the one at `reference`. `measured_secs` is the length of
/// the measured window of one replication.
///
/// # Panics
///
/// If the samples do not have the same number of replications, at least one.
pub fn compare(
    asked: &[AskedMeasure],
    samples: &[Sample],
    reference: usize,
    measured_secs: f64,
) -> Comparison {
    let run_count = samples[reference].readings.len();
    assert!(0 < run_count && samples.iter().all(|s| s.readings.len() == run_count));
    let mut p_values = Vec::new();
    let mut measures: Vec<MeasureComparison> = (0..asked.len())
        .map(|place| {
            let measure = one_measure(&asked[place], place, samples, reference, measured_secs);
            p_values.extend(measure.rows.iter().filter_map(|row| row.p_value()));
            measure
        })
        .collect();
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    for (place, measure) in measures.iter_mut().enumerate() {
        let is_latency = is_latency(&asked[place].measure);
        let direction = measure.direction;
        for (variant, row) in measure.rows.iter_mut().enumerate() {
            row.p_adjusted = row.p_value().and_then(|_| adjusted.next());
            if variant != reference {
                let is_enough = VERDICT_RUN_COUNT_MIN <= run_count;
                let verdict = row.verdict(direction).filter(|_| is_enough);
                let fewer = || fewer_succeed(&samples[variant], &samples[reference], place);
                row.verdict = Some(match verdict {
                    Some(Verdict::Better) if is_latency && fewer() => Verdict::TradeOff,
                    Some(verdict) => verdict,
                    None if row.effect.is_none() => Verdict::NotComparable,
                    None => Verdict::NoEvidence,
                });
            }
        }
    }
    Comparison {
        reference,
        variants: samples.iter().map(|sample| sample.name.clone()).collect(),
        run_count,
        measures,
    }
}

impl Row {
    /// The p-value of no effect; None also where all pairs are equal: such a test can reject
    /// nothing, so it does not count among those that Holm's correction is over (Tarone 1990).
    pub fn p_value(&self) -> Option<f64> {
        let effect = self.effect.as_ref().filter(|effect| !effect.is_none())?;
        Some(match effect {
            Effect::Ratio(ratio) => ratio.logarithms.p_value,
            Effect::Difference(contrast) => contrast.p_value,
            Effect::Signs {
                lower_count,
                higher_count,
            } => sign_test_p_value(*lower_count, *higher_count),
        })
    }

    /// The correlation that common random numbers reached, and how the pairs were compared.
    pub fn pairing(&self) -> Option<(Option<f64>, Pairing)> {
        let contrast = match self.effect.as_ref()? {
            Effect::Ratio(ratio) => ratio.logarithms,
            Effect::Difference(contrast) => *contrast,
            Effect::Signs { .. } => return None,
        };
        Some((contrast.correlation, contrast.pairing))
    }

    fn verdict(&self, direction: Direction) -> Option<Verdict> {
        if 1.0 - LEVEL < self.p_adjusted? {
            return None;
        }
        let is_lower = self.effect.as_ref()?.is_lower();
        Some(match (direction, is_lower) {
            (Direction::Neither, true) => Verdict::Lower,
            (Direction::Neither, false) => Verdict::Higher,
            (Direction::Lower, true) | (Direction::Higher, false) => Verdict::Better,
            (Direction::Lower, false) | (Direction::Higher, true) => Verdict::Worse,
        })
    }
}

impl Effect {
    /// Whether all pairs are equal.
    pub fn is_none(&self) -> bool {
        let interval = match self {
            Effect::Ratio(ratio) => ratio.logarithms.difference,
            Effect::Difference(contrast) => contrast.difference,
            Effect::Signs {
                lower_count,
                higher_count,
            } => return lower_count + higher_count == 0,
        };
        interval.mean == 0.0 && interval.half_width == 0.0
    }

    /// Whether the variant is lower than the reference.
    pub fn is_lower(&self) -> bool {
        match self {
            Effect::Ratio(ratio) => ratio.ratio < 1.0,
            Effect::Difference(contrast) => contrast.difference.mean < 0.0,
            Effect::Signs {
                lower_count,
                higher_count,
            } => higher_count < lower_count,
        }
    }
}

impl Comparison {
    /// The row of a measure and a variant.
    pub fn row(&self, measure: usize, variant: usize) -> &Row {
        &self.measures[measure].rows[variant]
    }
}

fn one_measure(
    asked: &AskedMeasure,
    place: usize,
    samples: &[Sample],
    reference: usize,
    measured_secs: f64,
) -> MeasureComparison {
    let unit = info(asked.measure.measure).unit_of(asked.measure.statistic);
    let of_reference = values(&samples[reference], 2 * place);
    let rows = samples.iter().enumerate().map(|(variant, sample)| {
        let values = values(sample, 2 * place);
        let is_compared = variant != reference;
        Row {
            level: level(sample, 2 * place, &values),
            effect: is_compared
                .then(|| effect(unit, &values, &of_reference))
                .flatten(),
            p_adjusted: None,
            verdict: None,
            rare: rare_events(&asked.measure, &values, measured_secs),
            values,
        }
    });
    MeasureComparison {
        text: asked.text.clone(),
        unit,
        direction: direction(&asked.measure),
        rows: rows.collect(),
    }
}

fn values(sample: &Sample, question: usize) -> Vec<Option<f64>> {
    let readings = sample.readings.iter().map(|run| &run[question]);
    readings
        .map(|reading| match reading {
            Reading::Known(value) => Some(*value),
            Reading::Undecided(_) => None,
        })
        .collect()
}

fn level(sample: &Sample, question: usize, values: &[Option<f64>]) -> Level {
    let mut known: Vec<f64> = values.iter().flatten().copied().collect();
    if known.len() < values.len() {
        let readings = sample.readings.iter().map(|run| &run[question]);
        let mut reasons = readings.filter_map(|reading| match reading {
            Reading::Undecided(reason) => Some(reason.clone()),
            Reading::Known(_) => None,
        });
        return Level::Unknown {
            known_count: known.len(),
            reason: reasons.next().unwrap_or_default(),
        };
    }
    let never_count = known.iter().filter(|value| value.is_infinite()).count();
    if never_count == 0 {
        return Level::Mean(mean_interval(&known).expect("there is a replication"));
    }
    known.sort_by(f64::total_cmp);
    let count = known.len() as u64;
    let at = |rank: u64| known[rank as usize - 1];
    Level::Censored {
        never_count,
        never_ratio: wilson_interval(never_count as u64, count, Z).expect("there is a replication"),
        median: quantile(&known, 0.5),
        median_interval: interval_ranks(0.5, count, LEVEL).map(|(l, h, _)| (at(l), at(h))),
    }
}

fn effect(unit: Unit, values: &[Option<f64>], reference: &[Option<f64>]) -> Option<Effect> {
    let values: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
    let reference: Vec<f64> = reference.iter().copied().collect::<Option<_>>()?;
    if values.iter().chain(&reference).any(|x| x.is_infinite()) {
        let pairs = || values.iter().zip(&reference);
        return Some(Effect::Signs {
            lower_count: pairs().filter(|(x, y)| x < y).count() as u64,
            higher_count: pairs().filter(|(x, y)| x > y).count() as u64,
        });
    }
    let by_ratio = match unit {
        Unit::Ratio => None,
        Unit::Time | Unit::Rate | Unit::Number => ratio(&values, &reference).map(Effect::Ratio),
    };
    by_ratio.or_else(|| difference(&values, &reference).map(Effect::Difference))
}

/// Latencies are those of successes, so they need the success ratio beside them.
fn is_latency(measure: &MeasureRef) -> bool {
    measure.measure == Measure::Latency || measure.measure.is_of_breakdown()
}

/// Whether the requests of a measure succeed less often than with the reference: their interval,
/// not corrected, excludes that they do not.
fn fewer_succeed(sample: &Sample, reference: &Sample, place: usize) -> bool {
    let known = |sample| {
        let values = values(sample, 2 * place + 1).into_iter();
        values.collect::<Option<Vec<f64>>>()
    };
    let (Some(values), Some(reference)) = (known(sample), known(reference)) else {
        return false;
    };
    difference(&values, &reference).is_some_and(|contrast| contrast.difference.high() < 0.0)
}

/// How often a rare event happens, of a measure that counts one.
pub(super) fn rare_events(
    measure: &MeasureRef,
    values: &[Option<f64>],
    measured_secs: f64,
) -> Option<RareEvents> {
    let is_rare = matches!(
        measure.measure,
        Measure::MistakeCount | Measure::MistakeRate
    );
    if !is_rare || measure.phase != Phase::Whole {
        return None;
    }
    let known: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
    // Events that happen in most replications are not rare, and one each would count too few.
    let seen_count = known.iter().filter(|value| 0.0 < **value).count() as u64;
    if 0.5 < mean(&known.iter().map(|x| x.min(1.0)).collect::<Vec<_>>())? {
        return None;
    }
    let exposure_secs = measured_secs * known.len() as f64;
    let (low, high) = poisson::mean_interval(seen_count, LEVEL);
    Some(RareEvents {
        seen_count,
        exposure_secs,
        low_per_sec: low / exposure_secs,
        high_per_sec: high / exposure_secs,
    })
}
