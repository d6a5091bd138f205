//! The flags of `optimize` and `sensitivity`.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs};

use super::super::args::{Format, LoadArgs, parse_seed};
use super::super::sweep::args::AxisArgs;

/// Shown before the help of `optimize`.
pub const OPTIMIZE_EXAMPLES: &str = "\
Examples:
  stormglass optimize heartbeat-sweep.toml \\
      'minimize detection_time.mean of fault.crash subject to mistake_rate <= 0.002/s'
  stormglass optimize web.toml 'minimize latency.p99 subject to amplification <= 1.2' \\
      --axis client.shop.call.web.attempt_timeout=50ms..800ms/9";

/// Shown after the help of `optimize`.
pub const OPTIMIZE_EXIT_CODES: &str = "\
Exit codes:
  0    done; on fresh seeds the best setting holds every constraint
  1    a run failed: a limit was reached
  2    bad usage, a mistake in the scenario, or input that cannot be read
  99   the best setting breaks a constraint on fresh seeds, or that is not decided
  130  interrupted";

/// Shown before the help of `sensitivity`.
pub const SENSITIVITY_EXAMPLES: &str = "\
Examples:
  stormglass sensitivity web.toml                          the inputs of its [sensitivity]
  stormglass sensitivity web.toml --input client.shop.arrivals.rate=800/s,1200/s \\
      --input service.web.workers --metric latency.p99     20 % below and above 8 workers";

/// Shown after the help of `sensitivity`.
pub const SENSITIVITY_EXIT_CODES: &str = "\
Exit codes:
  0    done; whether the verdict flips is said, and no failure
  1    a run failed: a limit was reached
  2    bad usage, a mistake in the scenario, or input that cannot be read
  130  interrupted";

/// `stormglass optimize`.
#[derive(Clone, Debug, ClapArgs)]
pub struct OptimizeArgs {
    /// The scenario; `-` reads standard input. Its [sweep], or --axis, says what may be set
    pub scenario: PathBuf,
    /// minimize or maximize MEASURE [subject to CONSTRAINT [and CONSTRAINT ...]], in the language
    /// of `[expect]`
    pub goal: String,
    #[command(flatten)]
    pub axis: AxisArgs,
    /// Runs to spend on the search [default: 20 for each point]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub budget: Option<u32>,
    /// Fresh seeds on which the winner is estimated again, beside the second best
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(5..=10_000))]
    pub confirm: u32,
    /// Seed of the first replication instead of the scenario's; decimal or 0x hexadecimal
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Replications to run at once; 0 takes every core. The results are the same for any number
    #[arg(short, long, value_name = "J", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1_024))]
    pub jobs: u32,
    /// Write the directory of the study here instead of stormglass-out/NAME-optimize-SEED-DIGEST
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write no pictures
    #[arg(long)]
    pub no_charts: bool,
    /// How to print the result; json is what optimize.json holds, csv has a line for each point of
    /// each round
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `stormglass sensitivity`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SensitivityArgs {
    /// The scenario; `-` reads standard input
    pub scenario: PathBuf,
    /// Vary this path instead of the inputs of `[sensitivity]`, between two values or, without
    /// them, 20 % below and above its own, rounded to a whole number where it is one. May be
    /// repeated
    #[arg(long = "input", value_name = "PATH[=LOW,HIGH]", action = ArgAction::Append)]
    pub inputs: Vec<String>,
    /// The number to look at, in the language of `[expect]` [default: latency.p99]
    #[arg(long, value_name = "MEASURE")]
    pub metric: Option<String>,
    /// Replications at each end of each input, on the same seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub repeat: Option<u32>,
    /// Seed of the first replication instead of the scenario's; decimal or 0x hexadecimal
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Replications to run at once; 0 takes every core. The results are the same for any number
    #[arg(short, long, value_name = "J", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1_024))]
    pub jobs: u32,
    /// Write the tornado as NAME.svg, NAME.png and NAME.csv too
    #[arg(long, value_name = "NAME")]
    pub chart: Option<PathBuf>,
    /// Write the directory of the study here instead of stormglass-out/NAME-sensitivity-SEED-DIGEST
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write no pictures
    #[arg(long)]
    pub no_charts: bool,
    /// How to print the result; json is what sensitivity.json holds, csv has a line for each end of
    /// each input
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}
