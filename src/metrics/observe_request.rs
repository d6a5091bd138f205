//! Which counters the ends of requests and calls go to.

use super::recorder::Recorder;
use crate::id::{CallerId, ClientId, EdgeId, NodeId};
use crate::model::observation::Outcome;
use crate::time::SimTime;

impl Recorder<'_> {
    /// A request of a client has its outcome.
    #[inline(always)]
    pub(super) fn request_ended(
        &mut self,
        at: SimTime,
        (client, caller): (ClientId, NodeId),
        arrived_at: SimTime,
        outcome: Outcome,
    ) {
        let (class, latency) = (self.class_at(arrived_at), at.since(arrived_at));
        self.tables.requests.end(class, caller, latency, outcome);
        self.tables.sample.request(arrived_at, latency, outcome);
        if outcome != Outcome::Success {
            self.tables.rollouts.failed(at, arrived_at);
        }
        let windows = &mut self.tables.windows;
        windows.end(arrived_at, client.index(), latency, outcome);
    }

    /// A call has its outcome.
    #[inline(always)]
    pub(super) fn call_ended(
        &mut self,
        at: SimTime,
        (caller, edge): (CallerId, EdgeId),
        started_at: SimTime,
        outcome: Outcome,
    ) {
        if self.tables.calls.alias_clients[edge.index()].is_some() {
            return;
        }
        let (class, latency) = (self.class_at(started_at), at.since(started_at));
        self.tables.calls.end(edge, class, latency, outcome);
        if let Some(of_client) = self.tables.requests.client_edge(edge)
            && of_client.has_next
            && outcome == Outcome::Success
        {
            let node = of_client.node(caller);
            self.tables.requests.begin_call(node);
        }
    }
}
