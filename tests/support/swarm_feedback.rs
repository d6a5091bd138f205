//! Random balancers that learn from their instances.

use super::dice::Dice;

/// A policy with random parameters, short enough for runs of seconds.
pub fn policy(dice: &mut Dice) -> String {
    match dice.between(0, 5) {
        0 => "\"join_idle_queue\"".to_string(),
        1 => "\"shortest_queue_global\"".to_string(),
        2 => {
            let exponent = dice.between(1, 4);
            let clients = match dice.flag() {
                true => format!(", client_count = {}", dice.between(1, 9)),
                false => String::new(),
            };
            format!("{{ policy = \"c3\", queue_exponent = {exponent}{clients} }}")
        }
        3 => {
            let (size, rate) = (dice.between(2, 6), dice.between(1, 30));
            let (removals, age_ms) = (dice.between(0, 20), dice.between(5, 1_000));
            format!(
                "{{ policy = \"prequal\", pool_size = {size}, probe_rate = {}, \
                 removal_rate = {}, probe_age_max = \"{age_ms}ms\", hot_quantile = {}, \
                 seen_count = {}, latency_sample_count = {} }}",
                rate as f64 / 10.0,
                removals as f64 / 10.0,
                dice.between(0, 10) as f64 / 10.0,
                dice.between(1, 20),
                dice.between(1, 9),
            )
        }
        _ => {
            let reports = match dice.flag() {
                true => format!(
                    "reports = \"out_of_band\", report_interval = \"{}ms\"",
                    dice.between(20, 900)
                ),
                false => "reports = \"reply\"".to_string(),
            };
            format!(
                "{{ policy = \"grpc_weighted_round_robin\", blackout = \"{}ms\", \
                 expiration = \"{}ms\", update_interval = \"{}ms\", \
                 report_window = \"{}ms\", {reports}{} }}",
                dice.between(0, 500),
                dice.between(100, 5_000),
                dice.between(100, 1_000),
                dice.between(10, 500),
                dice.pick(&["", ", phase = \"aligned\"", ", phase = \"30ms\""]),
            )
        }
    }
}
