//! The answer of a report: the verdict, and what the pictures and the numbers say in a sentence.

use super::PageInput;
use crate::chart::picture::Picture;
use crate::metrics::data::fault::FaultMetrics;
use crate::metrics::data::request::{ClientMetrics, PhaseKind};
use crate::metrics::evaluate::VerdictState;
use crate::report::format;
use crate::report::pictures::RunView;
use crate::report::pictures::requests::success_text;
use crate::report::pictures::worst::{by_harm, missing_ratio};

/// What is said of several replications.
const FIRST_ONLY: &str = "What follows is of the first replication; what all of them say together \
                          stands under Replications.";

/// Clients that are named.
const CLIENT_COUNT_MAX: usize = 4;

/// The verdict, then what the pictures say.
pub fn findings(input: &PageInput) -> Vec<String> {
    let all = input.expectations.len();
    let names = |state| {
        let lines = input.expectations.iter().filter(|it| it.state == state);
        lines.map(|line| line.name.as_str()).collect::<Vec<_>>()
    };
    let (failed, undecided) = (names(VerdictState::Failed), names(VerdictState::Undecided));
    let verdict = match (all, failed.len() + undecided.len()) {
        (0, _) => "The scenario states no expectation.".to_string(),
        (1, 0) => "The expectation held.".to_string(),
        (2, 0) => "Both expectations held.".to_string(),
        (_, 0) => format!("All {all} expectations held."),
        (_, count) => {
            let told = [("failed", failed), ("undecided", undecided)];
            let told = told.iter().filter(|(_, names)| !names.is_empty());
            let told: Vec<_> = told
                .map(|(verdict, names)| format!("{verdict}: {}", names.join(", ")))
                .collect();
            let held = all - count;
            format!("{held} of {all} expectations held; {}.", told.join("; "))
        }
    };
    let told = ["latency", "requests", "heartbeats", "ring", "load"];
    let latency = input.pictures.iter().find(|it| it.name == "latency");
    let all_succeeded = all_succeeded(input.run);
    let is_said =
        all_succeeded.is_some_and(|text| latency.is_some_and(|it| it.title().contains(&text)));
    let is_told = |picture: &&Picture| {
        let is_again = is_said && picture.name == "requests";
        !is_again && told.iter().any(|name| picture.name.starts_with(name))
    };
    let titles = input
        .pictures
        .iter()
        .filter(is_told)
        .map(|picture| format!("{}.", picture.title().trim_end_matches('.')));
    let metrics = input.run.metrics;
    let is_first = !input.means.is_empty();
    let basis = is_first.then(|| FIRST_ONLY.to_string());
    let lasting = metrics.faults.iter().filter_map(lasting_harm);
    [verdict]
        .into_iter()
        .chain(basis)
        .chain(titles)
        .chain(by_client(input.run))
        .chain(lasting)
        .collect()
}

/// How it is said that all requests of the run succeeded, if they did.
fn all_succeeded(run: RunView) -> Option<String> {
    let whole = run.phase(PhaseKind::Whole)?;
    (whole.stats.success_ratio == Some(1.0)).then(|| success_text(&whole.stats))
}

/// Says so where the service did not return to its steady state after a fault.
fn lasting_harm(fault: &FaultMetrics) -> Option<String> {
    let (name, recovery) = (&fault.fault, &fault.recovery);
    let window_count =
        recovery.reached_secs.len() as u64 + recovery.not_reached_count + recovery.untold_count;
    match recovery.not_reached_count {
        0 => None,
        count if count == window_count => Some(format!(
            "After {name} the service did not come back to its steady state within the run."
        )),
        count => Some(format!(
            "After {} of {} windows of {name} the service did not come back to its steady state \
             before the next one.",
            format::count(count),
            format::count(window_count)
        )),
    }
}

/// What each client had, the worst one first, where one of several missed the objective.
fn by_client(run: RunView) -> Option<String> {
    let objective_ratio = run.scenario.availability_objective_ratio;
    let clients = run.metrics.requests.clients.iter();
    let mut asked: Vec<&ClientMetrics> = clients.filter(|it| 0 < it.stats.arrived_count).collect();
    asked.sort_by(|a, b| by_harm(objective_ratio, &b.stats, &a.stats));
    let worst = asked.first().filter(|_| 1 < asked.len())?;
    let told =
        |client: &&ClientMetrics| format!("{}: {}", client.client, success_text(&client.stats));
    let texts: Vec<String> = asked.iter().take(CLIENT_COUNT_MAX).map(told).collect();
    let rest = match asked.len() - texts.len() {
        0 => String::new(),
        count => format!("; and {} more", format::count(count as u64)),
    };
    let misses = 0.0 < missing_ratio(objective_ratio, &worst.stats);
    misses.then(|| format!("By client, {}{rest}.", texts.join("; ")))
}
