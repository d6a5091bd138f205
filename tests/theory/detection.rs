//! How fast detectors find crashes, and how often they are wrong.

use crate::support::beliefs::Beliefs;
use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::secs;
use crate::texts::{Length, call, client, service};

/// Instances that crash independently of each other.
const INSTANCE_COUNT: u64 = 100;
/// Seconds that a crash lasts; longer than any detection.
const DOWN_SECS: f64 = 40.0;

/// A world in which about `crash_count` crashes happen, each at a uniform phase of `period`: the
/// time between two of them is uniform over a multiple of the period.
fn crashing_world(crash_count: u64, period: f64, delay: f64, call_more: &str) -> String {
    let up_min = 10.0 * period;
    let up_max = up_min + 20.0 * period;
    let each = DOWN_SECS + (up_min + up_max) / 2.0;
    let length = Length {
        count: 1,
        rate: INSTANCE_COUNT as f64 / (crash_count as f64 * each),
        warmup: 0.0,
        seed: 1,
    };
    let up = format!(
        "{{ dist = \"uniform\", min = \"{}\", max = \"{}\" }}",
        secs(up_min),
        secs(up_max)
    );
    length.text(delay)
        + &service("s", INSTANCE_COUNT, 1, "\"1ms\"")
        + &client(&idle(&length))
        + &idle_call()
        + call_more
        + &format!(
            "[fault.crashes]\nkind = \"crash\"\ntarget = \"service:s\"\neach = true\n\
             at = {up}\nevery = {up}\nfor = \"{}\"\n",
            secs(DOWN_SECS)
        )
}

/// One request in the middle of the run: the world is about detectors.
fn idle(length: &Length) -> String {
    let gap = secs(length.duration() / 2.0);
    format!("{{ process = \"renewal\", gap = \"{gap}\" }}")
}

/// The call of that request; it does not wait for an instance that is down.
fn idle_call() -> String {
    call("s", "\"random\"") + "attempt_timeout = \"1s\"\n"
}

/// Compares detection times, all of which lie in the stated interval and fill it: of n uniform
/// times none is within 14 / n of an end of the interval with a probability below 1e-6.
fn check_detections(verdict: &mut Verdict, study: &Study, beliefs: Beliefs, width: f64) {
    let mut times = beliefs.detections;
    times.sort_by(f64::total_cmp);
    let count = times.len();
    verdict.holds(
        "undetected",
        beliefs.undetected_count == 0,
        beliefs.undetected_count,
    );
    let mean = times.iter().sum::<f64>() / count as f64;
    let variance = times.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>() / count as f64;
    let gap = 14.0 / count as f64 * width;
    let exact = 1e-9;
    for case in study.cases() {
        let expected = case.value.as_f64().expect("a number");
        let tolerance = case.tolerance_at(count as u64);
        let mut check = |got| verdict.check(&case.id, expected, got, tolerance, count as u64);
        match case.metric.as_str() {
            "mean" | "mean_detection" => check(mean),
            "sd" => check(variance.sqrt()),
            "p99" => check(times[(0.99 * count as f64).ceil() as usize - 1]),
            "min" => {
                let is_met = expected - exact <= times[0] && times[0] <= expected + gap;
                verdict.holds(&case.id, is_met, times[0]);
            }
            "max" | "max_detection" => {
                let last = times[count - 1];
                let is_met = expected - gap <= last && last <= expected + exact;
                verdict.holds(&case.id, is_met, last);
            }
            other => panic!("no metric {other}"),
        }
    }
}

fn detections(kind: &str, pass: Pass, world: impl Fn(&Study, u64) -> (String, f64)) {
    let mut verdict = Verdict::default();
    for study in studies(kind) {
        // The last crash of each instance may lie beyond the end.
        let crash_count = study.sample_count(pass) + 2 * INSTANCE_COUNT;
        let (text, width) = world(&study, crash_count);
        check_detections(&mut verdict, &study, Beliefs::of(&text), width);
    }
    verdict.assert_all_met();
}

pub fn probe_detection(pass: Pass) {
    detections("probe_detection", pass, |study, crash_count| {
        let interval = study.number("interval");
        let detector = ping(interval, study.number("timeout"), study.count("failures"));
        let text = crashing_world(crash_count, interval, 0.0, &detector);
        (text, interval)
    });
}

/// A detector that trusts again after one answer.
fn ping(interval: f64, timeout: f64, misses_max: u64) -> String {
    format!(
        "detector = {{ kind = \"ping\", interval = \"{}\", timeout = \"{}\", \
         misses_max = {misses_max}, rises_min = 1 }}\n",
        secs(interval),
        secs(timeout)
    )
}

/// A registry whose leases last `duration` after a heartbeat, of which there is one per `interval`.
fn lease(duration: f64, interval: f64) -> String {
    format!(
        "[registry]\nprofile = \"lease\"\nmembers = 1\nlease_duration = \"{}\"\n\
         heartbeat_interval = \"{}\"\n",
        secs(duration),
        secs(interval)
    )
}

pub fn heartbeat_timeout_detection(pass: Pass) {
    detections("heartbeat_timeout_detection", pass, |study, crash_count| {
        let (interval, timeout) = (study.number("eta"), study.number("timeout"));
        let delay = study.number("delay");
        let text = crashing_world(crash_count, interval, delay, &lease(timeout, interval));
        (text, interval)
    });
}

pub fn lease_expiry(pass: Pass) {
    detections("lease_expiry", pass, |study, crash_count| {
        let (interval, duration) = (study.number("renew_interval"), study.number("ttl"));
        let text = crashing_world(crash_count, interval, 0.0, &lease(duration, interval));
        (text, interval)
    });
}

/// Seconds by which a lease outlives the heartbeat that it waits for.
const MARGIN_SECS: f64 = 1e-9;

/// Mistakes about an instance that never fails, by both kinds of detectors: a lease that lasts k
/// intervals, and pings of which k in a row were missed.
pub fn consecutive_misses(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("consecutive_misses") {
        let count = study.sample_count(pass);
        let (misses, interval) = (study.count("k"), study.number("eta"));
        let registry = lease(misses as f64 * interval + MARGIN_SECS, interval);
        let detector = ping(interval, MARGIN_SECS, misses);
        // Of pings only one direction loses messages.
        let link = "[network.link.pings]\nfrom = \"client:c\"\nto = \"service:s\"\n";
        let to_registry =
            "[network.link.beats]\nfrom = \"service:s\"\nto = \"registry:member/0\"\n";
        let loss = format!("symmetric = false\nloss = {:?}\n", study.number("loss"));
        for more in [registry + to_registry + &loss, detector + link + &loss] {
            check_mistakes(&mut verdict, &study, count, &more);
        }
    }
    verdict.assert_all_met();
}

fn check_mistakes(verdict: &mut Verdict, study: &Study, count: u64, more: &str) {
    let interval = study.number("eta");
    let length = Length {
        count,
        rate: 1.0 / interval,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.text(0.0)
        + &service("s", 1, 1, "\"1ms\"")
        + &client(&idle(&length))
        + &idle_call()
        + more;
    let beliefs = Beliefs::of(&text);
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    study.check(verdict, count, |metric| match metric {
        "heartbeats_to_first_from_fresh" => mean(&beliefs.trusts) / interval,
        "mean_mistake_recurrence" => mean(&beliefs.recurrences),
        "mean_mistake_duration" => mean(&beliefs.suspicions),
        "query_accuracy" => 1.0 - beliefs.suspicions.iter().sum::<f64>() / length.duration(),
        other => panic!("no metric {other}"),
    });
}
