//! From a TOML text to a [`Scenario`]: every error at once, each with its place.

pub mod attempts;
pub mod axis;
mod balancer_memory;
pub mod between;
pub mod capacity;
pub mod diagnostic;
pub mod explain;
pub mod json_schema;
pub mod limits;
pub mod point;
pub mod schema;
pub mod sensitivity;
pub mod source;
pub mod suggest;
pub mod sweep;
pub mod tree;
pub mod warning;
pub mod zone_reach;

mod assertion;
mod composition;
mod connected;
mod context;
mod effective;
mod endless;
mod example;
mod extend;
mod feedback;
pub mod files;
mod inputs;
mod merge;
mod protection;
mod read;
mod registry_events;
mod section;
mod section_check;
mod semantics;
mod server_events;
mod shorthand;
mod syntax;
mod value;
mod variants;
mod watching;
mod weights;

use std::path::{Path, PathBuf};

pub use files::read_text_from;

use super::Scenario;
use context::Context;
use diagnostic::{Diagnostic, Diagnostics};
use inputs::Inputs;
use limits::Limits;
use source::{Origin, Source, SourceId, SourceKind, Sources};
use tree::{Tree, Value};

/// Tables that say what is done with a scenario, not what it is.
const STUDY_KEYS: [&str; 3] = ["compare", "sweep", "sensitivity"];

/// What to load.
#[derive(Clone, Debug)]
pub struct LoadInput {
    /// The scenario itself.
    pub text: LoadText,
    /// `PATH=VALUE` overrides, in order.
    pub sets: Vec<String>,
    /// How large it may be.
    pub limits: Limits,
}

impl LoadInput {
    /// A text that is no file, without overrides and within the standard limits.
    pub fn text(name: &str, text: &str) -> Self {
        LoadInput {
            text: LoadText::Text {
                name: name.to_string(),
                text: text.to_string(),
            },
            sets: Vec::new(),
            limits: Limits::STANDARD,
        }
    }
}

/// Where a scenario comes from.
#[derive(Clone, Debug)]
pub enum LoadText {
    /// A file, as the user named it.
    File(PathBuf),
    /// A text that is no file; it can name no files.
    Text {
        /// What messages call it.
        name: String,
        /// The text.
        text: String,
    },
    /// A text that was saved beside the files that it names.
    Saved {
        /// What messages call it.
        name: String,
        /// The text.
        text: String,
        /// Where its files are.
        folder: PathBuf,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct Loaded {
    /// The scenario, if there is no error.
    pub scenario: Option<Scenario>,
    /// Errors and warnings in order of place.
    pub diagnostics: Diagnostics,
    /// The texts that it was made of, the scenario file first.
    pub sources: Sources,
    /// The tree after `extends` and overrides.
    pub tree: Option<Tree>,
    /// The canonical paths of its CSV inputs.
    pub inputs: Vec<PathBuf>,
}

/// Loads a scenario.
pub fn load(input: &LoadInput) -> Loaded {
    load_asking(input, &[], false)
}

/// Loads a scenario of which these measures will be asked, in the language of `[expect]`. Without
/// its `[compare]` where it is a variant itself.
pub fn load_asking(input: &LoadInput, measures: &[String], is_variant: bool) -> Loaded {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let mut inputs = Inputs::new(&input.limits);
    let mut tree = load_tree(input, &mut sources, &mut diagnostics);
    if is_variant && let Some(Value::Table(table)) = tree.as_mut().map(|tree| &mut tree.value) {
        table.retain(|entry| !STUDY_KEYS.contains(&entry.key.as_str()));
    }
    let asked = measures.iter().map(|measure| sources.add_asked(measure));
    let asked: Vec<Origin> = asked.collect();
    let mut scenario = None;
    if let Some(tree) = &tree {
        let mut ctx = Context {
            sources: &sources,
            diagnostics: &mut diagnostics,
            inputs: &mut inputs,
            asked: &asked,
        };
        scenario = build(&mut ctx, tree, &input.limits);
    }
    diagnostics.sort();
    Loaded {
        scenario: scenario.filter(|_| diagnostics.error_count() == 0),
        diagnostics,
        sources,
        tree,
        inputs: inputs.paths(),
    }
}

/// The tree of the scenario after `extends` and overrides.
fn load_tree(
    input: &LoadInput,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Tree> {
    let id = add_source(&input.text, &input.limits, sources, diagnostics)?;
    let mut chain = match &input.text {
        LoadText::File(path) => path.canonicalize().into_iter().collect(),
        LoadText::Text { .. } | LoadText::Saved { .. } => Vec::new(),
    };
    let limits = &input.limits;
    let mut tree = extend::parse_with_bases(id, &mut chain, limits, sources, diagnostics);
    if 0 < diagnostics.error_count() {
        // What is left of a broken text would draw errors that nobody made.
        return None;
    }
    for argument in &input.sets {
        merge::apply_set(&mut tree, argument, sources, diagnostics);
    }
    extend::refuse_late(&mut tree, diagnostics);
    Some(tree)
}

fn add_source(
    text: &LoadText,
    limits: &Limits,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<SourceId> {
    let (name, text, folder, kind) = match text {
        LoadText::File(path) => {
            let text = files::read_text(path, limits.scenario_bytes_max);
            let found = path.canonicalize().ok();
            let folder = found.as_deref().and_then(Path::parent);
            let folder = folder.map(Path::to_path_buf);
            let kind = found.map_or(SourceKind::Text, SourceKind::File);
            (path.display().to_string(), text, folder, kind)
        }
        LoadText::Text { name, text } => {
            let text = files::read_text_from(text.as_bytes(), limits.scenario_bytes_max);
            (name.clone(), text, None, SourceKind::Text)
        }
        LoadText::Saved { name, text, folder } => {
            let text = files::read_text_from(text.as_bytes(), limits.scenario_bytes_max);
            let folder = folder.canonicalize().ok();
            (name.clone(), text, folder, SourceKind::Text)
        }
    };
    match text {
        Ok(text) => Some(sources.add(Source {
            name,
            text,
            folder,
            kind,
        })),
        Err(problem) => {
            diagnostics.error(Diagnostic::new(format!("cannot read {name}: {problem}")));
            None
        }
    }
}

/// Builds the scenario of a tree and all its variants.
fn build(ctx: &mut Context, tree: &Tree, limits: &Limits) -> Option<Scenario> {
    let mut scenario = build_one(ctx, tree, limits)?;
    let build_variant = |ctx: &mut Context, tree: &Tree| {
        build_one(ctx, tree, limits);
    };
    scenario.compare = variants::compare(ctx, tree, &build_variant);
    scenario.sweep = sweep::sweep(ctx, tree, &build_variant);
    scenario.sensitivity = sensitivity::sensitivity(ctx, tree, &build_variant);
    Some(scenario)
}

/// Builds the scenario of a tree, without its variants. None if there is an error.
fn build_one(ctx: &mut Context, tree: &Tree, limits: &Limits) -> Option<Scenario> {
    let default_name = default_name(ctx.sources);
    let header = header(&ctx.sources.get(SourceId(0)).text);
    let (mut scenario, places) = read::scenario(ctx, tree, &default_name, header)?;
    weights::check(ctx, &scenario, &places);
    if let Err(problem) = limits::check_counts(&scenario) {
        let help = "lower the largest `count` of a group, a client or a cluster";
        ctx.error(Diagnostic::new(problem).help(help));
    }
    if 0 < ctx.error_count() {
        return None;
    }
    if let Err((problem, help)) = limits::check_estimate(&limits::estimate(&scenario), limits) {
        ctx.error(Diagnostic::new(problem).help(help));
        return None;
    }
    scenario.topology = super::topology::Topology::new(
        &scenario.services,
        &scenario.groups,
        &scenario.clients,
        &scenario.edges,
        u32::try_from(scenario.registry.member_zones.len()).expect("members are few"),
    );
    if scenario.registry.profile.has_agents() {
        scenario.topology.add_agents(&scenario.groups);
    }
    semantics::warn(ctx, &scenario, &places);
    Some(scenario)
}

/// The name of a scenario that says none: that of its file.
fn default_name(sources: &Sources) -> String {
    let stem = Path::new(&sources.get(SourceId(0)).name).file_stem();
    match stem.map(|stem| stem.to_string_lossy()) {
        Some(stem) if value::is_name(&stem) => stem.to_string(),
        _ => "scenario".to_string(),
    }
}

/// The comment that opens a text, without `#` and without the line that names the schema.
pub fn header(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .filter(|line| !line.starts_with("#:"))
        .map(|line| line.trim_start_matches('#'))
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(line)
                .trim_end()
                .to_string()
        })
        .collect()
}
