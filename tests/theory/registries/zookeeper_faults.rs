//! What ZooKeeper and its clients do when members, clients and links fail.

use std::collections::BTreeMap;

use stormglass::model::observation::{ControlKind, Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::{fault, only, tell};
use crate::support::{run_alone, scenario};

const DEFAULTS: &str = "profile = \"zookeeper\"";

#[test]
fn without_a_quorum_nothing_expires_and_then_every_session_gets_its_full_timeout() {
    for seed in 0..20 {
        // Two of three members are gone from 30 s to 90 s, and an instance dies at 35 s.
        let faults = fault("one", "crash", "registry:member/1", "30s", "60s")
            + &fault("two", "crash", "registry:member/2", "30s", "60s")
            + &fault("dead", "crash", "instance:s/main/0", "35s", "200s");
        let story = tell(&world(200, seed, 5, DEFAULTS, &faults));
        // From the election after 90 s: the timeout, and up to a tick.
        let after = only(&story.excluded) - 90.0;
        assert!(10.4 < after && after < 10.77 + 2.0 + 0.05, "{after}");
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

#[test]
fn a_minority_without_its_leader_cannot_go_on_and_a_majority_can() {
    for seed in 0..20 {
        // The leader is cut off from the others, and the instance dies at 35 s. The followers
        // wait for syncLimit ticks, elect one of themselves, and start over with its timeout.
        let cut = |member: u32| {
            format!(
                "[fault.cut-{member}]\nkind = \"partition\"\nfrom = \"registry:member/0\"\n\
                 to = \"registry:member/{member}\"\nat = \"30s\"\nfor = \"100s\"\n"
            )
        };
        let faults = cut(1) + &cut(2) + &fault("dead", "crash", "instance:s/main/0", "35s", "200s");
        let registry = "profile = \"zookeeper\"\nsession_timeout = \"30s\"";
        let story = tell(&world(200, seed, 5, registry, &faults));
        let at = only(&story.excluded);
        // Heard at 29 s to 30 s, so the followers look from 39 s to 40 s on.
        assert!(
            39.0 + 0.4 + 30.0 < at && at < 40.0 + 0.77 + 32.0 + 1.0,
            "{at}"
        );
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

#[test]
fn an_instance_that_restarts_at_once_finds_its_old_node() {
    let faults = fault("restart", "crash", "instance:s/main/0", "30s", "1s");
    let with = |more: &str| tell(&world(100, 3, 5, &format!("{DEFAULTS}\n{more}"), &faults));
    // Deleted and created again: a watcher sees at most a short gap, and no suspicion.
    let story = with("node_exists = \"replace\"");
    assert!(story.suspected.is_empty());
    assert_eq!(story.excluded.len(), story.included.len());
    for (gone, back) in story.excluded.iter().zip(&story.included) {
        assert!(back - gone < 0.1, "{gone} to {back}");
    }
    // Taken for its own: it goes with the old session and does not come back.
    let story = with("node_exists = \"skip\"");
    let gone = only(&story.excluded);
    assert!(30.0 + 6.6 < gone && gone < 30.0 + 13.1, "{gone}");
    assert!(story.included.is_empty() && story.trusted.is_empty());
    // A name of its own: nobody notices anything.
    let story = with("identity = \"new\"");
    assert!(story.excluded.is_empty() && story.suspected.is_empty());
}

#[test]
fn a_pause_longer_than_the_timeout_loses_the_session_and_a_shorter_one_does_not() {
    for seed in 0..20 {
        let long = fault("gc", "pause", "instance:s/main/0", "30s", "20s");
        let story = tell(&world(100, seed, 5, DEFAULTS, &long));
        let suspected = only(&story.suspected);
        assert!(36.6 < suspected && suspected < 43.1, "{suspected}");
        // It wakes up at 50 s, sees that it is cut off, connects within a second, learns that it
        // expired, and registers anew.
        let back = only(&story.included);
        assert!(50.0 < back && back < 51.2, "{back}");
        // A ping at least every 3.4 s: 6.5 s are never enough.
        let short = fault("gc", "pause", "instance:s/main/0", "30s", "6500ms");
        assert!(
            tell(&world(100, seed, 5, DEFAULTS, &short))
                .suspicions
                .is_empty()
        );
    }
}

#[test]
fn callers_keep_their_lists_while_the_registry_is_down_and_new_ones_start_empty() {
    let faults = fault(
        "outage",
        "registry_outage",
        "registry:member/*",
        "30s",
        "60s",
    );
    let story = tell(&world(150, 1, 5, DEFAULTS, &faults));
    assert_eq!(story.candidate_counts.len(), 1, "only the first list");
    let restart = faults + &fault("restart", "crash", "caller:c/0", "40s", "1s");
    let story = tell(&world(150, 1, 5, DEFAULTS, &restart));
    let [_, empty, back] = story.candidate_counts[..] else {
        panic!("{:?}", story.candidate_counts);
    };
    assert_eq!(empty, (41.0, 0));
    assert_eq!(back.1, 5);
    assert!(90.4 < back.0 && back.0 < 95.0, "{back:?}");
}

#[test]
fn a_registration_that_ends_in_good_order_is_gone_within_milliseconds() {
    // Recorded: 3 ms to 18 ms.
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"30s\"\nfor = \"20s\"\ngrace = \"5s\"\n";
    let story = tell(&world(100, 1, 5, DEFAULTS, leave));
    let gone = only(&story.exclusions) - 30.0;
    assert!((0.003..=0.018).contains(&gone), "{gone}");
    assert!(story.suspicions.is_empty());
    let back = only(&story.inclusions) - 50.0;
    assert!(0.0 < back && back < 0.1, "{back}");
}

#[test]
fn the_end_of_many_sessions_is_a_storm_that_takes_its_time() {
    // 200 instances are lost for good, and every proposal takes the leader 10 ms: the sessions of
    // one bucket expire at once, and are committed one after the other.
    let registry = "profile = \"zookeeper\"\nmembers = 1\n\
                    capacity = { cores = 1, proposal_time = \"10ms\", sync_time = \"0s\" }";
    let faults = fault("lost", "crash", "200 random of service:s", "30s", "100s");
    let story = tell(&world(60, 1, 400, registry, &faults));
    assert_eq!(
        (story.suspicions.len(), story.publications.len()),
        (200, 200)
    );
    let mut buckets: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, _) in &story.suspicions {
        *buckets.entry((at * 1e6) as u64).or_default() += 1;
    }
    assert!((2..=3).contains(&buckets.len()), "{buckets:?}");
    let mut publications = story.publications.iter();
    for (at_us, count) in buckets {
        let last = publications.nth(count - 1).expect("each is published");
        let after = last - at_us as f64 / 1e6;
        let proposals = 0.01 * count as f64;
        assert!(
            proposals <= after + 1e-6 && after < proposals + 0.1,
            "{count}: {after}"
        );
    }
    // The watcher reads again and again while they last, and ends with the right list.
    assert_eq!(story.exclusions.len(), 200);
}

#[test]
fn a_leader_that_stood_still_expires_what_is_due_before_it_reads_what_waits() {
    let registry =
        |first: &str| format!("profile = \"zookeeper\"\nmembers = 1\nafter_pause = \"{first}\"");
    let faults = fault("gc", "pause", "registry:member/0", "30s", "15s");
    let story = tell(&world(100, 1, 20, &registry("expire"), &faults));
    assert_eq!(story.suspicions.len(), 20, "all sessions had their time");
    assert!(story.suspicions.iter().all(|(at, _)| *at == 45.0));
    let story = tell(&world(100, 1, 20, &registry("touch"), &faults));
    assert!(story.suspicions.is_empty());
}

/// Messages and bytes of each kind after a change at 60 s, while nothing else happens.
#[derive(Default)]
struct FanOut(BTreeMap<ControlKind, (u64, u64)>);

impl Observer for FanOut {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::ControlSized {
            kind, byte_count, ..
        } = *observation
            && (60.0..70.0).contains(&at.as_secs_f64())
        {
            let sent = self.0.entry(kind).or_default();
            *sent = (sent.0 + 1, sent.1 + byte_count);
        }
    }
}

#[test]
fn a_change_costs_every_watcher_a_notification_and_the_whole_list() {
    // 100 B for each of the 49 instances that are left, and 64 B for every message.
    const WATCHER_COUNT: u64 = 40;
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"60s\"\nfor = \"100s\"\ngrace = \"30s\"\n";
    let text = world(100, 1, 50, DEFAULTS, leave).replace(
        "[client.c]\n",
        &format!("[client.c]\ncount = {WATCHER_COUNT}\n"),
    );
    let mut fan_out = FanOut::default();
    run_alone(&scenario(&text), &mut fan_out);
    let sent = |kind| fan_out.0.get(&kind).copied().unwrap_or_default();
    let each = |bytes: u64| (WATCHER_COUNT, WATCHER_COUNT * bytes);
    assert_eq!(sent(ControlKind::Notification), each(64));
    assert_eq!(sent(ControlKind::Poll), each(64));
    assert_eq!(sent(ControlKind::PollReply), each(64 + 49 * 100));
}
