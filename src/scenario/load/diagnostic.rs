//! What is wrong with a scenario, for people and for programs.

use std::iter;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::{Origin, Sources, floor_char_boundary};
use super::warning::WarningCode;

/// Errors beyond this many are counted and not kept.
const KEPT_COUNT_MAX: usize = 100;

/// One error or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code of a warning; None for an error.
    pub code: Option<WarningCode>,
    /// What is wrong.
    pub title: String,
    /// Where; None where no text is at fault.
    pub origin: Option<Origin>,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// All errors and warnings of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Titles of errors that would only follow from others.
    hushed: Vec<String>,
    error_count: usize,
    warning_count: usize,
}

/// A diagnostic with its place spelled out, for JSON.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlainDiagnostic {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// `W01` and so on; None for errors.
    pub code: Option<String>,
    /// The file, or `--set`.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    /// From 1, in characters.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn new(title: impl Into<String>) -> Self {
        Diagnostic {
            code: None,
            title: title.into(),
            origin: None,
            label: String::new(),
            help: None,
        }
    }

    /// Says where, and what stands under the caret.
    pub fn at(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.origin = Some(origin);
        self.label = label.into();
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, if there is something.
    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// What is wrong, why and what to do, without the place.
    pub fn on_one_line(&self) -> String {
        let parts = [Some(&self.title), Some(&self.label), self.help.as_ref()];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.code.is_none()
    }
}

impl Diagnostics {
    /// Takes note of an error; once, however often its value is read.
    pub fn error(&mut self, diagnostic: Diagnostic) {
        if self.list.contains(&diagnostic) || self.hushed.contains(&diagnostic.title) {
            return;
        }
        self.error_count += 1;
        if self.error_count <= KEPT_COUNT_MAX {
            self.list.push(diagnostic);
        }
    }

    /// Ignores errors of this title from now on: they would follow from one that is reported.
    pub fn hush(&mut self, title: String) {
        self.hushed.push(title);
    }

    /// Takes note of a warning; once, however often its value is read.
    pub fn warn(&mut self, code: WarningCode, mut diagnostic: Diagnostic) {
        diagnostic.code = Some(code);
        if self.list.contains(&diagnostic) {
            return;
        }
        self.warning_count += 1;
        if self.warning_count <= KEPT_COUNT_MAX {
            self.list.push(diagnostic);
        }
    }

    /// Takes over what `other` holds.
    pub fn append(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            match diagnostic.code {
                None => self.error(diagnostic),
                Some(code) => self.warn(code, diagnostic),
            }
        }
    }

    /// Whether further errors are only counted.
    pub fn is_full(&self) -> bool {
        KEPT_COUNT_MAX <= self.error_count
    }

    /// Errors, those that are not kept included.
    pub fn error_count(&self) -> usize {
        self.error_count
    }

    /// Warnings, those that are not kept included.
    pub fn warning_count(&self) -> usize {
        self.warning_count
    }

    /// What is kept, in order of place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Puts everything in order of file and place; what has no place comes last.
    pub fn sort(&mut self) {
        self.list
            .sort_by_key(|d| (d.origin.is_none(), d.origin.map(|o| (o.source, o.start))));
    }

    /// All of them as text, without the line that counts them. Colored where `is_colored`.
    pub fn render(&self, sources: &Sources, is_colored: bool) -> String {
        let renderer = match is_colored {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        let mut out = String::new();
        for diagnostic in &self.list {
            out.push_str(&render_one(diagnostic, sources, &renderer));
            out.push_str("\n\n");
        }
        out
    }

    /// `bad.toml: 2 errors, 1 warning`, with how many are not shown.
    pub fn summary(&self, name: &str) -> String {
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let mut parts = Vec::new();
        if 0 < self.error_count {
            parts.push(plural(self.error_count, "error"));
        }
        if 0 < self.warning_count {
            parts.push(plural(self.warning_count, "warning"));
        }
        if parts.is_empty() {
            return format!("{name}: ok");
        }
        let hidden = self.error_count + self.warning_count - self.list.len();
        let hidden = match hidden {
            0 => String::new(),
            hidden => format!(" ({hidden} not shown)"),
        };
        format!("{name}: {}{hidden}", parts.join(", "))
    }

    /// All of them for programs.
    pub fn to_plain(&self, sources: &Sources) -> Vec<PlainDiagnostic> {
        let plain = |d: &Diagnostic| {
            let place = d.origin.map(|origin| sources.line_column(origin));
            PlainDiagnostic {
                severity: severity(d),
                code: d.code.map(|code| code.name().to_string()),
                file: d.origin.map(|o| sources.get(o.source).name.clone()),
                line: place.map(|p| p.line),
                column: place.map(|p| p.column),
                message: d.title.clone(),
                label: d.label.clone(),
                help: d.help.clone(),
            }
        };
        self.list.iter().map(plain).collect()
    }
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.code {
        None => "error",
        Some(_) => "warning",
    }
}

fn render_one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.code {
        None => Level::ERROR,
        Some(_) => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.title));
    let title = match diagnostic.code {
        None => title,
        Some(code) => title.id(code.name()),
    };
    let help = diagnostic
        .help
        .as_ref()
        .map(|help| Group::with_title(Level::HELP.secondary_title(printable(help))));
    let place = diagnostic.origin.and_then(|origin| {
        let source = sources.get(origin.source);
        let (lines, span) = lines_around(&source.text, origin);
        // An empty text has nothing to show.
        (!source.text.trim().is_empty()).then_some((origin, source, lines, span))
    });
    let Some((origin, source, lines, span)) = place else {
        // One by one: between groups the renderer draws the margin of a text.
        let groups = iter::once(Group::with_title(title)).chain(help);
        let rendered: Vec<String> = groups.map(|group| renderer.render(&[group])).collect();
        return rendered.join("\n");
    };
    // What replaces an invisible character is as long as it, so the place stays right; control
    // characters are made visible by the renderer.
    let visible: String = lines
        .chars()
        .map(|c| match c.len_utf8() == 3 && is_invisible(c) {
            true => char::REPLACEMENT_CHARACTER,
            false => c,
        })
        .collect();
    let snippet = Snippet::source(visible)
        .path(printable(&source.name))
        .line_start(sources.line_column(origin).line)
        .annotation(
            AnnotationKind::Primary
                .span(span)
                .label(printable(&diagnostic.label)),
        );
    let groups: Vec<Group> = iter::once(title.element(snippet)).chain(help).collect();
    renderer.render(&groups)
}

/// The first line of a place, cut to what a screen holds, and the place within it.
fn lines_around(text: &str, origin: Origin) -> (&str, Range<usize>) {
    let start = floor_char_boundary(text, origin.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let end = floor_char_boundary(text, origin.end as usize).min(line_end);
    let column = (start - line_start).min(line.len());
    let span = column..(end.max(start) - line_start).min(line.len());
    (line, span)
}

/// The text without characters that could change what the reader's terminal shows.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_invisible(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// Control characters, zero-width characters and marks that change the direction of text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
