//! What may be written after the verbs that look at a run directory.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::args::LimitArgs;
use crate::time::SimDuration;

/// Examples of `stormglass chart`.
pub const CHART_EXAMPLES: &str = "\
Examples:
  stormglass chart reports/rack-loss                         which charts are there?
  stormglass chart reports/rack-loss latency > latency.svg
  stormglass chart reports/rack-loss latency --format png --width 1200 --theme dark -o a.png
  stormglass chart reports/rack-loss messages --from 60s --for 20ms > messages.svg";

/// Examples of `stormglass why`.
pub const WHY_EXAMPLES: &str = "\
Examples:
  stormglass why reports/rack-loss --slowest            the ten requests that took longest
  stormglass why reports/rack-loss 3f9a2c41d07be855     one of them, or one from a trace
  stormglass why reports/rack-loss --change fault.rack-b  who noticed it when?";

/// `stormglass why`.
#[derive(Clone, Debug, ClapArgs)]
pub struct WhyArgs {
    /// A directory that `run` wrote
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// The request, by its 16 hexadecimal digits; without one the slowest are told
    #[arg(value_name = "REQUEST", value_parser = parse_identity)]
    pub request: Option<u64>,
    /// Tell this many of the requests that took longest [default: 10]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10",
          conflicts_with = "request", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub slowest: Option<u32>,
    /// Tell how a change travelled instead: who noticed this fault when, up to the last attempt
    #[arg(long, value_name = "FAULT", conflicts_with_all = ["request", "slowest"])]
    pub change: Option<String>,
    /// Of this window of the fault, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "change")]
    pub window: u32,
    /// How to tell of a change
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        requires = "change"
    )]
    pub format: ChangeFormat,
    /// Of this replication, counted from 0
    #[arg(long, value_name = "I", default_value_t = 0)]
    pub replication: u32,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// How a change is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangeFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `stormglass chart`.
#[derive(Clone, Debug, ClapArgs)]
pub struct ChartArgs {
    /// A directory that `run` wrote
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// The chart, named like its files; without a name the charts of the directory are listed.
    /// `messages` is not stored: it shows single messages of a short window
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// What to write [default: what the name of --out ends in, or svg]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ChartFormat>,
    /// Width in logical pixels, from 320 to 4000; a PNG has two pixels for each
    #[arg(long, value_name = "W", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(320..=4_000))]
    pub width: u32,
    /// Colors
    #[arg(long, value_name = "THEME", default_value = "light")]
    pub theme: ChartTheme,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Of `messages`: where the window starts, like 12s
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Messages")]
    pub from: Option<SimDuration>,
    /// Of `messages`: how long the window is [default: 50ms]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_length, requires = "from",
          help_heading = "Messages")]
    pub length: Option<SimDuration>,
    /// Of `messages`: only this request of a client and its sub-calls
    #[arg(long, value_name = "REQUEST", value_parser = parse_identity, help_heading = "Messages")]
    pub request: Option<u64>,
    /// Of `messages`: of this replication, counted from 0
    #[arg(long, value_name = "I", default_value_t = 0, help_heading = "Messages")]
    pub replication: u32,
    #[command(flatten, next_help_heading = "Messages")]
    pub limits: LimitArgs,
}

impl ChartArgs {
    /// What to write: what was asked for, or what the name of the file says.
    pub fn format(&self) -> ChartFormat {
        let ending = self.out.as_ref().and_then(|path| path.extension());
        let by_name = match ending.and_then(|ending| ending.to_str()) {
            Some("png") => ChartFormat::Png,
            Some("csv") => ChartFormat::Csv,
            _ => ChartFormat::Svg,
        };
        self.format.unwrap_or(by_name)
    }
}

/// Formats of charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChartFormat {
    /// Scalable, with real text
    Svg,
    /// Two pixels to a logical pixel
    Png,
    /// The numbers behind the chart
    Csv,
}

/// Colors of charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChartTheme {
    /// Dark on white
    Light,
    /// Light on black
    Dark,
}

/// `12s`; a run lasts at most two years.
fn parse_time(text: &str) -> Result<SimDuration, String> {
    let time = text.parse::<SimDuration>();
    let time = time.map_err(|error| format!("{error}; write a time like 12s or 250ms"))?;
    let is_known = time <= SimDuration::from_secs(2 * 366 * 86_400);
    is_known
        .then_some(time)
        .ok_or("the longest time is 732d".into())
}

fn parse_length(text: &str) -> Result<SimDuration, String> {
    let length = parse_time(text)?;
    let is_long = !length.is_zero();
    is_long
        .then_some(length)
        .ok_or("a window is longer than zero".into())
}

/// `3f9a2c41d07be855`.
fn parse_identity(text: &str) -> Result<u64, String> {
    let is_whole = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| is_whole)
        .ok_or("a request is named by 16 hexadecimal digits".into())
}
