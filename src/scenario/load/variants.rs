//! `[compare]`: every variant is built once, so that its mistakes show when the file is loaded.

use std::ops::Range;

use super::between;
use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::merge;
use super::schema::COMPARE;
use super::section::Section;
use super::source::Origin;
use super::suggest::{did_you_mean, one_of};
use super::tree::{Entry, Tree};
use super::value;
use crate::scenario::compare::{CompareConfig, Margin, Variant, VariantExpectation};

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
    let names: Vec<&str> = named.iter().map(|variant| variant.name).collect();
    let measures = measures(ctx, &section, &names);
    let asked = [ctx.asked, &measures.places].concat();
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
        let mut changed = Changed {
            tree: tree.clone(),
            asked: &asked,
        };
        changed.try_variant(ctx, variant.name, table.entries(), build);
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
        primary: measures.primary,
        margins: measures.margins,
        expectations: measures.expectations,
    })
}

/// What `[compare]` says of measures.
#[derive(Default)]
struct Measures {
    primary: Option<String>,
    margins: Vec<Margin>,
    expectations: Vec<VariantExpectation>,
    /// Where the measures stand.
    places: Vec<Origin>,
}

fn measures(ctx: &mut Context, section: &Section, variants: &[&str]) -> Measures {
    let mut measures = Measures {
        primary: section.text(ctx, "primary"),
        ..Measures::default()
    };
    if let (Some(tree), Some(text)) = (section.set_tree("primary"), &measures.primary) {
        let all = 0..text.len();
        measures.places.extend(place(ctx, tree, text, all));
    }
    for entry in section.named(ctx, "margin") {
        let read = value::text(ctx, entry.tree).map(|text| (between::margin(&text), text));
        let found = read.and_then(|(read, text)| accept(ctx, entry.tree, &text, read));
        if let Some((margin, places)) = found {
            measures.margins.push(margin);
            measures.places.extend(places);
        }
    }
    for entry in section.named(ctx, "expect") {
        let read = value::text(ctx, entry.tree);
        let read = read.map(|text| (between::expectation(entry.name, &text, variants), text));
        let found = read.and_then(|(read, text)| accept(ctx, entry.tree, &text, read));
        if let Some((expectation, places)) = found {
            measures.expectations.push(expectation);
            measures.places.extend(places);
        }
    }
    measures
}

/// What was read and where its measures stand; problems are reported.
fn accept<T>(
    ctx: &mut Context,
    tree: &Tree,
    text: &str,
    read: between::Read<T>,
) -> Option<(T, Vec<Origin>)> {
    match read {
        Ok((found, spans)) => {
            let places = spans
                .into_iter()
                .filter_map(|span| place(ctx, tree, text, span));
            let places = places.collect();
            Some((found, places))
        }
        Err(problem) => {
            let origin = place(ctx, tree, text, problem.span).unwrap_or(tree.origin);
            ctx.error(
                Diagnostic::new(problem.title)
                    .at(origin, problem.label)
                    .help_if(problem.help),
            );
            None
        }
    }
}

/// Where a part of a text stands; None where it is not written as it is.
fn place(ctx: &Context, tree: &Tree, text: &str, span: Range<usize>) -> Option<Origin> {
    let at = ctx.sources.slice(tree.origin).find(text)?;
    Some(tree.origin.part(at + span.start, span.len().max(1)))
}

/// The tree of a scenario that a variant changes, and the measures that will be asked of it.
struct Changed<'a> {
    tree: Tree,
    asked: &'a [Origin],
}

impl Changed<'_> {
    /// Builds one variant; its errors say its name, its warnings are those of the scenario.
    fn try_variant(
        &mut self,
        ctx: &mut Context,
        name: &str,
        sets: &[Entry],
        build: &dyn Fn(&mut Context, &Tree),
    ) {
        let mut found = Diagnostics::default();
        for set in sets {
            let path_origin = path_origin(ctx, set);
            merge::set_path(
                &mut self.tree,
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
                asked: self.asked,
            };
            build(&mut inner, &self.tree);
        }
        for diagnostic in found.iter().filter(|diagnostic| diagnostic.is_error()) {
            let title = format!("variant `{name}`: {}", diagnostic.title);
            ctx.error(Diagnostic {
                title,
                ..diagnostic.clone()
            });
        }
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
