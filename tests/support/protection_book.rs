//! What must hold of breakers, bulkheads and concurrency limits, whatever happens.

use std::collections::BTreeMap;

use stormglass::id::{CallerId, EdgeId, InstanceId};
use stormglass::model::observation::{BreakerState, LimitOwner, Observation};
use stormglass::scenario::Scenario;
use stormglass::scenario::resilience::LimitConfig;

/// What was said so far.
pub struct ProtectionBook<'a> {
    scenario: &'a Scenario,
    /// Breakers that are not closed.
    breakers: BTreeMap<(CallerId, Option<InstanceId>), BreakerState>,
    in_flight: BTreeMap<CallerId, u32>,
    limits: BTreeMap<(bool, u32), u32>,
}

impl<'a> ProtectionBook<'a> {
    /// An empty book.
    pub fn new(scenario: &'a Scenario) -> Self {
        ProtectionBook {
            scenario,
            breakers: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            limits: BTreeMap::new(),
        }
    }

    /// Checks one fact.
    pub fn observe(&mut self, observation: &Observation<'_>) {
        match *observation {
            Observation::AttemptSent {
                caller,
                edge,
                instance,
                ..
            } => self.on_sent(caller, edge, instance),
            Observation::AttemptEnded { caller, .. } => {
                *self.in_flight.get_mut(&caller).expect("it was sent") -= 1;
            }
            Observation::BreakerChanged {
                caller,
                instance,
                state,
                ..
            } => {
                let before = self.breakers.insert((caller, instance), state);
                let before = before.unwrap_or(BreakerState::Closed);
                assert_ne!(before, state, "a breaker changes to what it is");
                let is_possible = before != BreakerState::Closed || state == BreakerState::Open;
                assert!(is_possible, "a closed breaker can only open");
            }
            Observation::LimitChanged {
                owner,
                before,
                limit,
            } => self.on_limit(owner, before, limit),
            _ => {}
        }
    }

    fn on_sent(&mut self, caller: CallerId, edge: EdgeId, instance: InstanceId) {
        for key in [None, Some(instance)] {
            let state = self.breakers.get(&(caller, key));
            assert_ne!(
                state,
                Some(&BreakerState::Open),
                "an open breaker lets pass"
            );
        }
        let count = self.in_flight.entry(caller).or_default();
        *count += 1;
        let config = self.scenario.edges[edge.index()].resilience.as_deref();
        if let Some(bulkhead) = config.and_then(|config| config.bulkhead) {
            assert!(*count <= bulkhead.concurrent_max, "a bulkhead leaks");
        }
    }

    fn on_limit(&mut self, owner: LimitOwner, before: u32, limit: u32) {
        let topology = &self.scenario.topology;
        let (key, config) = match owner {
            LimitOwner::Caller(caller) => {
                let edge = &self.scenario.edges[topology.edge_of(caller).index()];
                let config = edge.resilience.as_deref().and_then(|config| config.limit);
                ((false, caller.0), config)
            }
            LimitOwner::Instance(instance) => {
                let service = topology.service_of(instance);
                let config = self.scenario.services[service.index()].limit;
                ((true, instance.0), config)
            }
        };
        let LimitConfig {
            initial, min, max, ..
        } = config.expect("only who has a limit moves it");
        let known = self.limits.insert(key, limit).unwrap_or(initial);
        assert_eq!(before, known, "a limit moves from where it is");
        assert!(min <= limit && limit <= max, "a limit leaves its range");
    }
}
