//! `stormglass optimize`.

use super::super::interrupt::Interrupt;
use super::super::load::{self, refused, show_diagnostics};
use super::super::run::jobs_that_fit;
use super::super::style::Console;
use super::super::sweep::axes::config;
use super::super::{CliError, Exit};
use super::args::OptimizeArgs;
use super::goal::{Goal, parse};
use super::optimize_text::{Found, show};
use super::{Listener, failed};
use crate::experiment::optimize::{Candidate, Round, halve};
use crate::experiment::plan::Plan;
use crate::experiment::study::Study;
use crate::experiment::sweep::points::SweepPlan;
use crate::metrics::evaluate::VerdictState;
use crate::scenario::load::limits::estimate;
use crate::scenario::load::point::Base;
use crate::scenario::load::tree::toml_string;

/// Runs of the search for each point, unless the user says otherwise.
const RUNS_PER_POINT: u32 = 20;
/// Most points; all are kept in memory.
const POINT_COUNT_MAX: u32 = 1_000;

/// Finds the best point of the axes.
pub fn run(args: &OptimizeArgs, console: &mut Console) -> Result<Exit, CliError> {
    let goal = parse(&args.goal)?;
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let input = load::input(Some(&args.scenario), &sets, &args.load.limits)?;
    let mut loaded = crate::scenario::load::load(&input);
    let Some(scenario) = loaded.scenario.take() else {
        show_diagnostics(&loaded, console);
        return Err(refused(&loaded));
    };
    let config = config(&args.axis, &scenario)?;
    let plan = SweepPlan::new(config.axes, &config.constraints, 1, scenario.seed)
        .map_err(CliError::Usage)?;
    if POINT_COUNT_MAX < plan.point_count() {
        return Err(CliError::Usage(format!(
            "{} points, at most {POINT_COUNT_MAX} are possible; take fewer values or --where",
            plan.point_count()
        )));
    }
    let opened = Base::open(&input, std::slice::from_ref(&goal.measure));
    let mut base = opened.map_err(|loaded| {
        show_diagnostics(&loaded, console);
        refused(&loaded)
    })?;
    let candidates = (0..plan.point_count())
        .map(|point| candidate(&mut base, &plan, &goal, point, console))
        .collect::<Result<Vec<_>, _>>()?;
    let interrupt = Interrupt::listen()?;
    let found = search(args, &goal, &plan, candidates, &interrupt, console)?;
    show(args.format, &goal, &plan, &found, console)?;
    Ok(match found.winner.study.state() {
        VerdictState::Held => Exit::Done,
        VerdictState::Failed | VerdictState::Undecided => Exit::ExpectationFailed,
    })
}

/// A point of which the constraints are expected.
fn candidate(
    base: &mut Base,
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
    let mut loaded = base.point(&sets);
    let scenario = loaded.scenario.take().ok_or_else(|| {
        show_diagnostics(&loaded, console);
        console.say(format_args!(
            "hint: this was the point {}",
            plan.label(point)
        ));
        refused(&loaded)
    })?;
    Ok(Candidate {
        point,
        study: Study::new(scenario),
    })
}

/// Searches, and estimates the best and the second best again on seeds that the search has not
/// seen.
fn search(
    args: &OptimizeArgs,
    goal: &Goal,
    plan: &SweepPlan,
    candidates: Vec<Candidate>,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Found, CliError> {
    let limits = &args.load.limits;
    let extend = |candidate: &mut Candidate, seed: u64, replication_count: u32| {
        let size = estimate(&candidate.study.scenario);
        let runs = Plan {
            seed,
            replication_count,
            jobs: jobs_that_fit(args.jobs, &size, limits.max_memory),
        };
        let monitor = Listener(interrupt);
        let done = candidate.study.extend(&runs, limits.max_events, &monitor);
        done.map_err(|error| failed(error, &plan.label(candidate.point)))
    };
    let standard = plan.point_count().saturating_mul(RUNS_PER_POINT);
    let budget = args.budget.unwrap_or(standard);
    let mut rounds: Vec<Round> = Vec::new();
    let best = halve(
        candidates,
        budget,
        goal.aim,
        |candidate, count| extend(candidate, plan.seed, count),
        |round| {
            console.note(format_args!(
                "{} points with {} replications each: {} go on",
                round.standings.len(),
                round.replication_count,
                round.kept_count
            ));
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
    })
}
