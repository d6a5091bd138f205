//! What is exactly at its limit: what happens at an instant is in time for what runs out then, and
//! a share that is reached is reached.

use crate::measures::assert_held;

/// Ten instances that a caller calls, without delays.
fn world(expect: &str, registry: &str, call: &str, fault: &str) -> String {
    format!(
        r#"schema = 1
duration = "120s"
[expect]
{expect}
[network]
transport = "datagram"
same_zone = "0s"
{registry}
[service.web]
workers = 8
service_time = "10ms"
count = 10
[client.shop]
arrivals = {{ process = "constant", rate = "100/s" }}
[client.shop.call.web]
balancer = "round_robin"
{call}
[fault.f]
{fault}
"#
    )
}

#[test]
fn a_lease_outlasts_a_heartbeat_that_comes_as_it_ends() {
    // Heartbeats every 3 s, and two of them are lost: the third one comes 9 s after the last.
    let partition = "kind = \"partition\"\nfrom = \"service:web\"\nto = \"registry:member/0\"\n\
                     at = \"60s\"\nfor = \"6s\"";
    for (duration, expect) in [
        ("9s", "none = \"mistake_count == 0\""),
        ("8.999s", "all = \"mistake_count == 10\""),
    ] {
        let registry = format!(
            "[registry]\nprofile = \"lease\"\nheartbeat_interval = \"3s\"\n\
             lease_duration = \"{duration}\""
        );
        let call = "attempt_timeout = \"1s\"";
        assert_held(&world(expect, &registry, call, partition));
    }
}

#[test]
fn a_heartbeat_that_comes_with_its_timeout_is_in_time() {
    let partition = "kind = \"partition\"\nfrom = \"service:web\"\nto = \"client:shop\"\n\
                     at = \"60s\"\nfor = \"2s\"";
    for (timeout, expect) in [
        ("3s", "none = \"mistake_count == 0\""),
        ("2.999s", "all = \"mistake_count == 10\""),
    ] {
        let call = format!(
            "attempt_timeout = \"1s\"\n\
             detector = {{ kind = \"timeout\", interval = \"1s\", timeout = \"{timeout}\" }}"
        );
        assert_held(&world(expect, "", &call, partition));
    }
}

#[test]
fn a_reply_that_comes_with_the_timeout_is_in_time() {
    let nothing = "kind = \"slow\"\nfactor = 1\ntarget = \"service:web\"\nat = \"60s\"\n\
                   for = \"1s\"";
    for (limit, expect) in [
        ("attempt_timeout", "all = \"success_ratio == 100%\""),
        ("deadline", "all = \"success_ratio == 100%\""),
    ] {
        let call = format!("{limit} = \"10ms\"");
        assert_held(&world(expect, "", &call, nothing));
        let call = format!("{limit} = \"9.999ms\"");
        assert_held(&world("none = \"success_ratio == 0%\"", "", &call, nothing));
    }
    // A request that ends as its hedge is due needs none.
    let hedge = "hedge = { delay = \"10ms\" }";
    assert_held(&world("none = \"hedge_ratio == 0%\"", "", hedge, nothing));
    let hedge = "hedge = { delay = \"9.999ms\" }";
    assert_held(&world("all = \"hedge_ratio == 100%\"", "", hedge, nothing));
}

#[test]
fn a_share_of_999_in_1000_is_99_9_percent() {
    // Every thousandth request goes to an instance that answers errors.
    assert_held(
        r#"schema = 1
duration = "100.001s"
availability_objective = "99.9%"
[network]
same_zone = "0s"
[expect]
from = "success_ratio >= 99.9%"
exact = "success_ratio == 99.9%"
to = "success_ratio <= 99.9%"
windows = "window_availability == 100%"
[service.web]
workers = 8
service_time = "10ms"
[service.web.group.a]
count = 999
[service.web.group.b]
count = 1
[client.shop]
arrivals = { process = "constant", rate = "1000/s" }
[client.shop.call.web]
balancer = "round_robin"
[fault.e]
kind = "error"
target = "group:web/b"
at = "0s"
"#,
    );
}

#[test]
fn a_user_whose_requests_end_at_once_goes_on() {
    // Refusals take 0.5 ms, until callers learn that nobody is left and fail at once; then each of
    // four users tries again after 1 ms.
    assert_held(
        r#"schema = 1
duration = "60s"
[expect]
some = "success_ratio before fault.z >= 99.9%"
back = "success_ratio after fault.z > 0%"
many = "request_rate during fault.z <= 8000/s"
[registry]
profile = "lease"
[service.web]
workers = 8
service_time = "10ms"
count = 2
[client.shop]
arrivals = { process = "closed", user_count = 4 }
[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "1s"
[fault.z]
kind = "crash"
target = "service:web"
at = "20s"
for = "20s"
"#,
    );
}

#[test]
fn a_process_that_is_killed_while_it_starts_starts_anew() {
    // Killed at 20 s and at 25 s, each time for 1 s; a start takes 10 s. It is down from 20 s to
    // 36 s: its half of 50 requests a second is refused.
    assert_held(
        r#"schema = 1
duration = "60s"
[network]
same_zone = "0s"
[expect]
low = "failure_ratio >= 13.2%"
high = "failure_ratio <= 13.5%"
[service.web]
workers = 8
service_time = "10ms"
restart_time = "10s"
count = 2
[client.shop]
arrivals = { process = "constant", rate = "50/s" }
[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "100ms"
[fault.a]
kind = "crash"
target = "instance:web/main/0"
at = "20s"
for = "1s"
[fault.b]
kind = "crash"
target = "instance:web/main/0"
at = "25s"
for = "1s"
"#,
    );
}

#[test]
fn checks_that_began_before_the_run_need_no_first_call() {
    // Envoy: checks at 20 s, 22 s and 24 s, each given up after 1 s; the next one begins 1 s after
    // that. The crash comes with a check, or right after one.
    assert_held(
        r#"schema = 1
duration = "100s"
[expect]
late = "detection_time.min >= 5s of fault.c"
soon = "detection_time.max <= 6.1s of fault.c"
[service.web]
workers = 8
service_time = "10ms"
count = 4
[client.shop]
arrivals = { process = "constant", rate = "20/s" }
[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "100ms"
detector = { kind = "envoy_health_check", interval = "1s", timeout = "1s", unhealthy_threshold = 3, healthy_threshold = 2, phase = "aligned" }
[fault.c]
kind = "host_loss"
target = "instance:web/main/0"
at = "20s"
"#,
    );
}

#[test]
fn a_budget_of_retries_holds_for_calls_that_hedge() {
    // Every reply is an error. A budget of nothing allows no second attempt: after a failure
    // neither as a retry nor as the next hedge, whose time does not come.
    for attempts in ["attempt_count_max = 4, ", ""] {
        assert_held(&format!(
            r#"schema = 1
duration = "20s"
[expect]
none = "amplification == 1"
[service.web]
workers = 8
service_time = "1ms"
count = 10
[client.shop]
arrivals = {{ process = "constant", rate = "100/s" }}
[client.shop.call.web]
balancer = "round_robin"
retry = {{ {attempts}on = ["error"], budget = {{ kind = "sre", ratio = "0%" }} }}
hedge = {{ delay = "50ms", attempt_count_max = 4 }}
[fault.e]
kind = "error"
target = "service:web"
at = "0s"
"#
        ));
    }
}
