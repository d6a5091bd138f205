//! `stormglass explain`.

use std::io::{self, Write};

use super::args::ExplainArgs;
use super::load;
use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::model::fault_plan;
use crate::report::format;
use crate::scenario::Scenario;
use crate::scenario::load::explain::{Explanation, FaultLine, explain};
use crate::time::{SimDuration, SimTime};

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
    let name_lengths = faults.iter().map(|fault| fault.name.len());
    let width = name_lengths.max().unwrap_or(0);
    writeln!(
        out,
        "\n{HEADING}FAULTS{HEADING:#} on the timeline of {}, seed {}",
        format::length(scenario.duration),
        scenario.seed
    )?;
    let windows = match fault_plan(scenario, scenario.seed) {
        Ok(windows) => windows,
        Err(error) => return writeln!(out, "  {error}"),
    };
    let mut is_dense = false;
    for fault in faults {
        let of_fault = windows.iter().filter(|window| window.fault == fault.fault);
        let bar = bar(of_fault.map(|w| (w.start, w.end)), scenario.duration);
        is_dense |= bar.contains(|mark| mark != '.' && mark != '#');
        let text = fault_text(fault);
        writeln!(out, "  {:<width$}  |{bar}|  {text}", fault.name)?;
        if let Some(reach) = &fault.reach {
            writeln!(out, "  {:<width$}  {}", "", reach.text)?;
        }
    }
    if is_dense {
        writeln!(out, "  # one window, 2 to 9 as many windows, + more")?;
    }
    Ok(())
}

/// `crash of instance:web/main/0, 20 s to 40 s, every 60 s after it ended`.
fn fault_text(fault: &FaultLine) -> String {
    if let Some(trigger) = &fault.trigger {
        return format!("{} of {}, {trigger}", fault.kind, fault.target);
    }
    let about = if fault.is_random { "about " } else { "" };
    let instant = |secs: f64| format::instant(SimDuration::from_secs_f64(secs).as_secs_f64());
    let again = match fault.every_secs {
        Some(secs) => format!(", every {} after it ended", instant(secs)),
        None => String::new(),
    };
    let (kind, target, start) = (fault.kind, &fault.target, instant(fault.start_secs));
    match fault.ends_by_itself {
        true => format!("{kind} of {target}, {about}{start} until it is done{again}"),
        false => {
            let end = instant(fault.end_secs);
            format!("{kind} of {target}, {about}{start} to {end}{again}")
        }
    }
}

/// The windows of a fault among dots that stand for the run.
fn bar(windows: impl Iterator<Item = (SimTime, SimTime)>, duration: SimDuration) -> String {
    let width = TIMELINE_WIDTH as u128;
    let column = |ns: u64| u128::from(ns) * width / u128::from(duration.as_ns());
    // Windows that begin in a column less those that ended before it.
    let mut changes = [0_i64; TIMELINE_WIDTH + 1];
    for (start, end) in windows.filter(|(start, _)| start.as_ns() < duration.as_ns()) {
        let first = column(start.as_ns());
        // A window touches the column of its last instant.
        let last = column(end.as_ns().saturating_sub(1)).clamp(first, width - 1);
        changes[first as usize] += 1;
        changes[last as usize + 1] -= 1;
    }
    let mut window_count = 0;
    let columns = changes[..TIMELINE_WIDTH].iter().map(|change| {
        window_count += change;
        match window_count {
            0 => '.',
            1 => '#',
            2..=9 => char::from(b'0' + window_count as u8),
            _ => '+',
        }
    });
    columns.collect()
}

/// A load that rises by less is as good as constant.
const PEAK_FACTOR: f64 = 1.01;

fn write_loads(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{HEADING}LOAD{HEADING:#} by open-loop clients, without retries"
    )?;
    for (service, load) in &explanation.loads {
        writeln!(
            out,
            "  {service}: offered {} of {}, offered load {}{}{}",
            format::rate(load.visits_per_sec),
            format::rate(load.capacity_per_sec),
            format::number(load.offered_load),
            match load.offered_load * PEAK_FACTOR < load.peak_load {
                true => format!(" on average, up to {}", format::number(load.peak_load)),
                false => String::new(),
            },
            match (load.is_behind_cache, load.waits_for_calls) {
                (true, _) => ", as if no cache answered",
                (false, true) => ", without waiting for calls",
                (false, false) => "",
            }
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_every_window() {
        // A second is a column in a run of 60 s.
        let bar_of = |windows: &[(u64, u64)]| {
            let instant = |ms: u64| SimTime::START + SimDuration::from_ms(ms);
            let windows = windows.iter().map(|(s, e)| (instant(*s), instant(*e)));
            bar(windows, SimDuration::from_secs(60))
        };
        let dots = |count| ".".repeat(count);
        let one = format!("{}{}{}", dots(20), "#".repeat(10), dots(30));
        assert_eq!(bar_of(&[(20_000, 30_000)]), one);
        let two = format!("#{}##{}#", dots(27), dots(29));
        assert_eq!(bar_of(&[(0, 1), (28_500, 29_001), (59_000, 90_000)]), two);
        // Columns with several windows say how many; the last instant of the run is in it.
        let many: Vec<(u64, u64)> = (0..12).map(|n| (1_000 + n, 1_001 + n)).collect();
        let dense = format!(".+2{}", dots(57));
        assert_eq!(
            bar_of(&[&many[..], &[(2_000, 2_001), (2_500, 3_000)]].concat()),
            dense
        );
        assert_eq!(bar_of(&[(60_000, 61_000)]), dots(60));
    }

    #[test]
    fn a_fault_says_what_happens_to_whom_and_when() {
        let mut fault = FaultLine {
            fault: crate::id::FaultId(0),
            name: "rack-b".into(),
            kind: "host_loss",
            target: "zone:b".into(),
            reach: None,
            trigger: None,
            start_secs: 60.0,
            end_secs: 120.0,
            ends_by_itself: false,
            is_random: false,
            every_secs: None,
        };
        assert_eq!(fault_text(&fault), "host_loss of zone:b, 60 s to 120 s");
        fault.trigger = Some("when queue_depth > 5, for 2 s".into());
        let text = "host_loss of zone:b, when queue_depth > 5, for 2 s";
        assert_eq!(fault_text(&fault), text);
        fault.trigger = None;
        fault.every_secs = Some(30.0);
        let text = "host_loss of zone:b, 60 s to 120 s, every 30 s after it ended";
        assert_eq!(fault_text(&fault), text);
        (fault.kind, fault.every_secs, fault.ends_by_itself) = ("rolling_restart", None, true);
        let text = "rolling_restart of zone:b, 60 s until it is done";
        assert_eq!(fault_text(&fault), text);
    }
}
