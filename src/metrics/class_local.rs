//! What callers did of their own accord for requests of each class: hedges, fallbacks, attempts
//! that they turned away, retries.

use super::attempts::SeveralCounts;
use super::class::ClassTable;
use super::recorder::Recorder;
use super::resilience::ResilienceCell;
use crate::id::{CallerId, ClassId, EdgeId};
use crate::model::observation::Observation;

/// Counts of one call edge and class of requests in one phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalCounts {
    several: SeveralCounts,
    resilience: ResilienceCell,
}

impl ClassTable {
    /// Hedges and fallbacks of an edge for requests of a class in these phases.
    pub fn several(&self, edge: EdgeId, class: ClassId, phases: &[u16]) -> SeveralCounts {
        let mut sum = SeveralCounts::default();
        for phase in phases {
            let counts = self.local(edge, class, *phase).several;
            sum.hedge_count += counts.hedge_count;
            sum.fallback_count += counts.fallback_count;
        }
        sum
    }

    /// Attempts of an edge for requests of a class that callers turned away in these phases, and
    /// retries that a budget decided about.
    pub fn resilience(&self, edge: EdgeId, class: ClassId, phases: &[u16]) -> ResilienceCell {
        let mut sum = ResilienceCell::default();
        for phase in phases {
            sum.merge(&self.local(edge, class, *phase).resilience);
        }
        sum
    }
}

impl Recorder<'_> {
    /// The attempt that was sent last for a request of a class is a hedge, and so no retry.
    pub(super) fn class_hedge_sent(
        &mut self,
        class: ClassId,
        (caller, edge): (CallerId, EdgeId),
        attempt_index: u32,
    ) {
        if class == ClassId::NONE {
            return;
        }
        let phase = self.class;
        let of_client = self.tables.requests.client_edge(edge);
        let table = &mut self.tables.classes;
        table.local_mut(edge, class, phase).several.hedge_count += 1;
        let node = of_client.map(|of_client| of_client.node(caller));
        table.take_back_retry(class, (node, edge), phase, attempt_index);
    }

    /// A call for a request of a class ended with a fallback.
    pub(super) fn class_fell_back(&mut self, class: ClassId, edge: EdgeId) {
        if class != ClassId::NONE {
            let phase = self.class;
            let counts = self.tables.classes.local_mut(edge, class, phase);
            counts.several.fallback_count += 1;
        }
    }

    /// A caller turned an attempt for a request of a class away, or decided about a retry.
    pub(super) fn class_decided(&mut self, observation: &Observation<'_>) {
        let (Observation::TurnedAway { edge, class, .. }
        | Observation::RetryDecided { edge, class, .. }) = *observation
        else {
            return;
        };
        if class != ClassId::NONE {
            let phase = self.class;
            let counts = self.tables.classes.local_mut(edge, class, phase);
            counts.resilience.note(observation);
        }
    }
}
