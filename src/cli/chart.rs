//! `stormglass chart`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::look_args::{ChartArgs, ChartFormat, ChartTheme};
use super::messages::{self, MESSAGES};
use super::overwrite::{OutputKind, check_output};
use super::style::{Console, raw_out};
use super::{CliError, Exit, temporary};
use crate::chart::picture::{Look, Picture};
use crate::chart::stored;
use crate::chart::theme::Theme;
use crate::report::files::write_table;
use crate::report::manifest::{Kind, Manifest};
use crate::report::run_dir::sha256_of;

/// The folder of charts in a run directory, with its `/`.
const FOLDER: &str = "charts/";

/// Bytes that every chart begins with as an SVG, up to its width.
const SVG_BEGINNING_LENGTH: usize =
    r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" width=""#.len();

/// Bytes that every PNG begins with.
const PNG_SIGNATURE_LENGTH: usize = 8;

/// Draws one chart of a run directory again, or lists all.
pub fn run(args: &ChartArgs, console: &mut Console) -> Result<Exit, CliError> {
    let manifest = Manifest::read(&args.run_dir).map_err(|source| CliError::Manifest {
        path: args.run_dir.display().to_string(),
        source,
    })?;
    let Some(name) = &args.name else {
        return list(&args.run_dir, &manifest, console);
    };
    let picture = match name.as_str() {
        MESSAGES => messages::picture(args, console)?,
        name if args.from.is_some() || args.request.is_some() => {
            return Err(CliError::Usage(format!(
                "--from and --request choose messages; `{name}` shows the whole run"
            )));
        }
        name => read(&args.run_dir, name, &manifest)?,
    };
    let look = Look {
        width: f64::from(args.width),
        theme: match args.theme {
            ChartTheme::Light => Theme::Light,
            ChartTheme::Dark => Theme::Dark,
        },
    };
    let bytes = match args.format() {
        ChartFormat::Svg => picture.svg_in(look).into_bytes(),
        ChartFormat::Png => picture.png_in(look),
        ChartFormat::Csv => {
            let mut bytes = Vec::new();
            write_table(&picture.table(), &mut bytes)?;
            bytes
        }
    };
    write(args, &bytes)?;
    Ok(Exit::Done)
}

fn list(run_dir: &Path, manifest: &Manifest, console: &mut Console) -> Result<Exit, CliError> {
    let names: Vec<&str> = names(manifest).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    for name in names {
        let picture = read(run_dir, name, manifest)?;
        writeln!(console.out(), "{name:width$}  {}", picture.title())?;
    }
    // Only one run can be made again.
    if manifest.kind() != Kind::Run {
        return Ok(Exit::Done);
    }
    let how = "single messages, with --from 12s --for 50ms or --request ID; runs again";
    writeln!(console.out(), "{MESSAGES:width$}  {how}")?;
    Ok(Exit::Done)
}

/// The names of the charts that a manifest lists.
fn names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let paths = manifest.files.iter().map(|file| file.path.as_str());
    paths.filter_map(|path| path.strip_prefix(FOLDER)?.strip_suffix(".json"))
}

/// Reads a chart, whose file must be the one that the run wrote.
fn read(run_dir: &Path, name: &str, manifest: &Manifest) -> Result<Picture, CliError> {
    let path = format!("{FOLDER}{name}.json");
    let Some(file) = manifest.files.iter().find(|file| file.path == path) else {
        return Err(CliError::Usage(unknown(run_dir, name, manifest)));
    };
    let place = run_dir.join(&path);
    let text = fs::read_to_string(&place).map_err(|source| CliError::File {
        path: place.display().to_string(),
        source,
    })?;
    if sha256_of(text.as_bytes()) != file.sha256 {
        let place = place.display();
        return Err(CliError::Usage(format!(
            "{place}: its contents are not those of the run"
        )));
    }
    let chart = stored::read(&text)
        .map_err(|error| CliError::Usage(format!("{}: {error}", place.display())))?;
    Ok(Picture::from_box(name, chart.into_chart()))
}

fn unknown(run_dir: &Path, name: &str, manifest: &Manifest) -> String {
    let known: Vec<&str> = names(manifest).collect();
    let place = run_dir.display();
    match known.is_empty() {
        true => format!("{place}: has no charts; run its scenario without --no-charts"),
        false => format!(
            "{place}: has no chart `{name}`; it has: {}",
            known.join(", ")
        ),
    }
}

/// What every chart of a format begins with; of a CSV its own column names.
pub fn beginning(format: ChartFormat, bytes: &[u8]) -> &[u8] {
    match format {
        ChartFormat::Svg => &bytes[..SVG_BEGINNING_LENGTH],
        ChartFormat::Png => &bytes[..PNG_SIGNATURE_LENGTH],
        ChartFormat::Csv => bytes
            .split_inclusive(|byte| *byte == b'\n')
            .next()
            .unwrap_or(bytes),
    }
}

fn write(args: &ChartArgs, bytes: &[u8]) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        let beginning = beginning(args.format(), bytes);
        let option = "--out";
        check_output(path, OutputKind::Chart { option, beginning }, &[])?;
        return temporary::write(path, bytes).map_err(|source| CliError::File {
            path: path.display().to_string(),
            source,
        });
    }
    if args.format() == ChartFormat::Png && io::stdout().is_terminal() {
        let help = "a PNG is nothing for a terminal; name a file with --out";
        return Err(CliError::Usage(help.to_string()));
    }
    let mut out = raw_out();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}
