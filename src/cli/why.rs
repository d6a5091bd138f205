//! `stormglass why`.

use super::again::Again;
use super::interrupt::Interrupt;
use super::look_args::{ChangeFormat, WhyArgs};
use super::style::Console;
use super::{CliError, Exit};
use crate::report::format;
use crate::report::story_text::story;
use crate::time::SimTime;
use crate::trace::slowest::{Ranked, Slowest};
use crate::trace::story::Stories;
use crate::trace::words;

/// Runs the scenario of a run directory again and tells what happened to single requests.
pub fn run(args: &WhyArgs, console: &mut Console) -> Result<Exit, CliError> {
    if let Some(fault) = &args.change {
        return super::change::run(args, fault, console);
    }
    refuse_change_options(args)?;
    let again = Again::open(&args.run_dir, args.replication, &args.limits, console)?;
    let interrupt = Interrupt::listen()?;
    let ranked = match args.request {
        Some(_) => Vec::new(),
        None => {
            let scenario = &again.loaded.scenario;
            let measured = (
                SimTime::START + scenario.warmup,
                SimTime::START + scenario.duration,
            );
            let mut slowest = Slowest::new(args.slowest.unwrap_or(10) as usize, measured);
            again.run(&interrupt, &mut slowest, console)?;
            slowest.into_ranked()
        }
    };
    let requests: Vec<u64> = match args.request {
        Some(request) => vec![request],
        None => ranked.iter().map(|one| one.request).collect(),
    };
    let mut stories = Stories::new(&again.loaded.scenario, &requests);
    again.run(&interrupt, &mut stories, console)?;
    list(&ranked, console)?;
    for request in requests {
        let steps = stories.of(request);
        if steps.is_empty() {
            return Err(CliError::Usage(format!(
                "no request of a client is called {request:016x} in the run with seed {}; \
                 `stormglass why {} --slowest` names some",
                again.record.seed,
                args.run_dir.display()
            )));
        }
        let text = story(&again.loaded.scenario, request, steps);
        writeln!(console.out(), "{text}")?;
    }
    Ok(Exit::Done)
}

/// Refuses what is about a change only. (A flag that needs one that contradicts another counts as
/// given.)
fn refuse_change_options(args: &WhyArgs) -> Result<(), CliError> {
    let option = match (args.format, args.window) {
        (ChangeFormat::Json, _) => "--format json",
        (ChangeFormat::Text, 0) => return Ok(()),
        (ChangeFormat::Text, _) => "--window",
    };
    Err(CliError::Usage(format!(
        "{option} is about a change only; name its fault with --change FAULT"
    )))
}

fn list(ranked: &[Ranked], console: &mut Console) -> Result<(), CliError> {
    if ranked.is_empty() {
        return Ok(());
    }
    writeln!(console.out(), "SLOWEST")?;
    for one in ranked {
        writeln!(
            console.out(),
            "  {:016x}  {:>9}  {:<8} arrived at {}",
            one.request,
            format::secs(one.latency.as_secs_f64()),
            words::outcome(one.outcome),
            format::instant(one.arrived_at.as_secs_f64())
        )?;
    }
    writeln!(console.out())?;
    Ok(())
}
