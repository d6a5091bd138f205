//! Agents of Consul that die or stand still while what is on their hosts goes on.

use super::deletions::world;
use super::stories::{Story, fault, only, tell};

fn agent(kind: &str, what: &str, length: &str) -> String {
    fault("agent", kind, &format!("agent:{what}"), "60s", length)
}

fn http(more: &str) -> String {
    format!("profile = \"consul\"\npath = \"bypass\"\ninterval = \"1s\"\n{more}")
}

const TTL: &str = "profile = \"consul\"\ncheck = \"ttl\"\nttl = \"9s\"\npass_interval = \"3s\"";

fn of_instance(registry: &str, kind: &str, length: &str, seed: u64) -> Story {
    let faults = agent(kind, "instance:s/main/0", length);
    tell(&world(400, seed, 20, registry, &faults))
}

/// 24 members: a suspicion of 4 x log10(24) = 5.52 s at least, six times as long without
/// confirmations, after a probe. Whatever its checks were, the host counts as lost.
#[test]
fn a_dead_agent_is_taken_for_a_lost_host_though_its_instance_lives() {
    for registry in [&http(""), TTL] {
        for kind in ["crash", "pause"] {
            for seed in 0..10 {
                let story = of_instance(registry, kind, "100s", seed);
                let noticed = only(&story.suspected) - 60.0;
                assert!((5.52..35.2).contains(&noticed), "{kind} {noticed}");
                let gone = only(&story.excluded) - 60.0;
                assert!(noticed <= gone && gone < noticed + 0.05, "{noticed} {gone}");
                // It joins again, and its first check or report comes within 3 s; who leads hears
                // of it by updates or in an exchange of lists.
                let back = only(&story.included) - 160.0;
                assert!((0.0..35.0).contains(&back), "{kind} {back}");
                assert!(only(&story.trusted) <= only(&story.included));
                assert_eq!(story.suspicions.len(), 1, "{:?}", story.suspicions);
            }
        }
    }
}

/// An agent that is back before gossip notices has what was reported on its disk, for as long as
/// the report counts; a check that it makes itself is critical until then, within an interval.
#[test]
fn a_quick_restart_keeps_reports_and_forgets_checks() {
    for seed in 0..20 {
        // Reports come every 3 s and count for 9 s: the last one before is good for 6 s at least.
        let story = of_instance(TTL, "crash", "4s", seed);
        assert!(story.suspicions.is_empty(), "{:?}", story.suspicions);
        assert!(story.excluded.is_empty());
        let story = of_instance(&http(""), "crash", "1s", seed);
        let noticed = only(&story.suspected) - 61.0;
        assert_eq!(noticed, 0.0);
        let back = only(&story.trusted) - 61.0;
        assert!((0.0..1.0).contains(&back), "{back}");
        let passing = of_instance(&http("status = \"passing\""), "crash", "1s", seed);
        assert!(passing.suspicions.is_empty());
    }
}

/// What its kernel accepted an agent reads when it goes on: a report of every instance, however
/// long it stood still, in the order in which that and the end of the last report came due.
#[test]
fn an_agent_that_stood_still_reads_what_was_reported() {
    for seed in 0..20 {
        // Too short for gossip. The last report before is good until 66 s at least, and the one
        // that is read at 64 s until 73 s.
        let story = of_instance(TTL, "pause", "4s", seed);
        assert!(story.suspicions.is_empty(), "{:?}", story.suspicions);
    }
}

/// A caller without its agent keeps its list and hears nothing new. Its client asks again 5 s and
/// 20 s later: 25 s after the death, the first time that the agent is there again.
#[test]
fn a_caller_without_its_agent_keeps_its_list_and_asks_again_after_its_wait() {
    for seed in 0..10 {
        let faults = agent("crash", "caller:c/0", "10s")
            + &fault("dead", "crash", "instance:s/main/0", "62s", "300s");
        let story = tell(&world(120, seed, 20, &http(""), &faults));
        let noticed = only(&story.suspected) - 62.0;
        assert!((0.0..1.0).contains(&noticed), "{noticed}");
        let gone = only(&story.excluded) - 60.0;
        assert!((25.0..25.05).contains(&gone), "{gone}");
    }
}

#[test]
fn all_agents_at_once_are_their_own_witnesses() {
    // Nobody is left to probe but three servers, none of which confirms faster than it probes:
    // every host is taken for dead, and comes back.
    let faults = agent("crash", "service:s", "120s");
    let story = tell(&world(400, 3, 6, &http(""), &faults));
    assert_eq!(story.suspicions.len(), 6, "{:?}", story.suspicions);
    assert_eq!(story.exclusions.len(), 6);
    assert_eq!(story.inclusions.len(), 6);
    let least = story.candidate_counts.iter().map(|(_, count)| *count).min();
    assert_eq!(least, Some(0));
}
