//! The flags of `sweep` and `merge`.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, ValueEnum};

use super::super::args::{Format, LoadArgs, parse_seed};
use crate::report::sweep::shard::Shard;

/// Shown before the help of `sweep`.
pub const EXAMPLES: &str = "\
Examples:
  stormglass sweep heartbeat-sweep.toml                  the points of its [sweep]
  stormglass sweep web.toml --axis client.shop.count=10,100 --axis fault.crash.for=1s..9s/5
  stormglass sweep web.toml --plan plan.json             for more than one machine: then, anywhere,
  stormglass sweep --run-plan plan.json --shard 0/40     one of 40 parts, and at last
  stormglass merge plan.json shards/                     the same bytes as of one process";

/// Shown after the help of `sweep` and `merge`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; every run has its numbers
  1    a run failed, which is recorded and does not stop the others; shards are missing; the disk
       is full
  2    bad usage, a mistake in the scenario or the plan, or input that cannot be read
  130  interrupted; the same command goes on with what is left";

/// What is varied.
#[derive(Clone, Debug, ClapArgs)]
pub struct AxisArgs {
    /// Vary this path instead of the axes of `[sweep]`: a list, PATH=A,B, or a range,
    /// PATH=START..END/STEPS, evenly, or with ` log` by ratio. May be repeated; the last one varies
    /// fastest
    #[arg(long = "axis", value_name = "PATH=VALUES", action = ArgAction::Append)]
    pub axes: Vec<String>,
    /// Take only the points that fulfill this, instead of `where` of `[sweep]`: "a.timeout >= 3 *
    /// a.interval", by names or paths of axes. May be repeated
    #[arg(long = "where", value_name = "CONSTRAINT", action = ArgAction::Append)]
    pub wheres: Vec<String>,
}

/// `stormglass sweep`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SweepArgs {
    /// The scenario; `-` reads standard input
    #[arg(required_unless_present = "run_plan", conflicts_with = "run_plan")]
    pub scenario: Option<PathBuf>,
    #[command(flatten)]
    pub axis: AxisArgs,
    /// Run each point with this many seeds in a row, the same for all
    #[arg(long, value_name = "N", conflicts_with = "run_plan",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: Option<u32>,
    /// Read this measure instead of those of `[sweep]`, in the language of `[expect]`. May be
    /// repeated
    #[arg(long = "metric", value_name = "MEASURE", action = ArgAction::Append,
          conflicts_with = "run_plan")]
    pub metrics: Vec<String>,
    /// Find the best compromises between two measures
    #[arg(long, num_args = 2, value_names = ["MEASURE", "MEASURE"], conflicts_with = "run_plan")]
    pub pareto: Vec<String>,
    /// A limit that points should hold, instead of `objectives` of `[sweep]`, in the language of
    /// `[expect]`: "latency.p99 <= 50ms". May be repeated
    #[arg(long = "objective", value_name = "LIMIT", action = ArgAction::Append,
          conflicts_with = "run_plan")]
    pub objectives: Vec<String>,
    /// Seed of the first replication instead of the scenario's; decimal or 0x hexadecimal
    #[arg(long, value_name = "SEED", value_parser = parse_seed, conflicts_with = "run_plan")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Runs at once; 0 takes every core. The results are the same for any number
    #[arg(short, long, value_name = "J", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1_024))]
    pub jobs: u32,
    /// Write the sweep directory here instead of stormglass-out/NAME-sweep-SEED-PLAN; shards are
    /// written to this directory instead of `shards` beside the plan
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the sweep on standard output; csv and json are what results.csv and
    /// results.jsonl hold, a line for each point, replication and measure
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write no pictures
    #[arg(long)]
    pub no_charts: bool,
    /// Check every point and print them and how many runs they are, without running
    #[arg(long)]
    pub dry_run: bool,
    /// Stop at the first run that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Write the plan for other machines to this file, and its CSV inputs beside it, and run
    /// nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run_plan", "dry_run"])]
    pub plan: Option<PathBuf>,
    /// Run this plan, whose limits hold
    #[arg(long, value_name = "FILE", conflicts_with_all = ["axes", "wheres"])]
    pub run_plan: Option<PathBuf>,
    /// Run only this part of the plan, from 0/N to N-1/N, and write the file of the shard
    #[arg(long, value_name = "I/N", requires = "run_plan", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Take the part from the environment: of a Slurm array, a Kubernetes indexed job or GNU
    /// parallel
    #[arg(long, requires = "run_plan", conflicts_with = "shard")]
    pub shard_from_env: bool,
    /// How many parts there are, for --shard-from-env and --emit; only a whole Slurm array says it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub shards: Option<u32>,
    /// Print what makes this engine run the plan of --run-plan in --shards parts
    #[arg(long, value_name = "ENGINE", requires_all = ["run_plan", "shards"])]
    pub emit: Option<Engine>,
}

/// What runs parts of a plan on more than one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A job array for sbatch, with a merge job that depends on it
    Slurm,
    /// A driver script for Dask distributed
    Dask,
    /// The manifest of an Indexed Job
    Kubernetes,
}

/// `stormglass merge`.
#[derive(Clone, Debug, ClapArgs)]
pub struct MergeArgs {
    /// The plan that the shards belong to
    pub plan: PathBuf,
    /// Files of shards, or directories with them
    #[arg(required = true, value_name = "SHARDS")]
    pub shards: Vec<PathBuf>,
    /// Write the sweep directory here instead of stormglass-out/NAME-sweep-SEED-PLAN
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the sweep on standard output; csv and json are what results.csv and
    /// results.jsonl hold, a line for each point, replication and measure
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write no pictures
    #[arg(long)]
    pub no_charts: bool,
}

/// `3/7`, from 0.
fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, count)| Some((index.parse().ok()?, count.parse::<u32>().ok()?)));
    match parts {
        Some((index, count)) if index < count && count <= 100_000 => Ok(Shard { index, count }),
        Some((_, count)) if 0 < count => Err(format!(
            "shards are numbered from 0/{count} to {}/{count}",
            count - 1
        )),
        _ => Err("expected I/N, as in 0/40".to_string()),
    }
}
