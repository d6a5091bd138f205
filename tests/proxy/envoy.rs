//! Envoy 1.39.3: the order of its picks (`envoy-rr.json`), and its limits.

use stormglass::model::observation::Outcome;

use super::{Seen, file, numbers, records, servers};

fn world(policy: &str, weights: &[f64], concurrency: u32) -> String {
    format!(
        "schema = 1\nduration = \"60s\"\n\
         [service.s]\nservice_time = \"100us\"\n{}\
         [proxy.p]\nkind = \"envoy\"\nupstream = \"s\"\ncount = 1\nconcurrency = {concurrency}\n\
         balancer = \"{policy}\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.p]\n",
        servers(weights),
    )
}

/// Weighted round robin begins at a random place of its schedule; from there on the order is the
/// recorded one.
#[test]
fn hosts_take_their_turns_as_recorded() {
    let file = file(include_str!("../data/recorded/envoy-rr.json"));
    let mut count = 0;
    for record in records(&file) {
        let policy = match record["lb"].as_str() {
            Some("ROUND_ROBIN") => "envoy_round_robin",
            // On idle hosts it is the same schedule.
            Some("LEAST_REQUEST") => "envoy_least_request",
            _ => continue,
        };
        let weights = numbers(&record["weights"]);
        let period = weights.iter().sum::<f64>() as usize;
        let recorded = numbers(&record["sequences"][0]);
        let recorded: Vec<u32> = recorded.iter().map(|place| *place as u32).collect();
        for seed in 1..=20 {
            let order = Seen::of_text(&world(policy, &weights, 1), seed).order();
            // Ties at the start of the schedule: after one period it repeats.
            let (order, window) = (&order[period..], 8 * period);
            let mut shifts = 0..2 * period;
            let is_same = shifts.any(|shift| order[..window] == recorded[shift..shift + window]);
            assert!(
                is_same,
                "{policy} {weights:?} seed {seed}: {:?}",
                &order[..period]
            );
        }
        count += 1;
    }
    assert_eq!(count, 4);
}

/// `max_requests` on hosts without a queue of their own is Erlang's loss system.
#[test]
fn requests_beyond_the_limit_are_lost_as_erlang_says() {
    // B(c = 4, a = 3) = (81/24) / (1 + 3 + 4.5 + 4.5 + 3.375) = 0.20611.
    let text = "schema = 1\nduration = \"200s\"\n\
         [network]\nsame_zone = \"1us\"\n\
         [service.s]\nservice_time = { dist = \"exponential\", mean = \"100ms\" }\ncount = 1\n\
         workers = 100\n\
         [proxy.p]\nkind = \"envoy\"\nupstream = \"s\"\ncount = 1\nmax_requests = 4\n\
         processing_time = \"1us\"\nhttp2 = true\n\
         [client.c]\narrivals = { process = \"poisson\", rate = \"30/s\" }\n\
         [client.c.call.p]\n";
    let lost: Vec<f64> = (1..=10)
        .map(|seed| {
            let seen = Seen::of_text(text, seed);
            let is_lost = |call: &&(f64, f64, Outcome)| call.2 == Outcome::Rejected;
            let lost = seen.calls.iter().filter(is_lost).count();
            assert_eq!(lost, seen.failed().len(), "a client sees 503");
            lost as f64 / seen.calls.len() as f64
        })
        .collect();
    super::queues::assert_mean(&lost, 0.20611, 0.0005);
}
