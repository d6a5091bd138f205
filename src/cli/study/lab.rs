//! Where the points of a study are built and run, and every run is noted down.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::CliError;
use super::super::args::LimitArgs;
use super::super::interrupt::Interrupt;
use super::super::load::{refused, show_diagnostics};
use super::super::run::{jobs_that_fit, memory_for_runs};
use super::super::style::{Console, ProgressMode};
use super::super::sweep::progress::RunMeter;
use crate::experiment::plan::{Monitor, Plan, PlanError};
use crate::experiment::study::Study;
use crate::report::manifest::{PointRecord, ReplicationRecord};
use crate::report::summary::digest_text;
use crate::scenario::Scenario;
use crate::scenario::load::limits::estimate;
use crate::scenario::load::point::Base;
use crate::time::SimTime;

/// Runs points of a scenario.
pub struct Lab<'a> {
    /// What its points change.
    pub base: Base,
    /// How large they may be.
    pub limits: &'a LimitArgs,
    /// Runs at once; 0 takes every core.
    pub jobs: u32,
    /// How many runs are done, and whether the user asked to stop.
    pub meter: Arc<StudyMeter>,
    /// The runs so far.
    pub runs: Vec<PointRecord>,
}

/// Shows how many runs are done, and passes on the user's wish to stop.
pub struct StudyMeter {
    interrupt: Interrupt,
    runs: Mutex<RunMeter>,
}

impl StudyMeter {
    /// Starts the clock of a study of so many runs, as far as is known.
    pub fn start(mode: ProgressMode, interrupt: &Interrupt, run_count: u32) -> Arc<Self> {
        Arc::new(StudyMeter {
            interrupt: interrupt.clone(),
            runs: Mutex::new(RunMeter::start(mode, run_count, 0)),
        })
    }

    /// How many runs are done.
    pub fn runs(&self) -> MutexGuard<'_, RunMeter> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor for StudyMeter {
    fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
        match self.interrupt.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn on_done(&self, _: u32) {
        self.runs().on_done(false);
    }
}

impl Lab<'_> {
    /// The scenario with some values changed, `PATH=VALUE` each. Its mistakes are shown.
    pub fn scenario(
        &mut self,
        sets: &[String],
        label: &str,
        console: &mut Console,
    ) -> Result<Scenario, CliError> {
        let mut loaded = self.base.point(sets);
        loaded.scenario.take().ok_or_else(|| {
            show_diagnostics(&loaded, console);
            console.say(format_args!("hint: this was at {label}"));
            refused(&loaded)
        })
    }

    /// Brings a point to a number of replications.
    pub fn extend(
        &self,
        study: &mut Study,
        seed: u64,
        replication_count: u32,
        label: &str,
    ) -> Result<(), CliError> {
        let size = estimate(&study.scenario);
        let (scenario, max_memory) = (&study.scenario, self.limits.max_memory);
        let memory = memory_for_runs(scenario, replication_count, &size, max_memory)?;
        let plan = Plan {
            seed,
            replication_count,
            jobs: jobs_that_fit(self.jobs, &size, memory),
        };
        let done = study.extend(&plan, self.limits.max_events, &*self.meter);
        done.map_err(|error| {
            let advice = match error {
                PlanError::Interrupted => String::new(),
                _ => format!("\nhint: this was at {label}"),
            };
            CliError::Plan { error, advice }
        })
    }

    /// Notes down the runs of a point that changes these values, in place of those with the same
    /// first seed.
    pub fn note(&mut self, sets: &[String], study: &Study) {
        let record = |(seed, digest): (u64, u64)| ReplicationRecord {
            seed,
            digest: digest_text(digest),
        };
        let record = PointRecord {
            sets: sets.to_vec(),
            replications: study.digests().into_iter().map(record).collect(),
        };
        let first = |point: &PointRecord| point.replications.first().map(|run| run.seed);
        let is_known =
            |known: &&mut PointRecord| known.sets == record.sets && first(known) == first(&record);
        match self.runs.iter_mut().find(is_known) {
            Some(known) => *known = record,
            None => self.runs.push(record),
        }
    }
}
