//! Studies of few points with many replications: searches and what uncertain inputs move.

pub mod optimize;
mod optimize_data;
pub mod sensitivity;
mod sensitivity_data;

use super::format;
use super::html::{Block, ReportPage};
use super::page::question;
use super::study_page::{footer, sections};
use crate::experiment::study::{Distance, Estimate};

/// What a study was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyFacts {
    /// The name of the scenario.
    pub scenario: String,
    /// The scenario before anything is changed, as TOML.
    pub scenario_toml: String,
    /// The comment that opens its file.
    pub header: Vec<String>,
    /// Seed of the first replication.
    pub seed: u64,
    /// Runs of all points.
    pub run_count: u64,
    /// Fingerprint of all runs.
    pub digest: String,
    /// The command that makes the same results.
    pub command: String,
}

/// The page of a study.
fn page(
    facts: &StudyFacts,
    (title, line): (&str, String),
    findings: Vec<String>,
    mut list: Vec<(&str, Vec<Block>)>,
) -> ReportPage {
    list.push((
        "Scenario",
        vec![Block::Listing {
            name: "The scenario before anything is changed".to_string(),
            text: facts.scenario_toml.clone(),
        }],
    ));
    ReportPage {
        title: format!("{}: {title}", facts.scenario),
        facts: line,
        question: question::blocks(&facts.header),
        findings: findings
            .iter()
            .map(|text| super::study_page::as_sentence(text))
            .collect(),
        variants: Vec::new(),
        replay: None,
        sections: sections(list),
        command: facts.command.clone(),
        footer: footer(
            &facts.scenario,
            &format!("seed {}", facts.seed),
            &facts.digest,
        ),
    }
}

/// `1.23 (1.19 to 1.27) times lower (p < 0.0001)`, given the p-value that is to be told.
fn distance_text(distance: &Distance, p_value: f64, by_unit: impl Fn(f64) -> String) -> String {
    if distance.is_none() {
        return "equal in every replication".to_string();
    }
    let word = if distance.is_lower() {
        "lower"
    } else {
        "higher"
    };
    let p = match p_value {
        p if p < 0.000_1 => "p < 0.0001".to_string(),
        p => format!("p = {p:.4}"),
    };
    match distance {
        Distance::Ratio(ratio) => {
            let [low, times, high] = match distance.is_lower() {
                true => [1.0 / ratio.high, 1.0 / ratio.ratio, 1.0 / ratio.low],
                false => [ratio.low, ratio.ratio, ratio.high],
            };
            format!("{} times {word} ({p})", format::with_ends(times, low, high))
        }
        Distance::Difference(contrast) => format!(
            "{} \u{b1} {} {word} ({p})",
            by_unit(contrast.difference.mean.abs()),
            by_unit(contrast.difference.half_width)
        ),
    }
}

/// `48.2 ms (47.1 ms to 49.3 ms)`.
fn estimate_text(estimate: Option<Estimate>, by_unit: impl Fn(f64) -> String) -> String {
    format::optional(estimate, |estimate| {
        let ends = [estimate.low, estimate.high];
        match ends.iter().all(|end| end.is_finite()) {
            true => format!(
                "{} ({} to {})",
                by_unit(estimate.value),
                by_unit(estimate.low),
                by_unit(estimate.high)
            ),
            false => by_unit(estimate.value),
        }
    })
}
