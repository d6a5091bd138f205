//! What a search found: sentences, picture, page and files.

use super::super::files::write_picture;
use super::super::format;
use super::super::html::{Block, Mark, Table};
use super::super::run_dir::{RunDirError, RunDirWriter};
use super::super::study_page::{self, paragraphs};
use super::super::summary::unit_of;
use super::super::sweep::pictures::quantity;
use super::super::sweep::tables::unit;
use super::{StudyFacts, distance_text, estimate_text, page};
use crate::chart::Caption;
use crate::chart::intervals::{IntervalRow, Intervals};
use crate::chart::picture::Picture;
use crate::experiment::optimize::{Aim, Candidate, Goal, Round, Standing};
use crate::experiment::study::{Distance, Estimate};
use crate::experiment::sweep::points::SweepPlan;
use crate::metrics::evaluate::VerdictState;
use crate::scenario::measure::Unit;

pub use super::optimize_data::{write_csv, write_json};

/// Below this p-value two points are taken as different.
const P_MAX: f64 = 0.05;

/// Points that are drawn, and listed on the page; all stand in `rounds.csv`.
const DRAWN_POINT_COUNT_MAX: usize = 30;

/// What was found.
pub struct Found {
    /// What was sought.
    pub goal: Goal,
    /// The points.
    pub plan: SweepPlan,
    /// The best point, on fresh seeds.
    pub winner: Candidate,
    /// The second best, on the same seeds.
    pub second: Option<Candidate>,
    /// The first fresh seed.
    pub fresh_seed: u64,
    /// The search.
    pub rounds: Vec<Round>,
}

impl Found {
    /// What kind of number the objective is.
    pub(super) fn unit(&self) -> Unit {
        unit(&self.winner.study.scenario.asked[0])
    }

    /// Where every point stood after its last round, the best first.
    fn standings(&self) -> Vec<Standing> {
        let mut list: Vec<Standing> = Vec::new();
        for round in self.rounds.iter().rev() {
            let is_new =
                |standing: &&Standing| list.iter().all(|known| known.point != standing.point);
            let new: Vec<Standing> = round.standings.iter().filter(is_new).copied().collect();
            list.extend(new);
        }
        list
    }
}

pub(super) fn state_word(state: VerdictState) -> &'static str {
    match state {
        VerdictState::Held => "holds",
        VerdictState::Failed => "is broken",
        VerdictState::Undecided => "is not decided",
    }
}

/// What is known, a sentence each: the objective, the constraints, how sure the choice is.
pub fn sentences(found: &Found) -> Vec<String> {
    let (goal, plan) = (&found.goal, &found.plan);
    let study = &found.winner.study;
    let by_unit = |value| format::by_unit(found.unit(), value);
    let count = format::counted(u64::from(study.run_count()), "fresh seed");
    let last = found
        .rounds
        .last()
        .and_then(|round| round.standings.first());
    let before = last.and_then(|standing| standing.estimate);
    let mut list = vec![format!(
        "best is {}: {} {} on {count} from {}; the search, which picks what looks good, said {}",
        plan.label(found.winner.point),
        goal.measure,
        estimate_text(study.estimate(), by_unit),
        found.fresh_seed,
        format::optional(before, |estimate| by_unit(estimate.value))
    )];
    let judged = study.scenario.expectations.iter().zip(study.judgements());
    for (expectation, judgement) in judged {
        let text = |value| format::by_unit(unit_of(&expectation.measure), value);
        let value = format::optional(judgement.value, text);
        let interval = judgement.interval.map_or(String::new(), |(low, high)| {
            format!(", {} to {}", text(low), text(high))
        });
        let reason = match judgement.reason.as_str() {
            "" => String::new(),
            reason => format!("; {reason}"),
        };
        let word = state_word(judgement.state);
        list.push(format!(
            "{} {word}: {value}{interval}{reason}",
            expectation.text
        ));
    }
    if let Some(second) = &found.second {
        list.push(against(found, second, by_unit));
    }
    list
}

/// How sure it is that the winner is better than the second best.
fn against(found: &Found, second: &Candidate, by_unit: impl Fn(f64) -> String) -> String {
    let (goal, label) = (&found.goal, found.plan.label(second.point));
    if second.study.state() == VerdictState::Failed {
        return format!("the second best, {label}, breaks a constraint on the same seeds");
    }
    let Some(distance) = found.winner.study.distance(&second.study) else {
        return format!(
            "the second best, {label}, cannot be compared: {} does not exist in every run",
            goal.measure
        );
    };
    let text = distance_text(&distance, distance.p_value(), by_unit);
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
pub(super) fn verdict(aim: Aim, distance: &Distance) -> Option<bool> {
    let is_better = distance.is_lower() == (aim == Aim::Minimize);
    (distance.p_value() < P_MAX).then_some(is_better)
}

/// `minimize latency.p99 subject to success_ratio >= 99.9%`.
pub fn goal_text(goal: &Goal) -> String {
    let aim = match goal.aim {
        Aim::Minimize => "minimize",
        Aim::Maximize => "maximize",
    };
    match goal.constraints.is_empty() {
        true => format!("{aim} {}", goal.measure),
        false => format!(
            "{aim} {} subject to {}",
            goal.measure,
            goal.constraints.join(" and ")
        ),
    }
}

/// `minimize latency.p99 · 11 points · 240 runs`.
pub fn facts_text(found: &Found, facts: &StudyFacts) -> String {
    format!(
        "{} \u{b7} {} \u{b7} {} from seed {}",
        goal_text(&found.goal),
        format::counted(u64::from(found.plan.point_count()), "point"),
        format::counted(facts.run_count, "run"),
        facts.seed
    )
}

/// Writes every file but the scenario and the manifest.
pub fn write_files(
    writer: &mut RunDirWriter,
    found: &Found,
    facts: &StudyFacts,
    has_charts: bool,
) -> Result<(), RunDirError> {
    writer.write("optimize.json", |out| write_json(found, out))?;
    writer.write("rounds.csv", |out| write_csv(found, out))?;
    let picture = has_charts.then(|| Picture::new("standings", standings(found, facts)));
    if let Some(picture) = &picture {
        write_picture(writer, picture)?;
    }
    let picture = picture.into_iter().map(Block::Picture).collect();
    let line = facts_text(found, facts);
    let list = vec![
        ("On fresh seeds", vec![Block::Table(fresh_table(found))]),
        ("Standings", picture),
        ("Rounds", vec![Block::Table(rounds_table(found))]),
        ("Method", method()),
    ];
    let page = page(facts, ("a search", line), sentences(found), list);
    study_page::write(writer, &page)
}

/// Every point where it stood when it was left out.
fn standings(found: &Found, facts: &StudyFacts) -> Intervals {
    let by_unit = |value: f64| format::by_unit(found.unit(), value);
    let finite = |value: f64| value.is_finite().then_some(value);
    let all = found.standings();
    let row = |standing: &Standing| {
        let end = |of: fn(Estimate) -> f64| standing.estimate.map(of).and_then(finite);
        IntervalRow {
            label: found.plan.values_text(standing.point),
            value: end(|estimate| estimate.value),
            low: end(|estimate| estimate.low),
            high: end(|estimate| estimate.high),
            values: Vec::new(),
            words: format!(
                "{}{}",
                format::optional(standing.estimate, |estimate| by_unit(estimate.value)),
                match (found.goal.constraints.is_empty(), standing.state) {
                    (true, _) | (_, VerdictState::Held) => "",
                    (_, VerdictState::Failed) => " (constraint broken)",
                    (_, VerdictState::Undecided) => " (not decided)",
                }
            ),
            is_reference: standing.point == found.winner.point,
        }
    };
    let left_out = match all.len().saturating_sub(DRAWN_POINT_COUNT_MAX) {
        0 => String::new(),
        count => format!("; {count} more in rounds.csv"),
    };
    let names: Vec<&str> = (0..found.plan.axes.len())
        .map(|axis| found.plan.short(axis))
        .collect();
    let best = found.winner.study.estimate();
    Intervals {
        caption: Caption {
            title: format!(
                "{}: {} {} on fresh seeds",
                found.plan.label(found.winner.point),
                found.goal.measure,
                format::optional(best, |estimate| by_unit(estimate.value))
            ),
            subtitle: format!(
                "{} of every point ({}) after its last round, the best first{left_out}",
                found.goal.measure,
                names.join(", ")
            ),
            footer: study_page::footer(
                &facts.scenario,
                &format!("seed {}", facts.seed),
                &facts.digest,
            ),
        },
        rows: all.iter().take(DRAWN_POINT_COUNT_MAX).map(row).collect(),
        quantity: quantity(found.unit()),
        axis: found.goal.measure.clone(),
        mark: None,
        mark_name: String::new(),
    }
}

/// The best and the second best with their constraints.
fn fresh_table(found: &Found) -> Table {
    let mut titles = vec!["point".to_string(), format!("#{}", found.goal.measure)];
    titles.extend(found.goal.constraints.iter().cloned());
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let count = format::counted(u64::from(found.winner.study.run_count()), "fresh seed");
    let mut table = Table::new(&format!("{count} from {}", found.fresh_seed), titles);
    for candidate in std::iter::once(&found.winner).chain(&found.second) {
        let study = &candidate.study;
        let mut cells = vec![
            found.plan.label(candidate.point),
            estimate_text(study.estimate(), |value| {
                format::by_unit(found.unit(), value)
            }),
        ];
        let judged = study.scenario.expectations.iter().zip(study.judgements());
        cells.extend(judged.map(|(expectation, judgement)| {
            let text = |value| format::by_unit(unit_of(&expectation.measure), value);
            let value = format::optional(judgement.value, text);
            format!("{}: {value}", state_word(judgement.state))
        }));
        table.push(Mark::None, cells);
    }
    table
}

fn rounds_table(found: &Found) -> Table {
    let titles = [
        "#round",
        "#points",
        "#replications of each",
        "#go on",
        "the best",
    ];
    let mut table = Table::new("", titles);
    for (place, round) in (1..).zip(&found.rounds) {
        let best = round.standings.first();
        let cells = vec![
            i32::to_string(&place),
            round.standings.len().to_string(),
            round.replication_count.to_string(),
            round.kept_count.to_string(),
            format::optional(best, |standing| found.plan.label(standing.point)),
        ];
        table.push(Mark::None, cells);
    }
    table
}

fn method() -> Vec<Block> {
    paragraphs(&[
        "Successive halving (Karnin, Koren and Somekh 2013): every round gives the points that are \
         left more replications on the same seeds, and keeps the better half: those that hold \
         their constraints before those that may not, then by the objective. A point that looks \
         good by luck may win a search, so the best and the second best are run again on seeds \
         that the search has not seen, and only these numbers count.",
        "A constraint holds if its whole 95 % interval does. The best is better than the second \
         best if their paired difference on the fresh seeds excludes zero at 5 %.",
    ])
}
