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

/// Half of the clients have classes.
fn write_classes(&mut self) {
    for client in CLIENTS.iter().take(self.clients.len()) {
        if self.dice.flag() {
            continue;
        }
        let shares: &[f64] = self.dice.pick(&[&[1.0], &[0.3, 0.7], &[0.2, 0.2, 0.6]]);
        let call_count = self
            .text
            .matches(&format!("[client.{client}.call."))
            .count();
        for (share, name) in shares.iter().zip(["x", "y", "z"]) {
            self.line(format!("[client.{client}.class.{name}]"));
            self.line(format!("share = {share}"));
            if call_count == 1 {
                self.maybe(|dice| format!("service_time = {}", dice.law(12)));
            }
            self.maybe(|_| "keys = { distribution = \"uniform\", count = 3 }".to_string());
            self.maybe(|dice| format!("deadline = {}", dice.law(200)));
            self.maybe(|dice| format!("priority = {}", dice.between(0, 2)));
            self.maybe(|_| "idempotent = false".to_string());
            self.maybe(|dice| format!("request_size = \"{}B\"", dice.between(1, 2_000)));
            self.maybe(|_| "reply_size = { dist = \"exponential\", mean = \"1KB\" }".into());
            self.classes.push(format!("{client}.{name}"));
        }
    }
}
