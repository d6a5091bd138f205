//! Connections against recordings of gRPC Python 1.85.1 (round robin over three servers,
//! one of which is killed or stopped, 50 calls per second with a deadline of 1 s, no retries).

use crate::connections::{Call, Seen};
use serde_json::Value;

/// Seconds between two calls.
const CALL_GAP: f64 = 0.02;
/// Runs of the simulator for each kind of recording.
const SEED_COUNT: u64 = 500;

/// gRPC's channel. The round trip after that of TCP stands for the settings frame of HTTP/2, which
/// the server's process sends.
fn grpc(seed: u64, fault: &str, down_secs: f64, more: &str) -> String {
    format!(
        "schema = 1\nseed = {seed}\nduration = \"{:.6}s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [service.s]\ncount = 3\nworkers = 10\nservice_time = \"100us\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"50/s\" }}\n\
         [client.c.call.s]\nbalancer = \"round_robin\"\ndeadline = \"1s\"\n\
         [client.c.call.s.connection]\ntls_round_trips = 1\nreconnect = {{}}\n{more}\
         [fault.x]\nkind = \"{fault}\"\ntarget = \"instance:s/main/1\"\n\
         at = {{ dist = \"uniform\", min = \"10s\", max = \"14s\" }}\nfor = \"{down_secs:.6}s\"\n",
        22.0 + down_secs
    )
}

fn records(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("valid JSON");
    file["records"].as_array().expect("a list").clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Times of the tries to connect, in seconds since the connection was lost, lie between these: the
/// waits are 1, 1.6, 2.56 ... s, each 20 % more or less (connection-backoff.md).
fn is_try(secs: f64, noise: f64) -> bool {
    let mut nominal = 0.0;
    let mut wait = 1.0;
    (0..12).any(|_| {
        nominal += wait;
        wait = (wait * 1.6f64).min(120.0);
        0.8 * nominal - noise <= secs && secs <= 1.2 * nominal + noise
    })
}

#[test]
fn a_killed_server_fails_one_call_at_most_and_returns_with_the_back_off_as_in_grpc() {
    let recorded = records(include_str!("../data/recorded/grpc-kill.json"));
    assert_eq!(recorded.len(), 10);
    for record in recorded {
        let down_secs = number(&record["down_s"]);
        let summary = &record["summary"];
        assert!(number(&summary["failed"]) <= 1.0);
        let restored = number(&summary["restored_first_ok_after_restart_s"]);
        // The victim gets every third call; the recording is right within 20 ms.
        let noise = 3.0 * CALL_GAP + 0.02;
        assert!(
            is_try(down_secs + restored, noise),
            "{down_secs} + {restored}"
        );
        let mut range = (f64::INFINITY, 0.0f64);
        for seed in 1..=SEED_COUNT {
            let seen = Seen::of(&grpc(seed, "crash", down_secs, ""));
            assert!(seen.failed().count() <= 1, "seed {seed}");
            // Picks switch within one call.
            let is_wasted = |call: &&Call| {
                let is_down = seen.down_at + CALL_GAP < call.sent_at && call.sent_at < seen.up_at;
                call.instance == 1 && is_down
            };
            assert_eq!(
                seen.calls.iter().filter(is_wasted).count(),
                0,
                "seed {seed}"
            );
            let restored = seen.restored_after(1);
            assert!(
                is_try(down_secs + restored, noise),
                "seed {seed}: {restored}"
            );
            range = (range.0.min(restored), range.1.max(restored));
        }
        let is_covered = range.0 - noise <= restored && restored <= range.1 + noise;
        assert!(is_covered, "{restored} is not in {range:?}");
    }
}

#[test]
fn a_stopped_server_costs_every_third_call_as_in_grpc_whose_keepalive_does_not_see_it() {
    let recorded = records(include_str!("../data/recorded/grpc-stop_ka.json"));
    assert_eq!(recorded.len(), 10);
    // 60 s is the ping timeout that really holds, see the recordings of keepalive.
    let keepalive =
        "keepalive = { interval = \"1s\", timeout = \"60s\", without_streams = true }\n";
    for (seed, record) in (1..).zip(recorded) {
        let down_secs = number(&record["down_s"]);
        let seen = Seen::of(&grpc(seed, "pause", down_secs, keepalive));
        // Whoever is sent in the last second before the end still succeeds.
        let closed_form = (down_secs - 1.0) / (3.0 * CALL_GAP);
        let failed_count = seen.failed().count() as f64;
        assert!((failed_count - closed_form).abs() <= 1.0, "{failed_count}");
        // One call for the phase, two for calls that the recording sent late.
        let recorded_count = number(&record["summary"]["failed"]);
        assert!(
            (failed_count - recorded_count).abs() <= 3.0,
            "{failed_count} against {recorded_count}"
        );
        assert!(seen.restored_after(1) <= 3.0 * CALL_GAP);
    }
}

#[test]
fn a_ping_timeout_of_half_a_second_bounds_the_failed_calls_as_in_grpc() {
    let recorded = records(include_str!("../data/recorded/grpc-stop_pt.json"));
    assert_eq!(recorded.len(), 10);
    let keepalive =
        "keepalive = { interval = \"1s\", timeout = \"500ms\", without_streams = true }\n";
    let (mut counts, mut last) = ((f64::INFINITY, 0.0f64), (f64::INFINITY, 0.0f64));
    for seed in 1..=SEED_COUNT {
        let seen = Seen::of(&grpc(seed, "pause", 8.0, keepalive));
        let failed_count = seen.failed().count() as f64;
        counts = (counts.0.min(failed_count), counts.1.max(failed_count));
        let last_failed = seen.last_failed_after();
        last = (last.0.min(last_failed), last.1.max(last_failed));
    }
    // Detected after timeout to timeout + interval, and every 60 ms a call goes there.
    assert!(
        0.5 - 3.0 * CALL_GAP - 0.001 <= last.0 && last.1 <= 1.5 + 0.001,
        "{last:?}"
    );
    assert!(7.0 <= counts.0 && counts.1 <= 26.0, "{counts:?}");
    for record in recorded {
        let summary = &record["summary"];
        let (count, secs) = (
            number(&summary["failed"]),
            number(&summary["last_failed_send_after_s"]),
        );
        assert!(
            counts.0 - 1.0 <= count && count <= counts.1 + 1.0,
            "{count}"
        );
        assert!(last.0 - 0.02 <= secs && secs <= last.1 + 0.02, "{secs}");
    }
}

/// When tries to connect to a stopped server begin, in seconds since its connection was lost, at the
/// earliest and at the latest. The server's kernel accepts, so a try ends when keepalive gives it up
/// (keepalive.md), 1.5 s after it began, and the next one begins then, or where that is later when
/// the wait is over: 1, 1.6, 2.56 ... s, each 20 % more or less, since the try before it began
/// (connection-backoff.md).
fn tries_to_connect() -> [(f64, f64); 6] {
    let (mut earliest, mut latest, mut wait) = (0.0, 0.0, 1.0f64);
    [(); 6].map(|()| {
        let begins = (earliest, latest);
        earliest += (0.8 * wait).max(1.5);
        latest += (1.2 * wait).max(1.5);
        wait *= 1.6;
        begins
    })
}

/// Whether a server that goes on at `up_at` may be back at `back_at`, both in seconds since its
/// connection was lost: with the try that is under way then, or else when the next one begins.
fn is_back_with_a_try(up_at: f64, back_at: f64, noise: f64) -> bool {
    tries_to_connect().iter().any(|(earliest, latest)| {
        let is_under_way = earliest - noise <= up_at && up_at <= latest + 1.5 + noise;
        let begins = earliest - noise <= back_at && back_at <= latest + noise;
        begins || (is_under_way && back_at <= up_at + noise)
    })
}

#[test]
fn a_stopped_server_returns_with_a_try_to_connect_that_keepalive_did_not_end_as_in_grpc() {
    let recorded = records(include_str!("../data/recorded/grpc-stop_pt.json"));
    let keepalive =
        "keepalive = { interval = \"1s\", timeout = \"500ms\", without_streams = true }\n";
    // The victim gets every third call; the recording is right within 20 ms.
    let noise = 3.0 * CALL_GAP + 0.02;
    let mut late_count = 0;
    for record in recorded {
        let down_secs = number(&record["down_s"]);
        let summary = &record["summary"];
        let lost_at = number(&summary["first_unavailable_done_after_s"]);
        let restored = number(&summary["restored_first_ok_after_restart_s"]);
        let up_at = down_secs - lost_at;
        assert!(
            is_back_with_a_try(up_at, up_at + restored, noise),
            "{up_at} + {restored}"
        );
        late_count += u32::from(noise < restored);
        let mut range = (f64::INFINITY, 0.0f64);
        for seed in 1..=SEED_COUNT {
            let seen = Seen::of(&grpc(seed, "pause", down_secs, keepalive));
            let restored = seen.restored_after(1);
            let up_at = seen.up_at - seen.closed[0];
            assert!(
                is_back_with_a_try(up_at, up_at + restored, noise),
                "seed {seed}: {up_at} + {restored}"
            );
            range = (range.0.min(restored), range.1.max(restored));
        }
        let is_covered = range.0 - noise <= restored && restored <= range.1 + noise;
        assert!(is_covered, "{restored} is not in {range:?}");
    }
    // Keepalive had ended the try before; without that, all are back at once.
    assert_eq!(late_count, 7);
}

#[test]
fn a_keepalive_detects_a_stopped_server_when_grpc_does() {
    let mut recorded = records(include_str!("../data/recorded/grpc-keepalive-sigstop.json"));
    // Version 1.62.3, in which nobody waited long enough.
    let older = include_str!("../data/recorded/grpc-keepalive-sigstop-1.62.json");
    recorded.extend(records(older));
    let (mut detected_count, mut undetected_count) = (0, 0);
    for (configs, interval, timeout) in [
        (&["ka_pingto500"][..], 1.0, 0.5),
        (&["ka", "ka_nobdp"], 1.0, 60.0),
        (&["ka5s2s"], 5.0, 60.0),
    ] {
        let mut range = (f64::INFINITY, 0.0f64);
        for seed in 1..=SEED_COUNT {
            let detected = detected_after(seed, interval, timeout);
            range = (range.0.min(detected), range.1.max(detected));
        }
        // Uniform on [timeout, timeout + interval]: of 500 the extremes are within 2.8 % of
        // the ends with a probability of failure below 1e-6. A round trip is 0.1 ms.
        let slack = 0.028 * interval;
        assert!(
            timeout <= range.0 && range.0 <= timeout + slack,
            "{range:?}"
        );
        let end = timeout + interval;
        assert!(
            end - slack <= range.1 && range.1 <= end + 0.001,
            "{range:?}"
        );
        let is_meant = |record: &&Value| configs.iter().any(|config| record["config"] == *config);
        for record in recorded.iter().filter(is_meant) {
            match record["detected_s"].as_f64() {
                Some(secs) => {
                    assert!(
                        timeout - 0.02 <= secs && secs <= end + 0.02,
                        "{configs:?}: {secs}"
                    );
                    detected_count += 1;
                }
                // It was not detected before the recording stopped waiting.
                None => {
                    assert!(number(&record["limit_s"]) < range.0, "{configs:?}");
                    undetected_count += 1;
                }
            }
        }
    }
    assert_eq!(detected_count, 15 + 7 + 4);
    // Of 1.85.1: 5 idle, 6 without probes of bandwidth, 4 idle; all of 1.62.3.
    assert_eq!(undetected_count, 5 + 6 + 4 + 18);
}

/// Seconds from the stop of the only server to the end of the idle connection.
fn detected_after(seed: u64, interval: f64, timeout: f64) -> f64 {
    let text = format!(
        "schema = 1\nseed = {seed}\nduration = \"100s\"\ndrain = \"1s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [service.s]\ncount = 1\nservice_time = \"100us\"\n\
         [client.c]\n\
         arrivals = {{ process = \"ramp\", rate_from = \"2/s\", rate_to = \"0.000001/s\", \
         start = \"5s\", end = \"6s\" }}\n\
         [client.c.call.s]\ndeadline = \"1s\"\n\
         [client.c.call.s.connection]\n\
         keepalive = {{ interval = \"{interval}s\", timeout = \"{timeout}s\", \
         without_streams = true }}\n\
         [fault.x]\nkind = \"pause\"\ntarget = \"service:s\"\n\
         at = {{ dist = \"uniform\", min = \"20s\", max = \"30s\" }}\n"
    );
    let seen = Seen::of(&text);
    assert_eq!(
        (seen.opened.len(), seen.closed.len()),
        (1, 1),
        "seed {seed}"
    );
    seen.closed[0] - seen.down_at
}
