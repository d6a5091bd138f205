//! Requests and calls of any part of a run, put together from the tables.

use super::data::request::RequestStats;
use super::request::{RequestCell, RequestScope, ratio};
use super::table::Tables;
use super::window::WindowCell;
use crate::id::{ClientId, EdgeId};
use crate::scenario::Scenario;

/// Requests that arrived in steady windows.
#[derive(Clone, Debug, Default)]
pub struct SteadyRequests {
    /// Everything but the time to other outcomes than success.
    pub cell: RequestCell,
    /// Length of these windows.
    pub length_secs: f64,
}

impl SteadyRequests {
    /// The steady windows of one client, or of all.
    pub fn new(tables: &Tables, client: Option<usize>) -> Self {
        Self::of_windows(tables, &tables.windows.pooled(client))
    }

    /// The steady ones of these windows.
    pub fn of_windows(tables: &Tables, windows: &[WindowCell]) -> Self {
        let mut sum = SteadyRequests::default();
        let Some(steady) = &tables.steady else {
            return sum;
        };
        let width_secs = tables.windows.width().as_secs_f64();
        for (cell, _) in windows.iter().zip(&steady.is_steady).filter(|(_, s)| **s) {
            sum.cell.arrived_count += u64::from(cell.arrived_count);
            let totals = sum.cell.outcome_counts.iter_mut();
            for (total, count) in totals.zip(cell.outcome_counts) {
                *total += u64::from(count);
            }
            sum.cell.call_count += u64::from(cell.call_count);
            sum.cell.attempt_count += u64::from(cell.attempt_count);
            sum.cell.retry_count += u64::from(cell.retry_count);
            sum.cell.retried_count += u64::from(cell.retried_count);
            sum.cell.latency.merge(&cell.latency);
            sum.length_secs += width_secs;
        }
        sum
    }

    /// The usual numbers.
    pub fn stats(&self) -> RequestStats {
        self.cell.stats(self.length_secs)
    }
}

/// Share of the windows with arrivals, wholly inside these classes, whose success ratio reaches the
/// objective of the scenario; None without such windows.
pub fn window_availability(
    tables: &Tables,
    scenario: &Scenario,
    windows: &[WindowCell],
    classes: &[u16],
) -> Option<f64> {
    let table = &tables.windows;
    let is_inside = |window: usize| {
        let (start, end) = (table.start(window), table.start(window + 1));
        tables.timeline.is_inside(start, end, classes)
    };
    let (mut judged_count, mut available_count) = (0, 0);
    for (window, cell) in windows.iter().enumerate() {
        if 0 < cell.arrived_count && is_inside(window) {
            let ratio = f64::from(cell.succeeded_count()) / f64::from(cell.arrived_count);
            judged_count += 1;
            available_count += u64::from(scenario.availability_objective_ratio <= ratio);
        }
    }
    ratio(available_count, judged_count)
}

/// Calls of an edge that started in these classes.
pub fn call_cell(tables: &Tables, edge: EdgeId, classes: &[u16]) -> RequestCell {
    if let Some(client) = tables.calls.alias_clients[edge.index()] {
        let scope = RequestScope {
            client: Some(ClientId::from_index(client)),
            zone: None,
        };
        return tables.requests.pooled(scope, classes);
    }
    let class_count = tables.calls.cells.len() / tables.calls.alias_clients.len();
    let mut sum = RequestCell::default();
    for class in classes {
        sum.merge(&tables.calls.cells[edge.index() * class_count + *class as usize]);
    }
    sum
}
