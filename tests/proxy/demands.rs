//! Where the work of a recorded request is done: at the service that proxies lead to.

use std::collections::BTreeMap;

use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::time::SimTime;

/// Microseconds of one way through the network.
const ONE_WAY_US: u64 = 100;

/// Latencies of successful requests in microseconds, in order of their end, by client.
#[derive(Default)]
struct Latencies(BTreeMap<u32, Vec<u64>>);

impl Observer for Latencies {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestEnded {
            client,
            arrived_at,
            outcome: Outcome::Success,
            ..
        } = *observation
        {
            let latency = at.since(arrived_at).as_ns();
            assert_eq!(latency % 1_000, 0, "all times are whole microseconds");
            self.0.entry(client.0).or_default().push(latency / 1_000);
        }
    }
}

/// Runs a scenario whose trace has a request each 100 ms with these demands in microseconds.
/// Clients are told in order of their names.
fn latencies(rest: &str, demands_us: &[u64]) -> Vec<Vec<u64>> {
    let mut csv = String::from("arrives_at_us,service_demand_us\n");
    for (number, demand) in demands_us.iter().enumerate() {
        csv += &format!("{},{demand}\n", 100_000 * (number + 1));
    }
    let text = format!(
        "schema = 1\nduration = \"2s\"\ndrain = \"1s\"\n\
         [network]\nsame_zone = \"{ONE_WAY_US}us\"\n{rest}"
    );
    let scenario = super::beside(&text, &csv);
    let mut seen = Latencies::default();
    super::run::run(&scenario, 1, &mut seen);
    seen.0.into_values().collect()
}

const DEMANDS_US: [u64; 4] = [5_000, 20_000, 1_000, 50_000];

const SERVICE: &str = "[service.s]\nservice_time = \"3ms\"\ncount = 2\nworkers = 10\n";

const TRACE: &str = "arrivals = { process = \"trace\", file = \"trace.csv\" }";

/// nginx without `keepalive` opens a connection for each request, a round trip, so a request takes
/// six ways, the time of the proxy and its own at the server.
#[test]
fn a_proxy_takes_its_own_time_and_the_server_that_of_the_request() {
    let found = latencies(
        &format!(
            "{SERVICE}[proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
             processing_time = \"2ms\"\n[client.c]\n{TRACE}\n[client.c.call.p]\n"
        ),
        &DEMANDS_US,
    );
    let expected = DEMANDS_US.map(|demand| 6 * ONE_WAY_US + 2_000 + demand);
    assert_eq!(found, [expected]);
}

/// Two proxies, one behind the other, hand the demand on; what the service calls has work of its
/// own. Four more ways to the second proxy and two to the called service.
#[test]
fn proxies_hand_it_on_and_services_do_not() {
    let found = latencies(
        &format!(
            "{SERVICE}[service.s.call.db]\n\
             [service.db]\nservice_time = \"7ms\"\nworkers = 10\ncount = 1\n\
             [proxy.q]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\nprocessing_time = \"2ms\"\n\
             [proxy.p]\nkind = \"nginx\"\nupstream = \"q\"\ncount = 1\nprocessing_time = \"1ms\"\n\
             [client.c]\n{TRACE}\n[client.c.call.p]\n"
        ),
        &DEMANDS_US,
    );
    let own = 12 * ONE_WAY_US + 1_000 + 2_000 + 7_000;
    assert_eq!(found, [DEMANDS_US.map(|demand| own + demand)]);
}

/// Recorded requests of two clients and others meet behind one proxy: each has its own demand, and
/// those of closed loops, whose users are numbered too, have that of the service.
#[test]
fn requests_of_several_clients_keep_their_own() {
    let found = latencies(
        &format!(
            "{SERVICE}[proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
             worker_processes = 100\nprocessing_time = \"2ms\"\n\
             [client.a]\n{TRACE}\n[client.a.call.p]\n\
             [client.b]\narrivals = {{ process = \"closed\", user_count = 3, \
             think_time = \"30ms\" }}\n[client.b.call.p]\n\
             [client.c]\n{TRACE}\n[client.c.call.p]\n"
        ),
        &DEMANDS_US,
    );
    let own = 6 * ONE_WAY_US + 2_000;
    let recorded = DEMANDS_US.map(|demand| own + demand);
    assert_eq!(
        (&found[0][..], &found[2][..]),
        (&recorded[..], &recorded[..])
    );
    assert!(100 < found[1].len());
    assert!(found[1].iter().all(|latency| *latency == own + 3_000));
}

/// A retry at another server is the same work again: the first server is given up after 10 ms, and
/// the second one, which is ten times as fast, takes a tenth of the 50 ms.
#[test]
fn a_retry_is_the_same_work() {
    let found = latencies(
        &format!(
            "[service.s]\nservice_time = \"3ms\"\nworkers = 10\n\
             group.a = {{ count = 1 }}\ngroup.b = {{ count = 1, speed = 10 }}\n\
             [proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
             processing_time = \"2ms\"\nproxy_read_timeout = \"10ms\"\n\
             [client.c]\n{TRACE}\n[client.c.call.p]\n"
        ),
        &[50_000],
    );
    // Two connections, but only one reply.
    let ways = 2 + 2 + 2 + 2;
    assert_eq!(found, [[ways * ONE_WAY_US + 2_000 + 10_000 + 5_000]]);
}

/// The time of a class is that of its requests at the service, too.
#[test]
fn classes_have_their_time_at_the_server() {
    let found = latencies(
        &format!(
            "{SERVICE}[proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
             processing_time = \"2ms\"\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.c.call.p]\n[client.c.class.x]\nshare = 1.0\nservice_time = \"9ms\"\n"
        ),
        &[0],
    );
    let expected = 6 * ONE_WAY_US + 2_000 + 9_000;
    assert!(10 < found[0].len());
    assert!(
        found[0].iter().all(|latency| *latency == expected),
        "{found:?}"
    );
}
