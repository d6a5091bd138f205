//! Bulkheads, limits, throttles and breakers of the engine, where theory or the rule on paper says
//! what must come out.

use std::collections::BTreeMap;

use stormglass::id::InstanceId;
use stormglass::model::observation::{LocalCause, Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::{run, scenario};
use crate::texts::{Length, call, client, exponential, poisson, service};

/// Counts of a run.
#[derive(Debug, Default)]
struct Counts {
    request_count: u64,
    success_count: u64,
    success_secs: f64,
    sent: BTreeMap<InstanceId, u64>,
    turned_away: BTreeMap<LocalCause, u64>,
    rejected_count: u64,
}

impl Counts {
    fn sent_count(&self) -> u64 {
        self.sent.values().sum()
    }

    fn turned_away_count(&self, cause: LocalCause) -> u64 {
        self.turned_away.get(&cause).copied().unwrap_or(0)
    }
}

impl Observer for Counts {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match observation {
            Observation::AttemptSent { instance, .. } => {
                *self.sent.entry(*instance).or_default() += 1;
            }
            Observation::TurnedAway { cause, .. } => {
                *self.turned_away.entry(*cause).or_default() += 1;
            }
            Observation::WorkRejected { .. } => self.rejected_count += 1,
            Observation::RequestEnded {
                outcome,
                arrived_at,
                ..
            } => {
                self.request_count += 1;
                if *outcome == Outcome::Success {
                    self.success_count += 1;
                    self.success_secs += at.since(*arrived_at).as_secs_f64();
                }
            }
            _ => {}
        }
    }
}

/// A run of `count` Poisson arrivals at `rate`.
fn counts(count: u64, rate: f64, of_call: &str, service: &str) -> Counts {
    counts_of(count, rate, &poisson(rate), of_call, service)
}

fn counts_of(count: u64, rate: f64, arrivals: &str, of_call: &str, service: &str) -> Counts {
    let length = Length {
        count,
        rate,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.drained_text(0.0)
        + &client(arrivals)
        + &call("s", "\"round_robin\"")
        + of_call
        + "\n"
        + service;
    let mut counts = Counts::default();
    run(&scenario(&text), &mut counts);
    counts
}

fn assert_near(got: f64, expected: f64, tolerance: f64) {
    let error = (got - expected).abs() / expected;
    assert!(error <= tolerance, "{got} instead of {expected}");
}

/// One place and patience make the line of a caller an M/M/1 queue in front of any number of
/// workers: the mean stay is 1 / (1 - 0.5) = 2. Its standard error at 200,000 arrivals is 2 sqrt(2
/// x 3 / (1 - 0.5) / 200,000) / 2 = 0.8 % at most; five of them are allowed.
#[test]
fn a_bulkhead_of_one_place_is_a_single_server() {
    let bulkhead = "bulkhead = { concurrent_max = 1, wait_max = \"1000000s\" }";
    let counts = counts(
        200_000,
        0.5,
        bulkhead,
        &service("s", 1, 1_000, &exponential(1.0)),
    );
    assert_eq!(counts.success_count, counts.request_count);
    let mean = counts.success_secs / counts.success_count as f64;
    assert_near(mean, 2.0, 0.04);
}

/// Three places without a line, at two erlangs, lose B(3, 2) = (8/6) / (1 + 2 + 2 + 8/6) = 4/19.
/// With 100,000 arrivals a share of 0.21 has a standard error of 0.6 %, correlation included about
/// 1 %. A bulkhead, a caller's limit that cannot move and an instance's are all that system.
#[test]
fn places_without_a_line_lose_as_erlang_says() {
    let workers = service("s", 1, 1_000, &exponential(1.0));
    let expected = 4.0 / 19.0;
    let fixed = "concurrency_limit = { kind = \"aimd\", initial = 3, min = 3, max = 3 }";
    let limited = workers.replace("workers = 1000\n", &format!("workers = 1000\n{fixed}\n"));
    assert_ne!(limited, workers);
    let cases = [
        ("bulkhead = { concurrent_max = 3 }", workers.as_str()),
        (fixed, workers.as_str()),
        ("", limited.as_str()),
    ];
    for (place, (of_call, service)) in cases.into_iter().enumerate() {
        let counts = counts(100_000, 2.0, of_call, service);
        let lost = match place {
            0 => counts.turned_away_count(LocalCause::Bulkhead),
            1 => counts.turned_away_count(LocalCause::Limit),
            _ => counts.rejected_count,
        };
        assert_eq!(lost + counts.success_count, counts.request_count);
        assert_near(lost as f64 / counts.request_count as f64, expected, 0.04);
    }
}

/// A worker without a queue that needs 1 s accepts s / (1 + s) of s attempts a second. A throttle
/// with K = 2 sends twice what is accepted, s = 2 s / (1 + s), so s = 1 of the 10 that arrive, and
/// 90 % are turned away. The loss formula is insensitive, so the constant service is no matter; the
/// ratio of the window moves the fixed point by less than 2 %.
#[test]
fn a_throttle_sends_k_times_what_is_accepted() {
    let throttle = "throttle = { k = 2.0, window = \"1000s\" }";
    let no_queue = service("s", 1, 1, "\"1s\"").replace("limit = \"unlimited\"", "limit = 0");
    let counts = counts(200_000, 10.0, throttle, &no_queue);
    let turned_away = counts.turned_away_count(LocalCause::Throttle) as f64;
    assert_near(turned_away / counts.request_count as f64, 0.9, 0.02);
    assert_near(
        counts.sent_count() as f64 / counts.success_count as f64,
        2.0,
        0.02,
    );
}

const HYSTRIX: &str = "kind = \"hystrix\", call_count_min = 20";

/// Errors from the start, 100 requests a second: the breaker is made with the first attempt, looks
/// after 0.5 s and opens with 50 attempts sent (the one at that instant is not). It lets one probe
/// pass after each 5 s: at 5.51, 10.52 and so on, 11 in the 60 s.
#[test]
fn an_open_breaker_lets_one_probe_pass_every_five_seconds() {
    let errors = "[fault.errors]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n";
    let counts = counts_of(
        6_000,
        100.0,
        "{ process = \"constant\", rate = \"100/s\" }",
        &format!("breaker = {{ {HYSTRIX} }}"),
        &(service("s", 1, 1, "\"0s\"") + errors),
    );
    assert_eq!(counts.sent_count(), 50 + 11);
    let turned_away = counts.turned_away_count(LocalCause::Breaker);
    assert_eq!(turned_away, counts.request_count - 61);
}

/// One of four instances answers errors. Taken in turn it gets a quarter of 100/s until 20 of its
/// own are counted at a look, at 1 s: 25 attempts. Then only probes, one after each 5 s from
/// the end of the one before: 11 in 60 s, give or take one, and the rest is well.
#[test]
fn an_open_breaker_of_an_instance_takes_it_out_of_the_picks() {
    let errors = "[fault.errors]\nkind = \"error\"\ntarget = \"instance:s/a/0\"\nat = \"0s\"\n";
    let counts = counts_of(
        6_000,
        100.0,
        "{ process = \"constant\", rate = \"100/s\" }",
        &format!("breaker = {{ {HYSTRIX}, per = \"instance\" }}"),
        &(service("s", 4, 1, "\"0s\"") + errors),
    );
    let bad_count = counts.sent[&InstanceId(0)];
    assert!((25 + 10..=26 + 12).contains(&bad_count), "{bad_count}");
    assert!(counts.turned_away.is_empty());
    assert_eq!(counts.success_count, counts.request_count - bad_count);
}

/// With all instances open nothing is sent: a caller does not fall back to what is known to fail.
#[test]
fn with_every_instance_open_the_call_fails_at_once() {
    let errors = "[fault.errors]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n";
    let counts = counts_of(
        6_000,
        100.0,
        "{ process = \"constant\", rate = \"100/s\" }",
        &format!("breaker = {{ {HYSTRIX}, per = \"instance\" }}"),
        &(service("s", 4, 1, "\"0s\"") + errors),
    );
    // Up to 1 s, and then 11 probes of each instance, give or take one.
    assert!(
        (100 + 40..=104 + 48).contains(&counts.sent_count()),
        "{counts:?}"
    );
    let turned_away = counts.turned_away_count(LocalCause::Breaker);
    assert_eq!(turned_away, counts.request_count - counts.sent_count());
}

/// An open breaker fails fast and uses up the attempts of a call: three for each request.
#[test]
fn retries_stand_outside_the_breaker() {
    let errors = "[fault.errors]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n";
    let counts = counts_of(
        6_000,
        100.0,
        "{ process = \"constant\", rate = \"100/s\" }",
        &format!(
            "breaker = {{ {HYSTRIX} }}\n\
             retry = {{ attempt_count_max = 3, backoff = {{ min = \"0s\", max = \"0s\" }} }}"
        ),
        &(service("s", 1, 1, "\"0s\"") + errors),
    );
    let tried = counts.sent_count() + counts.turned_away_count(LocalCause::Breaker);
    assert_eq!(tried, 3 * counts.request_count);
}
