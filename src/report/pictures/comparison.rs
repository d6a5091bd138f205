//! Pictures of a comparison: the numbers of the variants, and how far each is from the reference.

use super::file_name;
use crate::chart::Caption;
use crate::chart::axis::Quantity;
use crate::chart::intervals::{IntervalRow, Intervals};
use crate::chart::picture::Picture;
use crate::experiment::compare::effect::{Effect, Pairs};
use crate::experiment::compare::sample::Level;
use crate::experiment::compare::{
    Comparison, MeasureComparison, Row, VERDICT_RUN_COUNT_MIN, Verdict,
};
use crate::report::comparison::ComparisonFacts;
use crate::report::comparison_text::{effect_text, level_text, verdict_word};
use crate::report::terminal_means::level_texts;
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

fn caption(
    facts: &ComparisonFacts,
    comparison: &Comparison,
    title: String,
    subtitle: String,
) -> Caption {
    Caption {
        title,
        subtitle,
        footer: format!(
            "{} · {} · stormglass {} · digest {}",
            facts.scenario,
            facts.seeds_text(comparison),
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
        caption: caption(
            facts,
            comparison,
            levels_title(comparison, measure),
            subtitle,
        ),
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
    let subtitle = effects_subtitle(comparison, measure, is_ratio);
    Some(Intervals {
        caption: caption(
            facts,
            comparison,
            effects_title(comparison, measure),
            subtitle,
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

/// How the numbers became one number for each variant.
fn effects_subtitle(
    comparison: &Comparison,
    measure: &MeasureComparison,
    is_ratio: bool,
) -> String {
    let has_groups = |row: &Row| row.pairs.as_ref().is_some_and(|pairs| pairs.is_grouped);
    let parts = match measure.rows.iter().any(has_groups) {
        true => "groups of replications",
        false => "replications",
    };
    let how = match (is_ratio, comparison.is_paired) {
        (true, true) => format!(
            "The geometric mean over {parts} of the variant's number divided by that of the \
             reference on the same seeds."
        ),
        (true, false) => format!(
            "The geometric mean of each variant's numbers over {parts}, divided by that of \
             the reference."
        ),
        (false, true) => format!(
            "The mean over {parts} of the variant's number less that of the reference on the \
             same seeds."
        ),
        (false, false) => {
            format!("The mean of each variant's numbers over {parts}, less that of the reference.")
        }
    };
    match measure
        .rows
        .iter()
        .any(|row| matches!(row.level, Level::Pooled(_)))
    {
        true => format!("{how} Percentiles of all samples together may differ by another factor."),
        false => how,
    }
}

/// `latency.p99 is lowest with jsq: 71.3 ms`, if the numbers tell it from those of the others.
fn levels_title(comparison: &Comparison, measure: &MeasureComparison) -> String {
    let plain = || format!("{} by variant", measure.text);
    let values = measure.rows.iter().map(|row| row.level.interval());
    let known: Option<Vec<f64>> = values.map(|interval| interval.map(|(v, _, _)| v)).collect();
    let Some(known) = known else {
        return plain();
    };
    let places = 0..known.len();
    let by_value = |a: &usize, b: &usize| known[*a].total_cmp(&known[*b]).then(a.cmp(b));
    let (best, word) = match measure.direction {
        Direction::Lower => (places.clone().min_by(by_value), "lowest"),
        Direction::Higher => {
            let by_value = |a: &usize, b: &usize| known[*b].total_cmp(&known[*a]).then(a.cmp(b));
            (places.clone().min_by(by_value), "highest")
        }
        Direction::Neither => (None, ""),
    };
    let Some(best) = best else {
        return plain();
    };
    let rows = measure.rows.iter();
    let texts = rows.map(|row| level_texts(&row.level, measure.unit).0);
    let texts: Vec<String> = texts.collect();
    let unclear = places.filter(|other| {
        *other != best && !is_told_apart(comparison, measure, (best, *other), &known)
    });
    let unclear: Vec<usize> = unclear.collect();
    let name = |place: usize| comparison.variants[place].as_str();
    match unclear.as_slice() {
        [] => format!(
            "{} is {word} with {}: {}",
            measure.text,
            name(best),
            texts[best]
        ),
        _ if texts.iter().all(|text| *text == texts[best]) => {
            format!("{} is {} with every variant", measure.text, texts[best])
        }
        [only] => format!(
            "{} is {word} with {} ({}), though not told apart from {} ({})",
            measure.text,
            name(best),
            texts[best],
            name(*only),
            texts[*only]
        ),
        several => format!(
            "{} is {word} with {} ({}), though not told apart from {} others",
            measure.text,
            name(best),
            texts[best],
            several.len()
        ),
    }
}

/// Whether the best variant is told from another one: by the verdict, where one of them is the
/// reference and has one; by their replications on the same seeds; or by intervals that do not
/// overlap.
fn is_told_apart(
    comparison: &Comparison,
    measure: &MeasureComparison,
    (best, other): (usize, usize),
    known: &[f64],
) -> bool {
    if known[best] == known[other] {
        return false;
    }
    let (row, rival) = (&measure.rows[best], &measure.rows[other]);
    let judged = match comparison.reference {
        reference if reference == best => Some(rival),
        reference if reference == other => Some(row),
        _ => None,
    };
    match judged.and_then(|row| row.verdict) {
        Some(Verdict::NoEvidence | Verdict::NoDifference) => return false,
        Some(
            Verdict::Better | Verdict::Worse | Verdict::TradeOff | Verdict::Higher | Verdict::Lower,
        ) => return true,
        Some(Verdict::NotJudged | Verdict::NotComparable) | None => {}
    }
    if let (Some(own), Some(their)) = (&row.pairs, &rival.pairs)
        && comparison.is_paired
        && own.is_grouped == their.is_grouped
        && own.values.len() == their.values.len()
        && VERDICT_RUN_COUNT_MIN <= own.values.len()
    {
        let pairs = Pairs {
            values: own.values.clone(),
            reference: their.values.clone(),
            is_grouped: own.is_grouped,
        };
        let effect = Effect::new(measure.unit, &pairs, true);
        // The best one was chosen among all: its rivals share the level.
        let level = 0.05 / (known.len() as f64 - 1.0);
        return effect.is_some_and(|effect| {
            effect.is_lower() == (known[best] < known[other]) && effect.p_value() < level
        });
    }
    match (row.level.interval(), rival.level.interval()) {
        (Some((_, low, high)), Some((_, other_low, other_high))) => {
            high < other_low || other_high < low
        }
        _ => false,
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
