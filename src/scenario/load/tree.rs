//! A TOML text as a tree in which every key and value knows where it stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Origin, SourceId, Sources};
use super::syntax;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub enum Value {
    Table(Table),
    Array(Vec<Tree>),
    Str(String),
    Int(i128),
    Float(f64),
    Bool(bool),
    /// A date or time, which no key takes.
    Datetime(String),
}

/// A table in order of the file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    places: BTreeMap<String, usize>,
}

/// One key of a table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_origin: Origin,
    /// The value.
    pub tree: Tree,
}

impl Table {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entry(key).map(|entry| &entry.tree)
    }

    /// A key with its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.places.get(key).map(|place| &self.entries[*place])
    }

    /// A key with its value, to change.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let place = *self.places.get(key)?;
        Some(&mut self.entries[place])
    }

    /// All keys in order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All keys in order of the file, to change their values.
    pub fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Adds a key at the end, or replaces its value in place.
    pub fn insert(&mut self, entry: Entry) {
        match self.places.get(&entry.key) {
            Some(place) => self.entries[*place] = entry,
            None => {
                self.places.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// Keeps the keys that `keep` says.
    pub fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        let entries = std::mem::take(&mut self.entries);
        self.places.clear();
        for entry in entries.into_iter().filter(|entry| keep(entry)) {
            self.insert(entry);
        }
    }
}

impl Tree {
    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Table(_) => "a table",
            Value::Array(_) => "an array",
            Value::Str(_) => "a string",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a boolean",
            Value::Datetime(_) => "a date",
        }
    }

    /// The value on one line of TOML.
    pub fn to_inline_toml(&self) -> String {
        match &self.value {
            Value::Table(table) => {
                let pairs: Vec<String> = table
                    .entries()
                    .iter()
                    .map(|e| format!("{} = {}", toml_key(&e.key), e.tree.to_inline_toml()))
                    .collect();
                match pairs.is_empty() {
                    true => "{}".to_string(),
                    false => format!("{{ {} }}", pairs.join(", ")),
                }
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Tree::to_inline_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Str(text) => toml_string(text),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => format!("{number:?}"),
            Value::Bool(value) => value.to_string(),
            Value::Datetime(text) => text.clone(),
        }
    }
}

/// A key as TOML writes it: bare where possible.
pub fn toml_key(key: &str) -> String {
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_string(),
        false => toml_string(key),
    }
}

/// A basic string of TOML.
pub fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Longer texts are parsed up to their first syntax error only: a list of errors can take a hundred
/// times the memory of its text.
const RECOVERED_BYTES_MAX: usize = 128 << 10;

/// The tree of a whole source; syntax errors are reported, all of them.
pub fn parse_document(id: SourceId, sources: &Sources, diagnostics: &mut Diagnostics) -> Tree {
    let text = &sources.get(id).text;
    let (document, mut errors) = match DeTable::parse(text) {
        Ok(document) => (document, Vec::new()),
        Err(_) if text.len() <= RECOVERED_BYTES_MAX => DeTable::parse_recoverable(text),
        Err(error) => (Spanned::new(0..0, DeTable::default()), vec![error]),
    };
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let places = errors.iter();
    let places = places.map(|error| (error.span().unwrap_or(0..0), error.message()));
    for mistake in syntax::mistakes(text, places) {
        let place = origin(id, 0, mistake.span);
        diagnostics.error(Diagnostic::new(mistake.title).at(place, mistake.label));
    }
    let span = document.span();
    Tree {
        value: Value::Table(table(document.get_ref(), id, 0)),
        origin: origin(id, 0, span),
    }
}

/// The tree of the single value that starts at byte `offset` of a source, if it is valid TOML.
pub fn parse_value(id: SourceId, offset: usize, sources: &Sources) -> Option<Tree> {
    let text = sources.get(id).text.get(offset..)?;
    let value = DeValue::parse(text).ok()?;
    Some(tree(value.get_ref(), value.span(), id, offset))
}

/// The tree of a value that this program wrote, all of which stands at `origin`.
///
/// # Panics
///
/// If the text is not a TOML value.
pub fn parse_value_in(text: &str, origin: Origin) -> Tree {
    let value = DeValue::parse(text).expect("this program wrote it");
    let mut tree = tree(value.get_ref(), value.span(), origin.source, 0);
    tree.origin = origin;
    tree
}

/// The tree of a text that is part of the program.
///
/// # Panics
///
/// If the text is not a TOML value.
pub fn parse_static(text: &'static str) -> Tree {
    let value = DeValue::parse(text).expect("the text is part of the program");
    tree(value.get_ref(), value.span(), SourceId(0), 0)
}

fn origin(source: SourceId, offset: usize, span: Range<usize>) -> Origin {
    let clamp = |at: usize| u32::try_from(at + offset).unwrap_or(u32::MAX);
    Origin {
        source,
        start: clamp(span.start),
        end: clamp(span.end),
    }
}

fn table(parsed: &DeTable<'_>, id: SourceId, offset: usize) -> Table {
    let mut out = Table::default();
    for (key, value) in parsed.iter() {
        out.insert(Entry {
            key: key.get_ref().to_string(),
            key_origin: origin(id, offset, key.span()),
            tree: tree(value.get_ref(), value.span(), id, offset),
        });
    }
    out
}

/// All spans count from byte `offset` of the source.
fn tree(parsed: &DeValue<'_>, span: Range<usize>, id: SourceId, offset: usize) -> Tree {
    let value = match parsed {
        DeValue::String(text) => Value::Str(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            // Larger than anything that a key takes; the range check refuses it.
            Err(_) => Value::Float(f64::INFINITY),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(value) => Value::Datetime(value.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| tree(item.get_ref(), item.span(), id, offset))
                .collect(),
        ),
        DeValue::Table(parsed) => Value::Table(table(parsed, id, offset)),
    };
    Tree {
        value,
        origin: origin(id, offset, span),
    }
}
