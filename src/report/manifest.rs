//! `manifest.json`: what a run directory holds and how it came to be. The only place where wall
//! clock time is written.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::run_dir::open_regular;

/// Larger files are none of ours: 100,000 runs take 10 MB.
const BYTES_MAX: u64 = 1 << 30;

/// The name of the file in a run directory.
pub const MANIFEST_NAME: &str = "manifest.json";

/// The contents of `manifest.json`, in the order of its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format: [`Manifest::SCHEMA`].
    pub schema: u32,
    /// The program that made it.
    pub stormglass_version: String,
    /// The name of the scenario.
    pub scenario_name: String,
    /// Every file that the scenario was read from, as it was named, with its hash.
    pub scenario_files: Vec<FileHash>,
    /// The runs, in plan order.
    pub replications: Vec<ReplicationRecord>,
    /// The runs of a study, by what they change in the scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<PointRecord>,
    /// A command that makes the same results.
    pub repeat_with: String,
    /// Start of the run on the wall clock, in UTC.
    pub started_at: String,
    /// End of the run on the wall clock, in UTC.
    pub ended_at: String,
    /// Every other file of the directory, with its hash.
    pub files: Vec<FileHash>,
    /// Written last: the directory is whole.
    pub complete: bool,
}

/// One file and its contents' hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Where it is.
    pub path: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// One run of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationRecord {
    /// Its seed.
    pub seed: u64,
    /// Fingerprint of its events, 16 hexadecimal digits.
    pub digest: String,
}

/// The runs of one point of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointRecord {
    /// What it changes in `scenario.toml`: `PATH=VALUE` each.
    pub sets: Vec<String>,
    /// Its runs.
    pub replications: Vec<ReplicationRecord>,
}

/// What a directory holds the results of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One scenario, or a variant of a comparison.
    Run,
    /// Variants of a scenario.
    Comparison,
    /// Points of a scenario.
    Sweep,
    /// A search for the best point.
    Optimization,
    /// Inputs that are not known exactly.
    Sensitivity,
}

impl Kind {
    /// As in "the directory of a sweep".
    pub fn text(self) -> &'static str {
        match self {
            Kind::Run => "a run",
            Kind::Comparison => "a comparison",
            Kind::Sweep => "a sweep",
            Kind::Optimization => "an optimization",
            Kind::Sensitivity => "a sensitivity analysis",
        }
    }
}

/// Why a directory has no usable manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{MANIFEST_NAME} cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not a manifest.
    #[error("{MANIFEST_NAME} is not a manifest of a run: {0}")]
    Parse(#[from] serde_json::Error),
    /// It was made by a newer program.
    #[error(
        "{MANIFEST_NAME} has schema {0}; this version reads schema {known}",
        known = Manifest::SCHEMA
    )]
    Schema(u32),
}

impl Manifest {
    /// The version of the format.
    pub const SCHEMA: u32 = 1;

    /// Reads the manifest of a run directory.
    pub fn read(run_dir: &Path) -> Result<Self, ManifestError> {
        let file = open_regular(&run_dir.join(MANIFEST_NAME))?;
        let text = io::read_to_string(file.take(BYTES_MAX))?;
        let manifest: Manifest = serde_json::from_str(&text)?;
        if manifest.schema != Manifest::SCHEMA {
            return Err(ManifestError::Schema(manifest.schema));
        }
        Ok(manifest)
    }

    /// What the directory holds the results of, by the file that only its kind has.
    pub fn kind(&self) -> Kind {
        let kinds = [
            ("comparison.json", Kind::Comparison),
            ("sweep.json", Kind::Sweep),
            ("optimize.json", Kind::Optimization),
            ("sensitivity.json", Kind::Sensitivity),
        ];
        let has = |name: &str| self.files.iter().any(|file| file.path == name);
        let found = kinds.into_iter().find(|(name, _)| has(name));
        found.map_or(Kind::Run, |(_, kind)| kind)
    }

    /// Writes indented JSON.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

/// `2026-01-31T23:59:59Z`: whole seconds in UTC.
pub fn utc_text(at: SystemTime) -> String {
    let secs = at
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil_date(secs / 86_400);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Counts from March in eras of 400 years, so that the leap day ends a year (Hinnant,
/// "chrono-compatible low-level date algorithms").
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn wall_clock_time_is_utc_in_iso_8601() {
        // Well-known instants of the Unix clock.
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (1_234_567_890, "2009-02-13T23:31:30Z"),
            (2_147_483_647, "2038-01-19T03:14:07Z"),
        ] {
            assert_eq!(utc_text(UNIX_EPOCH + Duration::from_secs(secs)), text);
        }
    }

    #[test]
    fn a_manifest_of_another_schema_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = r#"{"schema": 2, "stormglass_version": "9", "scenario_name": "x",
            "scenario_files": [], "replications": [], "repeat_with": "", "started_at": "",
            "ended_at": "", "files": [], "complete": true}"#;
        std::fs::write(dir.path().join(MANIFEST_NAME), text).expect("written");
        assert_eq!(
            Manifest::read(dir.path()).expect_err("too new").to_string(),
            "manifest.json has schema 2; this version reads schema 1"
        );
    }
}
