//! Values that stand for tables: `balancer = "random"` is `{ policy = "random" }`.

use super::schema::{Shorthand, TableSpec};
use super::tree::{Entry, Table, Tree, Value};

/// The table that a value other than a table stands for, if it stands for one.
pub fn expand(tree: &Tree, spec: &TableSpec) -> Option<Table> {
    let entry = |key: &str, value: Value| Entry {
        key: key.to_string(),
        key_origin: tree.origin,
        tree: Tree {
            value,
            origin: tree.origin,
        },
    };
    let tag = spec.tag.as_ref().map(|tag| tag.key);
    let mut table = Table::default();
    match (spec.shorthand?, tag) {
        (Shorthand::Tag, tag) => {
            let tag = tag.expect("only a tagged table is short for its tag");
            table.insert(entry(tag, tree.value.clone()));
        }
        (Shorthand::Key { variant, key }, tag) => {
            if let Some(tag) = tag {
                table.insert(entry(tag, Value::Str(variant.to_string())));
            }
            table.insert(entry(key, tree.value.clone()));
        }
    }
    Some(table)
}
