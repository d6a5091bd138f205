//! Reads the numbers of saved runs from their run directories.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::CliError;
use crate::experiment::compare::Question;
use crate::experiment::compare::sample::Sample;
use crate::metrics::evaluate::Reading;
use crate::scenario::measure::{Aggregation, MeasureRef, Phase, Scope, Statistic};
use crate::scenario::measure_catalog as catalog;

/// The numbers that every run saves, and where they stand in the numbers of a phase.
const SAVED: [(&str, &str); 10] = [
    ("success_ratio", "/success_ratio"),
    ("request_rate", "/request_rate_rps"),
    ("goodput", "/goodput_rps"),
    ("amplification", "/amplification_ratio"),
    ("latency.mean", "/latency/mean_secs"),
    ("latency.p50", "/latency/p50/value_secs"),
    ("latency.p90", "/latency/p90/value_secs"),
    ("latency.p99", "/latency/p99/value_secs"),
    ("latency.p99.9", "/latency/p999/value_secs"),
    ("latency.max", "/latency/max_secs"),
];

/// No run gives a larger number.
const NUMBER_MAX: f64 = 1e15;

/// The version of `summary.json` that is read.
const SCHEMA: u64 = 1;

/// A run directory.
pub struct SavedRun {
    /// What messages call it.
    pub path: PathBuf,
    /// The scenario.
    pub scenario: String,
    /// The fingerprint of its runs.
    pub digest: String,
    /// The seeds of its replications.
    pub seeds: Vec<u64>,
    /// The length of the measured window of one.
    pub measured_secs: f64,
    replications: Vec<Value>,
}

impl SavedRun {
    /// Reads a run directory.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let file = path.join("summary.json");
        let text = std::fs::read_to_string(&file).map_err(|source| CliError::Input {
            path: file.display().to_string(),
            source,
        })?;
        let refused = |problem: String| CliError::Usage(format!("{}: {problem}", file.display()));
        let mut summary: Value = serde_json::from_str(&text)
            .map_err(|error| refused(format!("is not the summary of a run: {error}")))?;
        if summary["schema"].as_u64() != Some(SCHEMA) {
            let schema = &summary["schema"];
            return Err(refused(format!(
                "has schema {schema}; this version reads schema {SCHEMA}"
            )));
        }
        let replications = match summary["replications"].take() {
            Value::Array(list) if !list.is_empty() => list,
            _ => return Err(refused("has no replications".to_string())),
        };
        let seeds: Option<Vec<u64>> = replications.iter().map(|r| r["seed"].as_u64()).collect();
        let seconds = |key: &str| summary[key].as_f64().unwrap_or_default();
        let text = |key: &str| summary[key].as_str().unwrap_or_default().to_string();
        Ok(SavedRun {
            path: path.to_path_buf(),
            scenario: text("scenario"),
            digest: text("digest"),
            seeds: seeds.ok_or_else(|| refused("has a replication without a seed".to_string()))?,
            measured_secs: seconds("duration_secs") - seconds("warmup_secs"),
            replications,
        })
    }

    /// Keeps the replications of these seeds, in their order.
    pub fn restrict(&mut self, seeds: &[u64]) {
        let place = |seed: &u64| self.seeds.iter().position(|own| own == seed);
        let places: Vec<usize> = seeds.iter().filter_map(place).collect();
        self.replications = places
            .iter()
            .map(|p| self.replications[*p].clone())
            .collect();
        self.seeds = places.iter().map(|place| self.seeds[*place]).collect();
    }

    /// The readings of these measures and of the success ratios beside them.
    pub fn sample(&self, name: &str, measures: &[String]) -> Result<Sample, CliError> {
        let readings_of = |replication: &Value| {
            let both = measures
                .iter()
                .flat_map(|text| [text.clone(), success_beside(text)]);
            both.map(|text| reading(replication, &text))
                .collect::<Vec<_>>()
        };
        let found: Vec<_> = self.replications.iter().map(readings_of).collect();
        for (place, measure) in measures.iter().enumerate() {
            if found.iter().all(|run| run[2 * place].is_none()) {
                let saved = SAVED.map(|(name, _)| name).join(", ");
                return Err(CliError::Usage(format!(
                    "{} did not save `{measure}`; every run saves {saved}, by phase, and what \
                     `run --metric` names",
                    self.path.display()
                )));
            }
        }
        let missing = || Reading::Undecided("not saved".to_string());
        let runs = found.into_iter();
        Ok(Sample {
            name: name.to_string(),
            readings: runs
                .map(|run| run.into_iter().map(|r| r.unwrap_or_else(missing)).collect())
                .collect(),
            pools: Vec::new(),
        })
    }
}

/// The question of a measure that is known by its text only.
pub fn question(text: &str) -> Result<Question, CliError> {
    let head = text.split([' ', '{']).next().unwrap_or_default();
    let (name, word) = head.split_once('.').unwrap_or((head, ""));
    let info = catalog::find(name).ok_or_else(|| {
        CliError::Usage(format!(
            "unknown measure `{name}`; `stormglass metrics` lists all measures"
        ))
    })?;
    let statistic = match word {
        "" => Statistic::Value,
        word => catalog::statistic(word).unwrap_or(Statistic::Value),
    };
    let is_whole = !text.contains(' ');
    Ok(Question::new(
        text,
        &MeasureRef {
            measure: info.measure,
            statistic,
            scope: Scope::default(),
            aggregation: Aggregation::Pooled,
            phase: if is_whole {
                Phase::Whole
            } else {
                Phase::Steady
            },
        },
    ))
}

/// `success_ratio during fault.x` beside `latency.p99 during fault.x`.
fn success_beside(text: &str) -> String {
    let rest = text.find(['{', ' ']).map_or("", |at| &text[at..]);
    format!("success_ratio{rest}")
}

/// A number of a replication; None where it was not saved.
fn reading(replication: &Value, text: &str) -> Option<Reading> {
    let number = |value: &Value, reason: &str| match value {
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.abs() <= NUMBER_MAX => Reading::Known(number),
            _ => Reading::Undecided("the saved number is none of a run".to_string()),
        },
        Value::String(never) if never == "never" => Reading::Known(f64::INFINITY),
        _ => Reading::Undecided(reason.to_string()),
    };
    let asked = replication["readings"].as_array();
    let mut asked = asked.into_iter().flatten();
    if let Some(found) = asked.find(|reading| reading["measure"] == text) {
        let reason = found["reason"].as_str().unwrap_or_default();
        let mut values = found.as_object()?.iter();
        let (_, value) = values.find(|(key, _)| key.starts_with("value"))?;
        return Some(number(value, reason));
    }
    let (head, phase) = text.split_once(' ').unwrap_or((text, "whole run"));
    let (_, place) = SAVED.iter().find(|(name, _)| *name == head)?;
    let label = phase.replace("fault.", "");
    let phases = replication["requests"]["phases"].as_array()?;
    let phase = phases.iter().find(|phase| phase["label"] == label)?;
    let value = phase["stats"].pointer(place)?;
    Some(number(value, "it does not exist, or is withheld"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_of_phases_and_of_questions_are_found() {
        let replication = json!({
            "readings": [{"measure": "mistake_rate", "value_per_sec": 0.5, "reason": ""},
                         {"measure": "recovery_time of fault.a", "value_secs": "never"}],
            "requests": {"phases": [
                {"label": "whole run", "stats": {"success_ratio": 0.9,
                    "latency": {"p99": {"value_secs": null}}}},
                {"label": "during a", "stats": {"success_ratio": 0.5}},
            ]},
        });
        let read = |text| reading(&replication, text);
        assert_eq!(read("success_ratio"), Some(Reading::Known(0.9)));
        assert_eq!(
            read("success_ratio during fault.a"),
            Some(Reading::Known(0.5))
        );
        assert_eq!(read("mistake_rate"), Some(Reading::Known(0.5)));
        assert_eq!(
            read("recovery_time of fault.a"),
            Some(Reading::Known(f64::INFINITY))
        );
        assert!(matches!(read("latency.p99"), Some(Reading::Undecided(_))));
        assert_eq!(read("success_ratio during fault.b"), None);
        assert_eq!(read("utilization"), None);
    }

    #[test]
    fn a_text_is_a_question() {
        let latency = question("latency.p99 during fault.a").expect("known");
        assert!(!latency.is_rare);
        assert_eq!(
            success_beside("latency.p99{client=a} steady"),
            "success_ratio{client=a} steady"
        );
        assert!(question("mistake_rate").expect("known").is_rare);
        assert!(question("speed").is_err());
    }
}
