//! Connections of generated scenarios.

use super::dice::Dice;

/// How a service treats connections.
pub fn accept(dice: &mut Dice) -> String {
    let mut keys = vec![format!("accept_backlog = {}", dice.between(0, 3))];
    if dice.flag() {
        keys.push(format!("idle_timeout = {}", dice.ms(1, 200)));
    }
    if dice.flag() {
        keys.push(format!("age_max = {}, age_jitter = 0.5", dice.ms(10, 500)));
    }
    format!("connection = {{ {} }}", keys.join(", "))
}

/// How a call connects.
pub fn connection(dice: &mut Dice) -> String {
    let mut keys = vec![
        format!("connect_timeout = {}", dice.ms(5, 3_000)),
        format!("tls_round_trips = {}", dice.between(0, 2)),
        format!("handshake_cpu = {}", dice.ms(0, 3)),
        format!("unacked_timeout = {}", dice.ms(50, 2_000)),
    ];
    let is_multiplexed = dice.flag();
    keys.push(format!("multiplex = {is_multiplexed}"));
    let count = dice.between(1, 4);
    keys.push(match is_multiplexed {
        true => format!("streams_max = {count}"),
        false => format!("pool_max = {count}"),
    });
    if dice.flag() {
        keys.push(format!("idle_timeout = {}", dice.ms(1, 300)));
    }
    if dice.flag() {
        let (interval, timeout) = (dice.ms(20, 300), dice.ms(5, 200));
        let always = dice.flag();
        keys.push(format!(
            "keepalive = {{ interval = {interval}, timeout = {timeout}, \
             without_streams = {always} }}"
        ));
    }
    let is_shared = is_multiplexed && dice.between(0, 2) == 0;
    if is_shared {
        keys.push("per = \"connection\"".to_string());
    } else if dice.flag() {
        let (initial, max) = (dice.ms(5, 100), dice.ms(100, 500));
        keys.push(format!(
            "reconnect = {{ initial = {initial}, max = {max}, factor = 1.6, jitter = 0.2, \
             connect_timeout_min = {} }}",
            dice.ms(10, 500)
        ));
    }
    format!("connection = {{ {} }}", keys.join(", "))
}
