//! Faults of links that hit only heartbeats or only requests, against closed forms.

#[path = "links/delays.rs"]
mod delays;
#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::model::observation::{LifeState, Observation, Observer, Outcome};
use stormglass::time::SimTime;

/// Independent pairs of an instance and whoever watches it.
const INSTANCE_COUNT: u32 = 40;
/// Heartbeats, or pings, of each: one a second.
const BEAT_COUNT: u32 = 1_000;
/// Share of the messages that a lossy link loses.
const LOSS: f64 = 0.3;

/// What observers believed, and what became of requests.
#[derive(Debug, Default)]
struct Seen {
    suspicion_count: u64,
    outcomes: [u64; 2],
}

impl Observer for Seen {
    fn observe(&mut self, _: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::Suspected { .. } => self.suspicion_count += 1,
            Observation::RequestEnded { outcome, .. } => {
                self.outcomes[usize::from(outcome == Outcome::Success)] += 1;
            }
            Observation::NodeChanged { state, .. } => assert_eq!(state, LifeState::Up),
            _ => {}
        }
    }
}

/// Lossy links between everybody, with what `fault` says; nothing else ever fails.
fn seen(call: &str, more: &str, fault: &str) -> Seen {
    seen_between(
        call,
        more,
        &format!("from = \"zone:*\"\nto = \"zone:*\"\n{fault}"),
    )
}

fn seen_between(call: &str, more: &str, fault: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"{BEAT_COUNT}s\"\ndrain = \"5s\"\n\
         [network]\ntransport = \"datagram\"\nsame_zone = \"1ms\"\n\
         [expect]\nusers = \"success_ratio >= 0%\"\n\
         [service.s]\ncount = {INSTANCE_COUNT}\nservice_time = \"1ms\"\n\
         [client.c]\ncount = 1\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.s]\nbalancer = \"random\"\nretry = {{ attempt_count_max = 1 }}\n\
         attempt_timeout = \"1s\"\n{call}\n{more}\n\
         [fault.x]\nat = \"0s\"\n{fault}\n"
    );
    let scenario = text::scenario(&text, &[]);
    let mut seen = Seen::default();
    let end = run::run(&scenario, 1, &mut seen);
    let end_with_heap = run::run_with_heap(&scenario, 1, &mut Seen::default());
    assert_eq!(end, end_with_heap, "the product's queue and the plain heap");
    seen
}

/// The three ways to watch whose mistakes are runs of two losses: a lease of 2.5 heartbeats, a
/// timeout of as much, and pings of which two in a row are missed.
fn watchers() -> [(&'static str, &'static str, f64); 3] {
    let beat_pass = 1.0 - LOSS;
    [
        (
            "",
            "[registry]\nprofile = \"lease\"\nmembers = 1\nlease_duration = \"2500ms\"\n\
             heartbeat_interval = \"1s\"\nsweep_interval = \"0s\"",
            beat_pass,
        ),
        (
            "detector = { kind = \"timeout\", interval = \"1s\", timeout = \"2500ms\" }",
            "",
            beat_pass,
        ),
        (
            "detector = { kind = \"ping\", interval = \"1s\", timeout = \"500ms\", \
             misses_max = 2, rises_min = 1 }",
            "",
            beat_pass * beat_pass,
        ),
    ]
}

/// A mistake begins with one that passes and two that are lost: q (1 - q)^2 for each heartbeat.
/// Two such places overlap nowhere within three, so the variance of their number is
/// n m (1 - 5 m); what begins or ends outside of the run is below one for each instance.
#[test]
fn heartbeats_alone_are_lost_and_suspicions_are_runs_of_two_losses() {
    for (call, more, pass) in watchers() {
        let fault = format!("kind = \"loss\"\nloss = {LOSS}\nonly = \"heartbeats\"");
        let seen = seen(call, more, &fault);
        let m = pass * (1.0 - pass) * (1.0 - pass);
        let n = f64::from(INSTANCE_COUNT * BEAT_COUNT);
        let tolerance = 4.0 * (n * m * (1.0 - 5.0 * m)).sqrt() + f64::from(INSTANCE_COUNT);
        let count = seen.suspicion_count as f64;
        assert!(
            (count - n * m).abs() < tolerance,
            "{call}{more}: {count}, {}",
            n * m
        );
        assert_eq!(seen.outcomes[0], 0, "no request is lost");
    }
}

/// At heartbeats, a link of two states is a chain with P(bad, bad) = b + g e and
/// P(good, bad) = b (1 - e), where g and b are the shares of the states and e = exp(-(1/G + 1/B)).
/// A mistake begins where a good heartbeat is followed by two bad ones. Its places are a renewal
/// process with gaps that are sums of geometric times, so the variance is below the mean.
#[test]
fn bursts_lose_heartbeats_in_a_row() {
    let (good_mean, bad_mean) = (20.0, 2.0);
    let fault = format!(
        "kind = \"loss\"\nonly = \"heartbeats\"\nloss = {{ model = \"gilbert_elliott\", \
         good_mean = \"{good_mean}s\", bad_mean = \"{bad_mean}s\", per_link = true }}"
    );
    let bad = bad_mean / (good_mean + bad_mean);
    let e = libm::exp(-(1.0 / good_mean + 1.0 / bad_mean));
    let m = (1.0 - bad) * bad * (1.0 - e) * (bad + (1.0 - bad) * e);
    let n = f64::from(INSTANCE_COUNT * BEAT_COUNT);
    for (call, more, _) in &watchers()[..2] {
        let seen = seen(call, more, &fault);
        let count = seen.suspicion_count as f64;
        let tolerance = 4.0 * (n * m).sqrt() + f64::from(INSTANCE_COUNT);
        assert!(
            (count - n * m).abs() < tolerance,
            "{call}{more}: {count}, {}",
            n * m
        );
        assert_eq!(seen.outcomes[0], 0, "no request is lost");
    }
}

#[test]
fn requests_alone_are_lost_and_nobody_is_suspected() {
    for (call, more, _) in watchers() {
        let cut = seen(
            call,
            more,
            "kind = \"loss\"\nloss = 1.0\nonly = \"requests\"",
        );
        assert_eq!(cut.suspicion_count, 0, "{call}{more}");
        assert_eq!(cut.outcomes[1], 0, "every request fails");
        // An attempt and its reply both pass: 0.7^2 of 10,000, within four standard errors.
        let fault = format!("kind = \"loss\"\nloss = {LOSS}\nonly = \"requests\"");
        let lossy = seen(call, more, &fault);
        assert_eq!(lossy.suspicion_count, 0, "{call}{more}");
        let share = lossy.outcomes[1] as f64 / lossy.outcomes.iter().sum::<u64>() as f64;
        assert!((share - 0.49).abs() < 4.0 * 0.005, "{share}");
    }
}

/// Half of the instances are cut off from their caller, for heartbeats or for requests alone.
#[test]
fn partitions_delays_and_clogs_hit_what_they_name() {
    let detector = "detector = { kind = \"ping\", interval = \"1s\", timeout = \"500ms\", \
                    misses_max = 2, rises_min = 1 }";
    let between = |kind: &str, only: &str| {
        let fault = format!(
            "kind = \"{kind}\"\nonly = \"{only}\"\nfor = \"100s\"\n\
             from = \"client:c\"\nto = \"20 random of service:s\""
        );
        seen_between(detector, "", &fault)
    };
    for (kind, only, suspicions, failures) in [
        ("partition", "heartbeats", 20, 0),
        ("partition", "requests", 0, 500),
        ("clog", "heartbeats", 20, 0),
        ("clog", "requests", 0, 500),
    ] {
        let seen = between(kind, only);
        assert_eq!(seen.suspicion_count, suspicions, "{kind} {only}");
        // Half of 1,000 picks, within four standard errors.
        assert!(
            seen.outcomes[0].abs_diff(failures) <= 4 * 16,
            "{kind} {only}: {seen:?}"
        );
    }
}
