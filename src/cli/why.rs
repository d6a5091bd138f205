//! `stormglass why`.

use std::path::Path;

use super::interrupt::Interrupt;
use super::load::{self, Loaded};
use super::look_args::WhyArgs;
use super::progress::Meter;
use super::style::Console;
use super::{CliError, Exit};
use crate::experiment::follow::follow;
use crate::report::format;
use crate::report::manifest::{Manifest, ReplicationRecord};
use crate::report::story_text::story;
use crate::report::summary::digest_text;
use crate::time::SimTime;
use crate::trace::Follower;
use crate::trace::slowest::{Ranked, Slowest};
use crate::trace::story::Stories;
use crate::trace::words;

/// Runs the scenario of a run directory again and tells what happened to single requests.
pub fn run(args: &WhyArgs, console: &mut Console) -> Result<Exit, CliError> {
    let again = Again::open(args, console)?;
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
            again.run(args, &interrupt, &mut slowest, console)?;
            slowest.into_ranked()
        }
    };
    let requests: Vec<u64> = match args.request {
        Some(request) => vec![request],
        None => ranked.iter().map(|one| one.request).collect(),
    };
    let mut stories = Stories::new(&again.loaded.scenario, &requests);
    again.run(args, &interrupt, &mut stories, console)?;
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

/// A run that is made again.
struct Again {
    loaded: Loaded,
    record: ReplicationRecord,
}

impl Again {
    fn open(args: &WhyArgs, console: &mut Console) -> Result<Self, CliError> {
        let manifest = Manifest::read(&args.run_dir).map_err(|source| CliError::Manifest {
            path: args.run_dir.display().to_string(),
            source,
        })?;
        let place = args.replication as usize;
        let Some(record) = manifest.replications.get(place).cloned() else {
            return Err(CliError::Usage(format!(
                "{}: has {}, counted from 0",
                args.run_dir.display(),
                format::counted(manifest.replications.len() as u64, "replication")
            )));
        };
        let path = args.run_dir.join("scenario.toml");
        let loaded = load::for_verify(Path::new(&path), &args.limits, console)?;
        Ok(Again { loaded, record })
    }

    /// Runs once, and refuses to tell anything of another run than the one that was written.
    fn run(
        &self,
        args: &WhyArgs,
        interrupt: &Interrupt,
        follower: &mut dyn Follower,
        console: &mut Console,
    ) -> Result<(), CliError> {
        let scenario = &self.loaded.scenario;
        let meter = Meter::start(
            console.progress_mode(),
            interrupt.clone(),
            scenario.duration,
            1,
        );
        let event_count_max = args.limits.max_events;
        let end = follow(
            scenario,
            self.record.seed,
            event_count_max,
            &meter,
            follower,
        );
        if let Some(took) = meter.finish(end.as_ref().ok().map(|end| end.event_count)) {
            console.note(took);
        }
        let end = end.map_err(|error| CliError::Plan {
            error,
            advice: String::new(),
        })?;
        let digest = digest_text(end.digest);
        if digest != self.record.digest {
            return Err(CliError::Different(format!(
                "{}: seed {} gives digest {digest}, the manifest says {}; this program or the \
                 scenario is not the one of the run",
                args.run_dir.display(),
                self.record.seed,
                self.record.digest
            )));
        }
        Ok(())
    }
}
