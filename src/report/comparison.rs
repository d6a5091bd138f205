//! `comparison.json` and the CSV of a comparison, for programs. Numbers are in the base unit of
//! their measure: seconds, shares, per second.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::comparison_files::ComparisonContents;
use super::comparison_text::{sentences, verdict_word};
use super::page::basis::Basis;
use super::series::safe_cell;
use super::summary::{or_never, unit_suffix};
use crate::experiment::compare::between::BetweenJudgement;
use crate::experiment::compare::effect::Effect;
use crate::experiment::compare::sample::Level;
use crate::experiment::compare::{Comparison, MeasureComparison, Row};
use crate::scenario::compare::VariantExpectation;
use crate::scenario::measure::Unit;
use crate::stats::contrast::Pairing;

/// The version of the format.
pub const COMPARISON_SCHEMA: u32 = 1;

/// What a comparison was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonFacts {
    /// The scenario.
    pub scenario: String,
    /// The seed of the first replication of every variant.
    pub seed: u64,
    /// Fingerprint of all runs.
    pub digest: String,
    /// By variant: what it sets, and the fingerprint of its runs.
    pub variants: Vec<(Vec<String>, String)>,
    /// The question, and the models; nothing of saved runs.
    pub basis: Basis,
}

impl ComparisonFacts {
    /// `seed 7`, `seeds 7 to 11`: those of the variant with most replications.
    pub fn seeds_text(&self, comparison: &Comparison) -> String {
        let run_count = comparison.run_counts.iter().copied().max().unwrap_or(1);
        match run_count {
            0 | 1 => format!("seed {}", self.seed),
            count => {
                let last = self.seed.wrapping_add(count as u64 - 1);
                format!("seeds {} to {last}", self.seed)
            }
        }
    }
}

/// An expectation between variants, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedBetween {
    /// The expectation.
    pub expectation: VariantExpectation,
    /// What kind of numbers it compares.
    pub unit: Unit,
    /// What became of it.
    pub judgement: BetweenJudgement,
}

/// Writes the comparison as indented JSON.
pub fn write_json(contents: &ComparisonContents, out: &mut dyn Write) -> io::Result<()> {
    let (facts, comparison) = (contents.facts, contents.comparison);
    let variants = comparison.variants.iter().zip(&facts.variants);
    let value = json!({
        "schema": COMPARISON_SCHEMA,
        "scenario": facts.scenario,
        "digest": facts.digest,
        "seed": facts.seed,
        "replication_count": comparison.run_count_min(),
        "is_paired": comparison.is_paired,
        "primary": comparison.primary.map(|place| &comparison.measures[place].text),
        "reference": comparison.variants[comparison.reference],
        "variants": variants
            .map(|(name, (sets, digest))| json!({"name": name, "sets": sets, "digest": digest}))
            .collect::<Vec<_>>(),
        "measures": comparison
            .measures
            .iter()
            .map(|measure| measure_value(comparison, measure))
            .collect::<Vec<_>>(),
        "expectations": contents.between.iter().map(between_value).collect::<Vec<_>>(),
        "sentences": sentences(comparison),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    out.write_all(b"\n")
}

/// Writes one line for each measure and variant; what does not exist is empty.
pub fn write_csv(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "measure",
        "variant",
        "unit",
        "mean",
        "half_width",
        "effect",
        "effect_value",
        "effect_low",
        "effect_high",
        "p_adjusted",
        "correlation",
        "pairing",
        "verdict",
    ])?;
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for measure in &comparison.measures {
        for (name, row) in comparison.variants.iter().zip(&measure.rows) {
            let (mean, half_width) = mean_of(row);
            let (kind, [value, low, high]) = effect_of(row);
            let (correlation, pairing) = pairing_of(row);
            csv.write_record([
                safe_cell(&measure.text).as_str(),
                &safe_cell(name),
                unit_suffix(measure.unit).trim_start_matches('_'),
                &number(mean),
                &number(half_width),
                kind,
                &number(value),
                &number(low),
                &number(high),
                &number(row.p_adjusted),
                &number(correlation),
                pairing,
                row.verdict.map_or("reference", verdict_word),
            ])?;
        }
    }
    csv.flush()
}

fn between_value(judged: &JudgedBetween) -> Value {
    let judgement = &judged.judgement;
    json!({
        "name": judged.expectation.name,
        "expectation": judged.expectation.text,
        "state": judgement.state,
        "kind": if judgement.is_ratio { "ratio" } else { "difference" },
        "value": judgement.value,
        "interval_95": judgement.interval.map(|(low, high)| [low, high].map(or_never)),
        "reason": judgement.reason,
    })
}

fn mean_of(row: &Row) -> (Option<f64>, Option<f64>) {
    match row.level {
        Level::Mean(interval) => (Some(interval.mean), Some(interval.half_width)),
        // Half an interval that leans to one side is its wider half.
        Level::Share(_) | Level::Pooled(_) => {
            let finite = |x: f64| x.is_finite().then_some(x);
            let (value, low, high) = row.level.interval().expect("it has one");
            (finite(value), finite((high - value).max(value - low)))
        }
        Level::Censored { .. } | Level::Unknown { .. } => (None, None),
    }
}

/// The kind of an effect, its value and the ends of its interval.
fn effect_of(row: &Row) -> (&'static str, [Option<f64>; 3]) {
    match &row.effect {
        None => ("", [None; 3]),
        Some(Effect::Ratio(ratio)) => ("ratio", [ratio.ratio, ratio.low, ratio.high].map(Some)),
        Some(Effect::Difference(contrast)) => {
            let interval = contrast.difference;
            let numbers = [interval.mean, interval.low(), interval.high()];
            ("difference", numbers.map(Some))
        }
        Some(Effect::Signs {
            lower_count,
            higher_count,
        }) => {
            let balance = *higher_count as f64 - *lower_count as f64;
            ("signs", [Some(balance), None, None])
        }
    }
}

fn pairing_of(row: &Row) -> (Option<f64>, &'static str) {
    match row.pairing() {
        None => (None, ""),
        Some((correlation, Pairing::Paired)) => (correlation, "paired"),
        Some((correlation, Pairing::Unpaired)) => (correlation, "unpaired"),
    }
}

fn measure_value(comparison: &Comparison, measure: &MeasureComparison) -> Value {
    let rows = comparison.variants.iter().zip(&measure.rows);
    json!({
        "measure": measure.text,
        "unit": unit_suffix(measure.unit).trim_start_matches('_'),
        "margin_ratio": measure.margin,
        "variants": rows.map(|(name, row)| row_value(name, row)).collect::<Vec<_>>(),
    })
}

fn row_value(name: &str, row: &Row) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), json!(name));
    let values: Vec<Value> = row
        .values
        .iter()
        .map(|value| json!(value.map(or_never)))
        .collect();
    map.insert("values".into(), json!(values));
    insert_level(&mut map, &row.level);
    if let Some(rare) = &row.rare {
        map.insert("seen_count".into(), json!(rare.seen_count));
        map.insert("exposure_secs".into(), json!(rare.exposure_secs));
        let ends = [rare.low_per_sec, rare.high_per_sec];
        map.insert("interval_95_per_sec".into(), json!(ends));
    }
    if row.effect.is_some() {
        let (kind, [value, low, high]) = effect_of(row);
        let (correlation, pairing) = pairing_of(row);
        map.insert(
            "against_reference".into(),
            json!({
                "kind": kind,
                "value": value,
                "interval_95": low.zip(high),
                "p": row.p_value(),
                "p_adjusted": row.p_adjusted,
                "p_equivalent_adjusted": row.equivalence_p_adjusted,
                "pairing": pairing,
                "correlation": correlation,
                "is_grouped": row.pairs.as_ref().is_some_and(|pairs| pairs.is_grouped),
            }),
        );
    }
    let verdict = row.verdict.map_or("reference", verdict_word);
    map.insert("verdict".into(), json!(verdict));
    Value::Object(map)
}

/// The number over all replications.
fn insert_level(map: &mut Map<String, Value>, level: &Level) {
    match level {
        Level::Mean(interval) => {
            map.insert("mean".into(), json!(interval.mean));
            map.insert("interval_95_half_width".into(), json!(interval.half_width));
        }
        Level::Share(share) => {
            map.insert("mean".into(), json!(share.share));
            map.insert("interval_95".into(), json!([share.low, share.high]));
        }
        Level::Pooled(pooled) => {
            let ends = [pooled.low, pooled.high].map(or_never);
            map.insert("pooled".into(), or_never(pooled.value));
            map.insert("interval_95".into(), json!(ends));
            map.insert("sample_count".into(), json!(pooled.sample_count));
        }
        Level::Censored {
            never_count,
            never_ratio,
            median,
            median_interval,
        } => {
            let ends = median_interval.map(|(low, high)| [low, high].map(or_never));
            map.insert("never_count".into(), json!(never_count));
            map.insert("never_interval_95_ratio".into(), json!(never_ratio));
            map.insert("median".into(), or_never(*median));
            map.insert("median_interval_95".into(), json!(ends));
        }
        Level::Unknown {
            known_count,
            reason,
            at_least,
        } => {
            map.insert("known_count".into(), json!(known_count));
            map.insert("reason".into(), json!(reason));
            map.insert("at_least".into(), json!(at_least.map(|(_, low)| low)));
        }
    }
}
