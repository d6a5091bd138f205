//! `stormglass detectors`.

use std::io;

use super::metrics::wrapped;
use super::strategies::{Part, describe, write_parts};
use super::style::{Console, HEADING};
use super::{CliError, Exit};
use crate::scenario::detector_catalog::{DETECTORS, DetectorInfo, PATH_ADVICE};
use crate::scenario::load::schema::{DETECTOR, GOSSIP};
use crate::scenario::load::suggest;

/// Columns of the text.
const WIDTH: usize = 90;

/// Lists the detectors, or explains one. The name of a kind explains all its forms.
pub fn run(name: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    let Some(name) = name else {
        list(console)?;
        return Ok(Exit::Done);
    };
    let is_meant = |detector: &&DetectorInfo| detector.info.name == name || detector.kind == name;
    let meant: Vec<&DetectorInfo> = DETECTORS.iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Err(unknown(name));
    }
    for (place, detector) in meant.into_iter().enumerate() {
        if 0 < place {
            writeln!(console.out())?;
        }
        describe(&detector.info, console)?;
        if let ("gossip", Some(profile)) = (detector.kind, detector.form) {
            let out = console.out();
            writeln!(
                out,
                "written     gossip = {{ profile = \"{profile}\" }}, in a service"
            )?;
        }
        write_parts(&[keys_of(detector)], console)?;
    }
    Ok(Exit::Done)
}

fn unknown(name: &str) -> CliError {
    let known = DETECTORS.iter().map(|detector| detector.info.name);
    let hint = suggest::did_you_mean(name, known)
        .unwrap_or_else(|| "`stormglass detectors` lists them".to_string());
    CliError::Usage(format!("no detector is called `{name}`; {hint}"))
}

fn list(console: &mut Console) -> io::Result<()> {
    let out = console.out();
    writeln!(
        out,
        "detector = {{ kind = \"KIND\", KEY = VALUE, ... }}, in a call\n"
    )?;
    writeln!(
        out,
        "gossip = {{ profile = \"PROFILE\", KEY = VALUE, ... }}, in a service: for `swim` and \
         `lifeguard`\n"
    )?;
    let longest = DETECTORS.iter().map(|detector| detector.info.name.len());
    let width = longest.max().unwrap_or(0);
    for detector in DETECTORS {
        let info = &detector.info;
        writeln!(
            out,
            "  {HEADING}{:width$}{HEADING:#}  {}",
            info.name, info.summary
        )?;
    }
    writeln!(out)?;
    for line in wrapped(PATH_ADVICE, WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n`stormglass detectors NAME` explains one.")
}

/// The parameters of a detector: those of its kind that have an effect in its form.
fn keys_of(detector: &DetectorInfo) -> Part {
    if let ("gossip", Some(profile)) = (detector.kind, detector.form) {
        let variant = GOSSIP.variant(profile);
        // Its own tag is another one than that of the parameters of a call.
        return (None, GOSSIP.keys_of(variant).collect());
    }
    let variant = DETECTOR.variant(detector.kind);
    let has_effect = |condition: &str| match detector.form {
        Some(form) => condition.trim_matches('"') == form,
        None => true,
    };
    let keys = DETECTOR.keys_of(variant).filter(|key| {
        let condition = key.only_if.filter(|condition| condition.key == "form");
        let wanted = condition.and_then(|condition| condition.toml);
        wanted.is_none_or(has_effect)
    });
    (variant, keys.collect())
}
