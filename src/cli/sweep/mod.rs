//! `stormglass sweep` and `stormglass merge`.

pub mod args;
pub mod axes;
mod bundle;
mod emit;
mod environment;
mod finish;
pub mod merge;
mod prepare;
pub mod progress;
mod shard;
pub mod verify;
mod work;

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::args::SweepArgs;
use self::finish::{RECORDS_NAME, finish, show};
use self::prepare::Job;
use self::work::{How, work};
use super::interrupt::Interrupt;
use super::overwrite::{OutputKind, check_output};
use super::style::Console;
use super::{CliError, Exit};
use crate::report::format;
use crate::report::manifest::{Kind, Manifest};
use crate::report::place::check_place;
use crate::report::sweep::plan_file::{PLAN_NAME, PlanFile};
use crate::report::sweep::records::{Journal, Records, scan};

/// The journal of a sweep under way.
const JOURNAL_NAME: &str = "journal.jsonl";

/// The folder of the CSV inputs beside a plan.
const INPUTS_NAME: &str = "inputs";

/// Runs a scenario at many points of its values.
pub fn run(args: &SweepArgs, console: &mut Console) -> Result<Exit, CliError> {
    let mut job = match &args.run_plan {
        Some(path) => {
            if !args.load.sets.is_empty() {
                return Err(CliError::Usage(
                    "--set changes a scenario; a plan stays as it is".to_string(),
                ));
            }
            Job::from_plan(path, console)?
        }
        None => {
            refuse_parts(args)?;
            Job::from_scenario(args, console)?
        }
    };
    if args.dry_run {
        job.check_all(console)?;
        return dry_run(&job, console);
    }
    if let Some(path) = &args.plan {
        job.check_all(console)?;
        let inputs = [job.base.file_paths(), job.base.input_paths()].concat();
        check_output(path, OutputKind::Plan, &inputs)?;
        bundle::write(&job, path)?;
        return planned(&job, path, console);
    }
    if let Some(engine) = args.emit {
        return emit::run(engine, args, &job, console);
    }
    if args.shard.is_some() || args.shard_from_env {
        return shard::run(args, &job, console);
    }
    sweep(args, job, console)
}

/// Refuses parts of a scenario. (A flag that needs one that contradicts another counts as given.)
fn refuse_parts(args: &SweepArgs) -> Result<(), CliError> {
    match args.shard.is_some() || args.shard_from_env || args.emit.is_some() {
        false => Ok(()),
        true => Err(CliError::Usage(
            "parts are those of a plan: write one with --plan FILE and run it with --run-plan FILE"
                .to_string(),
        )),
    }
}

/// Prints every point and how many runs they are.
fn dry_run(job: &Job, console: &mut Console) -> Result<Exit, CliError> {
    let plan = &job.plan;
    let out = console.out();
    for point in 0..plan.point_count() {
        writeln!(out, "{}", plan.label(point))?;
    }
    writeln!(
        out,
        "{} x {} = {}",
        format::counted(u64::from(plan.point_count()), "point"),
        format::counted(u64::from(plan.repeat), "replication"),
        format::counted(u64::from(plan.run_count()), "run")
    )?;
    Ok(Exit::Done)
}

fn planned(job: &Job, path: &Path, console: &mut Console) -> Result<Exit, CliError> {
    let name = path.display();
    writeln!(
        console.out(),
        "{name}: {}, plan {}",
        format::counted(u64::from(job.plan.run_count()), "run"),
        &job.file.hash[..8]
    )?;
    console.note(format_args!(
        "run a part anywhere: stormglass sweep --run-plan {name} --shard 0/N\n\
         then, with all parts: stormglass merge {name} SHARDS"
    ));
    Ok(Exit::Done)
}

/// Runs what is not done yet in this process, and writes the sweep directory.
fn sweep(args: &SweepArgs, job: Job, console: &mut Console) -> Result<Exit, CliError> {
    let started_at = SystemTime::now();
    let place = job.place(args.out.as_deref());
    if let Some(mut records) = known_records(&job, &place) {
        console.note("this sweep is done; its numbers are shown again");
        let summary = job.view().summary(&mut records).map_err(CliError::Output)?;
        return show(&job, &summary, &mut records, &place, args.format, console);
    }
    check_place(&place, Kind::Sweep)?;
    let interrupt = Interrupt::listen()?;
    let partial = partial_of(&place);
    let failed = |source| CliError::File {
        path: partial.display().to_string(),
        source,
    };
    let plan_path = partial.join(PLAN_NAME);
    refuse_foreign(&partial)?;
    if !plan_path.exists() {
        bundle::write(&job, &plan_path)?;
    }
    let known = PlanFile::read(&plan_path).map_err(|error| CliError::Usage(error.to_string()))?;
    if known.hash != job.file.hash {
        return Err(CliError::Usage(format!(
            "{} holds an unfinished sweep of another plan: the scenario, its axes, measures or \
             seeds have changed since; remove it, or name another place with --out",
            partial.display()
        )));
    }
    // From here on all that is read stands in the folder of the sweep.
    let job = Job::from_plan(&plan_path, console)?;
    let mut records = job.no_records();
    let path = partial.join(JOURNAL_NAME);
    let journal = Journal::open(&path, &mut records)
        .map_err(failed)?
        .ok_or_else(|| {
            CliError::Sweep(format!(
                "another process runs the sweep in {}",
                partial.display()
            ))
        })?;
    let runs: Vec<u32> = (0..job.plan.run_count()).collect();
    let how = How {
        jobs: args.jobs,
        is_fail_fast: args.fail_fast,
    };
    work(
        &job,
        &runs,
        (&path, journal, &mut records),
        how,
        &interrupt,
        console,
    )?;
    let exit = finish(
        &job,
        &mut records,
        started_at,
        &place,
        (args.format, !args.no_charts),
        console,
    )?;
    remove_partial(&partial, &job).map_err(failed)?;
    Ok(exit)
}

/// Refuses a directory of unfinished sweeps that holds anything else, or is none.
fn refuse_foreign(partial: &Path) -> Result<(), CliError> {
    let refused = |what: &str| {
        let place = partial.display();
        Err(CliError::Usage(format!(
            "{place}: {what}; runs are kept there until all are done: move it away, or name \
             another place with --out"
        )))
    };
    match fs::symlink_metadata(partial) {
        Err(_) => return Ok(()),
        Ok(found) if !found.is_dir() => return refused("is no directory"),
        Ok(_) => {}
    }
    let entries = fs::read_dir(partial).map_err(|source| CliError::File {
        path: partial.display().to_string(),
        source,
    })?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let own = [PLAN_NAME, JOURNAL_NAME, INPUTS_NAME];
    let is_own = |name: &OsString| {
        let name = name.to_string_lossy();
        own.contains(&&*name) || name.starts_with(".stormglass-")
    };
    let mut names: Vec<OsString> = names.collect();
    names.sort();
    if let Some(foreign) = names.iter().find(|name| !is_own(name)) {
        return Err(CliError::Usage(format!(
            "{}: no sweep wrote it; remove it to go on with the runs that are kept beside it, or \
             name another place with --out",
            partial.join(foreign).display()
        )));
    }
    // What broke off before its plan was whole has no journal.
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    match has(PLAN_NAME) || !has(JOURNAL_NAME) {
        true => Ok(()),
        false => refused("holds no unfinished sweep"),
    }
}

/// Removes what a sweep kept until it was done, and nothing else.
fn remove_partial(partial: &Path, job: &Job) -> io::Result<()> {
    let inputs = job.inputs.iter().map(|input| input.name.as_str());
    // The plan last: without it a journal is nobody's.
    for name in [JOURNAL_NAME].into_iter().chain(inputs).chain([PLAN_NAME]) {
        match fs::remove_file(partial.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    // What somebody put there meanwhile stays, and its folder with it.
    for folder in [partial.join(INPUTS_NAME).as_path(), partial] {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// Where the runs of a sweep are kept until all are done.
fn partial_of(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    place.with_file_name(name)
}

/// The records of a complete sweep directory of the same plan.
fn known_records(job: &Job, place: &Path) -> Option<Records> {
    let is_complete = Manifest::read(place).is_ok_and(|manifest| manifest.complete);
    let plan = PlanFile::read(&place.join(PLAN_NAME)).ok()?;
    if !is_complete || plan.hash != job.file.hash {
        return None;
    }
    let mut records = job.no_records();
    let path = place.join(RECORDS_NAME);
    let number = records.add_file(&path).ok()?;
    let mut reader = BufReader::new(fs::File::open(&path).ok()?);
    scan(&mut reader, 0, |offset, record| {
        records.add(number, offset, &record).map(|_| ())
    })
    .ok()?;
    let is_whole = records.missing().next().is_none();
    is_whole.then_some(records)
}
