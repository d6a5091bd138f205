//! What wrappers around balancers do to calling sides: ejections are exclusions.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stormglass::id::{CallerId, InstanceId};
use stormglass::model::observation::{ExclusionCause, Observation, Observer};
use stormglass::model::{SimOptions, simulate_told};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::{LoadInput, load};
use stormglass::time::SimTime;

const CALLER_COUNT: u32 = 400;

/// Ten instances of which one dies at 2 s; every caller sends each of them 10 requests per second.
fn world(balancer: &str) -> Scenario {
    let text = format!(
        "schema = 1\nduration = \"12s\"\n\
         service.web = {{ workers = 64, service_time = \"100us\", group.a.count = 10 }}\n\
         [network]\ntransport = \"stream\"\nsame_zone = \"0s\"\n\
         [client.shop]\ncount = {CALLER_COUNT}\n\
         arrivals = {{ process = \"poisson\", rate = \"40000/s\" }}\n\
         [client.shop.call.web]\ndeadline = \"1s\"\nbalancer = {balancer}\n\
         [fault.dead]\nkind = \"crash\"\ntarget = \"instance:web/a/4\"\nat = \"2s\"\nfor = \"5s\"\n"
    );
    let loaded = load(&LoadInput::text("composition", &text));
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    loaded.scenario.unwrap_or_else(|| panic!("{messages}"))
}

/// First exclusions by ejection, and who excludes whom in the end.
#[derive(Default)]
struct Exclusions {
    first: BTreeMap<CallerId, SimTime>,
    excluded: BTreeMap<(CallerId, InstanceId), SimTime>,
    wasted_count: u64,
}

impl Observer for Exclusions {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::Excluded {
                caller,
                instance,
                cause,
            } => {
                assert_eq!((instance, cause), (InstanceId(4), ExclusionCause::Ejection));
                self.first.entry(caller).or_insert(at);
                let before = self.excluded.insert((caller, instance), at);
                assert!(before.is_none(), "it is excluded once at a time");
            }
            Observation::Included { caller, instance } => {
                let before = self.excluded.remove(&(caller, instance));
                assert!(before.is_some(), "only what is excluded is included again");
            }
            Observation::AttemptSent {
                caller, instance, ..
            } => {
                let is_excluded = self.excluded.contains_key(&(caller, instance));
                self.wasted_count += u64::from(is_excluded);
            }
            _ => {}
        }
    }
}

fn run(balancer: &str) -> Exclusions {
    let scenario = world(balancer);
    let options = SimOptions {
        seed: 3,
        event_count_max: u64::MAX,
    };
    let mut exclusions = Exclusions::default();
    let tell = &mut |at, fact: &Observation<'_>| exclusions.observe(at, fact);
    simulate_told(&scenario, options, tell, &mut |_| ControlFlow::Continue(()))
        .expect("nothing stops it");
    exclusions
}

/// Seconds from the crash to the first exclusion, on average over the callers.
fn mean_secs(exclusions: &Exclusions) -> f64 {
    assert_eq!(exclusions.first.len(), CALLER_COUNT as usize);
    let secs = exclusions.first.values().map(|at| at.as_secs_f64() - 2.0);
    secs.sum::<f64>() / f64::from(CALLER_COUNT)
}

/// Five failures at 10/s are an Erlang time: mean 0.5 s, deviation 0.5 / sqrt(5) = 0.224 s;
/// four standard errors of 400 callers are 0.045 s.
#[test]
fn envoy_ejects_after_an_erlang_time_and_takes_back_on_a_sweep() {
    let exclusions = run(
        "{ policy = \"random\", ejection = { kind = \"envoy_outlier\", interval = \"1s\", \
         duration_base = \"6s\" } }",
    );
    let mean = mean_secs(&exclusions);
    assert!((mean - 0.5).abs() < 0.045, "{mean}");
    assert!(
        exclusions.excluded.is_empty(),
        "it lives again at 7 s, and is taken back by 11 s"
    );
    assert_eq!(exclusions.wasted_count, 0, "what is ejected gets nothing");
}

/// The same for Finagle, where one request at a time probes the dead one after 2 s and more.
#[test]
fn finagle_marks_dead_after_an_erlang_time_and_probes() {
    let exclusions = run(
        "{ policy = \"random\", ejection = { kind = \"finagle_accrual\", \
         duration_base = \"2s\", duration_max = \"3s\" } }",
    );
    let mean = mean_secs(&exclusions);
    assert!((mean - 0.5).abs() < 0.045, "{mean}");
    assert!(
        exclusions.excluded.is_empty(),
        "it lives again at 7 s, and a probe finds that"
    );
    // Probes at 2 s after the mark and 2 s to 3 s later: one or two fail, one succeeds.
    let probes = exclusions.wasted_count as f64 / f64::from(CALLER_COUNT);
    assert!((2.0..=3.0).contains(&probes), "{probes}");
}

/// One failure turns off at nginx: Exp(10/s), mean 0.1 s, four standard errors 0.02 s. The time off
/// of 3 s ends after whole seconds.
#[test]
fn nginx_turns_off_at_the_first_failure() {
    let exclusions = run(
        "{ policy = \"random\", ejection = { kind = \"nginx_max_fails\", fail_timeout = \"3s\" } }",
    );
    let mean = mean_secs(&exclusions);
    assert!((mean - 0.1).abs() < 0.02, "{mean}");
    assert!(
        exclusions.excluded.is_empty(),
        "it lives again at 7 s, and a probe finds that"
    );
}
