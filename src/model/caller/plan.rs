//! The calls of clients and services in the order in which they are made.

use crate::id::{ClientId, EdgeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::flow::{is_plain, stages};

/// The calls of one owner.
#[derive(Debug)]
pub struct CallPlan {
    /// Whether the calls are single requests, one after the other.
    pub is_plain: bool,
    /// The one plain call that there is.
    pub only: Option<EdgeId>,
    stages: Vec<PlannedStage>,
}

/// Calls that run in parallel.
#[derive(Debug)]
pub struct PlannedStage {
    /// The calls, in order of the file.
    pub calls: Vec<EdgeId>,
    /// Whether workers are free while they are under way.
    pub is_async: bool,
}

/// The plans of a scenario.
#[derive(Debug)]
pub struct CallPlans {
    clients: Vec<CallPlan>,
    services: Vec<CallPlan>,
}

impl CallPlan {
    fn new(calls: &[EdgeId], scenario: &Scenario) -> Self {
        let is_plain = is_plain(calls, &scenario.edges);
        let stage = |calls: Vec<EdgeId>| PlannedStage {
            is_async: calls
                .iter()
                .any(|edge| scenario.edges[edge.index()].flow.is_async),
            calls,
        };
        CallPlan {
            is_plain,
            only: match calls {
                [edge] if is_plain => Some(*edge),
                _ => None,
            },
            stages: stages(calls, &scenario.edges)
                .into_iter()
                .map(stage)
                .collect(),
        }
    }

    /// A stage, from 0; None after the last one.
    pub fn stage(&self, number: u8) -> Option<&PlannedStage> {
        self.stages.get(usize::from(number))
    }
}

impl CallPlans {
    /// The plans of all owners.
    pub fn new(scenario: &Scenario) -> Self {
        let clients = scenario.clients.iter();
        let services = scenario.services.iter();
        CallPlans {
            clients: clients
                .map(|client| CallPlan::new(&client.calls, scenario))
                .collect(),
            services: services
                .map(|service| CallPlan::new(&service.calls, scenario))
                .collect(),
        }
    }

    /// The calls of a client's requests.
    #[inline]
    pub fn of_client(&self, client: ClientId) -> &CallPlan {
        &self.clients[client.index()]
    }

    /// The calls of a service.
    #[inline]
    pub fn of_service(&self, service: ServiceId) -> &CallPlan {
        &self.services[service.index()]
    }
}
