//! `stormglass optimize`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::super::args::Format;
use super::super::command::repeat_optimize;
use super::super::interrupt::Interrupt;
use super::super::load;
use super::super::print::escape;
use super::super::style::{Console, HEADING};
use super::super::sweep::axes::config;
use super::super::{CliError, Exit};
use super::args::OptimizeArgs;
use super::directory::Desk;
use super::goal::parse;
use super::lab::{Lab, StudyMeter};
use crate::experiment::optimize::{self, Candidate, Goal, Round, halve};
use crate::experiment::study::Study;
use crate::experiment::sweep::points::SweepPlan;
use crate::metrics::evaluate::VerdictState;
use crate::report::format;
use crate::report::manifest::Kind;
use crate::report::study::StudyFacts;
use crate::report::study::optimize::{
    Found, facts_text, sentences, write_csv, write_files, write_json,
};
use crate::scenario::load::tree::toml_string;

/// Runs of the search for each point, unless the user says otherwise.
const RUNS_PER_POINT: u32 = 20;
/// Most points; all are kept in memory.
const POINT_COUNT_MAX: u32 = 1_000;

/// Finds the best point of the axes.
pub fn run(args: &OptimizeArgs, console: &mut Console) -> Result<Exit, CliError> {
    let goal = parse(&args.goal)?;
    let (input, scenario) = load::subject(&args.scenario, &args.load, args.seed, false, console)?;
    let config = config(&args.axis, &scenario)?;
    let plan = SweepPlan::new(config.axes, &config.constraints, 1, scenario.seed)
        .map_err(CliError::Usage)?;
    if POINT_COUNT_MAX < plan.point_count() {
        return Err(CliError::Usage(format!(
            "{} points, at most {POINT_COUNT_MAX} are possible; take fewer values or --where",
            plan.point_count()
        )));
    }
    let interrupt = Interrupt::listen()?;
    let mut lab = Lab {
        base: load::open(&input, std::slice::from_ref(&goal.measure), console)?,
        limits: &args.load.limits,
        jobs: args.jobs,
        meter: StudyMeter::start(console.progress_mode(), &interrupt, run_count(args, &plan)),
        runs: Vec::new(),
    };
    let desk = Desk::open(args.out.as_deref(), Kind::Optimization)?;
    let candidates = (0..plan.point_count())
        .map(|point| candidate(&mut lab, &plan, &goal, point, console))
        .collect::<Result<Vec<_>, _>>()?;
    let found = search(args, (goal, plan), candidates, &mut lab, console)?;
    if let Some(took) = lab.meter.runs().finish() {
        console.note(took);
    }
    let command = repeat_optimize(args);
    let (facts, place) =
        desk.close((&lab, &scenario), ("optimize", command), |writer, facts| {
            write_files(writer, &found, facts, !args.no_charts)
        })?;
    show(args.format, &found, &facts, &place, console)?;
    Ok(match found.winner.study.state() {
        VerdictState::Held => Exit::Done,
        VerdictState::Failed | VerdictState::Undecided => Exit::ExpectationFailed,
    })
}

/// Runs to spend on the search.
fn budget(args: &OptimizeArgs, plan: &SweepPlan) -> u32 {
    let standard = plan.point_count().saturating_mul(RUNS_PER_POINT);
    args.budget.unwrap_or(standard)
}

/// Runs of the whole study.
fn run_count(args: &OptimizeArgs, plan: &SweepPlan) -> u32 {
    let searched_count = optimize::run_count(plan.point_count() as usize, budget(args, plan));
    let confirmed_count = plan.point_count().min(2);
    searched_count.saturating_add(confirmed_count.saturating_mul(args.confirm))
}

/// A point of which the constraints are expected.
fn candidate(
    lab: &mut Lab,
    plan: &SweepPlan,
    goal: &Goal,
    point: u32,
    console: &mut Console,
) -> Result<Candidate, CliError> {
    let mut sets = plan.sets(point);
    let constraints = (1..).zip(&goal.constraints);
    sets.extend(
        constraints.map(|(n, text)| format!("expect.constraint-{n}={}", toml_string(text))),
    );
    let label = format!("the point {}", plan.label(point));
    Ok(Candidate {
        point,
        study: Study::new(lab.scenario(&sets, &label, console)?),
    })
}

/// Searches, and estimates the best and the second best again on seeds that the search has not
/// seen.
fn search(
    args: &OptimizeArgs,
    (goal, plan): (Goal, SweepPlan),
    candidates: Vec<Candidate>,
    lab: &mut Lab,
    console: &mut Console,
) -> Result<Found, CliError> {
    let meter = Arc::clone(&lab.meter);
    let mut extend = |candidate: &mut Candidate, seed: u64, replication_count: u32| {
        let (study, label) = (&mut candidate.study, plan.label(candidate.point));
        lab.extend(study, seed, replication_count, &label)?;
        lab.note(&plan.sets(candidate.point), study);
        Ok::<(), CliError>(())
    };
    let budget = budget(args, &plan);
    let needed = optimize::run_count(plan.point_count() as usize, budget);
    if budget < needed {
        meter.runs().aside(|| {
            console.note(format_args!(
                "a budget of {budget} runs is too small for {}: the search takes {needed}",
                format::counted(u64::from(plan.point_count()), "point")
            ));
        });
    }
    let mut rounds: Vec<Round> = Vec::new();
    let best = halve(
        candidates,
        budget,
        goal.aim,
        |candidate, count| extend(candidate, plan.seed, count),
        |round| {
            let words = format_args!(
                "{} points with {} replications each: {} go on",
                round.standings.len(),
                round.replication_count,
                round.kept_count
            );
            meter.runs().aside(|| console.note(words));
            rounds.push(round.clone());
        },
    )?;
    let used = rounds.last().map_or(0, |round| round.replication_count);
    let fresh_seed = plan.seed.wrapping_add(u64::from(used));
    let mut fresh = Vec::new();
    for candidate in best {
        let mut again = Candidate {
            point: candidate.point,
            study: Study::new(candidate.study.scenario),
        };
        extend(&mut again, fresh_seed, args.confirm)?;
        fresh.push(again);
    }
    let mut fresh = fresh.into_iter();
    Ok(Found {
        winner: fresh.next().expect("one is the best"),
        second: fresh.next(),
        fresh_seed,
        rounds,
        goal,
        plan,
    })
}

fn show(
    format: Format,
    found: &Found,
    facts: &StudyFacts,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    let report = place.join("report.html");
    let (name, line) = (&facts.scenario, facts_text(found, facts));
    match format {
        Format::Text => {
            let out = console.out();
            writeln!(out, "{HEADING}{name}{HEADING:#} \u{b7} {line}\n")?;
            for sentence in sentences(found) {
                writeln!(out, "  {sentence}")?;
            }
            writeln!(out, "\n  digest {}\n  {}", facts.digest, report.display())?;
            writeln!(out, "repeat with: {}", facts.command)?;
        }
        Format::Md => {
            let out = console.out();
            writeln!(out, "# {}\n\n{}\n", escape(name), escape(&line))?;
            for sentence in sentences(found) {
                writeln!(out, "- {}", escape(&sentence))?;
            }
        }
        Format::Csv => write_csv(found, console.out())?,
        Format::Json => write_json(found, console.out())?,
    }
    if format != Format::Text {
        console.note(report.display());
    }
    Ok(())
}
