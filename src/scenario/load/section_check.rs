//! The checks of a table against its specification: its variant, unknown keys, missing keys.
//!
//! Where the tag is misspelt, the table is checked and read as what it means, so that the mistakes
//! in its other keys show too.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::schema::{Default, Key, Kind, Variant};
use super::section::Section;
use super::suggest::{did_you_mean, misspelt, one_of};
use super::tree::{Entry, Tree};
use super::value;
use super::warning::WarningCode;

impl Section<'_> {
    /// Finds the variant that the tag names or misspells; false if it cannot.
    pub(super) fn select_variant(&mut self, ctx: &mut Context) -> bool {
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
            let meant = misspelt(&name, names());
            self.variant = meant.and_then(|name| self.spec.variant(name));
        }
        self.variant.is_some()
    }

    /// Reports what no variant would take: keys that none has, and wrong values of those that all
    /// have.
    pub(super) fn check_without_variant(&self, ctx: &mut Context) {
        let tag = self
            .spec
            .tag
            .as_ref()
            .expect("without one there are no variants");
        let variants = self.spec.variants.iter();
        let all_keys = variants.flat_map(|variant| self.spec.keys_of(Some(variant)));
        let all_names: Vec<&str> = all_keys.map(|key| key.name).collect();
        for entry in self.table.entries() {
            if entry.key != tag.key && !all_names.contains(&entry.key.as_str()) {
                // The tag itself may be the misspelt key.
                let names = all_names.iter().copied().chain([tag.key]);
                let near = || {
                    self.tag_meant(entry)
                        .or_else(|| did_you_mean(&entry.key, names))
                };
                self.report_unknown(ctx, entry, near);
            }
            if let Some(key) = self.spec.key(None, &entry.key) {
                check_value(ctx, &entry.tree, &key.kind);
            }
        }
    }

    /// Reports unknown keys and missing ones.
    pub(super) fn check_keys(&self, ctx: &mut Context) {
        let tag = self.spec.tag.as_ref().map(|tag| tag.key);
        for entry in self.table.entries() {
            let is_known = self.spec.key(self.variant, &entry.key).is_some();
            if !is_known && tag != Some(entry.key.as_str()) {
                let names = self.spec.keys_of(self.variant).map(|key| key.name);
                self.report_unknown(ctx, entry, || {
                    self.tag_meant(entry)
                        .or_else(|| did_you_mean(&entry.key, names))
                        .or_else(|| self.other_variant_with(&entry.key))
                        .or_else(|| Some(self.all_keys()))
                });
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
            value.is_some_and(|tree| match condition.toml {
                Some(toml) => tree.to_inline_toml() == toml,
                None => self.has(condition.key),
            })
        })
    }

    fn warn_no_effect(&self, ctx: &mut Context, key: &Key) {
        let condition = key.only_if.expect("its condition does not hold");
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new(format!("`{}` has no effect", key.name)).at(
                self.origin_of(key.name),
                format!("only with `{}`", condition.text()),
            ),
        );
    }

    fn report_unknown(
        &self,
        ctx: &mut Context,
        entry: &Entry,
        help: impl FnOnce() -> Option<String>,
    ) {
        if ctx.diagnostics.is_full() {
            // Suggestions take time, and nobody would see them.
            ctx.error(Diagnostic::new("unknown key"));
            return;
        }
        ctx.error(
            Diagnostic::new(format!("unknown key `{}` in {}", entry.key, self.title))
                .at(
                    entry.key_origin,
                    format!("not a key of {}", this(self.spec.what)),
                )
                .help_if(help()),
        );
    }

    /// What to write where a key that is none names a variant.
    fn tag_meant(&self, entry: &Entry) -> Option<String> {
        let (tag, name) = (self.spec.tag.as_ref()?, entry.tree.as_str()?);
        self.spec.variant(name)?;
        let what = self.spec.what;
        let key = tag.key;
        Some(format!(
            "`{key}` says which {what} it is: write `{key} = \"{name}\"`"
        ))
    }

    /// Whether the tag misspells the variant as which the table is read.
    pub fn is_misspelt(&self) -> bool {
        let tag = self.spec.tag.as_ref();
        let written = tag
            .and_then(|tag| self.table.get(tag.key))
            .and_then(Tree::as_str);
        written.is_some_and(|written| written != self.variant_name())
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

/// Reports what is wrong with a value by itself.
fn check_value(ctx: &mut Context, tree: &Tree, kind: &'static Kind) {
    match *kind {
        Kind::Duration { zero } => drop(value::duration(ctx, tree, zero)),
        Kind::Rate { zero } => drop(value::rate(ctx, tree, zero)),
        Kind::Size => drop(value::size(ctx, tree)),
        Kind::Bandwidth => drop(value::bandwidth(ctx, tree)),
        Kind::Ratio => drop(value::ratio(ctx, tree)),
        Kind::Multiple { min, max } => drop(value::multiple(ctx, tree, min, max)),
        Kind::Drift => drop(value::drift(ctx, tree)),
        Kind::Count { min, max } => drop(value::count(ctx, tree, min, max)),
        Kind::Limit { .. } if tree.as_str() == Some("unlimited") => {}
        Kind::Limit { max } => drop(value::count(ctx, tree, 0, max)),
        Kind::Amount { max } => drop(value::amount(ctx, tree, max)),
        Kind::Number { min, above, max } => drop(value::number(ctx, tree, min, above, max)),
        Kind::Text | Kind::File | Kind::Selector => drop(value::text(ctx, tree)),
        Kind::Name => drop(value::name(ctx, tree)),
        Kind::Choice(words) => drop(value::choice(ctx, tree, words)),
        Kind::Bool => drop(value::bool(ctx, tree)),
        Kind::Phase => drop(value::phase(ctx, tree)),
        Kind::Warmup => drop(value::warmup(ctx, tree)),
        Kind::List(item_kind) => {
            for item in value::array(ctx, tree).unwrap_or_default() {
                check_value(ctx, item, item_kind);
            }
        }
        Kind::Table(spec) => drop(Section::open(ctx, tree, spec, spec.what.to_string())),
        Kind::Named(_) | Kind::Assertions | Kind::Variants | Kind::Values => {}
    }
}

/// `this fault`, but `the scenario`.
fn this(what: &str) -> String {
    match what.starts_with("the ") {
        true => what.to_string(),
        false => format!("this {what}"),
    }
}
