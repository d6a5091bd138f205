//! Who asks: the only place that prints.

mod again;
mod args;
mod change;
mod chart;
mod check;
mod command;
mod compare;
mod completions;
mod detectors;
mod explain;
mod init;
mod interrupt;
mod kept;
mod load;
mod look_args;
mod man;
mod messages;
mod metrics;
mod overwrite;
mod print;
mod print_comparison;
mod progress;
mod proxies;
mod registries;
mod run;
mod schema;
mod sensitivity_file;
mod strategies;
mod study;
mod style;
mod sweep;
mod temporary;
mod trace_files;
mod verify;
mod warmup;
mod why;

use std::io;
use std::process::ExitCode;

pub use args::Args;
use args::Verb;
use style::Console;

use crate::experiment::plan::PlanError;
use crate::report::manifest::ManifestError;
use crate::report::run_dir::RunDirError;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; every expectation held.
    Done,
    /// The run failed, or `verify` found a difference.
    Failed,
    /// Bad usage, a mistake in a scenario, or input that cannot be read.
    Refused,
    /// An expectation failed or could not be decided.
    ExpectationFailed,
    /// The user asked to stop.
    Interrupted,
}

/// Why a verb ended early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Standard output takes no more.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The scenario has mistakes, which have been shown: `bad.toml: 2 errors`.
    #[error("{0}")]
    Scenario(String),
    /// A file or directory that was named cannot be read.
    #[error("{path}: {source}")]
    Input {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file of our own cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The run directory could not be written.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A directory that was named is not the directory of a run.
    #[error("{path}: {source}")]
    Manifest {
        /// Which.
        path: String,
        /// Why.
        source: ManifestError,
    },
    /// A run that was made again is not the run that was written.
    #[error("{0}")]
    Different(String),
    /// A run ended without a result.
    #[error("{error}{advice}")]
    Plan {
        /// Why.
        error: PlanError,
        /// What to do, on lines of their own.
        advice: String,
    },
    /// A sweep has no results, or not all.
    #[error("{0}")]
    Sweep(String),
    /// Signals cannot be taken over.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(#[from] ctrlc::Error),
}

/// Does what the arguments ask for.
pub fn run(args: &Args) -> Exit {
    interrupt::survive_large_files();
    let mut console = Console::new(&args.voice);
    let result = dispatch(&args.verb, &mut console);
    let result = result.and_then(|exit| {
        console.out().flush()?;
        Ok(exit)
    });
    result.unwrap_or_else(|error| {
        match &error {
            CliError::Scenario(summary) => console.say(summary),
            other => console.error(other),
        }
        error.exit()
    })
}

fn dispatch(verb: &Verb, console: &mut Console) -> Result<Exit, CliError> {
    match verb {
        Verb::Run(args) => run::run(args, console),
        Verb::Compare(args) => compare::run(args, console),
        Verb::Sweep(args) => sweep::run(args, console),
        Verb::Merge(args) => sweep::merge::run(args, console),
        Verb::Optimize(args) => study::optimize::run(args, console),
        Verb::Sensitivity(args) => study::sensitivity::run(args, console),
        Verb::Check(args) => check::run(args, console),
        Verb::Explain(args) => explain::run(args, console),
        Verb::Init(args) => init::run(args, console),
        Verb::Metrics { name } => metrics::run(name.as_deref(), console),
        Verb::Strategies { name } => strategies::run(name.as_deref(), console),
        Verb::Detectors { name } => detectors::run(name.as_deref(), console),
        Verb::Proxies { name } => proxies::run(name.as_deref(), console),
        Verb::Registries { name } => registries::run(name.as_deref(), console),
        Verb::Schema => schema::run(console),
        Verb::Verify(args) => verify::run(args, console),
        Verb::Chart(args) => chart::run(args, console),
        Verb::Why(args) => why::run(args, console),
        Verb::Completions { shell } => completions::run(*shell, console),
        Verb::Man { verb } => man::run(verb.as_deref(), console),
    }
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_)
            | CliError::Scenario(_)
            | CliError::Input { .. }
            | CliError::Manifest { .. } => Exit::Refused,
            CliError::Plan {
                error: PlanError::Interrupted,
                ..
            } => Exit::Interrupted,
            CliError::Output(_)
            | CliError::File { .. }
            | CliError::RunDir(_)
            | CliError::Plan { .. }
            | CliError::Sweep(_)
            | CliError::Different(_)
            | CliError::Signals(_) => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Refused => 2,
            Exit::ExpectationFailed => 99,
            Exit::Interrupted => 130,
        })
    }
}
