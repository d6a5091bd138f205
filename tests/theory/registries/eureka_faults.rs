//! What Eureka and its clients do when members, clients and links fail.

use super::deletions::world;
use super::stories::{fault, only, tell};

const DEFAULTS: &str = "profile = \"eureka\"";

/// A partition between some instances and all servers.
fn cut_off(target: &str, at: &str, length: &str) -> String {
    format!(
        "[fault.cut]\nkind = \"partition\"\nfrom = \"{target}\"\nto = \"registry:member/*\"\n\
         at = \"{at}\"\nfor = \"{length}\"\n"
    )
}

#[test]
fn the_loss_of_more_than_the_tolerated_share_removes_nobody() {
    for seed in 0..5 {
        // 16 of 100 cannot reach the registry for 5 minutes: nothing happens until they return. As
        // soon as enough of them renew, the leases of the others may end, until they renew as well.
        let lost = cut_off("group:s/far", "100s", "5m");
        let world = |far: u32, registry: &str| {
            let groups = format!(
                "group = {{ near = {{ count = {} }}, far = {{ count = {far} }} }}",
                100 - far
            );
            world(900, seed, 100, registry, &lost).replace("count = 100\n", &format!("{groups}\n"))
        };
        let story = tell(&world(16, DEFAULTS));
        let end = 400.0;
        assert!(
            story
                .suspicions
                .iter()
                .all(|(at, _)| end < *at && *at < end + 120.0)
        );
        assert!(story.exclusions.iter().all(|at| end < *at));
        assert_eq!(story.exclusions.len(), story.inclusions.len());
        // 14 of 100 are removed, although they serve, and come back.
        let story = tell(&world(14, DEFAULTS));
        assert_eq!((story.suspicions.len(), story.exclusions.len()), (14, 14));
        assert_eq!(story.inclusions.len(), 14);
        let back = |at: &f64| (400.0..540.0).contains(at);
        assert!(story.inclusions.iter().all(back), "{:?}", story.inclusions);
        // Without self-preservation all 16 go; no cycle ends more than the share.
        let story = tell(&world(
            16,
            "profile = \"eureka\"\nself_preservation = false",
        ));
        assert_eq!(story.exclusions.len(), 16);
    }
}

#[test]
fn clients_turn_to_the_next_server_when_theirs_dies_and_nobody_is_lost() {
    for kind in ["crash", "host_loss"] {
        let faults = fault("server", kind, "registry:member/0", "100s", "20m");
        let story = tell(&world(1_500, 3, 20, DEFAULTS, &faults));
        assert!(
            story.suspicions.is_empty() && story.exclusions.is_empty(),
            "{kind}"
        );
        // A server that is alone with a third of the renewals would not evict anybody either:
        // the others do.
        let more = faults + &fault("dead", "crash", "instance:s/main/0", "200s", "20m");
        let story = tell(&world(1_500, 3, 20, DEFAULTS, &more));
        let window = only(&story.excluded) - 200.0;
        assert!((150.0..331.0).contains(&window), "{window}");
    }
}

#[test]
fn callers_keep_their_lists_while_all_servers_are_down_and_new_ones_start_empty() {
    let outage = fault("out", "registry_outage", "registry:member/*", "100s", "10m");
    let story = tell(&world(1_800, 1, 20, DEFAULTS, &outage));
    assert_eq!(story.candidate_counts.len(), 1, "only the first list");
    assert!(story.suspicions.is_empty());
    let restart = outage + &fault("restart", "crash", "caller:c/0", "200s", "1s");
    let story = tell(&world(1_800, 1, 20, DEFAULTS, &restart));
    let [_, empty, back] = story.candidate_counts[..] else {
        panic!("{:?}", story.candidate_counts);
    };
    assert_eq!(empty, (201.0, 0));
    // Back at 700 s, the servers look for each other in five rounds, 30 s apart, find nothing, and
    // hand out nothing for 5 minutes more. By then everybody has registered again.
    assert_eq!(back.1, 20);
    let expected = 700.0 + 120.0 + 300.0;
    assert!((expected..expected + 95.0).contains(&back.0), "{back:?}");
}

#[test]
fn a_server_that_started_empty_ends_no_lease_until_it_counts_its_clients() {
    let faults = fault("out", "registry_outage", "registry:member/*", "100s", "10s")
        + &fault("dead", "crash", "instance:s/main/0", "400s", "50m");
    let crashed = |more: &str| {
        let registry = format!("{DEFAULTS}\nmembers = 1\nsync_retries = 0\n{more}");
        tell(&world(3_000, 1, 20, &registry, &faults))
    };
    // Nothing is expected until 15 minutes after 110 s.
    let at = only(&crashed("").suspected);
    assert!((1_010.0..1_070.0 + 60.0).contains(&at), "{at}");
    // Spring Cloud expects one client from the start, so registrations count.
    let at = only(&crashed("open_for_traffic_count = 1").suspected);
    assert!((550.0..640.1).contains(&at), "{at}");
}

#[test]
fn a_server_that_starts_takes_over_the_leases_of_a_peer() {
    let faults = fault("server", "crash", "registry:member/1", "100s", "30s")
        + &fault("dead", "crash", "instance:s/main/0", "400s", "20m");
    let story = tell(&world(1_500, 2, 20, DEFAULTS, &faults));
    let window = only(&story.excluded) - 400.0;
    assert!((150.0..331.0).contains(&window), "{window}");
    assert_eq!(story.suspicions.len(), 1);
}

#[test]
fn a_new_instance_registers_with_its_first_heartbeat_and_is_used_within_two_minutes() {
    let join = "[fault.join]\nkind = \"scale_out\"\ngroup = \"s/main\"\ncount = 1\nat = \"100s\"\n";
    for seed in 0..20 {
        let story = tell(&world(400, seed, 10, DEFAULTS, join));
        let window = only(&story.inclusions) - 100.0;
        // The heartbeat after 30 s is not known, and registers; at 40 s it would have done so.
        assert!((30.0..121.0).contains(&window), "{window}");
        let registry = format!("{DEFAULTS}\nregister_on_start = true");
        let story = tell(&world(400, seed, 10, &registry, join));
        let window = only(&story.inclusions) - 100.0;
        assert!((0.0..91.0).contains(&window), "{window}");
    }
}

#[test]
fn an_instance_that_restarts_within_its_lease_is_never_missed() {
    for seed in 0..10 {
        let restart = fault("restart", "crash", "instance:s/main/0", "100s", "60s");
        let story = tell(&world(600, seed, 20, DEFAULTS, &restart));
        assert!(story.exclusions.is_empty() && story.suspicions.is_empty());
    }
}

#[test]
fn servers_that_do_not_reach_each_other_go_on_serving_both_sides() {
    // Each keeps all leases: a side that hears too few renewals preserves itself.
    let cut = "[fault.cut]\nkind = \"partition\"\nfrom = \"registry:member/0\"\n\
               to = \"registry:member/1\"\nat = \"100s\"\nfor = \"20m\"\n";
    let registry = "profile = \"eureka\"\nmembers = 2";
    let story = tell(&world(2_000, 5, 30, registry, cut));
    assert!(story.suspicions.is_empty() && story.exclusions.is_empty());
    // Without self-preservation each ends the leases of the other one's clients.
    let registry = format!("{registry}\nself_preservation = false");
    let story = tell(&world(2_000, 5, 30, &registry, cut));
    assert!(!story.exclusions.is_empty());
    assert_eq!(
        story.exclusions.len(),
        story.inclusions.len(),
        "and learns of them again"
    );
}

#[test]
fn a_server_that_stood_still_makes_up_for_its_own_pause() {
    // It pauses for 200 s, more than every lease: the compensation spares those who renewed.
    let pause = fault("gc", "pause", "registry:member/0", "100s", "200s");
    for seed in 0..10 {
        let registry = format!("{DEFAULTS}\nmembers = 1\nself_preservation = false");
        let story = tell(&world(600, seed, 20, &registry, &pause));
        assert!(story.suspicions.is_empty(), "{:?}", story.suspicions);
    }
}
