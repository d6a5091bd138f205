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
    match own.flag() {
        true => write_zookeeper(world, own),
        false => write_etcd(world, own),
    }
    write_capacity(world, own);
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
