//! Requests of clients by client, caller's zone and class of their arrival; and by caller.

use super::data::request::RequestStats;
use super::histogram::{CompactSamples, Samples};
use super::phase::{Timeline, UNMEASURED};
use crate::id::{CallerId, ClientId, EdgeId, NodeId, ZoneId};
use crate::model::observation::Outcome;
use crate::scenario::Scenario;
use crate::scenario::client::EdgeOwner;
use crate::scenario::flow::is_plain;
use crate::scenario::measure::{Aggregation, Measure, MeasureRef};
use crate::time::SimDuration;

/// Callers up to which each has its own latency histogram.
pub const CALLER_HISTOGRAM_COUNT_MAX: usize = 512;

/// Counters by caller and class up to which phases of single callers are known.
const CALLER_COUNTER_COUNT_MAX: usize = 1 << 20;

/// Requests that arrived in one class, or calls that started in it, at their outcome; and what was
/// sent for requests while it held.
#[derive(Clone, Debug, Default)]
pub struct RequestCell {
    /// Arrived.
    pub arrived_count: u64,
    /// By outcome, in the order of [`Outcome`].
    pub outcome_counts: [u64; 4],
    /// Calls that began: the first one of a request as it arrives, the next one as the one before
    /// succeeds.
    pub call_count: u64,
    /// Attempts sent.
    pub attempt_count: u64,
    /// Attempts after the first one of each call.
    pub retry_count: u64,
    /// Second attempts: calls that were tried again.
    pub retried_count: u64,
    /// Latency of successes.
    pub latency: Samples,
    /// Time to every other outcome.
    pub latency_unsuccessful: Samples,
}

/// What was begun for requests up to some instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BegunCounts {
    /// Requests that arrived.
    pub arrived_count: u64,
    /// Calls after the first one of their request.
    pub next_call_count: u64,
    /// Attempts sent.
    pub attempt_count: u64,
    /// Attempts after the first one of each call.
    pub retry_count: u64,
    /// Second attempts.
    pub retried_count: u64,
}

/// Which requests: None means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestScope {
    /// Of one client.
    pub client: Option<ClientId>,
    /// Of callers in one zone.
    pub zone: Option<ZoneId>,
}

/// An edge over which requests of a client call.
#[derive(Clone, Copy, Debug)]
pub struct ClientEdge {
    /// The client.
    pub client: ClientId,
    /// Another call of its requests follows, and that call's beginning is not told.
    pub has_next: bool,
    caller_first: u32,
    node_first: u32,
}

/// Requests of one caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerCount {
    /// Arrived.
    pub arrived_count: u32,
    /// Succeeded.
    pub succeeded_count: u32,
}

/// All requests of one run.
#[derive(Clone, Debug, Default)]
pub struct RequestTable {
    class_count: usize,
    /// First node that is a caller of a client.
    node_first: u32,
    /// Place of each caller node in `scopes`.
    node_scopes: Vec<u16>,
    /// What each block of cells is about.
    scopes: Vec<(ClientId, ZoneId)>,
    /// By edge; None between services.
    client_edges: Vec<Option<ClientEdge>>,
    /// By scope, from the start of the run.
    begun: Vec<BegunCounts>,
    /// The same up to the last cut between classes.
    begun_before: Vec<BegunCounts>,
    /// By scope, then class.
    cells: Vec<RequestCell>,
    /// 1 where callers are counted by class, otherwise 0: one class holds all that is measured.
    caller_class_count: usize,
    /// By caller node, then class.
    callers: Vec<CallerCount>,
    /// By caller node, the whole measured window. Empty where nobody asks or they are too many.
    caller_latencies: Vec<CompactSamples>,
}

impl CallerCount {
    /// Adds other requests.
    pub fn add(&mut self, other: &CallerCount) {
        self.arrived_count += other.arrived_count;
        self.succeeded_count += other.succeeded_count;
    }

    /// Share of the requests that arrived which succeeded; None where none arrived.
    pub fn success_ratio(&self) -> Option<f64> {
        ratio(self.succeeded_count.into(), self.arrived_count.into())
    }
}

impl ClientEdge {
    /// The node of a calling side of this edge.
    #[inline]
    pub fn node(&self, caller: CallerId) -> NodeId {
        NodeId(self.node_first + (caller.0 - self.caller_first))
    }
}

impl BegunCounts {
    /// What was begun after an earlier state.
    pub fn since(&self, earlier: &BegunCounts) -> BegunCounts {
        BegunCounts {
            arrived_count: self.arrived_count - earlier.arrived_count,
            next_call_count: self.next_call_count - earlier.next_call_count,
            attempt_count: self.attempt_count - earlier.attempt_count,
            retry_count: self.retry_count - earlier.retry_count,
            retried_count: self.retried_count - earlier.retried_count,
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &BegunCounts) {
        self.arrived_count += other.arrived_count;
        self.next_call_count += other.next_call_count;
        self.attempt_count += other.attempt_count;
        self.retry_count += other.retry_count;
        self.retried_count += other.retried_count;
    }

    /// Calls that began.
    pub fn call_count(&self) -> u64 {
        self.arrived_count + self.next_call_count
    }
}

impl RequestCell {
    fn begin(&mut self, begun: &BegunCounts) {
        self.arrived_count += begun.arrived_count;
        self.call_count += begun.call_count();
        self.attempt_count += begun.attempt_count;
        self.retry_count += begun.retry_count;
        self.retried_count += begun.retried_count;
    }

    /// Takes note of an outcome.
    #[inline(always)]
    pub fn end(&mut self, latency: SimDuration, outcome: Outcome) {
        self.outcome_counts[outcome as usize] += 1;
        match outcome {
            Outcome::Success => self.latency.record(latency),
            Outcome::Failure | Outcome::Timeout | Outcome::Rejected => {
                self.latency_unsuccessful.record(latency);
            }
        }
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
        self.latency_unsuccessful.merge(&other.latency_unsuccessful);
    }

    /// The usual numbers, for a part of the run of this length.
    pub fn stats(&self, duration_secs: f64) -> RequestStats {
        let [
            succeeded_count,
            failed_count,
            timed_out_count,
            rejected_count,
        ] = self.outcome_counts;
        let per_second = |count: u64| (0.0 < duration_secs).then(|| count as f64 / duration_secs);
        RequestStats {
            duration_secs,
            arrived_count: self.arrived_count,
            succeeded_count,
            failed_count,
            timed_out_count,
            rejected_count,
            in_flight_count: self.arrived_count - self.outcome_counts.iter().sum::<u64>(),
            call_count: self.call_count,
            attempt_count: self.attempt_count,
            retry_count: self.retry_count,
            success_ratio: ratio(succeeded_count, self.arrived_count),
            request_rate_rps: per_second(self.arrived_count),
            goodput_rps: per_second(succeeded_count),
            amplification_ratio: ratio(self.attempt_count, self.call_count),
            latency: self.latency.stats(),
        }
    }
}

impl RequestTable {
    /// Empty counters for the clients of a scenario.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let topology = &scenario.topology;
        let (mut scopes, mut node_scopes) = (Vec::new(), Vec::new());
        for (index, client) in scenario.clients.iter().enumerate() {
            let first = scopes.len();
            let mut zones = client.zones.clone();
            zones.sort_unstable();
            zones.dedup();
            scopes.extend(
                zones
                    .iter()
                    .map(|zone| (ClientId::from_index(index), *zone)),
            );
            for caller in 0..client.count as usize {
                let zone = client.zones[caller % client.zones.len()];
                let place = zones.iter().position(|z| *z == zone).expect("it is listed");
                let scope = u16::try_from(first + place).expect("clients and zones are few");
                node_scopes.push(scope);
            }
        }
        let caller_count = node_scopes.len();
        let is_by_class = caller_count * class_count <= CALLER_COUNTER_COUNT_MAX;
        let caller_class_count = if is_by_class { class_count } else { 1 };
        let has_histograms =
            caller_count <= CALLER_HISTOGRAM_COUNT_MAX && is_asked_by_caller(scenario);
        RequestTable {
            class_count,
            node_first: topology.instance_count(),
            begun: vec![BegunCounts::default(); scopes.len()],
            begun_before: vec![BegunCounts::default(); scopes.len()],
            cells: vec![RequestCell::default(); scopes.len() * class_count],
            scopes,
            client_edges: client_edges(scenario),
            caller_class_count,
            callers: vec![CallerCount::default(); caller_count * caller_class_count],
            caller_latencies: vec![
                CompactSamples::default();
                if has_histograms { caller_count } else { 0 }
            ],
            node_scopes,
        }
    }

    /// A request arrived at a caller in `class`.
    #[inline]
    pub fn arrive(&mut self, class: u16, caller: NodeId) {
        self.begun_at(caller).arrived_count += 1;
        if class != UNMEASURED {
            self.caller_count(class, caller).arrived_count += 1;
        }
    }

    /// A request at a caller goes on to its next call.
    pub fn begin_call(&mut self, caller: NodeId) {
        self.begun_at(caller).next_call_count += 1;
    }

    /// An attempt for a request at a caller was sent.
    #[inline]
    pub fn send(&mut self, caller: NodeId, attempt_index: u32) {
        let begun = self.begun_at(caller);
        begun.attempt_count += 1;
        if 0 < attempt_index {
            begun.retry_count += 1;
            begun.retried_count += u64::from(attempt_index == 1);
        }
    }

    /// Ends the time of a class.
    pub fn cut_class(&mut self, class: u16) {
        for (scope, (begun, before)) in self.begun.iter().zip(&mut self.begun_before).enumerate() {
            let in_class = begun.since(before);
            *before = *begun;
            self.cells[scope * self.class_count + class as usize].begin(&in_class);
        }
    }

    /// What was begun for each client up to now.
    pub fn begun(&self) -> impl Iterator<Item = (ClientId, &BegunCounts)> {
        self.scopes
            .iter()
            .map(|(client, _)| *client)
            .zip(&self.begun)
    }

    /// The attempt that was sent last is no retry.
    pub fn take_back_retry(&mut self, caller: NodeId, attempt_index: u32) {
        let begun = self.begun_at(caller);
        begun.retry_count -= 1;
        begun.retried_count -= u64::from(attempt_index == 1);
    }

    /// What an edge is to requests; None between services.
    #[inline]
    pub fn client_edge(&self, edge: EdgeId) -> Option<ClientEdge> {
        self.client_edges[edge.index()]
    }

    /// A request that arrived in `class` has its outcome.
    #[inline]
    pub fn end(&mut self, class: u16, caller: NodeId, latency: SimDuration, outcome: Outcome) {
        let cell = self.cell_of(class, caller);
        self.cells[cell].end(latency, outcome);
        if class != UNMEASURED && outcome == Outcome::Success {
            self.caller_count(class, caller).succeeded_count += 1;
            let node = (caller.0 - self.node_first) as usize;
            if let Some(latencies) = self.caller_latencies.get_mut(node) {
                latencies.record(latency);
            }
        }
    }

    /// Everything in scope that arrived in these classes.
    pub fn pooled(&self, scope: RequestScope, classes: &[u16]) -> RequestCell {
        let mut sum = RequestCell::default();
        for (place, (client, zone)) in self.scopes.iter().enumerate() {
            if scope.client.is_none_or(|c| c == *client) && scope.zone.is_none_or(|z| z == *zone) {
                for class in classes {
                    sum.merge(&self.cells[place * self.class_count + *class as usize]);
                }
            }
        }
        sum
    }

    /// Requests and successes of every caller in scope; None where callers are not counted by
    /// class. `is_whole`: all that is measured.
    pub fn caller_counts(
        &self,
        scope: RequestScope,
        classes: &[u16],
        is_whole: bool,
    ) -> Option<Vec<CallerCount>> {
        let columns: Vec<usize> = match self.caller_class_count {
            1 if is_whole => vec![0],
            1 => return None,
            _ => classes.iter().map(|class| *class as usize).collect(),
        };
        let count_of = |node: usize| {
            let mut sum = CallerCount::default();
            for column in &columns {
                sum.add(&self.callers[node * self.caller_class_count + column]);
            }
            sum
        };
        Some(self.nodes_in(scope).map(count_of).collect())
    }

    /// Latency of successes of every caller in scope, over the whole measured window; None where
    /// no expectation asks or there are too many callers.
    pub fn caller_latencies(&self, scope: RequestScope) -> Option<Vec<&CompactSamples>> {
        let is_kept = !self.caller_latencies.is_empty();
        is_kept.then(|| {
            self.nodes_in(scope)
                .map(|n| &self.caller_latencies[n])
                .collect()
        })
    }

    fn nodes_in(&self, scope: RequestScope) -> impl Iterator<Item = usize> {
        (0..self.node_scopes.len()).filter(move |node| {
            let (client, zone) = self.scopes[self.node_scopes[*node] as usize];
            scope.client.is_none_or(|c| c == client) && scope.zone.is_none_or(|z| z == zone)
        })
    }

    #[inline]
    fn begun_at(&mut self, caller: NodeId) -> &mut BegunCounts {
        let scope = self.node_scopes[(caller.0 - self.node_first) as usize];
        &mut self.begun[scope as usize]
    }

    #[inline]
    fn caller_count(&mut self, class: u16, caller: NodeId) -> &mut CallerCount {
        let node = (caller.0 - self.node_first) as usize;
        let column = if self.caller_class_count == 1 {
            0
        } else {
            class as usize
        };
        &mut self.callers[node * self.caller_class_count + column]
    }

    #[inline]
    fn cell_of(&self, class: u16, caller: NodeId) -> usize {
        let scope = self.node_scopes[(caller.0 - self.node_first) as usize];
        scope as usize * self.class_count + class as usize
    }
}

/// Whether an expectation asks for latencies of single callers.
fn is_asked_by_caller(scenario: &Scenario) -> bool {
    let is_asked = |measure: &MeasureRef| {
        measure.measure == Measure::Latency
            && is_by_caller(measure)
            && measure.scope.class.is_none()
    };
    scenario.asks_for(is_asked)
}

/// Whether a measure is taken caller by caller.
pub fn is_by_caller(measure: &MeasureRef) -> bool {
    measure.aggregation != Aggregation::Pooled
}

fn client_edges(scenario: &Scenario) -> Vec<Option<ClientEdge>> {
    let topology = &scenario.topology;
    let client_edge = |(index, owner)| match owner {
        EdgeOwner::Client(client) => {
            let edge = EdgeId::from_index(index);
            let calls = &scenario.clients[client.index()].calls;
            let is_plain = is_plain(calls, &scenario.edges);
            Some(ClientEdge {
                client,
                has_next: is_plain && calls.last() != Some(&edge),
                caller_first: topology.edge_callers(edge).start,
                node_first: topology.client_nodes(client).start,
            })
        }
        EdgeOwner::Service(_) => None,
    };
    let owners = scenario.edges.iter().map(|edge| edge.owner);
    owners.enumerate().map(client_edge).collect()
}

/// A share; None of nothing.
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    (0 < whole).then(|| part as f64 / whole as f64)
}

/// Classes of the whole run, the unmeasured one included.
pub fn all_classes(timeline: &Timeline) -> Vec<u16> {
    (0..timeline.class_count())
        .map(|class| u16::try_from(class).expect("classes are few"))
        .collect()
}
