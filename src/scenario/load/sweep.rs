//! `[sweep]`: its axes are read, and every value of every axis is tried once, so that mistakes show
//! when the file is loaded.

use super::STUDY_KEYS;
use super::axis;
use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::merge;
use super::schema::{AXIS, SWEEP};
use super::section::{Named, Section};
use super::source::Origin;
use super::tree::{Tree, Value, parse_value_in};
use super::value;
use crate::scenario::sweep::constraint::Constraint;
use crate::scenario::sweep::{AXIS_COUNT_MAX, Axis, SweepConfig, VALUE_COUNT_MAX};

/// Points that are tried when a scenario is loaded; all are when it is swept.
const TRIED_COUNT_MAX: usize = 64;

/// Points times constraints up to which a point that fulfills all is looked for; a sweep looks at
/// all.
const SEARCHED_COUNT_MAX: usize = 1 << 20;

/// What is measured unless the sweep says otherwise.
pub const MEASURES: [&str; 3] = ["success_ratio", "latency.p50", "latency.p99"];

/// Reads `[sweep]` of a tree, if there is one. `build` builds a changed tree and reports what is
/// wrong with it.
pub fn sweep(
    ctx: &mut Context,
    tree: &Tree,
    build: &dyn Fn(&mut Context, &Tree),
) -> Option<SweepConfig> {
    let sweep = tree.as_table()?.get("sweep")?;
    let section = Section::open(ctx, sweep, &SWEEP, "sweep".to_string())?;
    let (mut axes, mut places) = (Vec::new(), Vec::new());
    let named = section.named(ctx, "axis");
    section.set_tree("axis")?.as_table()?;
    if AXIS_COUNT_MAX < named.len() || named.is_empty() {
        ctx.error(Diagnostic::new(format!("{} axes", named.len())).at(
            section.origin_of("axis"),
            format!("1 to {AXIS_COUNT_MAX} are possible"),
        ));
        return None;
    }
    for named in &named {
        let (axis, place) = read_axis(ctx, named)?;
        axes.push(axis);
        places.push(place);
    }
    refuse_twice(ctx, &axes, &section);
    let constraints = constraints(ctx, &section, &axes);
    let pareto = pareto(ctx, &section);
    let objectives = section.texts_of(ctx, "objectives").unwrap_or_default();
    let measures = match (section.texts_of(ctx, "measures"), &pareto) {
        (Some(list), _) => list,
        (None, Some(pair)) => pair.to_vec(),
        (None, None) => MEASURES.map(str::to_string).to_vec(),
    };
    let repeat = section.count_u32(ctx, "repeat");
    if ctx.error_count() == 0 && !any_point_holds(&axes, &constraints) {
        ctx.error(
            Diagnostic::new("no point fulfills every constraint")
                .at(section.origin_of("where"), "they leave nothing to run"),
        );
    }
    if ctx.error_count() == 0 {
        try_points(ctx, tree, (&axes, &places), &constraints, build);
    }
    Some(SweepConfig {
        axes,
        repeat: repeat?,
        measures,
        constraints,
        pareto,
        objectives,
    })
}

/// Where the parts of an axis stand.
struct AxisPlaces {
    path: Origin,
    values: Vec<Tree>,
}

/// An axis, and where it stands.
fn read_axis(ctx: &mut Context, named: &Named) -> Option<(Axis, AxisPlaces)> {
    let title = format!("axis `{}`", named.name);
    let section = Section::open(ctx, named.tree, &AXIS, title)?;
    let path = section.text(ctx, "path")?;
    let values = section.set_tree("values");
    let trees = match (values, section.set_tree("range")) {
        (Some(values), None) => value::array(ctx, values)?.to_vec(),
        (None, Some(range)) => of_range(ctx, range)?,
        (both, _) => {
            let what = if both.is_some() { "both" } else { "neither" };
            ctx.error(
                Diagnostic::new(format!("{}: {what} of `values` and `range`", section.title))
                    .at(section.origin, "expected one of them"),
            );
            return None;
        }
    };
    if trees.is_empty() || VALUE_COUNT_MAX < trees.len() {
        ctx.error(Diagnostic::new(format!("{} values", trees.len())).at(
            section.origin_of("values"),
            format!("1 to {VALUE_COUNT_MAX} are possible"),
        ));
        return None;
    }
    let tomls = trees.iter().map(Tree::to_inline_toml).collect();
    let written = section.origin_of("path");
    let places = AxisPlaces {
        path: match ctx.sources.slice(written).find(&path) {
            Some(at) => written.part(at, path.len()),
            None => written,
        },
        values: trees,
    };
    Some((axis::axis(named.name, &path, tomls), places))
}

fn of_range(ctx: &mut Context, range: &Tree) -> Option<Vec<Tree>> {
    let text = value::text(ctx, range)?;
    match axis::range_values(&text) {
        Ok(values) => {
            let trees = values.iter().map(|toml| parse_value_in(toml, range.origin));
            Some(trees.collect())
        }
        Err(problem) => {
            ctx.error(Diagnostic::new(problem).at(range.origin, "not a range"));
            None
        }
    }
}

fn refuse_twice(ctx: &mut Context, axes: &[Axis], section: &Section) {
    for (place, axis) in axes.iter().enumerate() {
        if axes[..place].iter().any(|before| before.path == axis.path) {
            ctx.error(
                Diagnostic::new(format!("two axes on `{}`", axis.path))
                    .at(section.origin_of("axis"), "one would undo the other"),
            );
        }
        if axis.path.trim() == "seed" {
            ctx.error(
                Diagnostic::new("an axis on `seed`")
                    .at(
                        section.origin_of("axis"),
                        "points are run on the same seeds",
                    )
                    .help("`repeat` runs each point with several seeds"),
            );
        }
    }
}

fn constraints(ctx: &mut Context, section: &Section, axes: &[Axis]) -> Vec<Constraint> {
    let texts = section.texts_of(ctx, "where").unwrap_or_default();
    let mut list = Vec::new();
    for text in texts {
        match axis::constraint(&text, axes) {
            Ok(constraint) => list.push(constraint),
            Err(problem) => ctx.error(
                Diagnostic::new(format!("`{text}`: {problem}"))
                    .at(section.origin_of("where"), "not a constraint"),
            ),
        }
    }
    list
}

/// Whether some point, among the first ones, fulfills all constraints.
fn any_point_holds(axes: &[Axis], constraints: &[Constraint]) -> bool {
    let counts = axes.iter().map(|axis| axis.values.len());
    let spanned = counts.fold(1, usize::saturating_mul);
    let holds = |code: usize| {
        let mut rest = code;
        let mut value = |axis: &'_ Axis| -> usize {
            let place = rest % axis.values.len();
            rest /= axis.values.len();
            place
        };
        let point: Vec<_> = axes.iter().map(|axis| &axis.values[value(axis)]).collect();
        constraints
            .iter()
            .all(|constraint| constraint.holds(&point))
    };
    let effort = spanned.saturating_mul(constraints.len().max(1));
    SEARCHED_COUNT_MAX < effort || (0..spanned).any(holds)
}

fn pareto(ctx: &mut Context, section: &Section) -> Option<[String; 2]> {
    let list = section.texts_of(ctx, "pareto")?;
    let count = list.len();
    <[String; 2]>::try_from(list).ok().or_else(|| {
        ctx.error(
            Diagnostic::new(format!("`pareto` compares two measures, not {count}"))
                .at(section.origin_of("pareto"), "expected two")
                .help("write something like `pareto = [\"latency.p99\", \"amplification\"]`"),
        );
        None
    })
}

/// Builds the first point that has a value, for every value.
fn try_points(
    ctx: &mut Context,
    tree: &Tree,
    (axes, places): (&[Axis], &[AxisPlaces]),
    constraints: &[Constraint],
    build: &dyn Fn(&mut Context, &Tree),
) {
    let mut tried_count = 0;
    for axis in 0..axes.len() {
        // The point of all first values is tried once only.
        for place in usize::from(0 < axis)..axes[axis].values.len() {
            let at = |other: usize| if other == axis { place } else { 0 };
            let point: Vec<_> = (0..axes.len()).map(|o| &axes[o].values[at(o)]).collect();
            let is_run = constraints
                .iter()
                .all(|constraint| constraint.holds(&point));
            if TRIED_COUNT_MAX <= tried_count || ctx.error_count() != 0 {
                return;
            }
            if is_run {
                tried_count += 1;
                let sets =
                    (0..axes.len()).map(|o| (&axes[o], places[o].path, &places[o].values[at(o)]));
                try_point(ctx, tree, &sets.collect::<Vec<_>>(), build);
            }
        }
    }
}

/// Builds one point, given by axes, the places of their paths, and values; its errors say its
/// values, its warnings are those of the scenario.
pub fn try_point(
    ctx: &mut Context,
    tree: &Tree,
    sets: &[(&Axis, Origin, &Tree)],
    build: &dyn Fn(&mut Context, &Tree),
) {
    let mut changed = tree.clone();
    let mut found = Diagnostics::default();
    for (axis, path, value) in sets {
        merge::set_path(
            &mut changed,
            &axis.path,
            *path,
            (*value).clone(),
            &mut found,
        );
    }
    if let Value::Table(table) = &mut changed.value {
        table.retain(|entry| !STUDY_KEYS.contains(&entry.key.as_str()) && entry.key != "expect");
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
    let values: Vec<String> = sets
        .iter()
        .map(|(axis, _, value)| format!("{} = {}", axis.name, value.to_inline_toml()))
        .collect();
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.is_error()) {
        let title = format!("point {}: {}", values.join(", "), diagnostic.title);
        ctx.error(Diagnostic {
            title,
            ..diagnostic.clone()
        });
    }
}
