//! Runs what is left of a plan and writes down every run that ends.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use super::super::CliError;
use super::super::interrupt::Interrupt;
use super::super::run::{interrupted, jobs_that_fit};
use super::super::style::Console;
use super::prepare::Job;
use super::progress::RunMeter;
use crate::experiment::sweep::execute::{Outcome, RunRecord, SweepMonitor, execute};
use crate::report::sweep::records::{Journal, Records};

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Runs at once; 0 takes every core.
    pub jobs: u32,
    /// Whether the first failure ends the sweep.
    pub is_fail_fast: bool,
}

/// Everything that changes when a run ends.
struct Desk<'a> {
    journal: Journal,
    records: &'a mut Records,
    meter: RunMeter,
    error: Option<io::Error>,
    failure: Option<String>,
}

struct Clerk<'a> {
    desk: Mutex<Desk<'a>>,
    interrupt: &'a Interrupt,
    is_fail_fast: bool,
}

impl SweepMonitor for Clerk<'_> {
    fn is_stopped(&self) -> bool {
        self.interrupt.is_raised()
    }

    fn on_record(&self, record: &RunRecord) -> ControlFlow<()> {
        let mut desk = self.desk.lock().expect("no worker panics with it");
        let desk = &mut *desk;
        let added = desk.journal.append(record).and_then(|offset| {
            // The journal is the first file.
            desk.records.add(0, offset, record)
        });
        if let Err(error) = added {
            desk.error = Some(error);
            return ControlFlow::Break(());
        }
        let failure = match &record.outcome {
            Outcome::Done { .. } => None,
            Outcome::Failed(reason) => Some(reason),
        };
        desk.meter.on_done(failure.is_some());
        match failure {
            Some(reason) if self.is_fail_fast => {
                desk.failure = Some(reason.clone());
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Runs those of `runs` that are not known yet. Each is added to the journal at `path` when it
/// ends.
pub fn work(
    job: &Job,
    runs: &[u32],
    (path, journal, records): (&Path, Journal, &mut Records),
    how: How,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<(), CliError> {
    let todo: Vec<u32> = runs
        .iter()
        .copied()
        .filter(|run| !records.has(*run))
        .collect();
    let count = |runs: &[u32]| u32::try_from(runs.len()).expect("runs are counted in 32 bits");
    let found_count = count(runs) - count(&todo);
    if 0 < found_count {
        console.note(format_args!(
            "going on: {found_count} of {} runs are done",
            runs.len()
        ));
    }
    let jobs = jobs_that_fit(how.jobs, &job.estimate, job.file.plan.memory_bytes_max);
    let workers = job.workers(jobs.min(count(&todo)));
    let clerk = Clerk {
        desk: Mutex::new(Desk {
            journal,
            records,
            meter: RunMeter::start(console.progress_mode(), count(runs), found_count),
            error: None,
            failure: None,
        }),
        interrupt,
        is_fail_fast: how.is_fail_fast,
    };
    let event_count_max = job.file.plan.event_count_max;
    let is_done = execute(
        &job.plan,
        todo.into_iter(),
        workers,
        event_count_max,
        &clerk,
    );
    let mut desk = clerk.desk.into_inner().expect("no worker panics with it");
    if let Some(took) = desk.meter.finish() {
        console.note(took);
    }
    if let Some(source) = desk.error {
        let path = path.display().to_string();
        return Err(CliError::File { path, source });
    }
    if let Some(reason) = desk.failure {
        return Err(CliError::Sweep(format!(
            "a run failed: {reason}; without --fail-fast the others go on"
        )));
    }
    match is_done {
        true => Ok(()),
        false => Err(interrupted()),
    }
}
