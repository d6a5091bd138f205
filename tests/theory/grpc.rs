//! Connections against recordings of gRPC Python 1.85.1 (round robin over three servers,
//! one of which is killed or stopped, 50 calls per second with a deadline of 1 s, no retries).

use crate::connections::{Call, Seen};
use serde_json::Value;
use stormglass::model::observation::AttemptOutcome;

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
         [client.c.call.s]\ndeadline = \"1s\"\n\
         balancer = {{ policy = \"round_robin\", random_start = true, random_restart = true }}\n\
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

/// When tries to connect to a stopped server begin, in seconds since its connection was lost, at
/// the earliest and at the latest. The server's kernel accepts, so a try ends when keepalive gives
/// it up (keepalive.md), 1.5 s after it began, and the next one begins then, or where that is later
/// when the wait is over: 1, 1.6, 2.56 ... s, each 20 % more or less, since the try before it began
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
        for seed in 1..=SEED_COUNT / 5 {
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

/// When a call went to the instance of the call before it, although there were two: the turn was
/// lost. Times between `from` and `until`, in seconds.
fn lost_turns(calls: &[(f64, Option<u32>)], from: f64, until: f64) -> Vec<f64> {
    let is_lost = |pair: &&[(f64, Option<u32>)]| pair[0].1.is_some() && pair[0].1 == pair[1].1;
    let pairs = calls.windows(2).filter(is_lost);
    let times = pairs.map(|pair| pair[1].0);
    times.filter(|at| from <= *at && *at < until).collect()
}

/// Whether the turn may be lost so many seconds after the connection to a stopped server: at once,
/// or when a try to connect to it ends in vain.
fn may_lose_turn(at: f64, noise: f64) -> bool {
    let is_at = |earliest: f64, latest: f64| earliest - noise <= at && at <= latest + noise;
    is_at(0.0, 0.0)
        || tries_to_connect()
            .iter()
            .any(|(earliest, latest)| is_at(earliest + 1.5, latest + 1.5))
}

/// Every new picker draws where it begins (grpc-core, `round_robin.cc`). When the connection is
/// lost the call before went to one of the two that are left in two of three cases, and the next
/// one goes to the same in half of those.
#[test]
fn the_turn_begins_anew_when_a_connection_is_lost_and_when_a_try_fails_as_in_grpc() {
    let keepalive =
        "keepalive = { interval = \"1s\", timeout = \"500ms\", without_streams = true }\n";
    // The next call shows it; the recording is right within 20 ms.
    let (noise, turn) = (CALL_GAP + 0.02, 3.0 * CALL_GAP);
    let recorded = records(include_str!("../data/recorded/grpc-stop_pt.json"));
    let mut recorded_count = 0;
    // Of three runs every call is kept.
    for record in recorded
        .iter()
        .filter(|record| record["rows"][0].is_array())
    {
        let rows = [0, 2].map(|column| record["rows"][column].as_array().expect("a list"));
        let call = |(at, to): (&Value, &Value)| {
            let to = to.as_u64().map(|to| to as u32);
            (number(at) / 1000.0, to)
        };
        let calls: Vec<_> = rows[0].iter().zip(rows[1]).map(call).collect();
        assert_eq!(lost_turns(&calls, f64::NEG_INFINITY, 0.0), [] as [f64; 0]);
        let lost_at = number(&record["summary"]["first_unavailable_done_after_s"]);
        let is_back = |call: &&(f64, Option<u32>)| {
            lost_at < call.0 && call.1.map(u64::from) == record["victim"].as_u64()
        };
        let until = calls.iter().find(is_back).expect("it comes back").0 - turn;
        for at in lost_turns(&calls, 0.0, until) {
            assert!(may_lose_turn(at - lost_at, noise), "{at} - {lost_at}");
            recorded_count += 1;
        }
    }
    assert_eq!(recorded_count, 6);
    let mut lost_count = 0;
    for seed in 1..=SEED_COUNT {
        let seen = Seen::of(&grpc(seed, "pause", 8.0, keepalive));
        let mut calls: Vec<_> = seen.calls.iter().map(call_of).collect();
        calls.sort_by(|left, right| left.0.total_cmp(&right.0));
        let lost_at = seen.closed[0];
        let until = seen.up_at + seen.restored_after(1) - turn;
        for at in lost_turns(&calls, 0.0, until) {
            assert!(
                may_lose_turn(at - lost_at, noise),
                "seed {seed}: {at} - {lost_at}"
            );
            lost_count += u64::from(at - lost_at < noise);
        }
    }
    // A third, with a standard deviation of 2.1 %.
    let share = lost_count as f64 / SEED_COUNT as f64;
    assert!((share - 1.0 / 3.0).abs() < 4.5 * 0.021, "{share}");
}

fn call_of(call: &Call) -> (f64, Option<u32>) {
    let is_good = call.outcome == AttemptOutcome::Success;
    (call.sent_at, is_good.then_some(call.instance))
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
