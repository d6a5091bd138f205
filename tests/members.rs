//! Faults of single members of a registry: slow ones, and whoever leads, against arithmetic.
//! Messages take no time, and proposals and syncs are all that costs any.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::time::SimTime;

/// Milliseconds that a member works on a proposal, and that a sync of its disk takes.
const PROPOSAL_MS: f64 = 10.0;
const SYNC_MS: f64 = 40.0;

/// When callers learned that the instance has left, and which nodes died.
#[derive(Debug, Default)]
struct Seen {
    excluded: Vec<f64>,
    died: Vec<(f64, u32)>,
    left_at: f64,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let ms = at.as_secs_f64() * 1e3;
        match *observation {
            Observation::FaultStarted { fault, .. } if fault.0 == 0 => self.left_at = ms,
            Observation::Excluded { .. } => self.excluded.push(ms),
            Observation::NodeChanged {
                node,
                state: LifeState::Crashed,
                ..
            } => {
                self.died.push((ms, node.0));
            }
            _ => {}
        }
    }
}

fn seen(profile: &str, member_count: u32, more: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"60s\"\ndrain = \"5s\"\n[network]\nsame_zone = \"0s\"\n\
         [expect]\nusers = \"success_ratio >= 0%\"\n\
         [registry]\nprofile = \"{profile}\"\nmembers = {member_count}\n\
         capacity = {{ cores = 64, heartbeat_time = \"0s\", read_time = \"0s\", \
         write_time = \"0s\", notify_time = \"0s\", proposal_time = \"{PROPOSAL_MS}ms\", \
         sync_time = \"{SYNC_MS}ms\" }}\n\
         [service.web]\ncount = 2\nservice_time = \"1ms\"\n\
         [client.shop]\ncount = 30\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         [client.shop.call.web]\nattempt_timeout = \"1s\"\n\
         [fault.a-leave]\nkind = \"scale_in\"\ngroup = \"web/main\"\ncount = 1\nat = \"30s\"\n\
         grace = \"10s\"\n{more}"
    );
    let scenario = text::scenario(&text, &[]);
    let mut seen = Seen::default();
    let end = run::run(&scenario, 1, &mut seen);
    let end_with_heap = run::run_with_heap(&scenario, 1, &mut Seen::default());
    assert_eq!(end, end_with_heap, "the product's queue and the plain heap");
    seen
}

/// Milliseconds from the departure to the first and the last caller that knows of it.
fn commit_ms(profile: &str, member_count: u32, slow: &str, factor: f64) -> (f64, f64) {
    let fault = format!(
        "[fault.slow]\nkind = \"slow\"\ntarget = \"registry:{slow}\"\nfactor = {factor}\n\
         at = \"20s\"\nfor = \"35s\"\n"
    );
    let seen = seen(profile, member_count, &fault);
    assert_eq!(seen.excluded.len(), 30, "everybody learns of it");
    let first = seen.excluded.iter().copied().fold(f64::MAX, f64::min);
    let last = seen.excluded.iter().copied().fold(0.0, f64::max);
    (first - seen.left_at, last - seen.left_at)
}

fn assert_ms(what: &str, got: f64, expected: f64) {
    assert!(
        (got - expected).abs() < 1e-6,
        "{what}: {got} ms, expected {expected} ms"
    );
}

/// Alone, a member proposes and syncs: both take the factor.
#[test]
fn a_member_alone_is_slow_with_its_work_and_its_disk() {
    for profile in ["zookeeper", "etcd"] {
        for factor in [1.0, 3.0, 8.0] {
            let (first, last) = commit_ms(profile, 1, "leader", factor);
            let expected = factor * (PROPOSAL_MS + SYNC_MS);
            assert_ms(profile, first, expected);
            assert_ms(profile, last, expected);
        }
    }
}

/// Of three members two make a majority. The leader proposes, and followers log and sync: with
/// factor f of the leader that is f P + P + S, for its own sync is not needed. A slow follower is
/// not needed either: 2 P + S, but who is attached to it learns of it later.
#[test]
fn a_slow_leader_delays_commits_and_a_slow_follower_only_its_own_clients() {
    let normal = 2.0 * PROPOSAL_MS + SYNC_MS;
    for profile in ["zookeeper", "etcd"] {
        for factor in [1.0, 4.0, 9.0] {
            let (first, _) = commit_ms(profile, 3, "leader", factor);
            assert_ms(profile, first, (factor + 1.0) * PROPOSAL_MS + SYNC_MS);
        }
        let by_member: Vec<f64> = (0..3)
            .map(|member| commit_ms(profile, 3, &format!("member/{member}"), 4.0).0)
            .collect();
        let slow = by_member.iter().filter(|ms| normal + 1e-6 < **ms).count();
        assert_eq!(
            slow, 1,
            "only the leader holds a commit back: {by_member:?}"
        );
    }
}

/// A crash of the leader hits whoever leads at its start.
#[test]
fn the_leader_is_chosen_when_a_window_begins() {
    for profile in ["zookeeper", "etcd"] {
        let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"registry:leader\"\nat = \"10s\"\n\
                     for = \"5s\"\nevery = \"15s\"\n";
        let seen = seen(profile, 3, crash);
        let of_registry: Vec<(f64, u32)> = seen
            .died
            .iter()
            .copied()
            .filter(|(_, node)| 32 <= *node)
            .collect();
        let times: Vec<f64> = of_registry.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [10_000.0, 30_000.0, 50_000.0], "{profile}");
        assert_ne!(
            of_registry[0].1, of_registry[1].1,
            "{profile}: another one leads by then"
        );
    }
}
