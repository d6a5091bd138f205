//! What holds for every registry, whatever happens.

use std::collections::BTreeMap;

use stormglass::id::{CallerId, InstanceId};
use stormglass::model::observation::{ControlKind, Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::{fault, tell};
use crate::support::{run_alone, scenario};

/// Registries, and how long after quiet all callers have what is true, in seconds: a dead lease, a
/// cache or a back-off at most, and the rest of a minute.
const REGISTRIES: [(&str, &str, u64); 9] = [
    ("zookeeper", "profile = \"zookeeper\"", 120),
    ("etcd", "profile = \"etcd\"", 120),
    ("consul", "profile = \"consul\"", 400),
    ("eureka", "profile = \"eureka\"", 1_000),
    ("nacos", "profile = \"nacos\"", 200),
    (
        "nacos, connections",
        "profile = \"nacos\"\nclient = \"grpc\"",
        300,
    ),
    ("dns", "profile = \"dns\"", 300),
    (
        "dns, resolver",
        "profile = \"dns\"\nmembers = 3\nshared_resolvers = 1\ncheck_interval = \"10s\"",
        300,
    ),
    ("kubernetes", "profile = \"kubernetes\"", 120),
];
const INSTANCE_COUNT: usize = 6;
const CALLER_COUNT: usize = 5;

/// The candidates of every caller.
struct Views(BTreeMap<CallerId, Vec<InstanceId>>);

impl Observer for Views {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::CandidatesChanged { caller, view, .. } = *observation {
            let members = view.members.iter().map(|member| member.instance);
            self.0.insert(caller, members.collect());
        }
    }
}

fn views(registry: &str, seed: u64, secs: u64, faults: &str) -> Views {
    let text = world(secs, seed, INSTANCE_COUNT as u32, registry, faults).replace(
        "[client.c]\n",
        &format!("[client.c]\ncount = {CALLER_COUNT}\n"),
    );
    let all: Vec<InstanceId> = (0..INSTANCE_COUNT as u32).map(InstanceId).collect();
    let callers = (0..CALLER_COUNT as u32).map(|caller| (CallerId(caller), all.clone()));
    let mut views = Views(callers.collect());
    run_alone(&scenario(&text), &mut views);
    views
}

/// A fault of nodes at a random time from 60 s to 90 s.
fn some(name: &str, kind: &str, target: &str, length: u64) -> String {
    format!(
        "[fault.{name}]\nkind = \"{kind}\"\ntarget = \"{target}\"\n\
         at = {{ dist = \"uniform\", min = \"60s\", max = \"90s\" }}\nfor = \"{length}s\"\n"
    )
}

#[test]
fn views_converge_after_quiet() {
    let cut = "[fault.cut]\nkind = \"partition\"\nfrom = \"instance:s/main/3\"\n\
               to = \"registry:member/*\"\nat = \"65s\"\nfor = \"50s\"\n";
    let faults = [
        some("member", "crash", "registry:member/0", 30),
        some("crash", "crash", "instance:s/main/0", 30),
        some("host", "host_loss", "instance:s/main/1", 60),
        some("pause", "pause", "instance:s/main/2", 40),
        some("caller", "crash", "caller:c/1", 30),
    ]
    .concat()
        + cut;
    for (name, registry, wait) in REGISTRIES {
        // One that only watches etcd does not notice that the host of its member is gone.
        let kind = if name == "etcd" { "crash" } else { "host_loss" };
        let faults = some("lost", kind, "registry:member/1", 40) + &faults;
        for seed in 0..12 {
            let views = views(registry, seed, 150 + wait, &faults);
            for (caller, view) in views.0 {
                assert_eq!(
                    view.len(),
                    INSTANCE_COUNT,
                    "{name}, seed {seed}, {caller:?}"
                );
            }
        }
    }
}

#[test]
fn a_crashed_instance_is_finally_excluded_by_all_who_are_promised_it() {
    let dead = some("dead", "crash", "instance:s/main/0", 2_000);
    let promised = |name: &str| name != "eureka";
    let never = [
        ("dns", "profile = \"dns\"\nhealth_check = false"),
        ("dns", "profile = \"dns\"\nclient_cache = \"forever\""),
        // One crash of six is enough to enter self-preservation.
        ("eureka", "profile = \"eureka\""),
    ];
    let all = REGISTRIES.iter().filter(|r| promised(r.0));
    let all = all.map(|registry| (registry.0, registry.1, true));
    let never = never.map(|(name, registry)| (name, registry, false));
    for (name, registry, is_promised) in all.chain(never) {
        for seed in 0..4 {
            let views = views(registry, seed, 500, &dead);
            for (caller, view) in views.0 {
                let is_excluded = !view.contains(&InstanceId(0));
                assert_eq!(is_excluded, is_promised, "{name}, seed {seed}, {caller:?}");
            }
        }
    }
}

#[test]
fn who_hears_no_answer_is_lost_to_the_registry_and_comes_back() {
    // What is sent may arrive on the connection that was there; nothing makes another one. So
    // sessions, leases and beats end once, and begin once more when the cut is over.
    let promised = |name: &str| !["dns", "consul", "eureka"].contains(&name);
    for (name, registry, wait) in REGISTRIES.iter().filter(|r| promised(r.0)) {
        for (from, to) in [
            ("service:s", "registry:member/*"),
            ("registry:member/*", "service:s"),
        ] {
            let cut = format!(
                "[fault.cut]\nkind = \"partition\"\nfrom = \"{from}\"\nto = \"{to}\"\n\
                 symmetric = false\nat = \"60s\"\nfor = \"180s\"\n"
            );
            for seed in 0..6 {
                let story = tell(&world(240 + wait, seed, 5, registry, &cut));
                let mut lost: Vec<InstanceId> = story.suspicions.iter().map(|s| s.1).collect();
                lost.sort_unstable();
                lost.dedup();
                let counts = (lost.len(), story.suspicions.len());
                assert_eq!(counts, (5, 5), "{name}, from {from}, seed {seed}");
                let during = story.suspicions.iter().filter(|s| s.0 < 240.0).count();
                assert_eq!(during, 5, "{name}, from {from}, seed {seed}");
                let last = story.candidate_counts.last().map(|count| count.1);
                assert_eq!(last, Some(5), "{name}, from {from}, seed {seed}");
            }
        }
    }
}

#[test]
fn no_pause_that_the_rule_allows_is_taken_for_a_death() {
    // Longest pauses that no phase makes one: the lease less an interval between its renewals, or
    // one check less than the threshold.
    for (registry, longest, least) in [
        (
            "profile = \"dns\"\ncheck_interval = \"10s\"\ncheck_timeout = \"1s\"",
            20.0,
            31.0,
        ),
        ("profile = \"kubernetes\"", 20.0, 31.0),
        ("profile = \"nacos\"\nclient = \"grpc\"", 20.0, 28.1),
        ("profile = \"nacos\"", 10.0, 20.1),
        ("profile = \"etcd\"", 6.0, 10.7),
        ("profile = \"zookeeper\"", 6.6, 13.1),
    ] {
        for seed in 0..40 {
            let suspicions = |secs: f64| {
                let length = format!("{}ms", (secs * 1e3) as u64);
                let gc = fault("gc", "pause", "instance:s/main/0", "60s", &length);
                tell(&world(150, seed, 5, registry, &gc)).suspicions.len()
            };
            assert_eq!(
                suspicions(longest - 0.01),
                0,
                "{registry}, seed {seed}: too early"
            );
            assert_eq!(
                suspicions(least + 0.01),
                1,
                "{registry}, seed {seed}: never"
            );
        }
    }
}

/// Messages by what they are.
#[derive(Default)]
struct Traffic(BTreeMap<ControlKind, u64>);

impl Observer for Traffic {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::ControlSized { kind, .. } = *observation {
            *self.0.entry(kind).or_default() += 1;
        }
    }
}

#[test]
fn every_message_is_counted_once() {
    use ControlKind::{Ack, Heartbeat, HeartbeatReply, Ping, Poll, PollReply, Write, WriteReply};
    // Ten instances and one caller in 1,000 quiet seconds; a period may hold one more or less.
    for (registry, expected) in [
        // A check per 30 s and instance, a lookup per 60 s (and the way of its answer).
        (
            "profile = \"dns\"\nmembers = 1",
            vec![(Ping, 333, 10), (Poll, 16, 1)],
        ),
        // A renewal per 10.2 s and host (4 % jitter), a ping of the caller's watch per 30 s.
        (
            "profile = \"kubernetes\"\nmembers = 1",
            vec![
                (Heartbeat, 980, 15),
                (Ping, 33, 1),
                (Poll, 0, 0),
                (Write, 0, 0),
            ],
        ),
        // A keepalive per 3.5 s (a third of 10 s, at the next look of 500 ms) and instance.
        (
            "profile = \"etcd\"\nmembers = 1",
            vec![(Heartbeat, 2_857, 12), (Ping, 0, 0), (Write, 0, 0)],
        ),
        // A ping of eleven clients when a third of 10 s has passed, or up to a second earlier.
        (
            "profile = \"zookeeper\"\nmembers = 1",
            vec![(Heartbeat, 4_010, 710), (Poll, 0, 0), (Write, 0, 0)],
        ),
        // A renewal per 30 s and instance.
        (
            "profile = \"eureka\"\nmembers = 1",
            vec![(Heartbeat, 333, 10), (Ping, 0, 0), (Write, 0, 0)],
        ),
        // A sign of life per 5 s of eleven clients.
        (
            "profile = \"nacos\"\nmembers = 1\nclient = \"grpc\"",
            vec![
                (Heartbeat, 2_200, 12),
                (Ping, 0, 0),
                (Poll, 0, 0),
                (Write, 0, 0),
            ],
        ),
    ] {
        let mut traffic = Traffic::default();
        run_alone(&scenario(&world(1_000, 3, 10, registry, "")), &mut traffic);
        let count = |kind| traffic.0.get(&kind).copied().unwrap_or(0);
        for (kind, most, slack) in expected {
            let got = count(kind);
            assert!(got.abs_diff(most) <= slack, "{registry}: {got} of {kind:?}");
        }
        for (question, answer) in [
            (Heartbeat, HeartbeatReply),
            (Ping, Ack),
            (Poll, PollReply),
            (Write, WriteReply),
        ] {
            // The end of the run may come between the two.
            let open = count(question) - count(answer);
            assert!(
                open <= 1,
                "{registry}: {open} of {question:?} without an answer"
            );
        }
    }
}
