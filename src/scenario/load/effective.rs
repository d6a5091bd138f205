//! The effective scenario: every value after `extends`, overrides and defaults, with its origin.

use std::collections::BTreeMap;
use std::path::Path;

use super::files;
use super::schema::{Default, Key, Kind, ROOT, TableSpec, Variant};
use super::source::{Origin, Sources};
use super::tree::{Table, Tree, toml_key, toml_string};

/// One value of the effective scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveValue {
    /// The table that it stands in, as its header names it: `client.shop.call.web`; empty for the
    /// top level.
    pub table: String,
    /// Its key in that table, with dots for inner tables: `balancer.policy`.
    pub key: String,
    /// The value in TOML; None where it is computed, see `source`.
    pub toml: Option<String>,
    /// Where it comes from.
    pub source: ValueSource,
    /// What it means.
    pub doc: &'static str,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// A file, or an override argument.
    Text(Origin),
    /// The default of the program.
    Default,
    /// Computed when the scenario is loaded, as these words say.
    Computed(&'static str),
}

/// All values of a tree in the order of the schema. `rename` says what a CSV input is called,
/// given its canonical path and its path as written.
pub fn values(
    tree: &Tree,
    sources: &Sources,
    rename: &dyn Fn(&Path, &str) -> String,
) -> Vec<EffectiveValue> {
    let mut walk = Walk {
        sources,
        rename,
        values: Vec::new(),
    };
    if let Some(table) = tree.as_table() {
        walk.table(table, &ROOT, "", "");
    }
    walk.values
}

/// The effective scenario as a text that loads to the same scenario.
pub fn to_toml(values: &[EffectiveValue], header: &[String]) -> String {
    let mut out = String::new();
    for line in header {
        out.push_str(format!("# {line}").trim_end());
        out.push('\n');
    }
    // Values of the top level must come before the first table header, and a header comes once,
    // although a table may have values after an inner one.
    let mut places: BTreeMap<&str, usize> = BTreeMap::from([("", 0)]);
    for value in values {
        let place = places.len();
        places.entry(&value.table).or_insert(place);
    }
    let mut ordered: Vec<&EffectiveValue> = values.iter().collect();
    ordered.sort_by_key(|value| places[value.table.as_str()]);
    let mut table = "";
    for value in ordered {
        if value.table != table {
            table = &value.table;
            out.push_str(&format!("\n[{table}]\n"));
        }
        match (&value.toml, &value.source) {
            (Some(toml), _) => out.push_str(&format!("{} = {toml}\n", value.key)),
            (None, ValueSource::Computed(words)) => {
                out.push_str(&format!("# {}: {words}\n", value.key));
            }
            (None, _) => {}
        }
    }
    out
}

struct Walk<'a> {
    sources: &'a Sources,
    rename: &'a dyn Fn(&Path, &str) -> String,
    values: Vec<EffectiveValue>,
}

impl Walk<'_> {
    /// The values of one table. `header` names the table that they are written in, `prefix` the
    /// inner table with a dot at its end.
    fn table(&mut self, table: &Table, spec: &'static TableSpec, header: &str, prefix: &str) {
        let mut variant: Option<&'static Variant> = None;
        if let Some(tag) = &spec.tag {
            let set = table.get(tag.key);
            let name = set.and_then(Tree::as_str).or(tag.default).unwrap_or("");
            variant = spec.variant(name);
            let source = match set {
                Some(tree) => ValueSource::Text(tree.origin),
                None => ValueSource::Default,
            };
            self.push(
                header,
                format!("{prefix}{}", tag.key),
                toml_string(name),
                source,
                tag.doc,
            );
        }
        for key in spec.keys_of(variant) {
            match table.get(key.name) {
                Some(tree) => self.set(tree, key, header, prefix),
                None if has_effect(table, spec, variant, key) => self.unset(key, header, prefix),
                None => {}
            }
        }
    }

    fn set(&mut self, tree: &Tree, key: &'static Key, header: &str, prefix: &str) {
        let path = format!("{prefix}{}", key.name);
        let source = ValueSource::Text(tree.origin);
        match (key.kind, tree.as_table()) {
            (Kind::Table(spec), Some(table)) if is_headed(spec) => {
                self.header(&join(header, &path));
                self.table(table, spec, &join(header, &path), "");
            }
            (Kind::Table(spec), Some(table)) => {
                self.table(table, spec, header, &format!("{path}."));
            }
            (Kind::Table(spec), None) if is_tag_shorthand(spec) => {
                if let Some(table) = super::shorthand::expand(tree, spec) {
                    self.table(&table, spec, header, &format!("{path}."));
                }
            }
            (Kind::Named(spec), Some(table)) => {
                for entry in table.entries() {
                    let header = join(&join(header, &path), &toml_key(&entry.key));
                    self.header(&header);
                    if let Some(table) = entry.tree.as_table() {
                        self.table(table, spec, &header, "");
                    }
                }
            }
            (Kind::Assertions | Kind::Variants, Some(table)) => {
                let header = join(header, &path);
                self.header(&header);
                for entry in table.entries() {
                    let source = ValueSource::Text(entry.tree.origin);
                    let toml = entry.tree.to_inline_toml();
                    self.push(&header, toml_key(&entry.key), toml, source, key.doc);
                }
            }
            (Kind::File, _) => {
                let written = tree.as_str().unwrap_or("");
                let name = match files::resolve(self.sources, tree) {
                    Ok(path) => (self.rename)(&path, written),
                    Err(_) => written.to_string(),
                };
                self.push(header, path, toml_string(&name), source, key.doc);
            }
            _ => self.push(header, path, tree.to_inline_toml(), source, key.doc),
        }
    }

    fn unset(&mut self, key: &'static Key, header: &str, prefix: &str) {
        let path = format!("{prefix}{}", key.name);
        match (key.default, key.kind) {
            (Default::Toml(toml), Kind::Table(spec)) if is_tag_shorthand(spec) => {
                let name = toml.trim_matches('"');
                let empty = Table::default();
                let tag = spec.tag.as_ref().expect("a shorthand of its tag");
                self.push(
                    header,
                    format!("{path}.{}", tag.key),
                    toml_string(name),
                    ValueSource::Default,
                    tag.doc,
                );
                for key in spec
                    .variant(name)
                    .map_or(&[] as &[Key], |variant| variant.keys)
                {
                    if has_effect(&empty, spec, spec.variant(name), key) {
                        self.unset(key, header, &format!("{path}."));
                    }
                }
            }
            (Default::Toml(toml), _) => {
                self.push(
                    header,
                    path,
                    toml.to_string(),
                    ValueSource::Default,
                    key.doc,
                );
            }
            (Default::Nested, Kind::Table(spec)) => {
                let empty = Table::default();
                match is_headed(spec) {
                    true => self.table(&empty, spec, &join(header, &path), ""),
                    false => self.table(&empty, spec, header, &format!("{path}.")),
                }
            }
            (Default::Computed(words), _) => self.values.push(EffectiveValue {
                table: header.to_string(),
                key: path,
                toml: None,
                source: ValueSource::Computed(words),
                doc: key.doc,
            }),
            (Default::Nested | Default::Required | Default::Absent | Default::Inherited(_), _) => {}
        }
    }

    /// A table that may turn out to hold nothing must still be written.
    fn header(&mut self, table: &str) {
        self.values.push(EffectiveValue {
            table: table.to_string(),
            key: String::new(),
            toml: None,
            source: ValueSource::Default,
            doc: "",
        });
    }

    fn push(
        &mut self,
        table: &str,
        key: String,
        toml: String,
        source: ValueSource,
        doc: &'static str,
    ) {
        self.values.push(EffectiveValue {
            table: table.to_string(),
            key,
            toml: Some(toml),
            source,
            doc,
        });
    }
}

fn join(header: &str, key: &str) -> String {
    match header.is_empty() {
        true => key.to_string(),
        false => format!("{header}.{key}"),
    }
}

/// Tables with a header of their own; all others are written with dotted keys.
fn is_headed(spec: &TableSpec) -> bool {
    matches!(
        spec.what,
        "network" | "registry" | "compare" | "sweep" | "sensitivity"
    )
}

fn is_tag_shorthand(spec: &TableSpec) -> bool {
    matches!(spec.shorthand, Some(super::schema::Shorthand::Tag))
}

/// Whether the condition of a key holds in a table.
fn has_effect(
    table: &Table,
    spec: &TableSpec,
    variant: Option<&'static Variant>,
    key: &Key,
) -> bool {
    let Some(condition) = key.only_if else {
        return true;
    };
    let set = table.get(condition.key);
    let Some(wanted) = condition.toml else {
        return set.is_some();
    };
    match (set, spec.key(variant, condition.key)) {
        (Some(tree), _) => tree.to_inline_toml() == wanted,
        (None, Some(other)) => matches!(other.default, Default::Toml(toml) if toml == wanted),
        (None, None) => false,
    }
}
