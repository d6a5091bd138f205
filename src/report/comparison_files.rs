//! The files of a comparison besides the run directories of its variants.

use super::comparison::{ComparisonFacts, JudgedBetween, write_csv, write_json};
use super::comparison_text::{between_lines, facts_text, notes, reading, sentences, tables};
use super::files::write_picture;
use super::html::{Block, Mark, ReportPage, Table};
use super::page::{basis, question};
use super::pictures::comparison::pictures;
use super::run_dir::{RunDirError, RunDirWriter};
use super::study_page::{self, footer, paragraphs, table};
use crate::chart::picture::Picture;
use crate::experiment::compare::Comparison;
use crate::metrics::evaluate::VerdictState;

/// What the files of a comparison tell.
pub struct ComparisonContents<'a> {
    /// What it was made of.
    pub facts: &'a ComparisonFacts,
    /// What it gave.
    pub comparison: &'a Comparison,
    /// What was expected between variants.
    pub between: &'a [JudgedBetween],
    /// The command that makes the same comparison.
    pub command: &'a str,
    /// Whether there are pictures.
    pub has_charts: bool,
}

/// Writes every file but the manifest.
pub fn write_comparison(
    writer: &mut RunDirWriter,
    contents: &ComparisonContents,
) -> Result<(), RunDirError> {
    writer.write("comparison.json", |out| write_json(contents, out))?;
    writer.write("comparison.csv", |out| write_csv(contents.comparison, out))?;
    let pictures = match contents.has_charts {
        true => pictures(contents.facts, contents.comparison),
        false => Vec::new(),
    };
    for picture in &pictures {
        write_picture(writer, picture)?;
    }
    study_page::write(writer, &page(contents, pictures))
}

fn page(contents: &ComparisonContents, pictures: Vec<Picture>) -> ReportPage {
    let (facts, comparison) = (contents.facts, contents.comparison);
    let mut expected = Vec::new();
    if !contents.between.is_empty() {
        expected.push(Block::Table(between_table(contents.between)));
    }
    let mut numbers: Vec<Block> = tables(comparison)
        .iter()
        .map(|of| Block::Table(table(&of.heading, "variant", of)))
        .collect();
    numbers.extend(notes(comparison).into_iter().map(Block::Note));
    numbers.push(Block::Note(reading(comparison)));
    let (differences, levels): (Vec<Picture>, Vec<Picture>) = pictures
        .into_iter()
        .partition(|picture| picture.name.starts_with("differences"));
    let blocks = |pictures: Vec<Picture>| pictures.into_iter().map(Block::Picture).collect();
    let sections = vec![
        ("Expectations between variants", expected),
        ("Numbers", numbers),
        ("Against the reference", blocks(differences)),
        ("Every variant", blocks(levels)),
        ("Method", method(comparison)),
        ("Assumptions and limits", assumptions(facts)),
    ];
    ReportPage {
        title: format!("{}: a comparison", facts.scenario),
        facts: facts_text(comparison, facts.seed),
        question: question::blocks(&facts.basis.header),
        findings: findings(comparison),
        variants: comparison.variants.clone(),
        replay: None,
        sections: study_page::sections(sections),
        command: contents.command.to_string(),
        footer: footer(
            &facts.scenario,
            &facts.seeds_text(comparison),
            &facts.digest,
        ),
    }
}

/// The answer: one sentence for each variant.
fn findings(comparison: &Comparison) -> Vec<String> {
    let texts = sentences(comparison).into_iter();
    // A capital would change the name of a variant.
    texts.map(|text| format!("{text}.")).collect()
}

fn assumptions(facts: &ComparisonFacts) -> Vec<Block> {
    let models = facts.basis.models.clone().map(Block::Table);
    basis::limits().into_iter().chain(models).collect()
}

fn between_table(between: &[JudgedBetween]) -> Table {
    let mut table = Table::new("", ["", "name", "expectation", "#value", "remark"]);
    for (judged, line) in between.iter().zip(between_lines(between)) {
        let (mark, verdict) = match judged.judgement.state {
            VerdictState::Held => (Mark::Good, "✓ held"),
            VerdictState::Failed => (Mark::Bad, "✗ failed"),
            VerdictState::Undecided => (Mark::Doubt, "? undecided"),
        };
        let cells = [
            verdict,
            &line.name,
            &line.measure,
            &line.value,
            &line.remark,
        ];
        table.push(mark, cells.map(String::from).to_vec());
    }
    table
}

fn method(comparison: &Comparison) -> Vec<Block> {
    let percentiles = match comparison.is_pooled {
        true => {
            "A percentile is that of the samples of all replications. Its interval lies between \
             the ranks that the replications leave to it. It is stated if at least ten samples of \
             five replications lie above it, or ten of each above its own. A share has the exact \
             interval of as many trials as its replications are worth. What was never reached is \
             counted and not averaged."
        }
        false => {
            "A percentile is the mean of the percentiles of the replications, with Student's \
             interval, of every variant: saved runs keep the percentiles of each replication, but \
             no samples. What was never reached is counted and not averaged."
        }
    };
    paragraphs(&[
        "All variants run on the same seeds: requests, service demands, delays and faults are \
         drawn by key, so that two variants see the same world. Their difference is judged by \
         pairs; the correlation that was reached stands in the tables.",
        "Numbers are compared by replication: shares by their difference, all others by the mean \
         difference of their logarithms, which is a ratio. Intervals are Student's at 95 %, each \
         for itself. Verdicts are corrected after Holm, so that any wrong one has a probability of \
         at most 5 %. No evidence is not the same as no difference, which is said only where a \
         margin was stated and two one-sided tests find the difference within it.",
        percentiles,
    ])
}
