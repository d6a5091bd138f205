//! etcd 3.4.23: leases as recorded, and what its rules say beyond that.

use serde_json::Value;

use super::deletions::{again_and_again, watch, world};
use super::stories::{fault, only, tell};
use super::two_samples::assert_alike;

/// Ends of a lease that are simulated for each cell of the recording.
const CYCLE_COUNT: u64 = 1_000;
/// Each recorded sample is compared at this level.
const LEVEL: f64 = 0.01;
/// A deletion reaches a watcher at most this late; the recording saw 2 ms.
const DELIVERY_SECS: f64 = 0.026;

#[test]
fn leases_expire_as_recorded() {
    let file: Value =
        serde_json::from_str(include_str!("../../data/recorded/etcd-lease.json")).expect("JSON");
    let records = file["records"].as_array().expect("a list");
    for (requested, granted) in [(1, 2), (2, 2), (5, 5), (10, 10)] {
        let recorded: Vec<f64> = records
            .iter()
            .filter(|record| record[0] == requested)
            .inspect(|record| assert_eq!(record[1], granted))
            .map(|record| record[2].as_f64().expect("a number"))
            .collect();
        let registry = format!("profile = \"etcd\"\nmembers = 1\nlease_ttl = \"{requested}s\"");
        let faults = again_and_again("crash", 30, (30, 60));
        let seen = watch(&world(75 * CYCLE_COUNT, 1, 1, &registry, &faults));
        assert_eq!(seen.missed_count, 0);
        assert!(CYCLE_COUNT <= seen.deletions.len() as u64);
        let deletions = seen.deletions.iter();
        let after: Vec<f64> = deletions.map(|d| d.after_last_message).collect();
        let ttl = f64::from(granted);
        for time in &after {
            assert!(ttl <= *time && *time <= ttl + 0.5 + DELIVERY_SECS, "{time}");
        }
        assert_alike(&format!("{requested} s"), LEVEL, &recorded, &after);
    }
}

#[test]
fn a_restart_gives_leases_their_time_again_and_an_election_timeout() {
    // Recorded with one member: removed 1.1 s to 1.45 s plus the time to live after it served
    // again. It serves after one to two election timeouts.
    for seed in 0..40 {
        let faults = fault("dead", "crash", "instance:s/main/0", "25s", "200s")
            + &fault("restart", "crash", "registry:member/0", "30s", "2s");
        let registry = "profile = \"etcd\"\nmembers = 1";
        let story = tell(&world(100, seed, 5, registry, &faults));
        let after = only(&story.suspected) - 32.0 - 10.0;
        assert!(
            1.0 + 1.0 < after && after <= 2.0 + 0.02 + 1.0 + 0.5,
            "{after}"
        );
        assert_eq!(story.suspicions.len(), 1);
    }
}

#[test]
fn a_dead_leader_is_replaced_after_an_election_timeout_and_lengthens_every_lease() {
    for seed in 0..40 {
        let faults = fault("dead", "crash", "instance:s/main/0", "29900ms", "200s")
            + &fault("leader", "crash", "registry:member/0", "30s", "200s");
        let story = tell(&world(100, seed, 20, "profile = \"etcd\"", &faults));
        // The followers heard the leader 0.1 s before at most, and wait one to two timeouts, of
        // which the shorter wait counts.
        let after = only(&story.suspected) - 30.0 - 10.0;
        assert!(
            0.9 + 1.0 < after && after <= 2.0 + 0.1 + 1.0 + 0.5,
            "{after}"
        );
        assert_eq!(story.suspicions.len(), 1, "no live lease is lost");
    }
}

#[test]
fn without_a_quorum_nothing_expires() {
    for seed in 0..10 {
        let faults = fault("one", "crash", "registry:member/1", "30s", "60s")
            + &fault("two", "crash", "registry:member/2", "30s", "60s")
            + &fault("dead", "crash", "instance:s/main/0", "35s", "200s");
        let story = tell(&world(200, seed, 5, "profile = \"etcd\"", &faults));
        let gone = only(&story.excluded) - 90.0;
        assert!(11.0 < gone && gone < 16.0, "{gone}");
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

/// What a client sent on sockets that it closed meanwhile reaches nobody, so it does not disturb
/// the connection that it has when the cut is over.
#[test]
fn a_cut_of_either_direction_costs_every_instance_one_lease() {
    // The last answer came at most 3.5 s before the cut. Where keepalives do not arrive, the lease
    // ends 10 s after that one, at the next look. Where only answers do not, they go on until the
    // client gives its lease up, so it ends 10 s later.
    for (from, to, least, most) in [
        ("service:s", "registry:member/*", 6.4, 10.6),
        ("registry:member/*", "service:s", 15.9, 20.6),
    ] {
        let cut = format!(
            "[fault.cut]\nkind = \"partition\"\nfrom = \"{from}\"\nto = \"{to}\"\n\
             symmetric = false\nat = \"60s\"\nfor = \"120s\"\n"
        );
        for seed in 0..10 {
            let story = tell(&world(500, seed, 5, "profile = \"etcd\"", &cut));
            assert_eq!(story.suspicions.len(), 5, "{from}: {:?}", story.suspicions);
            for (at, _) in &story.suspicions {
                assert!((60.0 + least..60.0 + most).contains(at), "{from}: {at}");
            }
            // Who waits for an answer gives up after 5 s and asks again 0.5 s later.
            assert_eq!(story.inclusions.len(), 5);
            let is_back = |at: &f64| (180.0..185.7).contains(at);
            assert!(
                story.inclusions.iter().all(is_back),
                "{:?}",
                story.inclusions
            );
        }
    }
}

#[test]
fn a_restarted_instance_takes_its_key_over() {
    let faults = fault("restart", "crash", "instance:s/main/0", "30s", "1s");
    let story = tell(&world(100, 3, 5, "profile = \"etcd\"", &faults));
    // The key belongs to the new lease when the old one ends: nobody notices anything.
    assert!(story.suspected.is_empty() && story.excluded.is_empty());
}

#[test]
fn a_pause_longer_than_the_time_to_live_loses_the_lease_and_a_shorter_one_does_not() {
    for seed in 0..20 {
        let long = fault("gc", "pause", "instance:s/main/0", "30s", "20s");
        let story = tell(&world(100, seed, 5, "profile = \"etcd\"", &long));
        let suspected = only(&story.suspected);
        assert!(36.4 < suspected && suspected < 40.6, "{suspected}");
        let back = only(&story.included);
        assert!(50.0 < back && back < 50.2, "{back}");
        let short = fault("gc", "pause", "instance:s/main/0", "30s", "6400ms");
        let story = tell(&world(100, seed, 5, "profile = \"etcd\"", &short));
        assert!(story.suspicions.is_empty());
    }
}

#[test]
fn sixteen_revocations_at_once_make_a_mass_expiry_slow() {
    // One hop of 5 ms for each batch of at most 16: the disk is the only thing that takes time.
    let registry = "profile = \"etcd\"\nmembers = 1\ncapacity = { proposal_time = \"0s\" }";
    let faults = fault("lost", "crash", "400 random of service:s", "30s", "100s");
    let story = tell(&world(60, 1, 500, registry, &faults));
    assert_eq!((story.suspicions.len(), story.exclusions.len()), (400, 400));
    let at_once = |time: f64| {
        let publications = story.publications.iter();
        publications.filter(|at| (**at - time).abs() < 1e-9).count()
    };
    // Revocations of one sync are applied together and published once.
    assert!(story.publications.iter().all(|at| at_once(*at) == 1));
    assert!(
        400 / 16 <= story.publications.len(),
        "{}",
        story.publications.len()
    );
}

#[test]
fn a_checkpoint_keeps_a_new_leader_from_starting_a_lease_over() {
    // Kept alive at 30 s for the last time, 100 s to live, checkpoints every 20 s; the leader
    // dies at 85 s.
    let with = |more: &str| {
        let registry = format!("profile = \"etcd\"\nlease_ttl = \"100s\"\n{more}");
        let faults = fault("dead", "crash", "instance:s/main/0", "40s", "400s")
            + &fault("leader", "crash", "registry:member/0", "85s", "400s");
        only(&tell(&world(300, 1, 3, &registry, &faults)).excluded)
    };
    let without = with("");
    assert!(
        85.0 + 100.0 < without && without < 85.0 + 105.0,
        "{without}"
    );
    let kept = with("checkpoint_interval = \"20s\"");
    assert!(kept < without - 30.0, "{kept}");
}
