//! `plan.json`: everything that decides what a sweep gives, with its hash.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::manifest::FileHash;
use super::super::run_dir::{is_inside, open_regular, sha256_of, sha256_of_file};
use crate::experiment::sweep::points::SweepPlan;
use crate::scenario::load::axis;
use crate::scenario::sweep::constraint::Constraint;
use crate::scenario::sweep::{Axis, SweepConfig};

/// Larger files are none of ours.
const BYTES_MAX: u64 = 1 << 28;

/// The name of the file in a sweep directory.
pub const PLAN_NAME: &str = "plan.json";

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// Version of this format: [`PlanFile::SCHEMA`].
    pub schema: u32,
    /// SHA-256 of the contents, as compact JSON, in hexadecimal.
    pub hash: String,
    /// What is planned.
    pub plan: PlanContents,
}

/// What is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanContents {
    /// The program that made it; another one could give other results.
    pub stormglass_version: String,
    /// The name of the scenario.
    pub scenario_name: String,
    /// The scenario, before points change it.
    pub scenario_toml: String,
    /// The CSV inputs of the scenario, as it names them, beside the plan.
    pub inputs: Vec<FileHash>,
    /// Seed of the first replication of every point.
    pub seed: u64,
    /// Replications of each point.
    pub repeat: u32,
    /// The axes; the last one varies fastest.
    pub axes: Vec<AxisRecord>,
    /// What every point fulfills.
    #[serde(rename = "where")]
    pub constraints: Vec<String>,
    /// What is read of every run.
    pub measures: Vec<String>,
    /// Two of the measures, of which the best compromises are looked for.
    pub pareto: Option<[String; 2]>,
    /// Limits that points should hold.
    pub objectives: Vec<String>,
    /// Events after which a run is stopped.
    pub event_count_max: u64,
    /// Bytes of memory of a run that are refused.
    pub memory_bytes_max: u64,
    /// Bytes of a CSV input that are refused.
    pub input_bytes_max: u64,
    /// Points that fulfill every constraint.
    pub point_count: u32,
    /// Their replications.
    pub run_count: u32,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisRecord {
    /// Its name.
    pub name: String,
    /// The path of its key.
    pub path: String,
    /// Its values in TOML.
    pub values: Vec<String>,
}

/// What makes a file a plan, of any version.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "schema")]
    _schema: u32,
    #[serde(rename = "hash")]
    _hash: String,
    #[serde(rename = "plan")]
    _plan: serde_json::Map<String, serde_json::Value>,
}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    Read(String, io::Error),
    /// It is not a plan.
    #[error("{0} is not a plan of a sweep: {1}")]
    Parse(String, serde_json::Error),
    /// It is not what was written.
    #[error("{0}: {1}")]
    Wrong(String, String),
}

impl PlanContents {
    /// The hash that stands for the contents.
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).expect("plain data has a JSON form");
        sha256_of(&json)
    }

    /// The runs that are planned.
    pub fn sweep_plan(&self) -> Result<SweepPlan, String> {
        let axes: Vec<Axis> = self
            .axes
            .iter()
            .map(|record| axis::axis(&record.name, &record.path, record.values.clone()))
            .collect();
        let constraints: Result<Vec<Constraint>, String> = self
            .constraints
            .iter()
            .map(|text| axis::constraint(text, &axes))
            .collect();
        SweepPlan::new(axes, &constraints?, self.repeat, self.seed)
    }

    /// The axes and constraints of a sweep.
    pub fn set_config(&mut self, config: &SweepConfig) {
        let record = |axis: &Axis| AxisRecord {
            name: axis.name.clone(),
            path: axis.path.clone(),
            values: axis.values.iter().map(|value| value.toml.clone()).collect(),
        };
        self.axes = config.axes.iter().map(record).collect();
        self.constraints = config.constraints.iter().map(|c| c.text.clone()).collect();
        self.repeat = config.repeat;
        self.measures = config.measures.clone();
        self.pareto = config.pareto.clone();
        self.objectives = config.objectives.clone();
    }
}

impl PlanFile {
    /// The version of the format.
    pub const SCHEMA: u32 = 2;

    /// The file of some contents.
    pub fn new(plan: PlanContents) -> Self {
        PlanFile {
            schema: PlanFile::SCHEMA,
            hash: plan.hash(),
            plan,
        }
    }

    /// Writes indented JSON.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Whether a file is a plan, be it one that this version cannot run.
    pub fn is_at(path: &Path) -> bool {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str::<Head>(&text).is_ok()
    }

    /// Reads a plan, which must be whole and of this version of the program, and makes sure that
    /// its inputs stand beside it as they were.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let name = || path.display().to_string();
        let wrong = |what: String| PlanError::Wrong(name(), what);
        let text = open_regular(path).and_then(|file| io::read_to_string(file.take(BYTES_MAX)));
        let text = text.map_err(|e| PlanError::Read(name(), e))?;
        let file: PlanFile =
            serde_json::from_str(&text).map_err(|e| PlanError::Parse(name(), e))?;
        if file.schema != PlanFile::SCHEMA {
            let known = PlanFile::SCHEMA;
            return Err(wrong(format!(
                "schema {}; this version reads {known}",
                file.schema
            )));
        }
        let version = env!("CARGO_PKG_VERSION");
        if file.plan.stormglass_version != version {
            let made_by = &file.plan.stormglass_version;
            return Err(wrong(format!(
                "made by stormglass {made_by}, this is {version}; all runs need the same"
            )));
        }
        if file.plan.hash() != file.hash {
            return Err(wrong("it was changed after it was written".to_string()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        for input in &file.plan.inputs {
            let is_same = is_inside(&input.path)
                && sha256_of_file(&folder.join(&input.path)).is_ok_and(|h| h == input.sha256);
            if !is_same {
                return Err(wrong(format!(
                    "its input {} is not what it was",
                    input.path
                )));
            }
        }
        Ok(file)
    }
}
