//! Failure detectors of calls.

use super::Dice;
use super::server::ping_keys;

/// The detector of a call; half of them ping.
pub fn detector(dice: &mut Dice, phase: impl Fn(&mut Dice) -> String) -> String {
    let interval = dice.ms(100, 400);
    if dice.flag() {
        let timeout = dice.ms(1, 100);
        let (misses, rises) = (dice.between(1, 3), dice.between(1, 3));
        let (phase, more) = (phase(dice), ping_keys(dice));
        return format!(
            "detector = {{ kind = \"ping\", interval = {interval}, timeout = {timeout}, \
             misses_max = {misses}, rises_min = {rises}, phase = {phase}{more} }}"
        );
    }
    if dice.flag() && dice.flag() {
        return checks(dice);
    }
    let judge = judge(dice);
    let phase = phase(dice);
    let check = match dice.flag() {
        true => format!(", check_interval = {}", dice.ms(1, 500)),
        false => String::new(),
    };
    format!("detector = {{ {judge}, interval = {interval}, phase = {phase}{check} }}")
}

/// How the instances of a service watch each other; fast enough to matter in a short run.
pub fn gossip(dice: &mut Dice, phase: impl Fn(&mut Dice) -> String) -> String {
    let profile = dice.pick(&["swim", "memberlist_lan", "memberlist_wan"]);
    let (interval, timeout) = (dice.ms(60, 200), dice.ms(5, 60));
    let (phase, retry) = (phase(dice), dice.ms(50, 300));
    let (checks, mult) = (dice.between(0, 3), dice.between(0, 5));
    let order = dice.pick(&["round_robin", "random"]);
    let more = match profile {
        "swim" => String::new(),
        _ => format!(
            ", gossip_interval = {}, gossip_to_the_dead_time = {}, push_pull_interval = {}, \
             reconnect_interval = {}, disable_tcp_pings = {}",
            dice.ms(10, 80),
            dice.ms(0, 400),
            dice.ms(0, 500),
            dice.ms(0, 500),
            dice.flag()
        ),
    };
    format!(
        "gossip = {{ profile = \"{profile}\", probe_interval = {interval}, \
         probe_timeout = {timeout}, phase = {phase}, retry_interval = {retry}, \
         indirect_checks = {checks}, suspicion_mult = {mult}, probe_order = \"{order}\"{more} }}"
    )
}

fn judge(dice: &mut Dice) -> String {
    match dice.between(0, 6) {
        0 => format!("kind = \"timeout\", timeout = {}", dice.ms(400, 1_500)),
        1 => format!("kind = \"chen_nfd_s\", delta = {}", dice.ms(0, 500)),
        2 => format!(
            "kind = \"chen_nfd_e\", alpha = {}, window = {}",
            dice.ms(0, 500),
            dice.between(1, 20)
        ),
        3 => format!(
            "kind = \"bertier\", window = {}, margin_first = {}",
            dice.between(1, 20),
            dice.ms(0, 500)
        ),
        4 => format!(
            "kind = \"phi_accrual\", form = \"paper\", threshold = {}, min_std_deviation = {}",
            dice.between(1, 12),
            dice.ms(0, 50)
        ),
        5 => format!(
            "kind = \"phi_accrual\", form = \"akka\", threshold = {}, window = {}, \
             acceptable_heartbeat_pause = {}, expected_response_after = {}",
            dice.between(1, 12),
            dice.between(1, 20),
            dice.ms(0, 500),
            dice.ms(0, 500)
        ),
        _ => format!(
            "kind = \"phi_accrual\", form = \"cassandra\", threshold = {}, \
             max_local_pause = {}",
            dice.between(5, 16),
            dice.ms(0, 300)
        ),
    }
}

/// Health checks as proxies make them.
fn checks(dice: &mut Dice) -> String {
    let path = dice.pick(&["bypass", "queued", "accept"]);
    let (first, second, timeout) = (dice.ms(50, 400), dice.ms(20, 400), dice.ms(1, 200));
    let (fall, rise) = (dice.between(1, 3), dice.between(1, 3));
    match dice.flag() {
        true => format!(
            "detector = {{ kind = \"haproxy_check\", inter = {first}, fastinter = {second}, \
             downinter = {second}, fall = {fall}, rise = {rise}, timeout = {timeout}, \
             path = \"{path}\" }}"
        ),
        false => format!(
            "detector = {{ kind = \"envoy_health_check\", interval = {first}, \
             timeout = {timeout}, unhealthy_threshold = {fall}, healthy_threshold = {rise}, \
             unhealthy_edge_interval = {second}, no_traffic_interval = {second}, \
             initial_jitter = {second}, path = \"{path}\" }}"
        ),
    }
}
