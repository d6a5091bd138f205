//! Prints a comparison as text or Markdown.

use std::io::{self, Write};

use super::print::{escape, table_markdown, table_text};
use super::style::{DOUBTFUL, FAINT, HEADING};
use crate::experiment::compare::Comparison;
use crate::report::comparison_text::{READING, notes, sentences, tables};
use crate::report::format;

/// `3 variants · seeds 7 to 16 · 10 replications each`.
pub fn facts(comparison: &Comparison, seed: u64) -> String {
    let last = seed.wrapping_add(comparison.run_count as u64 - 1);
    format!(
        "{} \u{b7} seeds {seed} to {last} \u{b7} {} each",
        format::counted(comparison.variants.len() as u64, "variant"),
        format::counted(comparison.run_count as u64, "replication")
    )
}

/// Prints for reading in a terminal.
pub fn text(name: &str, seed: u64, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let facts = facts(comparison, seed);
    writeln!(out, "{HEADING}{name}{HEADING:#} \u{b7} {facts}")?;
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
    writeln!(out, "  {FAINT}{READING}{FAINT:#}")
}

/// Prints Markdown, for design documents.
pub fn markdown(
    name: &str,
    seed: u64,
    comparison: &Comparison,
    out: &mut dyn Write,
) -> io::Result<()> {
    let facts = facts(comparison, seed);
    writeln!(out, "# {}\n\n{facts}\n", escape(name))?;
    for sentence in sentences(comparison) {
        writeln!(out, "- {}", escape(&sentence))?;
    }
    for note in notes(comparison) {
        writeln!(out, "- {}", escape(&note))?;
    }
    for table in tables(comparison) {
        table_markdown(&table, out)?;
    }
    writeln!(out, "\n{READING}")
}
