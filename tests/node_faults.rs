//! Pauses of each process, nodes that flap and clocks that drift, against arithmetic. Messages take
//! no time, so every instant is known.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::model::fault_plan;
use stormglass::model::fault_plan::PlannedWindow;
use stormglass::model::observation::{ControlKind, LifeState, Observation, Observer};
use stormglass::time::SimTime;

const WORLD: &str = r#"schema = 1
duration = "60s"
drain = "5s"
[network]
same_zone = "0s"
[expect]
users = "success_ratio >= 0%"
[service.web]
count = 1
service_time = "1ms"
[client.shop]
arrivals = { process = "constant", rate = "1/s" }
[client.shop.call.web]
attempt_timeout = "1s"
"#;

/// What happened, in seconds.
#[derive(Debug, Default)]
struct Seen {
    states: Vec<(f64, LifeState)>,
    pings: Vec<f64>,
    suspected: Vec<f64>,
    windows: Vec<f64>,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        match *observation {
            Observation::NodeChanged { state, .. } => self.states.push((at, state)),
            Observation::ControlSent {
                kind: ControlKind::Ping,
                ..
            } => self.pings.push(at),
            Observation::Suspected { .. } => self.suspected.push(at),
            Observation::FaultStarted { .. } | Observation::FaultEnded { .. } => {
                self.windows.push(at);
            }
            _ => {}
        }
    }
}

fn seen(more: &str, sets: &[&str]) -> Seen {
    let scenario = text::scenario(&format!("{WORLD}{more}"), sets);
    let mut seen = Seen::default();
    let end = run::run(&scenario, 1, &mut seen);
    let end_with_heap = run::run_with_heap(&scenario, 1, &mut Seen::default());
    assert_eq!(end, end_with_heap, "the product's queue and the plain heap");
    seen
}

#[test]
fn nodes_flap_from_the_start_of_a_window_to_its_end() {
    let more = "[fault.x]\nkind = \"flapping\"\ntarget = \"service:web\"\n\
                down = \"1s\"\nup = \"2s\"\nat = \"1s\"\nfor = \"7s\"\n";
    let (down, up) = (LifeState::Crashed, LifeState::Up);
    let crashes = seen(more, &[]);
    let times = [1.0, 2.0, 4.0, 5.0, 7.0, 8.0];
    let expected: Vec<(f64, LifeState)> = times
        .into_iter()
        .zip([down, up, down, up, down, up])
        .collect();
    assert_eq!(crashes.states, expected);
    assert_eq!(crashes.windows, [1.0, 8.0], "one window holds all of it");
    // A window that ends while they are up leaves them up.
    let states = seen(more, &["fault.x.for=8s"]).states;
    assert_eq!(states, expected);
    let paused = seen(more, &["fault.x.state=pause"]).states;
    assert_eq!(paused[0], (1.0, LifeState::Paused));
}

#[test]
fn a_clock_that_drifts_sets_its_timers_by_its_own_seconds() {
    // Pings every second of the caller's clock, which gains half a second in each from 10 s to
    // 20 s: there a local second takes 2/3 s.
    let sets = ["client.shop.call.web.detector={ kind = \"ping\", phase = \"aligned\" }"];
    let more = "[fault.x]\nkind = \"clock_drift\"\ntarget = \"client:shop\"\ndrift = \"50%\"\n\
                at = \"10s\"\nfor = \"10s\"\n";
    let pings = seen(more, &sets).pings;
    let mut expected: Vec<f64> = (1..=10).map(f64::from).collect();
    expected.extend((1..=15).map(|n| 10.0 + f64::from(n) / 1.5));
    expected.extend((21..=59).map(f64::from));
    assert!(expected.len() <= pings.len());
    for (ping, expected) in pings.iter().zip(&expected) {
        assert!(
            (ping - expected).abs() < 1e-6,
            "{ping}, expected {expected}"
        );
    }
}

#[test]
fn what_a_clock_gained_stays_and_a_shared_clock_is_none() {
    // Heartbeats at whole seconds, freshness points 500 ms later. The last one before the crash at
    // 30.5 s leaves at 30 s: the next would be fresh until 31.5 s. A sender whose clock gained 5 s
    // stamps it with 35 s, and is believed for as much longer.
    let detector = "client.shop.call.web.detector={ kind = \"chen_nfd_s\", interval = \"1s\", \
                    delta = \"500ms\", phase = \"aligned\" }";
    let crash = "[fault.crash]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"30500ms\"\n";
    let true_clock = seen(crash, &[detector]).suspected;
    assert_eq!(true_clock, [31.5]);
    let drift = "[fault.x]\nkind = \"clock_drift\"\ntarget = \"service:web\"\ndrift = \"50%\"\n\
                 at = \"10s\"\nfor = \"10s\"\n";
    let fast = seen(&format!("{drift}{crash}"), &[detector]).suspected;
    assert!((fast[0] - 36.5).abs() < 1e-6, "{fast:?}");
    // Of a slow one every heartbeat is stale when it comes.
    let slow = drift.replace("50%", "-50%");
    let slow = seen(&format!("{slow}{crash}"), &[detector]).suspected;
    assert!(slow[0] < 12.5, "{slow:?}");
}

fn windows(more: &str, sets: &[&str]) -> Vec<PlannedWindow> {
    let scenario = text::scenario(&format!("{WORLD}{more}"), sets);
    fault_plan(&scenario, 7).expect("the windows are few")
}

#[test]
fn pauses_are_drawn_by_process_and_heavy_tails_show() {
    let more = "[fault.gc]\nkind = \"gc_pause\"\ntarget = \"service:web\"\n\
                every = { dist = \"exponential\", mean = \"2s\" }\n\
                for = { dist = \"bounded_pareto\", shape = 1.1, min = \"10ms\", max = \"10s\" }\n";
    let sets = |count: u32| {
        [
            format!("service.web.count={count}"),
            "duration=1000s".into(),
        ]
    };
    let of = |count: u32| {
        let sets = sets(count);
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let of_one = windows(more, &sets);
        let spans = of_one.into_iter().map(|w| (w.targets[0], w.start, w.end));
        spans.collect::<Vec<_>>()
    };
    let (three, four) = (of(3), of(4));
    let known: Vec<_> = four.iter().filter(|w| w.0.0 < 3).copied().collect();
    assert_eq!(three, known, "a newcomer changes nothing for the others");
    // About 1000 / (2 + mean pause) pauses of each; they do not begin together.
    let firsts: Vec<SimTime> = (0..3)
        .map(|node| three.iter().find(|w| w.0.0 == node).expect("it pauses").1)
        .collect();
    assert!(firsts[0] != firsts[1] && firsts[1] != firsts[2]);
    let mut lengths: Vec<f64> = three.iter().map(|w| w.2.since(w.1).as_secs_f64()).collect();
    lengths.sort_by(f64::total_cmp);
    // The median of a bounded Pareto law of shape 1.1 from 10 ms is 10 ms x 2^(1/1.1) = 18.8 ms;
    // a share of (0.01/1)^1.1 = 0.63 % is above 1 s.
    let median = lengths[lengths.len() / 2];
    assert!((0.0165..0.0212).contains(&median), "{median}");
    let long = lengths.iter().filter(|secs| 1.0 < **secs).count() as f64;
    let share = long / lengths.len() as f64;
    let error = (0.0063 / lengths.len() as f64).sqrt();
    assert!((share - 0.0058).abs() < 4.0 * error, "{share}");
}

#[test]
fn a_share_of_a_service_is_lost_at_once() {
    let more = "[fault.x]\nkind = \"crash\"\ntarget = \"20% of service:web\"\nat = \"10s\"\n";
    for (count, expected) in [(10, 2), (11, 3), (100, 20)] {
        let set = format!("service.web.count={count}");
        let planned = windows(more, &[&set]);
        assert_eq!(planned[0].targets.len(), expected, "of {count}");
    }
}

#[test]
fn a_restart_takes_its_time_if_the_crash_ends_within_a_pause() {
    // Paused from 4.5 s to 7.5 s, dead from 5.5 s to 6.5 s: it starts until 16.5 s.
    let more = "[fault.dies]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"5500ms\"\n\
                for = \"1s\"\n[fault.stops]\nkind = \"pause\"\ntarget = \"service:web\"\n\
                at = \"4500ms\"\nfor = \"3s\"\n";
    let seen = seen(more, &["service.web.restart_time=10s"]);
    let expected = [
        (4.5, LifeState::Paused),
        (5.5, LifeState::Crashed),
        (6.5, LifeState::Restarting),
        (16.5, LifeState::Up),
    ];
    assert_eq!(seen.states, expected);
}
