//! A table of a scenario, read against its specification.

use std::borrow::Cow;

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::schema::{Default, Key, Kind, NAMED_COUNT_MAX, TableSpec, Variant};
use super::shorthand::expand;
use super::source::Origin;
use super::suggest::{did_you_mean, one_of};
use super::tree::{Entry, Table, Tree, Value, parse_static};
use super::value;
use super::warning::WarningCode;
use crate::time::SimDuration;

/// An open table: unknown and missing keys are already reported.
pub struct Section<'t> {
    /// What messages call it: `fault `rack-b``.
    pub title: String,
    /// Where it stands.
    pub origin: Origin,
    /// The variant that its tag selects; None without a tag or with an unknown one.
    pub variant: Option<&'static Variant>,
    spec: &'static TableSpec,
    table: Cow<'t, Table>,
}

/// One of the tables in a table of named tables.
#[derive(Clone, Copy)]
pub struct Named<'t> {
    /// Its name, well formed.
    pub name: &'t str,
    /// Where the name stands.
    pub name_origin: Origin,
    /// What it holds.
    pub tree: &'t Tree,
}

impl<'t> Section<'t> {
    /// Opens a table, or a value that stands for one. None, and an error, if it is neither.
    pub fn open(
        ctx: &mut Context,
        tree: &'t Tree,
        spec: &'static TableSpec,
        title: String,
    ) -> Option<Self> {
        let table = normalize(ctx, tree, spec, &title)?;
        let mut section = Section {
            title,
            origin: tree.origin,
            variant: None,
            spec,
            table,
        };
        if spec.tag.is_some() && !section.select_variant(ctx) {
            return None;
        }
        section.check_keys(ctx);
        Some(section)
    }

    /// An empty table, where every key has its default.
    pub fn absent(spec: &'static TableSpec, title: String, origin: Origin) -> Section<'static> {
        let default = spec.tag.as_ref().and_then(|tag| tag.default);
        Section {
            title,
            origin,
            variant: default.and_then(|name| spec.variant(name)),
            spec,
            table: Cow::Owned(Table::default()),
        }
    }

    /// The name of the variant.
    pub fn variant_name(&self) -> &'static str {
        self.variant.map_or("", |variant| variant.name)
    }

    /// Whether a key is set.
    pub fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Whether this variant has such a key, set or not.
    pub fn has_key(&self, name: &str) -> bool {
        self.spec.key(self.variant, name).is_some()
    }

    /// Where the value of a key stands; the table itself where it is not set.
    pub fn origin_of(&self, name: &str) -> Origin {
        self.table.get(name).map_or(self.origin, |tree| tree.origin)
    }

    /// The value of a key as set, or its default if that is a value.
    pub fn tree(&self, name: &str) -> Option<Cow<'_, Tree>> {
        let key = self.key(name);
        if let Some(tree) = self.table.get(name) {
            return Some(Cow::Borrowed(tree));
        }
        match key.default {
            Default::Toml(text) => Some(Cow::Owned(default_tree(text, self.origin))),
            Default::Required | Default::Absent | Default::Computed(_) | Default::Nested => None,
        }
    }

    /// The value of a key as set.
    pub fn set_tree(&self, name: &str) -> Option<&Tree> {
        self.key(name);
        self.table.get(name)
    }

    /// A length of time.
    pub fn duration(&self, ctx: &mut Context, name: &str) -> Option<SimDuration> {
        let Kind::Duration { zero } = self.key(name).kind else {
            panic!("`{name}` is no duration");
        };
        let tree = self.tree(name)?;
        value::duration(ctx, &tree, zero)
    }

    /// A number of any kind that the key takes: rate, ratio, drift or plain number.
    pub fn number(&self, ctx: &mut Context, name: &str) -> Option<f64> {
        let tree = self.tree(name)?;
        match self.key(name).kind {
            Kind::Rate => value::rate(ctx, &tree),
            Kind::Ratio => value::ratio(ctx, &tree),
            Kind::Drift => value::drift(ctx, &tree),
            Kind::Number { min, above, max } => value::number(ctx, &tree, min, above, max),
            _ => panic!("`{name}` is no number"),
        }
    }

    /// A whole number.
    pub fn count(&self, ctx: &mut Context, name: &str) -> Option<u64> {
        let Kind::Count { min, max } = self.key(name).kind else {
            panic!("`{name}` is no count");
        };
        let tree = self.tree(name)?;
        value::count(ctx, &tree, min, max)
    }

    /// A whole number, or None for `"unlimited"`.
    pub fn limit(&self, ctx: &mut Context, name: &str) -> Option<u64> {
        let Kind::Limit { max } = self.key(name).kind else {
            panic!("`{name}` is no limit");
        };
        let tree = self.tree(name)?;
        match tree.as_str() {
            Some("unlimited") => None,
            _ => value::count(ctx, &tree, 0, max),
        }
    }

    /// A whole number that fits in 32 bits by its specification.
    pub fn count_u32(&self, ctx: &mut Context, name: &str) -> Option<u32> {
        self.count(ctx, name)
            .map(|count| u32::try_from(count).expect("the specification bounds it"))
    }

    /// A boolean.
    pub fn bool(&self, ctx: &mut Context, name: &str) -> Option<bool> {
        value::bool(ctx, &*self.tree(name)?)
    }

    /// A text, a word of a choice, a name or a path.
    pub fn text(&self, ctx: &mut Context, name: &str) -> Option<String> {
        let tree = self.tree(name)?;
        match self.key(name).kind {
            Kind::Choice(words) => value::choice(ctx, &tree, words).map(str::to_string),
            Kind::Name => value::name(ctx, &tree),
            _ => value::text(ctx, &tree),
        }
    }

    /// The texts of an array, each with its place.
    pub fn texts(&self, ctx: &mut Context, name: &str) -> Option<Vec<(String, Origin)>> {
        let Kind::List(item_kind) = self.key(name).kind else {
            panic!("`{name}` is no list");
        };
        let tree = self.tree(name)?;
        let items = value::array(ctx, &tree)?;
        let mut texts = Vec::new();
        for item in items {
            let text = match item_kind {
                Kind::Choice(words) => value::choice(ctx, item, words).map(str::to_string),
                _ => value::name(ctx, item),
            };
            texts.push((text?, item.origin));
        }
        Some(texts)
    }

    /// The tables in a table of named tables, in order of the file.
    pub fn named(&self, ctx: &mut Context, name: &str) -> Vec<Named<'_>> {
        match self.table.get(name) {
            None => Vec::new(),
            Some(tree) => named(ctx, tree, name),
        }
    }

    fn key(&self, name: &str) -> &'static Key {
        self.spec
            .key(self.variant, name)
            .unwrap_or_else(|| panic!("the specification of {} has no `{name}`", self.spec.what))
    }

    /// Finds the variant that the tag names; false if it cannot.
    fn select_variant(&mut self, ctx: &mut Context) -> bool {
        let tag = self.spec.tag.as_ref().expect("the caller looked");
        let name = match self.table.get(tag.key) {
            Some(tree) => match value::text(ctx, tree) {
                Some(name) => name,
                None => return false,
            },
            None => match tag.default {
                Some(name) => name.to_string(),
                None => {
                    let names = self.spec.variants.iter().map(|v| v.name);
                    ctx.error(
                        Diagnostic::new(format!("missing key `{}` in {}", tag.key, self.title))
                            .at(self.origin, "")
                            .help(one_of(names)),
                    );
                    return false;
                }
            },
        };
        self.variant = self.spec.variant(&name);
        if self.variant.is_none() {
            let names = || self.spec.variants.iter().map(|v| v.name);
            ctx.error(
                Diagnostic::new(format!("unknown {} `{name}` in {}", tag.key, self.title))
                    .at(
                        self.origin_of(tag.key),
                        format!("not a {} that is built", tag.key),
                    )
                    .help(did_you_mean(&name, names()).unwrap_or_else(|| one_of(names()))),
            );
        }
        self.variant.is_some()
    }

    /// Reports unknown keys and missing ones.
    fn check_keys(&self, ctx: &mut Context) {
        let tag = self.spec.tag.as_ref().map(|tag| tag.key);
        for entry in self.table.entries() {
            let is_known = self.spec.key(self.variant, &entry.key).is_some();
            if !is_known && tag != Some(entry.key.as_str()) {
                self.report_unknown(ctx, entry);
            }
        }
        for key in self.spec.keys_of(self.variant) {
            if self.has(key.name) && !self.has_effect(key) {
                self.warn_no_effect(ctx, key);
            }
            if matches!(key.default, Default::Required) && !self.has(key.name) {
                ctx.error(
                    Diagnostic::new(format!("missing key `{}` in {}", key.name, self.title))
                        .at(self.origin, "")
                        .help(format!("`{}`: {}", key.name, key.doc)),
                );
            }
        }
    }

    /// Whether the condition of a key holds.
    fn has_effect(&self, key: &Key) -> bool {
        key.only_if.is_none_or(|condition| {
            let value = self.tree(condition.key);
            value.is_some_and(|tree| tree.to_inline_toml() == condition.toml)
        })
    }

    fn warn_no_effect(&self, ctx: &mut Context, key: &Key) {
        let condition = key.only_if.expect("its condition does not hold");
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new(format!("`{}` has no effect", key.name)).at(
                self.origin_of(key.name),
                format!("only with `{} = {}`", condition.key, condition.toml),
            ),
        );
    }

    fn report_unknown(&self, ctx: &mut Context, entry: &Entry) {
        if ctx.diagnostics.is_full() {
            // Suggestions take time, and nobody would see them.
            ctx.error(Diagnostic::new("unknown key"));
            return;
        }
        let names = self.spec.keys_of(self.variant).map(|key| key.name);
        let help = did_you_mean(&entry.key, names)
            .or_else(|| self.other_variant_with(&entry.key))
            .unwrap_or_else(|| self.all_keys());
        ctx.error(
            Diagnostic::new(format!("unknown key `{}` in {}", entry.key, self.title))
                .at(
                    entry.key_origin,
                    format!("not a key of {}", this(self.spec.what)),
                )
                .help(help),
        );
    }

    fn other_variant_with(&self, key: &str) -> Option<String> {
        let tag = self.spec.tag.as_ref()?;
        let has_key = |v: &&Variant| v.keys.iter().any(|k| k.name == key);
        let variant = self.spec.variants.iter().find(has_key)?;
        Some(format!(
            "`{key}` belongs to `{} = \"{}\"`",
            tag.key, variant.name
        ))
    }

    fn all_keys(&self) -> String {
        let names: Vec<String> = self
            .spec
            .keys_of(self.variant)
            .map(|key| format!("`{}`", key.name))
            .collect();
        match names.is_empty() {
            true => format!("`{}` takes no keys", self.variant_name()),
            false => format!("the keys are {}", names.join(", ")),
        }
    }
}

/// `this fault`, but `the scenario`.
fn this(what: &str) -> String {
    match what.starts_with("the ") {
        true => what.to_string(),
        false => format!("this {what}"),
    }
}

/// The table that a value is or stands for.
fn normalize<'t>(
    ctx: &mut Context,
    tree: &'t Tree,
    spec: &'static TableSpec,
    title: &str,
) -> Option<Cow<'t, Table>> {
    if let Value::Table(table) = &tree.value {
        return Some(Cow::Borrowed(table));
    }
    let table = expand(tree, spec);
    if table.is_none() {
        ctx.error(
            Diagnostic::new(format!("{title} is {}", tree.kind_name()))
                .at(tree.origin, "expected a table"),
        );
    }
    table.map(Cow::Owned)
}

/// The tables in a table of named tables, in order of the file, names checked.
fn named<'t>(ctx: &mut Context, tree: &'t Tree, what: &str) -> Vec<Named<'t>> {
    let Some(table) = tree.as_table() else {
        ctx.error(
            Diagnostic::new(format!("`{what}` is {}", tree.kind_name()))
                .at(tree.origin, format!("write [{what}.NAME]")),
        );
        return Vec::new();
    };
    if NAMED_COUNT_MAX < table.entries().len() {
        let count = table.entries().len();
        ctx.error(
            Diagnostic::new(format!("{count} tables in `{what}`"))
                .at(
                    tree.origin,
                    format!("at most {NAMED_COUNT_MAX} are possible"),
                )
                .help("use `count` for many equal ones"),
        );
        return Vec::new();
    }
    let mut list = Vec::new();
    for entry in table.entries() {
        if value::check_name(ctx, &entry.key, entry.key_origin) {
            list.push(Named {
                name: &entry.key,
                name_origin: entry.key_origin,
                tree: &entry.tree,
            });
        }
    }
    list
}

/// A default as a tree. It has no text of its own, so it stands where its table stands.
fn default_tree(text: &'static str, origin: Origin) -> Tree {
    let mut tree = parse_static(text);
    tree.origin = origin;
    tree
}
