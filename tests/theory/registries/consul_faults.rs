//! What Consul does when hosts, servers and links fail, and what it sends while nothing does.

use std::collections::BTreeMap;

use stormglass::id::{InstanceId, ServiceId};
use stormglass::model::observation::{ControlKind, Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::{Story, fault, only, tell};
use crate::support::{run_alone, scenario};

/// Consul with checks that take no part in the timing.
const QUICK: &str = "profile = \"consul\"\npath = \"bypass\"\ninterval = \"1s\"";
/// The longest time from one full sync to the next: 1 min, and as much jitter.
const FULL_SYNC_SECS: f64 = 120.0;

fn cut(name: &str, from: &str, to: &str, at: &str, length: &str) -> String {
    format!(
        "[fault.{name}]\nkind = \"partition\"\nfrom = \"{from}\"\nto = \"{to}\"\nat = \"{at}\"\n\
         for = \"{length}\"\n"
    )
}

/// Candidates that caller 0 had from one time to another, as they changed.
fn counts_within(story: &Story, from: f64, to: f64) -> Vec<usize> {
    let changes = story.candidate_counts.iter();
    let within = changes.filter(|(at, _)| from <= *at && *at < to);
    within.map(|(_, count)| *count).collect()
}

#[test]
fn a_lost_host_is_noticed_by_gossip_alone() {
    // 24 members: a suspicion of 4 x log10(24) = 5.52 s at least, after a probe of 1 s; six times
    // as long without confirmations. Half the time of a probe may lie before the loss.
    for check in ["ttl", "http"] {
        let mut times = Vec::new();
        for seed in 0..40 {
            let lost = fault("lost", "host_loss", "instance:s/main/0", "60s", "200s");
            let registry = format!("profile = \"consul\"\ncheck = \"{check}\"");
            let story = tell(&world(150, seed, 20, &registry, &lost));
            let noticed = only(&story.suspected) - 60.0;
            let gone = only(&story.excluded) - 60.0;
            assert!((5.52..35.2).contains(&noticed), "{noticed}");
            assert!(noticed <= gone && gone < noticed + 0.05, "{noticed} {gone}");
            assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
            times.push(noticed);
        }
        times.sort_by(f64::total_cmp);
        // Confirmations come with the updates: most suspicions are as short as they get.
        assert!(times[20] < 10.0, "{:?}", times);
    }
}

#[test]
fn a_host_that_comes_back_is_listed_again() {
    for seed in 0..10 {
        let lost = fault("lost", "host_loss", "instance:s/main/0", "60s", "60s");
        let story = tell(&world(300, seed, 20, QUICK, &lost));
        only(&story.excluded);
        // Its agent joins, says that it is alive, and checks again within a second; an exchange of
        // lists or a sending of updates brings it to the leader.
        let back = only(&story.included) - 120.0;
        assert!(0.0 < back && back < 35.0, "{back}");
    }
}

#[test]
fn a_partition_of_a_host_is_like_its_loss_and_ends_like_one() {
    for seed in 0..10 {
        let others = ["registry:member/*", "client:c"].map(String::from);
        let others = others
            .into_iter()
            .chain((1..5).map(|n| format!("instance:s/main/{n}")));
        let cuts = others.enumerate().map(|(number, other)| {
            cut(
                &format!("cut-{number}"),
                "instance:s/main/0",
                &other,
                "60s",
                "60s",
            )
        });
        let faults: String = cuts.collect();
        let story = tell(&world(400, seed, 5, QUICK, &faults));
        let gone = only(&story.excluded) - 60.0;
        assert!((4.0..26.0).contains(&gone), "{gone}");
        // While it lasts. What the lonely one believed of the others may spread when it ends, until
        // they refute it.
        let during = story.suspicions.iter().filter(|(at, _)| *at < 120.0);
        assert_eq!(during.count(), 1, "{:?}", story.suspicions);
        let last = story.candidate_counts.last().map(|(_, count)| *count);
        assert_eq!(last, Some(5), "{:?}", story.candidate_counts);
    }
}

#[test]
fn a_new_leader_comes_by_the_rules_of_raft() {
    // With the multiplier 1 the second of two followers misses its leader after 1 s to 3 s and up
    // to 0.2 s of silence before, and a leader serves 0.2 s to 1.7 s later.
    let registry = format!("{QUICK}\nraft_multiplier = 1");
    for seed in 0..40 {
        let faults = fault("leader", "crash", "registry:member/0", "60s", "300s")
            + &fault("dead", "crash", "instance:s/main/0", "59900ms", "300s");
        let story = tell(&world(300, seed, 5, &registry, &faults));
        // Noticed within a second; what was sent may wait for a leader, or for a full sync where
        // the server was the one that died.
        assert!((59.9..61.0).contains(&only(&story.suspected)));
        let gone = only(&story.excluded) - 60.0;
        assert!(gone < 4.9 + 7.0 + FULL_SYNC_SECS, "{gone}");
        assert!(!(0.1..1.2).contains(&gone), "nobody leads before: {gone}");
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

fn no_quorum(at: u32, length: u32) -> String {
    let (at, length) = (format!("{at}s"), format!("{length}s"));
    fault("one", "crash", "registry:member/1", &at, &length)
        + &fault("two", "crash", "registry:member/2", &at, &length)
}

#[test]
fn without_a_quorum_no_status_changes_and_then_anti_entropy_brings_it() {
    for seed in 0..10 {
        let faults =
            no_quorum(30, 60) + &fault("dead", "crash", "instance:s/main/0", "40s", "400s");
        let story = tell(&world(400, seed, 5, QUICK, &faults));
        assert!((40.0..41.1).contains(&only(&story.suspected)));
        let gone = only(&story.excluded) - 90.0;
        // Servers that start wait for 5 s to 15 s; an election takes up to 8.5 s.
        assert!(
            5.0 < gone && gone < 15.0 + 8.5 + 7.0 + FULL_SYNC_SECS,
            "{gone}"
        );
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

#[test]
fn without_a_quorum_stale_reads_go_on_and_others_do_not() {
    let restarted = |consistency: &str, seed: u64| {
        let registry = format!("{QUICK}\nconsistency = \"{consistency}\"");
        let faults = no_quorum(30, 200) + &fault("restart", "crash", "caller:c/0", "40s", "10s");
        let story = tell(&world(120, seed, 5, &registry, &faults));
        counts_within(&story, 50.0, 120.0).last().copied()
    };
    for seed in 0..10 {
        // A caller that starts has no list; only one server is left to ask.
        assert_eq!(restarted("stale", seed), Some(5), "{seed}");
        assert_eq!(restarted("default", seed).unwrap_or(0), 0, "{seed}");
        assert_eq!(restarted("consistent", seed).unwrap_or(0), 0, "{seed}");
    }
}

#[test]
fn a_leader_that_is_cut_off_answers_for_its_lease_but_not_where_a_majority_must_confirm() {
    // Member 0 leads and loses both others at 60 s; its lease of 2.5 s began with the last answers,
    // at most 1 s before. A caller starts at 60.5 s, and asks it first in a third of the runs.
    let soon = |consistency: &str| {
        (0..60)
            .filter(|seed| {
                let registry = format!("{QUICK}\nconsistency = \"{consistency}\"");
                let faults = cut(
                    "one",
                    "registry:member/0",
                    "registry:member/1",
                    "60s",
                    "40s",
                ) + &cut(
                    "two",
                    "registry:member/0",
                    "registry:member/2",
                    "60s",
                    "40s",
                ) + &fault("restart", "crash", "caller:c/0", "50s", "10500ms");
                let story = tell(&world(80, *seed, 5, &registry, &faults));
                counts_within(&story, 60.5, 61.4).last() == Some(&5)
            })
            .count()
    };
    // The followers still follow, and what they pass on to it is held up by the cut.
    let by_lease = soon("default");
    assert!((6..=36).contains(&by_lease), "{by_lease}");
    assert_eq!(soon("consistent"), 0);
    // Any server, at once.
    assert_eq!(soon("stale"), 60);
}

#[test]
fn a_minority_is_left_behind_and_the_majority_goes_on() {
    for seed in 0..20 {
        // The leader loses everybody, for good. Gossip takes it for dead and no agent asks it any
        // more, at the latest 26 s later (24 s without confirmations, a probe, an exchange); who
        // waits for its answer notices by keepalives, within 40 s, and asks again 5 s later. Half a
        // minute after the cut another server leads.
        let others = [
            "registry:member/1",
            "registry:member/2",
            "service:s",
            "client:c",
        ];
        let cuts = others.iter().enumerate().map(|(number, other)| {
            cut(
                &format!("cut-{number}"),
                "registry:member/0",
                other,
                "30s",
                "300s",
            )
        });
        let faults =
            cuts.collect::<String>() + &fault("dead", "crash", "instance:s/main/0", "80s", "300s");
        let story = tell(&world(200, seed, 5, QUICK, &faults));
        let gone = only(&story.excluded) - 80.0;
        assert!(0.0 < gone && gone < 1.1, "{gone}");
        assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
    }
}

#[test]
fn leaving_and_coming_take_a_write() {
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"60s\"\nfor = \"60s\"\ngrace = \"5s\"\n";
    for seed in 0..5 {
        let story = tell(&world(200, seed, 10, QUICK, leave));
        let gone = only(&story.exclusions) - 60.0;
        assert!((0.0..0.05).contains(&gone), "{gone}");
        // Registered as critical, until its first check within a second passes.
        let back = only(&story.inclusions) - 120.0;
        assert!((0.0..1.1).contains(&back), "{back}");
        assert!(story.suspicions.is_empty(), "{:?}", story.suspicions);
    }
}

#[test]
fn many_hosts_lost_at_once_are_all_noticed_and_no_other_is() {
    let lost = fault("lost", "host_loss", "15 random of service:s", "60s", "300s");
    let story = tell(&world(200, 7, 40, QUICK, &lost));
    let mut suspected: Vec<InstanceId> = story.suspicions.iter().map(|(_, who)| *who).collect();
    suspected.sort_unstable();
    suspected.dedup();
    assert_eq!((suspected.len(), story.suspicions.len()), (15, 15));
    assert_eq!(story.exclusions.len(), 15);
    assert!(story.inclusions.is_empty());
}

#[test]
fn an_instance_that_was_deregistered_comes_back_if_its_application_registers_again() {
    let with = |unknown: &str| {
        let registry = format!(
            "profile = \"consul\"\ncheck = \"ttl\"\nttl = \"3s\"\n\
             deregister_critical_service_after = \"1m\"\nunknown_check = \"{unknown}\""
        );
        let hung = fault("hung", "pause", "instance:s/main/0", "60s", "120s");
        tell(&world(300, 1, 3, &registry, &hung)).included.len()
    };
    assert_eq!((with("register"), with("ignore")), (1, 0));
}

/// Counts messages by kind and service.
#[derive(Default)]
struct Counter(BTreeMap<(ControlKind, Option<ServiceId>), u64>);

impl Observer for Counter {
    fn observe(&mut self, _: SimTime, observation: &Observation<'_>) {
        if let Observation::ControlSized { kind, service, .. } = *observation {
            *self.0.entry((kind, service)).or_default() += 1;
        }
    }
}

fn count(duration: u64, instances: u32, registry: &str, what: (ControlKind, bool)) -> f64 {
    let mut counter = Counter::default();
    let text = world(duration, 1, instances, registry, "");
    run_alone(&scenario(&text), &mut counter);
    let found = counter.0.iter();
    let meant = found.filter(|((kind, service), _)| (*kind, service.is_some()) == what);
    meant.map(|(_, count)| *count as f64).sum()
}

#[test]
fn a_quiet_world_makes_a_query_in_every_wait_and_its_jitter() {
    // One caller: each query waits for 10 s and up to a sixteenth more. 4.4 standard errors of
    // 10 s x 0.0625 / sqrt(12) for each of 970 queries.
    let registry = format!("{QUICK}\nmembers = 1\nwait = \"10s\"");
    let polls = count(10_000, 1, &registry, (ControlKind::Poll, true));
    let expected: f64 = 10_000.0 / (10.0 * (1.0 + 1.0 / 32.0));
    let error = 4.4 * (10.0 * 0.0625 / 12.0_f64.sqrt()) * expected.sqrt() / 10.3 + 2.0;
    assert!(
        (polls - expected).abs() < error,
        "{polls} {expected} {error}"
    );
}

#[test]
fn full_syncs_come_every_minute_and_its_jitter_which_grows_with_the_cluster() {
    // Reads of full syncs are about no service. Two hosts, and a period of 60 s to 120 s.
    let registry = format!("{QUICK}\nmembers = 1");
    let reads = count(20_000, 1, &registry, (ControlKind::Poll, false));
    let expected: f64 = 2.0 * 20_000.0 / 90.0;
    // The deviation of a period is 60 / sqrt(12); that of a count of n is n^0.5 x 17.3 / 90.
    let error = 4.4 * expected.sqrt() * 17.3 / 90.0 + 2.0;
    assert!((reads - expected).abs() < error, "{reads} {expected}");
    // 200 nodes: up to twice the jitter, 120 s on average.
    let reads = count(1_200, 198, &registry, (ControlKind::Poll, false));
    let expected: f64 = 199.0 * 1_200.0 / 120.0;
    let error = 4.4 * expected.sqrt() * 34.6 / 120.0 + 199.0 * 0.1;
    assert!((reads - expected).abs() < error, "{reads} {expected}");
}

#[test]
fn a_text_that_changes_is_sent_once_in_the_check_update_interval() {
    // Put off by 10 s to 30 s from a check on, and then by up to a second until the next check.
    let registry =
        format!("{QUICK}\nmembers = 1\nchanging_output = true\ncheck_update_interval = \"20s\"");
    let writes = count(10_000, 1, &registry, (ControlKind::Write, true));
    let expected: f64 = 10_000.0 / 20.5;
    let error = 4.4 * expected.sqrt() * 6.0 / 20.5 + 2.0;
    assert!((writes - expected).abs() < error, "{writes} {expected}");
    let quiet = count(10_000, 1, QUICK, (ControlKind::Write, true));
    assert_eq!(quiet, 0.0, "checks that say the same stay on their host");
}
