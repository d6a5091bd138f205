//! Pictures of availability, and of how a change travels.

use super::{RunView, file_name, worst};
use crate::chart::nines::{Nines, NinesRow};
use crate::chart::panels::{Panel, PanelLine, PanelMark, Panels};
use crate::chart::picture::Picture;
use crate::chart::stages::{Stage, Stages};
use crate::metrics::data::distribution::DurationStats;
use crate::metrics::data::fault::FaultMetrics;
use crate::metrics::data::request::PhaseKind;
use crate::metrics::data::series::RequestWindow;
use crate::report::format;
use crate::stats::binomial::wilson_interval;

/// Normal quantile of an interval of 95 %.
const Z_95: f64 = 1.96;
/// Rows of the chart of nines.
const PHASE_COUNT_MAX: usize = 20;
/// Faults whose stages are drawn.
const FAULT_COUNT_MAX: usize = 4;
/// Burn rates at which the SRE workbook pages (for 1 h and 6 h) and opens a ticket (for 3 days).
const BURN_RATES: [(f64, &str); 3] = [
    (14.4, "14.4 ×: page within 1 h"),
    (6.0, "6 ×: page within 6 h"),
    (1.0, "1 ×: budget used up at its end"),
];

/// Success by part of the run; None where nothing arrived.
pub fn nines(run: RunView) -> Option<Nines> {
    let phases = run.metrics.requests.phases.iter();
    let rows = phases.filter_map(|phase| {
        let stats = &phase.stats;
        let (count, arrived) = (stats.succeeded_count, stats.arrived_count);
        let row = NinesRow {
            label: phase.label.clone(),
            ratio: stats.success_ratio?,
            interval: wilson_interval(count, arrived, Z_95)?,
            count: arrived,
        };
        Some((phase.kind, row))
    });
    let rows: Vec<(PhaseKind, NinesRow)> = rows.collect();
    let row_count = rows.len();
    let rows = worst::shown(
        rows,
        PHASE_COUNT_MAX,
        |(kind, _)| worst::is_reference(*kind),
        |a, b| b.1.ratio.total_cmp(&a.1.ratio),
    );
    let title = nines_title(&rows)?;
    let left_out = match row_count - rows.len() {
        0 => String::new(),
        count => {
            let is_reference_or_full = |(kind, row): &(PhaseKind, NinesRow)| {
                worst::is_reference(*kind) || row.ratio == 1.0
            };
            let are = if count == 1 { "part is" } else { "parts are" };
            let shares = match rows.iter().all(is_reference_or_full) {
                true => "in which every request succeeded, like those shown",
                false => "of faults whose shares are not smaller than those shown",
            };
            format!(" {} {are} left out, {shares}.", format::count(count as u64))
        }
    };
    let subtitle = format!(
        "Requests that succeeded within their deadline over requests that arrived, by part of the \
         run.{left_out}"
    );
    Some(Nines {
        caption: run.caption(title, &subtitle),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        objective: Some(run.scenario.availability_objective_ratio),
        interval_name: "95 % interval (Wilson), as if requests failed independently".to_string(),
    })
}

/// Where the least succeeded; None where nothing arrived.
fn nines_title(rows: &[(PhaseKind, NinesRow)]) -> Option<String> {
    let worst = rows.iter().min_by(|a, b| a.1.ratio.total_cmp(&b.1.ratio))?;
    let is_alike = rows.iter().all(|(_, row)| row.ratio == worst.1.ratio);
    Some(match (worst.1.ratio, is_alike) {
        (1.0, _) => "Every request succeeded in every part of the run".to_string(),
        (ratio, true) => format!(
            "{} of the requests succeeded{}",
            format::ratio(ratio),
            if rows.len() == 1 {
                ""
            } else {
                ", in every part of the run"
            }
        ),
        (ratio, false) => format!(
            "{} of the requests succeeded {}, the least of all parts",
            format::ratio(ratio),
            match worst.0 {
                PhaseKind::Whole => "in the whole run",
                PhaseKind::Steady => "when steady",
                _ => worst.1.label.as_str(),
            }
        ),
    })
}

/// The error budget of the run over time; None where everything succeeded.
pub fn budget(run: RunView) -> Option<Panels> {
    let objective = run.scenario.availability_objective_ratio;
    let measured: Vec<(&RequestWindow, f64)> = run
        .windows()
        .filter(|(window, _)| run.metrics.measured_start_secs <= window.start_secs)
        .collect();
    let arrived = |window: &RequestWindow| f64::from(window.arrived_count);
    let lost = |window: &RequestWindow| arrived(window) - f64::from(window.succeeded_count);
    let allowed = measured
        .iter()
        .map(|(window, _)| arrived(window))
        .sum::<f64>()
        * (1.0 - objective);
    let lost_in_all: f64 = measured.iter().map(|(window, _)| lost(window)).sum();
    if lost_in_all == 0.0 || allowed <= 0.0 {
        return None;
    }
    let mut left = 1.0;
    let mut lefts = Vec::new();
    let mut rates = Vec::new();
    for (window, _) in &measured {
        left -= lost(window) / allowed;
        lefts.push(Some(left));
        let due = arrived(window) * (1.0 - objective);
        rates.push((0.0 < due).then(|| lost(window) / due));
    }
    let peak = rates.iter().flatten().copied().fold(0.0, f64::max);
    let spent = match 1.0 - left {
        spent if spent <= 2.0 => format!("{} of", format::ratio(spent)),
        spent => format!("{} times", format::number(spent)),
    };
    let title = format!(
        "The run used {spent} its error budget; the fastest window burnt {} times as fast as \
         allowed",
        format::number(peak)
    );
    let subtitle = format!(
        "Budget: the {} of the requests of this run that may fail at an objective of {}. Burn \
         rate 1 uses it up just at the end.",
        format::ratio(1.0 - objective),
        format::ratio(objective)
    );
    let windows = measured
        .iter()
        .map(|(window, end)| (window.start_secs, *end));
    Some(Panels {
        caption: run.caption(title, &subtitle),
        timeline: run.timeline(),
        windows: windows.collect(),
        panels: budget_panels(lefts, rates, peak),
    })
}

/// What is left of a budget, above how fast it burns.
fn budget_panels(lefts: Vec<Option<f64>>, rates: Vec<Option<f64>>, rate_max: f64) -> Vec<Panel> {
    let panel = |name: &str, label: &str, values, marks, is_ratio| Panel {
        name: name.to_string(),
        is_ratio,
        lines: vec![PanelLine {
            label: label.to_string(),
            values,
        }],
        marks,
    };
    // Lines far above what happened would hide it.
    let marks = BURN_RATES
        .into_iter()
        .filter(|(rate, _)| *rate <= rate_max * 3.0);
    let marks = marks.map(|(value, label)| PanelMark {
        label: label.to_string(),
        value,
    });
    let burn = "burn rate (times what is allowed)";
    let is_overdrawn = lefts.iter().flatten().any(|left| *left < -1.0);
    let budget = match is_overdrawn {
        true => "budget left (what is below −100 % lies on the edge)",
        false => "budget left",
    };
    vec![
        panel(budget, "left", lefts, Vec::new(), true),
        panel(burn, "burn", rates, marks.collect(), false),
    ]
}

/// How callers came to know of what faults took down, one picture for each of the slowest faults.
pub fn propagations(run: RunView) -> Vec<Picture> {
    let slowest_secs = |fault: &FaultMetrics| fault.exclusion.total.max_secs;
    let faults = run.metrics.faults.iter();
    let told: Vec<&FaultMetrics> = faults.filter(|it| slowest_secs(it).is_some()).collect();
    let note = match told.len() {
        0..=FAULT_COUNT_MAX => String::new(),
        count => format!(" The slowest {FAULT_COUNT_MAX} of {count} faults have a picture."),
    };
    let by_slowest = |a: &&FaultMetrics, b: &&FaultMetrics| {
        let secs = |fault: &FaultMetrics| slowest_secs(fault).unwrap_or(0.0);
        secs(a).total_cmp(&secs(b))
    };
    let told = worst::shown(told, FAULT_COUNT_MAX, |_| false, by_slowest).into_iter();
    let pictures = told.filter_map(|fault| {
        let chart = propagation(run, fault, &note)?;
        Some(Picture::new(
            &file_name(&["propagation", &fault.fault]),
            chart,
        ))
    });
    pictures.collect()
}

fn propagation(run: RunView, fault: &FaultMetrics, note: &str) -> Option<Stages> {
    let exclusion = &fault.exclusion;
    let (total_mean, total_max) = (exclusion.total.mean_secs?, exclusion.total.max_secs?);
    let mut start_secs = 0.0;
    let mut stages = Vec::new();
    for (label, stats) in [
        ("the registry suspects", &exclusion.detection),
        ("it publishes a list", &exclusion.publication),
        ("the list reaches callers", &exclusion.propagation),
    ] {
        let Some(stage) = stage(label, start_secs, stats) else {
            continue;
        };
        start_secs += stage.mean_secs;
        stages.push(stage);
    }
    stages.extend(stage("all, until a caller stops", 0.0, &exclusion.total));
    let took = match fault.down_count {
        0 => "removed",
        _ => "took down",
    };
    let title = format!(
        "Callers stopped using what {} {took} after {} on average, the last one after {}",
        fault.fault,
        format::secs(total_mean),
        format::secs(total_max)
    );
    let left = match exclusion.not_excluded_count {
        0 => String::new(),
        count => format!(" {} pairs never did.", format::count(count)),
    };
    let subtitle = format!(
        "From the failure or exit of an instance to the last caller without it, by stage; one \
         sample for each caller and instance.{left}{note}"
    );
    Some(Stages {
        caption: run.caption(title, &subtitle),
        stages,
    })
}

fn stage(label: &str, start_secs: f64, stats: &DurationStats) -> Option<Stage> {
    Some(Stage {
        label: label.to_string(),
        start_secs,
        mean_secs: stats.mean_secs?,
        range_secs: (stats.min_secs?, stats.max_secs?),
        count: stats.sample_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_slowest_faults_have_a_picture_of_how_callers_learnt() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        let fault = metrics.faults[0].clone();
        let slowest = [("a", 3.0), ("b", 1.0), ("c", 4.0), ("d", 2.0), ("e", 9.0)];
        let fault = slowest.map(|(name, max_secs)| {
            let mut fault = fault.clone();
            fault.fault = name.into();
            fault.exclusion.total.mean_secs = Some(0.5);
            fault.exclusion.total.max_secs = Some(max_secs);
            fault
        });
        metrics.faults = fault.to_vec();
        let pictures = propagations(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        let names: Vec<&str> = pictures.iter().map(|it| it.name.as_str()).collect();
        let expected = ["a", "c", "d", "e"].map(|name| format!("propagation-{name}"));
        assert_eq!(names, expected);
    }

    #[test]
    fn the_worst_part_of_many_is_among_the_rows() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        let phases = &mut metrics.requests.phases;
        phases[2].stats.success_ratio = Some(1.0);
        let during = phases[2].clone();
        // With the whole run, the steady rest and rack-b 28 parts; the last one is the worst.
        for place in 0..25 {
            let mut phase = during.clone();
            phase.label = format!("during fault-{place}");
            phases.push(phase);
        }
        phases[27].stats.success_ratio = Some(0.25);
        let chart = nines(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        let chart = chart.expect("requests arrived");
        assert_eq!(
            chart.caption.title,
            "25.00 % of the requests succeeded during fault-24, the least of all parts"
        );
        let labels: Vec<&str> = chart.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels.len(), PHASE_COUNT_MAX);
        assert_eq!(labels[..3], ["whole run", "steady", "during rack-b"]);
        assert_eq!(labels[19], "during fault-24");
        let subtitle = &chart.caption.subtitle;
        assert!(subtitle.contains(" 8 parts are left out"), "{subtitle}");
    }
}
