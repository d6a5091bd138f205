//! Random budgets, breakers, bulkheads, throttles and concurrency limits for the swarm: small
//! enough that short runs reach every state.

use super::dice::Dice;

/// Keys of a call.
const CALL_KEYS: [&str; 4] = ["breaker", "bulkhead", "throttle", "concurrency_limit"];

/// Lines of a call.
pub fn call_lines(dice: &mut Dice) -> String {
    let mut text = String::new();
    for key in CALL_KEYS {
        if dice.flag() && dice.flag() {
            text += &format!("{key} = {}\n", of_call(key, dice));
        }
    }
    text
}

/// Lines of a service.
pub fn service_lines(dice: &mut Dice) -> String {
    match dice.flag() && dice.flag() {
        true => format!("concurrency_limit = {}\n", limit(dice)),
        false => String::new(),
    }
}

/// A value for a key of a call.
fn of_call(key: &str, dice: &mut Dice) -> String {
    match key {
        "breaker" => breaker(dice),
        "bulkhead" => {
            let count = dice.between(1, 6);
            let wait = dice.ms(0, 150);
            format!("{{ concurrent_max = {count}, wait_max = {wait} }}")
        }
        "throttle" => {
            let (k, window) = (dice.between(1, 3), dice.ms(50, 3_000));
            format!("{{ k = {k}, window = {window} }}")
        }
        _ => limit(dice),
    }
}

/// A retry budget.
pub fn budget(dice: &mut Dice) -> String {
    match dice.between(0, 3) {
        0 => {
            let (tokens, ratio) = (dice.between(1, 10), dice.between(1, 10));
            format!("{{ kind = \"grpc\", tokens_max = {tokens}, token_ratio = 0.{ratio} }}")
        }
        1 => {
            let (rate, ttl) = (dice.between(1, 5), dice.ms(100, 3_000));
            format!("{{ kind = \"finagle\", ratio = 0.2, min_rate = \"{rate}/s\", ttl = {ttl} }}")
        }
        2 => {
            let count = dice.between(0, 3);
            format!("{{ kind = \"envoy\", ratio = \"20%\", concurrent_min = {count} }}")
        }
        _ => {
            let window = dice.ms(100, 3_000);
            format!("{{ kind = \"sre\", ratio = \"30%\", window = {window} }}")
        }
    }
}

/// What may be retried.
pub fn retry_ends(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "[]",
        "[\"refused\", \"reset_sent\"]",
        "[\"timeout\", \"rejected\"]",
        "[\"error\", \"connect_timeout\", \"reset_unsent\"]",
    ])
}

/// A concurrency limit of a call or a service.
fn limit(dice: &mut Dice) -> String {
    let initial = dice.between(1, 8);
    let window = dice.ms(0, 200);
    match dice.between(0, 2) {
        0 => format!(
            "{{ kind = \"aimd\", initial = {initial}, min = 1, max = 20, timeout = \"50ms\", \
             window = {window} }}"
        ),
        1 => format!(
            "{{ kind = \"vegas\", initial = {initial}, max = 20, probe_multiplier = 2, \
             window = {window} }}"
        ),
        _ => format!(
            "{{ kind = \"gradient2\", initial = {initial}, min = 1, max = 20, queue = 1, \
             window = {window}, window_sample_count_min = 2 }}"
        ),
    }
}

fn breaker(dice: &mut Dice) -> String {
    let per = dice.pick(&["call", "instance"]);
    let count_min = dice.between(1, 6);
    let open = dice.ms(10, 1_000);
    match dice.between(0, 2) {
        0 => format!(
            "{{ kind = \"hystrix\", per = \"{per}\", window = \"1s\", \
             call_count_min = {count_min}, snapshot_interval = \"50ms\", open_duration = {open} }}"
        ),
        1 => {
            let window = dice.pick(&["count", "time"]);
            let (size, probes) = (dice.between(2, 10), dice.between(1, 4));
            format!(
                "{{ kind = \"resilience4j\", per = \"{per}\", window = \"{window}\", \
                 window_size = {size}, call_count_min = {count_min}, open_duration = {open}, \
                 slow_duration = \"40ms\", probe_count = {probes} }}"
            )
        }
        _ => {
            let (requests, pending) = (dice.between(0, 8), dice.between(0, 3));
            let connections = requests + 1;
            format!(
                "{{ kind = \"envoy\", connection_count_max = {connections}, \
                 request_count_max = {requests}, pending_count_max = {pending}, \
                 retry_count_max = 1 }}"
            )
        }
    }
}
