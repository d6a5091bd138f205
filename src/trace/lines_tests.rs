//! Whether what is written faster is written as everything else.

use super::Follower;
use super::lines::Lines;
use crate::id::{CallerId, ClassId, ClientId, EdgeId, InstanceId, NodeId};
use crate::metrics::fixture::{SMALL, scenario};
use crate::model::observation::Observation;
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{AttemptOutcome, Outcome, WorkEnd};
use crate::time::{SimDuration, SimTime};

const CALLER: CallerId = CallerId(1);
const EDGE: EdgeId = EdgeId(0);
const CLIENT: ClientId = ClientId(0);
const WEB: InstanceId = InstanceId(1);
const NONE: ClassId = ClassId::NONE;

fn requests() -> Vec<Observation<'static>> {
    let (caller, at) = (NodeId(2), SimTime::from_ns(12_345));
    let mut all = vec![Observation::RequestArrived {
        client: CLIENT,
        caller,
        class: NONE,
    }];
    for outcome in [
        Outcome::Success,
        Outcome::Failure,
        Outcome::Timeout,
        Outcome::Rejected,
    ] {
        all.push(Observation::RequestEnded {
            client: CLIENT,
            caller,
            class: NONE,
            arrived_at: at,
            outcome,
            attempt_count: 3,
        });
        all.push(Observation::CallEnded {
            caller: CALLER,
            edge: EDGE,
            class: NONE,
            started_at: at,
            outcome,
        });
    }
    all
}

fn attempts() -> Vec<Observation<'static>> {
    let sent = |is_wasted| Observation::AttemptSent {
        caller: CALLER,
        edge: EDGE,
        instance: WEB,
        class: NONE,
        attempt_index: 0,
        key: 1_000_000_007,
        is_wasted,
    };
    let ended = |outcome| Observation::AttemptEnded {
        caller: CALLER,
        edge: EDGE,
        instance: WEB,
        class: NONE,
        sent_at: SimTime::from_ns(9),
        outcome,
    };
    let all = ALL_OUTCOMES.map(ended).to_vec();
    all.into_iter().chain([sent(true), sent(false)]).collect()
}

const ALL_OUTCOMES: [AttemptOutcome; 11] = [
    AttemptOutcome::Success,
    AttemptOutcome::Error,
    AttemptOutcome::Rejected,
    AttemptOutcome::Refused,
    AttemptOutcome::Reset,
    AttemptOutcome::TimeoutSlow,
    AttemptOutcome::TimeoutBlackHole,
    AttemptOutcome::TimeoutHalfOpen,
    AttemptOutcome::Cancelled,
    AttemptOutcome::ConnectTimeout,
    AttemptOutcome::ResetUnsent,
];

const ENDS: [WorkEnd; 5] = [
    WorkEnd::Served,
    WorkEnd::Errored,
    WorkEnd::Lost,
    WorkEnd::Dropped,
    WorkEnd::Cancelled,
];

fn works() -> Vec<Observation<'static>> {
    let ended = |end| Observation::WorkEnded {
        instance: WEB,
        class: NONE,
        arrived_at: SimTime::from_ns(5),
        started_at: (end != WorkEnd::Lost).then_some(SimTime::from_ns(6)),
        end,
        is_zombie: end == WorkEnd::Served,
    };
    let others = [
        Observation::WorkArrived {
            instance: WEB,
            class: NONE,
        },
        Observation::WorkStarted {
            instance: WEB,
            class: NONE,
            waiting: SimDuration::ZERO,
        },
        Observation::BusyChanged {
            instance: WEB,
            busy_count: 10,
        },
    ];
    ENDS.map(ended).into_iter().chain(others).collect()
}

fn steps() -> Vec<StepKind> {
    let (attempt, instance) = (0, WEB);
    let outcome = Outcome::Timeout;
    let mut all = vec![
        StepKind::Arrived {
            client: CLIENT,
            node: NodeId(3),
            class: NONE,
            key: 77,
        },
        StepKind::Began {
            caller: CALLER,
            edge: EDGE,
        },
        StepKind::Reached { attempt, instance },
        StepKind::TakenUp {
            attempt,
            instance,
            waiting: SimDuration::from_ms(2),
        },
        StepKind::CallEnded {
            edge: EDGE,
            outcome,
        },
        StepKind::Ended {
            client: CLIENT,
            outcome,
        },
    ];
    all.extend([true, false].map(|is_wasted| StepKind::Sent {
        attempt,
        instance,
        is_wasted,
    }));
    all.extend(ENDS.map(|end| StepKind::Left {
        attempt,
        instance,
        end,
        is_started: end == WorkEnd::Served,
    }));
    all.extend(ALL_OUTCOMES.map(|outcome| StepKind::AttemptEnded {
        attempt,
        instance,
        outcome,
    }));
    all
}

#[test]
fn what_is_written_faster_is_written_as_everything_else() {
    let scenario = scenario(SMALL);
    let write = |is_hot: bool| {
        let mut bytes = Vec::new();
        let mut lines = Lines::new(&scenario, &mut bytes);
        lines.is_hot = is_hot;
        let mut at = SimTime::START;
        for fact in requests().iter().chain(&attempts()).chain(&works()) {
            lines.observe(at, fact);
            at = SimTime::from_ns(at.as_ns() * 3 + 1);
        }
        for kind in steps() {
            let request = 0x00ab_cdef_0123_4567;
            lines.follow(at, &Step { request, kind });
        }
        lines.finish().expect("memory takes everything");
        String::from_utf8(bytes).expect("text")
    };
    let (hot, cold) = (write(true), write(false));
    assert_eq!(hot.lines().count(), 9 + 13 + 8 + 24);
    assert_eq!(hot, cold);
}
