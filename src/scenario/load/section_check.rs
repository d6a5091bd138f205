//! The checks of a table against its specification: its variant, unknown keys, missing keys.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::schema::{Default, Key, Variant};
use super::section::Section;
use super::suggest::{did_you_mean, one_of};
use super::tree::Entry;
use super::value;
use super::warning::WarningCode;

impl Section<'_> {
    /// Finds the variant that the tag names; false if it cannot.
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
        }
        self.variant.is_some()
    }

    /// Reports unknown keys and missing ones.
    pub(super) fn check_keys(&self, ctx: &mut Context) {
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
