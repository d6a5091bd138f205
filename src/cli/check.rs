//! `stormglass check`.

use super::args::CheckArgs;
use super::load;
use super::style::Console;
use super::{CliError, Exit};

/// Checks every file, shows all mistakes on standard error, and prints one line a file.
pub fn run(args: &CheckArgs, console: &mut Console) -> Result<Exit, CliError> {
    let mut exit = Exit::Done;
    for file in &args.files {
        let input = load::input(Some(file), &args.load.sets, &args.load.limits)?;
        let loaded = crate::scenario::load::load(&input);
        load::show_diagnostics(&loaded, console);
        if 0 < loaded.diagnostics.error_count() {
            exit = Exit::Refused;
        }
        let summary = loaded.diagnostics.summary(&file.display().to_string());
        writeln!(console.out(), "{summary}")?;
    }
    Ok(exit)
}
