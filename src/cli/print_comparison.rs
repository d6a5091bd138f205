//! Prints a comparison as text or Markdown.

use std::io::{self, Write};

use super::print::{escape, expectations_text, mark, table_markdown, table_text};
use super::style::{DOUBTFUL, FAINT, HEADING};
use crate::report::comparison_files::ComparisonContents;
use crate::report::comparison_text::{
    between_lines, facts_text, notes, reading, sentences, tables,
};

/// Prints for reading in a terminal.
pub fn text(contents: &ComparisonContents, out: &mut dyn Write) -> io::Result<()> {
    let (comparison, name) = (contents.comparison, &contents.facts.scenario);
    let facts = facts_text(comparison, contents.facts.seed);
    writeln!(out, "{HEADING}{name}{HEADING:#} \u{b7} {facts}")?;
    if !contents.between.is_empty() {
        writeln!(out, "\n  {HEADING}EXPECT between variants{HEADING:#}")?;
        expectations_text(&between_lines(contents.between), out)?;
    }
    for table in tables(comparison) {
        writeln!(out)?;
        table_text(&table, out)?;
    }
    writeln!(out)?;
    for sentence in sentences(comparison) {
        writeln!(out, "  {sentence}")?;
    }
    for note in notes(comparison) {
        writeln!(out, "  {DOUBTFUL}{note}{DOUBTFUL:#}")?;
    }
    writeln!(out, "  {FAINT}{}{FAINT:#}", reading(comparison))
}

/// Prints Markdown, for design documents.
pub fn markdown(contents: &ComparisonContents, out: &mut dyn Write) -> io::Result<()> {
    let (comparison, name) = (contents.comparison, &contents.facts.scenario);
    let facts = facts_text(comparison, contents.facts.seed);
    writeln!(out, "# {}\n\n{facts}\n", escape(name))?;
    for sentence in sentences(comparison) {
        writeln!(out, "- {}", escape(&sentence))?;
    }
    for note in notes(comparison) {
        writeln!(out, "- {}", escape(&note))?;
    }
    if !contents.between.is_empty() {
        writeln!(
            out,
            "\n| | expectation | value | remark |\n|---|---|---|---|"
        )?;
    }
    for line in between_lines(contents.between) {
        let cells = [&line.measure, &line.value, &line.remark].map(|cell| escape(cell));
        writeln!(out, "| {} | {} |", mark(line.state), cells.join(" | "))?;
    }
    for table in tables(comparison) {
        table_markdown(&table, out)?;
    }
    writeln!(out, "\n{}", reading(comparison))
}
