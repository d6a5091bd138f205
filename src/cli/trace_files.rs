//! The files of `run --trace`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::CliError;
use super::args::RunArgs;
use super::interrupt::Interrupt;
use super::progress::Meter;
use super::style::Console;
use crate::experiment::follow::follow;
use crate::experiment::{Results, Run};
use crate::report::format;
use crate::report::summary::digest_text;
use crate::scenario::Scenario;
use crate::trace::Follower;
use crate::trace::chrome::ChromeTrace;
use crate::trace::lines::Lines;

/// Files that are open for traces, so that a place that takes none is found before the run.
pub struct TraceFiles(Vec<(PathBuf, File)>);

impl TraceFiles {
    /// Creates the files.
    pub fn create(paths: &[PathBuf]) -> Result<Self, CliError> {
        let create = |path: &PathBuf| {
            let file = File::create(path).map_err(|source| file_error(path, source))?;
            Ok((path.clone(), file))
        };
        Ok(TraceFiles(
            paths.iter().map(create).collect::<Result<_, CliError>>()?,
        ))
    }

    /// Runs the first replication again for each file and writes what happens.
    pub fn write(
        self,
        args: &RunArgs,
        scenario: &Scenario,
        results: &Results,
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<(), CliError> {
        let first = results.runs.first().expect("results have at least one run");
        for (path, file) in self.0 {
            let mut out = file;
            let is_lines = path.extension().is_some_and(|ending| ending == "jsonl");
            let written = if is_lines {
                let mut lines = Lines::new(scenario, &mut out);
                again(args, scenario, first, interrupt, &mut lines, console)?;
                lines.finish()
            } else {
                let mut trace = ChromeTrace::new(scenario, first.seed, &mut out);
                again(args, scenario, first, interrupt, &mut trace, console)?;
                trace.finish()
            };
            written.map_err(|source| file_error(&path, source))?;
            let size = out.metadata().map(|metadata| metadata.len()).unwrap_or(0);
            console.note(format_args!(
                "{}: {} bytes",
                path.display(),
                format::count(size)
            ));
        }
        Ok(())
    }
}

/// Makes a run again. That it is the same one is an invariant of this program.
fn again(
    args: &RunArgs,
    scenario: &Scenario,
    run: &Run,
    interrupt: &Interrupt,
    follower: &mut dyn Follower,
    console: &mut Console,
) -> Result<(), CliError> {
    let meter = Meter::start(
        console.progress_mode(),
        interrupt.clone(),
        scenario.duration,
        1,
    );
    let event_count_max = args.load.limits.max_events;
    let end = follow(scenario, run.seed, event_count_max, &meter, follower);
    if let Some(took) = meter.finish(end.as_ref().ok().map(|end| end.event_count)) {
        console.note(took);
    }
    let end = end.map_err(|error| CliError::Plan {
        error,
        advice: String::new(),
    })?;
    match end.digest == run.metrics.digest {
        true => Ok(()),
        false => Err(CliError::Different(format!(
            "tracing changed the run with seed {} to digest {}: this is a bug in stormglass",
            run.seed,
            digest_text(end.digest)
        ))),
    }
}

fn file_error(path: &Path, source: io::Error) -> CliError {
    CliError::File {
        path: path.display().to_string(),
        source,
    }
}
