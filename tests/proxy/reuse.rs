//! Which connections to servers are used again, by whom, and where retries go: nginx's
//! `keepalive`, HAProxy's `http-reuse` and turn-around, Envoy's threads.

use stormglass::model::observation::Outcome;

use super::Seen;

/// Requests of one client, one after the other: ten a second for a minute, and none in the first
/// tenth.
const REQUEST_COUNT: usize = 600;

fn world(servers: u32, proxy: &str, call: &str, more: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"60s\"\ndrain = \"30s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [service.s]\nservice_time = \"100us\"\ncount = {servers}\n\
         [proxy.p]\nupstream = \"s\"\ncount = 1\n{proxy}\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.p]\n{call}\n{more}"
    );
    Seen::of_text(&text, 1)
}

fn opened(servers: u32, proxy: &str, call: &str) -> usize {
    let seen = world(servers, proxy, call, "");
    assert!(REQUEST_COUNT - 1 <= seen.calls.len() && seen.failed().is_empty());
    seen.opened_count
}

/// A connection of the client that carries one request after another.
const ON_ONE_CONNECTION: &str = "connection = { multiplex = false }";

#[test]
fn a_worker_of_nginx_keeps_the_connections_that_it_used_last() {
    let nginx = |more: &str| format!("kind = \"nginx\"\n{more}");
    let each = opened(4, &nginx(""), "");
    assert!(REQUEST_COUNT - 1 <= each, "{each}");
    // In turn: with room for all four each is opened once; with less the one whose turn it is has
    // always just been closed for another one.
    assert_eq!(opened(4, &nginx("keepalive = 4"), ""), 4);
    assert_eq!(opened(4, &nginx("keepalive = 3"), ""), each);
    // A tenth of the requests open one where each connection carries ten.
    let tenth = opened(1, &nginx("keepalive = 4\nkeepalive_requests = 10"), "");
    assert_eq!(tenth, each.div_ceil(10));
    // A request comes every 100 ms: none is idle for as long as 200 ms, each for 50 ms.
    let timeout = |ms: u32| nginx(&format!("keepalive = 4\nkeepalive_timeout = \"{ms}ms\""));
    assert_eq!(opened(1, &timeout(200), ""), 1);
    assert_eq!(opened(1, &timeout(50), ""), each);
}

/// Every worker of nginx has a cache of its own, in a zone too, and every thread of Envoy a pool:
/// each of four meets the only server within 600 requests (4 x (3/4)^600 is nothing).
#[test]
fn workers_and_threads_share_no_connections() {
    for zone in [false, true] {
        let workers = format!("worker_processes = 4\nupstream_zone = {zone}\nkeepalive = 1");
        assert_eq!(opened(1, &format!("kind = \"nginx\"\n{workers}"), ""), 4);
    }
    assert_eq!(opened(1, "kind = \"envoy\"\nconcurrency = 4", ""), 4);
    let threads = "kind = \"haproxy\"\nnbthread = 4\nhttp_reuse = \"always\"";
    assert_eq!(opened(1, threads, ""), 1, "they take idle ones over");
}

/// A worker that takes all requests of a node leaves the others without a connection.
#[test]
fn a_long_connection_stays_with_its_worker() {
    for zone in [false, true] {
        let workers = format!(
            "kind = \"nginx\"\nworker_processes = 4\nspread = \"caller\"\n\
             upstream_zone = {zone}\nkeepalive = 1"
        );
        assert_eq!(opened(1, &workers, ""), 1);
    }
}

#[test]
fn http_reuse_says_which_requests_use_a_connection_of_others() {
    let haproxy = |reuse: &str| format!("kind = \"haproxy\"\nhttp_reuse = \"{reuse}\"");
    let of_new = |reuse: &str| opened(1, &haproxy(reuse), "");
    let of_kept = |reuse: &str| opened(1, &haproxy(reuse), ON_ONE_CONNECTION);
    let each = of_new("never");
    assert!(REQUEST_COUNT - 1 <= each, "{each}");
    // Every request is the first one of its client's connection.
    assert_eq!(of_new("safe"), each);
    assert_eq!(of_new("aggressive"), each, "none was used again before");
    assert_eq!(of_new("always"), 1);
    // All but the first one are not.
    assert_eq!(of_kept("never"), each);
    assert_eq!(of_kept("safe"), 1);
    assert_eq!(of_kept("aggressive"), 1);
    assert_eq!(
        opened(1, "kind = \"haproxy\"", ON_ONE_CONNECTION),
        1,
        "safe"
    );
}

/// A second client keeps a connection to the server in use, so it was used again: first requests
/// may use it, too, where the mode says so.
#[test]
fn aggressive_reuse_trusts_what_was_used_again() {
    let with = |reuse: &str| {
        let other = "[client.d]\narrivals = { process = \"constant\", rate = \"10/s\" }\n\
                     [client.d.call.p]\nconnection = { multiplex = false }\n";
        let proxy = format!("kind = \"haproxy\"\nhttp_reuse = \"{reuse}\"");
        world(1, &proxy, "", other).opened_count
    };
    // The other client opens one. While it is in use at the same instant another one is opened.
    assert!(REQUEST_COUNT - 1 <= with("safe"));
    let few = with("aggressive");
    assert!(few <= 4, "{few}");
}

const CRASHED: &str = "[fault.x]\nkind = \"crash\"\ntarget = \"instance:s/main/0\"\nat = \"0s\"\n";

/// The shortest and the longest time that failed requests took.
fn failed_within(seen: &Seen) -> (f64, f64) {
    let lengths = seen
        .failed()
        .into_iter()
        .map(|(began, ended)| ended - began);
    lengths.fold((f64::INFINITY, 0.0f64), |(least, most), length| {
        (least.min(length), most.max(length))
    })
}

#[test]
fn with_redispatch_a_server_without_another_one_is_tried_a_second_apart() {
    let proxy = "kind = \"haproxy\"\ncheck = false\nredispatch = true";
    // Three retries, each a second after a refusal.
    let (least, most) = failed_within(&world(1, proxy, "", CRASHED));
    assert!(3.0 <= least && most < 3.01, "{least} to {most}");
    // With two up the other one takes the request at once.
    let seen = world(2, proxy, "", CRASHED);
    assert!(seen.failed().is_empty());
    let longest = seen
        .calls
        .iter()
        .map(|call| call.1 - call.0)
        .fold(0.0, f64::max);
    assert!(longest < 0.01, "{longest}");
    // With leastconn the last retry goes elsewhere, at once; the two before wait.
    let least_conn = format!("{proxy}\nbalancer = \"haproxy_least_conn\"");
    let seen = world(2, &least_conn, "", CRASHED);
    assert!(seen.failed().is_empty());
    let longest = seen
        .calls
        .iter()
        .map(|call| call.1 - call.0)
        .fold(0.0, f64::max);
    assert!((2.0..2.01).contains(&longest), "{longest}");
}

#[test]
fn a_connection_that_times_out_is_tried_again_at_once() {
    // Four times two seconds, and no wait between them.
    let proxy = "kind = \"haproxy\"\ncheck = false\ntimeout_connect = \"2s\"";
    let lost = CRASHED.replace("crash", "host_loss");
    let (least, most) = failed_within(&world(1, proxy, "", &lost));
    assert!(8.0 <= least && most < 8.01, "{least} to {most}");
    // Nor after a reply that is an error.
    let proxy = "kind = \"haproxy\"\ncheck = false\nretry_on = [\"500\"]";
    let broken = "[fault.x]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n";
    let (_, most) = failed_within(&world(1, proxy, "", broken));
    assert!(most < 0.01, "{most}");
}

/// Each thread has an order of its own, in which a retry is the next one of the same thread: with
/// three hosts it never goes where the try before went.
#[test]
fn a_retry_of_envoy_stays_with_its_thread() {
    let proxy = "kind = \"envoy\"\nconcurrency = 4\nretry_on = [\"5xx\"]\nnum_retries = 2";
    let broken = "[fault.x]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n";
    let seen = world(3, proxy, "", broken);
    assert!(seen.calls.iter().all(|call| call.2 != Outcome::Success));
    let mut retry_count = 0;
    for pair in seen.attempts.windows(2) {
        let [(_, before, _), (_, place, index)] = [pair[0], pair[1]];
        if index > 0 {
            assert_eq!(place, (before + 1) % 3);
            retry_count += 1;
        }
    }
    assert!(2 * (REQUEST_COUNT - 1) <= retry_count, "{retry_count}");
}
