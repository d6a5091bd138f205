//! Workers with state of their own: how their turns mix, and how each finds out by itself.

use stormglass::model::observation::NoObserver;

use super::{Seen, counted};

const REQUEST_COUNT: usize = 30_000;

fn world(proxy: &str, rest: &str) -> String {
    format!(
        "schema = 1\nduration = \"60s\"\n\
         [network]\nsame_zone = \"10us\"\n\
         [service.s]\nservice_time = \"10us\"\ncount = 4\nworkers = 10\n\
         [proxy.p]\nupstream = \"s\"\ncount = 1\nprocessing_time = \"1us\"\n{proxy}\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"1000/s\" }}\n\
         [client.c.call.p]\n{rest}"
    )
}

/// How many of the picks are that of the one before again, after the turns have mixed.
fn repeat_ratio(proxy: &str) -> f64 {
    let order = Seen::of_text(&world(proxy, ""), 7).order();
    let order = &order[order.len() - REQUEST_COUNT..];
    let repeated = order.windows(2).filter(|pair| pair[0] == pair[1]).count();
    repeated as f64 / (REQUEST_COUNT - 1) as f64
}

/// W workers with turns of their own over n servers: the next request comes to another worker with
/// probability 1 - 1/W, whose turn is at any server with equal probability, so it goes to the same
/// server with probability (1 - 1/W) / n.
#[test]
fn turns_of_workers_mix_unless_they_share_them() {
    let expected = |workers: f64| (1.0 - 1.0 / workers) / 4.0;
    for (proxy, expected) in [
        ("kind = \"nginx\"\nworker_processes = 1", expected(1.0)),
        ("kind = \"nginx\"\nworker_processes = 2", expected(2.0)),
        ("kind = \"nginx\"\nworker_processes = 8", expected(8.0)),
        (
            "kind = \"nginx\"\nworker_processes = 8\nupstream_zone = true",
            expected(1.0),
        ),
        // All requests of the one caller come on one connection, and so to one worker.
        (
            "kind = \"nginx\"\nworker_processes = 8\nspread = \"caller\"",
            expected(1.0),
        ),
        ("kind = \"envoy\"\nconcurrency = 1", expected(1.0)),
        ("kind = \"envoy\"\nconcurrency = 4", expected(4.0)),
        ("kind = \"haproxy\"\nnbthread = 8", expected(1.0)),
    ] {
        let found = repeat_ratio(proxy);
        // Five standard deviations of a share; picks a few apart depend a little on one another.
        let slack = 5.0 * (expected * (1.0 - expected) / REQUEST_COUNT as f64).sqrt();
        assert!(
            (found - expected).abs() <= slack,
            "{proxy}: {found}, not {expected}"
        );
    }
}

/// One dead server of four: each worker tries it six times in the first minute, at its first
/// failure and then 11 s after each (whole seconds, `fail_timeout` 10 s): 6, 48 and 96 times.
#[test]
fn each_worker_finds_a_dead_server_by_itself() {
    let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"instance:s/main/2\"\nat = \"0s\"\n\
                 for = \"60s\"\n";
    for (workers, expected) in [(1, 6), (8, 48), (16, 96)] {
        let proxy = format!("kind = \"nginx\"\nworker_processes = {workers}");
        let seen = Seen::of_text(&world(&proxy, crash), 3);
        let counts = counted(&seen.order());
        assert_eq!(counts[&2], expected, "{workers} workers");
        assert!(seen.failed().is_empty(), "the next server answers");
    }
    let shared = "kind = \"nginx\"\nworker_processes = 16\nupstream_zone = true";
    let counts = counted(&Seen::of_text(&world(shared, crash), 3).order());
    assert_eq!(counts[&2], 6, "with a zone one finds out for all");
}

/// The same seed gives the same run, on the product's queue and on a plain heap, watched or not.
#[test]
fn a_seed_means_one_run() {
    let faults = "[fault.x]\nkind = \"host_loss\"\ntarget = \"instance:s/main/2\"\nat = \"10s\"\n\
                  for = \"20s\"\n\
                  [fault.y]\nkind = \"pause\"\ntarget = \"proxy:p\"\nat = \"40s\"\n\
                  for = \"100ms\"\n";
    for proxy in [
        "kind = \"nginx\"\nworker_processes = 4\nproxy_connect_timeout = \"1s\"",
        "kind = \"haproxy\"\nmaxconn = 2\ntimeout_connect = \"200ms\"",
        "kind = \"envoy\"\nconcurrency = 4\nretry_on = [\"5xx\"]\nconnect_timeout = \"200ms\"",
    ] {
        let scenario = super::text::scenario(&world(proxy, faults), &[]);
        let mut seen = Seen::default();
        let end = super::run::run(&scenario, 5, &mut seen);
        let with_heap = super::run::run_with_heap(&scenario, 5, &mut NoObserver);
        assert_eq!(end, with_heap, "{proxy}");
        let other = super::run::run(&scenario, 6, &mut NoObserver);
        assert_ne!(end.digest, other.digest, "{proxy}: another seed");
    }
}
