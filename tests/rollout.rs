//! Rolling restarts against arithmetic: constant workloads, no delays, so every instant is known.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use std::ops::ControlFlow;

use stormglass::experiment::plan::{Monitor, Plan};
use stormglass::experiment::replicate::replicate;
use stormglass::metrics::data::RunMetrics;
use stormglass::metrics::data::fault::RolloutMetrics;
use stormglass::model::observation::{LifeState, Observation, Observer, Outcome};
use stormglass::scenario::Scenario;
use stormglass::time::SimTime;

/// Ten requests a second, one after the other over all instances, each served in 2 s.
const WORLD: &str = r#"schema = 1
duration = "300s"
drain = "60s"
[network]
same_zone = "0s"
[expect]
users = "success_ratio >= 0%"
[service.web]
count = 4
workers = 100
service_time = "2s"
[client.shop]
arrivals = { process = "constant", rate = "10/s" }
[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "20s"
deadline = "30s"
retry = { attempt_count_max = 1 }
[fault.deploy]
kind = "rolling_restart"
target = "service:web"
at = "60s"
"#;

/// What happened, in seconds.
#[derive(Debug, Default)]
struct Seen {
    window: Vec<(f64, bool)>,
    states: Vec<(f64, u32, LifeState)>,
    ready: Vec<(f64, u32)>,
    /// Times at which requests failed.
    failed: Vec<f64>,
    is_aborted: bool,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        match *observation {
            Observation::FaultStarted { .. } => self.window.push((at, true)),
            Observation::FaultEnded { .. } => self.window.push((at, false)),
            Observation::NodeChanged { node, state, .. } if 0.0 < at => {
                self.states.push((at, node.0, state));
            }
            Observation::RolloutStep { instance, .. } => match instance {
                Some(instance) => self.ready.push((at, instance.0)),
                None => self.is_aborted = true,
            },
            Observation::RequestEnded { outcome, .. } if outcome != Outcome::Success => {
                self.failed.push(at);
            }
            _ => {}
        }
    }
}

fn seen(more: &str, sets: &[&str]) -> Seen {
    let mut seen = Seen::default();
    run::run(&scenario(more, sets), 1, &mut seen);
    seen
}

fn scenario(more: &str, sets: &[&str]) -> Scenario {
    text::scenario(&format!("{WORLD}{more}"), sets)
}

struct Nobody;

impl Monitor for Nobody {
    fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn on_done(&self, _: u32) {}
}

fn metrics(more: &str, sets: &[&str]) -> RunMetrics {
    let plan = Plan {
        seed: 1,
        replication_count: 1,
        jobs: 1,
    };
    let scenario = scenario(more, sets);
    let results = replicate(&scenario, &plan, u64::MAX, &Nobody);
    results.expect("it runs").runs.remove(0).metrics
}

fn rollout(more: &str, sets: &[&str]) -> RolloutMetrics {
    metrics(more, sets)
        .faults
        .remove(0)
        .rollout
        .expect("it is one")
}

#[test]
fn a_deployment_waits_for_readiness_and_drains() {
    // Four with a quarter each: one may surge, one may be missing. At 60 s one comes and one goes,
    // which lets a second one come. After 10 s both are ready: of three old ones two go, two come.
    // At 80 s four are ready: the last old one goes. Each that goes serves on for 5 s and then
    // finishes what it has: the last request before it left the list, at most 0.3 s older, which
    // takes 2 s, is done by then.
    let more = "order = \"ascending\"\nready_after = \"10s\"\ndrain = { wait = \"5s\" }\n";
    let seen = seen(more, &[]);
    let (up, gone) = (LifeState::Up, LifeState::Absent);
    assert_eq!(
        seen.states,
        [
            (60.0, 4, up),
            (60.0, 5, up),
            (65.0, 0, gone),
            (70.0, 6, up),
            (70.0, 7, up),
            (75.0, 1, gone),
            (75.0, 2, gone),
            (85.0, 3, gone),
        ]
    );
    assert_eq!(seen.ready, [(70.0, 4), (70.0, 5), (80.0, 6), (80.0, 7)]);
    assert_eq!(seen.window, [(60.0, true), (85.0, false)]);
    assert_eq!(seen.failed, [0.0; 0]);
}

#[test]
fn what_has_no_time_to_finish_is_lost() {
    // One of two goes at 60 s and exits a second later. It has what was sent to it in the last 2 s,
    // five a second: what came before 59 s is done by then, the five of the last second are not.
    let one = "identity = \"keep\"\n";
    let sets = |grace| {
        [
            "service.web.count=2".to_string(),
            "fault.deploy.target=instance:web/main/0".to_string(),
            format!("fault.deploy.drain={{ grace = \"{grace}\" }}"),
        ]
    };
    let failed = |grace| {
        let sets = sets(grace);
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        seen(one, &sets).failed
    };
    assert_eq!(failed("1s"), [61.0; 5]);
    assert_eq!(failed("0s"), [60.0; 10]);
    // With time enough it exits with its last reply.
    assert_eq!(failed("10s"), [0.0; 0]);
}

#[test]
fn the_same_instances_come_back_one_after_the_other() {
    // Each finishes within 2 s, starts in 5 s and is ready 3 s later. The last request to it came
    // at most 0.4 s before it began to go.
    let more = "identity = \"keep\"\nready_after = \"3s\"\ndrain = { wait = \"2s\" }\n";
    let seen = seen(more, &["service.web.restart_time=5s"]);
    assert_eq!(
        seen.ready,
        [(70.0, 3), (80.0, 2), (90.0, 1), (100.0, 0)],
        "the highest number goes first"
    );
    assert_eq!(seen.window, [(60.0, true), (100.0, false)]);
    assert_eq!(seen.failed, [0.0; 0]);
}

#[test]
fn batches_wait_for_one_another() {
    // Two at a time in batches of three: 3 and 2 at 60 s; 1 alone when both are ready at 62 s; the
    // next batch, 0, at 64 s.
    let more = "identity = \"keep\"\nbatch = 3\nmax_unavailable = 2\n\
                drain = { wait = \"2s\", grace = \"0s\" }\n";
    let seen = seen(more, &["service.web.service_time=1ms"]);
    assert_eq!(seen.ready, [(62.0, 3), (62.0, 2), (64.0, 1), (66.0, 0)]);
}

#[test]
fn who_does_not_deregister_refuses_until_it_is_back() {
    // On a list that is configuration and that nobody edits one of two keeps its share, five a
    // second. It serves for 1 s, finishes in 2 s without taking anything, and starts for 5 s.
    let more = "identity = \"keep\"\ndrain = { deregister = false, wait = \"1s\" }\n";
    let sets = [
        "service.web.count=2",
        "service.web.restart_time=5s",
        "fault.deploy.target=instance:web/main/0",
    ];
    let seen = seen(more, &sets);
    let exit = seen.states[0];
    assert_eq!((exit.1, exit.2), (0, LifeState::Absent));
    // Its last request came within 0.2 s before 61 s.
    assert!(62.8 <= exit.0 && exit.0 <= 63.0, "{exit:?}");
    let back = exit.0 + 5.0;
    let between = seen.failed.iter().all(|at| 61.0 <= *at && *at <= back);
    assert!(between, "{:?}", seen.failed);
    let expected = (back - 61.0) * 5.0;
    assert!((seen.failed.len() as f64 - expected).abs() <= 1.0);
}

#[test]
fn load_stops_it_and_what_was_begun_is_finished() {
    // Two of the four may be missing: then the other two have 5 requests a second each, ten in
    // service; the condition holds after a second, when the first two are long gone.
    let more = "identity = \"keep\"\nmax_unavailable = 2\nready_after = \"20s\"\n\
                abort_when = \"in_flight of instance:web/main/0 > 8 for 1s\"\n";
    let seen = seen(more, &[]);
    assert!(seen.is_aborted);
    assert_eq!(seen.ready.len(), 2);
    let rollout = rollout(more, &[]);
    assert!(rollout.is_aborted);
    assert_eq!(rollout.replaced_count, 2);
}

#[test]
fn a_second_restart_follows_the_first_one() {
    let more = "identity = \"keep\"\nmax_unavailable = 4\ndrain = { wait = \"5s\" }\n\
                [fault.next]\nkind = \"rolling_restart\"\ntarget = \"service:web\"\n\
                after = \"fault.deploy.end + 5s\"\nidentity = \"keep\"\nmax_unavailable = 4\n\
                drain = { wait = \"5s\" }\n";
    let seen = seen(more, &[]);
    let expected = [(60.0, true), (65.0, false), (70.0, true), (75.0, false)];
    assert_eq!(seen.window, expected);
    let faults = metrics(more, &[]).faults;
    let spans = faults.iter().map(|fault| {
        let window = fault.windows[0];
        (window.start_secs, window.end_secs)
    });
    assert_eq!(spans.collect::<Vec<_>>(), [(60.0, 65.0), (70.0, 75.0)]);
}

#[test]
fn it_is_the_same_on_the_plain_heap() {
    let scenario = scenario("ready_after = \"10s\"\ndrain = { wait = \"5s\" }\n", &[]);
    let digest = run::run(&scenario, 3, &mut Seen::default()).digest;
    let of_heap = run::run_with_heap(&scenario, 3, &mut Seen::default()).digest;
    assert_eq!(digest, of_heap);
}

#[test]
fn a_key_that_leaves_and_comes_back_moved_twice_for_nothing() {
    let sets = [
        "fault.deploy.target=instance:web/main/0",
        "client.shop.call.web.balancer=ring",
        "duration=900s",
    ];
    let metrics = metrics("identity = \"keep\"\nready_after = \"30s\"\n", &sets);
    let fault = &metrics.faults[0];
    let rollout = fault.rollout.as_ref().expect("it is one");
    let moves = &rollout.moves[0];
    let share = fault.rings[0].moved_key_ratio;
    assert!(0.15 < share && share < 0.35, "about a quarter: {share}");
    assert_eq!(moves.change_count, 2);
    assert_eq!(moves.moved_key_ratio, Some(0.0));
    let extra = moves.extra_moved_key_ratio().expect("few changes");
    assert!((extra - 2.0 * share).abs() < 1e-12, "{extra} for {share}");
    // Ten attempts a second in the minutes one and ten minutes later.
    let sums: Vec<(u64, u64)> = rollout
        .loads
        .iter()
        .map(|load| (load.minutes_after, load.attempt_counts.iter().sum()))
        .collect();
    assert_eq!(sums, [(1, 600), (10, 600)]);
    assert!(
        rollout
            .loads
            .iter()
            .all(|load| load.attempt_counts.len() == 4)
    );
}

#[test]
fn a_lease_registry_lists_newcomers_when_they_are_ready() {
    // The drained instance deregisters; nobody fails, because lists travel in no time here and
    // instances serve for a second more.
    let more = "ready_after = \"10s\"\ndrain = { wait = \"1s\" }\n";
    let sets = ["registry.profile=lease", "registry.lease_duration=30s"];
    let seen = seen(more, &sets);
    assert_eq!(seen.failed, [0.0; 0]);
    assert_eq!(seen.ready.len(), 4);
}

#[test]
fn callers_that_are_told_to_go_away_lose_nothing() {
    // Messages of 20 ms: what is on its way when an instance stops comes on a connection, and is
    // served.
    let more = "identity = \"keep\"\ndrain = { wait = \"1s\", then = \"goaway\" }\n\
                [client.shop.call.web.connection]\n";
    let sets = ["network.same_zone=20ms", "service.web.service_time=100ms"];
    let told = seen(more, &sets);
    assert_eq!(told.failed, [0.0; 0]);
    let silent = more.replace("goaway", "reset");
    assert_eq!(seen(&silent, &sets).ready.len(), 4);
}

/// A restart in place of four, one at a time and each for 10 s, while the last one is scaled in.
fn shrunk_at(order: &str, at: &str) -> Seen {
    seen(
        &format!(
            "identity = \"keep\"\norder = \"{order}\"\nready_after = \"10s\"\n\
             drain = {{ grace = \"0s\" }}\n[fault.shrink]\nkind = \"scale_in\"\n\
             group = \"web/main\"\ncount = 1\ngrace = \"5s\"\nat = \"{at}\"\nfor = \"100s\"\n"
        ),
        &[],
    )
}

#[test]
fn who_is_scaled_in_is_not_restarted() {
    let gone_and_back = |seen: &Seen| {
        let of_last = seen.states.iter().filter(|(_, node, _)| *node == 3);
        let states: Vec<(f64, LifeState)> = of_last.map(|(at, _, s)| (*at, *s)).collect();
        states
    };
    let (up, absent) = (LifeState::Up, LifeState::Absent);
    // Before its turn: the other three take 30 s.
    let waits = shrunk_at("ascending", "70s");
    assert_eq!(waits.ready, [(70.0, 0), (80.0, 1), (90.0, 2)]);
    assert_eq!(gone_and_back(&waits), [(75.0, absent), (170.0, up)]);
    // Restarted at 60 s and ready at 70 s: before that it is not waited for any more.
    let starts = shrunk_at("descending", "65s");
    assert_eq!(starts.ready, [(75.0, 2), (85.0, 1), (95.0, 0)]);
    let restarted = [(60.0, absent), (60.0, up), (70.0, absent), (165.0, up)];
    assert_eq!(gone_and_back(&starts), restarted);
    let is_ready = shrunk_at("descending", "75s");
    assert_eq!(
        is_ready.ready,
        [(70.0, 3), (80.0, 2), (90.0, 1), (100.0, 0)]
    );
    for seen in [&waits, &starts, &is_ready] {
        assert_eq!(seen.window.len(), 4, "both end: {:?}", seen.window);
    }
}

#[test]
fn who_is_scaled_in_while_it_goes_does_not_come_back_before() {
    for deregister in [true, false] {
        let seen = seen(
            &format!(
                "identity = \"keep\"\ndrain = {{ wait = \"20s\", grace = \"0s\", \
                 deregister = {deregister} }}\n[fault.shrink]\nkind = \"scale_in\"\n\
                 group = \"web/main\"\ncount = 1\ngrace = \"90s\"\nat = \"65s\"\n\
                 for = \"100s\"\n"
            ),
            &[],
        );
        // The last one goes first, from 60 s to 80 s; each of the others takes 20 s as well.
        let of_last = seen.states.iter().filter(|(_, node, _)| *node == 3);
        let states: Vec<(f64, LifeState)> = of_last.map(|(at, _, s)| (*at, *s)).collect();
        assert_eq!(states, [(80.0, LifeState::Absent), (165.0, LifeState::Up)]);
        assert_eq!(seen.ready, [(100.0, 2), (120.0, 1), (140.0, 0)]);
    }
}

#[test]
fn an_autoscaler_does_not_stop_a_restart_in_place() {
    // Two of four are enough, and the autoscaler sees that at 70 s.
    let scaler = "service.web.autoscale={ target_utilization = 0.5, min = 2, max = 4, \
                  interval = \"70s\", phase = \"aligned\", cooldown = \"0s\", grace = \"1s\" }";
    let more = "identity = \"keep\"\norder = \"ascending\"\nready_after = \"20s\"\n";
    let seen = seen(more, &[scaler]);
    assert_eq!(seen.window.len(), 2, "it ends: {:?}", seen.window);
    let places: Vec<u32> = seen.ready.iter().map(|ready| ready.1).collect();
    assert_eq!(places, [0, 1]);
}

/// A restart in place of four, one at a time and each for 10 s, while the first one dies for good
/// and another one takes its place 5 s later.
fn replaced_at(at: &str, drain: &str, more: &str) -> Seen {
    seen(
        &format!(
            "{more}order = \"ascending\"\nready_after = \"10s\"\n\
             drain = {{ {drain} }}\n[fault.kill]\nkind = \"crash\"\n\
             target = \"instance:web/main/0\"\nat = \"{at}\"\n\
             replace = {{ after = \"5s\", identity = \"new\" }}\n"
        ),
        &[],
    )
}

#[test]
fn nobody_waits_for_who_was_replaced() {
    // Before it begins: the new one is restarted with the others. While it starts: the next one
    // goes at 70 s. While it drains, from 60 s on: the next one drains from 67 s to 87 s. After its
    // turn: as ever.
    let at_once = "grace = \"0s\"";
    let slowly = "wait = \"20s\", grace = \"0s\"";
    for (at, drain, expected) in [
        (
            "50s",
            at_once,
            &[(70.0, 1), (80.0, 2), (90.0, 3), (100.0, 4)][..],
        ),
        ("65s", at_once, &[(80.0, 1), (90.0, 2), (100.0, 3)]),
        ("62s", slowly, &[(97.0, 1), (127.0, 2), (157.0, 3)]),
        (
            "72s",
            at_once,
            &[(70.0, 0), (80.0, 1), (90.0, 2), (100.0, 3)],
        ),
    ] {
        let seen = replaced_at(at, drain, "identity = \"keep\"\n");
        assert_eq!(seen.ready, expected, "{at}");
        let ends_at = expected.last().expect("some are restarted").0;
        assert!(
            seen.window.contains(&(ends_at, false)),
            "{at}: {:?}",
            seen.window
        );
    }
}

/// A Deployment of four, of which one goes and comes after the other from 60 s on. The last one
/// still drains when it is scaled in: three are left, so three come.
#[test]
fn nobody_comes_for_who_is_scaled_in_while_it_goes() {
    let more = "order = \"descending\"\nmax_surge = 0\nmax_unavailable = 1\nready_after = \"10s\"\n\
                drain = { wait = \"20s\", grace = \"0s\" }\n[fault.shrink]\nkind = \"scale_in\"\n\
                group = \"web/main\"\ncount = 1\ngrace = \"90s\"\nat = \"65s\"\n";
    let came = seen(more, &[]).ready;
    assert_eq!(came, [(70.0, 4), (80.0, 5), (90.0, 6)]);
}
