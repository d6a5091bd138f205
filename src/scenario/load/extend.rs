//! `extends`: a scenario that changes another one.

use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::files;
use super::limits::Limits;
use super::merge;
use super::source::{Source, SourceId, SourceKind, Sources};
use super::tree::{self, Tree, Value};

/// Scenarios that may extend one another.
const DEPTH_MAX: usize = 8;

/// Parses a source and everything that it extends into one tree. `chain` holds the canonical paths
/// of the files that led here, the file of this source included.
pub fn parse_with_bases(
    id: SourceId,
    chain: &mut Vec<PathBuf>,
    limits: &Limits,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Tree {
    let mut tree = tree::parse_document(id, sources, diagnostics);
    let Some(extends) = take_extends(&mut tree) else {
        return tree;
    };
    match open_base(&extends, chain, limits, sources) {
        Err(diagnostic) => {
            diagnostics.error(diagnostic);
            tree
        }
        Ok(base) => {
            let mut base_tree = parse_with_bases(base, chain, limits, sources, diagnostics);
            chain.pop();
            merge::merge(&mut base_tree, tree, diagnostics);
            base_tree
        }
    }
}

/// Reports `extends` in a tree where it has no effect any more.
pub fn refuse_late(tree: &mut Tree, diagnostics: &mut Diagnostics) {
    if let Some(extends) = take_extends(tree) {
        diagnostics.error(
            Diagnostic::new("`extends` cannot be set from outside")
                .at(extends.origin, "only a file can extend another"),
        );
    }
}

fn take_extends(tree: &mut Tree) -> Option<Tree> {
    let Value::Table(table) = &mut tree.value else {
        return None;
    };
    let extends = table.get("extends")?.clone();
    table.retain(|entry| entry.key != "extends");
    Some(extends)
}

/// Reads the file that `extends` names and adds it to the chain.
fn open_base(
    extends: &Tree,
    chain: &mut Vec<PathBuf>,
    limits: &Limits,
    sources: &mut Sources,
) -> Result<SourceId, Diagnostic> {
    let path = files::resolve(sources, extends)?;
    let refuse = |title: String, label: &str| Err(Diagnostic::new(title).at(extends.origin, label));
    if chain.contains(&path) {
        return refuse(
            "scenarios extend one another in a circle".into(),
            "this closes it",
        );
    }
    if DEPTH_MAX <= chain.len() {
        return refuse(
            "scenarios extend one another too deeply".into(),
            &format!("at most {DEPTH_MAX} files"),
        );
    }
    let written = extends.as_str().unwrap_or("");
    match files::read_text(&path, limits.scenario_bytes_max) {
        Err(problem) => refuse(format!("cannot read `{written}`"), &problem),
        Ok(text) => {
            let beside = Path::new(&sources.get(extends.origin.source).name);
            let name = beside.with_file_name(written).display().to_string();
            let folder = path.parent().map(Path::to_path_buf);
            chain.push(path.clone());
            Ok(sources.add(Source {
                name,
                text,
                folder,
                kind: SourceKind::File(path),
            }))
        }
    }
}
