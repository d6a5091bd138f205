//! `[compare]`: every variant is built once, so that its mistakes show when the file is loaded.

use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::merge;
use super::schema::COMPARE;
use super::section::Section;
use super::source::Origin;
use super::suggest::{did_you_mean, one_of};
use super::tree::{Entry, Tree};
use crate::scenario::compare::{CompareConfig, Variant};

/// Most variants of a comparison.
const VARIANT_COUNT_MAX: usize = 64;

/// Reads `[compare]` of a tree, if there is one. `build` builds a changed tree and reports what is
/// wrong with it.
pub fn compare(
    ctx: &mut Context,
    tree: &Tree,
    build: &dyn Fn(&mut Context, &Tree),
) -> Option<CompareConfig> {
    let compare = tree.as_table()?.get("compare")?;
    let section = Section::open(ctx, compare, &COMPARE, "compare".to_string())?;
    let reference = section.text(ctx, "reference");
    let named = section.named(ctx, "variant");
    if VARIANT_COUNT_MAX < named.len() {
        ctx.error(Diagnostic::new(format!("{} variants", named.len())).at(
            section.origin_of("variant"),
            format!("at most {VARIANT_COUNT_MAX} are possible"),
        ));
        return None;
    }
    let mut variants = Vec::new();
    for variant in &named {
        let Some(table) = variant.tree.as_table() else {
            ctx.error(
                Diagnostic::new(format!(
                    "variant `{}` is {}",
                    variant.name,
                    variant.tree.kind_name()
                ))
                .at(variant.tree.origin, "expected a table of paths and values"),
            );
            continue;
        };
        try_variant(ctx, tree, variant.name, table.entries(), build);
        variants.push(Variant {
            name: variant.name.to_string(),
            sets: table
                .entries()
                .iter()
                .map(|entry| (entry.key.clone(), entry.tree.to_inline_toml()))
                .collect(),
        });
    }
    let reference = reference?;
    let names = || variants.iter().map(|variant| variant.name.as_str());
    if !names().any(|name| name == reference) {
        ctx.error(
            Diagnostic::new(format!("unknown variant `{reference}`"))
                .at(section.origin_of("reference"), "not in [compare.variant]")
                .help(did_you_mean(&reference, names()).unwrap_or_else(|| one_of(names()))),
        );
    }
    Some(CompareConfig {
        reference,
        variants,
    })
}

/// Builds one variant; its errors say its name, its warnings are those of the scenario.
fn try_variant(
    ctx: &mut Context,
    tree: &Tree,
    name: &str,
    sets: &[Entry],
    build: &dyn Fn(&mut Context, &Tree),
) {
    let mut changed = tree.clone();
    let mut found = Diagnostics::default();
    for set in sets {
        let path_origin = path_origin(ctx, set);
        merge::set_path(
            &mut changed,
            &set.key,
            path_origin,
            set.tree.clone(),
            &mut found,
        );
    }
    if found.error_count() == 0 {
        let mut inner = Context {
            sources: ctx.sources,
            diagnostics: &mut found,
            inputs: ctx.inputs,
            asked: ctx.asked,
        };
        build(&mut inner, &changed);
    }
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.is_error()) {
        let title = format!("variant `{name}`: {}", diagnostic.title);
        ctx.error(Diagnostic {
            title,
            ..diagnostic.clone()
        });
    }
}

/// Where the path starts that a key holds, without its quotes.
fn path_origin(ctx: &Context, set: &Entry) -> Origin {
    let written = ctx.sources.slice(set.key_origin);
    match written.find(&set.key) {
        Some(at) => set.key_origin.part(at, set.key.len()),
        None => set.key_origin,
    }
}
