//! What classes of requests have of what they share: caches, cores, connections, optional calls.

use stormglass::metrics::evaluate::{Reading, evaluate};

use crate::class_effects::measured;

/// The numbers that the expectations of a scenario judge, in their order.
fn readings(text: &str) -> Vec<f64> {
    let (scenario, run) = measured(text);
    let expectations = scenario.expectations.iter();
    let reading = expectations.map(|e| match evaluate(&run, &scenario, &e.measure) {
        Reading::Known(value) => value,
        Reading::Undecided(why) => panic!("{}: {why}", e.text),
    });
    reading.collect()
}

fn assert_near(value: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{what}: {value}, expected {expected} within {tolerance}"
    );
}

/// 500 requests a second of one key, 500 of a hundred keys that hold the first; an entry lives for
/// 100 ms and loading takes no time.
const TWO_KEY_SETS: &str = r#"schema = 1
duration = "500s"
[network]
same_zone = "0s"
[service.s]
count = 1
service_time = "0s"
[client.c]
arrivals = { process = "poisson", rate = "1000/s" }
[client.c.call.s]
cache = { capacity = 1000, ttl = "100ms", hit_time = "0s", per = "caller" }
[client.c.class.one]
share = "50%"
keys = { count = 1 }
[client.c.class.many]
share = "50%"
keys = { count = 100 }
[expect]
a = "cache_hit_ratio{class=c.one} > 0"
b = "cache_hit_ratio{class=c.many} > 0"
c = "cache_hit_ratio > 0"
d = "cache_load_rate{class=c.one} > 0/s"
e = "cache_load_rate{class=c.many} > 0/s"
f = "cache_load_rate > 0/s"
"#;

/// Who asks at rate r for a key that lives T finds it with probability rT / (1 + rT): a load and
/// then rT questions on average that hit (renewal theory); every Poisson stream sees the same.
#[test]
fn classes_hit_a_shared_cache_as_often_as_their_keys_are_warm() {
    let v = readings(TWO_KEY_SETS);
    let warm = |rate: f64| rate * 0.1 / (1.0 + rate * 0.1);
    let (first, other) = (warm(505.0), warm(5.0));
    let many = 0.01 * first + 0.99 * other;
    // 250,000 questions each: four standard errors are below 0.4 points.
    assert_near(v[0], first, 0.004, "one key");
    assert_near(v[1], many, 0.004, "many keys");
    assert_near(v[2], (first + many) / 2.0, 0.004, "all");
    assert_near(v[3], 500.0 * (1.0 - first), 2.0, "loads of one key");
    assert_near(v[4], 500.0 * (1.0 - many), 3.0, "loads of many keys");
    assert_near(v[3] + v[4], v[5], 1e-9, "loads of all");
}

/// Work of 2 ms and of 12 ms on the cores, 5 ms besides; the instance dies once.
const TWO_COSTS: &str = r#"schema = 1
duration = "200s"
[network]
same_zone = "0s"
[service.s]
count = 1
workers = 1000
cores = 4
service_time = { cpu = "2ms", wait = "5ms" }
[client.c]
arrivals = { process = "poisson", rate = "400/s" }
[client.c.call.s]
[client.c.class.cheap]
share = "75%"
[client.c.class.dear]
share = "25%"
service_time = { cpu = "12ms", wait = "5ms" }
[expect]
a = "cpu_utilization{class=c.cheap} > 0"
b = "cpu_utilization{class=c.dear, instance=s/main/0} > 0"
c = "cpu_utilization > 0"
d = "request_rate{class=c.cheap} > 0/s"
e = "request_rate{class=c.dear} > 0/s"
"#;

/// The utilization law: CPU time is rate x CPU demand, whoever shares the cores.
#[test]
fn classes_have_the_cpu_time_of_their_demand() {
    let v = readings(TWO_COSTS);
    // 4 cores; what is under way at the end is below a tenth of a second of CPU time.
    assert_near(v[0], v[3] * 0.002 / 4.0, 1e-4, "cheap");
    assert_near(v[1], v[4] * 0.012 / 4.0, 1e-4, "dear");
    assert_near(v[0] + v[1], v[2], 1e-9, "all");
    let crash = "[fault.f]\nkind = \"crash\"\ntarget = \"service:s\"\nat = \"50s\"\nfor = \"1s\"\n\
                 [expect]\n";
    let v = readings(&TWO_COSTS.replace("[expect]\n", crash));
    assert_near(v[0] + v[1], v[2], 1e-9, "all, with a crash");
}

/// A connection for each attempt: it is closed before the next one comes.
const SHORT_LIVED: &str = r#"schema = 1
duration = "100s"
[network]
same_zone = "100us"
[service.s]
count = 1
service_time = "1ms"
[client.c]
arrivals = { process = "constant", rate = "20/s" }
[client.c.call.s]
connection = { idle_timeout = "5ms" }
[client.c.class.rare]
share = "20%"
[client.c.class.common]
share = "80%"
[expect]
a = "handshake_rate{class=c.rare} > 0/s"
b = "handshake_rate{class=c.common} > 0/s"
c = "handshake_rate > 0/s"
d = "request_rate{class=c.rare} > 0/s"
e = "request_rate{class=c.common} > 0/s"
"#;

#[test]
fn a_handshake_is_of_the_class_that_needs_the_connection() {
    let v = readings(SHORT_LIVED);
    assert_eq!(v[..2], v[3..], "{v:?}");
    assert_near(v[0] + v[1], v[2], 1e-9, "all");
}

/// One class fails at the optional service.
const OPTIONAL: &str = r#"schema = 1
duration = "20s"
[service.s]
count = 1
service_time = "1ms"
[service.s.call.extra]
optional = true
[service.extra]
count = 1
service_time = "1ms"
[client.c]
arrivals = { process = "constant", rate = "100/s" }
[client.c.call.s]
[client.c.class.hit]
share = "30%"
[client.c.class.spared]
share = "70%"
[fault.f]
kind = "error"
class = "c.hit"
target = "service:extra"
at = "10s"
for = "10s"
[expect]
a = "fallback_ratio{class=c.hit} > 0 before f"
b = "fallback_ratio{class=c.hit} > 0 during f"
c = "fallback_ratio{class=c.spared} > 0 during f"
"#;

#[test]
fn fallbacks_are_of_the_class_whose_call_failed() {
    assert_eq!(readings(OPTIONAL), [0.0, 1.0, 0.0]);
}

#[test]
fn queued_work_is_balanced_by_class() {
    let text = r#"schema = 1
duration = "50s"
[service.s]
count = 2
service_time = "18ms"
[client.c]
arrivals = { process = "poisson", rate = "100/s" }
[client.c.call.s]
[client.c.class.a]
share = "50%"
[client.c.class.b]
share = "50%"
[expect]
a = "queue_depth_balance.jain{class=c.a} > 0"
b = "queue_depth_balance.jain{class=c.b} > 0"
"#;
    // Jain's index of two values lies between 1/2 and 1; a long queue is shared fairly.
    for jain in readings(text) {
        assert!((0.5..=1.0).contains(&jain), "{jain}");
    }
}
