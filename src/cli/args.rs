//! What may be written on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::compare::args::{self as compare, CompareArgs};
use super::init::Template;
use super::look_args::{CHART_EXAMPLES, ChartArgs, WHY_EXAMPLES, WhyArgs};
use super::study::args::{self as study, OptimizeArgs, SensitivityArgs};
use super::sweep::args::{self as sweep, MergeArgs, SweepArgs};
use crate::experiment::precision::Precision;
use crate::quantity;
use crate::scenario::load::limits::Limits;

const EXAMPLES: &str = "\
Examples:
  stormglass run                                      see a first result: the built-in quick-start
  stormglass run scenarios/rack-loss.toml --seed 7    answer a scenario's question
  stormglass check scenarios/*.toml                   find every mistake without running";

const RUN_EXAMPLES: &str = "\
Examples:
  stormglass run web.toml --replications 30 --jobs 4     how sure is the answer?
  stormglass run web.toml --set client.shop.count=100    ask with one value changed
  stormglass run web.toml --precision 2%                 run until the answer is sure enough
  stormglass run web.toml --format json | jq .verdicts   feed another program";

const EXIT_CODES: &str = "\
Exit codes:
  0    done; every expectation held, or there was none
  1    the run failed: a limit was reached, the disk is full, verify found a difference
  2    bad usage, a mistake in the scenario, or input that cannot be read
  99   the run is done and an expectation failed or could not be decided
  130  interrupted; no run directory was written";

/// Simulate what happens to RPC when servers, racks and networks fail.
///
/// A scenario file describes clients, services, a registry, a network and a timeline of faults.
/// The same scenario and seed give the same results, bit for bit.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "stormglass",
    version,
    before_long_help = EXAMPLES,
    after_long_help = EXIT_CODES,
    max_term_width = 100
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How much to say, for all verbs.
    #[command(flatten)]
    pub voice: VoiceArgs,
}

/// Flags that every verb takes.
#[derive(Clone, Debug, ClapArgs)]
pub struct VoiceArgs {
    /// Keep standard error silent but for errors; useful in scripts
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on standard error: what was loaded, what each replication took
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Color the output; `auto` follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
}

/// When to color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Run a scenario, print its summary and write a run directory
    #[command(before_long_help = RUN_EXAMPLES, after_long_help = EXIT_CODES)]
    Run(RunArgs),
    /// Run the variants of a scenario on the same seeds and say which is better
    #[command(before_long_help = compare::EXAMPLES, after_long_help = compare::EXIT_CODES)]
    Compare(CompareArgs),
    /// Run a scenario at many points of its values, on one machine or on many
    #[command(before_long_help = sweep::EXAMPLES, after_long_help = sweep::EXIT_CODES)]
    Sweep(SweepArgs),
    /// Put the shards of a sweep together: the same bytes as of one process
    #[command(after_long_help = sweep::EXIT_CODES)]
    Merge(MergeArgs),
    /// Find the best point of some axes, under constraints, and say how sure that is
    #[command(before_long_help = study::OPTIMIZE_EXAMPLES,
              after_long_help = study::OPTIMIZE_EXIT_CODES)]
    Optimize(OptimizeArgs),
    /// Say how far a number moves with inputs that are not known exactly, and where a verdict flips
    #[command(before_long_help = study::SENSITIVITY_EXAMPLES,
              after_long_help = study::SENSITIVITY_EXIT_CODES)]
    Sensitivity(SensitivityArgs),
    /// Find every mistake in scenario files without running them
    Check(CheckArgs),
    /// Show what a scenario means: every value with its origin, fault timeline, offered load
    Explain(ExplainArgs),
    /// Write a commented scenario to start from
    Init(InitArgs),
    /// List the measures that `[expect]` may name, with their definitions, or define one
    Metrics {
        /// Define this one
        name: Option<String>,
    },
    /// List the balancing strategies, or explain one: parameters, source, evidence, when to use it
    Strategies {
        /// Explain this one
        name: Option<String>,
    },
    /// List the failure detectors of calls, or explain one: parameters, source, evidence, when
    Detectors {
        /// Explain this one
        name: Option<String>,
    },
    /// List the flavours of proxies, or explain one: parameters, version, evidence, when
    Proxies {
        /// Explain this one
        name: Option<String>,
    },
    /// List the registries, or explain one: parameters, version, evidence, when
    Registries {
        /// Explain this one
        name: Option<String>,
    },
    /// Print the JSON Schema of scenario files, so that editors complete and check them
    Schema,
    /// Run a run directory's scenario again and compare the digests
    Verify(VerifyArgs),
    /// Draw a chart of a run directory again, in another size, format or theme
    #[command(before_long_help = CHART_EXAMPLES)]
    Chart(ChartArgs),
    /// Run a run directory's scenario again and tell what happened to single requests
    #[command(before_long_help = WHY_EXAMPLES)]
    Why(WhyArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, in roff
    Man {
        /// Of this verb instead of the whole command
        verb: Option<String>,
    },
}

/// What to load, changed how, and how large it may be.
#[derive(Clone, Debug, ClapArgs)]
pub struct LoadArgs {
    /// Change one value, checked like the file: client.shop.count=100. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", action = ArgAction::Append)]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// How large a scenario may be.
#[derive(Clone, Debug, ClapArgs)]
pub struct LimitArgs {
    /// Refuse a scenario whose estimate needs more memory
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = parse_bytes)]
    pub max_memory: u64,
    /// Refuse a scenario whose estimate needs more events, and stop a run that handles more
    #[arg(long, value_name = "N", default_value_t = LimitArgs::EVENT_COUNT_MAX,
          value_parser = parse_count)]
    pub max_events: u64,
    /// Refuse CSV inputs that are larger
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_bytes)]
    pub max_input: u64,
}

/// How much runs at the same time.
#[derive(Clone, Debug, ClapArgs)]
pub struct JobArgs {
    /// Replications to run at once; 0 takes every core. The results are the same for any number
    #[arg(short = 'j', long = "jobs", value_name = "J", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1_024))]
    pub count: u32,
}

/// `stormglass run`.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    /// The scenario; `-` reads standard input, nothing runs the built-in quick-start
    pub scenario: Option<PathBuf>,
    /// Seed of the first replication instead of the scenario's; decimal or 0x hexadecimal
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Run with this many seeds in a row and report means with 95 % intervals
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub replications: u32,
    #[command(flatten)]
    pub jobs: JobArgs,
    /// Write the run directory here instead of stormglass-out/NAME-SEED-DIGEST
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the summary on standard output; json is what summary.json holds, csv has a
    /// line for each number: replication, seed, measure, phase, unit, value (inf where something
    /// never came, empty where there is no number); measures of --metric name their phase
    /// themselves
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write what happens to every request of the first replication: to NAME.jsonl as JSON lines,
    /// the first of which explains the others, to any other name for Perfetto and Chrome. May be
    /// repeated
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    pub trace: Vec<PathBuf>,
    /// Write no pictures; useful where only numbers are wanted, and fast
    #[arg(long)]
    pub no_charts: bool,
    /// Tell in the report what `sensitivity --format json` found and wrote to this file
    #[arg(long, value_name = "FILE")]
    pub sensitivity: Option<PathBuf>,
    /// Tell this measure too, in the language of `[expect]`, and save it for `compare`; it is what
    /// --precision looks at. May be repeated
    #[arg(long = "metric", value_name = "MEASURE", action = ArgAction::Append)]
    pub metrics: Vec<String>,
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// What to do about an expectation that could not be decided
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub undecided: Undecided,
}

/// How sure the answer must be.
#[derive(Clone, Debug, ClapArgs)]
pub struct PrecisionArgs {
    /// Add replications, to 10 or --replications, until the half-width of the 95 % interval of
    /// every measure of --metric is at most this share of it
    #[arg(long, value_name = "PERCENT", value_parser = parse_precision)]
    pub precision: Option<f64>,
    /// Stop there even if the precision is not reached
    #[arg(long, value_name = "N", default_value_t = Precision::RUN_COUNT_MAX,
          requires = "precision", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub max_replications: u32,
}

/// What to do about what could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Undecided {
    /// It counts as failed
    Fail,
    /// It counts as held
    Pass,
}

impl PrecisionArgs {
    /// Without a precision.
    pub const NONE: PrecisionArgs = PrecisionArgs {
        precision: None,
        max_replications: Precision::RUN_COUNT_MAX,
    };

    /// When enough replications ran, beginning with `replications` of them.
    pub fn rule(&self, replications: u32) -> Option<Precision> {
        let run_count_min = match replications {
            1 => Precision::RUN_COUNT_MIN,
            replications => replications,
        };
        self.precision.map(|ratio| Precision {
            ratio,
            run_count_min: run_count_min.min(self.max_replications),
            run_count_max: self.max_replications,
        })
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading in a terminal
    Text,
    /// JSON, for programs
    Json,
    /// Comma-separated values, for spreadsheets and programs
    Csv,
    /// Markdown tables, for reviews
    Md,
}

/// `stormglass check`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CheckArgs {
    /// The scenarios; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `stormglass explain`.
#[derive(Clone, Debug, ClapArgs)]
pub struct ExplainArgs {
    /// The scenario; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `stormglass init`.
#[derive(Clone, Debug, ClapArgs)]
pub struct InitArgs {
    /// The question to start from; NAME.toml is written and must not exist
    #[arg(value_name = "NAME", default_value = "quickstart")]
    pub template: Template,
}

/// `stormglass verify`.
#[derive(Clone, Debug, ClapArgs)]
pub struct VerifyArgs {
    /// A directory that `run`, `compare`, `sweep`, `merge`, `optimize` or `sensitivity` wrote
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// Run at most this many of its runs again, evenly spread; 0 takes all [default: all of a run
    /// directory and of the variants of a comparison, 100 of a sweep or a study]
    #[arg(long, value_name = "N")]
    pub runs: Option<u32>,
    #[command(flatten)]
    pub jobs: JobArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
}

impl LimitArgs {
    /// Events that a run may handle unless the user says otherwise.
    pub const EVENT_COUNT_MAX: u64 = Limits::STANDARD.event_count_max;
}

impl Args {
    /// Reads the arguments of the process. A mistake in them, `--help` and `--version` end it.
    ///
    /// No arguments at all mean `run`, which runs the built-in quick-start.
    pub fn from_command_line() -> Self {
        let mut words: Vec<OsString> = std::env::args_os().collect();
        if words.len() == 1 {
            words.push("run".into());
        }
        Args::parse_from(words)
    }
}

/// `9223372036854775807` or `0x7fffffffffffffff`: what a TOML file can hold.
pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.replace('_', "").parse(),
    };
    parsed
        .ok()
        .filter(|seed| *seed <= u64::MAX >> 1)
        .ok_or("a seed is a whole number below 2^63, decimal or 0x hexadecimal".into())
}

/// `10000000` or `10_000_000`.
fn parse_count(text: &str) -> Result<u64, String> {
    text.replace('_', "")
        .parse()
        .map_err(|_| "expected a whole number, as in 10_000_000".into())
}

/// `2%` or `0.02`, as a share above 0 and up to 1.
fn parse_precision(text: &str) -> Result<f64, String> {
    let ratio = match text.trim().strip_suffix('%') {
        Some(percent) => quantity::parse_percent(percent.trim()),
        None => quantity::parse_number(text.trim()),
    };
    let is_share = |ratio: &f64| 0.0 < *ratio && *ratio <= 1.0;
    ratio
        .ok()
        .filter(is_share)
        .ok_or_else(|| "expected a share above 0 and up to 100 %, as in 2%".to_string())
}

/// `512MiB`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    quantity::parse_size(text).map_err(|error| format!("{}; {}", error.message, error.fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_size_without_a_unit_is_refused_with_a_fix() {
        assert_eq!(parse_bytes("4GiB"), Ok(4_294_967_296));
        assert_eq!(
            parse_bytes("4"),
            Err("a size needs a unit; write \"4B\" or \"4KiB\"".into())
        );
    }

    #[test]
    fn a_precision_is_a_share() {
        assert_eq!(parse_precision("2%"), Ok(0.02));
        assert_eq!(parse_precision("0.05"), Ok(0.05));
        assert!(parse_precision("0").is_err() && parse_precision("2").is_err());
    }

    #[test]
    fn seeds_are_decimal_or_hexadecimal() {
        assert_eq!(parse_seed("9223372036854775807"), Ok(u64::MAX >> 1));
        assert_eq!(parse_seed("0xff"), Ok(255));
        assert!(parse_seed("-1").is_err());
        assert!(parse_seed("9223372036854775808").is_err());
    }
}
