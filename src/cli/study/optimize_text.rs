//! What an optimization found, as text and for programs.

use std::io;

use serde_json::{Value, json};

use super::super::args::Format;
use super::super::print::escape;
use super::super::style::{Console, HEADING};
use super::goal::Goal;
use super::{distance_text, estimate_text};
use crate::experiment::optimize::{Aim, Candidate, Round};
use crate::experiment::study::Distance;
use crate::experiment::sweep::points::SweepPlan;
use crate::metrics::evaluate::VerdictState;
use crate::report::format;
use crate::report::series::safe_cell;
use crate::report::sweep::tables::unit;

/// Below this p-value two points are taken as different.
const P_MAX: f64 = 0.05;

/// What was found.
pub struct Found {
    /// The best point, on fresh seeds.
    pub winner: Candidate,
    /// The second best, on the same seeds.
    pub second: Option<Candidate>,
    /// The first fresh seed.
    pub fresh_seed: u64,
    /// The search.
    pub rounds: Vec<Round>,
}

/// Shows what was found.
pub fn show(
    format: Format,
    goal: &Goal,
    plan: &SweepPlan,
    found: &Found,
    console: &mut Console,
) -> io::Result<()> {
    match format {
        Format::Text => {
            let out = console.out();
            writeln!(
                out,
                "{HEADING}best{HEADING:#} {}\n",
                plan.label(found.winner.point)
            )?;
            for sentence in sentences(goal, plan, found) {
                writeln!(out, "  {sentence}")?;
            }
            Ok(())
        }
        Format::Md => {
            let out = console.out();
            writeln!(out, "# {}\n", escape(&plan.label(found.winner.point)))?;
            for sentence in sentences(goal, plan, found) {
                writeln!(out, "- {}", escape(&sentence))?;
            }
            Ok(())
        }
        Format::Csv => csv(plan, found, console),
        Format::Json => {
            serde_json::to_writer_pretty(console.out(), &value(goal, plan, found))?;
            writeln!(console.out())
        }
    }
}

fn state_word(state: VerdictState) -> &'static str {
    match state {
        VerdictState::Held => "holds",
        VerdictState::Failed => "is broken",
        VerdictState::Undecided => "is not decided",
    }
}

/// What is known, a sentence each: the objective, the constraints, how sure the choice is.
fn sentences(goal: &Goal, plan: &SweepPlan, found: &Found) -> Vec<String> {
    let study = &found.winner.study;
    let unit = unit(&study.scenario.asked[0]);
    let by_unit = |value| format::by_unit(unit, value);
    let count = format::counted(u64::from(study.run_count()), "fresh seed");
    let last = found
        .rounds
        .last()
        .and_then(|round| round.standings.first());
    let before = last.and_then(|standing| standing.estimate);
    let mut list = vec![format!(
        "{}: {} on {count} from {}; the search, which picks what looks good, said {}",
        goal.measure,
        estimate_text(study.estimate(), by_unit),
        found.fresh_seed,
        format::optional(before, |estimate| by_unit(estimate.value))
    )];
    for (text, judgement) in goal.constraints.iter().zip(study.judgements()) {
        let value = format::optional(judgement.value, format::number);
        let interval = judgement.interval.map_or(String::new(), |(low, high)| {
            format!(", {} to {}", format::number(low), format::number(high))
        });
        let reason = match judgement.reason.as_str() {
            "" => String::new(),
            reason => format!("; {reason}"),
        };
        let word = state_word(judgement.state);
        list.push(format!("{text} {word}: {value}{interval}{reason}"));
    }
    if let Some(second) = &found.second {
        list.push(against(goal, plan, found, second, by_unit));
    }
    list
}

/// How sure it is that the winner is better than the second best.
fn against(
    goal: &Goal,
    plan: &SweepPlan,
    found: &Found,
    second: &Candidate,
    by_unit: impl Fn(f64) -> String,
) -> String {
    let label = plan.label(second.point);
    if second.study.state() == VerdictState::Failed {
        return format!("the second best, {label}, breaks a constraint on the same seeds");
    }
    let Some(distance) = found.winner.study.distance(&second.study) else {
        return format!(
            "the second best, {label}, cannot be compared: {} does not exist in every run",
            goal.measure
        );
    };
    let text = distance_text(&distance, by_unit);
    match verdict(goal.aim, &distance) {
        Some(true) => format!("better than the second best, {label}: {text}"),
        Some(false) => format!(
            "worse than the second best on fresh seeds, {label}: {text}; take that one, or search \
             with a larger --budget"
        ),
        None => format!("no evidence that it is better than the second best, {label}: {text}"),
    }
}

/// Whether the first of two is better; None without evidence.
fn verdict(aim: Aim, distance: &Distance) -> Option<bool> {
    let is_better = distance.is_lower() == (aim == Aim::Minimize);
    (distance.p_value() < P_MAX).then_some(is_better)
}

fn csv(plan: &SweepPlan, found: &Found, console: &mut Console) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(console.out());
    let mut head = vec![
        "round".to_string(),
        "place".to_string(),
        "point".to_string(),
    ];
    head.extend(plan.axes.iter().map(|axis| axis.column()));
    let last = [
        "replication_count",
        "objective",
        "low",
        "high",
        "constraints",
    ];
    head.extend(last.map(str::to_string));
    csv.write_record(&head)?;
    for (place_of_round, round) in (1..).zip(&found.rounds) {
        for (place, standing) in (1..).zip(&round.standings) {
            let mut cells = vec![
                i32::to_string(&place_of_round),
                i32::to_string(&place),
                standing.point.to_string(),
            ];
            let values = plan.values(standing.point).into_iter();
            cells.extend(values.map(|value| match value.number {
                Some(number) => number.to_string(),
                None => safe_cell(value.text()),
            }));
            cells.push(round.replication_count.to_string());
            let number = |of: fn(crate::experiment::study::Estimate) -> f64| {
                let value = standing.estimate.map(of).filter(|value| value.is_finite());
                value.map_or(String::new(), |value| value.to_string())
            };
            cells.extend([number(|e| e.value), number(|e| e.low), number(|e| e.high)]);
            cells.push(state_word(standing.state).to_string());
            csv.write_record(&cells)?;
        }
    }
    csv.flush()
}

fn value(goal: &Goal, plan: &SweepPlan, found: &Found) -> Value {
    let candidate = |candidate: &Candidate| {
        let study = &candidate.study;
        let values = plan.axes.iter().zip(plan.values(candidate.point));
        let setting: serde_json::Map<String, Value> = values
            .map(|(axis, value)| (axis.path.clone(), json!(value.text())))
            .collect();
        let constraints = goal.constraints.iter().zip(study.judgements());
        let constraints = constraints.map(|(text, judgement)| {
            json!({
                "constraint": text,
                "state": judgement.state,
                "value": judgement.value,
                "interval_95": judgement.interval.map(|(low, high)| [low, high]),
                "reason": judgement.reason,
            })
        });
        let estimate = study.estimate();
        json!({
            "setting": setting,
            "objective": estimate.map(|estimate| estimate.value),
            "interval_95": estimate.map(|estimate| [estimate.low, estimate.high]),
            "constraints": constraints.collect::<Vec<_>>(),
        })
    };
    let second = found.second.as_ref();
    let distance = second.and_then(|second| found.winner.study.distance(&second.study));
    json!({
        "aim": match goal.aim { Aim::Minimize => "minimize", Aim::Maximize => "maximize" },
        "measure": goal.measure,
        "fresh_seed": found.fresh_seed,
        "fresh_replication_count": found.winner.study.run_count(),
        "winner": candidate(&found.winner),
        "second": second.map(candidate),
        "is_better_than_second": distance.and_then(|distance| verdict(goal.aim, &distance)),
        "p": distance.map(|distance| distance.p_value()),
        "rounds": found.rounds.iter().map(|round| json!({
            "replication_count": round.replication_count,
            "points": round.standings.iter().map(|s| s.point).collect::<Vec<_>>(),
            "kept_count": round.kept_count,
        })).collect::<Vec<_>>(),
    })
}
