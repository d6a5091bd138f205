//! Expectations: `METRIC[.STATISTIC][{scope}][.aggregation] OP VALUE [PHASE]`.

use super::super::assertion::{self, Problem};
use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::section::Section;
use super::super::source::Origin;
use super::super::tree::{Tree, Value};
use super::super::value;
use super::Names;
use crate::scenario::expect::Expectation;
use crate::scenario::measure::AskedMeasure;

/// Longest assertion in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// Reads `[expect]`, with the place of each assertion, and the measures that are asked for besides.
pub fn expectations_and_asked(
    ctx: &mut Context,
    root: &Section,
    names: &Names,
) -> (Vec<(Expectation, Origin)>, Vec<AskedMeasure>) {
    check_measures_of_studies(ctx, root, names);
    (expectations(ctx, root, names), asked(ctx, names))
}

/// Reports what is wrong with the measures that `[sweep]` and `[sensitivity]` name.
fn check_measures_of_studies(ctx: &mut Context, root: &Section, names: &Names) {
    let sweep = root.set_tree("sweep").and_then(Tree::as_table);
    let sensitivity = root.set_tree("sensitivity").and_then(Tree::as_table);
    let measure = sensitivity.and_then(|table| table.get("measure"));
    if let Some(text) = measure.and_then(Tree::as_str)
        && let Err(problem) = assertion::parse_measure(text, names)
    {
        ctx.error(located(ctx, measure.expect("it is a text"), text, problem));
    }
    for key in ["measures", "pareto", "objectives"] {
        let list = sweep.and_then(|table| table.get(key));
        let Some(Value::Array(items)) = list.map(|list| &list.value) else {
            continue;
        };
        for item in items {
            let parse = |text: &str| match key {
                "objectives" => assertion::parse(key, text, names).map(|_| ()),
                _ => assertion::parse_measure(text, names).map(|_| ()),
            };
            if let Some(text) = item.as_str()
                && let Err(problem) = parse(text)
            {
                ctx.error(located(ctx, item, text, problem));
            }
        }
    }
}

fn expectations(ctx: &mut Context, root: &Section, names: &Names) -> Vec<(Expectation, Origin)> {
    let mut list = Vec::new();
    for entry in root.named(ctx, "expect") {
        let Some(text) = value::text(ctx, entry.tree) else {
            continue;
        };
        if TEXT_BYTES_MAX < text.len() {
            ctx.error(
                Diagnostic::new("an expectation that is too long")
                    .at(entry.tree.origin, format!("at most {TEXT_BYTES_MAX} bytes")),
            );
            continue;
        }
        match assertion::parse(entry.name, &text, names) {
            Ok(expectation) => list.push((expectation, entry.tree.origin)),
            Err(problem) => ctx.error(located(ctx, entry.tree, &text, problem)),
        }
    }
    list
}

fn asked(ctx: &mut Context, names: &Names) -> Vec<AskedMeasure> {
    let mut list = Vec::new();
    for origin in ctx.asked {
        let text = ctx.sources.slice(*origin).to_string();
        if TEXT_BYTES_MAX < text.len() {
            let label = format!("at most {TEXT_BYTES_MAX} bytes");
            let first = origin.part(0, TEXT_BYTES_MAX);
            ctx.error(Diagnostic::new("a measure that is too long").at(first, label));
            continue;
        }
        match assertion::parse_measure(&text, names) {
            Ok(measure) => list.push(AskedMeasure { text, measure }),
            Err(problem) => ctx.error(
                Diagnostic::new(problem.title)
                    .at(
                        origin.part(problem.span.start, problem.span.len()),
                        problem.label,
                    )
                    .help_if(problem.help),
            ),
        }
    }
    list
}

/// Points the caret inside the string, where the string stands in the file as it is.
fn located(ctx: &Context, tree: &Tree, text: &str, problem: Problem) -> Diagnostic {
    let written = ctx.sources.slice(tree.origin);
    let origin = match written.find(text) {
        Some(at) => {
            let length = problem.span.len().max(1);
            tree.origin.part(at + problem.span.start, length)
        }
        None => tree.origin,
    };
    Diagnostic::new(problem.title)
        .at(origin, problem.label)
        .help_if(problem.help)
}
