//! Pictures of a comparison: the numbers of the variants, and how far each is from the reference.

use super::file_name;
use crate::chart::Caption;
use crate::chart::axis::Quantity;
use crate::chart::intervals::{IntervalRow, Intervals};
use crate::chart::picture::Picture;
use crate::experiment::compare::effect::{Effect, Pairs};
use crate::experiment::compare::{Comparison, MeasureComparison, Row, Verdict};
use crate::report::comparison::ComparisonFacts;
use crate::report::comparison_text::{effect_text, level_text, verdict_word};
use crate::report::format;
use crate::scenario::measure::Unit;
use crate::scenario::measure_catalog::Direction;

/// Measures with pictures.
const MEASURE_COUNT_MAX: usize = 12;

/// Two pictures for every measure: its numbers, and the differences from the reference.
pub fn pictures(facts: &ComparisonFacts, comparison: &Comparison) -> Vec<Picture> {
    let measures = comparison.measures.iter().take(MEASURE_COUNT_MAX);
    measures
        .flat_map(|measure| {
            let name = |kind: &str| file_name(&[kind, &measure.text]);
            let effects = effects(facts, comparison, measure);
            [
                Some(Picture::new(
                    &name("levels"),
                    levels(facts, comparison, measure),
                )),
                effects.map(|chart| Picture::new(&name("differences"), chart)),
            ]
        })
        .flatten()
        .collect()
}

fn caption(facts: &ComparisonFacts, title: String, subtitle: String) -> Caption {
    Caption {
        title,
        subtitle,
        footer: format!(
            "{} · seed {} · stormglass {} · digest {}",
            facts.scenario,
            facts.seed,
            env!("CARGO_PKG_VERSION"),
            facts.digest
        ),
    }
}

fn levels(
    facts: &ComparisonFacts,
    comparison: &Comparison,
    measure: &MeasureComparison,
) -> Intervals {
    let row = |(place, (name, row)): (usize, (&String, &Row))| {
        let interval = row.level.interval();
        IntervalRow {
            label: name.clone(),
            value: interval.and_then(|(value, _, _)| finite(value)),
            low: interval.and_then(|(_, low, _)| finite(low)),
            high: interval.and_then(|(_, _, high)| finite(high)),
            values: row
                .values
                .iter()
                .flatten()
                .copied()
                .filter_map(finite)
                .collect(),
            words: level_text(&row.level, measure.unit),
            is_reference: place == comparison.reference,
        }
    };
    let rows = comparison.variants.iter().zip(&measure.rows).enumerate();
    let subtitle = format!(
        "{} of every variant over {} replications.",
        measure.text,
        comparison.run_count_min()
    );
    Intervals {
        caption: caption(facts, levels_title(comparison, measure), subtitle),
        rows: rows.map(row).collect(),
        quantity: quantity(measure.unit),
        axis: measure.text.clone(),
        mark: None,
        mark_name: String::new(),
    }
}

/// How far each variant is from the reference; None where no one can be compared.
fn effects(
    facts: &ComparisonFacts,
    comparison: &Comparison,
    measure: &MeasureComparison,
) -> Option<Intervals> {
    let is_ratio = measure
        .rows
        .iter()
        .any(|row| matches!(row.effect, Some(Effect::Ratio(_))));
    let rows = comparison.variants.iter().zip(&measure.rows);
    let rows: Vec<IntervalRow> = rows
        .filter_map(|(name, row)| effect_row(name, row, measure.unit, is_ratio))
        .collect();
    let is_equal = |row: &Row| row.effect.as_ref().is_none_or(Effect::is_none);
    if rows.is_empty() || measure.rows.iter().all(is_equal) {
        return None;
    }
    let reference = &comparison.variants[comparison.reference];
    let subtitle = match (is_ratio, comparison.is_paired) {
        (true, true) => {
            "The number of each variant divided by that of the reference, on the same \
                         seeds."
        }
        (true, false) => "The number of each variant divided by that of the reference.",
        (false, true) => {
            "The number of each variant less that of the reference, on the same seeds."
        }
        (false, false) => "The number of each variant less that of the reference.",
    };
    Some(Intervals {
        caption: caption(
            facts,
            effects_title(comparison, measure),
            subtitle.to_string(),
        ),
        rows,
        quantity: match is_ratio {
            true => Quantity::Number,
            false => quantity(measure.unit),
        },
        axis: match is_ratio {
            true => format!("times the {} of {reference}", measure.text),
            false => format!("{} less that of {reference}", measure.text),
        },
        mark: Some(f64::from(is_ratio)),
        mark_name: "no difference".to_string(),
    })
}

/// `latency.p99 is lowest with jsq: 71.3 ms`.
fn levels_title(comparison: &Comparison, measure: &MeasureComparison) -> String {
    let values = measure.rows.iter().map(|row| row.level.interval());
    let known: Option<Vec<f64>> = values.map(|interval| interval.map(|(v, _, _)| v)).collect();
    let is_best = |a: f64, b: f64| match measure.direction {
        Direction::Lower => a < b,
        Direction::Higher => b < a,
        Direction::Neither => false,
    };
    let plain = || format!("{} by variant", measure.text);
    let Some(known) = known else {
        return plain();
    };
    let best = (0..known.len()).find(|best| {
        let others = (0..known.len()).filter(|other| other != best);
        others
            .clone()
            .all(|other| is_best(known[*best], known[other]))
    });
    let word = match measure.direction {
        Direction::Lower => "lowest",
        Direction::Higher | Direction::Neither => "highest",
    };
    match best {
        None => plain(),
        Some(best) => format!(
            "{} is {word} with {}: {}",
            measure.text,
            comparison.variants[best],
            format::by_unit(measure.unit, known[best])
        ),
    }
}

/// `latency.p99 against ring: two better; no evidence for random, jsq`.
fn effects_title(comparison: &Comparison, measure: &MeasureComparison) -> String {
    let reference = &comparison.variants[comparison.reference];
    let rows = comparison.variants.iter().zip(&measure.rows);
    let judged: Vec<(&str, Verdict)> = rows
        .filter_map(|(name, row)| Some((name.as_str(), row.verdict?)))
        .collect();
    if 4 < judged.len() {
        return format!("{} against {reference}", measure.text);
    }
    let mut verdicts: Vec<Verdict> = Vec::new();
    for (_, verdict) in &judged {
        if !verdicts.contains(verdict) {
            verdicts.push(*verdict);
        }
    }
    let of_verdict = |verdict: &Verdict| {
        let names = judged.iter().filter(|(_, own)| own == verdict);
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        let (names, word) = (names.join(", "), verdict_word(*verdict));
        match verdict {
            Verdict::NoEvidence | Verdict::NoDifference => format!("{word} for {names}"),
            _ => format!("{names} {word}"),
        }
    };
    let words: Vec<String> = verdicts.iter().map(of_verdict).collect();
    format!("{} against {reference}: {}", measure.text, words.join("; "))
}

/// Only effects of one kind share an axis.
fn effect_row(name: &str, row: &Row, unit: Unit, is_ratio: bool) -> Option<IntervalRow> {
    let (value, interval) = match row.effect.as_ref()? {
        Effect::Ratio(ratio) if is_ratio => (ratio.ratio, (ratio.low, ratio.high)),
        Effect::Difference(contrast) if !is_ratio => {
            let found = contrast.difference;
            (found.mean, (found.low(), found.high()))
        }
        Effect::Ratio(_) | Effect::Difference(_) | Effect::Signs { .. } => return None,
    };
    let verdict = row.verdict.map_or("", verdict_word);
    let effect = row.effect.as_ref().map(|effect| effect_text(effect, unit));
    Some(IntervalRow {
        label: name.to_string(),
        value: finite(value),
        low: finite(interval.0),
        high: finite(interval.1),
        values: row
            .pairs
            .as_ref()
            .map_or(Vec::new(), |pairs| pair_values(pairs, is_ratio)),
        words: format!("{}: {verdict}", effect.unwrap_or_default()),
        is_reference: false,
    })
}

/// The effect in every pair; nothing where they are no pairs.
fn pair_values(pairs: &Pairs, is_ratio: bool) -> Vec<f64> {
    if pairs.values.len() != pairs.reference.len() {
        return Vec::new();
    }
    let both = pairs.values.iter().zip(&pairs.reference);
    both.map(|(x, y)| if is_ratio { x / y } else { x - y })
        .collect()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn quantity(unit: Unit) -> Quantity {
    match unit {
        Unit::Time => Quantity::Time,
        Unit::Ratio => Quantity::Ratio,
        Unit::Rate | Unit::Number => Quantity::Number,
    }
}
