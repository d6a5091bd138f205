//! The steady band: which windows are steady, and how long faults keep the service out of it.
//!
//! A window is back in the band when its success ratio is at least that of the steady windows
//! minus 0.1 points and its p99 at most 1.25 times theirs. A window of few requests may be off by
//! chance: it is in the band, too, if one of a hundred steady windows of as many requests has as
//! many failed or slow ones. Steady windows are measured, outside every fault and outside its
//! recovery, which is judged by the band itself. So the band is taken
//! first from the windows before the first fault (from all windows outside faults where those are
//! fewer than five), and then once more from the windows that turn out to be steady.
//!
//! A fault may bite late: at the end of a grace or of a drain, or when a cache runs out. So a
//! return follows the first window that left the band, if any did: one that not one of a hundred
//! faults of that length has by chance among all its windows. What happens once another fault began
//! is not put down to this one; which faults so overlap is told. Where too few windows have
//! arrivals to see a return, and none of them is out of the band, there is nothing to tell.

use std::ops::Range;

use super::histogram::{Samples, rank_of};
use super::overlap::overlapping;
use super::phase::Timeline;
use super::table::FaultCounts;
use super::window::{WindowCell, WindowTable};
use crate::stats::binomial::at_least;
use crate::time::{SimDuration, SimTime};

/// Windows in a row that are evidence of a return.
pub const ROW_COUNT: usize = 5;

/// How much lower than steady the success ratio may be.
pub const SUCCESS_RATIO_SLACK: f64 = 0.001;

/// How much higher than steady the p99 may be.
pub const P99_FACTOR: f64 = 1.25;

/// How likely it must be that steady windows have so many failed or slow requests, or more.
const CHANCE_MIN: f64 = 0.01;

/// The band of steady windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Succeeded over arrived.
    pub success_ratio: f64,
    /// Latency of successes, by nearest rank; None where nothing succeeded.
    pub latency_secs_p99: Option<f64>,
    /// Successes that took longer than the band allows its p99, over successes.
    pub slow_ratio: f64,
    /// Requests that it is known from.
    pub request_count: u64,
}

/// When the service was back in the band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// So long after what is asked about.
    After(SimDuration),
    /// Not before the next window of the fault or the end of the run.
    Never,
    /// There is no band, or fewer windows than a return needs, none of which is out of it.
    Untold,
}

impl Back {
    /// How long it took, if it is known to have come.
    pub fn time(self) -> Option<SimDuration> {
        match self {
            Back::After(time) => Some(time),
            Back::Never | Back::Untold => None,
        }
    }
}

/// What became of one window of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    /// From its start to the band.
    pub mitigation: Back,
    /// From its end to the band; untold where it lasts to the end of the run.
    pub recovery: Back,
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
    /// By fault: the others that were under way, or not returned from, at the same time.
    pub overlaps: Vec<Vec<usize>>,
}

/// The windows, and what does not depend on the band.
struct Run<'a> {
    table: &'a WindowTable,
    cells: &'a [WindowCell],
    timeline: &'a Timeline,
    faults: &'a [FaultCounts],
    measured: (SimTime, SimTime),
}

impl SteadyState {
    /// Judges these windows.
    pub fn new(
        table: &WindowTable,
        cells: &[WindowCell],
        timeline: &Timeline,
        faults: &[FaultCounts],
        measured: (SimTime, SimTime),
    ) -> Self {
        let run = Run {
            table,
            cells,
            timeline,
            faults,
            measured,
        };
        let undisturbed = run.undisturbed();
        let mut state = SteadyState {
            band: run.band(&undisturbed),
            is_steady: undisturbed,
            returns: Vec::new(),
            overlaps: Vec::new(),
        };
        for _round in 0..2 {
            state.returns = run.returns(state.band.as_ref());
            let chosen = std::mem::replace(&mut state.is_steady, run.steady(&state.returns));
            // The band of the same windows is the same band.
            if state.is_steady != chosen && ROW_COUNT <= run.judged_count(&state.is_steady) {
                state.band = run.band(&state.is_steady);
            }
        }
        state.overlaps = overlapping(&run.spans(&state.returns));
        state
    }
}

impl Band {
    /// The band if the next request were a failed and a slow one: what never happened in steady
    /// windows may be seen once in many others.
    fn widened(&self) -> Self {
        let count = self.request_count as f64;
        let with_one = |ratio: f64| (ratio * count + 1.0) / (count + 1.0);
        Band {
            success_ratio: 1.0 - with_one(1.0 - self.success_ratio),
            slow_ratio: with_one(self.slow_ratio),
            ..*self
        }
    }

    /// Whether a window is in the band, or no farther off than steady ones are with probability
    /// `chance_min`; None without arrivals.
    fn is_met(&self, cell: &WindowCell, chance_min: f64) -> Option<bool> {
        (0 < cell.arrived_count).then(|| {
            self.is_met_by_outcomes(cell, chance_min)
                && self.is_met_by_latency(&cell.latency, chance_min)
        })
    }

    fn is_met_by_outcomes(&self, cell: &WindowCell, chance_min: f64) -> bool {
        let (arrived, succeeded) = (cell.arrived_count, cell.succeeded_count());
        let ratio = f64::from(succeeded) / f64::from(arrived);
        let failed_count = u64::from(arrived.saturating_sub(succeeded));
        self.success_ratio - SUCCESS_RATIO_SLACK <= ratio
            || chance_min <= at_least(failed_count, arrived.into(), 1.0 - self.success_ratio)
    }

    fn is_met_by_latency(&self, latency: &Samples, chance_min: f64) -> bool {
        let (Some(own), Some(steady)) = (p99(latency), self.latency_secs_p99) else {
            return true;
        };
        let limit_secs = P99_FACTOR * steady;
        let is_slow_by_chance = || {
            let slow_count = latency.count_above(limit_secs);
            chance_min <= at_least(slow_count, latency.count(), self.slow_ratio)
        };
        own <= limit_secs || is_slow_by_chance()
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
        (0..self.faults.len()).flat_map(|fault| self.timeline.fault_windows(fault))
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
        let p99 = p99(&latency);
        let slow_count = p99.map_or(0, |p99| latency.count_above(P99_FACTOR * p99));
        (0 < arrived_count).then(|| Band {
            success_ratio: succeeded_count as f64 / arrived_count as f64,
            latency_secs_p99: p99,
            slow_ratio: slow_count as f64 / latency.count().max(1) as f64,
            request_count: arrived_count,
        })
    }

    /// The first window of `[from, until)` that left the band, beyond what chance does to one of
    /// so many.
    fn departure(&self, band: &Band, from: SimTime, until: SimTime) -> Option<usize> {
        let width = self.table.width().as_ns();
        let first = (from.as_ns() / width) as usize;
        let last = (until.as_ns().div_ceil(width) as usize).min(self.cells.len());
        let windows = self.cells.get(first..last)?;
        let chance_min = CHANCE_MIN / windows.len().max(1) as f64;
        let band = band.widened();
        let left = |cell: &WindowCell| band.is_met(cell, chance_min) == Some(false);
        Some(first + windows.iter().position(left)?)
    }

    /// For every window, the first one from there on that begins a row in the band. Windows
    /// without arrivals neither count nor break a row.
    fn row_starts(judgements: &[Option<bool>]) -> Vec<Option<usize>> {
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
        if self.faults.is_empty() {
            return Vec::new();
        }
        let judged = band.map(|band| Judged::new(self, *band));
        let back = |at, last, next| match &judged {
            None => Back::Untold,
            Some(judged) => judged.back(at, last, next),
        };
        let run_end = self.measured.1;
        let begun = self.begun();
        let of_fault = |fault: usize| -> Vec<Return> {
            let windows = self.timeline.fault_windows(fault);
            let judge = |(place, (start, end)): (usize, &(SimTime, SimTime))| {
                let next = windows.get(place + 1).map_or(run_end, |(start, _)| *start);
                let stays = run_end <= *end;
                let wasted_at = self.faults[fault].wasted_at.get(place).copied().flatten();
                let last = wasted_at.map_or(*end, |at| at.max(*end)).min(next);
                let later = &begun[begun.partition_point(|(at, _)| at <= start)..];
                let other = later.iter().find(|(at, own)| *own != fault || next <= *at);
                let last = other.map_or(last, |(at, _)| last.min(*at));
                let has_seen = judged.as_ref().is_some_and(|it| it.has_any(*start, *end));
                Return {
                    mitigation: match has_seen {
                        true => back(*start, last, next),
                        false => Back::Untold,
                    },
                    recovery: match stays {
                        true => Back::Untold,
                        false => back(*end, last, next),
                    },
                    stays,
                }
            };
            windows.iter().enumerate().map(judge).collect()
        };
        (0..self.faults.len()).map(of_fault).collect()
    }

    /// When windows of faults begin, with the fault, in order of time.
    fn begun(&self) -> Vec<(SimTime, usize)> {
        let of_fault = |fault| {
            let windows = self.timeline.fault_windows(fault).iter();
            windows.map(move |(start, _)| (*start, fault))
        };
        let mut begun: Vec<_> = (0..self.faults.len()).flat_map(of_fault).collect();
        begun.sort_unstable();
        begun
    }

    /// Measured windows outside every fault and its recovery.
    fn steady(&self, returns: &[Vec<Return>]) -> Vec<bool> {
        let mut is_steady: Vec<bool> = (0..self.cells.len())
            .map(|window| self.is_measured(window))
            .collect();
        let width = self.table.width().as_ns();
        for (start, until) in self.spans(returns).iter().flatten() {
            let first = (start.as_ns() / width) as usize;
            let last = until.as_ns().div_ceil(width) as usize;
            let last = last.min(is_steady.len());
            is_steady[first.min(last)..last].fill(false);
        }
        is_steady
    }

    /// The windows of every fault, each to the return after it, as far as that is known.
    fn spans(&self, returns: &[Vec<Return>]) -> Vec<Vec<(SimTime, SimTime)>> {
        let of_fault = |fault: usize| {
            let windows = self.timeline.fault_windows(fault);
            let span = |(place, (start, end)): (usize, &(SimTime, SimTime))| {
                let next = windows.get(place + 1).map_or(self.measured.1, |(s, _)| *s);
                let until = match returns.get(fault).map(|of_fault| of_fault[place].recovery) {
                    None => *end,
                    Some(Back::After(recovery)) => *end + recovery,
                    Some(Back::Never | Back::Untold) => next,
                };
                (*start, until)
            };
            windows.iter().enumerate().map(span).collect()
        };
        (0..self.faults.len()).map(of_fault).collect()
    }
}

/// The windows against one band.
struct Judged<'a> {
    run: &'a Run<'a>,
    band: Band,
    /// By window: whether it is in the band; None without arrivals.
    is_in: Vec<Option<bool>>,
    row_starts: Vec<Option<usize>>,
}

impl<'a> Judged<'a> {
    fn new(run: &'a Run<'a>, band: Band) -> Self {
        let cells = run.cells.iter();
        let is_in: Vec<_> = cells.map(|cell| band.is_met(cell, CHANCE_MIN)).collect();
        Judged {
            run,
            band,
            row_starts: Run::row_starts(&is_in),
            is_in,
        }
    }

    /// The windows that `[from, until)` touches.
    fn windows(&self, from: SimTime, until: SimTime) -> Range<usize> {
        let width = self.run.table.width().as_ns();
        let last = (until.as_ns().div_ceil(width) as usize).min(self.is_in.len());
        ((from.as_ns() / width) as usize).min(last)..last
    }

    /// Whether any window that `[from, until)` touches has arrivals.
    fn has_any(&self, from: SimTime, until: SimTime) -> bool {
        self.is_in[self.windows(from, until)]
            .iter()
            .any(Option::is_some)
    }

    /// The first row in the band from `at` on that begins before `next`; where the band was left
    /// between `at` and `last`, after that.
    fn back(&self, at: SimTime, last: SimTime, next: SimTime) -> Back {
        let windows = self.windows(at, next);
        let left = self.run.departure(&self.band, at, last);
        let first = left.unwrap_or(windows.start);
        let row = self.row_starts.get(first).copied().flatten();
        match row.filter(|window| self.run.table.start(*window) < next) {
            // What nobody asked of could have been had.
            Some(row) if self.is_in[windows.start..row].iter().all(Option::is_none) => {
                Back::After(SimDuration::ZERO)
            }
            Some(row) => Back::After(self.run.table.start(row).max(at).since(at)),
            None if self.is_in[windows].contains(&Some(false)) => Back::Never,
            None => Back::Untold,
        }
    }
}

/// The p99 by nearest rank, however few the samples: a band is judged by rows of windows.
fn p99(latency: &Samples) -> Option<f64> {
    latency.value_at_rank(rank_of(99.0, latency.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(lengths_ms: &[(u64, u32)]) -> Samples {
        let mut samples = Samples::default();
        for (ms, count) in lengths_ms {
            (0..*count).for_each(|_| samples.record(SimDuration::from_ms(*ms)));
        }
        samples
    }

    fn band(success_ratio: f64, slow_ratio: f64) -> Band {
        Band {
            success_ratio,
            latency_secs_p99: Some(0.1),
            slow_ratio,
            request_count: 9_999,
        }
    }

    #[test]
    fn slow_requests_that_chance_explains_leave_a_window_in_the_band() {
        // Of fifty at 0.4 %: two or more in 1.73 % of windows, three or more in 0.11 %.
        let is_met = |slow_count| {
            let latency = samples(&[(50, 50 - slow_count), (126, slow_count)]);
            band(1.0, 0.004).is_met_by_latency(&latency, CHANCE_MIN)
        };
        assert_eq!([0, 1, 2, 3].map(is_met), [true, true, true, false]);
        // Of 5,000, at most 50 are allowed; 20 are expected, and 33 or more are in 0.5 %.
        let is_met = |slow_count| {
            let latency = samples(&[(50, 5_000 - slow_count), (126, slow_count)]);
            band(1.0, 0.004).is_met_by_latency(&latency, CHANCE_MIN)
        };
        assert_eq!([40, 50, 51].map(is_met), [true, true, false]);
        // Where no steady request is slow, one of fifty is news.
        let latency = samples(&[(50, 49), (126, 1)]);
        assert!(!band(1.0, 0.0).is_met_by_latency(&latency, CHANCE_MIN));
    }

    #[test]
    fn failures_that_chance_explains_leave_a_window_in_the_band() {
        let is_met = |success_ratio, failed_count| {
            let cell = WindowCell {
                arrived_count: 50,
                outcome_counts: [50 - failed_count, 0, 0, failed_count],
                ..WindowCell::default()
            };
            band(success_ratio, 0.0).is_met_by_outcomes(&cell, CHANCE_MIN)
        };
        // One or more of fifty: 4.9 % of windows at 99.9 %, 0.5 % at 99.99 %.
        assert!(is_met(0.999, 1) && !is_met(0.999, 2));
        assert!(is_met(0.9999, 0) && !is_met(0.9999, 1));
    }

    #[test]
    fn of_many_windows_one_may_be_farther_off() {
        // Two or more of fifty at 99.9 %: 0.12 % of windows, but one in 2.4 % of twenty windows.
        let cell = WindowCell {
            arrived_count: 50,
            outcome_counts: [48, 0, 0, 2],
            ..WindowCell::default()
        };
        let is_met = |chance_min| band(0.999, 0.0).is_met(&cell, chance_min);
        assert_eq!(is_met(CHANCE_MIN), Some(false));
        assert_eq!(is_met(CHANCE_MIN / 20.0), Some(true));
        // One more than none in 9,999 is one in 10,000.
        let widened = band(1.0, 0.0).widened();
        assert!((1.0 - widened.success_ratio - 1e-4).abs() < 1e-12);
        assert_eq!(widened.slow_ratio, 1e-4);
    }

    #[test]
    fn the_band_knows_how_many_steady_requests_are_slow() {
        let latency = samples(&[(100, 995), (200, 5)]);
        assert_eq!(latency.count_above(0.125), 5);
        assert_eq!(
            (latency.count_above(0.2), latency.count_above(0.0)),
            (0, 1_000)
        );
    }
}
