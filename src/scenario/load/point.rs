//! A scenario that is loaded many times with other values: its texts and inputs are read once.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::inputs::Inputs;
use super::limits::Limits;
use super::source::{Origin, SourceId, Sources};
use super::tree::{Tree, Value, parse_value_in, toml_key, toml_string};
use super::{
    LoadInput, Loaded, STUDY_KEYS, build_one, default_name, extend, files, header, load_tree, merge,
};

/// A scenario before its values are changed.
#[derive(Clone, Debug)]
pub struct Base {
    sources: Sources,
    tree: Tree,
    inputs: Inputs,
    limits: Limits,
    asked: Vec<Origin>,
    is_judged: bool,
}

impl Base {
    /// Reads a scenario of whose points these measures are asked. What is returned as an error
    /// holds the diagnostics.
    pub fn open(input: &LoadInput, measures: &[String]) -> Result<Self, Box<Loaded>> {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let tree = load_tree(input, &mut sources, &mut diagnostics);
        let asked = measures.iter().map(|measure| sources.add_asked(measure));
        let asked = asked.collect();
        match tree {
            Some(tree) if diagnostics.error_count() == 0 => Ok(Base {
                sources,
                tree,
                inputs: Inputs::new(&input.limits),
                limits: input.limits,
                asked,
                is_judged: false,
            }),
            tree => Err(Box::new(Loaded {
                scenario: None,
                diagnostics,
                sources,
                tree,
                inputs: Vec::new(),
            })),
        }
    }

    /// Points keep what the scenario expects.
    pub fn judged(self) -> Self {
        Base {
            is_judged: true,
            ..self
        }
    }

    /// The scenario with some values changed, `PATH=VALUE` each, without the studies that it names
    /// and, unless it is judged, without what it expects.
    pub fn point(&mut self, sets: &[String]) -> Loaded {
        let mut sources = self.sources.clone();
        let mut diagnostics = Diagnostics::default();
        let mut tree = self.tree.clone();
        if let Value::Table(table) = &mut tree.value {
            let is_left_out = |key: &str| key == "expect" && !self.is_judged;
            let is_study = |key: &str| STUDY_KEYS.contains(&key);
            table.retain(|entry| !is_study(&entry.key) && !is_left_out(&entry.key));
        }
        for set in sets {
            merge::apply_set(&mut tree, set, &mut sources, &mut diagnostics);
        }
        extend::refuse_late(&mut tree, &mut diagnostics);
        let mut scenario = None;
        if diagnostics.error_count() == 0 {
            let mut ctx = Context {
                sources: &sources,
                diagnostics: &mut diagnostics,
                inputs: &mut self.inputs,
                asked: &self.asked,
            };
            scenario = build_one(&mut ctx, &tree, &self.limits);
        }
        if scenario
            .as_ref()
            .is_some_and(|scenario| scenario.is_warmup_open)
        {
            let problem = Diagnostic::new("a warm-up that is to be found, at every point");
            let help = "`run` and `compare` find it; write a length here, the same for all points";
            diagnostics.error(problem.help(help));
        }
        diagnostics.sort();
        Loaded {
            scenario: scenario.filter(|_| diagnostics.error_count() == 0),
            diagnostics,
            sources,
            tree: Some(tree),
            inputs: self.inputs.paths(),
        }
    }

    /// The value that stands at a path, in TOML.
    pub fn value_at(&self, path: &str) -> Option<String> {
        super::sensitivity::value_at(&self.tree, path).map(Tree::to_inline_toml)
    }

    /// The canonical paths of the files that it was read from, without its CSV inputs.
    pub fn file_paths(&self) -> Vec<PathBuf> {
        self.sources.file_paths().cloned().collect()
    }

    /// The canonical paths of the CSV inputs of the points so far.
    pub fn input_paths(&self) -> Vec<PathBuf> {
        self.inputs.paths()
    }

    /// The file that a value in TOML names, if it names one.
    pub fn file_of(&self, toml: &str) -> Option<PathBuf> {
        let origin = Origin {
            source: SourceId(0),
            start: 0,
            end: 0,
        };
        files::resolve(&self.sources, &parse_value_in(toml, origin)).ok()
    }

    /// The scenario as one text, after `extends` and overrides, its header kept and its defaults
    /// left open. `rename` says what a CSV input is called, given its canonical path.
    pub fn toml(&self, rename: &dyn Fn(&Path) -> Option<String>) -> String {
        let mut tree = self.tree.clone();
        rename_files(&mut tree, &self.sources, rename);
        let Value::Table(table) = &tree.value else {
            unreachable!("a document is a table");
        };
        let mut out = String::new();
        for line in header(&self.sources.get(SourceId(0)).text) {
            out.push_str(format!("# {line}").trim_end());
            out.push('\n');
        }
        if table.get("name").is_none() {
            let name = toml_string(&default_name(&self.sources));
            out.push_str(&format!("name = {name}\n"));
        }
        for entry in table.entries() {
            let value = entry.tree.to_inline_toml();
            out.push_str(&format!("{} = {value}\n", toml_key(&entry.key)));
        }
        out
    }
}

impl Loaded {
    /// The first error of a scenario that has one, on one line.
    pub fn first_error(&self) -> Option<String> {
        let mut errors = self.diagnostics.iter().filter(|d| d.is_error());
        errors.next().map(Diagnostic::on_one_line)
    }
}

/// Renames the texts of a tree that name one of the inputs.
fn rename_files(tree: &mut Tree, sources: &Sources, rename: &dyn Fn(&Path) -> Option<String>) {
    let is_text = tree.as_str().is_some();
    if is_text && let Ok(path) = files::resolve(sources, tree) {
        if let Some(name) = rename(&path) {
            tree.value = Value::Str(name);
        }
        return;
    }
    match &mut tree.value {
        Value::Table(table) => {
            for entry in table.entries_mut() {
                rename_files(&mut entry.tree, sources, rename);
            }
        }
        Value::Array(items) => {
            for item in items {
                rename_files(item, sources, rename);
            }
        }
        _ => {}
    }
}
