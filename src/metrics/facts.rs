//! Facts for tests, about the small scenario of the fixture.

use std::sync::Arc;

use super::data::RunMetrics;
use super::recorder::Recorder;
use crate::id::{
    CallerId, ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId, ServiceId, ZoneId,
};
use crate::model::observation::{
    FaultWindow, LifeState, Observation, Observer, Outcome, RunEnd, Suspector,
};
use crate::model::view::{Member, ViewSnapshot};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

pub fn ms(ms: u64) -> SimTime {
    SimTime::START + SimDuration::from_ms(ms)
}

/// Records facts in order of time and ends the run at `end_ms`.
pub fn record(
    scenario: &Scenario,
    windows: &[FaultWindow],
    facts: &[(u64, Observation<'_>)],
    end_ms: u64,
    in_flight_count: u64,
) -> RunMetrics {
    let mut recorder = Recorder::new(scenario, windows);
    for (at, fact) in facts {
        recorder.observe(ms(*at), fact);
    }
    recorder.finish(RunEnd {
        digest: 7,
        event_count: 11,
        ended_at: ms(end_ms),
        in_flight_count,
    })
}

/// The node of the first and second caller of the small scenario.
pub const SHOP: [NodeId; 2] = [NodeId(2), NodeId(3)];

pub fn arrived(caller: usize) -> Observation<'static> {
    Observation::RequestArrived {
        class: ClassId::NONE,
        client: ClientId(0),
        caller: SHOP[caller],
    }
}

pub fn ended(
    caller: usize,
    arrived_ms: u64,
    outcome: Outcome,
    attempt_count: u32,
) -> Observation<'static> {
    Observation::RequestEnded {
        class: ClassId::NONE,
        client: ClientId(0),
        caller: SHOP[caller],
        arrived_at: ms(arrived_ms),
        outcome,
        attempt_count,
    }
}

pub fn sent(caller: u32, instance: u32) -> Observation<'static> {
    sent_again(caller, instance, 0)
}

/// Attempt number `attempt_index` of a call.
pub fn sent_again(caller: u32, instance: u32, attempt_index: u32) -> Observation<'static> {
    Observation::AttemptSent {
        class: ClassId::NONE,
        caller: CallerId(caller),
        edge: EdgeId(0),
        instance: InstanceId(instance),
        attempt_index,
        key: 0,
        is_wasted: false,
    }
}

pub fn node(node: u32, state: LifeState) -> Observation<'static> {
    Observation::NodeChanged {
        node: NodeId(node),
        state,
        fault: (state == LifeState::Crashed).then_some(FaultId(0)),
    }
}

/// The fault begins to act on these nodes.
pub fn fault_started(targets: &[NodeId]) -> Observation<'_> {
    Observation::FaultStarted {
        fault: FaultId(0),
        targets,
    }
}

pub fn suspected(suspector: Suspector, instance: u32) -> Observation<'static> {
    Observation::Suspected {
        suspector,
        instance: InstanceId(instance),
    }
}

pub fn trusted(suspector: Suspector, instance: u32) -> Observation<'static> {
    Observation::Trusted {
        suspector,
        instance: InstanceId(instance),
    }
}

pub fn forgotten(suspector: Suspector, instance: u32) -> Observation<'static> {
    Observation::Forgotten {
        suspector,
        instance: InstanceId(instance),
    }
}

pub fn view(content_id: u64, weights: &[(u32, f64)]) -> Arc<ViewSnapshot> {
    let member = |(instance, weight): &(u32, f64)| Member {
        instance: InstanceId(*instance),
        zone: ZoneId(0),
        weight: *weight,
    };
    Arc::new(ViewSnapshot {
        service: ServiceId(0),
        content_id,
        members: weights.iter().map(member).collect(),
    })
}

pub fn holds(caller: u32, view: &Arc<ViewSnapshot>) -> Observation<'_> {
    Observation::CandidatesChanged {
        caller: CallerId(caller),
        edge: EdgeId(0),
        view,
    }
}

pub fn window(start_ms: u64, end_ms: u64) -> FaultWindow {
    FaultWindow {
        fault: FaultId(0),
        start: ms(start_ms),
        end: ms(end_ms),
    }
}
