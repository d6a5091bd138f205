//! `stormglass merge`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::style::Console;
use super::super::{CliError, Exit};
use super::args::MergeArgs;
use super::finish::finish;
use super::prepare::Job;
use crate::report::format;
use crate::report::sweep::shard::{self, MergeError, Shard};

/// Most missing parts that are named.
const NAMED_COUNT_MAX: usize = 20;

/// Puts the shards of a plan together, whatever their number and order.
pub fn run(args: &MergeArgs, console: &mut Console) -> Result<Exit, CliError> {
    let started_at = SystemTime::now();
    let job = Job::from_plan(&args.plan, console)?;
    let run_count = job.plan.run_count();
    let mut records = job.no_records();
    let mut parts: Vec<Shard> = Vec::new();
    let mut same_count = 0;
    for path in files(&args.shards)? {
        let read = shard::read(&path, &job.file.hash, &mut records);
        let (part, same) = read.map_err(|error| match error {
            MergeError::Read { path, source } => CliError::Input {
                path: path.display().to_string(),
                source,
            },
            refused @ MergeError::Refused { .. } => CliError::Sweep(refused.to_string()),
        })?;
        parts.push(part);
        same_count += same;
    }
    if 0 < same_count {
        let count = format::counted(u64::from(same_count), "run");
        console.note(format_args!(
            "{count} stand in more than one shard, alike; dropped"
        ));
    }
    let missing: Vec<u32> = records.missing().collect();
    if !missing.is_empty() {
        return Err(CliError::Sweep(missing_text(
            &missing, &parts, &args.plan, run_count,
        )));
    }
    let place = job.place(args.out.as_deref());
    finish(
        &job,
        &mut records,
        started_at,
        &place,
        (args.format, !args.no_charts),
        console,
    )
}

/// The files that are named, and those of shards in the directories that are named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |source| CliError::Input {
            path: path.display().to_string(),
            source,
        };
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("shard-") && name.ends_with(".jsonl") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Which parts are missing, if the others are parts of one number, and how to run one.
fn missing_text(missing: &[u32], parts: &[Shard], plan: &Path, run_count: u32) -> String {
    let runs = format::counted(missing.len() as u64, "run");
    let plan = plan.display();
    let counts: Vec<u32> = parts.iter().map(|part| part.count).collect();
    let Some(count) = counts
        .first()
        .filter(|first| counts.iter().all(|c| c == *first))
    else {
        return format!(
            "{runs} of {run_count} are in no shard; run them: \
             stormglass sweep --run-plan {plan} --shard I/N"
        );
    };
    let is_there = |index: u32| parts.iter().any(|part| part.index == index);
    let lost: Vec<String> = (0..*count)
        .filter(|index| !is_there(*index))
        .map(|index| format!("{index}/{count}"))
        .collect();
    let more = match lost.len().saturating_sub(NAMED_COUNT_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named: Vec<&str> = lost
        .iter()
        .take(NAMED_COUNT_MAX)
        .map(String::as_str)
        .collect();
    format!(
        "{runs} of {run_count} are in no shard: missing {}{more}; run each: \
         stormglass sweep --run-plan {plan} --shard {}",
        named.join(", "),
        lost.first().map_or("I/N", String::as_str)
    )
}
