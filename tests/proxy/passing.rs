//! Which bad replies nginx counts as failures of a server: those after which it tries the next one,
//! and never the one that it hands to the client (`ngx_http_upstream_test_next` of nginx 1.22.1).

use stormglass::model::observation::Outcome;

use super::{Seen, counted};

/// 200 requests, one every 100 ms, for two servers.
const REQUEST_COUNT: usize = 200;

/// All replies of the first server are errors.
const ERRORS: &str = "[fault.x]\nkind = \"error\"\ntarget = \"group:s/a\"\nratio = \"100%\"\n\
                      at = \"0s\"\nfor = \"20s\"\n";

/// The first server takes one request and is busy with it for ever; it turns others away.
const REJECTIONS: &str = "speed = 0.000001, workers = 1";

fn world(a: &str, proxy: &str, rest: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"20s\"\ndrain = \"1s\"\n\
         [network]\nsame_zone = \"10us\"\n\
         [service.s]\nservice_time = \"5ms\"\nworkers = 10\nqueue = {{ limit = 0 }}\n\
         group.a = {{ count = 1, {a} }}\ngroup.b = {{ count = 1 }}\n\
         [proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n{proxy}\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.p]\n{rest}"
    );
    Seen::of_text(&text, 1)
}

/// How often the first server was tried.
fn tries(seen: &Seen) -> usize {
    counted(&seen.order())[&0]
}

/// Every second request goes to the failing server, and fails, as if nothing were known of it.
fn assert_in_turn(seen: &Seen, name: &str) {
    let order = seen.order();
    assert!(
        REQUEST_COUNT - 1 <= order.len(),
        "{name}: nothing is sent twice"
    );
    let is_in_turn = |(number, place): (usize, &u32)| *place as usize == number % 2;
    assert!(order.iter().enumerate().all(is_in_turn), "{name}");
}

/// Passed on: in the first second the first request fails there, and in second 11 the probe does
/// (more than 10 whole seconds later); the other server answers all.
#[test]
fn errors_that_are_passed_on_count() {
    let errors = "proxy_next_upstream = [\"http_500\"]";
    for more in ["", "proxy_next_upstream_timeout = \"6ms\""] {
        let seen = world("", &format!("{errors}\n{more}"), ERRORS);
        assert_eq!(tries(&seen), 2, "{more}");
        assert!(seen.failed().is_empty(), "{more}");
    }
}

/// Handed to the client: no try is left, no time is left (a reply takes more than the 5 ms of the
/// server), the request must not be sent twice, or its status is not listed.
#[test]
fn errors_that_go_to_the_client_do_not_count() {
    let class = "[client.c.class.order]\nshare = 1.0\nidempotent = false\n";
    let listed = "proxy_next_upstream = [\"http_500\"]";
    for (name, proxy, more) in [
        (
            "one try",
            format!("{listed}\nproxy_next_upstream_tries = 1"),
            "",
        ),
        (
            "no time",
            format!("{listed}\nproxy_next_upstream_timeout = \"5ms\""),
            "",
        ),
        ("sent once", listed.to_string(), class),
        (
            "another status",
            "proxy_next_upstream = [\"http_503\"]".to_string(),
            "",
        ),
    ] {
        let seen = world("", &proxy, &format!("{class}{ERRORS}", class = more));
        assert_in_turn(&seen, name);
        assert_eq!(seen.failed().len(), REQUEST_COUNT / 2, "{name}");
    }
}

/// What gets no reply counts in any case: with one try the client sees one failure in the first
/// second and one in second 11, and the server is left alone in between.
#[test]
fn refused_connections_count_without_another_try() {
    let crash = ERRORS
        .replace("\"error\"", "\"crash\"")
        .replace("ratio = \"100%\"\n", "");
    for words in ["", "\"error\""] {
        let proxy = format!("proxy_next_upstream = [{words}]\nproxy_next_upstream_tries = 1");
        let seen = world("", &proxy, &crash);
        assert_eq!(tries(&seen), 2, "{words}");
        assert_eq!(seen.failed().len(), 2, "{words}");
    }
}

/// A full queue is `http_503`, and no other status stands for it. The first request hangs, the next
/// one there is turned away in the first second, and so is the probe in second 11.
#[test]
fn each_status_is_listed_for_itself() {
    let seen = world(REJECTIONS, "proxy_next_upstream = [\"http_503\"]", "");
    assert_eq!(tries(&seen), 3);
    assert!(seen.calls.iter().all(|call| call.2 != Outcome::Rejected));
    let seen = world(REJECTIONS, "proxy_next_upstream = [\"http_500\"]", "");
    assert_in_turn(&seen, "http_500");
    let rejected = seen.calls.iter().filter(|c| c.2 == Outcome::Rejected);
    assert_eq!(rejected.count(), REQUEST_COUNT / 2 - 1);
}

/// Weights fall with what counts, and with nothing else: a failing server of weight 10 beside one
/// of weight 1 is picked as often, and in the same turns, as one that answers.
#[test]
fn weights_do_not_fall_with_the_last_error() {
    let proxy = |method: &str| {
        format!(
            "balancer = \"{method}\"\nproxy_next_upstream = [\"http_500\"]\n\
             proxy_next_upstream_tries = 1"
        )
    };
    for method in ["nginx_round_robin", "nginx_least_conn"] {
        let failing = world("weight = 10", &proxy(method), ERRORS);
        let healthy = world("weight = 10", &proxy(method), "");
        assert_eq!(failing.order(), healthy.order(), "{method}");
        assert_eq!(failing.failed().len(), tries(&failing), "{method}");
    }
}
