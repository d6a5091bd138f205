//! What instances and callers carry of each class of requests: exact where nothing is random, and
//! sums that agree with what is counted of all classes.

use stormglass::id::{ClassId, EdgeId, FaultId};
use stormglass::metrics::class_load::ClassLoad;
use stormglass::metrics::data::RunMetrics;
use stormglass::metrics::evaluate::{Reading, evaluate};
use stormglass::metrics::instance::Load;
use stormglass::scenario::Scenario;
use stormglass::scenario::measure::Phase;

use crate::class_effects::{BUSY, measured};

/// The numbers that the expectations of a scenario judge, in their order.
fn readings(scenario: &Scenario, run: &RunMetrics) -> Vec<f64> {
    let expectations = scenario.expectations.iter();
    let reading = expectations.map(|e| match evaluate(run, scenario, &e.measure) {
        Reading::Known(value) => value,
        Reading::Undecided(why) => panic!("{}: {why}", e.text),
    });
    reading.collect()
}

/// An expectation that keeps the load of classes.
const ASKED: &str = "[expect]\nload = \"utilization{class=shop.buy} >= 0\"\n";

fn assert_close(sum: f64, all: f64, what: &str) {
    assert!(
        (sum - all).abs() <= 1e-9 * all.max(1.0),
        "{what}: {sum}, {all}"
    );
}

#[test]
fn the_load_of_all_classes_is_the_load_of_an_instance() {
    let call = "[service.web.call.db]\n";
    let shared = "queue = { discipline = \"ps\" }";
    for text in [
        BUSY.to_string(),
        BUSY.replace(call, &format!("{call}async = true\n")),
        BUSY.replace("queue = { limit = 1 }", shared),
    ] {
        let (scenario, run) = measured(&(text + ASKED));
        let table = run.tables.class_loads.as_ref().expect("it is asked for");
        let faults = [FaultId(0), FaultId(1)];
        let phases = faults.map(|f| [Phase::During(f), Phase::Outside(f)]);
        for phase in phases.into_iter().flatten().chain([Phase::Whole]) {
            let phases = run.tables.timeline.classes_of(phase).expect("it is known");
            let is_whole = phase == Phase::Whole;
            let mut worked_ns = 0.0;
            for instance in 0..scenario.topology.instance_count() {
                let all: Load = run
                    .tables
                    .instances
                    .load(instance, &phases, is_whole)
                    .expect("phases are kept");
                let mut sum = ClassLoad::default();
                for class in scenario.classes.ids().chain([ClassId::NONE]) {
                    let load = table.load(instance, class, &phases, is_whole);
                    sum.add(&load.expect("phases are kept"));
                }
                worked_ns += sum.busy_ns;
                assert_close(sum.in_system_ns, all.in_system_ns, "in the system");
                assert_close(sum.in_flight_ns, all.in_flight_ns, "in flight");
                assert_close(sum.busy_ns, all.busy_ns, "busy");
            }
            assert!(0.0 < worked_ns, "{phase:?}");
        }
    }
}

/// Two classes that never wait: 5 ms and 20 ms of work, callers 1 ms and 11 ms away. A thousand
/// requests a second for 100 s.
const FREE: &str = r#"schema = 1
duration = "100s"
[network]
same_zone = "1ms"
cross_zone = "11ms"
[service.s]
zone = "a"
count = 1
workers = 200
service_time = "5ms"
[client.c]
count = 2
zones = ["a", "b"]
arrivals = { process = "constant", rate = "1000/s" }
[client.c.call.s]
[client.c.class.fast]
share = "75%"
[client.c.class.slow]
share = "25%"
service_time = "20ms"
[fault.f]
kind = "error"
class = "c.slow"
target = "service:s"
at = "50s"
for = "50s"
[expect]
a = "in_system{class=c.fast} > 0"
b = "in_system{class=c.slow} > 0"
c = "utilization{class=c.fast} > 0"
d = "utilization{class=c.slow,instance=s/main/0} > 0"
e = "request_rate{class=c.slow} > 0/s"
f = "latency.max{class=c.fast}.worst > 0s"
g = "latency.max{class=c.slow}.spread > 0s"
h = "success_ratio{class=c.fast}.worst > 0 during f"
i = "success_ratio{class=c.slow}.worst > 0 during f"
j = "success_ratio{class=c.slow, zone=b}.worst > 0 before f"
k = "latency.max{class=c.slow, zone=a}.worst > 0s"
"#;

#[test]
fn classes_that_never_wait_have_exact_loads() {
    let (scenario, run) = measured(FREE);
    let values = readings(&scenario, &run);
    let (fast, slow) = (1000.0 - values[4], values[4]);
    // Each is in the instance for its service time; at most one service time at each end is cut.
    for (value, rate, service_secs) in [
        (values[0], fast, 0.005),
        (values[1], slow, 0.02),
        (values[2] * 200.0, fast, 0.005),
        (values[3] * 200.0, slow, 0.02),
    ] {
        let expected = rate * service_secs;
        let cut = 2.0 * rate * service_secs * 0.05 / 100.0;
        assert!((value - expected).abs() <= cut, "{value}, {expected}");
    }
    // The far caller needs 20 ms more for the way there and back. Latencies of one caller have two
    // digits.
    for (value, expected) in [
        (values[5], 0.005 + 0.022),
        (values[6], 0.02),
        (values[10], 0.02 + 0.002),
    ] {
        assert!((value / expected - 1.0).abs() < 1e-2, "{value}, {expected}");
    }
    assert_eq!(values[7..9], [1.0, 0.0]);
    // The last requests of a phase may start in the next one: those on their way, 11 ms at most.
    assert!(0.999 < values[9] && values[9] <= 1.0, "{}", values[9]);
}

/// Hedges, attempts turned away and fallbacks, of two classes.
const OWN_ACCORD: &str = r#"schema = 1
breakdown = true
duration = "20s"
[service.s]
count = 3
service_time = { dist = "exponential", mean = "10ms" }
[client.c]
arrivals = { process = "poisson", rate = "200/s" }
[client.c.call.s]
hedge = { delay = "8ms" }
bulkhead = { concurrent_max = 8 }
[client.c.class.a]
share = "60%"
[client.c.class.b]
share = "40%"
[expect]
a = "work_time.mean{class=c.a} > 0s"
b = "work_time.mean{class=c.b} > 0s"
c = "work_time.mean > 0s"
d = "request_rate{class=c.a} > 0/s"
e = "request_rate{class=c.b} > 0/s"
f = "hedge_ratio{class=c.a} > 0"
g = "bulkhead_rejection_ratio{class=c.a} > 0"
h = "retry_ratio{class=c.a} == 0"
"#;

#[test]
fn what_callers_do_for_all_classes_is_what_they_do() {
    let (scenario, run) = measured(OWN_ACCORD);
    let values = readings(&scenario, &run);
    let requests = &run.requests.classes;
    let ended = [0, 1].map(|i| {
        let stats = &requests[i].stats;
        (stats.arrived_count - stats.in_flight_count) as f64
    });
    let mean = (values[0] * ended[0] + values[1] * ended[1]) / (ended[0] + ended[1]);
    assert!(
        (mean / values[2] - 1.0).abs() < 1e-9,
        "{mean}, {}",
        values[2]
    );
    assert!(0.0 < values[5] && 0.0 < values[6]);
    assert_eq!(values[7], 0.0, "a hedge is no retry");

    assert_decisions_add_up(&scenario, &run);
    let hedges = run
        .tables
        .several
        .pooled(EdgeId(0), &whole(&run))
        .hedge_count;
    assert!(0 < hedges);
}

fn whole(run: &RunMetrics) -> Vec<u16> {
    let phases = run.tables.timeline.classes_of(Phase::Whole);
    phases.expect("the whole run is known")
}

/// Everything that calling sides decide about attempts of a call, by class and of all.
fn assert_decisions_add_up(scenario: &Scenario, run: &RunMetrics) {
    let (tables, phases, edge) = (&run.tables, whole(run), EdgeId(0));
    let mut sums = [0; 4];
    for class in scenario.classes.ids() {
        let several = tables.classes.several(edge, class, &phases);
        let cell = tables.classes.resilience(edge, class, &phases);
        sums[0] += several.hedge_count;
        sums[1] += cell.turned_away_count();
        sums[2] += cell.wanted_retry_count;
        sums[3] += cell.denied_retry_count;
    }
    let cell = tables.resilience.pooled(edge, &phases);
    let all = [
        tables.several.pooled(edge, &phases).hedge_count,
        cell.turned_away_count(),
        cell.wanted_retry_count,
        cell.denied_retry_count,
    ];
    assert_eq!(sums, all);
    assert!(0 < cell.turned_away_count());
}

#[test]
fn retries_and_waiting_for_connections_split_by_class() {
    let hedge = "hedge = { delay = \"8ms\" }\n";
    let more = "connection = { multiplex = false, pool_max = 2 }\nattempt_timeout = \"30ms\"\n\
                retry = { attempt_count_max = 3, budget = { kind = \"grpc\", tokens_max = 4, \
                token_ratio = 0.1 } }\n";
    let asked = "pool_waiting_time.mean";
    let text = OWN_ACCORD
        .replace(hedge, more)
        .replace("breakdown = true\n", "");
    let (text, _) = text.split_once("[expect]").expect("it expects something");
    let (scenario, run) = measured(&format!(
        "{text}[expect]\na = \"{asked}{{class=c.a}} > 0s\"\nb = \"{asked}{{class=c.b}} > 0s\"\n\
         c = \"{asked} > 0s\"\nd = \"retry_budget_exhausted_ratio{{class=c.a}} > 0\"\n"
    ));
    assert_decisions_add_up(&scenario, &run);
    let values = readings(&scenario, &run);
    let connections = &run.tables.connections;
    let counts = [1, 2].map(|class| {
        let waiting = connections.class_waiting(None, ClassId(class), &whole(&run));
        waiting.count() as f64
    });
    let mean = (values[0] * counts[0] + values[1] * counts[1]) / (counts[0] + counts[1]);
    assert!(
        0.0 < mean && (mean / values[2] - 1.0).abs() < 1e-9,
        "{values:?}"
    );
    assert!(0.0 < values[3], "{values:?}");
}

/// One core, 30 workers. Requests come 100 ms apart, so that none meets another.
const SPLIT: &str = r#"schema = 1
duration = "100s"
[network]
same_zone = "1ms"
[service.s]
count = 1
workers = 30
cores = 1
service_time = { cpu = "2ms", wait = "5ms" }
[client.c]
arrivals = { process = "constant", rate = "10/s" }
[client.c.call.s]
[client.c.class.all_cpu]
share = "30%"
service_time = "3ms"
[client.c.class.as_service]
share = "30%"
[client.c.class.parts]
share = "40%"
service_time = { cpu = "8ms", wait = { dist = "uniform", min = "20ms", max = "40ms" } }
[expect]
a = "latency.max{class=c.all_cpu} > 0s"
b = "latency.max{class=c.as_service} > 0s"
c = "latency.max{class=c.parts} > 0s"
d = "latency.min{class=c.parts} > 0s"
e = "cpu_utilization > 0"
f = "request_rate{class=c.all_cpu} > 0/s"
g = "request_rate{class=c.as_service} > 0/s"
h = "request_rate{class=c.parts} > 0/s"
"#;

#[test]
fn a_class_has_its_own_time_on_a_core_and_off_it() {
    let (scenario, run) = measured(SPLIT);
    let values = readings(&scenario, &run);
    // 1 ms there, 1 ms back.
    for (value, expected) in [(values[0], 0.005), (values[1], 0.009)] {
        assert!((value - expected).abs() < 1e-9, "{value}, {expected}");
    }
    // 10 ms, and between 20 and 40 ms; of 400 draws the ends are within 1 ms of these.
    assert!(0.049 < values[2] && values[2] <= 0.05, "{}", values[2]);
    assert!(0.03 <= values[3] && values[3] < 0.031, "{}", values[3]);
    let cpu = 0.003 * values[5] + 0.002 * values[6] + 0.008 * values[7];
    assert!((values[4] - cpu).abs() < 1e-4, "{} {cpu}", values[4]);
    // By workers nothing is scarce: the core decides.
    let load = &stormglass::scenario::load::capacity::loads(&scenario)[0];
    let expected = 10.0 * (0.3 * 0.003 + 0.3 * 0.002 + 0.4 * 0.008);
    assert!((load.offered_load - expected).abs() < 1e-9, "{load:?}");
}

#[test]
fn parallel_calls_are_counted_by_class() {
    // Three parallel requests and then one: four calls, and as many attempts.
    let text = r#"schema = 1
duration = "100s"
[network]
same_zone = "0s"
[service.parts]
count = 1
service_time = "1ms"
workers = 100
[service.last]
count = 1
service_time = "1ms"
workers = 100
[client.c]
arrivals = { process = "constant", rate = "10/s" }
[client.c.call.parts]
fanout = { count = 3, required_count = 3 }
stage = 1
[client.c.call.last]
stage = 2
[client.c.class.a]
share = "50%"
[client.c.class.b]
share = "50%"
[expect]
a = "amplification{class=c.a} > 0"
b = "amplification{class=c.b} > 0"
retries = "retry_ratio{class=c.a} >= 0"
"#;
    let (scenario, run) = measured(text);
    assert_eq!(readings(&scenario, &run), [1.0, 1.0, 0.0]);
}

#[test]
fn work_for_nobody_is_counted_by_class() {
    // Of the 100 ms that the work of `slow` takes, its caller waits for 60.
    let text = r#"schema = 1
duration = "100s"
[network]
same_zone = "0s"
[service.s]
count = 1
service_time = "1ms"
workers = 100
[client.c]
arrivals = { process = "constant", rate = "10/s" }
[client.c.call.s]
attempt_timeout = "60ms"
[client.c.class.fast]
share = "50%"
[client.c.class.slow]
share = "50%"
service_time = "100ms"
[expect]
fast = "zombie_time_ratio{class=c.fast} >= 0"
slow = "zombie_time_ratio{class=c.slow} >= 0"
"#;
    let (scenario, run) = measured(text);
    let [fast, slow] = readings(&scenario, &run)[..] else {
        panic!("two expectations");
    };
    assert_eq!(fast, 0.0);
    assert!((slow - 0.4).abs() < 1e-6, "{slow}");
}
