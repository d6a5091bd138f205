//! A report as one HTML file: offline, light and dark, fit for printing, whole without its script.

use std::fmt::Write;

use super::html_data::data_table;
use super::script;
use crate::chart::picture::Picture;
use crate::chart::scene::TimePlot;
use crate::chart::theme::{Color, DARK};

/// Everything that a page says. All texts are plain: the page escapes them.
pub struct ReportPage {
    /// What the run is called.
    pub title: String,
    /// One line of facts: seed, length, size.
    pub facts: String,
    /// The question.
    pub question: Vec<Block>,
    /// The answer: one sentence per finding.
    pub findings: Vec<String>,
    /// What can be shown and hidden by name: the variants of a comparison.
    pub variants: Vec<String>,
    /// What the replay shows, as JSON; none where there is nothing to show.
    pub replay: Option<String>,
    /// The body.
    pub sections: Vec<Section>,
    /// The command that repeats the run.
    pub command: String,
    /// The last line: version and digest.
    pub footer: String,
}

/// A part of a page with a heading.
pub struct Section {
    /// The heading.
    pub title: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// One thing in a section.
pub enum Block {
    /// Prose.
    Paragraph(String),
    /// Prose in small grey letters.
    Note(String),
    /// Items, each a piece of prose.
    List(Vec<String>),
    /// Lines as they are, in letters of one width.
    Columns(String),
    /// A table.
    Table(Table),
    /// A chart, with its numbers folded away below it.
    Picture(Picture),
    /// A text as it is, folded away behind its name.
    Listing { name: String, text: String },
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it shows. May be empty.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Numbers stand on the right.
    pub is_number: bool,
}

/// A row of a table, as wide as the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The texts.
    pub cells: Vec<String>,
    /// Colours the first cell, whose text must say the same.
    pub mark: Mark,
}

/// What a row says about an expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It held.
    Good,
    /// It did not.
    Bad,
    /// It could not be decided, or nearly not.
    Doubt,
}

/// Size that a page does not pass: pictures and tables beyond are left out, and the page says so.
pub const SIZE_MAX: usize = 2_000_000;

impl Table {
    /// A table without rows. A title that starts with `#` is that of a column of numbers.
    pub fn new<'a>(caption: &str, titles: impl AsRef<[&'a str]>) -> Self {
        let column = |title: &str| Column {
            title: title.trim_start_matches('#').to_string(),
            is_number: title.starts_with('#'),
        };
        let columns = titles.as_ref().iter().map(|title| column(title)).collect();
        Table {
            caption: caption.to_string(),
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// If it is not as wide as the table.
    pub fn push(&mut self, mark: Mark, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.columns.len(),
            "a row must be as wide as its table"
        );
        self.rows.push(Row { cells, mark });
    }
}

/// The page as one file.
pub fn render(page: &ReportPage) -> String {
    let mut html = String::new();
    open_document(&mut html, page);
    for (index, section) in page.sections.iter().enumerate() {
        let _ = write!(
            html,
            "<section id=\"s{index}\">\n<h2>{}</h2>\n",
            escape(&section.title)
        );
        for block in &section.blocks {
            write_block(&mut html, block);
        }
        html.push_str("</section>\n");
    }
    write_replay(&mut html, page);
    let _ = write!(
        html,
        "<section id=\"repeat\">\n<h2>Repeat</h2>\n<pre tabindex=\"0\">{}</pre>\n</section>\n\
         </main>\n<footer>{}</footer>\n{}</body>\n</html>\n",
        escape(&page.command),
        escape(&page.footer),
        script::element()
    );
    html
}

/// Makes a text safe between tags and inside quoted attributes; control characters are replaced.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => safe.push('\u{FFFD}'),
            _ if c.is_control() => safe.push('\u{FFFD}'),
            _ => safe.push(c),
        }
    }
    safe
}

fn open_document(html: &mut String, page: &ReportPage) {
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; script-src {}\">\n\
         <title>{title}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"facts\">{}</p>\n",
        script::policy(),
        include_str!("style.css"),
        dark_pictures(),
        escape(&page.facts),
        title = escape(&page.title),
    );
    if !page.question.is_empty() {
        html.push_str("<div class=\"question\">\n");
        for block in &page.question {
            write_block(html, block);
        }
        html.push_str("</div>\n");
    }
    if !page.findings.is_empty() {
        html.push_str("<p class=\"answer\"><strong>Answer.</strong>");
        for finding in &page.findings {
            let _ = write!(html, " {}", escape(finding));
        }
        html.push_str("</p>\n");
    }
    html.push_str("<nav aria-label=\"Sections\">\n");
    for (index, section) in page.sections.iter().enumerate() {
        let _ = writeln!(html, "<a href=\"#s{index}\">{}</a>", escape(&section.title));
    }
    if page.replay.is_some() {
        html.push_str("<a class=\"scripted\" href=\"#replay-part\">Replay</a>\n");
    }
    html.push_str("<a href=\"#repeat\">Repeat</a>\n</nav>\n");
    if !page.variants.is_empty() {
        let names = serde_json::json!(page.variants).to_string();
        let _ = writeln!(
            html,
            "<fieldset id=\"variants\" class=\"scripted\" data-names=\"{}\">\n\
             <legend>Variants that are shown</legend>\n</fieldset>",
            escape(&names)
        );
    }
    html.push_str("</header>\n<main>\n");
}

/// Rules that give the pictures on a dark page the colours that stand in for theirs.
fn dark_pictures() -> String {
    let mut css = String::from("@media screen and (prefers-color-scheme: dark) {\n");
    for (light, dark) in DARK {
        let (light, dark) = (hex(light), hex(dark));
        let _ = writeln!(
            css,
            "svg [fill=\"{light}\"] {{ fill: {dark}; }} \
             svg [stroke=\"{light}\"] {{ stroke: {dark}; }}"
        );
    }
    css.push_str("}\n");
    css
}

fn hex(color: Color) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}

fn write_block(html: &mut String, block: &Block) {
    match block {
        Block::Paragraph(text) => {
            let _ = writeln!(html, "<p>{}</p>", escape(text));
        }
        Block::Note(text) => {
            let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(text));
        }
        Block::List(items) => {
            html.push_str("<ul>\n");
            for item in items {
                let _ = writeln!(html, "<li>{}</li>", escape(item));
            }
            html.push_str("</ul>\n");
        }
        Block::Columns(text) => {
            let _ = writeln!(html, "<pre tabindex=\"0\">{}</pre>", escape(text));
        }
        Block::Table(table) => write_table(html, table),
        Block::Picture(picture) => write_picture(html, picture),
        Block::Listing { name, text } => {
            let _ = write!(
                html,
                "<details>\n<summary>{}</summary>\n<pre tabindex=\"0\">{}</pre>\n</details>\n",
                escape(name),
                escape(text)
            );
        }
    }
}

pub(super) fn write_table(html: &mut String, table: &Table) {
    html.push_str("<div class=\"wide\" tabindex=\"0\"><table>\n");
    if !table.caption.is_empty() {
        let _ = writeln!(html, "<caption>{}</caption>", escape(&table.caption));
    }
    html.push_str("<thead><tr>");
    for column in &table.columns {
        let class = if column.is_number { " class=\"n\"" } else { "" };
        let _ = write!(
            html,
            "<th scope=\"col\"{class}>{}</th>",
            escape(&column.title)
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        let class = match row.mark {
            Mark::None => "",
            Mark::Good => " class=\"good\"",
            Mark::Bad => " class=\"bad\"",
            Mark::Doubt => " class=\"doubt\"",
        };
        let _ = write!(html, "<tr{class}>");
        for (cell, column) in row.cells.iter().zip(&table.columns) {
            let class = if column.is_number { " class=\"n\"" } else { "" };
            let _ = write!(html, "<td{class}>{}</td>", escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n");
}

/// Embeds a picture and the numbers behind it, as far as there is room.
fn write_picture(html: &mut String, picture: &Picture) {
    // In HTML the name space is implied; the page holds no address of any kind.
    let (svg, plots) = picture.svg_with_time();
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    let data = data_table(&picture.table());
    let place = escape(&picture.name);
    if SIZE_MAX < html.len() + svg.len() {
        let _ = writeln!(
            html,
            "<p class=\"note\">{}: see charts/{place}.svg; this page is full.</p>",
            escape(picture.title())
        );
        return;
    }
    let _ = write!(
        html,
        "<figure id=\"{place}\"{}>\n<div class=\"chart\">{svg}</div>\n",
        plots_attribute(&plots)
    );
    if html.len() + data.len() <= SIZE_MAX {
        let _ = write!(
            html,
            "<details>\n<summary>Numbers of {place}</summary>\n{data}</details>\n"
        );
    }
    html.push_str("</figure>\n");
}

/// Where time runs in a picture, for the script: left, top, right, bottom, start and end.
fn plots_attribute(plots: &[TimePlot]) -> String {
    if plots.is_empty() {
        return String::new();
    }
    let plots = plots.iter().map(|plot| {
        let (area, start, end) = (plot.area, plot.start_secs, plot.end_secs);
        let (left, top, right, bottom) = (area.left, area.top, area.right, area.bottom);
        format!("[{left:.0},{top:.0},{right:.0},{bottom:.0},{start},{end}]")
    });
    format!(" data-plots=\"[{}]\"", plots.collect::<Vec<_>>().join(","))
}

/// The place of the replay, which the script fills, and its data.
fn write_replay(html: &mut String, page: &ReportPage) {
    let Some(data) = &page.replay else {
        return;
    };
    if SIZE_MAX < html.len() + data.len() {
        return;
    }
    let _ = write!(
        html,
        "<section id=\"replay-part\" class=\"scripted\">\n<h2>Replay</h2>\n\
         <p class=\"note\">The fleet at a moment: callers on the left, instances with their \
         attempts in flight on the right, of which the dark part waits. Lines are a sample of the \
         attempts of the last moments, broken ones were lost.</p>\n\
         <div id=\"replay\" hidden></div>\n\
         <script type=\"application/json\" id=\"replay-data\">{data}</script>\n</section>\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Caption;
    use crate::chart::selection_share::{SelectedInstance, SelectionShare};

    const HOSTILE: &str = "</pre><script src='x'>\"&\u{0}";

    fn picture(row_count: usize) -> Picture {
        let caption = Caption {
            title: HOSTILE.into(),
            ..Caption::default()
        };
        let instance = SelectedInstance {
            label: HOSTILE.into(),
            ..SelectedInstance::default()
        };
        let instances = vec![instance; row_count];
        Picture::new(
            HOSTILE,
            SelectionShare {
                caption,
                instances,
                interval_name: String::new(),
            },
        )
    }

    fn page(pictures: Vec<Picture>) -> ReportPage {
        let mut table = Table::new(HOSTILE, [HOSTILE, "#value"]);
        table.push(Mark::Bad, vec![HOSTILE.into(), "1".into()]);
        let mut blocks = vec![
            Block::Paragraph(HOSTILE.into()),
            Block::Note(HOSTILE.into()),
            Block::Table(table),
            Block::Listing {
                name: HOSTILE.into(),
                text: HOSTILE.into(),
            },
        ];
        blocks.extend(pictures.into_iter().map(Block::Picture));
        ReportPage {
            title: HOSTILE.into(),
            facts: HOSTILE.into(),
            question: vec![
                Block::Paragraph(HOSTILE.into()),
                Block::List(vec![HOSTILE.into()]),
                Block::Columns(HOSTILE.into()),
            ],
            findings: vec![HOSTILE.into()],
            variants: vec![HOSTILE.into()],
            replay: None,
            sections: vec![Section {
                title: HOSTILE.into(),
                blocks,
            }],
            command: HOSTILE.into(),
            footer: HOSTILE.into(),
        }
    }

    #[test]
    fn hostile_texts_stay_text() {
        let html = render(&page(vec![picture(3)]));
        assert_eq!(html.matches("<script").count(), 1, "a text became a tag");
        assert!(!html.contains('\u{0}'));
        assert!(html.contains("&lt;/pre&gt;&lt;script src=&#39;x&#39;&gt;&quot;&amp;"));
    }

    #[test]
    fn a_page_names_no_address() {
        let html = render(&page(vec![picture(3)]));
        for address in [
            "http:", "https:", "//", "@import", "url(", "src=\"", "<link",
        ] {
            assert!(!html.contains(address), "the page holds `{address}`");
        }
    }

    #[test]
    fn every_tag_of_a_page_is_closed() {
        let html = render(&page(vec![picture(2)]));
        for tag in [
            "section", "table", "tr", "td", "th", "details", "figure", "svg", "p", "pre",
        ] {
            let opened = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            let closed = html.matches(&format!("</{tag}>")).count();
            assert_eq!(opened, closed, "<{tag}>");
        }
    }

    #[test]
    fn the_same_page_has_the_same_bytes() {
        assert_eq!(
            render(&page(vec![picture(3)])),
            render(&page(vec![picture(3)]))
        );
    }

    #[test]
    fn a_page_does_not_outgrow_its_limit() {
        let html = render(&page((0..600).map(|_| picture(24)).collect()));
        assert!(html.len() < SIZE_MAX + 100_000, "{} bytes", html.len());
        assert!(html.contains("this page is full"));
    }
}
