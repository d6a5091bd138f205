//! The texts that a scenario is made of, and places in them.

use std::path::PathBuf;

/// The name of a measure that was asked for on the command line.
pub const ASKED_NAME: &str = "--metric";

/// A place in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Which source.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The number of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// One text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it: a path as given, an option like `--set`, or `<stdin>`.
    pub name: String,
    /// The text, at most 1 MiB by default.
    pub text: String,
    /// The canonical folder that its relative paths start from; None where it may name no files.
    pub folder: Option<PathBuf>,
    /// Where it was written.
    pub kind: SourceKind,
}

/// Where a text was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// In the file with this canonical path.
    File(PathBuf),
    /// In no file: on standard input, in this program, or in a file of another kind.
    Text,
    /// On the command line, after the option that it is named like.
    Argument,
}

/// All texts of one scenario, the scenario file first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

/// Line and column of a place, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

impl Sources {
    /// Takes in one more text.
    pub fn add(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).expect("sources are few"));
        self.list.push(source);
        id
    }

    /// One text.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.list[id.0 as usize]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    /// Adds a measure that was asked for; gives its place.
    pub fn add_asked(&mut self, measure: &str) -> Origin {
        let source = self.add(Source {
            name: ASKED_NAME.to_string(),
            text: measure.to_string(),
            folder: None,
            kind: SourceKind::Argument,
        });
        Origin {
            source,
            start: 0,
            end: u32::try_from(measure.len()).unwrap_or(u32::MAX),
        }
    }

    /// What stands at a place.
    pub fn slice(&self, origin: Origin) -> &str {
        let text = &self.get(origin.source).text;
        text.get(origin.start as usize..origin.end as usize)
            .unwrap_or("")
    }

    /// Line and column of the first byte of a place.
    pub fn line_column(&self, origin: Origin) -> LineColumn {
        let text = &self.get(origin.source).text;
        let before = &text[..floor_char_boundary(text, origin.start as usize)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        LineColumn {
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The canonical paths of those that are files.
    pub fn file_paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.list.iter().filter_map(|source| match &source.kind {
            SourceKind::File(path) => Some(path),
            SourceKind::Text | SourceKind::Argument => None,
        })
    }

    /// Calls arguments by the options that they were written after: `option` says which, given
    /// what an argument is called so far and its text.
    pub fn rename_arguments(&mut self, option: impl Fn(&str, &str) -> Option<&'static str>) {
        for source in &mut self.list {
            if source.kind == SourceKind::Argument
                && let Some(name) = option(&source.name, &source.text)
            {
                source.name = name.to_string();
            }
        }
    }

    /// `file:line`, or the whole argument with its option.
    pub fn describe(&self, origin: Origin) -> String {
        let source = self.get(origin.source);
        if source.kind == SourceKind::Argument {
            return format!("{} {}", source.name, source.text);
        }
        format!("{}:{}", source.name, self.line_column(origin).line)
    }
}

/// What messages call an override argument.
pub const SET_NAME: &str = "--set";

/// The largest boundary of a character at or below `at`.
pub fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Origin {
    /// The place that starts `offset` bytes into this one and is `length` bytes long, cut at the
    /// end of this one.
    pub fn part(self, offset: usize, length: usize) -> Origin {
        let clamp = |at: usize| {
            u32::try_from(at)
                .unwrap_or(u32::MAX)
                .saturating_add(self.start)
                .min(self.end)
        };
        Origin {
            source: self.source,
            start: clamp(offset),
            end: clamp(offset.saturating_add(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let mut sources = Sources::default();
        let source = sources.add(Source {
            name: "a.toml".into(),
            text: "one\ntw\u{f6} x\n".into(),
            folder: None,
            kind: SourceKind::Text,
        });
        let at = |start| Origin {
            source,
            start,
            end: start + 1,
        };
        assert_eq!(
            sources.line_column(at(0)),
            LineColumn { line: 1, column: 1 }
        );
        // The letter o with two dots takes two bytes: x is byte 9 and the fifth character.
        assert_eq!(
            sources.line_column(at(9)),
            LineColumn { line: 2, column: 5 }
        );
        assert_eq!(sources.describe(at(9)), "a.toml:2");
    }
}
