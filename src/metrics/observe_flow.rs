//! Which counters facts of parallel, optional and asynchronous calls go to.

use super::recorder::Recorder;
use super::service::WorkRecord;
use crate::id::{CallerId, ClassId, EdgeId};
use crate::model::observation::Observation;
use crate::time::SimTime;

impl Recorder<'_> {
    #[inline(never)]
    pub(super) fn observe_flow(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.observe_class_load(at, observation);
        match *observation {
            Observation::CallBegan {
                caller,
                edge,
                class,
                is_first,
            } if !is_first => self.call_began(at, (caller, edge), class),
            Observation::OptionalCallEnded {
                edge,
                class: of_request,
                started_at,
                has_failed,
                ..
            } => {
                let (class, flow) = (self.class_at(started_at), &mut self.tables.flow);
                flow.end_optional(edge, of_request, class, has_failed);
            }
            Observation::ReleasedWorkEnded {
                instance,
                class,
                arrived_at,
                started_at,
                released_at,
                end,
                is_zombie,
            } => {
                let work = WorkRecord {
                    arrived_at,
                    started_at: Some(started_at),
                    released_at: Some(released_at),
                    end,
                    is_zombie,
                };
                let before = self.tables.instances.leave(at, instance);
                let services = &mut self.tables.services;
                services.leave(at, self.class, instance, before, work);
                if class != ClassId::NONE {
                    self.class_work_ended(at, class, instance, work);
                }
            }
            Observation::CallBreakdown {
                edge,
                started_at,
                parts,
                waits,
                ..
            } => {
                let class = self.class_at(started_at);
                self.tables.flow.end_call(edge, class, parts, waits);
            }
            Observation::RequestBreakdown {
                client,
                class: of_requests,
                arrived_at,
                parts,
                waits,
            } => {
                let class = self.class_at(arrived_at);
                let flow = &mut self.tables.flow;
                flow.end_request((client, of_requests), class, parts, waits);
            }
            _ => {}
        }
    }

    /// A request's call that did not begin with it.
    fn call_began(&mut self, at: SimTime, (caller, edge): (CallerId, EdgeId), class: ClassId) {
        if let Some(of_client) = self.tables.requests.client_edge(edge) {
            let node = of_client.node(caller);
            self.tables.requests.begin_call(node);
            if class != ClassId::NONE {
                self.class_call_began(at, class, node);
            }
        }
    }
}
