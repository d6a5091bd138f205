//! `stormglass strategies`.

use std::io;

use super::metrics::wrapped;
use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::scenario::load::schema::{BALANCER, Default, Key, Kind, Variant};
use crate::scenario::load::suggest;
use crate::scenario::strategy_catalog::{self, FAMILIES, StrategyInfo, TEXTBOOK_ADVICE};

/// Columns of the text.
const WIDTH: usize = 90;
/// Columns of the names of sections.
const LABEL_WIDTH: usize = 12;

/// Lists the strategies, or explains one.
pub fn run(name: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    match name {
        None => list(console)?,
        Some(name) => explain(find(name)?, console)?,
    }
    Ok(Exit::Done)
}

fn find(name: &str) -> Result<&'static StrategyInfo, CliError> {
    strategy_catalog::find(name).ok_or_else(|| {
        let known = || strategy_catalog::all().map(|info| info.name);
        let hint = suggest::did_you_mean(name, known())
            .unwrap_or_else(|| "`stormglass strategies` lists them".to_string());
        CliError::Usage(format!("no strategy is called `{name}`; {hint}"))
    })
}

fn list(console: &mut Console) -> io::Result<()> {
    let out = console.out();
    writeln!(
        out,
        "balancer = \"NAME\", or balancer = {{ policy = \"NAME\", KEY = VALUE, ... }}, in a call"
    )?;
    let longest = strategy_catalog::all().map(|info| info.name.len()).max();
    let width = longest.unwrap_or(0);
    for (family, strategies) in FAMILIES {
        writeln!(out, "\n{HEADING}{family}{HEADING:#}")?;
        for info in *strategies {
            writeln!(out, "  {:width$}  {}", info.name, info.summary)?;
        }
    }
    writeln!(out)?;
    for line in wrapped(TEXTBOOK_ADVICE, WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n`stormglass strategies NAME` explains one.")
}

fn explain(info: &StrategyInfo, console: &mut Console) -> io::Result<()> {
    describe(info, console)?;
    write_parts(&keys_of(info.name), console)
}

/// Everything about a strategy or a detector but its parameters.
pub(super) fn describe(info: &StrategyInfo, console: &mut Console) -> io::Result<()> {
    let out = console.out();
    writeln!(out, "{HEADING}{}{HEADING:#}  {}\n", info.name, info.summary)?;
    let evidence = format!("{}: {}", info.evidence.kind(), info.evidence.text());
    let sections = [
        ("use when", info.use_when),
        ("not when", info.avoid_when),
        ("guarantee", info.guarantee),
        ("cost", info.cost),
        ("source", info.source),
        ("evidence", evidence.as_str()),
    ];
    for (label, text) in sections {
        for (place, line) in wrapped(text, WIDTH - LABEL_WIDTH).iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            writeln!(out, "{FAINT}{label:LABEL_WIDTH$}{FAINT:#}{line}")?;
        }
    }
    Ok(())
}

/// The parameters, with what holds without them.
pub(super) fn write_parts(parts: &[Part], console: &mut Console) -> io::Result<()> {
    let out = console.out();
    if parts.iter().all(|(_, keys)| keys.is_empty()) {
        return writeln!(out, "\nIt has no parameters.");
    }
    writeln!(out, "\n{HEADING}parameters{HEADING:#}")?;
    for (variant, keys) in parts {
        if let Some(variant) = variant {
            writeln!(out, "  kind = \"{}\"  {}", variant.name, variant.doc)?;
        }
        let indent = if variant.is_some() { 4 } else { 2 };
        for key in keys {
            let default = default_text(key);
            writeln!(out, "{:indent$}{} = {default}", "", key.name)?;
            for line in wrapped(key.doc, WIDTH - indent - 4) {
                writeln!(out, "{:indent$}    {line}", "")?;
            }
        }
    }
    Ok(())
}

/// Keys that belong together: those of a strategy, or of one kind of a wrapper.
pub(super) type Part = (Option<&'static Variant>, Vec<&'static Key>);

/// The parameters of a strategy, or of a wrapper, which is a key of its own.
fn keys_of(name: &str) -> Vec<Part> {
    if let Some(variant) = BALANCER.variant(name) {
        return vec![(None, variant.keys.iter().collect())];
    }
    match BALANCER.key(None, name).map(|key| key.kind) {
        Some(Kind::Table(spec)) if !spec.variants.is_empty() => {
            let part = |variant| (Some(variant), spec.keys_of(Some(variant)).collect());
            spec.variants.iter().map(part).collect()
        }
        Some(Kind::Table(spec)) => vec![(None, spec.keys.iter().collect())],
        _ => vec![(None, BALANCER.key(None, name).into_iter().collect())],
    }
}

fn default_text(key: &Key) -> String {
    let default = match key.default {
        Default::Required => "... (required)".to_string(),
        Default::Absent => "... (not set)".to_string(),
        Default::Toml(value) => value.to_string(),
        Default::Computed(words) | Default::Inherited(words) => format!("... (default: {words})"),
        Default::Nested => "{ ... } (its defaults)".to_string(),
    };
    match (key.kind, key.only_if) {
        (_, Some(condition)) => format!("{default} (only if {})", condition.text()),
        (Kind::Choice(words), None) => format!("{default} (one of {})", words.join(", ")),
        _ => default,
    }
}
