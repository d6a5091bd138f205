//! Attempts that were sent while others of their call were in flight, and calls that ended with a
//! fallback, by edge and class of the moment.

use super::recorder::Recorder;
use crate::id::{CallerId, ClassId, EdgeId};
use crate::scenario::Scenario;

/// What happened on one edge in one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeveralCounts {
    /// Attempts sent while others of their call were in flight.
    pub hedge_count: u64,
    /// Calls that failed and ended with a fallback.
    pub fallback_count: u64,
}

/// All edges of one run.
#[derive(Clone, Debug, Default)]
pub struct SeveralTable {
    class_count: usize,
    /// By edge, then class.
    counts: Vec<SeveralCounts>,
}

impl SeveralTable {
    /// Empty counters.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        SeveralTable {
            class_count,
            counts: vec![SeveralCounts::default(); scenario.edges.len() * class_count],
        }
    }

    fn at(&mut self, edge: EdgeId, class: u16) -> &mut SeveralCounts {
        &mut self.counts[edge.index() * self.class_count + class as usize]
    }

    /// An edge in these classes.
    pub fn pooled(&self, edge: EdgeId, classes: &[u16]) -> SeveralCounts {
        let first = edge.index() * self.class_count;
        classes
            .iter()
            .map(|class| self.counts[first + *class as usize])
            .fold(SeveralCounts::default(), |sum, counts| SeveralCounts {
                hedge_count: sum.hedge_count + counts.hedge_count,
                fallback_count: sum.fallback_count + counts.fallback_count,
            })
    }
}

impl Recorder<'_> {
    /// The attempt that was sent last is a hedge, and so no retry.
    pub(super) fn hedge_sent(
        &mut self,
        (caller, edge): (CallerId, EdgeId),
        class: ClassId,
        attempt_index: u32,
    ) {
        self.class_hedge_sent(class, (caller, edge), attempt_index);
        self.tables.several.at(edge, self.class).hedge_count += 1;
        self.tables.selection.take_back_retry(self.class, edge);
        if let Some(of_client) = self.tables.requests.client_edge(edge) {
            let node = of_client.node(caller);
            let requests = &mut self.tables.requests;
            requests.take_back_retry(node, attempt_index);
        }
    }

    /// A call ended with a fallback.
    pub(super) fn fell_back(&mut self, edge: EdgeId, class: ClassId) {
        self.class_fell_back(class, edge);
        self.tables.several.at(edge, self.class).fallback_count += 1;
    }
}
