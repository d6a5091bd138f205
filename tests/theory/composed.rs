//! Protections behind one another: what each of them knows of what another one does.

use stormglass::model::observation::{LocalCause, Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::{run, scenario};

/// Counts of a run.
#[derive(Debug, Default)]
struct Counts {
    ended: [u64; 4],
    /// First attempts, and later ones.
    sent: [u64; 2],
    turned_away: [u64; 2],
    denied_count: u64,
}

impl Counts {
    fn of(outcome: Outcome, counts: &Self) -> u64 {
        counts.ended[outcome as usize]
    }
}

impl Observer for Counts {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::AttemptSent { attempt_index, .. } => {
                self.sent[usize::from(0 < attempt_index)] += 1;
            }
            Observation::TurnedAway { cause, .. } => {
                self.turned_away[usize::from(cause == LocalCause::Breaker)] += 1;
            }
            Observation::RetryDecided { is_granted, .. } => {
                self.denied_count += u64::from(!is_granted);
            }
            Observation::RequestEnded { outcome, .. } => self.ended[outcome as usize] += 1,
            _ => {}
        }
    }
}

/// A run of constant arrivals at a service of `count` instances without queues or delays.
fn counts(secs: u32, rate: &str, service: &str, call: &str, more: &str) -> Counts {
    let text = format!(
        "schema = 1\nname = \"composed\"\nseed = 1\nduration = \"{secs}s\"\n\
         [network]\nsame_zone = \"0s\"\n[service.web]\nworkers = 1000\n{service}\n\
         [client.shop]\narrivals = {{ process = \"constant\", rate = \"{rate}\" }}\n\
         [client.shop.call.web]\nbalancer = \"round_robin\"\n{call}\n{more}"
    );
    let mut counts = Counts::default();
    run(&scenario(&text), &mut counts);
    counts
}

const ALL_FAIL: &str = "[fault.bad]\nkind = \"error\"\ntarget = \"service:web\"\nratio = 1.0\n\
                        at = \"0s\"\n";

/// Two places are taken for 20 s at a time, and all else is turned away behind the breaker. Hystrix
/// opens once 20 have come, then lets one through each 5 s, which fails as well: in 40 s the
/// bulkhead sees two windows full at most before it opens, and eight probes.
#[test]
fn a_probe_that_is_turned_away_behind_the_breaker_is_the_probe() {
    let service = "count = 1\nservice_time = \"20s\"";
    let of_kind = |breaker: &str| {
        let call = format!(
            "attempt_timeout = \"30s\"\nbulkhead = {{ concurrent_max = 2 }}\n\
             retry = {{ attempt_count_max = 1 }}\nbreaker = {breaker}"
        );
        counts(40, "10/s", service, &call, "")
    };
    let hystrix = of_kind("{ kind = \"hystrix\" }");
    assert!(hystrix.turned_away[0] <= 40, "{hystrix:?}");
    assert!(350 <= hystrix.turned_away[1], "{hystrix:?}");
    // It opens after 100 calls.
    let resilience4j =
        of_kind("{ kind = \"resilience4j\", probe_count = 1, open_duration = \"5s\" }");
    assert!(resilience4j.turned_away[0] <= 110, "{resilience4j:?}");
}

/// 200 under way: a budget of 20 % allows 40 retries at once, Envoy's own limit three. With one of
/// ten attempts failing after a second there are about 20 at once, so none is refused.
#[test]
fn envoys_retry_budget_takes_the_place_of_its_limit() {
    let service = "count = 5\nservice_time = \"1s\"";
    let fault = ALL_FAIL.replace("ratio = 1.0", "ratio = 0.1");
    let call = "breaker = \"envoy\"\nretry = { attempt_count_max = 2, \
                budget = { kind = \"envoy\", ratio = 0.2, concurrent_min = 3 } }";
    let counts = counts(60, "200/s", service, call, &fault);
    // When the last calls run out, few are under way.
    assert!(counts.denied_count <= 10, "{counts:?}");
    // 12,000 attempts, of which a tenth fail: five binomial errors are 164.
    assert!((1_000..=1_400).contains(&counts.sent[1]), "{counts:?}");
}

/// gRFC A6: no hedges while at most half of the tokens are there. Ten tokens stand five failures,
/// which have come 170 ms after the first call; four calls with two hedges each begin until then.
#[test]
fn grpcs_throttling_stops_hedges() {
    let service = "count = 5\nservice_time = \"100ms\"";
    let call = "hedge = { delay = \"10ms\", attempt_count_max = 3 }\n\
                retry = { attempt_count_max = 1, budget = { kind = \"grpc\", tokens_max = 10, \
                token_ratio = 0.1 } }";
    let counts = counts(60, "20/s", service, call, ALL_FAIL);
    assert!((2..=10).contains(&counts.sent[1]), "{counts:?}");
}

/// A fifth of a retry a call, and a hundredth of a hedge: 12 hedges of 1,199 calls, and the budget
/// of retries pays for those alone.
#[test]
fn what_a_hedge_is_refused_for_costs_no_retry() {
    let service = "count = 5\nservice_time = \"1ms\"";
    let call = |hedges: &str| {
        format!(
            "hedge = {{ delay = \"10ms\", attempt_count_max = 2{hedges} }}\n\
             retry = {{ attempt_count_max = 1, budget = {{ kind = \"finagle\", ratio = 0.2, \
             min_rate = \"0/s\" }} }}"
        )
    };
    let few = counts(
        60,
        "20/s",
        service,
        &call(", budget_ratio = 0.01"),
        ALL_FAIL,
    );
    assert!((10..=12).contains(&few.sent[1]), "{few:?}");
    assert_eq!(few.denied_count, 0, "{few:?}");
    // Alone it pays for 240.
    let all = counts(60, "20/s", service, &call(""), ALL_FAIL);
    assert!((230..=240).contains(&all.sent[1]), "{all:?}");
}

/// At most 20 are inside the limit, five of them in the bulkhead and 15 in its line.
#[test]
fn who_waits_in_the_bulkhead_is_inside_the_limit() {
    let service = "count = 1\nservice_time = \"1s\"";
    let call = "bulkhead = { concurrent_max = 5, wait_max = \"60s\" }\ndeadline = \"100s\"\n\
                concurrency_limit = { kind = \"aimd\", initial = 20, min = 20, max = 20 }\n\
                retry = { attempt_count_max = 1 }";
    let counts = counts(60, "20/s", service, call, "");
    // 1,199 arrive; five a second are served, and the 20 inside at the end after it.
    let served = Counts::of(Outcome::Success, &counts);
    assert!((310..=320).contains(&served), "{counts:?}");
    assert!((880..=905).contains(&counts.turned_away[0]), "{counts:?}");
}

/// The caller stands still from 10.05 s to 12.05 s: the reply of its request of 10 s waits for it,
/// long after the deadline.
#[test]
fn a_reply_that_is_read_after_the_deadline_is_no_success() {
    let service = "count = 1\nservice_time = \"100ms\"";
    let call = "deadline = \"300ms\"";
    let pause = "[fault.stop]\nkind = \"pause\"\ntarget = \"client:shop\"\nat = \"10050ms\"\n\
                 for = \"2s\"\n";
    let counts = counts(20, "0.1/s", service, call, pause);
    assert_eq!(Counts::of(Outcome::Success, &counts), 0, "{counts:?}");
    assert_eq!(Counts::of(Outcome::Timeout, &counts), 1, "{counts:?}");
}
