//! Runs variants, and writes the run directory of each.

use std::ops::ControlFlow;
use std::time::SystemTime;

use super::super::CliError;
use super::super::args::{Format, LoadArgs, PrecisionArgs, RunArgs, Undecided};
use super::super::command::repeat_command;
use super::super::interrupt::Interrupt;
use super::super::load::slug;
use super::super::progress::Meter;
use super::super::run::{jobs_that_fit, manifest, memory_for_runs};
use super::super::style::Console;
use super::args::CompareArgs;
use super::variants::{LoadedVariant, Variants};
use crate::experiment::Results;
use crate::experiment::compare::sample::Sample;
use crate::experiment::gather::Gathering;
use crate::experiment::plan::{Monitor, Plan, PlanError};
use crate::experiment::precision::Precision;
use crate::experiment::replicate::extend;
use crate::experiment::settling::settles_at_secs;
use crate::report::files::{Contents, write_files};
use crate::report::run_dir::RunDirWriter;
use crate::report::terminal::Summary;
use crate::time::SimTime;

/// Runs the variants of a comparison.
pub struct Execution<'a> {
    /// What was asked for.
    pub args: &'a CompareArgs,
    /// What to run.
    pub variants: &'a Variants,
    /// Replications of each, to begin with.
    pub replications: u32,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
}

/// What the variants gave.
#[derive(Default)]
pub struct Executed {
    /// The numbers that are compared, by variant.
    pub samples: Vec<Sample>,
    /// The fingerprints, by variant.
    pub digests: Vec<u64>,
    settles_at: Vec<f64>,
}

impl Execution<'_> {
    /// Runs all variants, until they are precise if that was asked for.
    pub fn run(
        &self,
        writer: &mut RunDirWriter,
        console: &mut Console,
    ) -> Result<Executed, CliError> {
        let mut executed = Executed::default();
        match self.args.precision.rule(self.replications) {
            None => self.run_once(&mut executed, writer, console)?,
            Some(rule) => self.run_precisely(rule, &mut executed, writer, console)?,
        }
        if let Some(secs) = executed.settles_at.iter().copied().reduce(f64::max) {
            console.note(format_args!(
                "warning: the mean latency settles {secs} s after the start, or later (MSER-5 \
                 before the first fault); write warmup = \"{secs}s\", the same for all variants"
            ));
        }
        Ok(executed)
    }

    /// One variant after the other, so that only one is in memory.
    fn run_once(
        &self,
        executed: &mut Executed,
        writer: &mut RunDirWriter,
        console: &mut Console,
    ) -> Result<(), CliError> {
        let meter = self.meter(self.replications, console);
        let mut event_count = 0_u64;
        for place in 0..self.variants.list.len() {
            let started_at = SystemTime::now();
            let mut gathering = Gathering::default();
            self.extend(place, self.replications, &mut gathering, &meter)?;
            let results = gathering.results(&self.variants.list[place].loaded.scenario);
            event_count = event_count.saturating_add(results.event_count());
            self.write(place, &results, started_at, writer)?;
            self.keep(place, results, executed);
        }
        if let Some(took) = meter.finish(Some(event_count)) {
            console.note(took);
        }
        Ok(())
    }

    /// All variants side by side, until every measure that is shown is precise in each of them.
    fn run_precisely(
        &self,
        rule: Precision,
        executed: &mut Executed,
        writer: &mut RunDirWriter,
        console: &mut Console,
    ) -> Result<(), CliError> {
        let started_at = SystemTime::now();
        let variants = &self.variants.list;
        let mut gatherings = vec![Gathering::default(); variants.len()];
        let mut run_count = rule.run_count_min;
        loop {
            let meter = self.meter(run_count, console);
            let mut widest: f64 = 0.0;
            for (place, gathering) in gatherings.iter_mut().enumerate() {
                self.extend(place, run_count, gathering, &meter)?;
                let levels = gathering.asked_levels(&variants[place].loaded.scenario);
                // Every other question is a success ratio that stands beside its measure.
                let shown = levels.iter().step_by(2);
                let widths = shown.take(self.variants.measures.shown_count);
                widest = widths
                    .map(|l| l.relative_half_width())
                    .fold(widest, f64::max);
            }
            meter.finish(None);
            match rule.next(run_count, widest) {
                Some(count) => run_count = count,
                None => {
                    console.note(rule.text(run_count, widest));
                    break;
                }
            }
        }
        for (place, gathering) in gatherings.into_iter().enumerate() {
            let results = gathering.results(&variants[place].loaded.scenario);
            self.write(place, &results, started_at, writer)?;
            self.keep(place, results, executed);
        }
        Ok(())
    }

    fn meter(&self, replications: u32, console: &Console) -> Meter {
        let variants = &self.variants.list;
        let lengths = variants.iter().map(|v| v.loaded.scenario.duration);
        let variant_count = u32::try_from(variants.len()).expect("variants are few");
        Meter::start(
            console.progress_mode(),
            self.interrupt.clone(),
            lengths.max().expect("there are variants"),
            replications * variant_count,
        )
    }

    /// Runs a variant up to this many replications.
    fn extend(
        &self,
        place: usize,
        replications: u32,
        gathering: &mut Gathering,
        meter: &Meter,
    ) -> Result<(), CliError> {
        let variant = &self.variants.list[place];
        let (scenario, limits) = (&variant.loaded.scenario, &self.args.load.limits);
        let size = &variant.loaded.estimate;
        let memory = memory_for_runs(scenario, replications, size, limits.max_memory)?;
        let plan = Plan {
            seed: scenario.seed,
            replication_count: replications,
            jobs: jobs_that_fit(self.args.jobs.count, size, memory),
        };
        let part = Part {
            meter,
            first: u32::try_from(place).expect("variants are few") * replications,
        };
        extend(gathering, scenario, &plan, limits.max_events, &part).map_err(|error| {
            meter.finish(None);
            let advice = match error {
                PlanError::Interrupted => String::new(),
                _ => format!("\nhint: this was variant `{}`", variant.name),
            };
            CliError::Plan { error, advice }
        })
    }

    /// Keeps what is compared.
    fn keep(&self, place: usize, results: Results, executed: &mut Executed) {
        let variant = &self.variants.list[place];
        executed
            .settles_at
            .extend(settles_at_secs(&results, &variant.loaded.scenario));
        executed.digests.push(results.digest());
        executed.samples.push(Sample {
            name: variant.name.clone(),
            pools: results.asked,
            readings: results.runs.into_iter().map(|run| run.readings).collect(),
        });
    }

    /// Writes the run directory of a variant, as `run` would without pictures.
    fn write(
        &self,
        place: usize,
        results: &Results,
        started_at: SystemTime,
        writer: &mut RunDirWriter,
    ) -> Result<(), CliError> {
        let variant = &self.variants.list[place];
        writer.enter(&format!("variants/{place}-{}", slug(&variant.name)));
        let command = repeat_command(&self.alone(variant, results));
        let scenario = &variant.loaded.scenario;
        write_files(
            writer,
            &Contents {
                scenario,
                results,
                origin: &variant.loaded.origin,
                summary: &Summary::new(scenario, results),
                command: &command,
                has_charts: false,
            },
        )?;
        let manifest = manifest(&variant.loaded, results, started_at, &command, writer);
        Ok(writer.leave(&manifest)?)
    }

    /// What runs a variant alone.
    fn alone(&self, variant: &LoadedVariant, results: &Results) -> RunArgs {
        let args = self.args;
        let is_of_several_files = 1 < args.scenarios.len();
        RunArgs {
            scenario: Some(variant.path.clone()),
            seed: match is_of_several_files {
                true => Some(variant.loaded.scenario.seed),
                false => args.seed,
            },
            load: LoadArgs {
                sets: [&args.load.sets[..], &variant.sets[..]].concat(),
                limits: args.load.limits.clone(),
            },
            replications: u32::try_from(results.runs.len()).expect("counted in 32 bits"),
            jobs: args.jobs.clone(),
            out: None,
            format: Format::Text,
            trace: Vec::new(),
            no_charts: true,
            sensitivity: None,
            metrics: Vec::new(),
            precision: PrecisionArgs::NONE,
            undecided: Undecided::Fail,
        }
    }
}

/// The replications of one variant among those of all.
struct Part<'a> {
    meter: &'a Meter,
    first: u32,
}

impl Monitor for Part<'_> {
    fn on_progress(&self, replication: u32, now: SimTime, event_count: u64) -> ControlFlow<()> {
        let place = self.first + replication;
        self.meter.on_progress(place, now, event_count)
    }

    fn on_done(&self, replication: u32) {
        self.meter.on_done(self.first + replication);
    }
}
