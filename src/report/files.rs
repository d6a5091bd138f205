//! The files of a run directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::hgrm::write_hgrm;
use super::html;
use super::junit::write_junit;
use super::manifest::FileHash;
use super::markdown;
use super::page::{DefaultLine, PageInput, page};
use super::pictures::{RunView, file_name, pictures};
use super::replay::replay_data;
use super::run_dir::{RunDirError, RunDirWriter};
use super::series::{safe_cell, write_series};
use super::summary::write_summary;
use super::terminal::Summary;
use crate::chart::DataTable;
use crate::chart::picture::Picture;
use crate::experiment::Results;
use crate::metrics::data::request::PhaseKind;
use crate::scenario::Scenario;

/// What a scenario was read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScenarioOrigin {
    /// The effective scenario as TOML; CSV inputs are named as they stand in the run directory.
    pub effective_toml: String,
    /// Every file that was read, as it was named, with its hash.
    pub file_hashes: Vec<FileHash>,
    /// The CSV inputs to keep.
    pub inputs: Vec<KeptInput>,
    /// What the scenario left open and what was taken.
    pub defaults: Vec<DefaultLine>,
    /// What a sensitivity study of it found, in sentences; empty where none is known.
    pub sensitivity: Vec<String>,
}

/// A CSV input that the run directory holds a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptInput {
    /// Its name in the run directory: `inputs/arrivals.csv`.
    pub name: String,
    /// Where it was read from.
    pub path: PathBuf,
}

/// What the files of a run directory tell.
pub struct Contents<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What its runs gave.
    pub results: &'a Results,
    /// What it was read from.
    pub origin: &'a ScenarioOrigin,
    /// What the terminal shows.
    pub summary: &'a Summary,
    /// The command that makes the same results.
    pub command: &'a str,
    /// Whether there are pictures.
    pub has_charts: bool,
}

/// Writes every file but the manifest.
pub fn write_files(writer: &mut RunDirWriter, contents: &Contents) -> Result<(), RunDirError> {
    let (scenario, results) = (contents.scenario, contents.results);
    writer.write("scenario.toml", |out| {
        out.write_all(contents.origin.effective_toml.as_bytes())
    })?;
    for input in &contents.origin.inputs {
        writer.write(&input.name, |out| copy(input, out))?;
    }
    writer.write("summary.json", |out| write_summary(scenario, results, out))?;
    writer.write("series.csv", |out| write_series(&results.runs, out))?;
    let expectations = &contents.summary.expectations;
    writer.write("junit.xml", |out| {
        write_junit(&scenario.name, expectations, out)
    })?;
    let first = results.runs.first().expect("results have at least one run");
    let run = RunView {
        scenario,
        metrics: &first.metrics,
        seed: first.seed,
    };
    let phases = first.metrics.requests.phases.iter();
    let is_told = |kind| {
        matches!(
            kind,
            PhaseKind::Whole | PhaseKind::Steady | PhaseKind::During
        )
    };
    for phase in phases.filter(|phase| is_told(phase.kind) && !phase.latency_curve.is_empty()) {
        let name = format!("latency/{}.hgrm", file_name(&[&phase.label]));
        writer.write(&name, |out| write_hgrm(phase, out))?;
    }
    let pictures = pictures(run);
    for picture in pictures.iter().filter(|_| contents.has_charts) {
        write_picture(writer, picture)?;
    }
    let replay = contents.has_charts.then(|| replay_data(run)).flatten();
    let page = page(PageInput {
        run,
        pictures,
        has_charts: contents.has_charts,
        replay,
        facts: contents.summary.facts.clone(),
        expectations: contents.summary.expectations.clone(),
        means: contents.summary.means.clone(),
        defaults: contents.origin.defaults.clone(),
        sensitivity: contents.origin.sensitivity.clone(),
        scenario_text: contents.origin.effective_toml.clone(),
        command: contents.command.to_string(),
        digest: results.digest(),
    });
    let markdown = markdown::render(&page);
    writer.write("report.md", |out| out.write_all(markdown.as_bytes()))?;
    let html = html::render(&page);
    writer.write("report.html", |out| out.write_all(html.as_bytes()))
}

/// Writes a picture as SVG and PNG, the numbers behind it as CSV, and what it is drawn from.
pub fn write_picture(writer: &mut RunDirWriter, picture: &Picture) -> Result<(), RunDirError> {
    let name = |ending: &str| format!("charts/{}.{ending}", picture.name);
    writer.write(&name("svg"), |out| out.write_all(picture.svg().as_bytes()))?;
    writer.write(&name("png"), |out| out.write_all(&picture.png()))?;
    writer.write(&name("json"), |out| {
        out.write_all(picture.stored().as_bytes())
    })?;
    writer.write(&name("csv"), |out| write_table(&picture.table(), out))
}

/// Writes the numbers behind a chart.
pub fn write_table(table: &DataTable, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    for row in std::iter::once(&table.columns).chain(&table.rows) {
        csv.write_record(row.iter().map(|cell| text_cell(cell)))?;
    }
    csv.flush()
}

/// Numbers as they are, texts so that no spreadsheet takes them for a formula.
fn text_cell(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(_) => cell.to_string(),
        Err(_) => safe_cell(cell),
    }
}

fn copy(input: &KeptInput, out: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut File::open(&input.path)?, out)?;
    Ok(())
}
