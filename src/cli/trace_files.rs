//! The files of `run --trace`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::overwrite::{OutputKind, check_output};
use super::style::Console;
use super::{CliError, temporary};
use crate::model::observation::Observation;
use crate::model::observation::step::Step;
use crate::report::format;
use crate::scenario::Scenario;
use crate::time::SimTime;
use crate::trace::Follower;
use crate::trace::chrome::ChromeTrace;
use crate::trace::lines::Lines;

/// Files that are open for traces, so that a place that takes none is found before the run. They
/// have their names only when the run is over.
pub struct TraceFiles(Vec<(PathBuf, TraceFile)>);

enum TraceFile {
    Temporary(NamedTempFile),
    /// A pipe or a device, which nothing can take the place of.
    Direct(File),
}

/// What is written to them while a run goes on.
pub struct Traces<'a>(Vec<(&'a Path, Trace<'a>)>);

enum Trace<'a> {
    Lines(Box<Lines<'a>>),
    Chrome(Box<ChromeTrace<'a>>),
}

/// Where a file stands or will stand, whatever it is called.
fn real_place(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = fs::canonicalize(parent.unwrap_or(Path::new(".")));
    let by_folder = || folder.map_or_else(|_| path.to_owned(), |folder| folder.join(name));
    fs::canonicalize(path).unwrap_or_else(|_| by_folder())
}

/// Refuses traces in a run directory that is about to be replaced.
pub fn refuse_inside(paths: &[PathBuf], run_dir: &Path) -> Result<(), CliError> {
    let Ok(replaced) = fs::canonicalize(run_dir) else {
        return Ok(());
    };
    let is_inside = |path: &&PathBuf| real_place(path).starts_with(&replaced);
    match paths.iter().find(is_inside) {
        None => Ok(()),
        Some(path) => Err(CliError::Usage(format!(
            "--trace {}: lies in the run directory {}, which this run replaces; name another place",
            path.display(),
            run_dir.display()
        ))),
    }
}

impl TraceFiles {
    /// Creates the files. `inputs` are the canonical paths of the files of the scenario.
    pub fn create(paths: &[PathBuf], inputs: &[PathBuf]) -> Result<Self, CliError> {
        let real: Vec<PathBuf> = paths.iter().map(|path| real_place(path)).collect();
        for (place, path) in paths.iter().enumerate() {
            if real[..place].contains(&real[place]) {
                let problem = format!("--trace {}: is written once; leave one out", path.display());
                return Err(CliError::Usage(problem));
            }
        }
        let create = |path: &PathBuf| {
            check_output(path, OutputKind::Trace, inputs)?;
            let file = TraceFile::create(path).map_err(|source| file_error(path, source))?;
            Ok((path.clone(), file))
        };
        Ok(TraceFiles(
            paths.iter().map(create).collect::<Result<_, CliError>>()?,
        ))
    }

    /// Begins the traces of the run of `scenario` with `seed`.
    pub fn open(&mut self, scenario: &Scenario, seed: u64) -> Traces<'_> {
        let open = |entry| open(entry, scenario, seed);
        Traces(self.0.iter_mut().map(open).collect())
    }

    /// Gives the files their names, and says how large they are.
    pub fn keep(self, console: &mut Console) -> Result<(), CliError> {
        for (path, file) in self.0 {
            let size = file
                .as_file()
                .metadata()
                .map_or(0, |metadata| metadata.len());
            if let TraceFile::Temporary(file) = file {
                temporary::keep(file, &path).map_err(|source| file_error(&path, source))?;
            }
            console.note(format_args!(
                "{}: {} bytes",
                path.display(),
                format::count(size)
            ));
        }
        Ok(())
    }
}

impl TraceFile {
    fn create(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return File::create(path).map(TraceFile::Direct);
        }
        temporary::beside(path).map(TraceFile::Temporary)
    }

    fn as_file(&self) -> &File {
        match self {
            TraceFile::Temporary(file) => file.as_file(),
            TraceFile::Direct(file) => file,
        }
    }

    fn as_file_mut(&mut self) -> &mut File {
        match self {
            TraceFile::Temporary(file) => file.as_file_mut(),
            TraceFile::Direct(file) => file,
        }
    }
}

impl Traces<'_> {
    /// Whom a run has to tell everything; nobody where nothing is traced.
    pub fn follower(&mut self) -> Option<&mut (dyn Follower + Send)> {
        match self.0.is_empty() {
            true => None,
            false => Some(self),
        }
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), CliError> {
        for (path, trace) in self.0 {
            let written = match trace {
                Trace::Lines(lines) => lines.finish(),
                Trace::Chrome(trace) => trace.finish(),
            };
            written.map_err(|source| file_error(path, source))?;
        }
        Ok(())
    }
}

impl Follower for Traces<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        for (_, trace) in &mut self.0 {
            match trace {
                Trace::Lines(lines) => lines.observe(at, observation),
                Trace::Chrome(trace) => trace.observe(at, observation),
            }
        }
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        for (_, trace) in &mut self.0 {
            match trace {
                Trace::Lines(lines) => lines.follow(at, step),
                Trace::Chrome(trace) => trace.follow(at, step),
            }
        }
    }

    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        for (_, trace) in &mut self.0 {
            match trace {
                Trace::Lines(lines) => lines.observe_step(at, observation, step),
                Trace::Chrome(trace) => trace.observe_step(at, observation, step),
            }
        }
    }
}

fn open<'a>(
    (path, file): &'a mut (PathBuf, TraceFile),
    scenario: &Scenario,
    seed: u64,
) -> (&'a Path, Trace<'a>) {
    let file = file.as_file_mut();
    let is_lines = path.extension().is_some_and(|ending| ending == "jsonl");
    let trace = match is_lines {
        true => Trace::Lines(Box::new(Lines::new(scenario, seed, file))),
        false => Trace::Chrome(Box::new(ChromeTrace::new(scenario, seed, file))),
    };
    (path, trace)
}

fn file_error(path: &Path, source: io::Error) -> CliError {
    CliError::File {
        path: path.display().to_string(),
        source,
    }
}
