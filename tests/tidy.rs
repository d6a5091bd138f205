//! Watches the style of the source: layers, sizes, words that must not appear, files that nobody
//! uses.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const COLUMN_COUNT_MAX: usize = 100;
const FUNCTION_LINE_COUNT_MAX: usize = 70;
const FILE_LINE_COUNT_MAX: usize = 500;

/// Modules of the library, each with what it may use of the others.
const LAYERS: [&[&str]; 11] = [
    &["time", "rng", "id", "quantity", "hash"],
    &["stats"],
    &["scenario"],
    &["engine"],
    &["model"],
    &["metrics"],
    &["trace"],
    &["experiment"],
    &["chart"],
    &["report"],
    &["cli"],
];

/// What `metrics` may use of `model`: facts, and nothing of how they come about.
const MODEL_PARTS_OF_METRICS: [&str; 2] = ["observation", "view"];

/// Words that must not appear, and the files that may hold them all the same.
const BANNED: [(&str, &[&str]); 12] = [
    ("HashMap", &[]),
    ("HashSet", &[]),
    ("Instant::now", &["cli/", "experiment/"]),
    ("SystemTime", &["cli/", "report/"]),
    ("thread_rng", &[]),
    ("println!", &["cli/", "main.rs"]),
    ("std::env", &["cli/", "main.rs"]),
    ("std::thread", &["cli/", "experiment/"]),
    ("rayon", &["experiment/"]),
    ("plotters", &["chart/"]),
    ("clap", &["cli/"]),
    ("unsafe {", &[]),
];

/// One file of the source.
struct File {
    /// Below `src`.
    path: String,
    text: String,
}

impl File {
    /// The layer that it belongs to, if it belongs to one.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it holds tests and nothing else.
    fn is_of_tests(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs" || name.ends_with("_tests.rs") || name == "fixture.rs"
    }

    /// The lines of the product, numbered from 1: without comments, and without the tests at the
    /// end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_code = !self.is_of_tests();
        let product = self.text.split("\n#[cfg(test)]\nmod tests {").next();
        (1..)
            .zip(product.unwrap_or_default().lines())
            .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
            .filter(move |_| is_code)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder, in order of path.
fn files(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    add_files(&root().join(folder), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn add_files(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = format!("{prefix}{}", name.expect("names are plain"));
        if path.is_dir() {
            add_files(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).expect("source is text");
            files.push(File { path: name, text });
        }
    }
}

fn assert_none(found: &str) {
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn modules_use_their_own_layer_and_those_before_it() {
    let place = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut found = String::new();
    for file in files("src") {
        let module = file.module();
        if matches!(module, "lib" | "main" | "oracle") {
            continue;
        }
        let own = place(module).unwrap_or_else(|| panic!("`{module}` is in no layer"));
        for (number, line) in file.code() {
            for used in line.split("crate::").skip(1) {
                let mut parts = used.split(|c: char| !c.is_alphanumeric() && c != '_');
                let target = parts.next().unwrap_or_default();
                let part = parts.find(|part| !part.is_empty()).unwrap_or_default();
                let is_before = place(target).is_none_or(|place| place <= own);
                let is_fact = MODEL_PARTS_OF_METRICS.contains(&part);
                if !is_before || (module, target) == ("metrics", "model") && !is_fact {
                    writeln!(found, "{}:{number}: {}", file.path, line.trim()).unwrap();
                }
            }
        }
    }
    assert_none(&found);
}

#[test]
fn the_base_and_statistics_know_nothing_of_the_project() {
    let mut found = String::new();
    for file in files("src") {
        let may_use: &[&str] = match file.module() {
            "stats" => &["stats"],
            "engine" => &["engine", "time", "id", "rng", "hash", "quantity"],
            module if LAYERS[0].contains(&module) => LAYERS[0],
            _ => continue,
        };
        for (number, line) in file.code() {
            for used in line.split("crate::").skip(1) {
                let target = used
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                if !may_use.contains(&target.unwrap_or_default()) {
                    writeln!(found, "{}:{number}: {}", file.path, line.trim()).unwrap();
                }
            }
        }
    }
    assert_none(&found);
}

#[test]
fn no_file_holds_what_is_banned() {
    let mut found = String::new();
    for file in files("src") {
        for (number, line) in file.code() {
            for (word, allowed) in BANNED {
                let is_allowed = allowed.iter().any(|start| file.path.starts_with(start));
                if !is_allowed && holds_word(line, word) {
                    writeln!(found, "{}:{number}: {}", file.path, line.trim()).unwrap();
                }
            }
        }
    }
    assert_none(&found);
}

/// Whether `word` stands in a line, and not inside a longer name.
fn holds_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut found = String::new();
    for folder in ["src", "tests", "benches"] {
        for file in files(folder) {
            let path = format!("{folder}/{}", file.path);
            let line_count = file.text.lines().count();
            if FILE_LINE_COUNT_MAX < line_count {
                writeln!(found, "{path}: {line_count} lines").unwrap();
            }
            for (number, line) in formatted_lines(&file.text) {
                let column_count = line.chars().count();
                if COLUMN_COUNT_MAX < column_count {
                    writeln!(found, "{path}:{number}: {column_count} columns").unwrap();
                }
            }
            for (number, length) in long_functions(&file.text) {
                writeln!(found, "{path}:{number}: a function of {length} lines").unwrap();
            }
        }
    }
    assert_none(&found);
}

/// The lines that can be broken, numbered from 1: not those of a text in raw quotes, which tests
/// compare as it is printed.
fn formatted_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_raw = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let was_raw = is_raw;
        let opened = line.rsplit_once("r#\"").map(|(_, rest)| rest);
        is_raw = match opened {
            Some(rest) => !rest.contains("\"#"),
            None => is_raw && !line.contains("\"#"),
        };
        !was_raw
    })
}

/// First line and length of functions that are too long. Formatted source ends a function with a
/// brace in the column in which its first line starts.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let is_whole = line.ends_with(';') || line.ends_with('}');
        if is_whole || !holds_word(line.split(['(', '"', '/']).next().unwrap_or_default(), "fn") {
            continue;
        }
        let end_of = format!("{}}}", &line[..indent]);
        let end = lines[start..].iter().position(|line| *line == end_of);
        let length = end.map_or(0, |end| end + 1);
        let has_body = lines[start..]
            .iter()
            .take(length)
            .any(|line| line.ends_with('{'));
        if has_body && FUNCTION_LINE_COUNT_MAX < length {
            found.push((start + 1, length));
        }
    }
    found
}

#[test]
fn every_file_is_part_of_the_program() {
    let files = files("src");
    let known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut left = vec!["lib.rs".to_string(), "main.rs".to_string()];
    while let Some(path) = left.pop() {
        let file = files.iter().find(|file| file.path == path);
        let file = file.unwrap_or_else(|| panic!("{path} is missing"));
        if !reached.insert(path.clone()) {
            continue;
        }
        let folder = match path.rsplit_once('/') {
            Some((folder, "mod.rs")) => format!("{folder}/"),
            Some(_) => format!("{}/", path.trim_end_matches(".rs")),
            None => String::new(),
        };
        for line in file.text.lines() {
            let Some(name) = declared_module(line) else {
                continue;
            };
            let choices = [
                format!("{folder}{name}.rs"),
                format!("{folder}{name}/mod.rs"),
            ];
            left.extend(
                choices
                    .into_iter()
                    .filter(|path| known.contains(path.as_str())),
            );
        }
    }
    let dead: Vec<&&str> = known
        .iter()
        .filter(|path| !reached.contains(**path))
        .collect();
    assert!(dead.is_empty(), "{dead:?} are part of nothing");
}

/// The name that `mod name;` declares.
fn declared_module(line: &str) -> Option<&str> {
    let line = line.trim().strip_suffix(';')?;
    let (visibility, name) = line.split_once("mod ")?;
    let is_declaration = visibility.is_empty() || visibility.starts_with("pub");
    is_declaration.then_some(name)
}

#[test]
fn the_rules_find_what_breaks_them() {
    assert!(holds_word("use std::collections::HashMap;", "HashMap"));
    assert!(!holds_word("eprintln!(\"{}\", x);", "println!"));
    let long = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(69));
    assert_eq!(long_functions(&long), [(1, 71)]);
    let short = format!("fn short() {{\n{}}}\n", "    work();\n".repeat(68));
    assert_eq!(long_functions(&short), []);
    assert_eq!(declared_module("pub(crate) mod time;"), Some("time"));
    assert_eq!(declared_module("let model = 3;"), None);
}
