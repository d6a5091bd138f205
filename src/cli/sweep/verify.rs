//! Runs of a sweep directory, run again.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::super::CliError;
use super::super::args::VerifyArgs;
use super::super::interrupt::Interrupt;
use super::super::run::{interrupted, jobs_that_fit};
use super::super::style::Console;
use super::super::verify::{Verified, evenly, tell_difference};
use super::known_records;
use super::prepare::Job;
use super::progress::RunMeter;
use crate::experiment::sweep::execute::{Outcome, RunRecord, SweepMonitor, execute};
use crate::report::summary::digest_text;
use crate::report::sweep::plan_file::PLAN_NAME;
use crate::report::sweep::records::Records;

/// A run as it is now, and as it was recorded.
type Difference = (RunRecord, Option<RunRecord>);

/// Everything that changes when a run ends.
struct Desk {
    records: Records,
    meter: RunMeter,
    different: Vec<Difference>,
}

/// Compares what comes in with what is known.
struct Comparer<'a> {
    desk: Mutex<Desk>,
    interrupt: &'a Interrupt,
}

impl SweepMonitor for Comparer<'_> {
    fn is_stopped(&self) -> bool {
        self.interrupt.is_raised()
    }

    fn on_record(&self, record: &RunRecord) -> ControlFlow<()> {
        let mut desk = self.desk.lock().expect("no worker panics with it");
        let desk = &mut *desk;
        // A record that cannot be read is not what it was.
        let known = desk.records.read(record.run).unwrap_or_default();
        if known.as_ref() != Some(record) {
            desk.different.push((record.clone(), known));
        }
        desk.meter.on_done(false);
        ControlFlow::Continue(())
    }
}

/// Runs at most `run_count` runs of a sweep again, evenly spread, all where it is 0, and compares
/// everything that was recorded of them. What differs is printed.
pub fn verify_sweep(
    args: &VerifyArgs,
    run_count: u32,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Verified, CliError> {
    let job = Job::from_plan(&args.run_dir.join(PLAN_NAME), console)?;
    let records = known_records(&job, &args.run_dir).ok_or_else(|| {
        let place = args.run_dir.display();
        CliError::Sweep(format!("{place}: its records are not those of its plan"))
    })?;
    let all_count = job.plan.run_count();
    let chosen: Vec<u32> = evenly(all_count as usize, run_count)
        .into_iter()
        .map(|run| u32::try_from(run).expect("runs are counted in 32 bits"))
        .collect();
    let count = u32::try_from(chosen.len()).expect("runs are counted in 32 bits");
    let memory = job.file.plan.memory_bytes_max;
    let jobs = jobs_that_fit(args.jobs.count, &job.estimate, memory);
    let meter = RunMeter::start(console.progress_mode(), count, 0);
    let comparer = Comparer {
        desk: Mutex::new(Desk {
            records,
            meter,
            different: Vec::new(),
        }),
        interrupt,
    };
    let event_count_max = job.file.plan.event_count_max;
    let workers = job.workers(jobs.min(count));
    let is_done = execute(
        &job.plan,
        chosen.into_iter(),
        workers,
        event_count_max,
        &comparer,
    );
    let mut desk = comparer
        .desk
        .into_inner()
        .expect("no worker panics with it");
    desk.meter.finish();
    if !is_done {
        return Err(interrupted());
    }
    desk.different.sort_by_key(|(record, _)| record.run);
    for (record, known) in &desk.different {
        let label = job.plan.label(job.plan.point_of(record.run));
        let what = format!("seed {} {label}", record.seed);
        let expected = known.as_ref().map_or("nothing".to_string(), digest);
        tell_difference(&args.run_dir, &what, &digest(record), &expected, console)?;
    }
    Ok(Verified {
        is_same: desk.different.is_empty(),
        run_count: u64::from(count),
        all_count: u64::from(all_count),
    })
}

fn digest(record: &RunRecord) -> String {
    match &record.outcome {
        Outcome::Done { digest, .. } => digest_text(*digest),
        Outcome::Failed(reason) => format!("none ({reason})"),
    }
}
