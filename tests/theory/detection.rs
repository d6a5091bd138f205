//! How fast detectors find crashes, and how often they are wrong.

use crate::support::beliefs::Beliefs;
use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::secs;
use crate::texts::{Length, call, client, exponential, service};

/// Instances that crash independently of each other.
const INSTANCE_COUNT: u64 = 100;
/// Seconds that a crash lasts; longer than any detection.
const DOWN_SECS: f64 = 40.0;

/// A world in which about `crash_count` crashes happen, each at a uniform phase of `period`: the
/// time between two of them is uniform over a multiple of the period.
pub fn crashing_world(crash_count: u64, period: f64, delay: f64, call_more: &str) -> String {
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

pub fn detections(kind: &str, pass: Pass, world: impl Fn(&Study, u64) -> (String, f64)) {
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

/// Heartbeats to a registry, and to a caller. Where delays are constant, the freshness points of
/// Chen's detectors lie where the timeout ends.
pub fn heartbeat_timeout_detection(pass: Pass) {
    let kind = "heartbeat_timeout_detection";
    let each = |detector: &dyn Fn(f64, f64, f64) -> String| {
        detections(kind, pass, |study, crash_count| {
            let (interval, timeout) = (study.number("eta"), study.number("timeout"));
            let delay = study.number("delay");
            let more = detector(interval, timeout, delay);
            (
                crashing_world(crash_count, interval, delay, &more),
                interval,
            )
        });
    };
    each(&|interval, timeout, _| lease(timeout, interval));
    each(&|interval, timeout, _| {
        push(
            "timeout",
            interval,
            &format!("timeout = \"{}\"", secs(timeout)),
        )
    });
    each(&|interval, timeout, delay| nfd_s(interval, timeout - interval + delay));
    each(&|interval, timeout, _| {
        let alpha = secs(timeout - interval);
        push("chen_nfd_e", interval, &format!("alpha = \"{alpha}\""))
    });
}

/// A detector that instances send heartbeats.
fn push(kind: &str, interval: f64, keys: &str) -> String {
    let interval = secs(interval);
    format!("detector = {{ kind = \"{kind}\", interval = \"{interval}\", {keys} }}\n")
}

fn nfd_s(interval: f64, delta: f64) -> String {
    push(
        "chen_nfd_s",
        interval,
        &format!("delta = \"{}\"", secs(delta)),
    )
}

/// NFD-S: its mistakes about an instance that never fails, where heartbeats get lost and take
/// exponential times, and the longest detection of those that do.
pub fn nfd_s_quality(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("nfd_s") {
        let (eta, delta) = (study.number("eta"), study.number("delta"));
        let link = format!(
            "[network.link.beats]\nfrom = \"service:s\"\nto = \"client:c\"\nsymmetric = false\n\
             loss = {:?}\ndelay = {}\n",
            study.number("loss"),
            exponential(study.number("mean_delay")),
        );
        let more = nfd_s(eta, delta) + &link;
        check_mistakes(&mut verdict, &study, study.sample_count(pass), &more);
        let crash_count = 4_000;
        let times = Beliefs::of(&crashing_world(crash_count, eta, 0.0, &more)).detections;
        let last = times.iter().copied().fold(0.0, f64::max);
        // Uniform over the last interval but for the one in twenty whose last heartbeat got lost:
        // none within 16 / n of the end has a probability below 1e-6.
        let bound = eta + delta;
        let gap = 16.0 / times.len() as f64 * eta;
        let is_met = bound - gap <= last && last <= bound + 1e-9;
        verdict.holds("detection_bound", is_met, (last, bound));
    }
    verdict.assert_all_met();
}

/// After regular heartbeats the suspicion comes when phi reaches the threshold, in all forms.
pub fn phi_timeout(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("phi_timeout") {
        let phi = study.number("phi");
        let form = match study.param("law").as_str().expect("a law") {
            "normal" => "paper",
            "akka logistic" => "akka",
            // Cassandra takes thresholds from 5 on.
            _ if phi < 5.0 => continue,
            _ => "cassandra",
        };
        let elapsed_ms = study.cases()[0].value.as_f64().expect("a number");
        check_crossing(&mut verdict, pass, &study, form, (phi, elapsed_ms));
    }
    verdict.assert_all_met();
}

/// The same for stated values of phi: with such a threshold the suspicion comes at the stated time.
fn check_values(kind: &str, pass: Pass, form: &str) {
    let mut verdict = Verdict::default();
    // Before the mean of the intervals the next heartbeat comes first.
    let is_late = |study: &&Study| study.number("mean") < study.number("t");
    let all = studies(kind);
    assert_eq!(all.iter().filter(is_late).count(), 6);
    for study in all.iter().filter(is_late) {
        let phi = study.cases()[0].value.as_f64().expect("a number");
        check_crossing(&mut verdict, pass, study, form, (phi, study.number("t")));
    }
    verdict.assert_all_met();
}

pub fn phi_normal(pass: Pass) {
    check_values("phi_normal", pass, "paper");
}

pub fn phi_akka(pass: Pass) {
    check_values("phi_akka", pass, "akka");
}

/// Suspicions come as long after the last of regular heartbeats as phi takes to reach a threshold.
fn check_crossing(
    verdict: &mut Verdict,
    pass: Pass,
    study: &Study,
    form: &str,
    (phi, elapsed_ms): (f64, f64),
) {
    let count = match pass {
        Pass::Subset(count) => count,
        Pass::Complete => 100_000,
    };
    let interval = study.number("mean") / 1e3;
    let more = match form {
        "paper" => format!("min_std_deviation = \"{}ms\"", study.number("sd")),
        "akka" => format!(
            "min_std_deviation = \"{}ms\", acceptable_heartbeat_pause = \"0s\"",
            study.number("sd")
        ),
        _ => String::new(),
    };
    let more = [format!("form = \"{form}\", threshold = {phi:?}"), more];
    let keys = format!("window = 2, check_interval = \"0s\", {}", more.join(", "));
    let detector = push("phi_accrual", interval, keys.trim_end_matches(", "));
    let times = Beliefs::of(&crashing_world(count, interval, 0.0, &detector)).detections;
    let elapsed = elapsed_ms / 1e3;
    // Akka counts whole milliseconds.
    let step = if form == "akka" { 2e-3 } else { 2e-9 };
    let gap = 14.0 / times.len() as f64 * interval;
    let (first, last) = times
        .iter()
        .fold((f64::MAX, 0.0_f64), |(first, last), time| {
            (first.min(*time), last.max(*time))
        });
    let is_met = elapsed - gap <= last && last <= elapsed + step;
    verdict.holds(&study.cases()[0].id, is_met, last);
    let begin = elapsed - interval;
    let is_met = begin - step <= first && first <= begin + gap + step;
    verdict.holds(&study.cases()[0].id, is_met, first);
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

/// Mistakes about an instance that never fails: a lease or a timeout that lasts k intervals, and
/// pings of which k in a row were missed.
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
        let timeout = secs(misses as f64 * interval + MARGIN_SECS);
        let beats = push("timeout", interval, &format!("timeout = \"{timeout}\""));
        let to_caller = "[network.link.beats]\nfrom = \"service:s\"\nto = \"client:c\"\n";
        for more in [
            registry + to_registry + &loss,
            detector + link + &loss,
            beats + to_caller + &loss,
        ] {
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
    let case_is_run = |metric: &str| metric != "detection_bound";
    study.check_some(verdict, count, case_is_run, |metric| match metric {
        "heartbeats_to_first_from_fresh" => mean(&beliefs.trusts) / interval,
        "mean_mistake_recurrence" => mean(&beliefs.recurrences),
        "mean_mistake_duration" => mean(&beliefs.suspicions),
        "query_accuracy" => 1.0 - beliefs.suspicions.iter().sum::<f64>() / length.duration(),
        other => panic!("no metric {other}"),
    });
}

/// An instance whose clock loses 1 %: it sends every 1.0101 s what it takes for every second.
fn slow_clock(detector: &str) -> Beliefs {
    let length = Length {
        count: 300,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.text(0.0)
        + &service("s", 1, 1, "\"1ms\"")
        + "clock_drift = \"-1%\"\n"
        + &client(&idle(&length))
        + &idle_call()
        + detector;
    Beliefs::of(&text)
}

#[test]
fn nfd_s_needs_clocks_that_agree_and_nfd_e_a_short_window() {
    // What was sent at t carries 0.99 t. It is fresh until 0.99 t + 1.2, so there is a mistake
    // before the next heartbeat at t + 1.0101 from t = 18.99 on, and a heartbeat ends none after
    // 120 s.
    let beliefs = slow_clock(&nfd_s(1.0, 0.2));
    let first = beliefs.first_suspicion.expect("it is suspected");
    assert!((20.0..=22.0).contains(&first), "{first}");
    let count = beliefs.suspicions.len();
    assert!((98..=101).contains(&count), "{count}");
    let longest = beliefs.suspicions.iter().copied().fold(0.0, f64::max);
    assert!((0.99..=1.011).contains(&longest), "{longest}");

    // The mean of 10 heartbeats lags by 4.5 x 0.0101 s and the next one is 0.0101 s late: 0.056 s.
    let estimate = |window: u32| {
        let keys = format!("alpha = \"200ms\", window = {window}");
        slow_clock(&push("chen_nfd_e", 1.0, &keys))
    };
    assert_eq!(estimate(10).first_suspicion, None);
    // Of 1000 it lags by half of what has passed: 0.2 s with n = 38.6, (n + 1) / 2 x 0.0101.
    let first = estimate(1_000).first_suspicion.expect("it is suspected");
    assert!((38.0..=42.0).contains(&first), "{first}");
}

#[test]
fn akka_looks_once_a_second() {
    // After regular heartbeats phi reaches 8 after 4.523 s, at the latest after 5.523 s Akka has
    // looked. Its first heartbeats are a guess, which 300 real ones have pushed far back.
    let keys = "form = \"akka\", window = 200";
    let world = crashing_world(2_000, 30.0, 0.0, &push("phi_accrual", 1.0, keys));
    let mut times = Beliefs::of(&world).detections;
    times.sort_by(f64::total_cmp);
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!((3.522..=3.70).contains(&first), "{first}");
    assert!((5.35..=5.526).contains(&last), "{last}");
    // The sum of two uniform phases of a second: mean 4.523, deviation 0.408 of each.
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    assert!((mean - 4.523).abs() < 5.0 * 0.409 / (times.len() as f64).sqrt());
}
