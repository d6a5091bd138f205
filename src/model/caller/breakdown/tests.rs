//! What retries and processes that stand still do to the parts of a latency.

use std::ops::ControlFlow;

use super::*;
use crate::model::{SimOptions, simulate};
use crate::scenario::load::limits::Limits;
use crate::scenario::load::{LoadInput, LoadText, load};

/// Every request takes 1 ms there and back and 5 ms of work, but for what faults do.
const WORLD: &str = r#"schema = 1
duration = "1s"
drain = "1s"
breakdown = true
[network]
same_zone = "1ms"
[service.web]
count = 1
service_time = "5ms"
[client.shop]
arrivals = { process = "constant", rate = "10/s" }
[client.shop.call.web]
retry = { attempt_count_max = 2, failover = false, backoff = { min = "20ms", jitter = "none" } }
[fault.errors]
kind = "error"
target = "service:web"
at = "0s"
for = "350ms"
service_time = "2ms"
[fault.server-stands]
kind = "pause"
target = "service:web"
at = "499ms"
for = "50ms"
[fault.caller-stands]
kind = "pause"
target = "client:shop"
at = "702ms"
for = "30ms"
"#;

/// The parts of all requests, in milliseconds.
#[derive(Default)]
struct Seen(Vec<[u64; 7]>);

impl Observer for Seen {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestBreakdown { parts, .. } = observation {
            self.0
                .push(parts.all().map(|part| part.as_ns() / 1_000_000));
        }
    }
}

#[test]
fn retries_and_processes_that_stand_still_are_told_apart() {
    let loaded = load(&LoadInput {
        text: LoadText::Text {
            name: "parts.toml".to_string(),
            text: WORLD.to_string(),
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    });
    let scenario = loaded.scenario.expect("it is valid");
    let options = SimOptions {
        seed: 1,
        event_count_max: 1_000,
    };
    let mut seen = Seen::default();
    simulate(&scenario, options, &mut seen, &mut |_| {
        ControlFlow::Continue(())
    })
    .expect("nothing stops it");
    // Network, queue, work, calls, failed attempts, back-off, caller. The first attempt of
    // 1 + 2 + 1 ms failed, and the second one decided by its error.
    let of_errors = [2, 0, 2, 0, 4, 20, 0];
    let plain = [2, 0, 5, 0, 0, 0, 0];
    // It came at 501 ms, and the process went on at 549 ms.
    let server_stood = [2, 48, 5, 0, 0, 0, 0];
    // Its reply came at 707 ms, and the caller went on at 732 ms.
    let caller_stood = [2, 0, 5, 0, 0, 0, 25];
    for expected in [of_errors, plain, server_stood, caller_stood] {
        assert!(seen.0.contains(&expected), "{expected:?} in {:?}", seen.0);
    }
    assert!(9 <= seen.0.len(), "a request every 100 ms");
}
