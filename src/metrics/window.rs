//! Requests by window of their arrival, and control messages by window.

use std::borrow::Cow;

use super::control::KINDS;
use super::data::series::RequestWindow;
use super::histogram::Samples;
use super::request::BegunCounts;
use crate::id::ClientId;
use crate::model::observation::{ControlKind, Outcome};
use crate::time::{SimDuration, SimTime};

/// Requests of one client that arrived in one window.
#[derive(Clone, Debug, Default)]
pub struct WindowCell {
    /// Arrived.
    pub arrived_count: u32,
    /// By outcome, in the order of [`Outcome`].
    pub outcome_counts: [u32; 4],
    /// Calls that began in the window.
    pub call_count: u32,
    /// Attempts sent in the window.
    pub attempt_count: u32,
    /// Of these, attempts after the first one of each call.
    pub retry_count: u32,
    /// Of these, second attempts.
    pub retried_count: u32,
    /// Latency of successes.
    pub latency: Samples,
}

/// The windows of a run up to the end of its measured window.
#[derive(Clone, Debug, Default)]
pub struct WindowTable {
    width: SimDuration,
    /// By client, then window.
    clients: Vec<Vec<WindowCell>>,
    /// By kind, then window.
    control: Vec<Vec<u32>>,
    /// The window that holds the present.
    open: usize,
    /// What was begun up to its start, by client.
    begun_before: Vec<BegunCounts>,
    /// The window that was used last, its start and its end.
    last: (usize, SimTime, SimTime),
}

impl WindowCell {
    fn begin(&mut self, begun: &BegunCounts) {
        let of = |count: u64| u32::try_from(count).expect("a window holds fewer than 2^32 facts");
        self.arrived_count = of(begun.arrived_count);
        self.call_count = of(begun.call_count());
        self.attempt_count = of(begun.attempt_count);
        self.retry_count = of(begun.retry_count);
        self.retried_count = of(begun.retried_count);
    }

    /// Adds another cell.
    pub fn merge(&mut self, other: &Self) {
        self.arrived_count += other.arrived_count;
        for (sum, count) in self.outcome_counts.iter_mut().zip(other.outcome_counts) {
            *sum += count;
        }
        self.call_count += other.call_count;
        self.attempt_count += other.attempt_count;
        self.retry_count += other.retry_count;
        self.retried_count += other.retried_count;
        self.latency.merge(&other.latency);
    }

    /// Succeeded requests.
    pub fn succeeded_count(&self) -> u32 {
        self.outcome_counts[Outcome::Success as usize]
    }

    /// As a row of the series.
    pub fn row(&self, start_secs: f64) -> RequestWindow {
        let [
            succeeded_count,
            failed_count,
            timed_out_count,
            rejected_count,
        ] = self.outcome_counts;
        let ms = |percent| self.latency.percentile(percent).value_secs.map(|s| s * 1e3);
        RequestWindow {
            start_secs,
            arrived_count: self.arrived_count,
            succeeded_count,
            failed_count,
            timed_out_count,
            rejected_count,
            call_count: self.call_count,
            attempt_count: self.attempt_count,
            retry_count: self.retry_count,
            latency_ms_mean: self.latency.mean_secs().map(|s| s * 1e3),
            latency_ms_p50: ms(50.0),
            latency_ms_p90: ms(90.0),
            latency_ms_p99: ms(99.0),
            latency_ms_p999: ms(99.9),
            latency_ms_max: self.latency.max_secs().map(|s| s * 1e3),
        }
    }
}

impl WindowTable {
    /// `window_count` windows of `width` for each of `client_count` clients.
    pub fn new(width: SimDuration, window_count: usize, client_count: usize) -> Self {
        WindowTable {
            width,
            clients: vec![vec![WindowCell::default(); window_count]; client_count],
            control: vec![Vec::new(); KINDS.len()],
            open: 0,
            begun_before: vec![BegunCounts::default(); client_count],
            last: (0, SimTime::START, SimTime::START + width),
        }
    }

    /// Empty windows of the same width, by `series_count` other series.
    pub fn empty_like(&self, series_count: usize) -> Self {
        WindowTable {
            width: self.width,
            clients: vec![vec![WindowCell::default(); self.count()]; series_count],
            control: Vec::new(),
            open: 0,
            begun_before: Vec::new(),
            last: self.last,
        }
    }

    /// Width of the windows.
    pub fn width(&self) -> SimDuration {
        self.width
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.clients.first().map_or(0, Vec::len)
    }

    /// Start of a window.
    pub fn start(&self, window: usize) -> SimTime {
        SimTime::START + self.width.saturating_mul(window as u64)
    }

    /// End of the window that is open; None past the last one.
    pub fn open_end(&self) -> Option<SimTime> {
        (self.open < self.count()).then(|| self.start(self.open + 1))
    }

    /// Closes the open window, if there is one, at what was begun for each client up to now.
    pub fn cut<'a>(&mut self, begun: impl Iterator<Item = (ClientId, &'a BegunCounts)>) {
        let before = std::mem::take(&mut self.begun_before);
        self.begun_before = vec![BegunCounts::default(); before.len()];
        for (client, counts) in begun {
            self.begun_before[client.index()].add(counts);
        }
        let clients = self.clients.iter_mut().zip(&self.begun_before);
        for ((windows, until_now), before) in clients.zip(&before) {
            if let Some(cell) = windows.get_mut(self.open) {
                cell.begin(&until_now.since(before));
            }
        }
        self.open += 1;
    }

    /// A request of a series that is never cut arrived.
    pub fn arrive(&mut self, at: SimTime, series: usize) {
        let window = self.window_of(at);
        if let Some(cell) = self.clients[series].get_mut(window) {
            cell.arrived_count += 1;
            cell.call_count += 1;
        }
    }

    /// A request of a series that is never cut goes on to its next call.
    pub fn begin_call(&mut self, at: SimTime, series: usize) {
        let window = self.window_of(at);
        if let Some(cell) = self.clients[series].get_mut(window) {
            cell.call_count += 1;
        }
    }

    /// An attempt for a request of a series that is never cut was sent.
    pub fn send(&mut self, at: SimTime, series: usize, attempt_index: u32) {
        let window = self.window_of(at);
        if let Some(cell) = self.clients[series].get_mut(window) {
            cell.attempt_count += 1;
            cell.retry_count += u32::from(0 < attempt_index);
            cell.retried_count += u32::from(attempt_index == 1);
        }
    }

    /// The attempt of a series that is never cut that was sent last is no retry.
    pub fn take_back_retry(&mut self, series: usize, attempt_index: u32) {
        let window = self.last.0;
        if let Some(cell) = self.clients[series].get_mut(window) {
            cell.retry_count -= 1;
            cell.retried_count -= u32::from(attempt_index == 1);
        }
    }

    /// A request has its outcome.
    #[inline(always)]
    pub fn end(
        &mut self,
        arrived_at: SimTime,
        client: usize,
        latency: SimDuration,
        outcome: Outcome,
    ) {
        let window = self.window_of(arrived_at);
        let Some(cell) = self.clients[client].get_mut(window) else {
            return;
        };
        cell.outcome_counts[outcome as usize] += 1;
        if outcome == Outcome::Success {
            cell.latency.record(latency);
        }
    }

    /// A control message was sent, in the window that is open.
    #[inline]
    pub fn control(&mut self, kind: ControlKind) {
        match self.control[kind as usize].get_mut(self.open) {
            Some(count) => *count += 1,
            None => self.control_first(kind),
        }
    }

    /// The first one of a kind, or one past the last window.
    #[cold]
    fn control_first(&mut self, kind: ControlKind) {
        let count = self.count();
        if self.open < count {
            let windows = &mut self.control[kind as usize];
            windows.resize(count, 0);
            windows[self.open] += 1;
        }
    }

    /// Messages of a kind by window; empty where none was sent.
    pub fn control_counts(&self, kind: ControlKind) -> &[u32] {
        &self.control[kind as usize]
    }

    /// The windows of one client.
    pub fn client(&self, client: usize) -> &[WindowCell] {
        &self.clients[client]
    }

    /// The windows of one client, or of all together.
    pub fn pooled(&self, client: Option<usize>) -> Cow<'_, [WindowCell]> {
        let only_client = (self.clients.len() == 1).then_some(0);
        if let Some(client) = client.or(only_client) {
            return Cow::Borrowed(&self.clients[client]);
        }
        let mut sum = vec![WindowCell::default(); self.count()];
        for windows in &self.clients {
            for (sum, cell) in sum.iter_mut().zip(windows) {
                sum.merge(cell);
            }
        }
        Cow::Owned(sum)
    }

    /// The windows as rows of the series.
    pub fn rows(&self, windows: &[WindowCell]) -> Vec<RequestWindow> {
        let rows = windows.iter().enumerate();
        rows.map(|(window, cell)| cell.row(self.start(window).as_secs_f64()))
            .collect()
    }

    #[inline]
    fn window_of(&mut self, at: SimTime) -> usize {
        let (window, start, end) = self.last;
        if start <= at && at < end {
            return window;
        }
        let window = (at.as_ns() / self.width.as_ns()) as usize;
        self.last = (window, self.start(window), self.start(window + 1));
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_in_the_window_of_its_arrival() {
        let (secs, at) = (SimDuration::from_secs, |s: u64| {
            SimTime::from_ns(s * 1_000_000_000)
        });
        let mut table = WindowTable::new(secs(1), 3, 1);
        let begun = |arrived_count, attempt_count, retry_count| BegunCounts {
            arrived_count,
            attempt_count,
            retry_count,
            ..BegunCounts::default()
        };
        // The fourth one is past the end of the measured window and counts nowhere.
        for until_now in [
            begun(1, 1, 0),
            begun(2, 4, 2),
            begun(2, 4, 2),
            begun(3, 5, 2),
        ] {
            table.cut([(ClientId(0), &until_now)].into_iter());
        }
        table.end(at(1), 0, secs(1), Outcome::Timeout);
        table.end(at(0), 0, secs(5), Outcome::Success);
        let rows = table.rows(&table.pooled(None));
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].succeeded_count, rows[0].attempt_count), (1, 1));
        assert_eq!(rows[0].latency_ms_max, Some(5_000.0));
        assert_eq!((rows[1].timed_out_count, rows[1].retry_count), (1, 2));
        assert_eq!((rows[1].start_secs, rows[2].arrived_count), (1.0, 0));
    }
}
