//! A proxy that needs time of its own, against queueing theory.

use stormglass::id::ServiceId;
use stormglass::model::observation::{Observation, Observer, Outcome, WorkEnd};
use stormglass::time::SimTime;

use super::{Seen, run, text};

/// Student's t, 99.9 %, two-sided, 9 degrees of freedom.
const T_999_9: f64 = 4.781;

/// Ten replications agree with a mean, but for a bias of the model that is no larger than `bias`.
pub fn assert_mean(samples: &[f64], expected: f64, bias: f64) {
    assert_eq!(samples.len(), 10, "the quantile is that of ten");
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares = samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let half_width = T_999_9 * (squares / (n - 1.0)).sqrt() / n.sqrt();
    assert!(
        (mean - expected).abs() < half_width + bias,
        "{mean} +- {half_width}, expected {expected}"
    );
}

/// Two exponential servers, one after the other: the first one's output is Poisson (Burke 1956).
#[test]
fn a_proxy_before_a_service_is_a_tandem_of_queues() {
    // 1 / (200 - 100) s + 1 / (125 - 100) s = 50 ms; the way takes 6 us: there and back twice,
    // and a round trip for the connection.
    let text = "schema = 1\nduration = \"200s\"\ndrain = \"60s\"\n\
         [network]\nsame_zone = \"1us\"\n\
         [service.s]\nservice_time = { dist = \"exponential\", mean = \"8ms\" }\ncount = 1\n\
         queue.limit = \"unlimited\"\n\
         [proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
         processing_time = { dist = \"exponential\", mean = \"5ms\" }\n\
         queue.limit = \"unlimited\"\n\
         [client.c]\narrivals = { process = \"poisson\", rate = \"100/s\" }\n\
         [client.c.call.p]\n";
    let scenario = text::scenario(text, &[]);
    let means: Vec<f64> = (1..=10)
        .map(|seed| {
            let seen = Seen::of(&scenario, seed);
            let all = seen.calls.iter();
            assert!(all.clone().all(|call| call.2 == Outcome::Success));
            1e3 * all.map(|call| call.1 - call.0).sum::<f64>() / seen.calls.len() as f64
        })
        .collect();
    assert_mean(&means, 50.006, 0.0);
}

/// A worker is free while the server works: a proxy with one holds many requests.
#[test]
fn waiting_for_a_reply_takes_no_worker() {
    let text = "schema = 1\nduration = \"20s\"\n\
         [network]\nsame_zone = \"1us\"\n\
         [service.s]\nservice_time = \"1s\"\ncount = 1\nworkers = 1000\n\
         [proxy.p]\nkind = \"haproxy\"\nupstream = \"s\"\ncount = 1\nprocessing_time = \"1ms\"\n\
         check = false\n\
         [client.c]\narrivals = { process = \"constant\", rate = \"100/s\" }\n\
         [client.c.call.p]\n";
    let seen = Seen::of_text(text, 1);
    let longest = seen
        .calls
        .iter()
        .map(|call| call.1 - call.0)
        .fold(0.0, f64::max);
    // 1 ms + 1 s + 6 us of the way.
    assert!((longest - 1.001_006).abs() < 1e-6, "{longest}");
}

/// How many pieces of work a service stopped because nobody waited for them.
#[derive(Default)]
struct Stopped {
    count: usize,
    first: u32,
}

impl Observer for Stopped {
    fn observe(&mut self, _: SimTime, observation: &Observation<'_>) {
        if let Observation::WorkEnded { instance, end, .. } = *observation {
            let is_stopped = self.first <= instance.0 && end == WorkEnd::Cancelled;
            self.count += usize::from(is_stopped);
        }
    }
}

/// A client that goes away ends the request behind nginx and Envoy, and not behind HAProxy, which
/// has no `option abortonclose`.
#[test]
fn a_client_that_goes_away_ends_the_request_behind_a_proxy() {
    for (kind, expected) in [("nginx", 20), ("envoy", 20), ("haproxy", 0)] {
        let text = format!(
            "schema = 1\nduration = \"20s\"\n\
             [service.s]\nservice_time = \"1s\"\ncount = 1\nworkers = 10\n\
             cancellable = true\n\
             [proxy.p]\nkind = \"{kind}\"\nupstream = \"s\"\ncount = 1\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
             [client.c.call.p]\ndeadline = \"100ms\"\ndeadline_propagation = \"cancel\"\n"
        );
        let scenario = text::scenario(&text, &[]);
        let service = scenario.services.iter().position(|s| s.name == "s");
        let service = ServiceId::from_index(service.expect("it is there"));
        let mut stopped = Stopped {
            first: scenario.topology.service_instances(service).start,
            ..Stopped::default()
        };
        run::run(&scenario, 1, &mut stopped);
        assert!(
            stopped.count.abs_diff(expected) <= 1,
            "{kind}: {}",
            stopped.count
        );
    }
}
