//! `stormglass check`.

use super::args::CheckArgs;
use super::load;
use super::style::Console;
use super::{CliError, Exit};
use crate::scenario::Scenario;
use crate::scenario::load::zone_reach::{ZoneReach, zone_reach};

/// Checks every file, shows all mistakes on standard error, and prints one line a file, and one for
/// every fault that leaves a part of its zone alone.
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
        for (name, reach) in loaded.scenario.as_ref().map(spared).unwrap_or_default() {
            writeln!(console.out(), "  fault.{name}: {}", reach.text)?;
        }
    }
    Ok(exit)
}

fn spared(scenario: &Scenario) -> Vec<(&str, ZoneReach)> {
    let faults = scenario.faults.iter();
    let reaches =
        faults.filter_map(|fault| Some((fault.name.as_str(), zone_reach(scenario, fault)?)));
    reaches.filter(|(_, reach)| reach.spares).collect()
}
