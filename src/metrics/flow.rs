//! Parts of latencies and ends of optional calls, by class of their start.

use super::histogram::Samples;
use crate::id::{ClassId, ClientId, EdgeId};
use crate::model::observation::{Parts, Wait};
use crate::scenario::Scenario;
use crate::scenario::client::EdgeOwner;
use crate::scenario::measure::{Measure, MeasureRef};
use crate::time::SimDuration;

/// Parts of a latency.
pub const PART_COUNT: usize = 7;

/// The parts of many latencies.
#[derive(Clone, Debug, Default)]
pub struct PartCell {
    /// Each part of all of them, in the order of [`Parts::all`].
    pub parts: [Samples; PART_COUNT],
    /// Time that instances waited for their calls, with the edge, ascending by edge; it sums up
    /// to the part `calls`.
    pub waits: Vec<(EdgeId, SimDuration)>,
}

/// Optional calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionalCount {
    /// With an outcome.
    pub ended_count: u64,
    /// Failed.
    pub failed_count: u64,
}

/// All of them in one run.
#[derive(Clone, Debug, Default)]
pub struct FlowTable {
    class_count: usize,
    /// By client, then class; none where latencies are not split.
    clients: Vec<PartCell>,
    /// By class of request, then class; none where no expectation asks for it.
    classes: Vec<PartCell>,
    /// By edge, then class; none where latencies are not split.
    edges: Vec<PartCell>,
    /// By edge, then class; none where no call is optional.
    optional: Vec<OptionalCount>,
    /// By class of request, then edge, then class; none where no expectation asks for it.
    optional_of_classes: Vec<OptionalCount>,
    /// The owner of each edge.
    owners: Vec<EdgeOwner>,
}

impl OptionalCount {
    fn end(&mut self, has_failed: bool) {
        self.ended_count += 1;
        self.failed_count += u64::from(has_failed);
    }
}

impl PartCell {
    fn add(&mut self, parts: &Parts, waits: &[Wait]) {
        for (samples, part) in self.parts.iter_mut().zip(parts.all()) {
            samples.record(part);
        }
        for wait in waits {
            self.add_wait(wait.edge, wait.length);
        }
    }

    fn add_wait(&mut self, edge: EdgeId, length: SimDuration) {
        match self.waits.binary_search_by_key(&edge, |(edge, _)| *edge) {
            Ok(place) => self.waits[place].1 += length,
            Err(place) => self.waits.insert(place, (edge, length)),
        }
    }

    fn merge(&mut self, other: &Self) {
        for (samples, more) in self.parts.iter_mut().zip(&other.parts) {
            samples.merge(more);
        }
        for (edge, length) in &other.waits {
            self.add_wait(*edge, *length);
        }
    }
}

impl FlowTable {
    /// Empty counters.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let cells = |is_kept: bool, count: usize| if is_kept { count * class_count } else { 0 };
        let has_parts = scenario.has_breakdown;
        let is_asked = |measure: &MeasureRef| {
            measure.measure.is_of_breakdown() && measure.scope.class.is_some()
        };
        let has_classes = has_parts && scenario.asks_for(is_asked);
        let is_optional_asked = |measure: &MeasureRef| {
            measure.measure == Measure::FallbackRatio && measure.scope.class.is_some()
        };
        let by_class = scenario.edges.len() * scenario.classes.count();
        let has_optional = scenario.edges.iter().any(|edge| edge.flow.is_optional);
        FlowTable {
            class_count,
            clients: vec![PartCell::default(); cells(has_parts, scenario.clients.len())],
            classes: vec![PartCell::default(); cells(has_classes, scenario.classes.count())],
            edges: vec![PartCell::default(); cells(has_parts, scenario.edges.len())],
            optional: vec![OptionalCount::default(); cells(has_optional, scenario.edges.len())],
            optional_of_classes: vec![
                OptionalCount::default();
                cells(
                    has_optional && scenario.asks_for(is_optional_asked),
                    by_class
                )
            ],
            owners: scenario.edges.iter().map(|edge| edge.owner).collect(),
        }
    }

    /// A request of a client has its outcome.
    pub fn end_request(
        &mut self,
        (client, of_requests): (ClientId, ClassId),
        class: u16,
        parts: &Parts,
        waits: &[Wait],
    ) {
        let place = client.index() * self.class_count + usize::from(class);
        self.clients[place].add(parts, waits);
        let place = of_requests.index() * self.class_count + usize::from(class);
        if let Some(cell) = self.classes.get_mut(place) {
            cell.add(parts, waits);
        }
    }

    /// A call has its outcome.
    pub fn end_call(&mut self, edge: EdgeId, class: u16, parts: &Parts, waits: &[Wait]) {
        let place = edge.index() * self.class_count + usize::from(class);
        self.edges[place].add(parts, waits);
    }

    /// The outcome of an optional call is certain.
    pub fn end_optional(
        &mut self,
        edge: EdgeId,
        of_request: ClassId,
        class: u16,
        has_failed: bool,
    ) {
        let place = edge.index() * self.class_count + usize::from(class);
        self.optional[place].end(has_failed);
        let place = of_request.index() * self.optional.len() + place;
        if let Some(count) = self.optional_of_classes.get_mut(place) {
            count.end(has_failed);
        }
    }

    /// The parts of one client's requests, or of all; None where latencies are not split.
    pub fn of_clients(&self, client: Option<ClientId>, classes: &[u16]) -> Option<PartCell> {
        pooled(&self.clients, self.class_count, classes, |place| {
            client.is_none_or(|client| client.index() == place)
        })
    }

    /// The parts of the requests of a class; None where latencies are not split or nobody asks.
    pub fn of_class(&self, of_requests: ClassId, classes: &[u16]) -> Option<PartCell> {
        pooled(&self.classes, self.class_count, classes, |place| {
            of_requests.index() == place
        })
    }

    /// The parts of the calls over an edge; None where latencies are not split.
    pub fn of_edge(&self, edge: EdgeId, classes: &[u16]) -> Option<PartCell> {
        pooled(&self.edges, self.class_count, classes, |place| {
            edge.index() == place
        })
    }

    /// Optional calls over an edge, or of a client, or all, for requests of one class or of all.
    pub fn optional(
        &self,
        client: Option<ClientId>,
        edge: Option<EdgeId>,
        of_requests: Option<ClassId>,
        classes: &[u16],
    ) -> OptionalCount {
        let counts = match of_requests {
            None => Some(&self.optional[..]),
            Some(class) => {
                let first = class.index() * self.optional.len();
                let place = first..first + self.optional.len();
                self.optional_of_classes.get(place)
            }
        };
        let is_meant = |place: usize| {
            let of_client = client.is_none_or(|id| self.owners[place] == EdgeOwner::Client(id));
            of_client && edge.is_none_or(|edge| edge.index() == place)
        };
        let mut sum = OptionalCount::default();
        let counts = counts.unwrap_or_default().chunks(self.class_count);
        for (place, cells) in counts.enumerate() {
            for class in classes.iter().filter(|_| is_meant(place)) {
                sum.ended_count += cells[usize::from(*class)].ended_count;
                sum.failed_count += cells[usize::from(*class)].failed_count;
            }
        }
        sum
    }
}

fn pooled(
    cells: &[PartCell],
    class_count: usize,
    classes: &[u16],
    is_meant: impl Fn(usize) -> bool,
) -> Option<PartCell> {
    let mut sum = PartCell::default();
    for (place, cells) in cells.chunks(class_count).enumerate() {
        for class in classes.iter().filter(|_| is_meant(place)) {
            sum.merge(&cells[usize::from(*class)]);
        }
    }
    (!cells.is_empty()).then_some(sum)
}
