//! `stormglass registries`.

use std::io;

use super::metrics::wrapped;
use super::strategies::{describe, write_parts};
use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::scenario::load::schema::{CAPACITY, REGISTRY};
use crate::scenario::load::suggest;
use crate::scenario::registry_catalog::{CAPACITY_ADVICE, REGISTRIES, RegistryInfo};

/// Columns of the text.
const WIDTH: usize = 90;
/// Columns of the names of sections.
const LABEL_WIDTH: usize = 12;

/// Lists the registries, or explains one.
pub fn run(name: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    let Some(name) = name else {
        list(console)?;
        return Ok(Exit::Done);
    };
    let registry = REGISTRIES
        .iter()
        .find(|registry| registry.info.name == name);
    explain(registry.ok_or_else(|| unknown(name))?, console)?;
    Ok(Exit::Done)
}

fn unknown(name: &str) -> CliError {
    let known = REGISTRIES.iter().map(|registry| registry.info.name);
    let hint = suggest::did_you_mean(name, known)
        .unwrap_or_else(|| "`stormglass registries` lists them".to_string());
    CliError::Usage(format!("no registry is called `{name}`; {hint}"))
}

fn list(console: &mut Console) -> io::Result<()> {
    let out = console.out();
    writeln!(out, "[registry]\nprofile = \"NAME\"\nKEY = VALUE\n")?;
    let longest = REGISTRIES.iter().map(|r| r.info.name.len()).max();
    let width = longest.unwrap_or(0);
    for RegistryInfo { info, version, .. } in REGISTRIES {
        let evidence = info.evidence.kind();
        writeln!(
            out,
            "  {HEADING}{:width$}{HEADING:#}  {}",
            info.name, info.summary
        )?;
        if let Some(version) = version {
            writeln!(
                out,
                "  {:width$}  {FAINT}{version}; {evidence}{FAINT:#}",
                ""
            )?;
        }
    }
    writeln!(out)?;
    for line in wrapped(CAPACITY_ADVICE, WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n`stormglass registries NAME` explains one.")
}

fn explain(registry: &RegistryInfo, console: &mut Console) -> io::Result<()> {
    describe(&registry.info, console)?;
    let version = registry.version.unwrap_or("no real system");
    for (label, text) in [("version", version), ("heartbeats", registry.path)] {
        for (place, line) in wrapped(text, WIDTH - LABEL_WIDTH).iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            writeln!(console.out(), "{FAINT}{label:LABEL_WIDTH$}{FAINT:#}{line}")?;
        }
    }
    let variant = REGISTRY.variant(registry.info.name);
    let keys = variant.map_or(&[][..], |variant| variant.keys);
    write_parts(&[(None, keys.iter().collect())], console)?;
    if registry.version.is_some() {
        writeln!(console.out(), "\nin capacity = {{ ... }}")?;
        write_parts(&[(None, CAPACITY.keys.iter().collect())], console)?;
    }
    Ok(())
}
