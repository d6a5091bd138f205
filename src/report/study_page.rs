//! What the pages of studies share: comparisons, sweeps, searches.

use super::html::{self, Block, Mark, ReportPage, Section, Table};
use super::markdown;
use super::run_dir::{RunDirError, RunDirWriter};
use super::terminal;

/// A table of the terminal on a page; `first` is the title of its first column.
pub fn table(caption: &str, first: &str, table: &terminal::Table) -> Table {
    let mut columns = vec![first.to_string()];
    columns.extend(table.columns.iter().map(|title| format!("#{title}")));
    let titles: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut html = Table::new(caption, titles);
    for row in &table.rows {
        html.push(Mark::None, row.clone());
    }
    html
}

/// Prose.
pub fn paragraphs(texts: &[&str]) -> Vec<Block> {
    let paragraph = |text: &&str| Block::Paragraph(text.to_string());
    texts.iter().map(paragraph).collect()
}

/// The sections that have something in them.
pub fn sections(list: Vec<(&str, Vec<Block>)>) -> Vec<Section> {
    let shown = list.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    shown
        .map(|(title, blocks)| Section {
            title: title.to_string(),
            blocks,
        })
        .collect()
}

/// With a full stop, and a capital unless it begins with the name of a measure or a path.
pub fn as_sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let first = text.split(' ').next().unwrap_or_default();
    let is_plain = first.chars().all(|c| c.is_ascii_alphabetic() || c == ',');
    let mut chars = text.chars();
    match chars.next() {
        Some(letter) if is_plain => {
            format!("{}{}.", letter.to_uppercase(), chars.as_str())
        }
        _ => format!("{text}."),
    }
}

/// The last line of a page; `seeds` as in `seed 7`.
pub fn footer(scenario: &str, seeds: &str, digest: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("stormglass {version} \u{b7} scenario {scenario} \u{b7} {seeds} \u{b7} digest {digest}")
}

/// Writes a page as `report.md` and `report.html`.
pub fn write(writer: &mut RunDirWriter, page: &ReportPage) -> Result<(), RunDirError> {
    let markdown = markdown::render(page);
    writer.write("report.md", |out| out.write_all(markdown.as_bytes()))?;
    let html = html::render(page);
    writer.write("report.html", |out| out.write_all(html.as_bytes()))
}
