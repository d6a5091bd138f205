//! Measures of change against arithmetic: how soon picks follow weights, and what becomes of data
//! with copies.

use stormglass::metrics::evaluate::{VerdictState, judge};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::fault_plan;
use stormglass::model::fault_plan::fault_windows;

use crate::support::{run_alone, scenario};

/// Runs a scenario and asserts that all its expectations hold.
pub fn assert_held(text: &str) {
    let scenario = scenario(text);
    let plan = fault_plan(&scenario, scenario.seed).expect("the run had the same plan");
    let mut recorder = Recorder::new(&scenario, &fault_windows(&plan));
    let end = run_alone(&scenario, &mut recorder);
    let metrics = recorder.finish(end);
    for expectation in &scenario.expectations {
        let verdict = judge(&metrics, &scenario, expectation);
        assert_eq!(verdict.state, VerdictState::Held, "{verdict:?}");
    }
}

#[test]
fn picks_follow_weights_with_the_next_poll() {
    // The caller polls every 10 s from 0 s on. Weights change at 23 s, so until 30 s the picks are
    // as before; windows of a second begin at 23 s.
    assert_held(
        r#"schema = 1
duration = "60s"
[network]
same_zone = "0s"
[expect]
late = "selection_convergence_time >= 7s of fault.shift"
soon = "selection_convergence_time <= 7s of fault.shift"
[registry]
profile = "lease"
propagation = "poll"
poll_interval = "10s"
poll_phase = "aligned"
[service.web]
service_time = "1ms"
workers = 100
group = { a = { count = 1, weight = 3 }, b = { count = 1, weight = 1 } }
[client.shop]
arrivals = { process = "poisson", rate = "1000/s" }
[client.shop.call.web]
balancer = "weighted_random"
[fault.shift]
kind = "weight_change"
target = "group:web/b"
weight = 3
at = "23s"
"#,
    );
}

#[test]
fn an_instance_carries_its_share_again_when_callers_take_it_back() {
    // Down from 20 s to 45 s. The pings at 50 s and 60 s are answered at once: the suspicion ends
    // with the first or with the second, 5 s or 15 s after the crash was over. Until then it gets
    // nothing, and from then on its fifth.
    for (rises_min, secs) in [(1, "5s"), (2, "15s")] {
        assert_held(&format!(
            r#"schema = 1
duration = "100s"
[network]
same_zone = "0s"
[expect]
late = "share_return_time >= {secs} of fault.crash"
soon = "share_return_time <= {secs} of fault.crash"
[service.web]
service_time = "1ms"
count = 5
workers = 100
[client.shop]
arrivals = {{ process = "poisson", rate = "1000/s" }}
[client.shop.call.web]
balancer = "random"
attempt_timeout = "1s"
detector = {{ kind = "ping", interval = "10s", timeout = "1s", misses_max = 1, rises_min = {rises_min}, phase = "aligned" }}
[fault.crash]
kind = "crash"
target = "instance:web/main/3"
at = "20s"
for = "25s"
"#
        ));
    }
}

#[test]
fn an_instance_that_nobody_takes_back_never_carries_its_share_again() {
    // Callers stay where they are: whoever lost the connection has another one.
    assert_held(
        r#"schema = 1
duration = "100s"
[network]
same_zone = "0s"
[expect]
never = "share_return_time >= 1h of fault.crash"
[service.web]
service_time = "1ms"
count = 4
workers = 100
[client.shop]
count = 50
arrivals = { process = "poisson", rate = "1000/s" }
[client.shop.call.web]
balancer = { policy = "pick_first", shuffle = true }
attempt_timeout = "1s"
[client.shop.call.web.connection]
connect_timeout = "1s"
[fault.crash]
kind = "crash"
target = "instance:web/main/3"
at = "20s"
for = "5s"
"#,
    );
}

/// Nine instances in three zones keep a million keys; zone `b` is lost.
fn zone_lost(data: &str, expect: &str) -> String {
    format!(
        r#"schema = 1
duration = "100s"
[expect]
{expect}
[service.store]
service_time = "1ms"
data = {{ keys = 1_000_000, bytes_per_key = "1KiB", rebuild_bandwidth = "100MB/s", {data} }}
[service.store.group]
a = {{ count = 3, zone = "a" }}
b = {{ count = 3, zone = "b" }}
c = {{ count = 3, zone = "c" }}
[client.shop]
arrivals = {{ process = "constant", rate = "1/s" }}
[client.shop.call.store]
[fault.zone]
kind = "host_loss"
target = "zone:b"
at = "10s"
"#
    )
}

#[test]
fn copies_in_distinct_zones_survive_the_loss_of_one() {
    // Two of three zones are left, and every key has its second copy again: of a third of two
    // million copies each is made anew in a zone that has none, 683 MB at 100 MB/s.
    let two = zone_lost(
        "replicas = 2, distinct_zones = true",
        "nothing = \"lost_key_count == 0\"\n\
         bytes = \"moved_bytes >= 600000000\"\n\
         bytes_at_most = \"moved_bytes <= 760000000\"\n\
         soon = \"full_replication_time <= 7.6s\"\n\
         late = \"full_replication_time >= 6s\"",
    );
    assert_held(&two);
    // Three copies have no third zone any more: all keys lack one for 90 s.
    let three = zone_lost(
        "replicas = 3, distinct_zones = true",
        "nothing = \"lost_key_count == 0\"\n\
         never = \"full_replication_time >= 1h\"\n\
         lack = \"under_replicated_key_secs >= 89999999\"\n\
         lack_at_most = \"under_replicated_key_secs <= 90000001\"",
    );
    assert_held(&three);
    // Anywhere on the ring, both copies are in the zone for 3/9 x 2/8 of the keys, 83,333, on
    // average; every pair of instances has some.
    let anywhere = zone_lost(
        "replicas = 2",
        "lost = \"lost_key_count >= 50000\"\nlost_at_most = \"lost_key_count <= 120000\"",
    );
    assert_held(&anywhere);
}

#[test]
fn a_request_that_never_ends_is_no_success_of_its_caller() {
    // From 10 s on nobody answers, and nobody gives up: of 79 requests the first 39 succeed.
    assert_held(
        r#"schema = 1
duration = "20s"
[network]
same_zone = "0s"
[expect]
low = "success_ratio.worst >= 49.36%"
high = "success_ratio.worst <= 49.38%"
same = "success_ratio.spread == 0%"
during = "success_ratio.worst == 0% during fault.lost"
before = "success_ratio.worst == 100% before fault.lost"
class = "success_ratio{class=shop.all}.worst <= 49.38%"
[service.web]
count = 1
service_time = "1ms"
[client.shop]
arrivals = { process = "constant", rate = "4/s" }
[client.shop.call.web]
[client.shop.class.all]
share = "100%"
[fault.lost]
kind = "host_loss"
target = "service:web"
at = "10s"
for = "10s"
"#,
    );
}

#[test]
fn a_detector_that_noticed_before_the_registry_did_has_noticed() {
    // Pings every 100 ms: three go unanswered for 100 ms each, so a caller knows 0.3 s to 0.4 s
    // after the crash. The lease ends after 3 s or more; then the instance is off every caller's
    // list, and nobody pings it.
    assert_held(
        r#"schema = 1
duration = "60s"
[network]
same_zone = "0s"
[expect]
all = "undetected_count{call=shop.web} == 0 of fault.crash"
soon = "detection_time{call=shop.web}.max <= 0.4s of fault.crash"
late = "detection_time{call=shop.web}.min >= 0.3s of fault.crash"
[registry]
profile = "lease"
heartbeat_interval = "1s"
lease_duration = "4s"
propagation = "watch"
[service.web]
service_time = "1ms"
count = 3
[client.shop]
count = 3
arrivals = { process = "poisson", rate = "10/s" }
[client.shop.call.web]
balancer = "random"
attempt_timeout = "1s"
detector = { kind = "ping", interval = "100ms", timeout = "100ms", misses_max = 3 }
[fault.crash]
kind = "host_loss"
target = "instance:web/main/0"
at = "20s"
for = "20s"
"#,
    );
}

#[test]
fn who_is_lost_with_a_zone_is_not_asked_what_it_noticed() {
    // Four instances of `api` watch four of `db`. Two of each are lost; the two that are left
    // notice and leave out both.
    assert_held(
        r#"schema = 1
duration = "60s"
[network]
same_zone = "0s"
cross_zone = "0s"
[expect]
all = "undetected_count{call=api.db} == 0 of fault.zone"
soon = "detection_time{call=api.db}.max <= 0.4s of fault.zone"
out = "exclusion_time{call=api.db}.max <= 0.4s of fault.zone"
[service.api]
service_time = "1ms"
[service.api.group]
a = { count = 2, zone = "a" }
b = { count = 2, zone = "b" }
[service.api.call.db]
balancer = "random"
attempt_timeout = "1s"
detector = { kind = "ping", interval = "100ms", timeout = "100ms", misses_max = 3 }
[service.db]
service_time = "1ms"
[service.db.group]
a = { count = 2, zone = "a" }
b = { count = 2, zone = "b" }
[client.shop]
arrivals = { process = "poisson", rate = "10/s" }
[client.shop.call.api]
attempt_timeout = "1s"
[fault.zone]
kind = "host_loss"
target = "zone:b"
at = "20s"
for = "20s"
"#,
    );
}
