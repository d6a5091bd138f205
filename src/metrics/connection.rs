//! Connections of calling sides: how many are open, how they open, what waits for them.

use super::data::connection::ConnectionMetrics;
use super::histogram::Samples;
use super::level::LevelTotals;
use super::phase::UNMEASURED;
use crate::id::ClassId;
use crate::model::observation::Observation;
use crate::scenario::Scenario;
use crate::scenario::measure::{Measure, MeasureRef};
use crate::time::SimTime;

/// What was seen of the connections of one call in one class.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCell {
    /// Connections that were open, over time.
    pub open: LevelTotals,
    /// Attempts to open one.
    pub handshake_count: u64,
    /// Those that came about.
    pub opened_count: u64,
    /// Connections that closed.
    pub closed_count: u64,
    /// From the sending of an attempt until its bytes left.
    pub waiting: Samples,
    /// From the death of the process at the other end until the calling side closed it.
    pub half_open: Samples,
}

impl ConnectionCell {
    /// Adds what was seen in another class.
    pub fn merge(&mut self, other: &Self) {
        self.open.merge(&other.open);
        self.handshake_count += other.handshake_count;
        self.opened_count += other.opened_count;
        self.closed_count += other.closed_count;
        self.waiting.merge(&other.waiting);
        self.half_open.merge(&other.half_open);
    }
}

/// Connections that are open now.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    count: u32,
    since: SimTime,
}

/// The connections of one run: a row for each call, and one for all together.
#[derive(Clone, Debug, Default)]
pub struct ConnectionTable {
    class_count: usize,
    levels: Vec<Level>,
    /// By row, then class. Empty where no call has connections.
    cells: Vec<ConnectionCell>,
    /// Waiting times by row, class of requests, then class; none where no expectation asks.
    waiting_of_classes: Vec<Samples>,
    /// Handshakes in the same order.
    handshakes_of_classes: Vec<u64>,
    request_class_count: usize,
}

impl ConnectionTable {
    /// Nothing open yet.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let is_used = scenario.edges.iter().any(|edge| edge.connection.is_some());
        let row_count = if is_used { scenario.edges.len() + 1 } else { 0 };
        let is_asked = |measure: &MeasureRef| {
            let is_split = [Measure::PoolWaitingTime, Measure::HandshakeRate];
            is_split.contains(&measure.measure) && measure.scope.class.is_some()
        };
        let is_asked = scenario.asks_for(is_asked);
        let request_class_count = if is_asked {
            scenario.classes.count()
        } else {
            0
        };
        let of_classes = row_count * request_class_count * class_count;
        ConnectionTable {
            class_count,
            request_class_count,
            waiting_of_classes: vec![Samples::default(); of_classes],
            handshakes_of_classes: vec![0; of_classes],
            levels: vec![Level::default(); row_count],
            cells: vec![ConnectionCell::default(); row_count * class_count],
        }
    }

    /// Takes note of a fact about connections.
    pub fn observe(&mut self, at: SimTime, class: u16, observation: &Observation<'_>) {
        let all = self.levels.len() - 1;
        let row = |edge: crate::id::EdgeId| [edge.index(), all];
        match *observation {
            Observation::HandshakeStarted {
                edge,
                class: of_request,
                ..
            } => {
                self.each(row(edge), class, |cell| cell.handshake_count += 1);
                for row in row(edge) {
                    let place = self.class_place(row, of_request, class);
                    if let Some(count) = self.handshakes_of_classes.get_mut(place) {
                        *count += 1;
                    }
                }
            }
            Observation::ConnectionOpened { edge, .. } => {
                self.each(row(edge), class, |cell| cell.opened_count += 1);
                for row in row(edge) {
                    self.advance(at, class, row).count += 1;
                }
            }
            Observation::ConnectionClosed {
                edge,
                half_open_since,
                ..
            } => {
                self.each(row(edge), class, |cell| {
                    cell.closed_count += 1;
                    if let Some(since) = half_open_since {
                        cell.half_open.record(at.since(since));
                    }
                });
                for row in row(edge) {
                    self.advance(at, class, row).count -= 1;
                }
            }
            Observation::AttemptCarried {
                edge,
                class: of_request,
                waiting,
                ..
            } => {
                self.each(row(edge), class, |cell| cell.waiting.record(waiting));
                for row in row(edge) {
                    let place = self.class_place(row, of_request, class);
                    if let Some(samples) = self.waiting_of_classes.get_mut(place) {
                        samples.record(waiting);
                    }
                }
            }
            _ => unreachable!("facts of connections come here"),
        }
    }

    /// Where the counts of a class of requests stand.
    fn class_place(&self, row: usize, of_request: ClassId, class: u16) -> usize {
        let place = row * self.request_class_count + of_request.index();
        place * self.class_count + class as usize
    }

    /// Waiting times for requests of a class in some classes: of one call, or of all together.
    pub fn class_waiting(
        &self,
        edge: Option<usize>,
        of_request: ClassId,
        classes: &[u16],
    ) -> Samples {
        let mut sum = Samples::default();
        for place in self.class_places(edge, of_request, classes) {
            if let Some(samples) = self.waiting_of_classes.get(place) {
                sum.merge(samples);
            }
        }
        sum
    }

    /// Handshakes for attempts of a class in some classes: of one call, or of all together.
    pub fn class_handshakes(
        &self,
        edge: Option<usize>,
        of_request: ClassId,
        classes: &[u16],
    ) -> u64 {
        let places = self.class_places(edge, of_request, classes);
        let counts = &self.handshakes_of_classes;
        places.filter_map(|place| counts.get(place)).sum()
    }

    fn class_places(
        &self,
        edge: Option<usize>,
        of_request: ClassId,
        classes: &[u16],
    ) -> impl Iterator<Item = usize> {
        let row = edge.unwrap_or(self.levels.len().saturating_sub(1));
        let place = move |class: &u16| self.class_place(row, of_request, *class);
        classes.iter().map(place)
    }

    fn each(&mut self, rows: [usize; 2], class: u16, note: impl Fn(&mut ConnectionCell)) {
        for row in rows {
            note(&mut self.cells[row * self.class_count + class as usize]);
        }
    }

    /// Brings the time at a level up to date.
    fn advance(&mut self, at: SimTime, class: u16, row: usize) -> &mut Level {
        let level = &mut self.levels[row];
        let cell = &mut self.cells[row * self.class_count + class as usize];
        cell.open.add(level.count, at.since(level.since));
        level.since = at;
        level
    }

    /// The class `class` ends at `at`.
    pub fn cut_class(&mut self, at: SimTime, class: u16) {
        for row in 0..self.levels.len() {
            self.advance(at, class, row);
        }
    }

    /// What was seen in some classes: of one call, or of all together. None where there are no
    /// connections.
    pub fn pooled(&self, edge: Option<usize>, classes: &[u16]) -> Option<ConnectionCell> {
        let row = edge.unwrap_or(self.levels.len().checked_sub(1)?);
        let mut sum = ConnectionCell::default();
        for class in classes {
            sum.merge(self.cells.get(row * self.class_count + *class as usize)?);
        }
        Some(sum)
    }

    /// As plain data, for the calls that have connections.
    pub fn metrics(
        &self,
        scenario: &Scenario,
        classes: &[u16],
        secs: f64,
    ) -> Vec<ConnectionMetrics> {
        debug_assert!(
            !classes.contains(&UNMEASURED),
            "only the measured window is told"
        );
        let connected = scenario.edges.iter().enumerate();
        let connected = connected.filter(|(_, edge)| edge.connection.is_some());
        connected
            .filter_map(|(index, edge)| {
                let cell = self.pooled(Some(index), classes)?;
                Some(ConnectionMetrics {
                    edge: edge.path.clone(),
                    open_mean: cell.open.mean(),
                    open_max: cell.open.max(),
                    handshake_count: cell.handshake_count,
                    handshake_rate_per_sec: cell.handshake_count as f64 / secs,
                    opened_count: cell.opened_count,
                    closed_count: cell.closed_count,
                    pool_waiting: cell.waiting.stats(),
                    half_open: cell.half_open.stats(),
                })
            })
            .collect()
    }
}
