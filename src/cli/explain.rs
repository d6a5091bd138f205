//! `stormglass explain`.

use std::io::{self, Write};

use super::args::ExplainArgs;
use super::load;
use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::report::format;
use crate::scenario::Scenario;
use crate::scenario::load::explain::{Explanation, FaultLine, explain};
use crate::time::SimDuration;

/// Columns of the timeline.
const TIMELINE_WIDTH: usize = 60;

/// Shows what a scenario means: every value with its origin, the faults on a timeline, offered
/// load against capacity, and the size of a run.
pub fn run(args: &ExplainArgs, console: &mut Console) -> Result<Exit, CliError> {
    let input = load::input(Some(&args.file), &args.load.sets, &args.load.limits)?;
    let loaded = crate::scenario::load::load(&input);
    load::show_diagnostics(&loaded, console);
    let (Some(explanation), Some(scenario)) = (explain(&loaded), &loaded.scenario) else {
        return Err(load::refused(&loaded));
    };
    let out = console.out();
    writeln!(out, "{HEADING}{}{HEADING:#}", scenario.name)?;
    for line in &scenario.header {
        writeln!(out, "  {line}")?;
    }
    write_values(&explanation, out)?;
    write_faults(&explanation.faults, scenario, out)?;
    write_loads(&explanation, out)?;
    writeln!(out, "\n{HEADING}SIZE{HEADING:#} of one run, estimated")?;
    let estimate = &explanation.estimate;
    writeln!(out, "  {} events", format::count(estimate.event_count))?;
    writeln!(
        out,
        "  {} MiB of memory",
        format::count(estimate.memory_bytes.div_ceil(1 << 20))
    )?;
    Ok(Exit::Done)
}

fn write_values(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{HEADING}VALUES{HEADING:#} and where they come from")?;
    for value in &explanation.values {
        let assignment = format!("{} = {}", value.path, value.value);
        writeln!(out, "  {assignment:<64}  {FAINT}{}{FAINT:#}", value.origin)?;
    }
    Ok(())
}

fn write_faults(faults: &[FaultLine], scenario: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let duration_secs = scenario.duration.as_secs_f64();
    let width = faults
        .iter()
        .map(|fault| fault.name.len())
        .max()
        .unwrap_or(0);
    writeln!(
        out,
        "\n{HEADING}FAULTS{HEADING:#} on the timeline of {}",
        format::length(scenario.duration)
    )?;
    for fault in faults {
        let bar = bar(fault, duration_secs);
        writeln!(
            out,
            "  {:<width$}  |{bar}|  {}",
            fault.name,
            fault_text(fault)
        )?;
    }
    Ok(())
}

/// `crash of instance:web/main/0, 20 s to 40 s`.
fn fault_text(fault: &FaultLine) -> String {
    let about = if fault.is_random { "about " } else { "" };
    let again = if fault.is_repeated {
        ", again and again"
    } else {
        ""
    };
    let instant = |secs: f64| format::instant(SimDuration::from_secs_f64(secs).as_secs_f64());
    format!(
        "{} of {}, {about}{} to {}{again}",
        fault.kind,
        fault.target,
        instant(fault.start_secs),
        instant(fault.end_secs)
    )
}

/// The first window of a fault among dots that stand for the run.
fn bar(fault: &FaultLine, duration_secs: f64) -> String {
    let column = |secs: f64| {
        let share = (secs / duration_secs).clamp(0.0, 1.0);
        (share * TIMELINE_WIDTH as f64) as usize
    };
    let first = column(fault.start_secs).min(TIMELINE_WIDTH - 1);
    let end = column(fault.end_secs).max(first + 1);
    (0..TIMELINE_WIDTH)
        .map(|place| {
            if (first..end).contains(&place) {
                '#'
            } else {
                '.'
            }
        })
        .collect()
}

fn write_loads(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{HEADING}LOAD{HEADING:#} by open-loop clients, without retries"
    )?;
    for (service, load) in &explanation.loads {
        writeln!(
            out,
            "  {service}: offered {} of {}, offered load {}",
            format::rate(load.visits_per_sec),
            format::rate(load.capacity_per_sec),
            format::number(load.offered_load)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(start_secs: f64, end_secs: f64) -> FaultLine {
        FaultLine {
            name: "rack-b".into(),
            kind: "host_loss",
            target: "zone:b".into(),
            start_secs,
            end_secs,
            is_random: false,
            is_repeated: false,
        }
    }

    #[test]
    fn a_bar_covers_the_window_of_its_fault() {
        // A second is a column in a run of 60 s.
        let expected = format!("{}{}{}", ".".repeat(20), "#".repeat(10), ".".repeat(30));
        assert_eq!(bar(&fault(20.0, 30.0), 60.0), expected);
        // However short, a window is seen, even one that begins after the end.
        assert_eq!(bar(&fault(20.0, 20.001), 60.0).matches('#').count(), 1);
        assert_eq!(bar(&fault(90.0, 99.0), 60.0).matches('#').count(), 1);
    }

    #[test]
    fn a_fault_says_what_happens_to_whom_and_when() {
        let text = fault_text(&fault(60.0, 120.0));
        assert_eq!(text, "host_loss of zone:b, 60 s to 120 s");
    }
}
