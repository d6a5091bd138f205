//! `[sensitivity]`: its inputs are read, and both ends of each are tried, so that mistakes show
//! when the file is loaded.

use super::axis;
use super::context::Context;
use super::diagnostic::Diagnostic;
use super::schema::{INPUT, SENSITIVITY};
use super::section::{Named, Section};
use super::sweep::try_point;
use super::tree::{Tree, parse_value_in};
use super::value;
use crate::scenario::sensitivity::{SensitivityConfig, UncertainInput};

/// Most inputs.
pub const INPUT_COUNT_MAX: usize = 100;
/// The ends of what an input may be unless it says otherwise, as shares of its value.
const STANDARD_ENDS: [f64; 2] = [0.8, 1.2];

/// Reads `[sensitivity]` of a tree, if there is one. `build` builds a changed tree and reports what
/// is wrong with it.
pub fn sensitivity(
    ctx: &mut Context,
    tree: &Tree,
    build: &dyn Fn(&mut Context, &Tree),
) -> Option<SensitivityConfig> {
    let table = tree.as_table()?.get("sensitivity")?;
    let section = Section::open(ctx, table, &SENSITIVITY, "sensitivity".to_string())?;
    let named = section.named(ctx, "input");
    if named.is_empty() || INPUT_COUNT_MAX < named.len() {
        ctx.error(Diagnostic::new(format!("{} inputs", named.len())).at(
            section.origin_of("input"),
            format!("1 to {INPUT_COUNT_MAX} are possible"),
        ));
        return None;
    }
    let mut inputs = Vec::new();
    for named in &named {
        let (input, origins) = read_input(ctx, tree, named)?;
        if ctx.error_count() == 0 {
            for (end, origin) in input.ends.iter().zip(origins) {
                let axis = axis::axis(&input.name, &input.path, vec![end.clone()]);
                let value = parse_value_in(end, origin);
                try_point(ctx, tree, &[(&axis, origin, &value)], build);
            }
        }
        inputs.push(input);
    }
    let repeat = section.count_u32(ctx, "repeat");
    Some(SensitivityConfig {
        measure: section.text(ctx, "measure")?,
        repeat: repeat?,
        inputs,
    })
}

fn read_input(
    ctx: &mut Context,
    tree: &Tree,
    named: &Named,
) -> Option<(UncertainInput, [super::source::Origin; 2])> {
    let title = format!("input `{}`", named.name);
    let section = Section::open(ctx, named.tree, &INPUT, title)?;
    let path = section.text(ctx, "path")?;
    let path_origin = section.origin_of("path");
    let base = match value_at(tree, &path) {
        Some(value) => value.to_inline_toml(),
        None => {
            ctx.error(
                Diagnostic::new(format!("`{path}` is not set"))
                    .at(path_origin, "what is uncertain must stand in the scenario")
                    .help("write its value into the scenario, with all tables on the way"),
            );
            return None;
        }
    };
    let (ends, origins) = match section.set_tree("uncertain") {
        Some(list) => {
            let items = value::array(ctx, list)?;
            let [low, high] = items else {
                ctx.error(
                    Diagnostic::new(format!("{} values in `uncertain`", items.len()))
                        .at(list.origin, "expected its two ends"),
                );
                return None;
            };
            let ends = [low.to_inline_toml(), high.to_inline_toml()];
            (ends, [low.origin, high.origin])
        }
        None => (standard_ends(ctx, &base, path_origin)?, [path_origin; 2]),
    };
    let input = UncertainInput {
        name: named.name.to_string(),
        path,
        base,
        ends,
    };
    Some((input, origins))
}

fn standard_ends(
    ctx: &mut Context,
    base: &str,
    origin: super::source::Origin,
) -> Option<[String; 2]> {
    let [low, high] = STANDARD_ENDS.map(|factor| axis::scaled(base, factor));
    low.zip(high).map(|(low, high)| [low, high]).or_else(|| {
        ctx.error(
            Diagnostic::new(format!("{base} is no quantity"))
                .at(origin, "20 % below and above it are nothing")
                .help("write `uncertain = [LOW, HIGH]`"),
        );
        None
    })
}

/// The value that stands at a path.
pub fn value_at<'t>(tree: &'t Tree, path: &str) -> Option<&'t Tree> {
    let mut parts = path.split('.');
    parts.try_fold(tree, |place, part| place.as_table()?.get(part.trim()))
}
