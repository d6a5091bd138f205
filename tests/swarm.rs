//! A swarm of small random scenarios: whatever features meet, the books balance and a seed means
//! one run.

#[path = "support/connected.rs"]
mod connected;
#[path = "support/conservation.rs"]
mod conservation;
#[path = "support/dice.rs"]
mod dice;
#[path = "support/fingerprint.rs"]
mod fingerprint;
#[path = "support/protection.rs"]
mod protection;
#[path = "support/run.rs"]
mod run;
#[path = "support/swarm.rs"]
mod swarm;
#[path = "support/swarm_attempts.rs"]
mod swarm_attempts;
#[path = "support/swarm_cache.rs"]
mod swarm_cache;
#[path = "support/swarm_feedback.rs"]
mod swarm_feedback;
#[path = "support/swarm_flow.rs"]
mod swarm_flow;
#[path = "support/swarm_keyed.rs"]
mod swarm_keyed;
#[path = "support/swarm_wrappers.rs"]
mod swarm_wrappers;
#[path = "support/text.rs"]
mod text;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use conservation::Books;
use fingerprint::Fingerprint;
use stormglass::experiment::replicate::digest_of;
use stormglass::id::{ClassId, ServiceId};
use stormglass::metrics::class_load::ClassLoad;
use stormglass::metrics::data::replication::DataMetrics;
use stormglass::metrics::recorder::Recorder;
use stormglass::model::fault_plan;
use stormglass::model::fault_plan::fault_windows;
use stormglass::model::observation::{Observation, Observer};
use stormglass::scenario::measure::Phase;
use stormglass::time::SimTime;

const SCENARIO_COUNT: u64 = 200;
const SCENARIO_COUNT_LARGE: u64 = 20_000;

/// Says which seed to reproduce.
const SEED_VARIABLE: &str = "STORMGLASS_SWARM_SEED";

fn check(seed: u64) {
    let scenario = text::scenario(&swarm::scenario(seed), &[]);
    let mut books = Books::new(&scenario);
    let end = run::run(&scenario, seed, &mut books);
    books.close(seed, end);

    let (mut first, mut second) = (Fingerprint::new(), Fingerprint::new());
    assert_eq!(
        run::run(&scenario, seed, &mut first),
        end,
        "the same seed twice"
    );
    let end_with_heap = run::run_with_heap(&scenario, seed, &mut second);
    assert_eq!(end_with_heap, end, "the product's queue and the plain heap");
    assert_eq!(first.0, second.0, "everything that was observed");
    let product = digest_of(&scenario, seed, u64::MAX, &mut |_, _| {
        ControlFlow::Continue(())
    });
    assert_eq!(product.ok(), Some(end.digest), "the run that users get");
}

fn check_all(seeds: impl Iterator<Item = u64>) {
    let failed: Vec<u64> = seeds
        .filter(|seed| {
            let is_failed = catch_unwind(AssertUnwindSafe(|| check(*seed))).is_err();
            if is_failed {
                eprintln!("^ seed {seed}\n");
            }
            is_failed
        })
        .collect();
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed, as said above; reproduce one with\n    \
         {SEED_VARIABLE}={} cargo test --profile checks --test swarm one_seed -- --ignored \
         --nocapture",
        failed[0]
    );
}

#[test]
fn random_scenarios_conserve_and_repeat() {
    check_all(0..SCENARIO_COUNT);
}

/// Scenarios in which a cache that a zone shares has callers that stand still or die, or loads that
/// end at once.
#[test]
fn caches_meet_callers_that_stand_still() {
    check_all([213, 663, 988, 2337, 6132, 8192, 12_021].into_iter());
}

/// Proxies that start again and then panic, and proxies that a registry probes deep: what they
/// forward then is from nobody.
#[test]
fn proxies_start_again_and_are_probed() {
    check_all([1779, 1946, 15_666, 17_745].into_iter());
}

/// The load of all classes is the load of each instance, whatever they share. Pings that wait for
/// a worker are of no class.
fn check_classes(seed: u64) {
    let text = swarm::scenario(seed);
    let Some((_, class)) = text.split_once(".class.") else {
        return;
    };
    let (before, _) = text.split_once(".class.").expect("it was found");
    let client = before
        .rsplit("[client.")
        .next()
        .expect("a class has a client");
    let name = class.split(']').next().expect("a header ends");
    let mut asked = format!("[expect]\nload = \"utilization{{class={client}.{name}}} >= 0\"\n");
    if text.contains("cores = ") {
        asked += &format!("cpu = \"cpu_utilization{{class={client}.{name}}} >= 0\"\n");
    }
    let scenario = text::scenario(&(text.clone() + &asked), &[]);
    let plan = fault_plan(&scenario, seed).expect("the windows are few");
    let mut recorder = Recorder::new(&scenario, &fault_windows(&plan));
    let end = run::run(&scenario, seed, &mut recorder);
    let tables = recorder.finish(end).tables;
    let loads = tables.class_loads.expect("it is asked for");
    let phases = tables.timeline.classes_of(Phase::Whole);
    let phases = phases.expect("the whole run is known");
    let has_pings = scenario.edges.iter().any(|edge| edge.ping_time.is_some())
        || scenario.registry.profile.probes_workers();
    for instance in 0..scenario.topology.instance_count() {
        let all = tables.instances.load(instance, &phases, true);
        let all = all.expect("the whole run is kept");
        let mut sum = ClassLoad::default();
        for class in scenario.classes.ids().chain([ClassId::NONE]) {
            let load = loads.load(instance, class, &phases, true);
            sum.add(&load.expect("the whole run is kept"));
        }
        let is_near = |sum: f64, all: f64| (sum - all).abs() <= 1e-9 * all.max(1e9);
        assert!(
            is_near(sum.in_flight_ns, all.in_flight_ns),
            "seed {seed}: in flight"
        );
        assert!(
            is_near(sum.in_system_ns, all.in_system_ns),
            "seed {seed}: in the system"
        );
        let is_busy = is_near(sum.busy_ns, all.busy_ns);
        let rest_is_pings = has_pings && sum.busy_ns < all.busy_ns;
        assert!(is_busy || rest_is_pings, "seed {seed}: {sum:?} {all:?}");
        let Some(cpu) = &tables.class_cpu else {
            continue;
        };
        let all_classes = scenario.classes.ids().chain([ClassId::NONE]);
        let cpu_ns: Option<f64> = all_classes
            .map(|class| cpu.cpu_ns(instance, class, &phases, true))
            .sum();
        let all = tables.servers.load(instance, &phases, true);
        // Where no instance has cores, nothing is kept of them.
        let all = all.map_or(0.0, |load| load.cpu_ns);
        let sum = cpu_ns.expect("it is kept");
        assert!(is_near(sum, all), "seed {seed}: CPU time {sum} of {all}");
    }
}

#[test]
fn classes_of_random_scenarios_add_up() {
    (0..SCENARIO_COUNT).for_each(check_classes);
}

/// Whatever happens to copies of data, phases divide it and no more is lost than there was.
fn check_data(seed: u64) -> u64 {
    let scenario = text::scenario(&swarm::scenario(seed), &[]);
    let services = || (0..scenario.services.len()).map(ServiceId::from_index);
    if scenario
        .services
        .iter()
        .all(|service| service.data.is_none())
    {
        return 0;
    }
    let plan = fault_plan(&scenario, seed).expect("the windows are few");
    let mut recorder = Recorder::new(&scenario, &fault_windows(&plan));
    let end = run::run(&scenario, seed, &mut recorder);
    let tables = recorder.finish(end).tables;
    let mut moved_count = 0;
    for service in services() {
        let Some(config) = scenario.services[service.index()].data else {
            continue;
        };
        let of = |phases: Option<&[u16]>| {
            let data = tables.replication.metrics(service, phases);
            data.expect("it keeps data")
        };
        let (whole, keys) = (of(None), config.key_count as f64);
        let parts: Vec<_> = (0..tables.timeline.class_count())
            .map(|phase| of(Some(&[phase as u16])))
            .collect();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.max(1.0);
        let sum = |part: fn(&DataMetrics) -> f64| parts.iter().map(part).sum::<f64>();
        assert!(
            near(sum(|d| d.moved_bytes), whole.moved_bytes),
            "seed {seed}: {whole:?}"
        );
        let under = |d: &DataMetrics| d.under_replicated_key_secs;
        assert!(near(sum(under), under(&whole)), "seed {seed}: {whole:?}");
        assert!(
            near(sum(|d| d.lost_key_count), whole.lost_key_count),
            "seed {seed}"
        );
        assert!(
            whole.lost_key_count <= keys * (1.0 + 1e-9),
            "seed {seed}: {whole:?}"
        );
        let secs = scenario.duration.as_secs_f64();
        assert!(
            under(&whole) <= keys * secs * (1.0 + 1e-9),
            "seed {seed}: {whole:?}"
        );
        let most_bytes = config.rebuild_bandwidth * secs + keys * config.bytes_per_key;
        assert!(whole.moved_bytes <= most_bytes, "seed {seed}: {whole:?}");
        moved_count += u64::from(0.0 < whole.moved_bytes);
    }
    moved_count
}

#[test]
fn data_of_random_scenarios_adds_up() {
    let moved_count: u64 = (0..SCENARIO_COUNT).map(check_data).sum();
    // Some of it moves, with and without links that have a bandwidth.
    assert!(10 < moved_count, "{moved_count}");
}

/// What happened in any of the runs, by name.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Observer for Seen {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        self.0.insert(match observation {
            Observation::RequestEnded { outcome, .. } => format!("request {outcome:?}"),
            Observation::AttemptEnded { outcome, .. } => format!("attempt {outcome:?}"),
            Observation::WorkEnded { end, .. } => format!("work {end:?}"),
            Observation::NodeChanged { state, .. } => format!("node {state:?}"),
            Observation::Excluded { cause, .. } => format!("excluded by {cause:?}"),
            Observation::ControlSent { kind, .. } => format!("sent {kind:?}"),
            Observation::CpuChanged {
                is_throttled: true, ..
            } => "cpu throttled".to_string(),
            Observation::CopyMade { .. } => "made a copy over a link".to_string(),
            Observation::HedgeSent { .. } => "sent a hedge".to_string(),
            Observation::FellBack { .. } => "fell back".to_string(),
            Observation::ConnectionClosed {
                half_open_since, ..
            } => match half_open_since {
                Some(_) => "connection half open".to_string(),
                None => "connection closed".to_string(),
            },
            _ => return,
        });
    }
}

#[test]
fn random_scenarios_meet_everything() {
    let mut seen = Seen::default();
    for seed in 0..SCENARIO_COUNT {
        let scenario = text::scenario(&swarm::scenario(seed), &[]);
        run::run(&scenario, seed, &mut seen);
    }
    let expected = [
        "request Success, request Failure, request Timeout, request Rejected",
        "attempt Success, attempt Error, attempt Rejected, attempt Refused, attempt Reset",
        "attempt TimeoutSlow, attempt TimeoutBlackHole, attempt TimeoutHalfOpen",
        "cpu throttled",
        "attempt ConnectTimeout, attempt ResetUnsent, connection closed, connection half open",
        "attempt Cancelled, work Served, work Errored, work Lost, work Dropped, work Cancelled",
        "sent a hedge, fell back, made a copy over a link",
        "node Up, node Crashed, node HostLost, node Restarting, node Paused, node Absent",
        "excluded by Registry, excluded by Detector, excluded by Ejection",
        "sent Heartbeat, sent Ping, sent Ack, sent Notification, sent Poll, sent PollReply",
        "sent Probe, sent ProbeReply, sent IdleNotice, sent ReportRequest, sent LoadReport",
        "sent Write",
    ];
    let expected = expected.iter().flat_map(|line| line.split(", "));
    assert_eq!(seen.0, expected.map(String::from).collect());
}

#[test]
#[ignore = "minutes long"]
fn many_random_scenarios_conserve_and_repeat() {
    check_all(SCENARIO_COUNT..SCENARIO_COUNT_LARGE);
}

#[test]
#[ignore = "reproduces a failure"]
fn one_seed() {
    let seed = std::env::var(SEED_VARIABLE).expect("the seed stands in a variable");
    let seed = seed.parse().expect("a seed is a number");
    println!("{}", swarm::scenario(seed));
    check(seed);
}
