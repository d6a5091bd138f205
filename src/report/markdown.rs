//! A report as Markdown, for design documents: the same page with its charts as files.

use std::fmt::Write;

use super::html::{Block, Mark, ReportPage, Table};

/// The page as text. Pictures are named as they stand beside it.
pub fn render(page: &ReportPage) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# {}\n\n{}\n", plain(&page.title), plain(&page.facts));
    for (place, block) in page.question.iter().enumerate() {
        if 0 < place {
            text.push_str(">\n");
        }
        let mut said = String::new();
        write_block(&mut said, block);
        for line in said.trim_start().lines() {
            let _ = writeln!(text, "> {line}");
        }
    }
    if !page.findings.is_empty() {
        let findings: Vec<String> = page.findings.iter().map(|it| plain(it)).collect();
        let _ = writeln!(text, "\n**Answer.** {}", findings.join(" "));
    }
    for section in &page.sections {
        let _ = writeln!(text, "\n## {}", plain(&section.title));
        for block in &section.blocks {
            write_block(&mut text, block);
        }
    }
    let _ = writeln!(text, "\n## Repeat\n");
    write_code(&mut text, &page.command);
    let _ = writeln!(text, "\n{}", plain(&page.footer));
    text
}

fn write_block(text: &mut String, block: &Block) {
    match block {
        Block::Paragraph(words) => {
            let _ = writeln!(text, "\n{}", plain(words));
        }
        Block::Note(words) => {
            let _ = writeln!(text, "\n*{}*", plain(words));
        }
        Block::List(items) => {
            text.push('\n');
            for item in items {
                let _ = writeln!(text, "- {}", plain(item));
            }
        }
        Block::Columns(columns) => {
            text.push('\n');
            write_code(text, columns);
        }
        Block::Table(table) => write_table(text, table),
        Block::Picture(picture) => {
            let (title, name) = (plain(picture.title()), &picture.name);
            let _ = writeln!(text, "\n![{title}](charts/{name}.svg)");
        }
        Block::Listing { name, text: inner } => {
            let _ = writeln!(text, "\n{}:\n", plain(name));
            write_code(text, inner);
        }
    }
}

fn write_table(text: &mut String, table: &Table) {
    if !table.caption.is_empty() {
        let _ = writeln!(text, "\n**{}**", plain(&table.caption));
    }
    let titles: Vec<String> = table.columns.iter().map(|it| cell(&it.title)).collect();
    let _ = writeln!(text, "\n| {} |", titles.join(" | "));
    let rules = table.columns.iter().map(|column| match column.is_number {
        true => "---:",
        false => "---",
    });
    let _ = writeln!(text, "| {} |", rules.collect::<Vec<_>>().join(" | "));
    for row in &table.rows {
        let mut cells: Vec<String> = row.cells.iter().map(|it| cell(it)).collect();
        if let (false, Some(first)) = (row.mark == Mark::None, cells.first_mut()) {
            *first = format!("**{first}**");
        }
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// A text as it is. The fence is longer than any run of back quotes in it.
fn write_code(text: &mut String, code: &str) {
    let longest = code
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
        .max(2);
    let fence = "`".repeat(longest + 1);
    let _ = writeln!(text, "{fence}\n{}\n{fence}", code.trim_end());
}

fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|")
}

/// A text whose characters mean nothing to Markdown or HTML.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' => safe.extend(['\\', c]),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            _ if c.is_control() => safe.push(' '),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::Section;

    #[test]
    fn a_page_becomes_markdown_in_which_texts_stay_texts() {
        let mut table = Table::new("All | of it", ["", "#p99_ms"]);
        table.push(Mark::Good, vec!["a|b".into(), "1".into()]);
        let page = ReportPage {
            title: "rack_loss".into(),
            facts: "seed 7".into(),
            question: vec![
                Block::Paragraph("Why <b>?".into()),
                Block::List(vec!["*a*".into(), "b".into()]),
                Block::Columns("x   y\n1   2".into()),
            ],
            findings: vec!["Held.".into(), "p99 rose.".into()],
            variants: Vec::new(),
            replay: None,
            sections: vec![Section {
                title: "Requests".into(),
                blocks: vec![
                    Block::Table(table),
                    Block::Listing {
                        name: "Scenario".into(),
                        text: "a = \"```\"\n".into(),
                    },
                ],
            }],
            command: "stormglass run a.toml".into(),
            footer: "digest 1".into(),
        };
        let expected = [
            "# rack\\_loss\n\nseed 7\n\n> Why &lt;b>?\n>\n> - \\*a\\*\n> - b\n>",
            "> ```\n> x   y\n> 1   2\n> ```\n",
            "**Answer.** Held. p99 rose.\n\n## Requests\n\n**All | of it**\n",
            "|  | p99\\_ms |\n| --- | ---: |\n| **a\\|b** | 1 |\n\nScenario:\n",
            "````\na = \"```\"\n````\n\n## Repeat\n",
            "```\nstormglass run a.toml\n```\n\ndigest 1\n",
        ];
        assert_eq!(render(&page), expected.join("\n"));
    }

    #[test]
    fn a_question_alone_has_nothing_after_it() {
        let page = ReportPage {
            title: "t".into(),
            facts: "f".into(),
            question: vec![Block::Paragraph("Why?".into())],
            findings: Vec::new(),
            variants: Vec::new(),
            replay: None,
            sections: Vec::new(),
            command: "c".into(),
            footer: "d".into(),
        };
        let text = render(&page);
        assert!(
            text.starts_with("# t\n\nf\n\n> Why?\n\n## Repeat"),
            "{text}"
        );
    }
}
