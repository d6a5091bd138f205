//! One part of a plan: its runs, and the file that holds them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::interrupt::Interrupt;
use super::super::style::Console;
use super::super::{CliError, Exit};
use super::args::SweepArgs;
use super::bundle::replace;
use super::environment::shard_of;
use super::prepare::Job;
use super::work::{How, work};
use crate::report::format;
use crate::report::sweep::records::Journal;
use crate::report::sweep::shard::{self, Shard};

/// Runs one part of a plan and writes its file under a temporary name first: two processes may run
/// the same part, and both write the same bytes.
pub fn run(args: &SweepArgs, job: &Job, console: &mut Console) -> Result<Exit, CliError> {
    let variable = |name: &str| std::env::var(name).ok();
    let part = match args.shard {
        Some(part) => part,
        None => shard_of(&variable, args.shards)?,
    };
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| beside(args.run_plan.as_deref()));
    let path = folder.join(part.file_name());
    let failed = |source: io::Error| CliError::File {
        path: path.display().to_string(),
        source,
    };
    if path.exists() {
        let mut known = job.no_records();
        match shard::read(&path, &job.file.hash, &mut known) {
            Ok(_) => {
                console.note(format_args!("{} is there already", path.display()));
                return Ok(Exit::Done);
            }
            Err(error) => {
                return Err(CliError::Sweep(format!(
                    "{error}; remove it, or name another place with --out"
                )));
            }
        }
    }
    let interrupt = Interrupt::listen()?;
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    let scratch = builder
        .prefix(".stormglass-")
        .tempdir_in(&folder)
        .map_err(failed)?;
    let journal_path = scratch.path().join("journal.jsonl");
    let mut records = job.no_records();
    let journal = Journal::open(&journal_path, &mut records).map_err(failed)?;
    let journal = journal.expect("nobody else knows the directory");
    let runs: Vec<u32> = part.runs(job.plan.run_count()).collect();
    let how = How {
        jobs: args.jobs,
        is_fail_fast: args.fail_fast,
    };
    let desk = (journal_path.as_path(), journal, &mut records);
    work(job, &runs, desk, how, &interrupt, console)?;
    let (hash, run_count) = (&job.file.hash, job.plan.run_count());
    replace(&path, |out| {
        let mut out = io::BufWriter::new(out);
        shard::write(hash, part, run_count, &mut records, &mut out)?;
        io::Write::flush(&mut out)
    })
    .map_err(failed)?;
    told(part, &runs, &path, console)
}

fn told(part: Shard, runs: &[u32], path: &Path, console: &mut Console) -> Result<Exit, CliError> {
    console.note(format_args!(
        "{}: part {} of {}, {}",
        path.display(),
        part.index,
        part.count,
        format::counted(runs.len() as u64, "run")
    ));
    Ok(Exit::Done)
}

/// The directory of shards beside a plan.
fn beside(plan: Option<&Path>) -> PathBuf {
    let parent = plan.and_then(Path::parent).unwrap_or(Path::new(""));
    parent.join("shards")
}
