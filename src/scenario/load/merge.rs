//! `extends` and `--set`: how one tree changes another.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::schema::{self, Kind, TableSpec};
use super::shorthand::expand;
use super::source::{Origin, SET_NAME, Source, SourceId, SourceKind, Sources};
use super::suggest::{did_you_mean, one_of};
use super::tree::{self, Entry, Table, Tree, Value};
use super::warning::WarningCode;

/// Names in a path; trees deeper than any scenario would cost stack.
const PATH_PARTS_MAX: usize = 16;

/// What may stand at a place of the tree, as far as merging needs to know.
#[derive(Clone, Copy)]
enum Shape {
    /// A table of this kind.
    Table(&'static TableSpec),
    /// A table of tables of this kind, by name.
    Named(&'static TableSpec),
    /// Anything else: a value, or a table whose keys are not in the schema.
    Other,
}

/// Changes the scenario `base` by the keys of `over`: tables merge by key, arrays, distributions
/// and laws of loss replace.
pub fn merge(base: &mut Tree, over: Tree, diagnostics: &mut Diagnostics) {
    merge_shaped(base, over, Shape::Table(&schema::ROOT), diagnostics);
}

/// Changes a scenario by one `PATH=VALUE` argument.
pub fn apply_set(
    tree: &mut Tree,
    argument: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let folder = sources.get(SourceId(0)).folder.clone();
    let source = sources.add(Source {
        name: SET_NAME.to_string(),
        text: argument.to_string(),
        folder,
        kind: SourceKind::Argument,
    });
    let whole = Origin {
        source,
        start: 0,
        end: u32::try_from(argument.len()).unwrap_or(u32::MAX),
    };
    let Some((path, text)) = argument.split_once('=') else {
        diagnostics.error(
            Diagnostic::new("an override without a value")
                .at(whole, "expected PATH=VALUE, like `seed=7`"),
        );
        return;
    };
    let value_at = path.len() + 1;
    let value = tree::parse_value(source, value_at, sources).unwrap_or_else(|| Tree {
        value: Value::Str(text.trim().to_string()),
        origin: whole.part(value_at, text.len()),
    });
    set_path(tree, path, whole, value, diagnostics);
}

/// Sets the value at a dotted path; `path_origin` starts where the path is written.
pub fn set_path(
    tree: &mut Tree,
    path: &str,
    path_origin: Origin,
    value: Tree,
    diagnostics: &mut Diagnostics,
) {
    let mut place = tree;
    let mut shape = Shape::Table(&schema::ROOT);
    let mut offset = 0;
    let parts: Vec<&str> = path.split('.').take(PATH_PARTS_MAX + 1).collect();
    if PATH_PARTS_MAX < parts.len() {
        diagnostics.error(
            Diagnostic::new("a path that is too long")
                .at(path_origin, format!("at most {PATH_PARTS_MAX} names")),
        );
        return;
    }
    let (last, parents) = parts.split_last().expect("split gives at least one part");
    for part in parents {
        let part_origin = path_origin.part(offset, part.len());
        offset += part.len() + 1;
        let Some(table) = open(place, shape) else {
            diagnostics.error(not_a_table(part, part_origin));
            return;
        };
        if let (Shape::Named(spec), None) = (shape, table.entry(part.trim())) {
            diagnostics.error(no_such(spec, table, part, part_origin));
            return;
        }
        shape = shape.inner(part.trim(), table);
        place = enter(table, part.trim(), part_origin);
    }
    let key_origin = path_origin.part(offset, last.len());
    let Some(table) = open(place, shape) else {
        diagnostics.error(not_a_table(last, key_origin));
        return;
    };
    drop_old_variant(table, shape, last.trim(), &value, diagnostics);
    table.insert(Entry {
        key: last.trim().to_string(),
        key_origin,
        tree: value,
    });
}

fn not_a_table(part: &str, origin: Origin) -> Diagnostic {
    Diagnostic::new(format!("`{part}` cannot be set"))
        .at(origin, "what stands before it is no table")
}

fn no_such(spec: &TableSpec, table: &Table, part: &str, origin: Origin) -> Diagnostic {
    let names = || table.entries().iter().map(|entry| entry.key.as_str());
    Diagnostic::new(format!("no {} `{part}`", spec.what))
        .at(origin, "nothing of this name to change")
        .help(did_you_mean(part, names()).unwrap_or_else(|| one_of(names())))
}

/// The table at a place; a value that stands for a table becomes that table.
fn open(place: &mut Tree, shape: Shape) -> Option<&mut Table> {
    if let Shape::Table(spec) = shape {
        expand_in_place(place, spec);
    }
    match &mut place.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// Turns a value that stands for a table into that table.
fn expand_in_place(place: &mut Tree, spec: &'static TableSpec) {
    if place.as_table().is_none()
        && let Some(table) = expand(place, spec)
    {
        place.value = Value::Table(table);
    }
}

fn enter<'t>(table: &'t mut Table, key: &str, key_origin: Origin) -> &'t mut Tree {
    if table.entry(key).is_none() {
        table.insert(Entry {
            key: key.to_string(),
            key_origin,
            tree: Tree {
                value: Value::Table(Table::default()),
                origin: key_origin,
            },
        });
    }
    let entry = table.entry_mut(key).expect("it is there or was just added");
    &mut entry.tree
}

impl Shape {
    /// The shape of what stands under a key of `table`, which has this shape.
    fn inner(self, key: &str, table: &Table) -> Shape {
        let spec = match self {
            Shape::Named(spec) => return Shape::Table(spec),
            Shape::Other => return Shape::Other,
            Shape::Table(spec) => spec,
        };
        let tag = spec.tag.as_ref();
        let variant = tag
            .and_then(|tag| table.get(tag.key).and_then(Tree::as_str).or(tag.default))
            .and_then(|name| spec.variant(name));
        match spec.key(variant, key).map(|key| key.kind) {
            Some(Kind::Table(spec)) => Shape::Table(spec),
            Some(Kind::Named(spec)) => Shape::Named(spec),
            _ => Shape::Other,
        }
    }

    /// Whether a table of this shape is replaced as a whole.
    fn is_replaced(self) -> bool {
        let whole = [&schema::DISTRIBUTION, &schema::LOSS, &schema::SERVICE_TIME];
        matches!(self, Shape::Table(spec) if whole.iter().any(|w| std::ptr::eq(*w, spec)))
    }
}

fn merge_shaped(base: &mut Tree, mut over: Tree, shape: Shape, diagnostics: &mut Diagnostics) {
    if let Shape::Table(spec) = shape
        && !shape.is_replaced()
        && base.as_table().is_some() != over.as_table().is_some()
    {
        expand_in_place(base, spec);
        expand_in_place(&mut over, spec);
    }
    let (Value::Table(table), Value::Table(changes)) = (&mut base.value, &over.value) else {
        *base = over;
        return;
    };
    if shape.is_replaced() {
        *base = over;
        return;
    }
    if let Shape::Table(spec) = shape
        && let Some(tag) = &spec.tag
        && let Some(value) = changes.get(tag.key)
    {
        drop_old_variant(table, shape, tag.key, value, diagnostics);
    }
    for change in changes.entries() {
        let inner = shape.inner(&change.key, changes);
        match table.entry_mut(&change.key) {
            Some(entry) => merge_shaped(&mut entry.tree, change.tree.clone(), inner, diagnostics),
            None => table.insert(change.clone()),
        }
    }
}

/// Where the tag of a table changes, drops the keys that the new variant does not have, and says
/// so.
fn drop_old_variant(
    table: &mut Table,
    shape: Shape,
    key: &str,
    value: &Tree,
    diagnostics: &mut Diagnostics,
) {
    let Shape::Table(spec) = shape else { return };
    let Some(tag) = spec.tag.as_ref().filter(|tag| tag.key == key) else {
        return;
    };
    let (old, new) = (table.get(key).and_then(Tree::as_str), value.as_str());
    let Some(variant) = new.and_then(|new| spec.variant(new)) else {
        return;
    };
    if old == new {
        return;
    }
    let is_kept =
        |entry: &Entry| entry.key == tag.key || spec.key(Some(variant), &entry.key).is_some();
    let dropped: Vec<String> = table
        .entries()
        .iter()
        .filter(|entry| !is_kept(entry))
        .map(|entry| format!("`{}`", entry.key))
        .collect();
    if dropped.is_empty() {
        return;
    }
    let old = old.unwrap_or("").to_string();
    table.retain(is_kept);
    diagnostics.warn(
        WarningCode::DroppedKeys,
        Diagnostic::new(format!("{} of `{old}` dropped", dropped.join(", ")))
            .at(value.origin, format!("`{}` has no such keys", variant.name))
            .help("set the whole table to choose its keys"),
    );
}
