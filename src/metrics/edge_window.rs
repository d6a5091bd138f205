//! Connections, hedges, and what calling sides do to protect themselves, over time: by call, and
//! limits of instances by service; and attempts of calls between services, which the windows of
//! requests do not tell. Calls that use none of it have no row.

use super::data::series::{EdgeColumn, EdgeSeries};
use super::resilience::{CAUSES, ResilienceTable};
use super::window_level::{LevelWindows, WindowLevel};
use crate::id::{EdgeId, ServiceId};
use crate::model::observation::{LimitOwner, Observation};
use crate::scenario::Scenario;
use crate::scenario::client::{EdgeConfig, EdgeOwner};
use crate::scenario::resilience::ResilienceConfig;
use crate::scenario::series::WINDOW_COUNT_MAX;
use crate::time::SimTime;

/// Windows of all rows together.
const ROW_WINDOW_COUNT_MAX: u64 = 200_000;

/// What attempts that were turned away are called, in the order of their causes.
const TURNED_AWAY: [&str; CAUSES.len()] = [
    "breaker_rejection_count",
    "bulkhead_rejection_count",
    "throttle_rejection_count",
    "limit_rejection_count",
];

/// One call, or one service.
#[derive(Clone, Debug, Default)]
struct Row {
    path: String,
    attempts: Vec<u32>,
    retries: Vec<u32>,
    handshakes: Vec<u32>,
    hedges: Vec<u32>,
    turned_away: [Vec<u32>; CAUSES.len()],
    denied_retries: Vec<u32>,
    open_connections: Quotient,
    open_breakers: Quotient,
    limits: Quotient,
}

/// A level, and what it is divided by.
#[derive(Clone, Debug, Default)]
struct Quotient {
    level: WindowLevel,
    count: f64,
}

/// All rows of one run.
#[derive(Clone, Debug, Default)]
pub struct EdgeWindowTable {
    windows: LevelWindows,
    rows: Vec<Row>,
    /// By edge; none where it uses nothing.
    edge_rows: Vec<Option<usize>>,
    /// By service.
    service_rows: Vec<Option<usize>>,
}

/// Whether it is a call between services that may take several attempts.
fn tries_again(edge: &EdgeConfig) -> bool {
    let is_between_services = match edge.owner {
        EdgeOwner::Client(_) => false,
        EdgeOwner::Service(_) => true,
    };
    is_between_services && (1 < edge.retry.attempt_count_max || edge.attempts.is_some())
}

impl EdgeWindowTable {
    /// Empty windows for what the scenario uses.
    pub fn new(scenario: &Scenario, resilience: &ResilienceTable) -> Self {
        let is_used = |edge: &EdgeConfig| {
            edge.connection.is_some()
                || edge.resilience.is_some()
                || edge.attempts.is_some()
                || tries_again(edge)
        };
        let edges = scenario.edges.iter().filter(|edge| is_used(edge)).count();
        let services = scenario
            .services
            .iter()
            .filter(|s| s.limit.is_some())
            .count();
        let count_max = ROW_WINDOW_COUNT_MAX / (edges + services).max(1) as u64;
        let count_max = count_max.clamp(1, WINDOW_COUNT_MAX);
        let mut table = EdgeWindowTable {
            windows: LevelWindows::new(scenario, count_max),
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
        let counts = |is_used: bool| vec![0; if is_used { self.windows.count } else { 0 }];
        let has =
            |part: fn(&ResilienceConfig) -> bool| edge.resilience.as_deref().is_some_and(part);
        let decides = has(|config| config.budget.is_some() || config.breaker.is_some());
        Row {
            path: edge.path.clone(),
            attempts: counts(tries_again(edge)),
            retries: counts(tries_again(edge)),
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
    fn level(&self, start: Option<(f64, f64)>) -> Quotient {
        start.map_or_else(Quotient::default, |(level, count)| Quotient {
            level: WindowLevel::new(level, self.windows),
            count,
        })
    }

    /// A call between services sent an attempt.
    #[inline]
    pub fn send(&mut self, at: SimTime, edge: EdgeId, is_retry: bool) {
        let Some(row) = self.edge_rows[edge.index()] else {
            return;
        };
        let (row, window) = (&mut self.rows[row], self.windows.place(at));
        for (counts, is_meant) in [(&mut row.attempts, true), (&mut row.retries, is_retry)] {
            if let Some(count) = counts.get_mut(window) {
                *count += u32::from(is_meant);
            }
        }
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
        let (windows, window) = (self.windows, self.windows.place(at));
        let count = |counts: &mut Vec<u32>| {
            if let Some(count) = counts.get_mut(window) {
                *count += 1;
            }
        };
        match *observation {
            Observation::HandshakeStarted { edge, .. } => count(&mut self.row(edge).handshakes),
            Observation::ConnectionOpened { edge, .. } => {
                let open = &mut self.row(edge).open_connections.level;
                open.set(at, windows, open.level() + 1.0);
            }
            Observation::ConnectionClosed { edge, .. } => {
                let open = &mut self.row(edge).open_connections.level;
                open.set(at, windows, open.level() - 1.0);
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
                let breakers = &mut self.row(edge).open_breakers.level;
                breakers.set(at, windows, open);
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
                    self.rows[row].limits.level.set(at, windows, sum);
                }
            }
            _ => {}
        }
    }

    /// The end of the run.
    pub fn close(&mut self, at: SimTime) {
        for row in &mut self.rows {
            for quotient in [
                &mut row.open_connections,
                &mut row.open_breakers,
                &mut row.limits,
            ] {
                quotient.level.close(at, self.windows);
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
            let of_level = |(metric, of): (&'static str, &Quotient)| {
                let means = of.level.means(self.windows).into_iter();
                let values = means.map(|mean| mean / of.count).collect();
                EdgeColumn { metric, values }
            };
            let levels = [
                ("connections_open_mean", &row.open_connections),
                ("breaker_open_ratio", &row.open_breakers),
                ("concurrency_limit_mean", &row.limits),
            ];
            let counts = [
                ("attempt_count", &row.attempts),
                ("retry_count", &row.retries),
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
            window_secs: self.windows.width.as_secs_f64(),
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
    use crate::metrics::facts::{record, sent, sent_again};
    use crate::metrics::fixture::{SMALL, scenario};

    #[test]
    fn attempts_between_services_are_told_by_window() {
        let mut scenario = scenario(SMALL);
        let edge = &mut scenario.edges[0];
        (edge.owner, edge.connection) = (EdgeOwner::Service(ServiceId(0)), None);
        edge.retry.attempt_count_max = 3;
        let facts = [
            (1_000, sent(0, 0)),
            (1_500, sent(0, 1)),
            (2_000, sent_again(0, 1, 1)),
            (2_100, sent_again(0, 1, 2)),
        ];
        let metrics = record(&scenario, &[], &facts, 100_000, 0);
        let [only] = &metrics.series.edges[..] else {
            panic!("one call is followed over time")
        };
        let values = |metric: &str| {
            let mut columns = only.columns.iter();
            let column = columns.find(|column| column.metric == metric);
            column.map(|column| column.values[..4].to_vec())
        };
        assert_eq!(values("attempt_count"), Some(vec![0.0, 2.0, 2.0, 0.0]));
        assert_eq!(values("retry_count"), Some(vec![0.0, 0.0, 2.0, 0.0]));
        assert_eq!(only.columns.len(), 2);
    }

    #[test]
    fn calls_of_clients_stand_in_the_windows_of_requests() {
        let mut scenario = scenario(SMALL);
        scenario.edges[0].retry.attempt_count_max = 3;
        let metrics = record(&scenario, &[], &[(1_000, sent(0, 0))], 100_000, 0);
        assert!(metrics.series.edges.is_empty());
    }
}
