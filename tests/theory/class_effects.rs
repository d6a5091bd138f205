//! What classes of requests do: books that add up, faults and deadlines that hit their own class,
//! sizes on links.

use stormglass::id::{ClassId, EdgeId, FaultId, ServiceId};
use stormglass::metrics::data::RunMetrics;
use stormglass::metrics::data::request::RequestStats;
use stormglass::metrics::recorder::Recorder;
use stormglass::model::fault_plan;
use stormglass::model::fault_plan::fault_windows;
use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::model::{SimOptions, simulate_told};
use stormglass::scenario::Scenario;
use stormglass::scenario::measure::Phase;
use stormglass::time::{SimDuration, SimTime};

use crate::support::{run, scenario, secs};
use crate::texts::poisson;

/// Two services, retries, two zones, faults of all and of one class.
pub(crate) const BUSY: &str = r#"schema = 1
duration = "20s"
drain = "5s"
[network]
same_zone_bandwidth = "40Mbit/s"
[service.web]
service_time = { dist = "exponential", mean = "4ms" }
queue = { limit = 3 }
[service.web.group.a]
count = 2
zone = "a"
[service.web.group.b]
count = 1
zone = "b"
[service.web.call.db]
attempt_timeout = "50ms"
retry = { attempt_count_max = 2 }
[service.db]
service_time = "1ms"
queue = { limit = 1 }
count = 1
workers = 2
[client.kiosk]
arrivals = { process = "poisson", rate = "50/s" }
[client.kiosk.call.web]
deadline = "1s"
[client.shop]
count = 3
zones = ["a", "b"]
arrivals = { process = "poisson", rate = "250/s" }
[client.shop.class.browse]
share = "70%"
request_size = "500B"
reply_size = { dist = "exponential", mean = "4KB" }
[client.shop.class.buy]
share = "20%"
service_time = { dist = "exponential", mean = "6ms" }
deadline = { dist = "uniform", min = "20ms", max = "200ms" }
[client.shop.class.report]
share = "10%"
keys = { distribution = "uniform", count = 3 }
[client.shop.call.db]
attempt_timeout = "20ms"
retry = { attempt_count_max = 3, backoff = { min = "1ms", max = "5ms" } }
[fault.bad]
kind = "error"
class = "buy"
target = "service:db"
ratio = "50%"
at = "5s"
for = "5s"
[fault.down]
kind = "crash"
target = "1 random of service:web"
at = "12s"
for = "3s"
"#;

/// Like [`BUSY`], with several calls, where a class has no service time of its own.
fn busy_with_two_calls() -> String {
    let own = "service_time = { dist = \"exponential\", mean = \"6ms\" }\n";
    BUSY.replace(own, "") + "[client.shop.call.web]\nattempt_timeout = \"100ms\"\n"
}

pub(crate) fn measured(text: &str) -> (Scenario, RunMetrics) {
    let scenario = scenario(text);
    let plan = fault_plan(&scenario, scenario.seed).expect("the windows are few");
    let mut recorder = Recorder::new(&scenario, &fault_windows(&plan));
    let options = SimOptions {
        seed: scenario.seed,
        event_count_max: u64::MAX,
    };
    let tell = &mut |at, fact: &Observation<'_>| recorder.observe(at, fact);
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let end = simulate_told(&scenario, options, tell, go_on);
    let metrics = recorder.finish(end.expect("nothing stops it"));
    (scenario, metrics)
}

#[test]
fn classes_add_up_to_their_client_and_to_all() {
    for text in [BUSY.to_string(), busy_with_two_calls()] {
        let (scenario, run) = measured(&text);
        let shop = &run.requests.clients[1];
        assert_eq!(shop.client, "shop");
        let classes = &run.requests.classes;
        assert_eq!(classes.len(), 3);
        let counts = |stats: &RequestStats| {
            [
                stats.arrived_count,
                stats.succeeded_count,
                stats.failed_count,
                stats.timed_out_count,
                stats.rejected_count,
                stats.in_flight_count,
                stats.call_count,
                stats.attempt_count,
                stats.retry_count,
                stats.latency.sample_count,
            ]
        };
        let mut sum = [0; 10];
        for class in classes {
            for (sum, count) in sum.iter_mut().zip(counts(&class.stats)) {
                *sum += count;
            }
        }
        assert_eq!(sum, counts(&shop.stats));
        assert!(
            sum.iter().enumerate().all(|(i, n)| 0 < *n || i == 5),
            "{sum:?}"
        );

        let faults = [FaultId(0), FaultId(1)];
        let phases = faults
            .into_iter()
            .flat_map(|f| [Phase::During(f), Phase::Outside(f)]);
        for phase in phases.chain([Phase::Whole]) {
            assert_work_adds_up(&scenario, &run, phase);
        }
    }
}

/// The work of all classes, and that of the client without classes, is all work.
fn assert_work_adds_up(scenario: &Scenario, run: &RunMetrics, phase: Phase) {
    let tables = &run.tables;
    let phases = tables.timeline.classes_of(phase).expect("it is known");
    let edges = (0..scenario.edges.len()).map(EdgeId::from_index);
    let of_shop = edges.filter(|edge| scenario.edges[edge.index()].path.starts_with("client.shop"));
    for edge in of_shop {
        let is_whole = phase == Phase::Whole;
        let all = tables.selection.attempts(edge, &phases, is_whole);
        let all = all.expect("phases are kept");
        let by_class = scenario.classes.ids();
        let by_class = by_class.map(|class| tables.classes.attempts(edge, class, &phases));
        let (mut attempts, mut wasted) = (0, 0);
        for counts in by_class {
            attempts += counts.attempt_count;
            wasted += counts.wasted_count;
        }
        assert_eq!((attempts, wasted), (all.attempt_count, all.wasted_count));
    }
    // Requests of the kiosk are the rest of the work.
    let all = tables.services.pooled(None, None, &phases);
    let served: u64 = scenario
        .classes
        .ids()
        .map(|class| tables.classes.work(class, None, None, &phases).served_count)
        .sum();
    assert!(0 < served && served < all.served_count);
}

#[test]
fn work_that_holds_no_worker_is_counted_in_its_class() {
    let (kiosk, rest) = (BUSY.find("[client.kiosk]"), BUSY.find("[client.shop]"));
    let kiosk = &BUSY[kiosk.expect("a kiosk")..rest.expect("a shop")];
    let call = "[service.web.call.db]\n";
    let text = BUSY
        .replace(kiosk, "")
        .replace(call, &format!("{call}async = true\n"))
        .replace("[client.shop.call.db]", "[client.shop.call.web]");
    let (scenario, run) = measured(&text);
    let tables = &run.tables;
    let phases = tables.timeline.classes_of(Phase::Whole);
    let phases = phases.expect("the whole run is known");
    for service in (0..scenario.services.len()).map(ServiceId::from_index) {
        let all = tables.services.pooled(Some(service), None, &phases);
        let classes = scenario.classes.ids();
        let of_classes = classes.map(|id| tables.classes.work(id, Some(service), None, &phases));
        let served: u64 = of_classes.map(|work| work.served_count).sum();
        assert!(0 < served, "{service:?}");
        assert_eq!(served, all.served_count, "{service:?}");
    }
}

/// What became of each request of a class: arrival, latency, outcome.
#[derive(Debug, Default)]
struct Outcomes {
    of_class: Vec<(ClassId, SimTime, SimDuration, Outcome)>,
}

impl Observer for Outcomes {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestEnded {
            class,
            arrived_at,
            outcome,
            ..
        } = *observation
        {
            let latency = at.since(arrived_at);
            self.of_class.push((class, arrived_at, latency, outcome));
        }
    }
}

/// Outcomes of class `a`, then of class `b`, in order of arrival, under a fault.
fn outcomes(fault: &str) -> [Vec<(SimTime, SimDuration, Outcome)>; 2] {
    // Nobody waits, so that classes cannot touch each other.
    let text = format!(
        "schema = 1\nduration = \"10s\"\ndrain = \"10s\"\n\
         [service.s]\ncount = 3\nworkers = 100\nservice_time = \"5ms\"\n\
         [client.c]\narrivals = {}\n[client.c.call.s]\ndeadline = \"900ms\"\n\
         [client.c.class.a]\nshare = 0.5\n[client.c.class.b]\nshare = 0.5\n{fault}",
        poisson(200.0)
    );
    let mut outcomes = Outcomes::default();
    run(&scenario(&text), &mut outcomes);
    outcomes
        .of_class
        .sort_by_key(|(_, arrived_at, ..)| *arrived_at);
    [1, 2].map(|class| {
        let all = outcomes.of_class.iter();
        let of_class = all.filter(|(of_class, ..)| *of_class == ClassId(class));
        of_class
            .map(|(_, at, latency, outcome)| (*at, *latency, *outcome))
            .collect()
    })
}

#[test]
fn a_fault_of_a_class_hits_its_requests_only() {
    let base = outcomes("");
    assert!(900 < base[0].len() && 900 < base[1].len());
    let at_service = "target = \"service:s\"\n";
    let on_links = "from = \"client:c\"\nto = \"service:s\"\n";
    let (ms, always) = (SimDuration::from_ms, "at = \"0s\"\n");
    for (kind, keys, scope, more, outcome) in [
        ("error", "", at_service, ms(0), Outcome::Failure),
        // Three times 5 ms instead of once.
        ("slow", "factor = 3\n", at_service, ms(10), Outcome::Success),
        // Both ways.
        (
            "delay",
            "delay = \"7ms\"\n",
            on_links,
            ms(14),
            Outcome::Success,
        ),
        ("loss", "loss = 1.0\n", on_links, ms(0), Outcome::Timeout),
    ] {
        let fault = format!("[fault.f]\nkind = \"{kind}\"\nclass = \"c.b\"\n{keys}{scope}{always}");
        let hit = outcomes(&fault);
        assert_eq!(hit[0], base[0], "{kind}: the other class does not notice");
        let expected = base[1].iter().map(|(at, latency, _)| match outcome {
            Outcome::Timeout => (*at, ms(900), outcome),
            _ => (*at, *latency + more, outcome),
        });
        assert_eq!(hit[1], expected.collect::<Vec<_>>(), "{kind}");
    }
}

#[test]
fn a_deadline_of_a_class_bounds_its_requests() {
    let fault = "deadline = \"4ms\"\n";
    let hit = outcomes(fault);
    let base = outcomes("");
    assert_eq!(hit[0], base[0]);
    let expected = base[1].iter();
    let expected = expected.map(|(at, ..)| (*at, SimDuration::from_ms(4), Outcome::Timeout));
    assert_eq!(hit[1], expected.collect::<Vec<_>>());
}

#[test]
fn a_reply_queues_behind_others_of_its_host() {
    // A request of 1000 bytes takes 1 ms at 1 MB/s, its reply of 5000 bytes 5 ms; 1 ms of service
    // and twice 250 us of delay besides.
    let text = "schema = 1\nduration = \"10s\"\n[network]\nsame_zone_bandwidth = \"1MB/s\"\n\
                [service.s]\ncount = 1\nworkers = 9\nservice_time = \"1ms\"\n\
                [client.c]\narrivals = { process = \"constant\", rate = \"10/s\" }\n\
                [client.c.call.s]\n[client.c.class.a]\nshare = 1\n\
                request_size = \"1KB\"\nreply_size = \"5KB\"\n";
    let latencies = |text: &str| {
        let mut outcomes = Outcomes::default();
        run(&scenario(text), &mut outcomes);
        let each = outcomes.of_class.iter().map(|(_, _, latency, _)| *latency);
        each.collect::<Vec<SimDuration>>()
    };
    let us = SimDuration::from_us;
    assert!(latencies(text).iter().all(|latency| *latency == us(7_500)));
    // Two users send together: the second request waits 1 ms; its reply is ready 1 ms after the
    // first one and waits the other 4 ms.
    let closed = "{ process = \"closed\", user_count = 2, think_time = \"1s\" }";
    let together = text.replace("{ process = \"constant\", rate = \"10/s\" }", closed);
    assert_eq!(latencies(&together)[..2], [us(7_500), us(12_500)]);
    // An override for one direction is faster, and nothing else changes.
    let faster = text.replace(
        "[service.s]",
        "[network.link.back]\nfrom = \"service:s\"\nto = \"client:c\"\nsymmetric = false\n\
         bandwidth = \"40Mbit/s\"\n[service.s]",
    );
    assert!(
        latencies(&faster)
            .iter()
            .all(|latency| *latency == us(3_500))
    );
}

#[test]
fn rows_of_a_trace_name_their_class() {
    let folder = std::env::temp_dir().join(format!("stormglass-classes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rows = "arrives_at,class\n0.5,b\n1.5,a\n2.5,b\n3.5,b\n";
    std::fs::write(folder.join("rows.csv"), rows).expect("a file");
    let text = "schema = 1\nduration = \"10s\"\n[service.s]\ncount = 1\nservice_time = \"1ms\"\n\
                [client.c]\narrivals = { process = \"trace\", file = \"rows.csv\" }\n\
                [client.c.call.s]\n[client.c.class.a]\nshare = 0.5\n[client.c.class.b]\n\
                share = 0.5\n";
    let path = folder.join("trace.toml");
    std::fs::write(&path, text).expect("a file");
    let mut outcomes = Outcomes::default();
    run(&crate::support::scenario_file(path), &mut outcomes);
    let classes: Vec<u8> = outcomes
        .of_class
        .iter()
        .map(|(class, ..)| class.0)
        .collect();
    assert_eq!(classes, [2, 1, 2, 2]);
    std::fs::remove_dir_all(folder).expect("it is ours");
}

#[test]
fn bytes_are_counted_where_they_are_sent() {
    let text = format!(
        "schema = 1\nduration = \"{}\"\n[service.s]\ncount = 1\nservice_time = \"0s\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.s]\n[client.c.class.a]\nshare = 1\n\
         request_size = \"300B\"\nreply_size = \"700B\"\n",
        secs(10.0)
    );
    let (_, run) = measured(&text);
    // The arrivals come at 0.1 s, 0.2 s and so on: 99 before the end.
    assert_eq!(run.requests.classes[0].byte_rate_per_sec, Some(9_900.0));
}
