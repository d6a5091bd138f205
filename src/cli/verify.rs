//! `stormglass verify`.

use std::io;
use std::path::Path;

use super::args::VerifyArgs;
use super::interrupt::Interrupt;
use super::run::{jobs_that_fit, replicate_shown};
use super::style::Console;
use super::{CliError, Exit, load};
use crate::experiment::plan::Plan;
use crate::report::format;
use crate::report::manifest::{FileHash, Manifest};
use crate::report::run_dir::{is_inside, sha256_of_file};
use crate::report::summary::digest_text;

/// Checks the files of a run directory against its manifest, runs its scenario again with the same
/// seeds and compares the digests. What differs is printed, a line each.
pub fn run(args: &VerifyArgs, console: &mut Console) -> Result<Exit, CliError> {
    let run_dir = &args.run_dir;
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
    // Changed files are all reported; there is no use in running a changed scenario.
    let mut is_same = true;
    for file in &manifest.files {
        if let Some(difference) = difference(run_dir, file) {
            is_same = false;
            let path = run_dir.join(&file.path);
            writeln!(console.out(), "{}: {difference}", path.display())?;
        }
    }
    if is_same {
        is_same = compare_digests(args, &manifest, console)?;
    }
    if !is_same {
        return Ok(Exit::Failed);
    }
    writeln!(
        console.out(),
        "{}: {} and {} verified",
        run_dir.display(),
        format::counted(manifest.replications.len() as u64, "run"),
        format::counted(manifest.files.len() as u64, "file")
    )?;
    Ok(Exit::Done)
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

fn compare_digests(
    args: &VerifyArgs,
    manifest: &Manifest,
    console: &mut Console,
) -> Result<bool, CliError> {
    let Some(first) = manifest.replications.first() else {
        let hint = match args.run_dir.join("variants").is_dir() {
            true => "; verify the run directories in its folder `variants`",
            false => "",
        };
        return Err(CliError::Usage(format!(
            "{}: its manifest names no runs{hint}",
            args.run_dir.display()
        )));
    };
    let path = args.run_dir.join("scenario.toml");
    let loaded = load::for_verify(&path, &args.limits, console)?;
    let plan = Plan {
        seed: first.seed,
        replication_count: u32::try_from(manifest.replications.len()).unwrap_or(u32::MAX),
        jobs: jobs_that_fit(args.jobs.count, &loaded.estimate, args.limits.max_memory),
    };
    let interrupt = Interrupt::listen()?;
    let scenario = &loaded.scenario;
    let event_count_max = args.limits.max_events;
    let results = replicate_shown(scenario, &plan, event_count_max, &interrupt, console).map_err(
        |error| CliError::Plan {
            error,
            advice: String::new(),
        },
    )?;
    let mut is_same = true;
    for (run, record) in results.runs.iter().zip(&manifest.replications) {
        let digest = digest_text(run.metrics.digest);
        if (run.seed, &digest) != (record.seed, &record.digest) {
            is_same = false;
            writeln!(
                console.out(),
                "{}: seed {} gives digest {digest}, the manifest says {}",
                args.run_dir.display(),
                run.seed,
                record.digest
            )?;
        }
    }
    Ok(is_same)
}
