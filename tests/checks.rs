//! Health checks as HAProxy and Envoy make them, against recordings of both, and what checks and
//! heartbeats see of an instance on each path.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use serde_json::Value;
use stormglass::model::observation::{ControlKind, Observation, Observer, Outcome};
use stormglass::time::SimTime;

/// Runs of an experiment; each has a phase of its own.
const SEED_COUNT: u64 = 400;

/// The samples of a recording are too few to reject less.
const LEVEL: f64 = 0.01;

/// When a fault began and ended, and when the caller noticed, in seconds.
#[derive(Debug, Default)]
struct Seen {
    began: Option<f64>,
    ended: Option<f64>,
    suspected: Vec<f64>,
    trusted: Vec<f64>,
    failed: Vec<f64>,
    checks: Vec<f64>,
    beats: Vec<f64>,
    picked: Vec<(f64, u32)>,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        match *observation {
            Observation::FaultStarted { .. } => self.began = self.began.or(Some(at)),
            Observation::FaultEnded { .. } => self.ended = self.ended.or(Some(at)),
            Observation::Suspected { .. } => self.suspected.push(at),
            Observation::Trusted { .. } => self.trusted.push(at),
            Observation::ControlSent { kind, .. } => match kind {
                ControlKind::Ping => self.checks.push(at),
                ControlKind::Heartbeat => self.beats.push(at),
                _ => {}
            },
            Observation::RequestEnded { outcome, .. } if outcome != Outcome::Success => {
                self.failed.push(at);
            }
            Observation::AttemptSent { instance, .. } => self.picked.push((at, instance.0)),
            _ => {}
        }
    }
}

impl Seen {
    fn of(world: &str, seed: u64) -> Seen {
        let mut seen = Seen::default();
        let text = world.replace("SEED", &seed.to_string());
        run::run(&text::scenario(&text, &[]), seed, &mut seen);
        seen
    }

    /// Seconds from the fault to the last suspicion, and from its end to the last trust.
    fn times(&self) -> (f64, f64) {
        let (began, ended) = (self.began.expect("it begins"), self.ended.expect("it ends"));
        let last = |times: &[f64]| *times.last().expect("it was noticed");
        (last(&self.suspected) - began, last(&self.trusted) - ended)
    }
}

/// One of `count` servers is hit at a random time for 12 s, under calls of 20/s.
fn world(fault: &str, count: u32, detector: &str) -> String {
    format!(
        "schema = 1\nseed = SEED\nduration = \"40s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [expect]\nusers = \"success_ratio >= 0%\"\n\
         [service.s]\ncount = {count}\nworkers = 10\nservice_time = \"100us\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"20/s\" }}\n\
         [client.c.call.s]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
         retry = {{ attempt_count_max = 1 }}\ndetector = {{ {detector} }}\n\
         [fault.x]\nkind = \"{fault}\"\ntarget = \"instance:s/main/0\"\n\
         at = {{ dist = \"uniform\", min = \"10s\", max = \"14s\" }}\nfor = \"12s\"\n"
    )
}

/// The same with the server behind a proxy, which checks it.
fn proxied(fault: &str, count: u32, proxy: &str) -> String {
    let plain = world(fault, count, "DETECTOR");
    let call = "[client.c.call.s]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
                retry = { attempt_count_max = 1 }\ndetector = { DETECTOR }\n";
    let tier = format!(
        "[client.c.call.p]\nattempt_timeout = \"30s\"\n\
         [proxy.p]\nupstream = \"s\"\ncount = 1\n{proxy}\n"
    );
    assert!(plain.contains(call));
    plain.replace(call, &tier)
}

/// The times of many runs, sorted.
fn simulated(world: &str) -> (Vec<f64>, Vec<f64>) {
    let times = (1..=SEED_COUNT).map(|seed| Seen::of(world, seed).times());
    let (mut down, mut up): (Vec<f64>, Vec<f64>) = times.unzip();
    down.sort_by(f64::total_cmp);
    up.sort_by(f64::total_cmp);
    (down, up)
}

fn file(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The p-value of the two-sample Kolmogorov-Smirnov test, by the limit law with Stephens' term for
/// small samples.
fn same_law_p(one: &[f64], other: &[f64]) -> f64 {
    let below = |list: &[f64], x: f64| {
        list.iter().filter(|value| **value <= x).count() as f64 / list.len() as f64
    };
    let all = one.iter().chain(other);
    let distance = all.map(|x| (below(one, *x) - below(other, *x)).abs());
    let distance = distance.fold(0.0, f64::max);
    let (n, m) = (one.len() as f64, other.len() as f64);
    let root = (n * m / (n + m)).sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * libm::exp(-2.0 * f64::from(k * k) * lambda * lambda)
    };
    (2.0 * (1..100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// The simulated times lie within these bounds, and have the law of the recorded ones, which lie
/// within them up to the noise of the recording.
fn agree(simulated: &[f64], recorded: &[f64], (min, max): (f64, f64), noise: f64) {
    let (first, last) = (simulated[0], simulated[simulated.len() - 1]);
    assert!(min <= first && last <= max + 0.001, "{first} to {last}");
    // Of a uniform law the ends are reached within five of the mean gaps.
    let reach = 5.0 * (max - min) / simulated.len() as f64;
    assert!(
        first - min < reach && max - last < reach,
        "{first} to {last}"
    );
    for time in recorded {
        assert!(min - noise <= *time && *time <= max + noise, "{time}");
    }
    let p = same_law_p(simulated, recorded);
    assert!(LEVEL <= p, "p = {p}");
}

#[test]
fn haproxy_takes_a_killed_server_down_and_back_up_as_recorded() {
    let recording = file(include_str!("data/recorded/haproxy-check-timing.json"));
    let records = recording["records"].as_array().expect("a list");
    assert_eq!(records.len(), 40);
    for (check, path) in [("tcp", "accept"), ("http", "queued")] {
        let of_kind = records.iter().filter(|record| record[2] == check);
        let times: Vec<(f64, f64)> = of_kind.map(|r| (number(&r[3]), number(&r[4]))).collect();
        assert_eq!(times.len(), 20);
        let (down, up): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
        let detector = format!(
            "kind = \"haproxy_check\", inter = \"2s\", fall = 3, rise = 2, path = \"{path}\""
        );
        let tier = format!("kind = \"haproxy\"\ndetector = {{ {detector} }}");
        for world in [world("crash", 1, &detector), proxied("crash", 1, &tier)] {
            let simulated = simulated(&world);
            agree(&simulated.0, &down, (4.0, 6.0), 0.06);
            agree(&simulated.1, &up, (2.0, 4.0), 0.06);
        }
    }
}

#[test]
fn haproxy_needs_a_timeout_for_each_check_of_a_stopped_server() {
    // Recorded with inter 500 ms and httpchk (README of the recordings): 2.55 to 3.00 s. A check
    // times out after 500 ms and the next one starts 500 ms later.
    let http = "kind = \"haproxy_check\", inter = \"500ms\", path = \"queued\"";
    let (down, _) = simulated(&world("pause", 1, http));
    assert!(2.5 <= down[0] && down[down.len() - 1] <= 3.001);
    assert!(down[0] <= 2.55 && 2.95 <= down[down.len() - 1], "{down:?}");
    // A connection is accepted by its kernel.
    let tcp = http.replace("queued", "accept");
    assert_eq!(Seen::of(&world("pause", 1, &tcp), 1).suspected, [0.0; 0]);
}

#[test]
fn callers_see_as_many_refusals_as_behind_haproxy() {
    // Three servers, 20 calls per second, check inter 500 ms; `retries 0` fails every call to the
    // dead one, a third of all, until it is down.
    let recording = file(include_str!("data/recorded/haproxy-client-view.json"));
    let records = recording["records"].as_array().expect("a list");
    let detector = "kind = \"haproxy_check\", inter = \"500ms\"";
    let world = world("crash", 3, detector);
    let runs: Vec<(f64, f64, usize)> = (1..=SEED_COUNT)
        .map(|seed| {
            let seen = Seen::of(&world, seed);
            let (down, up) = seen.times();
            (down, up, seen.failed.len())
        })
        .collect();
    for (down, _, failed) in &runs {
        let expected = down * 20.0 / 3.0;
        assert!(
            (*failed as f64 - expected).abs() <= 1.01,
            "{failed} in {down} s"
        );
    }
    let mut down: Vec<f64> = runs.iter().map(|run| run.0).collect();
    let mut up: Vec<f64> = runs.iter().map(|run| run.1).collect();
    down.sort_by(f64::total_cmp);
    up.sort_by(f64::total_cmp);
    let times = |key: &str| -> Vec<f64> {
        let lists = records.iter().map(|record| &record["summary"][key]);
        let firsts = lists.filter_map(|list| list.as_array()?.first()?.as_f64());
        firsts.map(|ms| ms / 1e3).collect()
    };
    let (recorded_down, recorded_up) = (times("down_after_ms"), times("up_after_ms"));
    assert!(10 <= recorded_down.len());
    agree(&down, &recorded_down, (1.0, 1.5), 0.06);
    agree(&up, &recorded_up, (0.5, 1.0), 0.06);
    for record in records {
        if record["options"] == "retries 0" && record["check"] != "" {
            let failed = number(&record["summary"]["non200"]);
            let counts = runs.iter().map(|run| run.2 as f64);
            let (least, most) = counts.fold((f64::INFINITY, 0.0f64), |(least, most), count| {
                (least.min(count), most.max(count))
            });
            assert!(least <= failed && failed <= most, "{failed}");
        }
    }
}

const ENVOY: &str = "kind = \"envoy_health_check\", interval = \"1s\", timeout = \"500ms\", \
                     unhealthy_threshold = 3, healthy_threshold = 2, no_traffic_interval = \"1s\"";

#[test]
fn envoy_marks_a_killed_host_and_takes_it_back_as_recorded() {
    let recording = file(include_str!("data/recorded/envoy-active-health-check.json"));
    let records = recording["records"].as_array().expect("a list");
    let times = |key: &str| -> Vec<f64> {
        let all = records.iter().map(|record| number(&record["summary"][key]));
        all.map(|ms| ms / 1e3).collect()
    };
    let (down, up) = (
        times("fault_to_unhealthy_ms"),
        times("restore_to_healthy_ms"),
    );
    assert_eq!(down.len(), 9);
    let tier = format!("kind = \"envoy\"\ndetector = {{ {ENVOY} }}");
    for world in [world("crash", 4, ENVOY), proxied("crash", 4, &tier)] {
        let simulated = simulated(&world);
        agree(&simulated.0, &down, (2.0, 3.0), 0.06);
        agree(&simulated.1, &up, (1.0, 2.0), 0.06);
    }
}

#[test]
fn envoy_needs_a_timeout_for_each_check_of_a_stopped_host() {
    // Recorded (README of the recordings): 3.58 to 4.39 s. Three timeouts of 500 ms, and two times
    // a second between the end of one and the next.
    let (down, _) = simulated(&world("pause", 4, ENVOY));
    let (first, last) = (down[0], down[down.len() - 1]);
    assert!(3.5 <= first && last <= 4.501, "{first} to {last}");
    assert!(first <= 3.58 && 4.39 <= last, "{first} to {last}");
}

#[test]
fn envoy_looks_once_a_minute_while_nobody_calls() {
    // Recorded: a fault soon after the start went unseen for its whole 9 to 11 s.
    let quiet = world(
        "crash",
        4,
        &ENVOY.replace("no_traffic_interval = \"1s\"", "phase = \"aligned\""),
    )
    .replace("rate = \"20/s\"", "rate = \"0.001/s\"");
    let seen = Seen::of(&quiet, 1);
    assert_eq!(seen.suspected, [0.0; 0]);
    assert!(seen.checks.len() <= 8, "{:?}", seen.checks);
}

#[test]
fn envoy_leaves_out_a_new_host_until_its_first_check_passes() {
    // It joins at 5 s. Its first check is answered by a worker after 700 ms, 100 us of travel each
    // way; the threshold of healthy answers does not count for it.
    let world = "schema = 1\nduration = \"20s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"100us\"\n[expect]\nusers = \"success_ratio >= 0%\"\n\
         [service.s]\ncount = 1\nworkers = 10\nservice_time = \"1ms\"\n\
         [client.c]\narrivals = { process = \"constant\", rate = \"100/s\" }\n\
         [client.c.call.s]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
         detector = { kind = \"envoy_health_check\", interval = \"1s\", timeout = \"900ms\", \
         unhealthy_threshold = 3, healthy_threshold = 5, service_time = \"700ms\" }\n\
         [fault.x]\nkind = \"scale_out\"\ngroup = \"s/main\"\ncount = 1\nat = \"5s\"\n";
    let seen = Seen::of(world, 1);
    let first = seen
        .picked
        .iter()
        .find(|pick| pick.1 == 1)
        .expect("it is used")
        .0;
    assert!((5.7002..5.7302).contains(&first), "{first}");
    assert_eq!(
        seen.suspected, [0.0; 0],
        "who was not checked is not suspected"
    );
}

#[test]
fn checks_are_the_same_on_the_plain_heap() {
    for detector in [ENVOY, "kind = \"haproxy_check\""] {
        let text = world("flapping", 3, detector).replace("SEED", "5");
        let text = text + "down = \"900ms\"\nup = \"2100ms\"\n";
        let scenario = text::scenario(&text, &[]);
        let digest = run::run(&scenario, 5, &mut Seen::default()).digest;
        let of_heap = run::run_with_heap(&scenario, 5, &mut Seen::default()).digest;
        assert_eq!(digest, of_heap);
    }
}

/// One of four servers has one worker, which is stuck from 10 s on; each calls a database that one
/// of them cannot reach from then on.
fn gray(path: &str, fault: &str) -> String {
    format!(
        "schema = 1\nseed = SEED\nduration = \"30s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"50us\"\n[expect]\nusers = \"success_ratio >= 0%\"\n\
         [service.web]\ncount = 4\nservice_time = \"1ms\"\n\
         [service.web.call.db]\nattempt_timeout = \"100ms\"\nretry = {{ attempt_count_max = 1 }}\n\
         [service.db]\ncount = 1\nworkers = 100\nservice_time = \"1ms\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"20/s\" }}\n\
         [client.c.call.web]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
         detector = {{ kind = \"ping\", phase = \"aligned\", path = \"{path}\" }}\n\
         [fault.x]\n{fault}at = \"10200ms\"\n"
    )
}

#[test]
fn a_path_sees_what_it_goes_through() {
    let stuck = "kind = \"slow\"\ntarget = \"instance:web/main/0\"\nfactor = 1000000\n";
    let cut = "kind = \"partition\"\nfrom = \"instance:web/main/0\"\nto = \"service:db\"\n";
    let stopped = "kind = \"pause\"\ntarget = \"instance:web/main/0\"\n";
    let crashed = "kind = \"crash\"\ntarget = \"instance:web/main/0\"\n";
    for (fault, seen_by) in [
        (crashed, ["bypass", "queued", "accept", "deep"].as_slice()),
        (stopped, ["bypass", "queued", "deep"].as_slice()),
        (stuck, ["queued", "deep"].as_slice()),
        (cut, ["deep"].as_slice()),
    ] {
        for path in ["bypass", "queued", "accept", "deep"] {
            let suspected = Seen::of(&gray(path, fault), 1).suspected;
            // Three pings, from 11 s on, each missed after 500 ms.
            let expected: &[f64] = match seen_by.contains(&path) {
                true => &[13.5],
                false => &[],
            };
            assert_eq!(suspected, expected, "{path}: {fault}");
        }
    }
}

#[test]
fn a_heartbeat_that_waits_for_a_worker_stops_with_the_workers() {
    let pushed = |path: &str| {
        let detector = format!(
            "detector = {{ kind = \"timeout\", timeout = \"2s\", phase = \"aligned\", \
             path = \"{path}\" }}"
        );
        let stuck = "kind = \"slow\"\ntarget = \"instance:web/main/0\"\nfactor = 1000000\n";
        let world = gray("bypass", stuck);
        let old = "detector = { kind = \"ping\", phase = \"aligned\", path = \"bypass\" }";
        Seen::of(&world.replace(old, &detector), 1).suspected
    };
    assert_eq!(pushed("bypass"), [0.0; 0]);
    // The last one left at 10 s and took 50 us.
    let queued = pushed("queued");
    assert!((queued[0] - 12.00005).abs() < 1e-9, "{queued:?}");
}

#[test]
fn a_lease_that_waits_for_a_worker_runs_out_with_the_workers() {
    let leased = |path: &str| {
        let stuck = "kind = \"slow\"\ntarget = \"instance:web/main/0\"\nfactor = 1000000\n";
        let world = gray("bypass", stuck).replace(
            "service_time = \"1ms\"\n[service.web.call.db]",
            &format!(
                "service_time = \"1ms\"\nregistered = {{ lease_duration = \"3s\", \
                 heartbeat_interval = \"1s\", phase = \"aligned\", path = \"{path}\" }}\n\
                 [service.web.call.db]"
            ),
        );
        let old = "detector = { kind = \"ping\", phase = \"aligned\", path = \"bypass\" }\n";
        let world = world.replace(old, "") + "[registry]\nprofile = \"lease\"\n";
        Seen::of(&world, 1).suspected
    };
    assert_eq!(leased("bypass"), [0.0; 0]);
    let queued = leased("queued");
    assert!((queued[0] - 13.00005).abs() < 1e-9, "{queued:?}");
}
