//! What calls that nobody waits for, and work that holds no worker, still are.

use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::{run, scenario};

#[derive(Debug, Default)]
struct Seen {
    /// Calls of `db` that ended well, and when.
    good_calls: Vec<f64>,
    rejected: Vec<f64>,
    ended_count: u32,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *observation {
            Observation::CallEnded {
                edge,
                outcome: Outcome::Success,
                ..
            } if edge.0 == 1 => self.good_calls.push(now),
            Observation::WorkRejected { .. } => self.rejected.push(now),
            Observation::RequestEnded { .. } => self.ended_count += 1,
            _ => {}
        }
    }
}

fn seen(arrivals: &str, web: &str, call: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"1500ms\"\ndrain = \"10s\"\n[network]\nsame_zone = \"1ms\"\n\
         [service.web]\ncount = 1\nworkers = 1\nservice_time = \"10ms\"\n{web}\n\
         [service.web.call.db]\n{call}\n[service.db]\ncount = 1\nworkers = 9\n\
         service_time = \"2s\"\n[client.c]\narrivals = {arrivals}\n[client.c.call.web]\n"
    );
    let mut seen = Seen::default();
    let scenario = scenario(&text);
    assert!(scenario.edges[1].path.ends_with("call.db"));
    run(&scenario, &mut seen);
    seen
}

/// A request of 1 s starts a call that nobody waits for. The request ends at 1.012 s, the duration
/// at 1.5 s, and the call at 3.013 s.
#[test]
fn the_drain_waits_for_detached_calls() {
    let once = "{ process = \"renewal\", gap = \"1s\" }";
    let seen = seen(once, "", "detached = true");
    assert_eq!(seen.ended_count, 1);
    assert_eq!(seen.good_calls.len(), 1, "{seen:?}");
    // 1.001 s there, 10 ms of work, 2 s and 2 ms for the call.
    assert!((seen.good_calls[0] - 3.013).abs() < 1e-9, "{seen:?}");
}

/// Requests come every 500 ms and wait 2 s for a call that holds no worker: three are there, and
/// the limit is two.
#[test]
fn a_limit_of_an_instance_counts_what_waits_for_asynchronous_calls() {
    let often = "{ process = \"renewal\", gap = \"450ms\" }";
    let limit = "concurrency_limit = { kind = \"aimd\", initial = 2, min = 2, max = 2, \
                 timeout = \"60s\" }";
    let seen = seen(often, limit, "async = true");
    assert_eq!(seen.ended_count, 3);
    assert_eq!(seen.rejected.len(), 1, "{seen:?}");
    assert!((seen.rejected[0] - 1.351).abs() < 1e-9, "{seen:?}");
}
