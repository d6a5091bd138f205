//! Faults that something sets off, what follows them and what replaces their victims, against
//! arithmetic. Workloads are constant and messages take no time, so every instant is known.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::id::{FaultId, NodeId};
use stormglass::model::observation::{LifeState, Observation, Observer, Outcome};
use stormglass::time::SimTime;

/// A request every 100 ms from 100 ms on, each served in 1 s by the one worker of the one instance.
const WORLD: &str = r#"schema = 1
duration = "10s"
drain = "60s"
[network]
same_zone = "0s"
[expect]
users = "success_ratio >= 0%"
[service.web]
count = 1
service_time = "1s"
queue = { limit = "unlimited" }
[client.shop]
arrivals = { process = "constant", rate = "10/s" }
[client.shop.call.web]
retry = { attempt_count_max = 1 }
deadline = "50s"
"#;

/// Starts and ends of windows, and changes of nodes, in milliseconds.
#[derive(Debug, Default)]
struct Events {
    /// Fault, whether it began, and its targets.
    windows: Vec<(f64, u32, bool, Vec<u32>)>,
    states: Vec<(f64, u32, LifeState)>,
}

impl Observer for Events {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let ms = at.as_secs_f64() * 1e3;
        let ids = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect();
        match *observation {
            Observation::FaultStarted {
                fault: FaultId(fault),
                targets,
            } => self.windows.push((ms, fault, true, ids(targets))),
            Observation::FaultEnded {
                fault: FaultId(fault),
                targets,
            } => self.windows.push((ms, fault, false, ids(targets))),
            Observation::NodeChanged { node, state, .. } => {
                self.states.push((ms, node.0, state));
            }
            _ => {}
        }
    }
}

impl Events {
    fn of(more: &str, sets: &[&str]) -> Self {
        let mut events = Events::default();
        let scenario = text::scenario(&format!("{WORLD}{more}"), sets);
        run::run(&scenario, 1, &mut events);
        events
    }

    /// Start and end of the windows of one fault.
    fn edges(&self, fault: u32) -> Vec<(f64, bool)> {
        let of_fault = self.windows.iter().filter(|window| window.1 == fault);
        of_fault.map(|window| (window.0, window.2)).collect()
    }
}

#[test]
fn a_condition_begins_a_window_when_it_has_held_for_its_time() {
    // A request every 100 ms from 100 ms; one is served. The queue is above 3 from the fifth
    // request on, at 500 ms: until 1100 ms nobody leaves.
    let fault = "[fault.x]\nkind = \"pause\"\ntarget = \"service:web\"\nfor = \"2s\"\n";
    let when = |text: &str| Events::of(&format!("{fault}when = \"{text}\"\n"), &[]).edges(0);
    assert_eq!(
        when("queue_depth > 3 for 250ms"),
        [(750.0, true), (2750.0, false)]
    );
    assert_eq!(when("queue_depth > 3"), [(500.0, true), (2500.0, false)]);
    // In flight is one more: above 3 from the fourth request on.
    assert_eq!(when("in_flight > 3"), [(400.0, true), (2400.0, false)]);
    // Busy from the first request on, for ever.
    assert_eq!(
        when("utilization > 50% for 1s"),
        [(1100.0, true), (3100.0, false)]
    );
    // Idle before it; 100 ms are not enough.
    assert_eq!(
        when("utilization < 0.5 for 100ms"),
        [(100.0, true), (2100.0, false)]
    );
    assert_eq!(when("queue_depth of instance:web/main/0 > 100000"), []);
}

#[test]
fn a_condition_that_breaks_begins_anew() {
    // Requests every 100 ms served in 50 ms: busy for 50 ms of every 100 ms.
    let fault =
        "[fault.x]\nkind = \"slow\"\nfactor = 1.0\ntarget = \"service:web\"\nfor = \"30ms\"\n";
    let sets = ["service.web.service_time=50ms"];
    let never = Events::of(
        &format!("{fault}when = \"in_flight > 0 for 60ms\"\n"),
        &sets,
    );
    assert_eq!(never.edges(0), []);
    let more = format!("{fault}when = \"in_flight > 0 for 20ms\"\nagain = true\n");
    let edges = Events::of(&more, &sets).edges(0);
    // From 100 ms, 200 ms, ... on: 20 ms later for 30 ms. At its end the worker is done, too.
    assert_eq!(
        edges[..4],
        [(120.0, true), (150.0, false), (220.0, true), (250.0, false)]
    );
}

#[test]
fn a_fault_follows_every_window_of_another() {
    let first = "[fault.a]\nkind = \"pause\"\ntarget = \"service:web\"\nat = \"1s\"\n\
                 for = \"500ms\"\nevery = \"4s\"\n";
    let second =
        "[fault.b]\nkind = \"slow\"\nfactor = 2.0\ntarget = \"service:web\"\nfor = \"100ms\"\n";
    let follow = |after: &str| {
        let more = format!("{first}{second}after = \"{after}\"\n");
        Events::of(&more, &[]).edges(1)[..4].to_vec()
    };
    // Windows of a: 1 s to 1.5 s, 5.5 s to 6 s, ...
    assert_eq!(
        follow("fault.a + 2s"),
        [
            (3000.0, true),
            (3100.0, false),
            (7500.0, true),
            (7600.0, false)
        ]
    );
    assert_eq!(
        follow("fault.a.end + 250ms"),
        [
            (1750.0, true),
            (1850.0, false),
            (6250.0, true),
            (6350.0, false)
        ]
    );
}

#[test]
fn a_chain_may_begin_with_a_condition() {
    let more = "[fault.a]\nkind = \"pause\"\ntarget = \"service:web\"\nfor = \"1s\"\n\
                when = \"queue_depth > 3\"\n\
                [fault.b]\nkind = \"slow\"\nfactor = 2.0\ntarget = \"service:web\"\nfor = \"1s\"\n\
                after = \"fault.a.end + 2s\"\n";
    let events = Events::of(more, &[]);
    assert_eq!(events.edges(0), [(500.0, true), (1500.0, false)]);
    assert_eq!(events.edges(1), [(3500.0, true), (4500.0, false)]);
}

#[test]
fn a_process_crashes_with_the_attempt_that_is_too_much() {
    // The queue has 6 with the seventh request, at 700 ms; 4 s later the process is back.
    let sets = [
        "service.web.crash_above={ queue = 5 }",
        "service.web.restart_time=4s",
    ];
    let states = Events::of("", &sets).states;
    assert_eq!(
        states[..4],
        [
            (700.0, 0, LifeState::Crashed),
            (700.0, 0, LifeState::Restarting),
            (4700.0, 0, LifeState::Up),
            // The first request after it arrives at 4.7 s, the seventh at 5.3 s.
            (5300.0, 0, LifeState::Crashed),
        ]
    );
    let sets = [
        "service.web.crash_above={ in_flight = 5 }",
        "service.web.restart_time=4s",
    ];
    assert_eq!(
        Events::of("", &sets).states[0],
        (600.0, 0, LifeState::Crashed)
    );
}

#[test]
fn a_victim_comes_back_before_its_window_ends() {
    let more = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:web\"\nat = \"1s\"\n\
                for = \"8s\"\n\
                replace = { after = \"3s\" }\n";
    let events = Events::of(more, &["service.web.restart_time=500ms"]);
    assert_eq!(events.edges(0), [(1000.0, true), (9000.0, false)]);
    assert_eq!(
        events.states,
        [
            (1000.0, 0, LifeState::HostLost),
            (4000.0, 0, LifeState::Restarting),
            (4500.0, 0, LifeState::Up),
        ]
    );
}

#[test]
fn a_new_instance_takes_the_place_of_a_victim_in_another_zone() {
    let world = WORLD.replace(
        "count = 1\n",
        "group.a = { count = 2, zone = \"a\" }\ngroup.b = { count = 1, zone = \"b\" }\n",
    );
    let more = "[fault.x]\nkind = \"crash\"\ntarget = \"instance:web/a/1\"\nat = \"1s\"\n\
                for = \"2s\"\n\
                replace = { after = \"1500ms\", identity = \"new\", zone = \"b\" }\n";
    let mut events = Events::default();
    run::run(
        &text::scenario(&format!("{world}{more}"), &[]),
        1,
        &mut events,
    );
    // Instances: a/0, a/1, b/0, b/1 (spare). The victim never comes back.
    assert_eq!(
        events.states,
        [
            (0.0, 3, LifeState::Absent),
            (1000.0, 1, LifeState::Crashed),
            (2500.0, 3, LifeState::Up),
        ]
    );
}

#[test]
fn a_fault_spreads_to_the_host_and_ends_with_its_window() {
    let more = "[fault.x]\nkind = \"crash\"\ntarget = \"instance:web/main/2\"\n\
                at = \"1s\"\nfor = \"2s\"\n\
                spread = { ratio = 1.0, delay = \"500ms\" }\n";
    let sets = ["service.web.count=6", "service.web.instances_per_host=3"];
    let windows = Events::of(more, &sets).windows;
    // Hosts: 0 1 2 and 3 4 5.
    assert_eq!(
        windows,
        [
            (1000.0, 0, true, vec![2]),
            (1500.0, 0, true, vec![0]),
            (1500.0, 0, true, vec![1]),
            (3000.0, 0, false, vec![2]),
            (3000.0, 0, false, vec![0]),
            (3000.0, 0, false, vec![1]),
        ]
    );
}

#[test]
fn an_autoscaler_follows_the_load_up_and_down() {
    // Requests of 400 ms at 8/s keep 3.2 workers busy: 80 % of 4. The target is 50 %, so the
    // decision at 20 s asks for ceil(3.2 / 0.5) = 7 instances, which are there 5 s later. Then the
    // utilization is 3.2 / 7 = 46 %, within 10 % of the target. At 100 s the caller dies. The
    // decision at 120 s asks for 2, the least; the seven of 100 s hold until more than 50 s later,
    // that is at 160 s, where the largest of 120 s to 160 s is 2. Those that leave have 1 s.
    let world = r#"schema = 1
duration = "200s"
drain = "10s"
[network]
same_zone = "0s"
[expect]
most = "instance_count.max <= 7"
least = "instance_count.min >= 2"
[service.web]
count = 4
service_time = "400ms"
autoscale = { target_utilization = 0.5, min = 2, max = 9, interval = "20s", phase = "aligned", delay = "5s", cooldown = "50s", grace = "1s" }
[client.shop]
arrivals = { process = "constant", rate = "8/s" }
when_caller_down = "lose"
[client.shop.call.web]
balancer = "round_robin"
[fault.end]
kind = "crash"
target = "client:shop"
at = "100s"
"#;
    let mut events = Events::default();
    run::run(&text::scenario(world, &[]), 1, &mut events);
    let later = events
        .states
        .iter()
        .filter(|state| 0.0 < state.0 && state.1 < 9);
    let mut expected: Vec<(f64, u32, LifeState)> =
        (4..7).map(|node| (25_000.0, node, LifeState::Up)).collect();
    expected.extend(
        (2..7)
            .rev()
            .map(|node| (161_000.0, node, LifeState::Absent)),
    );
    assert_eq!(later.copied().collect::<Vec<_>>(), expected);
}

#[test]
fn an_autoscaler_does_not_count_the_work_of_those_that_leave() {
    // 20 users keep 5 of the 10 workers of each of four busy, for longer than the run. At 80 % of
    // the workers they need ceil(20 / 8) = 3, so at 10 s the last one leaves, with its 5. The 15 of
    // the others need ceil(15 / 8) = 2: at 20 s the next one leaves, whose 10 s and 15 s are over
    // at 25 s and 35 s.
    let world = r#"schema = 1
duration = "36s"
drain = "1s"
[network]
same_zone = "0s"
[expect]
least = "instance_count.min >= 2"
[service.web]
count = 4
workers = 10
service_time = "400s"
autoscale = { target_utilization = 0.8, min = 1, max = 4, interval = "10s", phase = "aligned", cooldown = "0s", grace = "15s", tolerance = 0.0 }
[client.users]
arrivals = { process = "closed", user_count = 20, think_time = "0s" }
[client.users.call.web]
balancer = "round_robin"
retry = { attempt_count_max = 1 }
"#;
    let mut events = Events::default();
    run::run(&text::scenario(world, &[]), 1, &mut events);
    let gone = events.states.iter().filter(|state| 0.0 < state.0);
    let expected = [
        (25_000.0, 3, LifeState::Absent),
        (35_000.0, 2, LifeState::Absent),
    ];
    assert_eq!(gone.copied().collect::<Vec<_>>(), expected);
}

/// The second instance of `api` is there from 5 s on and gets every other request, each of which
/// calls `db`.
const JOINS: &str = r#"schema = 1
duration = "10s"
[network]
same_zone = "0s"
[expect]
users = "success_ratio >= 0%"
[service.api]
count = 1
service_time = "1ms"
[service.api.call.db]
[service.db]
count = 1
service_time = "1ms"
[client.shop]
arrivals = { process = "constant", rate = "10/s" }
[client.shop.call.api]
balancer = "round_robin"
[fault.grows]
kind = "scale_out"
group = "api/main"
count = 1
at = "5s"
"#;

/// Requests that ended, and those of them that failed.
#[derive(Debug, Default)]
struct Outcomes(u64, u64);

impl Observer for Outcomes {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestEnded { outcome, .. } = observation {
            self.0 += 1;
            self.1 += u64::from(*outcome != Outcome::Success);
        }
    }
}

#[test]
fn an_instance_that_joins_knows_whom_it_calls() {
    for registry in [
        "profile = \"static\"",
        "profile = \"lease\"",
        "profile = \"lease\"\npropagation = \"poll\"",
    ] {
        let mut outcomes = Outcomes::default();
        let text = format!("{JOINS}[registry]\n{registry}\n");
        run::run(&text::scenario(&text, &[]), 1, &mut outcomes);
        // What reaches it before its first list may fail: two messages that take no time.
        assert_eq!((outcomes.0, outcomes.1), (99, 0), "{registry}");
    }
}

#[test]
fn both_queues_agree_on_what_was_set_off() {
    let more = "[fault.a]\nkind = \"crash\"\ntarget = \"service:web\"\nfor = \"1s\"\n\
                when = \"queue_depth > 3\"\nagain = true\nreplace = { after = \"300ms\" }\n\
                [fault.b]\nkind = \"pause\"\ntarget = \"service:web\"\nfor = \"200ms\"\n\
                after = \"fault.a.end\"\n";
    let scenario = text::scenario(&format!("{WORLD}{more}"), &[]);
    let (mut first, mut second) = (Events::default(), Events::default());
    let end = run::run(&scenario, 1, &mut first);
    assert_eq!(run::run_with_heap(&scenario, 1, &mut second), end);
    assert_eq!(first.windows, second.windows);
    assert!(4 < first.edges(1).len(), "{:?}", first.windows);
}
