//! Servers under load, through scenario texts and the engine: queues with rules, cores and quotas,
//! warm-up, pauses and pings that wait. Each text expects what theory says.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::metrics::evaluate::{VerdictState, judge};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::fault_plan;
use stormglass::model::fault_plan::fault_windows;
use stormglass::model::observation::{NoObserver, Observation, Observer};
use stormglass::time::SimTime;

/// Runs a text and demands all that it expects.
fn assert_held(text: &str, sets: &[&str]) {
    let scenario = text::scenario(text, sets);
    let plan = fault_plan(&scenario, scenario.seed).expect("a small plan");
    let mut recorder = Recorder::new(&scenario, &fault_windows(&plan));
    let end = run::run(&scenario, scenario.seed, &mut recorder);
    let with_heap = run::run_with_heap(&scenario, scenario.seed, &mut NoObserver);
    assert_eq!(with_heap, end, "the product's queue and the plain heap");
    let metrics = recorder.finish(end);
    for expectation in &scenario.expectations {
        let verdict = judge(&metrics, &scenario, expectation);
        assert_eq!(
            verdict.state,
            VerdictState::Held,
            "{} of {sets:?}: {:?}",
            expectation.text,
            verdict.reading
        );
    }
}

/// One server with one worker and 10 ms of work, one client without retries.
fn one_server(expect: &str, service: &str, rate: &str, more: &str) -> String {
    format!(
        r#"schema = 1
duration = "60s"
warmup = "10s"
[expect]
{expect}
[network]
same_zone = "0s"
[service.web]
count = 1
{service}
[client.shop]
arrivals = {{ process = "poisson", rate = "{rate}" }}
[client.shop.call.web]
attempt_timeout = "200ms"
{more}
"#
    )
}

/// Offered 1.3 times what it can do: 130/s against 100/s.
fn overloaded(queue: &str, expect: &str) -> String {
    let service = format!("service_time = \"10ms\"\nqueue = {queue}");
    one_server(expect, &service, "130/s", "")
}

#[test]
fn a_full_queue_in_order_of_arrival_serves_only_who_has_given_up() {
    // 1000 wait, 10 s long; the caller waits for 200 ms.
    let expect = "none = \"goodput <= 0/s\"\nbusy = \"utilization >= 99.9%\"";
    assert_held(&overloaded("{ limit = 1000 }", expect), &[]);
}

#[test]
fn the_newest_first_keeps_the_goodput_near_the_capacity() {
    // Whoever is not served within 190 ms is behind at least the 19 that came and went after it.
    // Of the 100/s that are served, few were that old.
    let expect = "most = \"goodput >= 80/s\"\nbusy = \"utilization >= 99.9%\"";
    assert_held(
        &overloaded("{ discipline = \"lifo\", limit = 1000 }", expect),
        &[],
    );
    let adaptive = "{ discipline = \"adaptive_lifo\", limit = 1000 }";
    assert_held(&overloaded(adaptive, expect), &[]);
}

#[test]
fn controlled_delay_keeps_the_queue_short() {
    // While it is overloaded nobody is served who waited for more than 10 ms, one service time. By
    // level crossing, the idle share of such an M/D/1 queue at load 1.3 is 1 / (1 + 1.3 e^1.3) =
    // 17.3 %: 82.7/s are served and 36.4 % dropped. In the intervals between nobody is dropped.
    let expect = "good = \"goodput >= 82/s\"\n\
                  waiting = \"waiting_time.p99 <= 150ms\"\n\
                  some = \"dropped_ratio >= 20%\"\n\
                  few = \"dropped_ratio <= 37%\"";
    assert_held(&overloaded("{ limit = 1000, codel = {} }", expect), &[]);
}

#[test]
fn a_quota_bounds_the_cpu_to_its_share_of_the_period() {
    // More work than 0.4 cores can do: 40 ms of each 100 ms, 4 requests of 10 ms. Work stands
    // still for the other 60 ms.
    let expect = "rate_above = \"throughput >= 39.9/s\"\n\
                  rate_below = \"throughput <= 40.1/s\"\n\
                  all = \"cpu_utilization >= 99.9%\"\n\
                  still_above = \"throttled_ratio >= 59.9%\"\n\
                  still_below = \"throttled_ratio <= 60.1%\"\n\
                  busy = \"utilization >= 99.9%\"";
    let service = "service_time = { cpu = \"10ms\" }\nworkers = 2\ncores = 1\n\
                   cpu_quota = { cores = 0.4 }";
    assert_held(&one_server(expect, service, "100/s", ""), &[]);
    // Four workers use the quota of 2 cores in half of the period.
    let expect = "rate_above = \"throughput >= 199.5/s\"\n\
                  rate_below = \"throughput <= 200.5/s\"\n\
                  still_above = \"throttled_ratio >= 49.9%\"\n\
                  still_below = \"throttled_ratio <= 50.1%\"";
    let service = "service_time = { cpu = \"10ms\" }\nworkers = 4\ncpu_quota = { cores = 2 }";
    assert_held(&one_server(expect, service, "400/s", ""), &[]);
}

#[test]
fn work_that_waits_needs_no_core() {
    // One core, 5 ms of it and 45 ms without for each request: 200/s can be served by ten workers
    // and no fewer. Five workers do 100/s, or a little less for want of the core.
    let service = "service_time = { cpu = \"5ms\", wait = \"45ms\" }\nworkers = 40\ncores = 1";
    let expect = "all = \"cpu_utilization >= 99%\"\nrate = \"throughput >= 198/s\"";
    assert_held(&one_server(expect, service, "400/s", ""), &[]);
    let five = &["service.web.workers=5"];
    let expect = "half = \"cpu_utilization <= 50%\"\n\
                  much = \"cpu_utilization >= 40%\"\n\
                  busy = \"utilization >= 99.9%\"\n\
                  shortest = \"service_time.min >= 50ms\"";
    assert_held(&one_server(expect, service, "400/s", ""), five);
    // Without cores it is the sum.
    let service = "service_time = { cpu = \"5ms\", wait = \"45ms\" }\nworkers = 5";
    let expect = "least = \"service_time.min >= 49.99ms\"\nmost = \"service_time.max <= 50.01ms\"";
    assert_held(&one_server(expect, service, "50/s", ""), &[]);
}

/// When each attempt ended, and how long it was in its instance.
#[derive(Default)]
struct Sojourns(Vec<(u64, u64)>);

impl Observer for Sojourns {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::WorkEnded { arrived_at, .. } = observation {
            self.0.push((at.as_ns(), at.since(*arrived_at).as_ns()));
        }
    }
}

#[test]
fn a_core_that_all_share_is_processor_sharing() {
    let law = "service_time = { dist = \"lognormal\", mean = \"10ms\", cv = 2.0 }\n";
    let sojourns = |service: &str| {
        let text = one_server("some = \"throughput >= 1/s\"", service, "70/s", "");
        let mut sojourns = Sojourns::default();
        run::run(&text::scenario(&text, &[]), 1, &mut sojourns);
        sojourns.0
    };
    let shared = sojourns(&format!("{law}queue = {{ discipline = \"ps\" }}"));
    let on_core = sojourns(&format!("{law}workers = 1000\ncores = 1"));
    assert!(3_000 < shared.len());
    assert_eq!(shared.len(), on_core.len());
    // Both round each step up to whole nanoseconds.
    let is_close = |(a, b): (&(u64, u64), &(u64, u64))| a.1.abs_diff(b.1) <= 1_000;
    let far = shared.iter().zip(&on_core).position(|pair| !is_close(pair));
    assert_eq!(far.map(|place| (shared[place], on_core[place])), None);
}

#[test]
fn a_process_is_slow_after_its_start_and_warms_up() {
    // A request each 100 ms, 10 ms of work. After the restart at 30 s it takes 30 ms, and until
    // 40 s less and less.
    let text = |shape: &str, expect: &str| {
        let service = format!(
            "service_time = \"10ms\"\n\
             warmup = {{ factor = 3.0, for = \"10s\", shape = \"{shape}\" }}"
        );
        let text = one_server(expect, &service, "10/s", "");
        text.replace("poisson", "constant")
            .replace("duration = \"60s\"", "duration = \"41s\"")
            + "[fault.restart]\nkind = \"crash\"\ntarget = \"service:web\"\n\
               at = \"29s\"\nfor = \"1s\"\n"
    };
    // The mean of 3 to 1 is 2; in the last of 11 s it is 1.
    let line = "before = \"service_time.max before fault.restart <= 10.001ms\"\n\
                first = \"service_time.max after fault.restart >= 29.7ms\"\n\
                mean_above = \"service_time.mean after fault.restart >= 18.9ms\"\n\
                mean_below = \"service_time.mean after fault.restart <= 19.3ms\"";
    assert_held(&text("linear", line), &[]);
    let step = "first = \"service_time.max after fault.restart <= 30.1ms\"\n\
                mean_above = \"service_time.mean after fault.restart >= 28.0ms\"\n\
                mean_below = \"service_time.mean after fault.restart <= 28.4ms\"";
    assert_held(&text("step", step), &[]);
    let cold = "first = \"service_time.max before fault.restart >= 14.9ms\"";
    let sets = &["service.web.warmup.at_start=true", "warmup=\"5s\""];
    assert_held(&text("linear", cold), sets);
}

#[test]
fn an_instance_pauses_by_itself() {
    // 100 ms of every second. A request that comes in a pause waits for its end, 50 ms on average,
    // and 10 ms for its own work.
    let service = "service_time = \"1ms\"\nworkers = 100\n\
                   pauses = { every = \"900ms\", for = \"100ms\" }";
    let expect = "share_above = \"pause_ratio >= 9.9%\"\n\
                  share_below = \"pause_ratio <= 10.1%\"\n\
                  mean_above = \"latency.mean >= 5.5ms\"\n\
                  mean_below = \"latency.mean <= 6.5ms\"\n\
                  longest = \"latency.max <= 102ms\"\n\
                  all = \"success_ratio >= 100%\"";
    assert_held(&one_server(expect, service, "200/s", ""), &[]);
}

#[test]
fn a_ping_that_waits_for_a_worker_is_as_late_as_a_request() {
    // A lone server at load 1.3 with a queue of 100 x 10 ms: pings wait for a second, and their
    // caller for 100 ms. It is given up, works off its queue, and is found well again: nobody is
    // served in time for as long as the queue is longer than 200 ms. A ping that its kernel
    // answers is never late.
    let service = "service_time = \"10ms\"\nqueue = { limit = 100 }";
    let ping = |more: &str| {
        format!("detector = {{ kind = \"ping\", interval = \"200ms\", timeout = \"100ms\"{more} }}")
    };
    let expect = "wrong = \"mistake_count >= 5\"\nwhile = \"query_accuracy <= 90%\"";
    let waits = ping(", path = \"queued\"");
    assert_held(&one_server(expect, service, "130/s", &waits), &[]);
    let expect = "right = \"mistake_count <= 0\"";
    assert_held(&one_server(expect, service, "130/s", &ping("")), &[]);
}

#[test]
fn a_queue_that_fills_refuses_the_lowest_priority_first() {
    // 130/s for 100/s: half of them, 65/s, are important and fit. Of the others the rest fits,
    // 35/s. The queue is never fuller than 80 % by them, so that no important one is refused:
    // their queue is an M/D/1 at load 0.65 then.
    let classes = "[client.shop.class.first]\nshare = 0.5\npriority = 0\n\
                   [client.shop.class.last]\nshare = 0.5\npriority = 1\n";
    let service = "service_time = \"10ms\"\n\
                   queue = { limit = 100, priority = true, shed = { above = 0.8 } }";
    let expect = "all = \"rejected_ratio{class=first} <= 0%\"\n\
                  quick = \"success_ratio{class=first} >= 100%\"\n\
                  others_above = \"rejected_ratio{class=last} >= 43%\"\n\
                  others_below = \"rejected_ratio{class=last} <= 49%\"\n\
                  busy = \"utilization >= 99.9%\"";
    assert_held(&one_server(expect, service, "130/s", classes), &[]);
}

#[test]
fn who_is_refused_was_never_in_the_system() {
    // M/D/1 with six places at load 1.3: one is served and five wait. Its chain at departures has
    // probabilities pi with 1 / (pi[0] + 1.3) = 0.7594 of the arrivals served, and the mean number
    // in the system is 4.425. Over 50 s that number has a standard deviation of 0.06 (200 runs of
    // the recursion of departures alone); the limits are four of those away.
    let expect = "above = \"in_system >= 4.18\"\nbelow = \"in_system <= 4.67\"";
    assert_held(&overloaded("{ limit = 5 }", expect), &[]);
}

/// What a person reads whose service has these lines.
fn messages(service: &str) -> String {
    let text = one_server("some = \"throughput >= 1/s\"", service, "10/s", "");
    let loaded = text::load_text(&text, &[]);
    let text = loaded.diagnostics.render(&loaded.sources, false);
    text.replace("\n\n", "\n")
}

#[test]
fn what_cannot_be_meant_is_refused_where_it_stands() {
    let shed = "service_time = \"1ms\"\nqueue = { limit = \"unlimited\", shed = 0.8 }";
    assert_eq!(
        messages(shed),
        r#"error: `shed` without a limit
  --> generated.toml:11:39
   |
11 | queue = { limit = "unlimited", shed = 0.8 }
   |                                       ^^^ an unlimited queue is never fuller than a share
   |
help: write a `limit` in the queue, like `limit = 100`
error: `shed` without priorities
  --> generated.toml:11:39
   |
11 | queue = { limit = "unlimited", shed = 0.8 }
   |                                       ^^^ it refuses the lowest priority
   |
help: write `priority = true` in the queue, or a smaller `limit`
"#
    );
    let ps = "service_time = \"1ms\"\ncores = 2\nqueue = { discipline = \"ps\", codel = {} }";
    assert_eq!(
        messages(ps),
        r#"error: cores under processor sharing
  --> generated.toml:11:9
   |
11 | cores = 2
   |         ^ with `discipline = "ps"` the workers are the cores
   |
help: write `discipline = "fifo"`: running work shares the cores by itself
error: `codel` where nothing waits
  --> generated.toml:12:38
   |
12 | queue = { discipline = "ps", codel = {} }
   |                                      ^^ under processor sharing all requests run at once
   |
help: write `discipline = "fifo"`, with `workers` and `cores`
"#
    );
    let parts = "service_time = { wait = \"1ms\" }\ncores = 2\ncpu_quota = { cores = 2 }";
    assert_eq!(
        messages(parts),
        r#"error: missing key `cpu` in `service_time`
  --> generated.toml:10:16
   |
10 | service_time = { wait = "1ms" }
   |                ^^^^^^^^^^^^^^^^
   |
help: `cpu`: Time on a core of speed 1.
warning[W10]: `cpu_quota` has no effect
  --> generated.toml:12:13
   |
12 | cpu_quota = { cores = 2 }
   |             ^^^^^^^^^^^^^ `cores` is 2
   |
help: a quota below the number of cores is one that can be used up
"#
    );
}
