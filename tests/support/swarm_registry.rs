//! Random registries that bear the name of a real system, with times short enough for a run of a
//! few seconds.

use super::World;
use crate::dice::Dice;

/// Writes `[registry]`, if there is one.
pub(super) fn write(world: &mut World, own: &mut Dice) {
    if world.member_count == 0 {
        return;
    }
    world.line("[registry]");
    world.line(format!("members = {}", world.member_count));
    let place = own.between(0, 6);
    match place {
        0 => write_zookeeper(world, own),
        1 => write_etcd(world, own),
        2 => write_eureka(world, own),
        3 => write_nacos(world, own),
        4 => write_dns(world, own),
        5 => write_consul(world, own),
        _ => write_kubernetes(world, own),
    }
    write_capacity(world, own);
    write_faults(world, own, matches!(place, 0 | 1 | 5 | 6));
}

/// Members that are slow, and the loss of whoever leads.
fn write_faults(world: &mut World, own: &mut Dice, has_leader: bool) {
    if own.flag() {
        let target = match has_leader && own.flag() {
            true => "registry:leader",
            false => "registry:member/0",
        };
        world.line("[fault.slow-member]\nkind = \"slow\"");
        world.line(format!("target = \"{target}\"\nfactor = 20"));
        let (at, length) = (own.law(300), own.law(400));
        world.line(format!("at = {at}\nfor = {length}\nevery = \"50ms\""));
    }
    if has_leader && own.flag() {
        let kind = own.pick(&["crash", "host_loss", "pause"]);
        world.line(format!("[fault.leader]\nkind = \"{kind}\""));
        let (at, length) = (own.law(300), own.law(200));
        world.line("target = \"registry:leader\"");
        world.line(format!("at = {at}\nfor = {length}\nevery = \"100ms\""));
    }
}

/// Whether instances send heartbeats to the registry of this text.
pub(super) fn has_heartbeats(text: &str) -> bool {
    let probing = ["profile = \"dns\"", "profile = \"kubernetes\""];
    let checking = ["check = \"http\"", "check = \"tcp\""];
    !probing
        .iter()
        .chain(&checking)
        .any(|line| text.contains(line))
}

fn maybe(world: &mut World, own: &mut Dice, line: impl FnOnce(&mut Dice) -> String) {
    if own.flag() {
        let line = line(own);
        world.line(line);
    }
}

fn write_zookeeper(world: &mut World, own: &mut Dice) {
    world.line("profile = \"zookeeper\"");
    let leader = own.between(0, world.member_count - 1);
    world.line(format!("leader = {leader}"));
    world.line(format!("tick_time = {}", own.ms(4, 200)));
    maybe(world, own, |own| {
        format!("sync_limit = {}", own.between(1, 6))
    });
    maybe(world, own, |own| {
        format!("session_timeout = {}", own.ms(10, 1_500))
    });
    let phase = World::phase(own);
    world.line(format!("tick_phase = {phase}"));
    let phase = World::phase(own);
    world.line(format!("ping_phase = {phase}"));
    for (key, words) in [
        ("client", ["java", "kazoo"]),
        ("identity", ["keep", "new"]),
        ("node_exists", ["replace", "skip"]),
        ("after_pause", ["expire", "touch"]),
    ] {
        let word = own.pick(&words);
        world.line(format!("{key} = \"{word}\""));
    }
    maybe(world, own, |own| {
        format!("reconnect_delay = {}", own.law(30))
    });
    maybe(world, own, |own| format!("spin_delay = {}", own.ms(1, 300)));
    world.line(format!("election_time = {}", own.law(50)));
}

fn write_etcd(world: &mut World, own: &mut Dice) {
    world.line("profile = \"etcd\"");
    let leader = own.between(0, world.member_count - 1);
    world.line(format!("leader = {leader}"));
    world.line("lease_ttl = \"1s\"");
    let heartbeat = own.between(4, 60);
    world.line(format!("heartbeat_interval = \"{heartbeat}ms\""));
    let election = heartbeat * own.between(5, 12);
    world.line(format!("election_timeout = \"{election}ms\""));
    maybe(world, own, |own| format!("election_time = {}", own.law(20)));
    maybe(world, own, |own| {
        format!("revoke_interval = {}", own.ms(5, 500))
    });
    let phase = World::phase(own);
    world.line(format!("revoke_phase = {phase}"));
    maybe(world, own, |own| {
        format!("revoke_count_per_sec = {}", own.between(2, 40))
    });
    maybe(world, own, |own| {
        format!("pending_revoke_count_max = {}", own.between(1, 3))
    });
    maybe(world, own, |own| {
        format!("revoke_retry = {}", own.ms(20, 900))
    });
    maybe(world, own, |own| {
        format!("keepalive_loop_interval = {}", own.ms(0, 500))
    });
    maybe(world, own, |own| {
        format!("checkpoint_interval = {}", own.ms(20, 900))
    });
    maybe(world, own, |own| {
        format!("reconnect_delay = {}", own.ms(0, 200))
    });
    maybe(world, own, |own| {
        format!("request_timeout = {}", own.ms(20, 900))
    });
}

fn write_eureka(world: &mut World, own: &mut Dice) {
    world.line("profile = \"eureka\"");
    for (key, most_ms) in [
        ("lease_duration", 900),
        ("renewal_interval", 300),
        ("eviction_interval", 400),
        ("threshold_update_interval", 900),
        ("expected_renewal_interval", 300),
        ("read_only_cache_interval", 300),
        ("response_cache_expiry", 900),
        ("delta_retention", 600),
        ("delta_clean_interval", 300),
        ("sync_retry_wait", 300),
        ("empty_wait", 900),
        ("replication_linger", 60),
        ("replication_retry_wait", 60),
        ("replication_congestion_wait", 200),
        ("replication_age_max", 400),
        ("replication_connect_timeout", 100),
        ("replication_read_timeout", 200),
        ("fetch_interval", 300),
        ("connect_timeout", 100),
        ("read_timeout", 200),
        ("session_interval", 900),
        ("initial_registration", 500),
        ("ribbon_interval", 300),
        ("ribbon_initial", 100),
    ] {
        let length = own.ms(5, most_ms);
        world.line(format!("{key} = {length}"));
    }
    for key in [
        "doubled_lease",
        "self_preservation",
        "use_read_only_cache",
        "delta",
        "prefer_same_zone",
        "register_on_start",
        "unregister_on_shutdown",
    ] {
        let is_on = own.flag();
        world.line(format!("{key} = {is_on}"));
    }
    for (key, most) in [
        ("sync_retries", 3),
        ("open_for_traffic_count", 1),
        ("replication_batch", 5),
        ("backoff_bound", 10),
        ("try_count", 3),
    ] {
        let least = u64::from(!matches!(key, "sync_retries" | "open_for_traffic_count"));
        world.line(format!("{key} = {}", own.between(least, most)));
    }
    for key in [
        "phase",
        "wall_clock_phase",
        "fetch_phase",
        "ribbon_phase",
        "member_phase",
    ] {
        let phase = World::phase(own);
        world.line(format!("{key} = {phase}"));
    }
}

fn write_nacos(world: &mut World, own: &mut Dice) {
    world.line("profile = \"nacos\"");
    for (key, least_ms, most_ms) in [
        ("beat_interval", 5, 300),
        ("beat_timeout", 20, 500),
        ("delete_timeout", 500, 900),
        ("check_interval", 5, 300),
        ("push_delay", 0, 100),
        ("push_timeout", 5, 900),
        ("pull_base", 5, 50),
        ("pull_max", 50, 900),
        ("request_timeout", 5, 200),
        ("sync_delay", 0, 100),
        ("verify_interval", 5, 300),
        ("report_interval", 5, 200),
        ("member_timeout", 5, 600),
    ] {
        let length = own.ms(least_ms, most_ms);
        world.line(format!("{key} = {length}"));
    }
    if own.flag() {
        world.line("client = \"grpc\"");
        for (key, most_ms) in [
            ("keep_alive_interval", 300),
            ("keep_alive_timeout", 200),
            ("connection_check_interval", 200),
            ("connection_idle_timeout", 600),
            ("detection_timeout", 300),
            ("redo_interval", 200),
            ("synced_client_timeout", 900),
        ] {
            let length = own.ms(5, most_ms);
            world.line(format!("{key} = {length}"));
        }
    }
    let threshold = own.between(0, 10) as f64 / 10.0;
    world.line(format!("protect_threshold = {threshold:?}"));
    for key in ["phase", "check_phase"] {
        let phase = World::phase(own);
        world.line(format!("{key} = {phase}"));
    }
}

fn write_dns(world: &mut World, own: &mut Dice) {
    world.line("profile = \"dns\"");
    let resolvers = own.between(0, world.member_count - 1);
    world.line(format!("shared_resolvers = {resolvers}"));
    let is_checked = own.flag();
    world.line(format!("health_check = {is_checked}"));
    if is_checked {
        let interval = own.between(5, 300);
        world.line(format!("check_interval = \"{interval}ms\""));
        world.line(format!(
            "check_timeout = \"{}ms\"",
            own.between(1, interval)
        ));
        world.line(format!("failure_threshold = {}", own.between(1, 4)));
        let phase = World::phase(own);
        world.line(format!("check_phase = {phase}"));
    }
    for (key, least_ms, most_ms) in [
        ("ttl", 5, 900),
        ("negative_ttl", 5, 300),
        ("update_delay", 0, 200),
        ("refresh_interval", 20, 900),
        ("stale_max", 0, 500),
        ("stale_ttl", 5, 200),
        ("resolver_timeout", 5, 200),
        ("query_timeout", 5, 300),
        ("retry_interval", 5, 300),
    ] {
        let length = own.ms(least_ms, most_ms);
        world.line(format!("{key} = {length}"));
    }
    world.line(format!("query_tries = {}", own.between(1, 3)));
    for (key, words) in [
        ("all_unhealthy", ["all", "none"]),
        ("lookup_failure", ["keep", "empty"]),
    ] {
        let word = own.pick(&words);
        world.line(format!("{key} = \"{word}\""));
    }
    let cache = own.pick(&["record", "fixed", "forever"]);
    world.line(format!("client_cache = \"{cache}\""));
    if cache == "fixed" {
        world.line(format!("client_ttl = {}", own.ms(5, 500)));
    }
    if own.flag() {
        world.line("resolve_on_failure = true");
        world.line(format!("min_resolution_interval = {}", own.ms(5, 300)));
    }
    let phase = World::phase(own);
    world.line(format!("cache_phase = {phase}"));
}

fn write_kubernetes(world: &mut World, own: &mut Dice) {
    world.line("profile = \"kubernetes\"");
    let leader = own.between(0, world.member_count - 1);
    world.line(format!("leader = {leader}"));
    let period = own.between(5, 300);
    world.line(format!("period = \"{period}ms\""));
    world.line(format!("timeout = \"{}ms\"", own.between(1, period)));
    let renewal = own.between(20, 300);
    world.line(format!("lease_renew_interval = \"{renewal}ms\""));
    let grace = own.between(renewal, 900);
    world.line(format!("node_monitor_grace_period = \"{grace}ms\""));
    // client-go elects nobody with other orders of these.
    let retry = own.between(5, 100);
    world.line(format!("manager_retry_period = \"{retry}ms\""));
    let deadline = own.between(retry * 6 / 5 + 1, 300);
    world.line(format!("manager_renew_deadline = \"{deadline}ms\""));
    let lease = own.between(deadline + 1, 400);
    world.line(format!("manager_lease_duration = \"{lease}ms\""));
    for (key, least_ms, most_ms) in [
        ("initial_delay", 0, 200),
        ("relist_period", 1, 100),
        ("status_sync_period", 5, 300),
        ("request_timeout", 5, 300),
        ("node_monitor_period", 5, 200),
        ("endpointslice_batch_period", 0, 100),
        ("reconnect_delay", 1, 100),
        ("read_idle_timeout", 5, 400),
        ("ping_timeout", 5, 200),
    ] {
        let length = own.ms(least_ms, most_ms);
        world.line(format!("{key} = {length}"));
    }
    for key in ["failure_threshold", "success_threshold"] {
        world.line(format!("{key} = {}", own.between(1, 4)));
    }
    let path = own.pick(&["queued", "bypass", "accept"]);
    world.line(format!("probe_path = \"{path}\""));
    if own.flag() {
        world.line(format!("min_sync_period = {}", own.ms(0, 200)));
    } else {
        world.line("consumer = \"watch\"");
    }
    let heartbeat = own.between(4, 60);
    world.line(format!("heartbeat_interval = \"{heartbeat}ms\""));
    let election = heartbeat * own.between(5, 12);
    world.line(format!("election_timeout = \"{election}ms\""));
    let phase = World::phase(own);
    world.line(format!("phase = {phase}"));
}

fn write_consul(world: &mut World, own: &mut Dice) {
    world.line("profile = \"consul\"");
    let leader = own.between(0, world.member_count - 1);
    world.line(format!("leader = {leader}"));
    let check = own.pick(&["http", "ttl", "tcp"]);
    world.line(format!("check = \"{check}\""));
    match check {
        "ttl" => {
            let ttl = own.between(20, 900);
            world.line(format!("ttl = \"{ttl}ms\""));
            world.line(format!("pass_interval = \"{}ms\"", own.between(5, ttl)));
        }
        "http" => {
            let path = own.pick(&["bypass", "queued", "deep"]);
            world.line(format!("path = \"{path}\""));
            if path != "bypass" {
                world.line(format!("check_service_time = {}", own.law(4)));
            }
        }
        _ => {}
    }
    world.line("interval = \"1s\"");
    for (key, least_ms, most_ms) in [
        ("timeout", 5, 400),
        ("check_update_interval", 0, 900),
        ("sync_interval", 50, 900),
        ("sync_retry_interval", 20, 300),
        ("wait", 20, 900),
        ("rpc_hold_timeout", 20, 900),
        ("rpc_client_timeout", 50, 900),
        ("reconcile_interval", 50, 900),
    ] {
        let length = own.ms(least_ms, most_ms);
        world.line(format!("{key} = {length}"));
    }
    for (key, words) in [
        ("status", &["critical", "passing"][..]),
        ("unknown_check", &["register", "ignore"][..]),
        ("consistency", &["default", "stale", "consistent"][..]),
        ("filter", &["passing", "not_critical", "any"][..]),
        ("changing_output", &["true", "false"][..]),
        ("use_cache", &["true", "false"][..]),
    ] {
        let word = own.pick(words);
        match key {
            "changing_output" | "use_cache" => world.line(format!("{key} = {word}")),
            _ => world.line(format!("{key} = \"{word}\"")),
        }
    }
    write_consul_rest(world, own);
}

fn write_consul_rest(world: &mut World, own: &mut Dice) {
    let critical = own.between(0, 3);
    world.line(format!("failures_before_critical = {critical}"));
    let warning = own.between(0, critical);
    world.line(format!("failures_before_warning = {warning}"));
    world.line(format!("success_before_passing = {}", own.between(0, 3)));
    world.line("raft_multiplier = 1");
    maybe(world, own, |own| format!("election_time = {}", own.law(50)));
    maybe(world, own, |_| {
        "deregister_critical_service_after = \"1m\"".to_string()
    });
    maybe(world, own, |own| {
        format!("check_reap_interval = {}", own.ms(20, 300))
    });
    let phase = World::phase(own);
    world.line(format!("phase = {phase}"));
    let (interval, timeout) = (own.between(20, 300), own.between(5, 20));
    world.line(format!(
        "gossip = {{ probe_interval = \"{interval}ms\", probe_timeout = \"{timeout}ms\", \
         gossip_interval = {}, push_pull_interval = {}, reconnect_interval = {} }}",
        own.ms(5, 50),
        own.ms(0, 900),
        own.ms(0, 900),
    ));
}

fn write_capacity(world: &mut World, own: &mut Dice) {
    let mut keys = vec![format!("cores = {}", own.between(1, 3))];
    for key in [
        "heartbeat_time",
        "read_time",
        "write_time",
        "proposal_time",
        "notify_time",
        "sync_time",
    ] {
        match own.between(0, 2) {
            0 => keys.push(format!("{key} = \"0s\"")),
            1 => keys.push(format!("{key} = \"{}us\"", own.between(1, 9_000))),
            _ => {}
        }
    }
    world.line(format!("capacity = {{ {} }}", keys.join(", ")));
}
