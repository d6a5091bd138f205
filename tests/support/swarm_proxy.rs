//! Random proxies before the services of a scenario, with clients and faults of their own.

use std::fmt::Write;

use crate::dice::Dice;

/// The tables of one or two proxies before one of `services`, one behind the other, and of a client
/// that calls the first of them; none half of the time, and none over datagrams.
pub fn tables(seed: u64, is_datagram: bool, services: &[(&str, Vec<u64>)]) -> String {
    let mut text = String::new();
    // Apart, so that proxies leave the rest of a scenario as it is without.
    let mut dice = Dice::new(seed ^ 0x7072_6f78_7921);
    if is_datagram || dice.flag() {
        return text;
    }
    let dice = &mut dice;
    let place = dice.between(0, services.len() as u64 - 1) as usize;
    let upstream = services[place].0.to_string();
    proxy(dice, &mut text, "mesh", &upstream);
    let is_chained = dice.between(0, 3) == 0;
    if is_chained {
        proxy(dice, &mut text, "outer", "mesh");
    }
    let called = if is_chained { "outer" } else { "mesh" };
    let rate = dice.between(5, 80);
    line(&mut text, "[client.web-user]");
    line(
        &mut text,
        &format!("arrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}"),
    );
    let count = dice.between(1, 3);
    line(&mut text, &format!("count = {count}"));
    line(&mut text, &format!("[client.web-user.call.{called}]"));
    line(&mut text, &format!("deadline = {}", dice.ms(100, 900)));
    if dice.flag() {
        line(&mut text, "deadline_propagation = \"cancel\"");
    }
    if dice.flag() {
        let tries = dice.between(1, 3);
        line(
            &mut text,
            &format!("retry = {{ attempt_count_max = {tries} }}"),
        );
    }
    for number in 0..dice.between(0, 2) {
        fault(dice, &mut text, number);
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a text takes everything");
}

fn proxy(dice: &mut Dice, text: &mut String, name: &str, upstream: &str) {
    line(text, &format!("[proxy.{name}]"));
    line(text, &format!("upstream = \"{upstream}\""));
    line(text, &format!("count = {}", dice.between(1, 3)));
    line(text, &format!("processing_time = {}", dice.law(1)));
    if dice.flag() {
        line(
            text,
            &format!("queue = {{ limit = {} }}", dice.between(0, 5)),
        );
    }
    if dice.flag() {
        line(text, &format!("restart_time = {}", dice.law(50)));
    }
    let keys = match dice.between(0, 2) {
        0 => nginx(dice),
        1 => haproxy(dice),
        _ => envoy(dice),
    };
    text.push_str(&keys);
}

fn nginx(dice: &mut Dice) -> String {
    let mut text = String::from("kind = \"nginx\"\n");
    let workers = dice.between(1, 4);
    line(&mut text, &format!("worker_processes = {workers}"));
    line(&mut text, &format!("upstream_zone = {}", dice.flag()));
    let spread = dice.pick(&["request", "caller"]);
    line(&mut text, &format!("spread = \"{spread}\""));
    line(&mut text, &format!("max_fails = {}", dice.between(0, 3)));
    line(
        &mut text,
        &format!("fail_timeout = \"{}s\"", dice.between(0, 2)),
    );
    line(&mut text, &format!("max_conns = {}", dice.between(0, 3)));
    let after = dice.pick(&[
        "[\"error\", \"timeout\"]",
        "[\"error\", \"http_500\", \"http_503\"]",
        "[]",
    ]);
    line(&mut text, &format!("proxy_next_upstream = {after}"));
    line(
        &mut text,
        &format!("proxy_next_upstream_tries = {}", dice.between(0, 3)),
    );
    line(
        &mut text,
        &format!("proxy_next_upstream_timeout = {}", dice.ms(0, 300)),
    );
    line(
        &mut text,
        &format!("proxy_connect_timeout = {}", dice.ms(10, 900)),
    );
    line(
        &mut text,
        &format!("proxy_read_timeout = {}", dice.ms(10, 900)),
    );
    if dice.flag() {
        line(&mut text, &format!("keepalive = {}", dice.between(1, 4)));
        line(
            &mut text,
            &format!("keepalive_timeout = {}", dice.ms(10, 900)),
        );
        line(
            &mut text,
            &format!("keepalive_requests = {}", dice.between(1, 9)),
        );
    }
    if dice.flag() {
        line(&mut text, "balancer = \"least_in_flight\"");
    }
    text
}

fn haproxy(dice: &mut Dice) -> String {
    let mut text = String::from("kind = \"haproxy\"\n");
    line(&mut text, &format!("nbthread = {}", dice.between(1, 4)));
    match dice.flag() {
        true => line(&mut text, "check = false"),
        false => {
            let inter = dice.ms(20, 400);
            let (fall, rise) = (dice.between(1, 3), dice.between(1, 3));
            let keys = format!("inter = {inter}, fall = {fall}, rise = {rise}");
            line(
                &mut text,
                &format!("detector = {{ kind = \"haproxy_check\", {keys} }}"),
            );
        }
    }
    line(&mut text, &format!("retries = {}", dice.between(0, 3)));
    line(&mut text, &format!("redispatch = {}", dice.flag()));
    let reuse = dice.pick(&["never", "safe", "aggressive", "always"]);
    line(&mut text, &format!("http_reuse = \"{reuse}\""));
    if dice.flag() {
        line(&mut text, "retry_on = [\"conn-failure\", \"500\", \"503\"]");
    }
    if dice.flag() {
        line(&mut text, &format!("maxconn = {}", dice.between(1, 3)));
        line(&mut text, &format!("timeout_queue = {}", dice.ms(1, 400)));
    }
    line(
        &mut text,
        &format!("timeout_connect = {}", dice.ms(10, 500)),
    );
    line(&mut text, &format!("timeout_server = {}", dice.ms(10, 500)));
    if dice.flag() {
        let policy = dice.pick(&["haproxy_random", "haproxy_least_conn"]);
        line(&mut text, &format!("balancer = \"{policy}\""));
    }
    text
}

fn envoy(dice: &mut Dice) -> String {
    let mut text = String::from("kind = \"envoy\"\n");
    line(&mut text, &format!("concurrency = {}", dice.between(1, 4)));
    line(&mut text, &format!("timeout = {}", dice.ms(0, 900)));
    line(
        &mut text,
        &format!("connect_timeout = {}", dice.ms(10, 500)),
    );
    let after = dice.pick(&["[]", "[\"connect-failure\", \"reset\"]", "[\"5xx\"]"]);
    line(&mut text, &format!("retry_on = {after}"));
    line(&mut text, &format!("num_retries = {}", dice.between(0, 3)));
    line(&mut text, &format!("previous_hosts = {}", dice.flag()));
    line(&mut text, &format!("http2 = {}", dice.flag()));
    if dice.flag() {
        line(
            &mut text,
            &format!("max_connections = {}", dice.between(0, 4)),
        );
        line(
            &mut text,
            &format!("max_pending_requests = {}", dice.between(0, 4)),
        );
        line(&mut text, &format!("max_requests = {}", dice.between(0, 4)));
        line(&mut text, &format!("max_retries = {}", dice.between(0, 2)));
    }
    if dice.flag() {
        let policy = dice.pick(&["envoy_round_robin", "envoy_least_request"]);
        line(
            &mut text,
            &format!("balancer = {{ policy = \"{policy}\", ejection = \"envoy_outlier\" }}"),
        );
    }
    if dice.flag() {
        let (interval, timeout) = (dice.ms(20, 200), dice.ms(10, 100));
        let keys = format!("interval = {interval}, timeout = {timeout}");
        line(
            &mut text,
            &format!(
                "detector = {{ kind = \"envoy_health_check\", {keys}, unhealthy_threshold = 2, \
                 healthy_threshold = 1, no_traffic_interval = {interval} }}"
            ),
        );
    }
    text
}

fn fault(dice: &mut Dice, text: &mut String, number: u64) {
    let kind = dice.pick(&["crash", "pause", "host_loss", "error"]);
    let target = dice.pick(&["proxy:mesh", "1 random of proxy:mesh", "50% of proxy:*"]);
    line(text, &format!("[fault.proxy-{number}]"));
    line(text, &format!("kind = \"{kind}\""));
    if kind == "error" {
        line(text, "ratio = 0.3");
    }
    line(text, &format!("target = \"{target}\""));
    line(text, &format!("at = {}", dice.ms(0, 400)));
    line(text, &format!("for = {}", dice.ms(10, 800)));
}
