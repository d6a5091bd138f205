//! What may be written after `stormglass compare`.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs};

use super::super::args::{Format, JobArgs, LoadArgs, PrecisionArgs, Undecided, parse_seed};

/// Shown above the flags.
pub const EXAMPLES: &str = "\
Examples:
  stormglass compare rack-loss.toml                      the variants of its [compare]
  stormglass compare web.toml --vary client.shop.call.web.balancer=random,round_robin
  stormglass compare web.toml --metric goodput --fail-if-worse latency.p99
  stormglass compare old.toml new.toml --precision 2%    two files, until the answer is sure
  stormglass compare runs/old runs/new                   saved runs
  stormglass compare web.toml --baseline runs/old --fail-if-worse latency.p99";

/// Shown below the flags.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; what the scenario expects is not judged here, see the summaries of the variants
  1    a run failed: a limit was reached, the disk is full
  2    bad usage, a mistake in the scenario or a variant, or input that cannot be read
  99   a variant is worse than the reference in a measure of --fail-if-worse, or has no value or
       verdict, as with fewer than 5 replications; or an expectation between variants failed, or
       could not be decided
  130  interrupted; no run directory was written";

/// `stormglass compare`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CompareArgs {
    /// The scenario with its variants, or several scenarios, or the run directories of several;
    /// `-` reads standard input
    #[arg(required = true, value_name = "SCENARIO_OR_RUN_DIR")]
    pub scenarios: Vec<PathBuf>,
    /// Compare these values of one path instead of the variants of `[compare]`
    #[arg(long, value_name = "PATH=A,B,...")]
    pub vary: Option<String>,
    /// Compare with this variant, instead of the one that `[compare]` names or the first value
    #[arg(long, value_name = "VARIANT")]
    pub reference: Option<String>,
    /// Compare the scenario as it is with this saved run of it
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "vary")]
    pub baseline: Option<PathBuf>,
    /// Compare this measure, in the language of `[expect]`: "latency.p99 during fault.crash". May
    /// be repeated [default: success_ratio, latency.p50, latency.p99, amplification]
    #[arg(long = "metric", value_name = "MEASURE", action = ArgAction::Append)]
    pub metrics: Vec<String>,
    /// End with exit code 99 if a variant is worse than the reference in this measure. May be
    /// repeated
    #[arg(long, value_name = "MEASURE", action = ArgAction::Append)]
    pub fail_if_worse: Vec<String>,
    /// Seed of the first replication instead of the scenario's; decimal or 0x hexadecimal
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Give verdicts on this measure only, instead of what `[compare]` says
    #[arg(long, value_name = "MEASURE")]
    pub primary: Option<String>,
    /// Differences this small mean nothing: "latency.p99 within 5%". May be repeated
    #[arg(long, value_name = "MARGIN", action = ArgAction::Append)]
    pub margin: Vec<String>,
    /// Run each variant with this many seeds in a row, the same for all; verdicts need 5 [default:
    /// 10, or as many as the baseline has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub replications: Option<u32>,
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// What to do about an expectation between variants that could not be decided
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub undecided: Undecided,
    #[command(flatten)]
    pub jobs: JobArgs,
    /// Write the run directory here instead of stormglass-out/NAME-compare-SEED-DIGEST
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the comparison on standard output; json is what comparison.json holds, csv has
    /// a line for each variant and measure
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write no pictures
    #[arg(long)]
    pub no_charts: bool,
}
