//! The scenario of a directory of many runs: as it is before points change it, with its CSV inputs.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::CliError;
use super::load::slug;
use crate::report::files::KeptInput;
use crate::report::manifest::FileHash;
use crate::report::run_dir::{RunDirError, RunDirWriter, sha256_of, sha256_of_file};
use crate::scenario::load::axis;
use crate::scenario::load::point::Base;

/// A scenario whose inputs stand beside it.
pub struct KeptScenario {
    /// As TOML; it names the inputs as they stand beside it.
    pub toml: String,
    /// The inputs.
    pub inputs: Vec<KeptInput>,
    /// Their names and hashes.
    pub hashes: Vec<FileHash>,
}

impl KeptScenario {
    /// The scenario of all points that were built so far.
    pub fn new(base: &Base) -> Result<Self, CliError> {
        let (mut inputs, mut hashes) = (Vec::new(), Vec::new());
        for (place, path) in base.input_paths().into_iter().enumerate() {
            let sha256 = sha256_of_file(&path).map_err(|source| CliError::File {
                path: path.display().to_string(),
                source,
            })?;
            let file_name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("inputs/{place}-{}-{}", &sha256[..8], slug(&file_name));
            hashes.push(FileHash {
                path: name.clone(),
                sha256,
            });
            inputs.push(KeptInput { name, path });
        }
        Ok(KeptScenario {
            toml: base.toml(&|path| name_of(&inputs, path)),
            inputs,
            hashes,
        })
    }

    /// A value in TOML, with the name of the input that it names.
    pub fn value(&self, base: &Base, toml: &str) -> String {
        let path: Option<PathBuf> = base.file_of(toml);
        let name = path.and_then(|path| name_of(&self.inputs, &path));
        name.map_or_else(|| toml.to_string(), |name| axis::toml_of(&name))
    }

    /// `PATH=VALUE` with such a value.
    pub fn set(&self, base: &Base, set: &str) -> String {
        match set.split_once('=') {
            Some((path, value)) => format!("{path}={}", self.value(base, value)),
            None => set.to_string(),
        }
    }

    /// Writes the scenario and its inputs.
    pub fn write(&self, writer: &mut RunDirWriter) -> Result<(), RunDirError> {
        writer.write("scenario.toml", |out| out.write_all(self.toml.as_bytes()))?;
        for input in &self.inputs {
            writer.write(&input.name, |out| {
                io::copy(&mut File::open(&input.path)?, out).map(|_| ())
            })?;
        }
        Ok(())
    }

    /// What a manifest says of it.
    pub fn file_hashes(&self) -> Vec<FileHash> {
        vec![FileHash {
            path: "scenario.toml".to_string(),
            sha256: sha256_of(self.toml.as_bytes()),
        }]
    }
}

fn name_of(inputs: &[KeptInput], path: &Path) -> Option<String> {
    let kept = inputs.iter().find(|input| input.path == path);
    kept.map(|input| input.name.clone())
}
