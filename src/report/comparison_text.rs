//! What a comparison says, in words and tables.

use super::comparison::JudgedBetween;
use super::format;
use super::page::JudgedLine;
use super::terminal::Table;
use super::terminal_means::level_texts;
use crate::experiment::compare::effect::Effect;
use crate::experiment::compare::sample::Level;
use crate::experiment::compare::{
    Comparison, MeasureComparison, Row, VERDICT_RUN_COUNT_MIN, Verdict,
};
use crate::experiment::rare::RareEvents;
use crate::scenario::measure::Unit;
use crate::stats::contrast::Pairing;
use crate::stats::interval::MeanInterval;

/// What must be known to read the numbers.
pub fn reading(comparison: &Comparison) -> String {
    let percentile = match comparison.is_pooled {
        true => {
            "A percentile is that of the samples of all replications, its interval comes from how \
             they differ."
        }
        false => {
            "A percentile is the mean of the replications' percentiles, because saved runs keep \
             no samples."
        }
    };
    format!(
        "Intervals are of 95 %, each for itself; verdicts are Holm's over all of them at 5 %. \
         {percentile}"
    )
}

/// `3 variants · seeds 7 to 16 · 10 replications each`.
pub fn facts_text(comparison: &Comparison, seed: u64) -> String {
    let variants = format::counted(comparison.variants.len() as u64, "variant");
    let (least, most) = (
        comparison.run_count_min(),
        comparison.run_counts.iter().copied().max().unwrap_or(0),
    );
    if least != most {
        return format!("{variants} \u{b7} {least} to {most} replications");
    }
    let last = seed.wrapping_add(least as u64 - 1);
    format!(
        "{variants} \u{b7} seeds {seed} to {last} \u{b7} {} each",
        format::counted(least as u64, "replication")
    )
}

/// The expectations between variants as lines.
pub fn between_lines(between: &[JudgedBetween]) -> Vec<JudgedLine> {
    let line = |judged: &JudgedBetween| {
        let judgement = &judged.judgement;
        let unit = match judgement.is_ratio {
            true => Unit::Number,
            false => judged.unit,
        };
        let text = |value: f64| format::by_unit(unit, value);
        let value = judgement.value.zip(judgement.interval);
        let kind = if judgement.is_ratio {
            "ratio"
        } else {
            "difference"
        };
        JudgedLine {
            state: judgement.state,
            name: judged.expectation.name.clone(),
            measure: judged.expectation.text.clone(),
            value: format::optional(value, |(value, interval)| {
                format!(
                    "{kind} {} ({})",
                    text(value),
                    format::interval(unit, interval)
                )
            }),
            limit: String::new(),
            remark: judgement.reason.clone(),
        }
    };
    between.iter().map(line).collect()
}

/// The table of every measure.
pub fn tables(comparison: &Comparison) -> Vec<Table> {
    let measures = comparison.measures.iter();
    measures.map(|measure| table(comparison, measure)).collect()
}

/// A sentence for every variant but the reference.
pub fn sentences(comparison: &Comparison) -> Vec<String> {
    let others = (0..comparison.variants.len()).filter(|v| *v != comparison.reference);
    others
        .map(|variant| sentence(comparison, variant))
        .collect()
}

/// What else must be known: what is missing, never came or is rare.
pub fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let run_count = comparison.run_count_min();
    if run_count < VERDICT_RUN_COUNT_MIN {
        notes.push(format!(
            "verdicts need at least {VERDICT_RUN_COUNT_MIN} replications; these are {run_count}"
        ));
    }
    if let Some(primary) = comparison.primary {
        notes.push(format!(
            "{} is the primary measure: only it has verdicts, the others are described",
            comparison.measures[primary].text
        ));
    }
    if !comparison.is_paired {
        notes.push(
            "the replications have different seeds: they are compared as independent samples"
                .to_string(),
        );
    }
    for measure in &comparison.measures {
        let rows = comparison.variants.iter().zip(&measure.rows);
        for ((name, row), run_count) in rows.zip(&comparison.run_counts) {
            notes.extend(note(&measure.text, name, row, *run_count));
        }
    }
    notes
}

/// The word for a verdict.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::TradeOff => "trade-off",
        Verdict::Higher => "higher",
        Verdict::Lower => "lower",
        Verdict::NoDifference => "no difference",
        Verdict::NoEvidence => "no evidence",
        Verdict::NotJudged => "not judged",
        Verdict::NotComparable => "not comparable",
    }
}

fn table(comparison: &Comparison, measure: &MeasureComparison) -> Table {
    let reference = &comparison.variants[comparison.reference];
    let columns = [
        "all replications",
        &format!("against {reference}"),
        "p (Holm)",
        "correlation",
        "verdict",
    ];
    let rows = comparison.variants.iter().zip(&measure.rows);
    Table {
        heading: measure.text.clone(),
        columns: columns.map(str::to_string).to_vec(),
        rows: rows
            .map(|(name, row)| cells(name, row, measure.unit))
            .collect(),
        note: String::new(),
    }
}

fn cells(name: &str, row: &Row, unit: Unit) -> Vec<String> {
    let correlation = match row.pairing() {
        Some((Some(correlation), Pairing::Paired)) => format!("{correlation:.2}"),
        Some((Some(correlation), Pairing::Unpaired)) => format!("{correlation:.2} (unpaired)"),
        _ => format::NOTHING.to_string(),
    };
    vec![
        name.to_string(),
        level_text(&row.level, unit),
        format::optional(row.effect, |effect| effect_text(&effect, unit)),
        format::optional(row.p_adjusted, p_text),
        correlation,
        row.verdict.map_or("reference", verdict_word).to_string(),
    ]
}

fn p_text(p: f64) -> String {
    match p {
        p if p < 0.000_1 => "<0.0001".to_string(),
        p => format!("{p:.4}"),
    }
}

/// A number over all replications with its interval.
pub fn level_text(level: &Level, unit: Unit) -> String {
    let (value, interval) = level_texts(level, unit);
    match (level, interval.is_empty()) {
        (_, true) | (Level::Censored { .. }, _) => value,
        (Level::Pooled(_) | Level::Share(_), _) => format!("{value} ({interval})"),
        _ => format!("{value} {interval}"),
    }
}

/// `1.46 (1.44 to 1.48) times lower`.
pub fn effect_text(effect: &Effect, unit: Unit) -> String {
    if effect.is_none() {
        return "equal in all".to_string();
    }
    let word = if effect.is_lower() { "lower" } else { "higher" };
    match effect {
        Effect::Ratio(ratio) => {
            let ends = [ratio.low, ratio.ratio, ratio.high];
            let [low, times, high] = match effect.is_lower() {
                true => [1.0 / ratio.high, 1.0 / ratio.ratio, 1.0 / ratio.low],
                false => ends,
            };
            format!("{} times {word}", format::with_ends(times, low, high))
        }
        Effect::Difference(contrast) => {
            let size = difference_text(&contrast.difference, unit);
            match contrast.difference.mean {
                0.0 => size,
                _ => format!("{size} {word}"),
            }
        }
        Effect::Signs {
            lower_count,
            higher_count,
        } => format!("lower in {lower_count}, higher in {higher_count}"),
    }
}

fn difference_text(difference: &MeanInterval, unit: Unit) -> String {
    let size = difference.mean.abs();
    match unit {
        Unit::Ratio => {
            let text = format::plus_minus(size * 100.0, difference.half_width * 100.0);
            format!("{text} points")
        }
        _ => format!(
            "{} \u{b1} {}",
            format::by_unit(unit, size),
            format::by_unit(unit, difference.half_width)
        ),
    }
}

/// `two_choices has 1.46 (1.44 to 1.48) times lower latency.p99 than ring (better)`.
fn sentence(comparison: &Comparison, variant: usize) -> String {
    let name = &comparison.variants[variant];
    let reference = &comparison.variants[comparison.reference];
    let (mut found, mut open, mut equal) = (Vec::new(), Vec::new(), Vec::new());
    let (mut missing, mut same, mut described) = (Vec::new(), Vec::new(), Vec::new());
    for measure in &comparison.measures {
        let row = &measure.rows[variant];
        match (row.verdict, row.effect) {
            (_, Some(effect)) if effect.is_none() => equal.push(measure.text.clone()),
            (Some(Verdict::NotComparable) | None, _) | (_, None) => {
                missing.push(measure.text.clone());
            }
            (Some(Verdict::NoEvidence), _) => open.push(measure.text.clone()),
            (Some(Verdict::NotJudged), _) => described.push(measure.text.clone()),
            (Some(Verdict::NoDifference), _) => same.push(within(measure)),
            (Some(verdict), Some(effect)) => {
                found.push(finding(measure, verdict, &effect));
            }
        }
    }
    let mut parts = match found.is_empty() {
        true => Vec::new(),
        false => vec![format!("{name} has {}", findings(&found, reference))],
    };
    let rest = [
        ("no difference in", same),
        ("no evidence on", open),
        ("equal in", equal),
        ("not judged:", described),
        ("not comparable in", missing),
    ];
    for (words, measures) in rest.iter().filter(|(_, measures)| !measures.is_empty()) {
        parts.push(format!("{words} {}", measures.join(", ")));
    }
    match found.is_empty() {
        true => format!("{name} against {reference}: {}", parts.join("; ")),
        false => parts.join("; "),
    }
}

/// `latency.p99 (within 5 %)`.
fn within(measure: &MeasureComparison) -> String {
    let percent = 100.0 * measure.margin.unwrap_or_default();
    let points = match measure.unit {
        Unit::Ratio => "points",
        Unit::Time | Unit::Rate | Unit::Number => "%",
    };
    format!("{} (within {percent} {points})", measure.text)
}

/// Each finding with what it means, or all with it at the end where that is the same.
fn findings(found: &[(String, &'static str)], reference: &str) -> String {
    let is_alike = found.iter().all(|(_, remark)| *remark == found[0].1);
    let texts = found.iter().map(|(text, remark)| match is_alike {
        true => text.clone(),
        false => format!("{text}{remark}"),
    });
    let texts: Vec<String> = texts.collect();
    let end = if is_alike { found[0].1 } else { "" };
    format!("{} than {reference}{end}", texts.join(" and "))
}

/// `1.46 (1.44 to 1.48) times lower latency.p99`, and what it means.
fn finding(
    measure: &MeasureComparison,
    verdict: Verdict,
    effect: &Effect,
) -> (String, &'static str) {
    let text = match effect {
        Effect::Signs { .. } => match effect.is_lower() {
            true => "lower".to_string(),
            false => "higher".to_string(),
        },
        _ => effect_text(effect, measure.unit),
    };
    let remark = match verdict {
        Verdict::TradeOff => " (a trade-off: fewer requests succeed)",
        Verdict::Better => " (better)",
        Verdict::Worse => " (worse)",
        Verdict::Higher
        | Verdict::Lower
        | Verdict::NoDifference
        | Verdict::NoEvidence
        | Verdict::NotJudged
        | Verdict::NotComparable => "",
    };
    (format!("{text} {}", measure.text), remark)
}

/// None seen is not zero: it bounds the rate from above.
fn rare_note(measure: &str, name: &str, rare: &RareEvents, run_count: usize) -> String {
    let exposure = format::secs(rare.exposure_secs);
    let a_day = |per_sec: f64| format::number(per_sec * 86_400.0);
    let high = a_day(rare.high_per_sec);
    match rare.seen_count {
        0 => format!(
            "{name}: {measure} is zero in {exposure} of {run_count} replications: 95 % sure that \
             there are at most {high} bursts a day"
        ),
        seen_count => format!(
            "{name}: {measure} is above zero in {seen_count} of {run_count} replications, \
             {exposure} together: {} to {high} bursts a day (95 %)",
            a_day(rare.low_per_sec)
        ),
    }
}

fn note(measure: &str, name: &str, row: &Row, run_count: usize) -> Option<String> {
    if let Some(rare) = &row.rare {
        return Some(rare_note(measure, name, rare, run_count));
    }
    match &row.level {
        Level::Mean(_) | Level::Share(_) => None,
        Level::Pooled(_) if row.pairs.as_ref().is_some_and(|pairs| pairs.is_grouped) => {
            let group_count = row.pairs.as_ref().map_or(0, |pairs| pairs.values.len());
            Some(format!(
                "{name}: {measure} is compared by {group_count} groups of replications, because \
                 single ones have too few samples"
            ))
        }
        Level::Pooled(_) => None,
        Level::Censored {
            never_count,
            never_ratio,
            ..
        } => Some(format!(
            "{name}: {measure} was never reached in {never_count} of {run_count} replications \
             (95 %: in {} to {} of all)",
            format::ratio(never_ratio.0),
            format::ratio(never_ratio.1)
        )),
        Level::Unknown {
            known_count,
            reason,
            ..
        } if *known_count == run_count => {
            Some(format!("{name}: {measure} is not stated: {reason}"))
        }
        Level::Unknown {
            known_count,
            reason,
            ..
        } => Some(format!(
            "{name}: {measure} is known in {known_count} of {run_count} replications only: {reason}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::measure_catalog::Direction;
    use crate::stats::contrast::ratio;

    fn row(effect: Option<Effect>, verdict: Option<Verdict>) -> Row {
        Row {
            values: Vec::new(),
            pairs: None,
            equivalence_p_adjusted: None,
            level: Level::Mean(MeanInterval {
                mean: 0.0482,
                half_width: 0.001,
            }),
            effect,
            p_adjusted: effect.map(|_| 0.012_34),
            verdict,
            rare: None,
        }
    }

    fn comparison(effect: Effect, verdict: Verdict) -> Comparison {
        Comparison {
            reference: 0,
            variants: vec!["ring".into(), "two_choices".into()],
            run_counts: vec![10; 2],
            primary: None,
            is_paired: true,
            is_pooled: true,
            measures: vec![MeasureComparison {
                text: "latency.p99".into(),
                unit: Unit::Time,
                direction: Direction::Lower,
                margin: None,
                rows: vec![row(None, None), row(Some(effect), Some(verdict))],
            }],
        }
    }

    fn halved() -> Effect {
        let reference = [0.100, 0.104, 0.098];
        Effect::Ratio(ratio(&[0.050, 0.0521, 0.0489], &reference).expect("positive"))
    }

    #[test]
    fn a_sentence_says_how_many_times() {
        let found = sentences(&comparison(halved(), Verdict::Better));
        let text = "two_choices has 2.00 (1.99 to 2.01) times lower latency.p99 than ring (better)";
        assert_eq!(found, [text]);
    }

    #[test]
    fn what_a_percentile_of_saved_runs_is_stands_below_the_numbers() {
        let mut comparison = comparison(halved(), Verdict::Better);
        assert!(reading(&comparison).contains("of the samples of all replications"));
        comparison.is_pooled = false;
        assert!(reading(&comparison).contains("the mean of the replications' percentiles"));
    }

    #[test]
    fn no_evidence_is_not_no_difference() {
        let found = sentences(&comparison(halved(), Verdict::NoEvidence));
        assert_eq!(
            found,
            ["two_choices against ring: no evidence on latency.p99"]
        );
    }

    #[test]
    fn a_difference_of_shares_is_in_points() {
        let difference = MeanInterval {
            mean: -0.001_23,
            half_width: 0.000_04,
        };
        let text = difference_text(&difference, Unit::Ratio);
        assert_eq!(text, "0.123 \u{b1} 0.004 points");
    }

    #[test]
    fn nothing_seen_is_not_zero() {
        let rare = |seen_count, low_per_sec, high_per_sec| RareEvents {
            seen_count,
            exposure_secs: 86_400.0,
            low_per_sec: low_per_sec / 86_400.0,
            high_per_sec: high_per_sec / 86_400.0,
        };
        assert_eq!(
            rare_note("mistake_count", "ring", &rare(0, 0.0, 2.9957), 24),
            "ring: mistake_count is zero in 24.0 h of 24 replications: 95 % sure that there are at \
             most 3.00 bursts a day"
        );
        assert_eq!(
            rare_note("mistake_count", "ring", &rare(1, 0.0253, 5.572), 24),
            "ring: mistake_count is above zero in 1 of 24 replications, 24.0 h together: 0.0253 to \
             5.57 bursts a day (95 %)"
        );
    }

    #[test]
    fn tables_have_a_row_for_each_variant() {
        let tables = tables(&comparison(halved(), Verdict::Better));
        assert_eq!(tables[0].rows[0][1], "48.2 ms \u{b1} 1.00 ms");
        assert_eq!(tables[0].rows[0][5], "reference");
        assert_eq!(tables[0].rows[1][2], "2.00 (1.99 to 2.01) times lower");
        assert_eq!(tables[0].rows[1][3], "0.0123");
    }
}
