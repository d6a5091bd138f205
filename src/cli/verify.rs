//! `stormglass verify`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::VerifyArgs;
use super::interrupt::Interrupt;
use super::load::input;
use super::progress::Meter;
use super::run::{jobs_that_fit, replicate_shown};
use super::style::Console;
use super::sweep::verify::verify_sweep;
use super::{CliError, Exit, load};
use crate::experiment::plan::{Plan, run_all};
use crate::experiment::replicate::digest_of;
use crate::report::format;
use crate::report::manifest::{FileHash, Manifest, ReplicationRecord};
use crate::report::run_dir::{is_inside, sha256_of_file};
use crate::report::summary::digest_text;
use crate::report::sweep::plan_file::PLAN_NAME;
use crate::scenario::Scenario;
use crate::scenario::load::limits::{Estimate, estimate};

/// Runs of a sweep or a study that are run again unless the user says otherwise.
const RUN_COUNT: u32 = 100;

/// What was run again, and whether it was the same.
pub struct Verified {
    /// Whether nothing differed.
    pub is_same: bool,
    /// Runs that were run again.
    pub run_count: u64,
    /// Runs that the directory tells of.
    pub all_count: u64,
}

/// Checks the files of a directory against its manifest, runs its scenario again with the same
/// values and seeds, and compares the digests. What differs is printed, a line each.
pub fn run(args: &VerifyArgs, console: &mut Console) -> Result<Exit, CliError> {
    let run_dir = &args.run_dir;
    let manifest = manifest(run_dir, console)?;
    // Changed files are all reported; there is no use in running a changed scenario.
    let mut is_same = true;
    for file in &manifest.files {
        if let Some(difference) = difference(run_dir, file) {
            is_same = false;
            let path = run_dir.join(&file.path);
            writeln!(console.out(), "{}: {difference}", path.display())?;
        }
    }
    if !is_same {
        return Ok(Exit::Failed);
    }
    let interrupt = Interrupt::listen()?;
    let verified = if run_dir.join(PLAN_NAME).exists() {
        verify_sweep(args, args.runs.unwrap_or(RUN_COUNT), &interrupt, console)?
    } else if !manifest.points.is_empty() {
        verify_study(args, &manifest, &interrupt, console)?
    } else if run_dir.join("variants").is_dir() {
        verify_variants(args, &interrupt, console)?
    } else if manifest.replications.is_empty() {
        console.note("it compares runs that were saved elsewhere: its files are all that it has");
        Verified {
            is_same: true,
            run_count: 0,
            all_count: 0,
        }
    } else {
        let most = args.runs.unwrap_or(0);
        verify_run(args, most, run_dir, &manifest, &interrupt, console)?
    };
    if !verified.is_same {
        return Ok(Exit::Failed);
    }
    let runs = match verified.run_count == verified.all_count {
        true => format::counted(verified.all_count, "run"),
        false => format!(
            "{} of {} (evenly spread; --runs 0 takes all)",
            format::count(verified.run_count),
            format::counted(verified.all_count, "run")
        ),
    };
    let files = format::counted(manifest.files.len() as u64, "file");
    writeln!(
        console.out(),
        "{}: {runs} and {files} verified",
        run_dir.display()
    )?;
    Ok(Exit::Done)
}

fn manifest(run_dir: &Path, console: &mut Console) -> Result<Manifest, CliError> {
    let manifest = Manifest::read(run_dir).map_err(|source| CliError::Manifest {
        path: run_dir.display().to_string(),
        source,
    })?;
    if manifest.stormglass_version != env!("CARGO_PKG_VERSION") {
        console.note(format_args!(
            "warning: made by stormglass {}, verified by {}",
            manifest.stormglass_version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    Ok(manifest)
}

/// How a file differs from what the manifest says, if it does.
fn difference(run_dir: &Path, file: &FileHash) -> Option<String> {
    if !is_inside(&file.path) {
        return Some("leads out of the run directory".to_string());
    }
    match sha256_of_file(&run_dir.join(&file.path)) {
        Ok(sha256) if sha256 == file.sha256 => None,
        Ok(_) => Some("its contents are not those of the run".to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("is missing".to_string()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

/// Places of `count` things of which at most `most` are taken, evenly spread; all where it is 0.
pub fn evenly(count: usize, most: u32) -> Vec<usize> {
    let most = match most {
        0 => count,
        most => count.min(most as usize),
    };
    (0..most).map(|place| place * count / most).collect()
}

/// Says that a run gave something else.
pub fn tell_difference(
    place: &Path,
    what: &str,
    found: &str,
    expected: &str,
    console: &mut Console,
) -> io::Result<()> {
    let place = place.display();
    writeln!(
        console.out(),
        "{place}: {what} gives digest {found}, the manifest says {expected}"
    )
}

/// At most `most` replications of a run directory, or all where it is 0.
fn verify_run(
    args: &VerifyArgs,
    most: u32,
    run_dir: &Path,
    manifest: &Manifest,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Verified, CliError> {
    let path = run_dir.join("scenario.toml");
    let loaded = load::for_verify(&path, &args.limits, console)?;
    let all = &manifest.replications;
    let first = all.first().expect("it has runs");
    let is_in_a_row = (0..)
        .zip(all)
        .all(|(place, run)| run.seed == first.seed.wrapping_add(place));
    let size = &loaded.estimate;
    let scenario = &loaded.scenario;
    let is_part = most != 0 && (most as usize) < all.len();
    if is_part || !is_in_a_row {
        let points = [(String::new(), scenario, all.as_slice())];
        return verify_points(args, most, run_dir, &points, size, interrupt, console);
    }
    let plan = Plan {
        seed: first.seed,
        replication_count: u32::try_from(all.len()).unwrap_or(u32::MAX),
        jobs: jobs_that_fit(args.jobs.count, size, args.limits.max_memory),
    };
    let event_count_max = args.limits.max_events;
    let results = replicate_shown(scenario, &plan, event_count_max, interrupt, console, None)
        .map_err(|error| CliError::Plan {
            error,
            advice: String::new(),
        })?;
    let mut is_same = true;
    for (run, record) in results.runs.iter().zip(all) {
        let digest = digest_text(run.metrics.digest);
        if (run.seed, &digest) != (record.seed, &record.digest) {
            is_same = false;
            let what = format!("seed {}", run.seed);
            tell_difference(run_dir, &what, &digest, &record.digest, console)?;
        }
    }
    let count = all.len() as u64;
    Ok(Verified {
        is_same,
        run_count: count,
        all_count: count,
    })
}

/// The run directories of all variants of a comparison.
fn verify_variants(
    args: &VerifyArgs,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Verified, CliError> {
    let folder = args.run_dir.join("variants");
    let failed = |source| CliError::File {
        path: folder.display().to_string(),
        source,
    };
    let entries = fs::read_dir(&folder).map_err(failed)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|e| e.map(|e| e.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    let mut all = Verified {
        is_same: true,
        run_count: 0,
        all_count: 0,
    };
    let mut variants = Vec::new();
    for path in paths {
        let manifest = manifest(&path, console)?;
        if !manifest.replications.is_empty() {
            variants.push((path, manifest));
        }
    }
    let counts = variants
        .iter()
        .map(|(_, manifest)| manifest.replications.len());
    let wanted = wanted_counts(&counts.collect::<Vec<_>>(), args.runs.unwrap_or(0));
    for ((path, manifest), wanted) in variants.iter().zip(wanted) {
        all.all_count += manifest.replications.len() as u64;
        if wanted == 0 {
            continue;
        }
        let one = verify_run(args, wanted, path, manifest, interrupt, console)?;
        all.is_same &= one.is_same;
        all.run_count += one.run_count;
    }
    Ok(all)
}

/// How many replications of each of several directories make `most` evenly spread ones of all, or
/// all where it is 0.
fn wanted_counts(counts: &[usize], most: u32) -> Vec<u32> {
    let chosen = evenly(counts.iter().sum(), most);
    let mut chosen = chosen.into_iter().peekable();
    let mut end = 0;
    let of_one = |count: &usize| {
        end += count;
        std::iter::from_fn(|| chosen.next_if(|place| *place < end)).count() as u32
    };
    counts.iter().map(of_one).collect()
}

/// Runs of the points of a study.
fn verify_study(
    args: &VerifyArgs,
    manifest: &Manifest,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Verified, CliError> {
    let path = args.run_dir.join("scenario.toml");
    let input = input(Some(&path), &[], &args.limits)?;
    let mut base = load::open(&input, &[], console)?;
    let mut points = Vec::new();
    for point in &manifest.points {
        let mut loaded = base.point(&point.sets);
        let Some(scenario) = loaded.scenario.take() else {
            load::show_diagnostics(&loaded, console);
            return Err(load::refused(&loaded));
        };
        points.push((
            point.sets.join(", "),
            scenario,
            point.replications.as_slice(),
        ));
    }
    let sizes = points.iter().map(|(_, scenario, _)| estimate(scenario));
    let size = sizes.max_by_key(|size| size.memory_bytes);
    let size = size.expect("a study has points");
    let points: Vec<Point> = points
        .iter()
        .map(|(label, scenario, runs)| (label.clone(), scenario, *runs))
        .collect();
    let most = args.runs.unwrap_or(RUN_COUNT);
    verify_points(
        args,
        most,
        &args.run_dir,
        &points,
        &size,
        interrupt,
        console,
    )
}

/// What a point changes, its scenario and its runs.
type Point<'a> = (String, &'a Scenario, &'a [ReplicationRecord]);

/// At most `most` runs of some scenarios, all where it is 0.
fn verify_points(
    args: &VerifyArgs,
    most: u32,
    place: &Path,
    points: &[Point],
    size: &Estimate,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Verified, CliError> {
    let all: Vec<(&Point, &ReplicationRecord)> = points
        .iter()
        .flat_map(|point| point.2.iter().map(move |run| (point, run)))
        .collect();
    let chosen = evenly(all.len(), most);
    if chosen.is_empty() {
        let place = place.display();
        return Err(CliError::Usage(format!(
            "{place}: its manifest tells of no run"
        )));
    }
    let plan = Plan {
        seed: 0,
        replication_count: u32::try_from(chosen.len()).unwrap_or(u32::MAX),
        jobs: jobs_that_fit(args.jobs.count, size, args.limits.max_memory),
    };
    let longest = points
        .iter()
        .map(|(_, scenario, _)| scenario.duration)
        .max();
    let meter = Meter::start(
        console.progress_mode(),
        interrupt.clone(),
        longest.expect("there are points"),
        plan.replication_count,
    );
    let digests = run_all(&plan, &meter, |run, _, on_progress| {
        let ((_, scenario, _), record) = all[chosen[run as usize]];
        digest_of(scenario, record.seed, args.limits.max_events, on_progress)
    });
    meter.finish(None);
    let digests = digests.map_err(|error| CliError::Plan {
        error,
        advice: String::new(),
    })?;
    let mut is_same = true;
    for (run, digest) in chosen.iter().zip(digests) {
        let ((label, ..), record) = all[*run];
        let digest = digest_text(digest);
        if digest != record.digest {
            is_same = false;
            let what = format!("seed {} {label}", record.seed);
            tell_difference(place, what.trim_end(), &digest, &record.digest, console)?;
        }
    }
    Ok(Verified {
        is_same,
        run_count: chosen.len() as u64,
        all_count: all.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::{evenly, wanted_counts};

    #[test]
    fn a_sample_is_evenly_spread() {
        assert_eq!(evenly(10, 3), [0, 3, 6]);
        assert_eq!(evenly(3, 0), [0, 1, 2]);
        assert_eq!(evenly(2, 5), [0, 1]);
        assert_eq!(evenly(0, 5), [0_usize; 0]);
    }

    #[test]
    fn variants_share_the_runs_that_are_wanted() {
        assert_eq!(wanted_counts(&[12, 12], 6), [3, 3]);
        assert_eq!(wanted_counts(&[12, 12, 12], 1), [1, 0, 0]);
        assert_eq!(wanted_counts(&[1, 9], 5), [1, 4]);
        assert_eq!(wanted_counts(&[2, 3], 0), [2, 3]);
        assert_eq!(wanted_counts(&[2, 3], 9), [2, 3]);
    }
}
