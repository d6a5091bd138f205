//! The directory of a study.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::CliError;
use super::super::kept::KeptScenario;
use super::super::run::{RUNS_DIRECTORY, begin};
use super::lab::Lab;
use crate::report::manifest::{Kind, Manifest, utc_text};
use crate::report::run_dir::{RunDirError, RunDirWriter};
use crate::report::study::StudyFacts;
use crate::scenario::Scenario;

/// A study that is under way.
pub struct Desk {
    /// When it began.
    pub started_at: SystemTime,
    /// Its directory.
    pub writer: RunDirWriter,
    out: Option<PathBuf>,
}

impl Desk {
    /// Begins the directory before the runs, so that a place that takes none is found at once.
    pub fn open(out: Option<&Path>, kind: Kind) -> Result<Self, CliError> {
        Ok(Desk {
            started_at: SystemTime::now(),
            writer: begin(out, kind)?,
            out: out.map(Path::to_path_buf),
        })
    }

    /// Writes the directory of a study called `word`; `fill` writes what it found. Returns what it
    /// was made of, and its place.
    pub fn close(
        mut self,
        (lab, scenario): (&Lab, &Scenario),
        (word, command): (&str, String),
        fill: impl FnOnce(&mut RunDirWriter, &StudyFacts) -> Result<(), RunDirError>,
    ) -> Result<(StudyFacts, PathBuf), CliError> {
        let kept = KeptScenario::new(&lab.base)?;
        let runs = || lab.runs.iter().flat_map(|point| &point.replications);
        let digests: Vec<&str> = runs().map(|run| run.digest.as_str()).collect();
        let digest = xxhash_rust::xxh64::xxh64(digests.concat().as_bytes(), 0);
        let facts = StudyFacts {
            scenario: scenario.name.clone(),
            scenario_toml: kept.toml.clone(),
            header: scenario.header.clone(),
            seed: scenario.seed,
            run_count: runs().count() as u64,
            digest: format!("{digest:016x}"),
            command,
        };
        kept.write(&mut self.writer)?;
        fill(&mut self.writer, &facts)?;
        let place = self.out.unwrap_or_else(|| {
            let name = format!(
                "{}-{word}-{}-{}",
                facts.scenario,
                facts.seed,
                &facts.digest[..8]
            );
            Path::new(RUNS_DIRECTORY).join(name)
        });
        let mut points = lab.runs.clone();
        for set in points.iter_mut().flat_map(|point| &mut point.sets) {
            *set = kept.set(&lab.base, set);
        }
        let manifest = Manifest {
            schema: Manifest::SCHEMA,
            stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
            scenario_name: facts.scenario.clone(),
            scenario_files: kept.file_hashes(),
            replications: Vec::new(),
            points,
            repeat_with: facts.command.clone(),
            started_at: utc_text(self.started_at),
            ended_at: utc_text(SystemTime::now()),
            files: self.writer.files(),
            complete: true,
        };
        self.writer.commit(&place, &manifest)?;
        Ok((facts, place))
    }
}
