//! Variants of a scenario, compared on the same seeds.
//!
//! Numbers are compared by replication: shares by their difference, other numbers by their ratio
//! where all are positive. A number that never came in some replications is not averaged: its
//! pairs are judged by who was lower. Verdicts hold together: Holm's correction is over all of
//! them, or over those of the primary measure where there is one; then the others have none.

pub mod between;
pub mod effect;
pub mod sample;
#[cfg(test)]
mod tests;

use crate::experiment::rare::{RareEvents, bursts, is_rare_count};
use crate::scenario::measure::{Aggregation, AskedMeasure, Measure, MeasureRef, Statistic, Unit};
use crate::scenario::measure_catalog::{Direction, direction, info};
use crate::stats::contrast::{Pairing, difference, unpaired};
use crate::stats::holm;
use effect::{Effect, Pairs};
use sample::{Level, Sample};

/// Fewest replications for a verdict.
pub const VERDICT_RUN_COUNT_MIN: usize = 5;
/// The level of all intervals.
const LEVEL: f64 = 0.95;
/// The normal quantile of that level.
const Z: f64 = 1.959_963_984_540_054;

/// A measure that variants are compared in.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// As written.
    pub text: String,
    /// What kind of number it is.
    pub unit: Unit,
    /// Which way it gets better.
    pub direction: Direction,
    /// Whether it counts events that are rare.
    pub is_rare: bool,
    /// How small a difference means nothing: for shares in points of the whole, otherwise
    /// relative to the reference. Without it, "no difference" is never said.
    pub margin: Option<f64>,
}

/// How variants are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// The measures.
    pub questions: Vec<Question>,
    /// The place of the reference.
    pub reference: usize,
    /// The only measure that has verdicts.
    pub primary: Option<usize>,
    /// Whether replications at the same place have the same seed.
    pub is_paired: bool,
    /// The length of the measured window of one replication.
    pub measured_secs: f64,
}

/// All variants against one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The place of the reference.
    pub reference: usize,
    /// The variants, in order.
    pub variants: Vec<String>,
    /// Replications of each.
    pub run_counts: Vec<usize>,
    /// The place of the only measure that has verdicts.
    pub primary: Option<usize>,
    /// Whether replications at the same place have the same seed.
    pub is_paired: bool,
    /// Whether a percentile is that of the samples of all replications; if the samples of some
    /// variant were not saved it is, of every variant, the mean of the replications' percentiles.
    pub is_pooled: bool,
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
    /// How small a difference means nothing.
    pub margin: Option<f64>,
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
    /// The numbers that are compared with the reference.
    pub pairs: Option<Pairs>,
    /// Against the reference; None of the reference itself and where there is nothing to compare.
    pub effect: Option<Effect>,
    /// The p-value after Holm's correction.
    pub p_adjusted: Option<f64>,
    /// Of an effect as large as the margin, after Holm's correction; None without a margin.
    pub equivalence_p_adjusted: Option<f64>,
    /// What it means; None of the reference itself.
    pub verdict: Option<Verdict>,
    /// How often a rare event happens, where the measure counts one.
    pub rare: Option<RareEvents>,
}

/// What a comparison means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the reference.
    Better,
    /// Worse than the reference.
    Worse,
    /// Better, of fewer successes.
    TradeOff,
    /// Higher, of a number that is neither better nor worse.
    Higher,
    /// Lower, of a number that is neither better nor worse.
    Lower,
    /// Nearer to the reference than the margin.
    NoDifference,
    /// The replications do not tell. This is not: there is no difference.
    NoEvidence,
    /// It has none, because another measure is the primary one.
    NotJudged,
    /// The number does not exist in some replications of one of both.
    NotComparable,
}

/// What to read of every run, two numbers a measure: the measure, and the success ratio of the
/// same requests, without which nothing is better.
pub fn readings_of(asked: &[AskedMeasure]) -> Vec<AskedMeasure> {
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

impl Question {
    /// The question of a measure, without a margin.
    pub fn new(text: &str, measure: &MeasureRef) -> Self {
        Question {
            text: text.to_string(),
            unit: info(measure.measure).unit_of(measure.statistic),
            direction: direction(measure),
            is_rare: is_rare_count(measure),
            margin: None,
        }
    }
}

/// Compares the samples of variants with the reference of the design.
///
/// # Panics
///
/// If a sample has no replication, or paired ones do not have the same number.
pub fn compare(design: &Design, samples: &[Sample]) -> Comparison {
    let run_counts: Vec<usize> = samples.iter().map(|s| s.readings.len()).collect();
    let least = *run_counts.iter().min().expect("there are variants");
    assert!(0 < least && (!design.is_paired || run_counts.iter().all(|count| *count == least)));
    let questions = design.questions.iter().enumerate();
    let mut measures: Vec<MeasureComparison> = questions
        .map(|(place, question)| one_measure(question, 2 * place, samples, design))
        .collect();
    adjust(&mut measures, design.primary);
    for (place, measure) in measures.iter_mut().enumerate() {
        let question = &design.questions[place];
        let is_judged = design.primary.is_none_or(|primary| primary == place);
        for (variant, row) in measure.rows.iter_mut().enumerate() {
            if variant == design.reference {
                continue;
            }
            let is_enough = VERDICT_RUN_COUNT_MIN <= least;
            let verdict = row.verdict(question.direction).filter(|_| is_enough);
            let fewer = || fewer_succeed(design, samples, variant, 2 * place + 1);
            row.verdict = Some(match verdict {
                None if row.effect.is_none() => Verdict::NotComparable,
                _ if !is_judged => Verdict::NotJudged,
                Some(Verdict::Better) if fewer() => Verdict::TradeOff,
                Some(verdict) => verdict,
                None => Verdict::NoEvidence,
            });
        }
    }
    Comparison {
        reference: design.reference,
        variants: samples.iter().map(|sample| sample.name.clone()).collect(),
        run_counts,
        primary: design.primary,
        is_paired: design.is_paired,
        is_pooled: are_pooled(samples),
        measures,
    }
}

impl Row {
    /// The p-value of no effect; None also where all pairs are equal: such a test can reject
    /// nothing, so it does not count among those that Holm's correction is over (Tarone 1990).
    pub fn p_value(&self) -> Option<f64> {
        let effect = self.effect.as_ref().filter(|effect| !effect.is_none())?;
        Some(effect.p_value())
    }

    /// The correlation that common random numbers reached, and how the pairs were compared.
    pub fn pairing(&self) -> Option<(Option<f64>, Pairing)> {
        self.effect.as_ref()?.pairing()
    }

    fn equivalence_p_value(&self, unit: Unit, margin: Option<f64>) -> Option<f64> {
        let (effect, pairs) = (self.effect.as_ref()?, self.pairs.as_ref()?);
        effect.equivalence_p_value(margin?, unit, pairs)
    }

    fn verdict(&self, direction: Direction) -> Option<Verdict> {
        let is_sure = |p: Option<f64>| p.is_some_and(|p| p <= 1.0 - LEVEL);
        if is_sure(self.equivalence_p_adjusted) {
            return Some(Verdict::NoDifference);
        }
        if !is_sure(self.p_adjusted) {
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

impl Comparison {
    /// The row of a measure and a variant.
    pub fn row(&self, measure: usize, variant: usize) -> &Row {
        &self.measures[measure].rows[variant]
    }

    /// Fewest replications of a variant.
    pub fn run_count_min(&self) -> usize {
        self.run_counts.iter().copied().min().unwrap_or(0)
    }
}

fn are_pooled(samples: &[Sample]) -> bool {
    samples.iter().all(|sample| !sample.pools.is_empty())
}

fn one_measure(
    question: &Question,
    reading: usize,
    samples: &[Sample],
    design: &Design,
) -> MeasureComparison {
    let reference = &samples[design.reference];
    let rows = samples.iter().enumerate().map(|(variant, sample)| {
        let values = sample.values(reading);
        let is_compared = variant != design.reference;
        let pairs = is_compared
            .then(|| Pairs::new(reading, sample, reference))
            .flatten();
        let effect = |pairs: &Pairs| Effect::new(question.unit, pairs, design.is_paired);
        let known = values.iter().copied().collect::<Option<Vec<f64>>>();
        Row {
            level: match are_pooled(samples) {
                true => sample.level(reading),
                false => sample.level_of_values(reading),
            },
            effect: pairs.as_ref().and_then(effect),
            pairs,
            p_adjusted: None,
            equivalence_p_adjusted: None,
            verdict: None,
            rare: known
                .filter(|_| question.is_rare)
                .and_then(|known| bursts(&known, design.measured_secs)),
            values,
        }
    });
    MeasureComparison {
        text: question.text.clone(),
        unit: question.unit,
        direction: question.direction,
        margin: question.margin,
        rows: rows.collect(),
    }
}

/// Holm's correction over every test that a verdict rests on.
fn adjust(measures: &mut [MeasureComparison], primary: Option<usize>) {
    let is_judged = |place: usize| primary.is_none_or(|primary| primary == place);
    let mut p_values = Vec::new();
    for (_, measure) in measures.iter().enumerate().filter(|(p, _)| is_judged(*p)) {
        for row in &measure.rows {
            p_values.extend(row.p_value());
            p_values.extend(row.equivalence_p_value(measure.unit, measure.margin));
        }
    }
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    for (_, measure) in measures
        .iter_mut()
        .enumerate()
        .filter(|(p, _)| is_judged(*p))
    {
        let (unit, margin) = (measure.unit, measure.margin);
        for row in &mut measure.rows {
            row.p_adjusted = row.p_value().and_then(|_| adjusted.next());
            let equivalence = row.equivalence_p_value(unit, margin);
            row.equivalence_p_adjusted = equivalence.and_then(|_| adjusted.next());
        }
    }
}

/// Whether the requests of a measure succeed less often than with the reference: their interval,
/// not corrected, excludes that they do not.
fn fewer_succeed(design: &Design, samples: &[Sample], variant: usize, reading: usize) -> bool {
    let known = |sample: &Sample| {
        let values = sample.values(reading).into_iter();
        values.collect::<Option<Vec<f64>>>()
    };
    let reference = &samples[design.reference];
    let (Some(values), Some(reference)) = (known(&samples[variant]), known(reference)) else {
        return false;
    };
    let contrast = match design.is_paired {
        true => difference(&values, &reference),
        false => unpaired(&values, &reference),
    };
    contrast.is_some_and(|contrast| contrast.difference.high() < 0.0)
}
