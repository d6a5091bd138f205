//! Writes the directory of a sweep whose runs are all known, and shows it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::args::Format;
use super::super::print::{escape, table_markdown, table_text};
use super::super::run::{RUNS_DIRECTORY, begin};
use super::super::style::{Console, DOUBTFUL, HEADING};
use super::super::{CliError, Exit};
use super::prepare::Job;
use crate::experiment::sweep::summary::SweepSummary;
use crate::report::files::write_picture;
use crate::report::format;
use crate::report::manifest::{FileHash, Kind, Manifest, utc_text};
use crate::report::run_dir::sha256_of;
use crate::report::study_page;
use crate::report::summary::digest_text;
use crate::report::sweep::page::{SweepPageInput, page};
use crate::report::sweep::pictures::pictures;
use crate::report::sweep::plan_file::PLAN_NAME;
use crate::report::sweep::records::Records;
use crate::report::sweep::tables::SweepView;
use crate::report::sweep::text;

/// The name of the file with the records, in plan order.
pub const RECORDS_NAME: &str = "records.jsonl";

/// The command that repeats a sweep, in its directory.
const REPEAT: &str = "stormglass sweep --run-plan plan.json";

impl Job {
    /// What tables show of the job.
    pub fn view(&self) -> SweepView<'_> {
        SweepView {
            file: &self.file,
            plan: &self.plan,
            asked: &self.asked,
            objectives: &self.objectives,
        }
    }

    /// Where the sweep directory goes.
    pub fn place(&self, out: Option<&Path>) -> PathBuf {
        let contents = &self.file.plan;
        let hash = &self.file.hash[..8];
        out.map(Path::to_path_buf).unwrap_or_else(|| {
            let name = format!("{}-sweep-{}-{hash}", contents.scenario_name, contents.seed);
            Path::new(RUNS_DIRECTORY).join(name)
        })
    }
}

/// Writes the sweep directory and shows it.
pub fn finish(
    job: &Job,
    records: &mut Records,
    started_at: SystemTime,
    place: &Path,
    (format, has_charts): (Format, bool),
    console: &mut Console,
) -> Result<Exit, CliError> {
    let view = job.view();
    let summary = view.summary(records).map_err(CliError::Output)?;
    let mut writer = begin(Some(place), Kind::Sweep)?;
    writer.write(PLAN_NAME, |out| job.file.write(out))?;
    writer.write("scenario.toml", |out| {
        out.write_all(job.file.plan.scenario_toml.as_bytes())
    })?;
    for input in &job.inputs {
        writer.write(&input.name, |out| {
            io::copy(&mut File::open(&input.path)?, out).map(|_| ())
        })?;
    }
    writer.write("sweep.json", |out| view.sweep_json(&summary, out))?;
    writer.write("points.csv", |out| view.points_csv(&summary, out))?;
    writer.write("results.csv", |out| view.results_csv(records, out))?;
    writer.write("results.jsonl", |out| view.results_jsonl(records, out))?;
    writer.write("runs.csv", |out| view.runs_csv(records, out))?;
    if 0 < summary.failed_count {
        writer.write("failures.jsonl", |out| view.failures_jsonl(records, out))?;
    }
    let pictures = match has_charts {
        true => pictures(&view, &summary),
        false => Vec::new(),
    };
    for picture in &pictures {
        write_picture(&mut writer, picture)?;
    }
    let page = page(SweepPageInput {
        view: &view,
        summary: &summary,
        pictures,
        failures: &view.failures(&summary, records).map_err(CliError::Output)?,
        command: REPEAT,
    });
    study_page::write(&mut writer, &page)?;
    writer.write(RECORDS_NAME, |out| view.records_jsonl(records, out))?;
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
        scenario_name: job.file.plan.scenario_name.clone(),
        scenario_files: vec![FileHash {
            path: "scenario.toml".to_string(),
            sha256: sha256_of(job.file.plan.scenario_toml.as_bytes()),
        }],
        replications: Vec::new(),
        points: Vec::new(),
        repeat_with: REPEAT.to_string(),
        started_at: utc_text(started_at),
        ended_at: utc_text(SystemTime::now()),
        files: writer.files(),
        complete: true,
    };
    writer.commit(place, &manifest)?;
    show(job, &summary, records, place, format, console)
}

/// Shows a sweep whose directory is written.
pub fn show(
    job: &Job,
    summary: &SweepSummary,
    records: &mut Records,
    place: &Path,
    format: Format,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let view = job.view();
    match format {
        Format::Text => show_text(&view, summary, place, console)?,
        Format::Md => show_markdown(&view, summary, console)?,
        Format::Csv => view.results_csv(records, console.out())?,
        Format::Json => view.results_jsonl(records, console.out())?,
    }
    if format != Format::Text {
        console.note(place.join("report.html").display());
    }
    if summary.failed_count == 0 {
        return Ok(Exit::Done);
    }
    console.error(format_args!(
        "{} failed; why, and how to repeat them, is in {}",
        format::counted(u64::from(summary.failed_count), "run"),
        place.join("failures.jsonl").display()
    ));
    Ok(Exit::Failed)
}

fn show_text(
    view: &SweepView,
    summary: &SweepSummary,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    let out = console.out();
    let name = &view.file.plan.scenario_name;
    writeln!(
        out,
        "{HEADING}{name}{HEADING:#} \u{b7} {}\n",
        text::facts(view)
    )?;
    let table = text::table(view, summary);
    table_text(&table, out)?;
    if !table.note.is_empty() {
        writeln!(out, "  {DOUBTFUL}{}{DOUBTFUL:#}", table.note)?;
    }
    writeln!(out)?;
    for sentence in text::sentences(view, summary) {
        writeln!(out, "  {sentence}")?;
    }
    writeln!(out, "  digest {}", digest_text(summary.digest))?;
    writeln!(out, "  {}", place.join("report.html").display())
}

fn show_markdown(
    view: &SweepView,
    summary: &SweepSummary,
    console: &mut Console,
) -> io::Result<()> {
    let out = console.out();
    let name = escape(&view.file.plan.scenario_name);
    writeln!(out, "# {name}\n\n{}\n", escape(&text::facts(view)))?;
    for sentence in text::sentences(view, summary) {
        writeln!(out, "- {}", escape(&sentence))?;
    }
    table_markdown(&text::table(view, summary), out)
}
