//! Connections, hedges, and what calling sides do to protect themselves, over time: by call, and
//! limits of instances by service. Calls that use none of it have no row.

use super::data::series::{EdgeColumn, EdgeSeries};
use super::histogram::float;
use super::resilience::{CAUSES, ResilienceTable};
use crate::id::{EdgeId, ServiceId};
use crate::model::observation::{LimitOwner, Observation};
use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::scenario::resilience::ResilienceConfig;
use crate::scenario::series::{WINDOW_COUNT_MAX, doubled_width};
use crate::time::{SimDuration, SimTime};

/// Windows of all rows together.
const ROW_WINDOW_COUNT_MAX: u64 = 200_000;

/// What attempts that were turned away are called, in the order of their causes.
const TURNED_AWAY: [&str; CAUSES.len()] = [
    "breaker_rejection_count",
    "bulkhead_rejection_count",
    "throttle_rejection_count",
    "limit_rejection_count",
];

/// A level and its integral over time by window.
#[derive(Clone, Debug, Default)]
struct Level {
    level: f64,
    since: SimTime,
    /// What the level is divided by.
    count: f64,
    /// Level times nanoseconds; empty where it is not followed.
    sums_ns: Vec<f64>,
}

/// One call, or one service.
#[derive(Clone, Debug, Default)]
struct Row {
    path: String,
    handshakes: Vec<u32>,
    hedges: Vec<u32>,
    turned_away: [Vec<u32>; CAUSES.len()],
    denied_retries: Vec<u32>,
    open_connections: Level,
    open_breakers: Level,
    limits: Level,
}

/// All rows of one run.
#[derive(Clone, Debug, Default)]
pub struct EdgeWindowTable {
    width: SimDuration,
    window_count: usize,
    rows: Vec<Row>,
    /// By edge; none where it uses nothing.
    edge_rows: Vec<Option<usize>>,
    /// By service.
    service_rows: Vec<Option<usize>>,
}

impl Level {
    fn set(&mut self, at: SimTime, width: SimDuration, level: f64) {
        let (width_ns, to) = (width.as_ns(), at.as_ns());
        let mut from = self.since.as_ns();
        while self.level != 0.0 && from < to {
            let window = from / width_ns;
            let Some(sum) = self.sums_ns.get_mut(window as usize) else {
                break;
            };
            let end = ((window + 1) * width_ns).min(to);
            *sum += self.level * float(end - from);
            from = end;
        }
        (self.level, self.since) = (level, at);
    }

    fn means(&self, width: SimDuration) -> Vec<f64> {
        let whole = float(width.as_ns()) * self.count;
        self.sums_ns.iter().map(|sum| sum / whole).collect()
    }
}

impl EdgeWindowTable {
    /// Empty windows for what the scenario uses.
    pub fn new(scenario: &Scenario, resilience: &ResilienceTable) -> Self {
        let is_used = |edge: &EdgeConfig| {
            edge.connection.is_some() || edge.resilience.is_some() || edge.attempts.is_some()
        };
        let edges = scenario.edges.iter().filter(|edge| is_used(edge)).count();
        let services = scenario
            .services
            .iter()
            .filter(|s| s.limit.is_some())
            .count();
        let count_max = ROW_WINDOW_COUNT_MAX / (edges + services).max(1) as u64;
        let count_max = count_max.clamp(1, WINDOW_COUNT_MAX);
        let (width, window_count) = doubled_width(scenario.window, scenario.duration, count_max);
        let mut table = EdgeWindowTable {
            width,
            window_count,
            ..EdgeWindowTable::default()
        };
        for (place, edge) in scenario.edges.iter().enumerate() {
            let row = is_used(edge).then_some(table.rows.len());
            if row.is_some() {
                let row = table.edge_row(EdgeId::from_index(place), edge, resilience);
                table.rows.push(row);
            }
            table.edge_rows.push(row);
        }
        for (place, service) in scenario.services.iter().enumerate() {
            let limits = resilience.service_limits(ServiceId::from_index(place));
            let row = limits.map(|_| table.rows.len());
            table.rows.extend(limits.map(|limits| Row {
                path: format!("service.{}", service.name),
                limits: table.level(Some(limits)),
                ..Row::default()
            }));
            table.service_rows.push(row);
        }
        table
    }

    fn edge_row(&self, id: EdgeId, edge: &EdgeConfig, resilience: &ResilienceTable) -> Row {
        let counts = |is_used: bool| vec![0; if is_used { self.window_count } else { 0 }];
        let has =
            |part: fn(&ResilienceConfig) -> bool| edge.resilience.as_deref().is_some_and(part);
        let decides = has(|config| config.budget.is_some() || config.breaker.is_some());
        Row {
            path: edge.path.clone(),
            handshakes: counts(edge.connection.is_some()),
            hedges: counts(edge.attempts.is_some()),
            turned_away: [
                counts(has(|config| config.breaker.is_some())),
                counts(has(|config| config.bulkhead.is_some())),
                counts(has(|config| config.throttle.is_some())),
                counts(has(|config| config.limit.is_some())),
            ],
            denied_retries: counts(decides),
            open_connections: self.level(edge.connection.as_ref().map(|_| (0.0, 1.0))),
            open_breakers: self.level(resilience.open_breakers(id)),
            limits: self.level(resilience.edge_limits(id)),
        }
    }

    /// A level, and what it is divided by; one that is not followed without these.
    fn level(&self, start: Option<(f64, f64)>) -> Level {
        start.map_or_else(Level::default, |(level, count)| Level {
            level,
            since: SimTime::START,
            count,
            sums_ns: vec![0.0; self.window_count],
        })
    }

    /// Takes note of a fact, after `resilience` did.
    #[inline(never)]
    pub fn observe(
        &mut self,
        at: SimTime,
        observation: &Observation<'_>,
        resilience: &ResilienceTable,
        scenario: &Scenario,
    ) {
        let (width, window) = (self.width, (at.as_ns() / self.width.as_ns()) as usize);
        let count = |counts: &mut Vec<u32>| {
            if let Some(count) = counts.get_mut(window) {
                *count += 1;
            }
        };
        match *observation {
            Observation::HandshakeStarted { edge, .. } => count(&mut self.row(edge).handshakes),
            Observation::ConnectionOpened { edge, .. } => {
                let open = &mut self.row(edge).open_connections;
                open.set(at, width, open.level + 1.0);
            }
            Observation::ConnectionClosed { edge, .. } => {
                let open = &mut self.row(edge).open_connections;
                open.set(at, width, open.level - 1.0);
            }
            Observation::HedgeSent { edge, .. } => count(&mut self.row(edge).hedges),
            Observation::TurnedAway { edge, cause, .. } => {
                count(&mut self.row(edge).turned_away[cause as usize]);
            }
            Observation::RetryDecided {
                edge,
                is_granted: false,
                ..
            } => count(&mut self.row(edge).denied_retries),
            Observation::BreakerChanged { edge, .. } => {
                let (open, _) = resilience.open_breakers(edge).unwrap_or_default();
                self.row(edge).open_breakers.set(at, width, open);
            }
            Observation::LimitChanged { owner, .. } => {
                let topology = &scenario.topology;
                let (row, limits) = match owner {
                    LimitOwner::Caller(caller) => {
                        let edge = topology.edge_of(caller);
                        (self.edge_rows[edge.index()], resilience.edge_limits(edge))
                    }
                    LimitOwner::Instance(instance) => {
                        let service = topology.service_of(instance);
                        let row = self.service_rows[service.index()];
                        (row, resilience.service_limits(service))
                    }
                };
                if let (Some(row), Some((sum, _))) = (row, limits) {
                    self.rows[row].limits.set(at, width, sum);
                }
            }
            _ => {}
        }
    }

    /// The end of the run.
    pub fn close(&mut self, at: SimTime) {
        let width = self.width;
        for row in &mut self.rows {
            for level in [
                &mut row.open_connections,
                &mut row.open_breakers,
                &mut row.limits,
            ] {
                level.set(at, width, level.level);
            }
        }
    }

    /// As plain data.
    pub fn series(&self) -> Vec<EdgeSeries> {
        let columns = |row: &Row| {
            let of_count = |(metric, counts): (&'static str, &Vec<u32>)| EdgeColumn {
                metric,
                values: counts.iter().map(|count| f64::from(*count)).collect(),
            };
            let of_level = |(metric, level): (&'static str, &Level)| EdgeColumn {
                metric,
                values: level.means(self.width),
            };
            let levels = [
                ("connections_open_mean", &row.open_connections),
                ("breaker_open_ratio", &row.open_breakers),
                ("concurrency_limit_mean", &row.limits),
            ];
            let counts = [
                ("handshake_count", &row.handshakes),
                ("hedge_count", &row.hedges),
                ("denied_retry_count", &row.denied_retries),
            ];
            let turned_away = TURNED_AWAY.into_iter().zip(&row.turned_away);
            let levels = levels.into_iter().map(of_level);
            let counts = counts.into_iter().chain(turned_away).map(of_count);
            let mut columns: Vec<EdgeColumn> = levels.chain(counts).collect();
            columns.retain(|column| !column.values.is_empty());
            columns
        };
        let row = |row: &Row| EdgeSeries {
            path: row.path.clone(),
            window_secs: self.width.as_secs_f64(),
            columns: columns(row),
        };
        self.rows.iter().map(row).collect()
    }

    fn row(&mut self, edge: EdgeId) -> &mut Row {
        let row = self.edge_rows[edge.index()].expect("what calls do not use is not observed");
        &mut self.rows[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_averaged_over_each_window_that_it_spans() {
        let (width, at) = (SimDuration::from_secs(10), |secs: u64| {
            SimTime::START + SimDuration::from_secs(secs)
        });
        let mut level = Level {
            count: 1.0,
            sums_ns: vec![0.0; 3],
            ..Level::default()
        };
        level.set(at(4), width, 2.0);
        level.set(at(25), width, 5.0);
        // The last window ends with the measured one; what follows counts nowhere.
        level.set(at(40), width, 0.0);
        // 6 s x 2, 10 s x 2, 5 s x 2 + 5 s x 5.
        assert_eq!(level.means(width), [1.2, 2.0, 3.5]);
    }
}
