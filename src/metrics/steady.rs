//! The steady band: which windows are steady, and how long faults keep the service out of it.
//!
//! A window is back in the band when its success ratio is at least that of the steady windows
//! minus 0.1 points and its p99 at most 1.25 times theirs. Steady windows are measured, outside
//! every fault and outside its recovery, which is judged by the band itself. So the band is taken
//! first from the windows before the first fault (from all windows outside faults where those are
//! fewer than five), and then once more from the windows that turn out to be steady.

use super::histogram::{Samples, rank_of};
use super::phase::Timeline;
use super::window::{WindowCell, WindowTable};
use crate::time::{SimDuration, SimTime};

/// Windows in a row that are evidence of a return.
pub const ROW_COUNT: usize = 5;

/// How much lower than steady the success ratio may be.
pub const SUCCESS_RATIO_SLACK: f64 = 0.001;

/// How much higher than steady the p99 may be.
pub const P99_FACTOR: f64 = 1.25;

/// The band of steady windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Succeeded over arrived.
    pub success_ratio: f64,
    /// Latency of successes, by nearest rank; None where nothing succeeded.
    pub latency_secs_p99: Option<f64>,
}

/// What became of one window of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    /// From its start to the band.
    pub mitigation: Option<SimDuration>,
    /// From its end to the band; None also where the run ends first.
    pub recovery: Option<SimDuration>,
    /// The fault stays to the end of the run, so that there is no recovery to wait for.
    pub stays: bool,
}

/// The windows of a run against their steady band.
#[derive(Clone, Debug)]
pub struct SteadyState {
    /// By window of the series.
    pub is_steady: Vec<bool>,
    /// None where there is no steady window with arrivals.
    pub band: Option<Band>,
    /// By fault, then window of the fault.
    pub returns: Vec<Vec<Return>>,
}

/// The windows, and what does not depend on the band.
struct Run<'a> {
    table: &'a WindowTable,
    cells: &'a [WindowCell],
    timeline: &'a Timeline,
    fault_count: usize,
    measured: (SimTime, SimTime),
}

impl SteadyState {
    /// Judges these windows.
    pub fn new(
        table: &WindowTable,
        cells: &[WindowCell],
        timeline: &Timeline,
        fault_count: usize,
        measured: (SimTime, SimTime),
    ) -> Self {
        let run = Run {
            table,
            cells,
            timeline,
            fault_count,
            measured,
        };
        let undisturbed = run.undisturbed();
        let mut state = SteadyState {
            band: run.band(&undisturbed),
            is_steady: undisturbed,
            returns: Vec::new(),
        };
        for _round in 0..2 {
            state.returns = run.returns(state.band.as_ref());
            let chosen = std::mem::replace(&mut state.is_steady, run.steady(&state.returns));
            // The band of the same windows is the same band.
            if state.is_steady != chosen && ROW_COUNT <= run.judged_count(&state.is_steady) {
                state.band = run.band(&state.is_steady);
            }
        }
        state
    }
}

impl Run<'_> {
    fn end(&self, window: usize) -> SimTime {
        self.table.start(window + 1)
    }

    fn is_measured(&self, window: usize) -> bool {
        self.measured.0 <= self.table.start(window) && self.end(window) <= self.measured.1
    }

    fn fault_windows(&self) -> impl Iterator<Item = &(SimTime, SimTime)> {
        (0..self.fault_count).flat_map(|fault| self.timeline.fault_windows(fault))
    }

    /// Windows before the first fault, or all outside faults where those are too few.
    fn undisturbed(&self) -> Vec<bool> {
        let first = self.fault_windows().map(|(start, _)| *start).min();
        let first = first.unwrap_or(SimTime::NEVER);
        let before: Vec<bool> = (0..self.cells.len())
            .map(|window| self.is_measured(window) && self.end(window) <= first)
            .collect();
        if ROW_COUNT <= self.judged_count(&before) {
            return before;
        }
        self.steady(&[])
    }

    /// Windows with arrivals among these.
    fn judged_count(&self, chosen: &[bool]) -> usize {
        let cells = self.cells.iter().zip(chosen);
        cells
            .filter(|(cell, is_in)| **is_in && 0 < cell.arrived_count)
            .count()
    }

    fn band(&self, chosen: &[bool]) -> Option<Band> {
        let mut arrived_count = 0u64;
        let mut succeeded_count = 0u64;
        let mut latency = Samples::default();
        for (cell, _) in self.cells.iter().zip(chosen).filter(|(_, is_in)| **is_in) {
            arrived_count += u64::from(cell.arrived_count);
            succeeded_count += u64::from(cell.succeeded_count());
            latency.merge(&cell.latency);
        }
        (0 < arrived_count).then(|| Band {
            success_ratio: succeeded_count as f64 / arrived_count as f64,
            latency_secs_p99: p99(&latency),
        })
    }

    /// For every window, whether it is in the band; None without arrivals.
    fn judgements(&self, band: &Band) -> Vec<Option<bool>> {
        let judge = |cell: &WindowCell| {
            if cell.arrived_count == 0 {
                return None;
            }
            let ratio = f64::from(cell.succeeded_count()) / f64::from(cell.arrived_count);
            let is_fast = match (p99(&cell.latency), band.latency_secs_p99) {
                (Some(p99), Some(steady)) => p99 <= P99_FACTOR * steady,
                (None, _) | (_, None) => true,
            };
            Some(band.success_ratio - SUCCESS_RATIO_SLACK <= ratio && is_fast)
        };
        self.cells.iter().map(judge).collect()
    }

    /// For every window, the first one from there on that begins a row in the band. Windows
    /// without arrivals neither count nor break a row.
    fn row_starts(&self, band: &Band) -> Vec<Option<usize>> {
        let judgements = self.judgements(band);
        let mut starts = vec![None; judgements.len()];
        let (mut row_count, mut next) = (0, None);
        for window in (0..judgements.len()).rev() {
            match judgements[window] {
                Some(true) => row_count += 1,
                Some(false) => row_count = 0,
                None => {}
            }
            if judgements[window] == Some(true) && ROW_COUNT <= row_count {
                next = Some(window);
            }
            starts[window] = next;
        }
        starts
    }

    fn returns(&self, band: Option<&Band>) -> Vec<Vec<Return>> {
        if self.fault_count == 0 {
            return Vec::new();
        }
        let starts = band.map(|band| self.row_starts(band)).unwrap_or_default();
        let width = self.table.width().as_ns();
        let return_after = |at: SimTime, until: SimTime| {
            let window = (at.as_ns() / width) as usize;
            let found = self.table.start((*starts.get(window)?)?);
            (found < until).then(|| found.max(at).since(at))
        };
        let run_end = self.measured.1;
        let of_fault = |fault: usize| -> Vec<Return> {
            let windows = self.timeline.fault_windows(fault);
            let judge = |(place, (start, end)): (usize, &(SimTime, SimTime))| {
                let next = windows.get(place + 1).map_or(run_end, |(start, _)| *start);
                let stays = run_end <= *end;
                Return {
                    mitigation: return_after(*start, next),
                    recovery: if stays {
                        None
                    } else {
                        return_after(*end, next)
                    },
                    stays,
                }
            };
            windows.iter().enumerate().map(judge).collect()
        };
        (0..self.fault_count).map(of_fault).collect()
    }

    /// Measured windows outside every fault and its recovery.
    fn steady(&self, returns: &[Vec<Return>]) -> Vec<bool> {
        let mut is_steady: Vec<bool> = (0..self.cells.len())
            .map(|window| self.is_measured(window))
            .collect();
        let width = self.table.width().as_ns();
        for fault in 0..self.fault_count {
            let windows = self.timeline.fault_windows(fault);
            for (place, (start, end)) in windows.iter().enumerate() {
                let next = windows.get(place + 1).map_or(self.measured.1, |(s, _)| *s);
                let until = match returns.get(fault).map(|of_fault| of_fault[place].recovery) {
                    None => *end,
                    Some(Some(recovery)) => *end + recovery,
                    Some(None) => next,
                };
                let first = (start.as_ns() / width) as usize;
                let last = until.as_ns().div_ceil(width) as usize;
                let last = last.min(is_steady.len());
                is_steady[first.min(last)..last].fill(false);
            }
        }
        is_steady
    }
}

/// The p99 by nearest rank, however few the samples: a band is judged by rows of windows.
fn p99(latency: &Samples) -> Option<f64> {
    latency.value_at_rank(rank_of(99.0, latency.count()))
}
