//! Prints the summary of a run as text, Markdown or CSV.

use std::io::{self, Write};

use super::style::{BAD, DOUBTFUL, FAINT, GOOD, HEADING};
use crate::experiment::Results;
use crate::experiment::headline::headlines;
use crate::metrics::evaluate::{Reading, VerdictState};
use crate::report::page::JudgedLine;
use crate::report::series::safe_cell;
use crate::report::summary::{unit_of, unit_suffix};
use crate::report::terminal::{Summary, Table};
use crate::scenario::Scenario;
use crate::scenario::measure::Unit;

/// Said where a scenario has no expectations.
const NOTHING_EXPECTED: &str = "nothing is expected; add [expect] to get a verdict";

/// Prints for reading in a terminal.
pub fn text(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{HEADING}{}{HEADING:#} \u{b7} {}",
        summary.name, summary.facts
    )?;
    writeln!(out, "\n  {HEADING}EXPECT{HEADING:#}")?;
    expectations_text(&summary.expectations, out)?;
    for table in &summary.tables {
        writeln!(out)?;
        match table.columns.is_empty() {
            true => lines_text(table, out)?,
            false => table_text(table, out)?,
        }
        if !table.note.is_empty() {
            writeln!(out, "  {FAINT}{}{FAINT:#}", table.note)?;
        }
    }
    Ok(())
}

/// Prints Markdown, for reviews.
pub fn markdown(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "# {}\n\n{}\n",
        escape(&summary.name),
        escape(&summary.facts)
    )?;
    if summary.expectations.is_empty() {
        writeln!(out, "{NOTHING_EXPECTED}")?;
    } else {
        writeln!(out, "| | expectation | measure | value | limit | remark |")?;
        writeln!(out, "|---|---|---|---|---|---|")?;
    }
    for line in &summary.expectations {
        let cells = [
            &line.name,
            &line.measure,
            &line.value,
            &line.limit,
            &line.remark,
        ];
        let cells = cells.map(|cell| escape(cell)).join(" | ");
        writeln!(out, "| {} | {cells} |", mark(line.state))?;
    }
    for table in &summary.tables {
        table_markdown(table, out)?;
    }
    writeln!(out, "\ndigest `{}`", summary.digest)
}

/// Prints a table as Markdown, under a heading of its own.
pub fn table_markdown(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## {}\n", escape(&table.heading))?;
    let columns = if table.columns.is_empty() {
        vec![String::new()]
    } else {
        table.columns.iter().map(|c| escape(c)).collect()
    };
    writeln!(out, "| | {} |", columns.join(" | "))?;
    let align = if table.columns.is_empty() {
        "---"
    } else {
        "---:"
    };
    writeln!(out, "|---|{}|", vec![align; columns.len()].join("|"))?;
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    if !table.note.is_empty() {
        writeln!(out, "\n{}", escape(&table.note))?;
    }
    Ok(())
}

/// Prints the headline numbers and those that were asked for, one a line; a number that does not
/// exist has an empty value, what never came is `inf`.
pub fn csv(scenario: &Scenario, results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["replication", "seed", "measure", "phase", "unit", "value"])?;
    for (replication, run) in results.runs.iter().enumerate() {
        let mut line = |measure: &str, phase: &str, unit: Unit, value: Option<f64>| {
            csv.write_record([
                &replication.to_string(),
                &run.seed.to_string(),
                &safe_cell(measure),
                &safe_cell(phase),
                unit_suffix(unit).trim_start_matches('_'),
                &value.map_or(String::new(), |v| v.to_string()),
            ])
        };
        for headline in headlines(&run.metrics) {
            line(
                headline.measure,
                &headline.phase,
                headline.unit,
                headline.value,
            )?;
        }
        for (asked, reading) in scenario.asked.iter().zip(&run.readings) {
            let value = match reading {
                Reading::Known(value) => Some(*value),
                Reading::Undecided(_) => None,
            };
            line(&asked.text, "", unit_of(&asked.measure), value)?;
        }
    }
    csv.flush()
}

/// Prints judged expectations, one a line.
pub fn expectations_text(lines: &[JudgedLine], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "  {FAINT}{NOTHING_EXPECTED}{FAINT:#}");
    }
    let cells = |line: &JudgedLine| {
        [&line.name, &line.measure, &line.value, &line.limit]
            .map(String::clone)
            .to_vec()
    };
    let rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
    let widths = widths(rows.iter().map(Vec::as_slice));
    for (line, row) in lines.iter().zip(&rows) {
        let style = match line.state {
            VerdictState::Held => GOOD,
            VerdictState::Failed => BAD,
            VerdictState::Undecided => DOUBTFUL,
        };
        let mark = mark(line.state);
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        let text = padded.join("   ");
        match line.remark.is_empty() {
            true => writeln!(out, "  {style}{mark}{style:#} {}", text.trim_end())?,
            false => writeln!(
                out,
                "  {style}{mark}{style:#} {text}   {DOUBTFUL}{}{DOUBTFUL:#}",
                line.remark
            )?,
        }
    }
    Ok(())
}

/// Prints a table in columns.
pub fn table_text(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut header = vec![table.heading.clone()];
    header.extend(table.columns.iter().cloned());
    let all = std::iter::once(&header).chain(&table.rows);
    let widths = widths(all.map(Vec::as_slice));
    let line = |row: &[String]| {
        let mut text = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row[1..].iter().zip(&widths[1..]) {
            text.push_str(&format!("   {cell:>width$}"));
        }
        text.trim_end().to_string()
    };
    writeln!(out, "  {HEADING}{}{HEADING:#}", line(&header))?;
    for row in &table.rows {
        writeln!(out, "  {}", line(row))?;
    }
    Ok(())
}

fn lines_text(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {HEADING}{}{HEADING:#}", table.heading)?;
    let labels = widths(table.rows.iter().map(|row| &row[..1]));
    for row in &table.rows {
        writeln!(out, "  {:<width$}   {}", row[0], row[1], width = labels[0])?;
    }
    Ok(())
}

/// The width of every column in characters; every character that is printed here is one wide.
fn widths<'a>(rows: impl Iterator<Item = &'a [String]>) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(row.len().max(widths.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

/// The sign of a verdict.
pub fn mark(state: VerdictState) -> char {
    match state {
        VerdictState::Held => '\u{2713}',
        VerdictState::Failed => '\u{2717}',
        VerdictState::Undecided => '?',
    }
}

/// The text as Markdown shows it.
pub fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let line = |state, name: &str, value: &str, remark: &str| JudgedLine {
            state,
            name: name.into(),
            measure: "success_ratio during rack-b".into(),
            value: value.into(),
            limit: ">= 98.5%".into(),
            remark: remark.into(),
        };
        let texts = |texts: &[&str]| texts.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        Summary {
            name: "rack-loss".into(),
            facts: "seed 7".into(),
            means: Vec::new(),
            expectations: vec![
                line(VerdictState::Held, "users", "98.97 %", "close"),
                line(VerdictState::Failed, "steady", "9 %", ""),
            ],
            tables: vec![
                Table {
                    heading: "REQUESTS".into(),
                    columns: texts(&["arrived", "failed"]),
                    rows: vec![
                        texts(&["whole run", "959,812", "124"]),
                        texts(&["during rack-b", "360,104", "1"]),
                    ],
                    note: String::new(),
                },
                Table {
                    heading: "FAULT rack-b".into(),
                    columns: Vec::new(),
                    rows: vec![texts(&["mitigation", "13.6 s"]), texts(&["ring", "27 %"])],
                    note: "a note".into(),
                },
            ],
            digest: "3f9a2c41d07be855".into(),
        }
    }

    fn printed(print: impl Fn(&Summary, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        print(&summary(), &mut out).expect("written");
        String::from_utf8(out.into_inner()).expect("UTF-8")
    }

    #[test]
    fn text_is_aligned() {
        assert_eq!(
            printed(text),
            "rack-loss \u{b7} seed 7\n\
             \n\
             \x20 EXPECT\n\
             \x20 \u{2713} users    success_ratio during rack-b   98.97 %   >= 98.5%   close\n\
             \x20 \u{2717} steady   success_ratio during rack-b   9 %       >= 98.5%\n\
             \n\
             \x20 REQUESTS        arrived   failed\n\
             \x20 whole run       959,812      124\n\
             \x20 during rack-b   360,104        1\n\
             \n\
             \x20 FAULT rack-b\n\
             \x20 mitigation   13.6 s\n\
             \x20 ring         27 %\n\
             \x20 a note\n"
        );
    }

    #[test]
    fn markdown_has_the_same_tables() {
        let text = printed(markdown);
        assert!(text.starts_with("# rack-loss\n\nseed 7\n\n"), "{text}");
        let row = "| \u{2713} | users | success_ratio during rack-b | 98.97 % | >= 98.5% | close |";
        assert!(text.contains(row), "{text}");
        assert!(
            text.contains("\n|---|---:|---:|\n| whole run | 959,812 | 124 |\n"),
            "{text}"
        );
        assert!(text.ends_with("\ndigest `3f9a2c41d07be855`\n"), "{text}");
    }
}
