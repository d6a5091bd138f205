//! What a seed fixes, and what it leaves alone: a newcomer or another strategy changes nothing that
//! it does not take part in (common random numbers).

#[path = "support/fingerprint.rs"]
mod fingerprint;
#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fingerprint::Fingerprint;
use stormglass::id::{InstanceId, NodeId};
use stormglass::model::fault_plan;
use stormglass::model::observation::{NoObserver, Observation, Observer, Outcome, Suspector};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};
use stormglass::time::SimTime;

/// The scenarios that draw nothing at random.
const WITHOUT_CHANCE: [&str; 2] = ["memory-cascade", "trace-replay"];

#[test]
fn every_scenario_is_one_run_on_both_queues() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let input = LoadInput {
            text: LoadText::File(path.clone()),
            sets: Vec::new(),
            limits: Limits::STANDARD,
        };
        let mut scenario = run::valid(load(&input));
        // Long enough for what the first seconds do, and some faults; the swarm does the rest.
        scenario.duration = scenario.duration.scaled(0.02);
        let mut hashes = [(); 3].map(|()| Fingerprint::new());
        let [first, second, third] = &mut hashes;
        let end = run::run(&scenario, scenario.seed, first);
        assert_eq!(run::run(&scenario, scenario.seed, second), end, "{path:?}");
        assert_eq!(
            run::run_with_heap(&scenario, scenario.seed, third),
            end,
            "{path:?}: the product's queue and the plain heap"
        );
        assert_eq!(
            (hashes[0].0, hashes[0].0),
            (hashes[1].0, hashes[2].0),
            "{path:?}"
        );
        let other_end = run::run(&scenario, scenario.seed + 1, &mut NoObserver);
        let is_same = other_end.digest == end.digest;
        assert_eq!(
            is_same,
            WITHOUT_CHANCE.contains(&scenario.name.as_str()),
            "{path:?}: another seed"
        );
    }
}

/// A world in which everything that a seed fixes shows from outside: there are workers enough and
/// nobody dies, so the latency of a request is its service demand and its two delays.
const WORLD: &str = r#"
schema = 1
duration = "20s"
[network]
same_zone = { dist = "lognormal", p50 = "500us", p99 = "5ms" }
loss = { model = "gilbert_elliott", good_mean = "1s", bad_mean = "100ms", bad_loss = "30%" }
[service.web]
workers = 1000
service_time = { dist = "exponential", mean = "10ms" }
[service.web.group.b]
count = 3
[service.web.group.f]
count = 4
[client.shop]
count = 5
arrivals = { process = "poisson", rate = "200/s" }
keys = { distribution = "zipf", count = 10_000, exponent = 0.9 }
[client.shop.call.web]
balancer = "random"
[client.night]
count = 2
[client.night.call.web]
balancer = "ring"
[client.night.arrivals]
process = "closed"
user_count = 3
think_time = { dist = "uniform", min = "1ms", max = "99ms" }
"#;

const FAULTS: &str = r#"
[fault.some]
kind = "crash"
target = "2 random of service:web"
at = { dist = "uniform", min = "5s", max = "6s" }
for = { dist = "exponential", mean = "1s" }
every = { dist = "exponential", mean = "2s" }
[fault.each]
kind = "crash"
target = "service:web"
each = true
at = { dist = "exponential", mean = "5s" }
for = { dist = "lognormal", mean = "1s", cv = 2.0 }
every = { dist = "weibull", scale = "3s", shape = 0.7 }
"#;

const AT_THE_END: &str = "[service.web.group.f]\ncount = 5\n";
const IN_THE_MIDDLE: &str = "[service.web.group.d]\ncount = 2\n";

/// `WORLD` with one more instance of the last group.
fn grown_at_the_end() -> String {
    WORLD.replace("[service.web.group.f]\ncount = 4\n", AT_THE_END)
}

/// `WORLD` with a group between the others.
fn grown_in_the_middle() -> String {
    WORLD.replace(
        "[service.web.group.f]",
        &format!("{IN_THE_MIDDLE}[service.web.group.f]"),
    )
}

/// `WORLD` with a service and a client before the others, which have nothing to do with them.
fn grown_at_the_front() -> String {
    format!(
        "{WORLD}[service.auth]\ncount = 2\nservice_time = \"1ms\"\n\
         [client.admin]\ncount = 3\narrivals = {{ process = \"poisson\", rate = \"30/s\" }}\n\
         [client.admin.call.auth]\n"
    )
}

/// What a seed fixes of the requests of the clients of `WORLD`.
#[derive(Default, PartialEq, Eq)]
struct Fixed {
    /// Requests by client, caller and arrival: the key, and when it ended, with which outcome.
    requests: BTreeMap<(String, SimTime), (u64, SimTime, Outcome)>,
    /// Service demands at `web` in nanoseconds, ascending.
    demands_ns: Vec<u64>,
}

struct Notes<'a> {
    scenario: &'a Scenario,
    keys: BTreeMap<(String, SimTime), u64>,
    fixed: Fixed,
}

impl Observer for Notes<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let topology = &self.scenario.topology;
        match observation {
            Observation::AttemptSent {
                caller,
                key,
                attempt_index: 0,
                ..
            } => {
                let name = topology.node_name(topology.caller_node(*caller));
                self.keys.insert((name, at), *key);
            }
            Observation::RequestEnded {
                caller,
                arrived_at,
                outcome,
                ..
            } => {
                let request = (topology.node_name(*caller), *arrived_at);
                let key = self.keys[&request];
                if !request.0.starts_with("admin/") {
                    self.fixed.requests.insert(request, (key, at, *outcome));
                }
            }
            Observation::WorkEnded {
                instance,
                started_at: Some(started_at),
                ..
            } if topology.instance_name(*instance).starts_with("web/") => {
                self.fixed.demands_ns.push(at.since(*started_at).as_ns());
            }
            _ => {}
        }
    }
}

fn fixed(world: &str, sets: &[&str], seed: u64) -> Fixed {
    let scenario = text::scenario(world, sets);
    let mut notes = Notes {
        scenario: &scenario,
        keys: BTreeMap::new(),
        fixed: Fixed::default(),
    };
    let end = run::run(&scenario, seed, &mut notes);
    assert_eq!(end.in_flight_count, 0);
    notes.fixed.demands_ns.sort_unstable();
    notes.fixed
}

fn assert_same(world: &str, sets: &[&str]) {
    let (plain, changed) = (fixed(WORLD, &[], 11), fixed(world, sets, 11));
    // 200/s for 20 s, and users that send about every 60 ms.
    assert!(
        plain.requests.len() > 4_000,
        "there is something to compare"
    );
    let differing = plain
        .requests
        .iter()
        .filter(|(request, fate)| changed.requests.get(*request) != Some(fate))
        .count();
    assert_eq!(
        differing,
        0,
        "of {} requests, {sets:?}",
        plain.requests.len()
    );
    assert_eq!(plain.requests.len(), changed.requests.len());
    assert!(
        plain.demands_ns == changed.demands_ns,
        "service demands, {sets:?}"
    );
}

#[test]
fn a_newcomer_leaves_what_a_seed_fixes() {
    assert_same(&grown_at_the_end(), &[]);
    assert_same(&grown_in_the_middle(), &[]);
    assert_same(&grown_at_the_front(), &[]);
}

#[test]
fn another_policy_leaves_what_a_seed_fixes() {
    for policy in [
        "\"round_robin\"",
        "\"weighted_random\"",
        "\"smooth_weighted_round_robin\"",
        "\"least_in_flight\"",
        "{ policy = \"least_in_flight\", choice_count = 2 }",
        "\"ring\"",
        "\"sticky\"",
    ] {
        assert_same(WORLD, &[&format!("client.shop.call.web.balancer={policy}")]);
    }
}

#[test]
fn another_seed_changes_what_a_seed_fixes() {
    let (one, other) = (fixed(WORLD, &[], 11), fixed(WORLD, &[], 12));
    assert!(
        one.requests
            .keys()
            .all(|request| !other.requests.contains_key(request))
    );
}

/// A chain of `depth` services in which each asks the next one `width` times in parallel, with
/// workers enough everywhere.
fn chain(depth: u32, width: u32) -> String {
    let mut text = "schema = 1\nduration = \"3s\"\n[network]\n\
        same_zone = { dist = \"exponential\", mean = \"1ms\" }\n\
        [client.shop]\narrivals = { process = \"poisson\", rate = \"20/s\" }\n\
        [client.shop.call.s1]\n"
        .to_string();
    for level in 1..=depth {
        text += &format!(
            "[service.s{level}]\ncount = 3\nworkers = 100000\n\
             service_time = {{ dist = \"exponential\", mean = \"1ms\" }}\n"
        );
        if level < depth {
            let next = level + 1;
            text += &format!("[service.s{level}.call.s{next}]\nfanout = {{ count = {width} }}\n");
        }
    }
    text
}

/// When every request ended, by its arrival, and how long every piece of work took that a worker
/// did not hold for a call.
#[derive(Default)]
struct Ends {
    requests: BTreeMap<SimTime, SimTime>,
    last_work_ns: Vec<u64>,
    last: BTreeSet<InstanceId>,
}

impl Observer for Ends {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match observation {
            Observation::RequestEnded { arrived_at, .. } => {
                self.requests.insert(*arrived_at, at);
            }
            Observation::WorkEnded {
                instance,
                started_at: Some(started_at),
                ..
            } if self.last.contains(instance) => {
                self.last_work_ns.push(at.since(*started_at).as_ns());
            }
            _ => {}
        }
    }
}

#[test]
fn another_policy_leaves_calls_of_any_depth() {
    for (depth, width) in [(1, 1), (2, 1), (16, 1), (40, 1), (5, 3), (2, 50)] {
        let of_policy = |policy: &str| {
            let calls = (1..depth).map(|level| format!("service.s{level}.call.s{}", level + 1));
            let calls = calls.chain(["client.shop.call.s1".to_string()]);
            let sets: Vec<String> = calls.map(|c| format!("{c}.balancer={policy}")).collect();
            let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
            let scenario = text::scenario(&chain(depth, width), &sets);
            let topology = &scenario.topology;
            let is_last = |instance: &InstanceId| {
                topology
                    .instance_name(*instance)
                    .starts_with(&format!("s{depth}/"))
            };
            let instances = (0..topology.instance_count()).map(InstanceId);
            let mut ends = Ends {
                last: instances.filter(is_last).collect(),
                ..Ends::default()
            };
            run::run(&scenario, 5, &mut ends);
            ends.last_work_ns.sort_unstable();
            (ends.requests, ends.last_work_ns)
        };
        let (requests, mut work_ns) = of_policy("\"random\"");
        assert!(30 < requests.len(), "there is something to compare");
        assert_eq!(
            work_ns.len(),
            requests.len() * width.pow(depth - 1) as usize
        );
        let other = of_policy("\"least_in_flight\"");
        assert!(other == (requests, work_ns.clone()), "{depth} x {width}");
        // Two draws of 10^6 different nanoseconds rarely agree: 4,860 pieces of work, the most
        // there are, by 12 pairs on average.
        let count = work_ns.len();
        work_ns.dedup();
        assert!(count - work_ns.len() <= count / 50, "{depth} x {width}");
    }
}

/// A window of the fault plan, with its targets by name.
type NamedWindow = (String, u32, SimTime, SimTime, BTreeSet<String>);

fn named_plan(world: &str, seed: u64) -> Vec<NamedWindow> {
    let scenario = text::scenario(&format!("{world}{FAULTS}"), &[]);
    fault_plan(&scenario, seed)
        .expect("the plan is small")
        .into_iter()
        .map(|window| {
            let name = |node: &NodeId| scenario.topology.node_name(*node);
            (
                scenario.faults[window.fault.index()].name.clone(),
                window.number,
                window.start,
                window.end,
                window.targets.iter().map(name).collect(),
            )
        })
        .collect()
}

#[test]
fn a_newcomer_leaves_the_faults_of_the_others() {
    let mut chosen_count = 0;
    for (seed, world) in (0..50)
        .flat_map(|seed| [grown_at_the_end(), grown_in_the_middle()].map(|world| (seed, world)))
    {
        let (before, after) = (named_plan(WORLD, seed), named_plan(&world, seed));
        let is_new = |name: &String| name == "web/f/4" || name.starts_with("web/d/");
        let of_each = |plan: &[NamedWindow]| -> BTreeSet<(SimTime, SimTime, BTreeSet<String>)> {
            let each = plan.iter().filter(|window| window.0 == "each");
            each.filter(|window| !window.4.iter().any(is_new))
                .map(|window| (window.2, window.3, window.4.clone()))
                .collect()
        };
        assert_eq!(of_each(&before), of_each(&after), "seed {seed}");
        let of_some = |plan: &[NamedWindow]| -> Vec<NamedWindow> {
            plan.iter()
                .filter(|window| window.0 == "some")
                .cloned()
                .collect()
        };
        let (before, after) = (of_some(&before), of_some(&after));
        assert_eq!(before.len(), after.len());
        for (old, new) in before.iter().zip(&after) {
            assert_eq!((old.1, old.2, old.3), (new.1, new.2, new.3), "seed {seed}");
            let new_count = new.4.iter().filter(|name| is_new(name)).count();
            let kept_count = old.4.intersection(&new.4).count();
            assert_eq!(
                kept_count + new_count,
                2,
                "only who makes room changes, seed {seed}"
            );
            chosen_count += new_count;
        }
    }
    assert!(0 < chosen_count, "a newcomer is chosen at times");
}

const LEASES: &str = r#"
schema = 1
duration = "30s"
[network]
same_zone = "0s"
[registry]
profile = "lease"
lease_duration = "5s"
heartbeat_interval = "2s"
[service.web]
count = 3
service_time = "1ms"
[client.shop]
arrivals = { process = "constant", rate = "1/s" }
[client.shop.call.web]
[fault.crash]
kind = "crash"
target = "instance:web/main/1"
at = "20s"
"#;

/// Seconds from the crash to the suspicion by the registry.
struct Detection(f64);

impl Observer for Detection {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::Suspected {
            suspector: Suspector::Registry,
            instance,
        } = observation
        {
            assert_eq!(*instance, InstanceId(1), "the others live");
            self.0 = at.as_secs_f64() - 20.0;
        }
    }
}

/// The last heartbeat before the crash is uniformly old, up to the interval `R` = 2 s, and the
/// lease of `T` = 5 s ends with it: detection times are uniform on (T - R, T].
#[test]
fn detection_times_fill_the_interval_of_the_rule() {
    let scenario = text::scenario(LEASES, &[]);
    let mut times: Vec<f64> = (0..200)
        .map(|seed| {
            let mut detection = Detection(f64::NAN);
            run::run(&scenario, seed, &mut detection);
            detection.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    assert!(
        times.iter().all(|time| (3.0..=5.0).contains(time)),
        "{times:?}"
    );
    let count = times.len() as f64;
    let distance = times
        .iter()
        .enumerate()
        .map(|(rank, time)| {
            let uniform = (time - 3.0) / 2.0;
            let (below, above) = (rank as f64 / count, (rank + 1) as f64 / count);
            (uniform - below).abs().max((above - uniform).abs())
        })
        .fold(0.0, f64::max);
    // Kolmogorov's critical value for one false alarm in a thousand: sqrt(-ln(0.001 / 2) / 2) is
    // 1.9495, over the root of the number of samples.
    assert!(distance < 1.9495 / count.sqrt(), "distance {distance}");
    // Every tenth of the interval is hit: one is missed once in 10^8 sets of 200.
    let tenths: BTreeSet<u32> = times.iter().map(|t| ((t - 3.0) * 5.0) as u32).collect();
    assert!((0..10).all(|tenth| tenths.contains(&tenth)), "{tenths:?}");
}

#[test]
fn a_crash_at_an_aligned_instant_draws_a_warning() {
    let messages = |sets: &[&str]| {
        let loaded = text::load_text(LEASES, sets);
        loaded.diagnostics.render(&loaded.sources, false)
    };
    assert!(!messages(&[]).contains("W06"), "phases are random");
    let aligned = "registry.phase=\"aligned\"";
    assert!(
        messages(&[aligned]).contains("W06"),
        "{}",
        messages(&[aligned])
    );
    assert!(!messages(&[aligned, "fault.crash.at=\"20.7s\""]).contains("W06"));
    assert_eq!(
        text::scenario(LEASES, &[aligned]).faults.len(),
        1,
        "it is no error"
    );
}
