//! Nacos against the composition of its stages.

use super::deletions::world;
use super::stories::{Story, fault, only, tell};
use super::uniform_sums::assert_sum;

const ONE: &str = "profile = \"nacos\"\nmembers = 1";
const RUN_COUNT: u64 = 400;

fn crash(seed: u64, count: u32, registry: &str, target: &str) -> Story {
    let dead = fault("dead", "crash", target, "60s", "100s");
    tell(&world(120, seed, count, registry, &dead))
}

#[test]
fn a_dead_instance_is_unlisted_after_10_to_20_seconds_and_the_push() {
    // The last beat is up to 5 s old; 15 s of silence; the next look within 5 s; 500 ms until it is
    // pushed.
    let windows = |registry: &str, start: f64| {
        let sample: Vec<f64> = (0..RUN_COUNT)
            .map(|seed| {
                let story = crash(seed, 5, registry, "instance:s/main/0");
                only(&story.excluded) - 60.0
            })
            .collect();
        assert_sum(registry, &sample, start, &[5.0, 5.0]);
    };
    windows(ONE, 10.5);
    windows(
        &format!("{ONE}\nbeat_timeout = \"6s\"\npush_delay = \"0s\""),
        1.0,
    );
}

#[test]
fn three_servers_take_no_longer_than_their_own_news() {
    // A beat that is passed on, changes among servers after 1 s, and a push of each: at most.
    for seed in 0..40 {
        let story = crash(seed, 20, "profile = \"nacos\"", "instance:s/main/0");
        let window = only(&story.excluded) - 60.0;
        assert!((10.5..22.1).contains(&window), "{window}");
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

#[test]
fn a_service_of_which_no_instance_is_healthy_is_listed_whole_until_it_is_removed() {
    let story = crash(3, 4, ONE, "service:s");
    // Removed after 30 s of silence, at the next look: 25 s to 35 s after the crash.
    let (at, count) = *story.candidate_counts.last().expect("it changed");
    assert_eq!(count, 0);
    assert!((85.5..95.6).contains(&at), "{at}");
    // Before, callers saw some of them leave, and all of them come back when the last one was
    // unhealthy, within the same push or a later one.
    let listed_whole = |(at, count): &(f64, usize)| *count == 4 && 70.0 < *at && *at < 85.5;
    let partly = story
        .candidate_counts
        .iter()
        .any(|(_, count)| 0 < *count && *count < 4);
    assert_eq!(story.candidate_counts.iter().any(listed_whole), partly);
}

#[test]
fn a_threshold_keeps_all_of_them_listed_and_heals_nobody() {
    // 5 of 10 die: a share of 0.5 is no more than 0.5, so all are listed until they are removed.
    let registry = format!("{ONE}\nprotect_threshold = 0.5");
    let story = crash(5, 10, &registry, "5 random of service:s");
    assert_eq!(story.suspicions.len(), 5);
    // As they are removed, the share of the healthy rises above the threshold.
    assert!(
        story.exclusions.iter().all(|at| 85.0 < *at),
        "{:?}",
        story.exclusions
    );
    assert_eq!(story.exclusions.len(), 5);
}

#[test]
fn pauses_longer_than_the_beat_timeout_are_mistakes_and_shorter_ones_are_not() {
    for seed in 0..10 {
        let pause = |length: &str| {
            let gc = fault("gc", "pause", "instance:s/main/0", "60s", length);
            tell(&world(150, seed, 5, "profile = \"nacos\"", &gc))
        };
        assert!(pause("9s").suspicions.is_empty());
        let story = pause("26s");
        assert_eq!(story.suspicions.len(), 1);
        let back = only(&story.included) - 86.0;
        assert!((0.4..2.1).contains(&back), "{back}");
    }
}

#[test]
fn leaving_and_coming_take_a_push() {
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"60s\"\nfor = \"20s\"\ngrace = \"5s\"\n";
    let story = tell(&world(120, 1, 10, ONE, leave));
    for (at, since) in [
        (only(&story.exclusions), 60.0),
        (only(&story.inclusions), 80.0),
    ] {
        assert!((0.5..0.6).contains(&(at - since)), "{at}");
    }
    assert!(story.suspicions.is_empty());
}

#[test]
fn servers_die_and_come_back_and_no_instance_is_lost() {
    for kind in ["crash", "host_loss"] {
        for seed in 0..5 {
            let faults = fault("server", kind, "registry:member/0", "60s", "60s");
            let story = tell(&world(300, seed, 20, "profile = \"nacos\"", &faults));
            // A dead process answers; a lost host does not, and beats that are passed on to it are
            // lost until the others notice. Whoever is taken for dead meanwhile comes back.
            let is_lost = !story.suspicions.is_empty();
            assert!(!is_lost || kind == "host_loss", "{:?}", story.suspicions);
            assert_eq!(story.exclusions.len(), story.inclusions.len());
        }
    }
    // All at once: callers keep their lists.
    let outage = fault("out", "registry_outage", "registry:member/*", "60s", "60s");
    let story = tell(&world(200, 1, 20, "profile = \"nacos\"", &outage));
    assert!(story.suspicions.is_empty());
}

const GRPC: &str = "profile = \"nacos\"\nmembers = 1\nclient = \"grpc\"";

#[test]
fn a_reset_connection_unlists_its_instance_at_the_next_push() {
    for (registry, most) in [(GRPC.to_string(), 0.6), (GRPC.replace("= 1", "= 3"), 2.2)] {
        for seed in 0..40 {
            let story = crash(seed, 10, &registry, "instance:s/main/0");
            let suspected = only(&story.suspected) - 60.0;
            assert!((0.0..0.001).contains(&suspected), "{suspected}");
            let window = only(&story.excluded) - 60.0;
            assert!((0.5..most).contains(&window), "{window}");
            // A process that starts registers at once.
            let story_end = tell(&world(
                180,
                seed,
                10,
                &registry,
                &fault("dead", "crash", "instance:s/main/0", "60s", "60s"),
            ));
            let back = only(&story_end.included) - 120.0;
            assert!((0.5..most).contains(&back), "{back}");
        }
    }
}

#[test]
fn a_silent_client_is_asked_after_20_seconds_and_gone_5_seconds_later() {
    // Its last sign of life is up to 5 s old; after 20 s of silence the next look comes within 3 s
    // and asks; 5 s without an answer.
    for (kind, length) in [("host_loss", "100s"), ("pause", "100s")] {
        let dead = fault("dead", kind, "instance:s/main/0", "60s", length);
        let sample: Vec<f64> = (0..RUN_COUNT)
            .map(|seed| only(&tell(&world(120, seed, 3, GRPC, &dead)).suspected) - 60.0)
            .collect();
        assert_sum(kind, &sample, 20.0, &[5.0, 3.0]);
        assert!(sample.iter().all(|t| (19.99..28.01).contains(t)));
    }
    // A shorter pause is answered in time: 15 s after the last sign of life nobody asks yet.
    for seed in 0..40 {
        let gc = fault("gc", "pause", "instance:s/main/0", "60s", "19s");
        assert!(tell(&world(120, seed, 3, GRPC, &gc)).suspicions.is_empty());
    }
}

#[test]
fn clients_of_a_server_that_dies_register_anew_before_they_are_missed() {
    for kind in ["crash", "host_loss"] {
        for seed in 0..10 {
            let registry = GRPC.replace("= 1", "= 3");
            let faults = fault("server", kind, "registry:member/1", "60s", "60s");
            let story = tell(&world(400, seed, 20, &registry, &faults));
            // The other servers keep what it told them for three minutes.
            assert!(
                story.suspicions.is_empty(),
                "{kind}: {:?}",
                story.suspicions
            );
            assert!(
                story.exclusions.is_empty(),
                "{kind}: {:?}",
                story.exclusions
            );
        }
    }
}
