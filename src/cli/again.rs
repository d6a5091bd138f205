//! Runs that were written, made again to look at what they did not keep.

use std::path::{Path, PathBuf};

use super::CliError;
use super::args::LimitArgs;
use super::interrupt::Interrupt;
use super::load::{self, Loaded};
use super::progress::Meter;
use super::style::Console;
use crate::experiment::follow::follow;
use crate::report::format;
use crate::report::manifest::{Kind, MANIFEST_NAME, Manifest, ReplicationRecord};
use crate::report::summary::digest_text;
use crate::trace::Follower;

/// A run that is made again.
pub struct Again {
    /// Where it was written.
    run_dir: PathBuf,
    /// Its scenario.
    pub loaded: Loaded,
    /// The replication.
    pub record: ReplicationRecord,
    event_count_max: u64,
}

impl Again {
    /// Reads what a run directory says of the replication with this number.
    pub fn open(
        run_dir: &Path,
        replication: u32,
        limits: &LimitArgs,
        console: &mut Console,
    ) -> Result<Self, CliError> {
        let manifest = Manifest::read(run_dir).map_err(|source| CliError::Manifest {
            path: run_dir.display().to_string(),
            source,
        })?;
        refuse_many(run_dir, &manifest)?;
        let place = replication as usize;
        let Some(record) = manifest.replications.get(place).cloned() else {
            return Err(CliError::Usage(format!(
                "{}: has {}, counted from 0",
                run_dir.display(),
                format::counted(manifest.replications.len() as u64, "replication")
            )));
        };
        let path = run_dir.join("scenario.toml");
        let loaded = load::for_verify(&path, limits, console)?;
        Ok(Again {
            run_dir: run_dir.to_path_buf(),
            loaded,
            record,
            event_count_max: limits.max_events,
        })
    }

    /// Runs once, and refuses to tell anything of another run than the one that was written.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        follower: &mut dyn Follower,
        console: &mut Console,
    ) -> Result<(), CliError> {
        let scenario = &self.loaded.scenario;
        let meter = Meter::start(
            console.progress_mode(),
            interrupt.clone(),
            scenario.duration,
            1,
        );
        let end = follow(
            scenario,
            self.record.seed,
            self.event_count_max,
            &meter,
            follower,
        );
        if let Some(took) = meter.finish(end.as_ref().ok().map(|end| end.event_count)) {
            console.note(took);
        }
        let end = end.map_err(|error| CliError::Plan {
            error,
            advice: String::new(),
        })?;
        let digest = digest_text(end.digest);
        if digest != self.record.digest {
            return Err(CliError::Different(format!(
                "{}: seed {} gives digest {digest}, the manifest says {}; this program or the \
                 scenario is not the one of the run",
                self.run_dir.display(),
                self.record.seed,
                self.record.digest
            )));
        }
        Ok(())
    }
}

/// Refuses a directory of more than one scenario, and says which directory is meant.
fn refuse_many(run_dir: &Path, manifest: &Manifest) -> Result<(), CliError> {
    let kind = manifest.kind();
    let mut paths = manifest.files.iter().map(|file| file.path.as_str());
    let variant = paths.find_map(|path| {
        let inner = path.strip_suffix(MANIFEST_NAME)?.strip_suffix('/')?;
        inner.starts_with("variants/").then(|| run_dir.join(inner))
    });
    let needed = match (kind, variant) {
        (Kind::Run, _) => return Ok(()),
        (Kind::Comparison, Some(variant)) => {
            format!("name that of a variant, like {}", variant.display())
        }
        _ => "name a directory that `run` wrote".to_string(),
    };
    Err(CliError::Usage(format!(
        "{}: is the directory of {}, and one run is looked at; {needed}",
        run_dir.display(),
        kind.text()
    )))
}
