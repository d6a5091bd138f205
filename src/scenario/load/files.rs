//! Which files a scenario may name, and reading its text.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::source::{SourceId, Sources};
use super::tree::Tree;

/// The regular file that the text of `tree` names: relative to the folder of its source, and at or
/// below the folder of the scenario after symbolic links are followed.
pub fn resolve(sources: &Sources, tree: &Tree) -> Result<PathBuf, Diagnostic> {
    let refuse = |title: String, label: &str| Err(Diagnostic::new(title).at(tree.origin, label));
    let Some(written) = tree.as_str() else {
        return refuse(
            format!("wrong type: {}", tree.kind_name()),
            "expected the path of a file",
        );
    };
    let root = &sources.get(SourceId(0)).folder;
    let folder = &sources.get(tree.origin.source).folder;
    let (Some(root), Some(folder)) = (root, folder) else {
        return refuse(
            format!("file `{written}` cannot be named here"),
            "a scenario that is not a file names no files",
        );
    };
    let is_plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(written).components().all(is_plain) {
        return refuse(
            format!("path `{written}` leaves the folder of the scenario"),
            "expected a relative path without `..`",
        );
    }
    let path = match folder.join(written).canonicalize() {
        Ok(path) => path,
        Err(error) => return refuse(format!("cannot open `{written}`"), &error.to_string()),
    };
    if !path.starts_with(root) {
        return refuse(
            format!("path `{written}` leaves the folder of the scenario"),
            "a symbolic link leads out of it",
        );
    }
    match path.is_file() {
        true => Ok(path),
        false => refuse(format!("`{written}` is no regular file"), "expected a file"),
    }
}

/// Reads a scenario's text; refuses what is too large before reading it.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a folder".to_string());
    }
    if bytes_max < metadata.len() {
        return Err(too_large(metadata.len(), bytes_max));
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    read_text_from(file, bytes_max)
}

/// Reads a scenario's text, at most `bytes_max` bytes of it.
pub fn read_text_from(reader: impl Read, bytes_max: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    reader
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes_max < bytes.len() as u64 {
        return Err(too_large(bytes.len() as u64, bytes_max));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("not UTF-8 at byte {at}")
    })
}

fn too_large(bytes: u64, bytes_max: u64) -> String {
    format!("{bytes} bytes or more, at most {bytes_max} are read; use `count` for many equal ones")
}
