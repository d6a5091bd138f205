//! Copies of data that are sent over links: how long they take, and whom they make wait.

use stormglass::metrics::evaluate::{Reading, evaluate};

use crate::class_effects::measured;

/// The numbers that these measures have in a world where one of four stores dies for good at 10 s.
/// A copy of half of 500,000 keys of 1,000 bytes is lost with it.
fn readings(network: &str, data: &str, measures: &[&str]) -> Vec<f64> {
    let expect: String = measures
        .iter()
        .enumerate()
        .map(|(place, measure)| {
            let (measure, phase) = measure.split_once(' ').unwrap_or((measure, ""));
            let is_time = measure.starts_with("latency") || measure.starts_with("full");
            let zero = if is_time { "0s" } else { "0" };
            format!("m{place:02} = \"{measure} >= {zero} {phase}\"\n")
        })
        .collect();
    let text = format!(
        r#"schema = 1
duration = "60s"
[network]
same_zone = "1ms"
{network}
[service.store]
count = 4
workers = 100
service_time = "1ms"
restart_time = "1h"
data = {{ keys = 500_000, bytes_per_key = "1000B", replicas = 2, {data} }}
[client.shop]
arrivals = {{ process = "constant", rate = "501/s" }}
[client.shop.call.store]
[client.shop.class.all]
share = 1
reply_size = "1000B"
[fault.crash]
kind = "crash"
target = "instance:store/main/0"
at = "10s"
for = "1s"
[expect]
{expect}"#
    );
    let (scenario, run) = measured(&text);
    let expectations = scenario.expectations.iter();
    let reading = expectations.map(|e| match evaluate(&run, &scenario, &e.measure) {
        Reading::Known(value) => value,
        Reading::Undecided(why) => panic!("{}: {why}", e.text),
    });
    reading.collect()
}

const FAST: &str = "rebuild_bandwidth = \"50MB/s\"";

#[test]
fn copies_take_their_bytes_over_the_slower_of_link_and_service() {
    let measures = ["moved_bytes", "full_replication_time"];
    let unlimited = readings("", FAST, &measures);
    assert!((unlimited[0] / 2.5e8 - 1.0).abs() < 0.3, "{unlimited:?}");
    for (bandwidth, bytes_per_sec) in [("10MB/s", 1e7), ("1GB/s", 5e7)] {
        let link = format!("same_zone_bandwidth = \"{bandwidth}\"");
        let over_link = readings(&link, FAST, &measures);
        assert!((over_link[0] / unlimited[0] - 1.0).abs() < 1e-9);
        let secs = over_link[0] / bytes_per_sec;
        // Replies of 1,000 bytes to 501 requests a second take 5 % of the slow link, of the
        // sender's host a third: the copies wait for these.
        let more = over_link[1] / secs - 1.0;
        assert!((-1e-6..0.03).contains(&more), "{bandwidth}: {more}");
    }
    // A link to other zones only has no part in it.
    let other = readings("cross_zone_bandwidth = \"1MB/s\"", FAST, &measures);
    assert!((other[1] / unlimited[1] - 1.0).abs() < 1e-4, "{other:?}");
}

#[test]
fn replies_wait_for_a_piece_of_a_copy_and_no_longer() {
    // 1,000 bytes at 10 MB/s take 0.1 ms, a piece of 64 KiB takes 6.5536 ms.
    let v = readings(
        "same_zone_bandwidth = \"10MB/s\"",
        FAST,
        &[
            "latency.p99 before crash",
            "latency.max after crash",
            "latency.min after crash",
        ],
    );
    let alone = 0.001 + 0.0001 + 0.002;
    // Latencies have two digits and more.
    assert!((v[0] / alone - 1.0).abs() < 0.02, "{v:?}");
    assert!(v[1] < (alone + 0.0065536 + 0.0003) * 1.02, "{v:?}");
    assert!(alone + 0.005 < v[1], "{v:?}");
    assert!((v[2] / alone - 1.0).abs() < 0.02, "{v:?}");
}

#[test]
fn data_is_measured_by_phase() {
    let v = readings(
        "",
        FAST,
        &[
            "moved_bytes before crash",
            "moved_bytes during crash",
            "moved_bytes after crash",
            "moved_bytes",
            "under_replicated_key_secs before crash",
            "under_replicated_key_secs during crash",
            "full_replication_time during crash",
            "full_replication_time",
        ],
    );
    assert_eq!(v[0], 0.0);
    // A second at 50 MB/s, but for an arc of some 400 kB.
    assert!((v[1] / 5e7 - 1.0).abs() < 0.05, "{v:?}");
    assert!((v[1] + v[2] - v[3]).abs() < 1.0, "{v:?}");
    assert_eq!(v[4], 0.0);
    assert!(0.0 < v[5]);
    // It begins with the fault, whenever it ends.
    assert_eq!(v[6], v[7]);
}
