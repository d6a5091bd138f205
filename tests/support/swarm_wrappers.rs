//! Random balancers, some with wrappers around them.

use super::dice::Dice;
use super::swarm_feedback;
use super::swarm_keyed;

/// A balancer of a call.
pub fn balancer(dice: &mut Dice) -> String {
    let simple = [
        "\"random\"",
        "\"round_robin\"",
        "\"weighted_random\"",
        "\"smooth_weighted_round_robin\"",
        "\"least_in_flight\"",
        "{ policy = \"least_in_flight\", choice_count = 2 }",
        "{ policy = \"least_in_flight\", choice_count = 3, replacement = true }",
        "{ policy = \"ring\", virtual_node_count = 7 }",
        "\"pick_first\"",
        "{ policy = \"pick_first\", shuffle = true }",
    ];
    let policy = match dice.between(0, 3) {
        0 => swarm_feedback::policy(dice),
        1 => swarm_keyed::policy(dice),
        _ => dice.pick(&simple).to_string(),
    };
    let whole = match dice.between(0, 4) {
        0 => {
            let count = dice.between(1, 40);
            format!("{{ policy = \"sticky\", session_count_max = {count}, fallback = {policy} }}")
        }
        _ => policy,
    };
    match dice.between(0, 2) {
        0 => wrap(dice, &whole),
        _ => whole,
    }
}

/// A balancer with some wrappers around it, short enough for runs of seconds.
pub fn wrap(dice: &mut Dice, balancer: &str) -> String {
    let table = match balancer.strip_suffix(" }") {
        Some(open) => open.to_string(),
        None => format!("{{ policy = {balancer}"),
    };
    let mut wrappers = Vec::new();
    if dice.flag() {
        wrappers.push(ejection(dice));
    }
    if dice.flag() {
        let kind = dice.pick(&["deterministic_aperture", "deterministic", "random"]);
        let size = dice.between(1, 5);
        wrappers.push(format!("subset = {{ kind = \"{kind}\", size = {size} }}"));
    }
    if dice.flag() {
        let (threshold, fails) = (dice.between(0, 100), dice.flag());
        wrappers.push(format!(
            "priority = {{ panic_threshold = \"{threshold}%\", fails_on_panic = {fails} }}"
        ));
    }
    if dice.flag() {
        let size = dice.between(0, 5);
        wrappers.push(format!("zone_aware = {{ min_size = {size} }}"));
    }
    if dice.flag() {
        let kind = match dice.between(0, 2) {
            0 => "kind = \"envoy\", aggression = 1.5, window = \"2s\"",
            1 => "kind = \"dubbo\", warmup = \"3s\"",
            _ => "kind = \"haproxy\", window = \"2s\"",
        };
        wrappers.push(format!("slow_start = {{ {kind} }}"));
    }
    let lists = wrappers.iter().map(|wrapper| format!(", {wrapper}"));
    format!("{table}{} }}", lists.collect::<String>())
}

fn ejection(dice: &mut Dice) -> String {
    let percent = dice.pick(&["10%", "50%", "100%"]);
    let sweep = format!(
        "interval = \"{}ms\", duration_base = \"{}ms\", ejected_ratio_max = \"{percent}\"",
        dice.between(50, 900),
        dice.between(50, 2_000),
    );
    let rates = "success_rate_request_count_min = 3, failure_ratio_request_count_min = 3, \
                 failure_ratio_threshold = \"40%\", failure_ratio_enforced_ratio = \"50%\"";
    let kind = match dice.between(0, 3) {
        0 => format!(
            "kind = \"envoy_outlier\", consecutive_errors = {}, {sweep}, {rates}, \
             duration_jitter = \"20ms\", update_merge_window = \"{}ms\"",
            dice.between(1, 6),
            dice.between(0, 500),
        ),
        1 => format!("kind = \"grpc_outlier\", {sweep}, {rates}"),
        2 => format!(
            "kind = \"nginx_max_fails\", fail_count_max = {}, fail_timeout = \"{}s\", \
             counts_errors = {}",
            dice.between(0, 3),
            dice.between(0, 3),
            dice.flag(),
        ),
        _ => format!(
            "kind = \"finagle_accrual\", consecutive_failures = {}, window = \"1s\", \
             duration_base = \"{}ms\"",
            dice.between(1, 6),
            dice.between(50, 2_000),
        ),
    };
    format!("ejection = {{ {kind} }}")
}
