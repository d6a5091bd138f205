//! Channels of gRPC as detectors: keepalive pings and resets, against arithmetic. Messages take no
//! time.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use std::ops::ControlFlow;

use stormglass::experiment::replicate::windows;
use stormglass::metrics::evaluate::{VerdictState, judge};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::observation::{Observation, Observer, Suspector};
use stormglass::time::SimTime;

const INSTANCE_COUNT: u32 = 40;

/// One caller that is connected to 40 instances, each of which it calls every 20 s, with keepalive
/// pings after 10 s of silence and 20 s of patience: it hears of each every 10 s.
fn world(fault: &str, expect: &str) -> String {
    format!(
        "schema = 1\nduration = \"400s\"\ndrain = \"5s\"\n[network]\nsame_zone = \"0s\"\n\
         [expect]\n{expect}\n\
         [service.s]\ncount = {INSTANCE_COUNT}\nservice_time = \"1ms\"\n\
         [client.c]\ncount = 1\narrivals = {{ process = \"constant\", rate = \"2/s\" }}\n\
         [client.c.call.s]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
         [client.c.call.s.connection]\nconnect_timeout = \"1s\"\nreconnect = {{ jitter = 0 }}\n\
         keepalive = {{ interval = \"10s\", timeout = \"20s\", without_streams = true }}\n\
         [fault.x]\n{fault}\n"
    )
}

/// When faults hit nodes and the caller changed its mind, in seconds.
#[derive(Debug, Default)]
struct Seen {
    hit: Vec<Option<f64>>,
    detections: Vec<f64>,
    trusted_count: u64,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        self.hit.resize(INSTANCE_COUNT as usize, None);
        match *observation {
            Observation::FaultStarted { targets, .. } => {
                for target in targets {
                    self.hit[target.index()].get_or_insert(at);
                }
                if targets.is_empty() {
                    self.hit.fill(Some(at));
                }
            }
            Observation::Suspected {
                suspector: Suspector::Caller(_),
                instance,
            } => {
                let hit = self.hit[instance.index()].take();
                self.detections
                    .push(at - hit.expect("it was hit, and is suspected once"));
            }
            Observation::Trusted { .. } => self.trusted_count += 1,
            _ => {}
        }
    }
}

fn seen(fault: &str) -> Seen {
    let scenario = text::scenario(&world(fault, "users = \"success_ratio >= 0%\""), &[]);
    let mut seen = Seen::default();
    let end = run::run(&scenario, 1, &mut seen);
    let end_with_heap = run::run_with_heap(&scenario, 1, &mut Seen::default());
    assert_eq!(end, end_with_heap, "the product's queue and the plain heap");
    seen
}

/// What was heard last is up to 10 s old; the ping that comes 10 s after it has 20 s: uniform over
/// (20 s, 30 s], so the mean of 40 has a standard error of 10 / sqrt(12 x 40) s = 0.456 s.
#[test]
fn a_lost_host_is_noticed_by_a_ping_without_answer() {
    let at = "{ dist = \"uniform\", min = \"100s\", max = \"140s\" }";
    let fault = format!("kind = \"host_loss\"\ntarget = \"service:s\"\neach = true\nat = {at}");
    let times = seen(&fault).detections;
    assert_eq!(times.len() as u32, INSTANCE_COUNT);
    let in_bounds = |time: &f64| (20.0..=30.0 + 1e-9).contains(time);
    assert!(times.iter().all(in_bounds), "{times:?}");
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    assert!((mean - 25.0).abs() < 4.0 * 0.456, "{mean}");
}

#[test]
fn a_dead_process_is_noticed_at_once_and_trusted_after_the_next_handshake() {
    let fault = "kind = \"crash\"\ntarget = \"service:s\"\nat = \"100s\"\nfor = \"8s\"";
    let seen = seen(fault);
    assert_eq!(seen.detections, vec![0.0; INSTANCE_COUNT as usize]);
    // The attempts at 0, 1, 2.6 and 5.16 s after the reset are refused, the one at 9.256 s is not.
    assert_eq!(seen.trusted_count, u64::from(INSTANCE_COUNT));
}

/// A partition is no crash: each of the 40 is suspected once for nothing, which the tables count.
#[test]
fn a_partition_makes_mistakes_that_the_measures_count() {
    let fault = "kind = \"partition\"\nfrom = \"client:c\"\nto = \"service:s\"\nat = \"100s\"\n\
                 for = \"60s\"";
    let seen = seen(fault);
    assert!(
        seen.detections
            .iter()
            .all(|time| (20.0..=30.0).contains(time))
    );
    assert_eq!(seen.detections.len() as u32, INSTANCE_COUNT);
    assert_eq!(seen.trusted_count, u64::from(INSTANCE_COUNT));
    let expect = "mistakes = \"mistake_count{client=c} == 40\"\n\
                  shortest = \"mistake_duration.mean >= 30s\"";
    let scenario = text::scenario(&world(fault, expect), &[]);
    let go_on = &mut |_| ControlFlow::Continue(());
    let windows = windows(&scenario, run::options(1), go_on).expect("it comes to its end");
    let mut recorder = Recorder::new(&scenario, &windows);
    let end = run::run(&scenario, 1, &mut recorder);
    let metrics = recorder.finish(end);
    for expectation in &scenario.expectations {
        let verdict = judge(&metrics, &scenario, expectation);
        assert_eq!(verdict.state, VerdictState::Held, "{verdict:?}");
    }
}
