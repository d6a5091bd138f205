//! Kubernetes against the laws of its probes, its relists and its node leases.

use super::deletions::world;
use super::stories::{Story, fault, only, tell};
use super::uniform_sums::assert_sum;
use crate::detection::{crashing_world, detections};
use crate::support::cases::Pass;

const THREE: &str = "profile = \"kubernetes\"";
const RUN_COUNT: u64 = 300;

/// Pauses that outlast detection, seen by readiness probes.
pub fn probe_detection(pass: Pass) {
    detections("probe_detection", pass, |study, crash_count| {
        let interval = study.number("interval");
        let registry = format!(
            "[registry]\nprofile = \"kubernetes\"\nmembers = 1\nperiod = \"{interval}s\"\n\
             timeout = \"{}s\"\nfailure_threshold = {}\n",
            study.number("timeout"),
            study.count("failures")
        );
        let text = crashing_world(crash_count, interval, 0.0, &registry);
        (
            text.replace("kind = \"crash\"", "kind = \"pause\""),
            interval,
        )
    });
}

fn end(seed: u64, count: u32, registry: &str, kind: &str, length: &str) -> Story {
    let dead = fault("dead", kind, "instance:s/main/0", "100s", length);
    tell(&world(220, seed, count, registry, &dead))
}

#[test]
fn a_dead_container_is_seen_at_the_next_relist_and_unlisted_two_writes_later() {
    let mut sample = Vec::new();
    for seed in 0..RUN_COUNT {
        let story = end(seed, 5, THREE, "crash", "50s");
        let suspected = only(&story.suspected) - 100.0;
        let excluded = only(&story.excluded) - 100.0;
        assert!(0.0 < suspected && suspected <= 1.0, "{suspected}");
        // Two writes, each agreed on by three members with a sync of 5 ms, and a notification.
        let commits = excluded - suspected;
        assert!((0.010..0.030).contains(&commits), "{commits}");
        sample.push(suspected);
        // It runs again at 150 s; the kubelet sees that within a second and probes it at once.
        let back = only(&story.included) - 150.0;
        assert!(0.0 < back && back <= 1.03, "{back}");
    }
    assert_sum("relist", &sample, 0.0, &[1.0]);
}

#[test]
fn a_lost_host_is_marked_when_its_lease_has_not_changed_for_the_grace_period() {
    let mut sample = Vec::new();
    for seed in 0..RUN_COUNT {
        let story = end(seed, 3, THREE, "host_loss", "90s");
        let suspected = only(&story.suspected) - 100.0;
        // The last renewal was up to 10.4 s before; a look within 5 s saw it, and 40 s later one
        // finds it late.
        assert!(29.59 < suspected && suspected <= 45.01, "{suspected}");
        sample.push(suspected);
        // The kubelet that starts again probes within a period.
        let back = only(&story.included) - 190.0;
        assert!(0.0 < back && back <= 10.03, "{back}");
        assert_eq!(story.suspicions.len(), 1);
    }
    // Renewals are 10 s apart and up to 4 % more.
    assert_sum("lease", &sample, 29.8, &[5.0, 10.2]);
}

#[test]
fn the_grace_period_of_later_releases_is_ten_seconds_longer() {
    let registry = format!("{THREE}\nnode_monitor_grace_period = \"50s\"");
    for seed in 0..20 {
        let suspected = only(&end(seed, 3, &registry, "host_loss", "90s").suspected) - 100.0;
        assert!(39.59 < suspected && suspected <= 55.01, "{suspected}");
    }
}

#[test]
fn instances_of_one_host_are_marked_together() {
    let lost = fault("lost", "host_loss", "host:s/main/0", "100s", "90s");
    let text = world(200, 4, 6, THREE, &lost).replace(
        "service_time = \"1ms\"\n",
        "service_time = \"1ms\"\ninstances_per_host = 3\n",
    );
    let story = tell(&text);
    assert_eq!(story.suspicions.len(), 3);
    assert!(
        story
            .suspicions
            .iter()
            .all(|s| s.0 == story.suspicions[0].0)
    );
}

#[test]
fn a_short_pause_passes_and_a_lost_host_that_is_back_soon_is_only_not_ready_for_a_while() {
    for seed in 0..20 {
        // Two probes may fail, the third comes 20 s after the first.
        assert!(end(seed, 3, THREE, "pause", "20s").suspicions.is_empty());
        let story = end(seed, 3, THREE, "host_loss", "20s");
        assert!(story.suspicions.is_empty());
        let window = only(&story.included) - only(&story.excluded);
        assert!(0.0 < window && window <= 10.03, "{window}");
    }
}

#[test]
fn probes_see_what_their_path_says() {
    // A server whose only worker is stuck for good, and one that stands still.
    let seen = |path: &str, kind: &str| {
        let registry = format!("{THREE}\nprobe_path = \"{path}\"");
        let more = if kind == "slow" { "factor = 1e6\n" } else { "" };
        let bad = fault("bad", kind, "instance:s/main/0", "60s", "100s") + more;
        let text = world(200, 3, 1, &registry, &bad).replace(
            "{ process = \"renewal\", gap = \"100s\" }",
            "{ process = \"poisson\", rate = \"5/s\" }",
        );
        let text = text.replace("[service.s]\n", "[service.s]\nworkers = 1\n");
        tell(&text).suspicions.len()
    };
    assert_eq!(seen("queued", "slow"), 1);
    assert_eq!(seen("bypass", "slow"), 0);
    assert_eq!(seen("queued", "pause"), 1);
    assert_eq!(seen("bypass", "pause"), 1);
    assert_eq!(seen("accept", "pause"), 0);
}

#[test]
fn leaving_takes_two_writes_and_coming_a_relist_and_the_initial_delay() {
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"60s\"\nfor = \"40s\"\ngrace = \"5s\"\n";
    for (delay, least, most) in [("0s", 0.0, 1.03), ("15s", 15.0, 26.1)] {
        let registry = format!("{THREE}\ninitial_delay = \"{delay}\"");
        let story = tell(&world(200, 1, 10, &registry, leave));
        let left = only(&story.exclusions) - 60.0;
        assert!((0.010..0.030).contains(&left), "{left}");
        let came = only(&story.inclusions) - 100.0;
        assert!(least < came && came <= most, "{delay}: {came}");
        assert!(story.suspicions.is_empty());
    }
}

#[test]
fn kube_proxy_syncs_twice_at_once_and_then_every_second() {
    let crashes: String = (0..6)
        .map(|place| {
            let target = format!("instance:s/main/{place}");
            let at = format!("{}ms", 100_000 + 100 * place);
            fault(&format!("f{place}"), "crash", &target, &at, "90s")
        })
        .collect();
    let times = |consumer: &str| {
        let registry = format!("{THREE}\nrelist_period = \"1ms\"\nconsumer = \"{consumer}\"");
        let mut times = tell(&world(180, 1, 10, &registry, &crashes)).exclusions;
        assert_eq!(times.len(), 6);
        times.dedup();
        times.iter().map(|at| at - 100.0).collect::<Vec<f64>>()
    };
    let watched = times("watch");
    assert_eq!(watched.len(), 6);
    assert!(*watched.last().expect("six") < 0.55);
    // At 0 and 0.1 s, and a second after the latter.
    let proxied = times("kube_proxy");
    assert_eq!(proxied.len(), 3, "{proxied:?}");
    assert!((proxied[2] - proxied[1] - 1.0).abs() < 1e-6, "{proxied:?}");
}

#[test]
fn a_control_plane_without_a_majority_freezes_endpoints_and_marks_nobody_afterwards() {
    for seed in 0..10 {
        let outage = fault("out", "crash", "registry:member/*", "60s", "100s");
        let dead = fault("dead", "crash", "instance:s/main/0", "80s", "200s");
        let story = tell(&world(300, seed, 10, THREE, &format!("{outage}{dead}")));
        // The kubelet knows at once, the callers when somebody writes it down: within the 10 s of
        // its next try.
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
        assert!(only(&story.suspected) <= 81.0);
        let at = only(&story.exclusions);
        assert!((160.0..175.0).contains(&at), "{at}");
    }
}

#[test]
fn members_die_and_come_back_and_no_instance_is_lost() {
    for kind in ["crash", "host_loss", "pause"] {
        for member in 0..3 {
            let target = format!("registry:member/{member}");
            let faults = fault("member", kind, &target, "60s", "100s");
            let story = tell(&world(300, member, 20, THREE, &faults));
            assert!(story.suspicions.is_empty(), "{:?}", story.suspicions);
            assert!(story.exclusions.is_empty());
        }
    }
}

#[test]
fn controllers_that_take_over_give_every_node_the_full_grace_period() {
    // They die at 110 s with their member and start over 13 to 19.4 s later, 1.6 s more for etcd.
    let host = fault("host", "host_loss", "instance:s/main/0", "100s", "150s");
    let member = fault("member", "host_loss", "registry:member/0", "110s", "120s");
    for seed in 0..20 {
        let story = tell(&world(280, seed, 5, THREE, &format!("{host}{member}")));
        let suspected = only(&story.suspected) - 110.0;
        assert!((53.0..66.0).contains(&suspected), "{suspected}");
    }
}

#[test]
fn a_host_that_is_cut_off_is_marked_and_ready_again_after_its_next_renewal() {
    let cut = "[fault.cut]\nkind = \"partition\"\nfrom = \"instance:s/main/0\"\n\
               to = \"registry:member/*\"\nat = \"60s\"\nfor = \"60s\"\n";
    for seed in 0..20 {
        let story = tell(&world(300, seed, 5, THREE, cut));
        let suspected = only(&story.suspected) - 60.0;
        assert!(29.5 < suspected && suspected <= 45.1, "{suspected}");
        let back = only(&story.included) - 120.0;
        assert!(0.0 < back && back < 31.0, "{back}");
    }
}

/// A watch that its client gave up while it could not get through reaches nobody afterwards, so it
/// does not take the place of the one that the client has by then.
#[test]
fn who_was_cut_off_hears_of_changes_as_soon_as_its_new_watch_is_open() {
    let cut = "[fault.cut]\nkind = \"partition\"\nfrom = \"client:c\"\n\
               to = \"registry:member/*\"\nsymmetric = false\nat = \"60s\"\nfor = \"240s\"\n";
    // A watch is given up after 10 s without an answer, so 30 s later one is open.
    let dead = fault("dead", "crash", "instance:s/main/0", "330s", "100s");
    for seed in 0..20 {
        let story = tell(&world(400, seed, 5, THREE, &format!("{cut}{dead}")));
        let excluded = only(&story.excluded) - 330.0;
        assert!(0.0 < excluded && excluded < 1.03, "{seed}: {excluded}");
    }
}
