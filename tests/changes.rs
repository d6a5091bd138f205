//! How a change travels under every registry, as `why --change` tells it: the stages are in order,
//! and each within the bounds that the rules of the real system give.

#[path = "support/text.rs"]
mod text;

#[path = "support/run.rs"]
#[allow(dead_code, reason = "it runs with a follower")]
mod run;

use std::ops::ControlFlow;

use stormglass::experiment::follow::follow;
use stormglass::experiment::plan::Monitor;
use stormglass::id::FaultId;
use stormglass::time::SimTime;
use stormglass::trace::change::{Change, ChangeTrace, InstanceChange, Passage};

const SEEDS: std::ops::Range<u64> = 0..8;
/// The fault begins and ends at these seconds.
const BEGAN: f64 = 60.0;
const ENDED: f64 = 460.0;
/// A quorum write and what tells a caller of it, on links of 1 ms.
const COMMIT: f64 = 0.05;

struct Calm;

impl Monitor for Calm {
    fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn on_done(&self, _: u32) {}
}

fn world(instances: u32, registry: &str, service: &str, call: &str, fault: &str) -> String {
    format!(
        "schema = 1\nduration = \"800s\"\ndrain = \"5s\"\n[network]\nsame_zone = \"1ms\"\n\
         [service.s]\ncount = {instances}\nservice_time = \"1ms\"\n{service}\n\
         [client.c]\ncount = 3\narrivals = {{ process = \"constant\", rate = \"20/s\" }}\n\
         [client.c.call.s]\nbalancer = \"random\"\nattempt_timeout = \"1s\"\n{call}\n\
         [registry]\n{registry}\n\
         [fault.x]\nkind = \"{fault}\"\ntarget = \"instance:s/main/1\"\nat = \"{BEGAN}s\"\n\
         for = \"{}s\"\n",
        ENDED - BEGAN
    )
}

fn told(text: &str, seed: u64) -> Change {
    let scenario = text::scenario(text, &[]);
    let mut trace = ChangeTrace::new(&scenario, FaultId(0), 0);
    follow(&scenario, seed, u64::MAX, &Calm, &mut trace).expect("it comes to its end");
    trace.into_change().expect("the window began")
}

/// Who knows comes after what it knows from: the registry decides, the list that holds follows,
/// then the callers take it, and what they send after that goes elsewhere. Without a quorum
/// callers of one member know before all members agree.
fn assert_in_order(change: &InstanceChange, passage: &Passage, since: f64, has_quorum: bool) {
    let mut steps = vec![since];
    steps.extend(passage.registry_secs);
    match has_quorum {
        true => steps.extend(passage.committed_secs),
        false => assert!(passage.registry_secs <= passage.committed_secs),
    }
    let callers = passage
        .callers
        .as_ref()
        .expect("all callers know in the end");
    steps.extend([callers.first_secs, callers.median_secs, callers.last_secs]);
    assert!(steps.is_sorted(), "{steps:?}");
    assert_eq!(callers.count, change.caller_count, "{callers:?}");
}

fn assert_gone(change: &InstanceChange, has_quorum: bool) {
    let (at, _) = change.gone.truth.expect("it went");
    assert_eq!(at, BEGAN);
    assert_in_order(change, &change.gone, BEGAN, has_quorum);
    let last = change.gone.callers.as_ref().expect("they know").last_secs;
    // Ten a second are sent to it.
    let is_short = last < BEGAN + 2.0;
    match &change.gone.attempt {
        Some((sent, _)) => assert!(*sent <= last, "nothing is sent to it any more"),
        None => assert!(is_short, "{change:?}"),
    }
    assert!(change.wasted_attempt_count > 0 || is_short);
}

fn assert_back(change: &InstanceChange, has_quorum: bool) {
    let (at, _) = change.back.truth.expect("it came back");
    assert_eq!(at, ENDED);
    assert_in_order(change, &change.back, ENDED, has_quorum);
    let first = change.back.callers.as_ref().expect("they know").first_secs;
    let (sent, _) = change.back.attempt.as_ref().expect("it is used again");
    assert!(first <= *sent && *sent < first + 70.0);
}

/// The registry notices so long after the fault, and the last caller so long after that; then so
/// long after the end the last caller has it again.
struct Bounds {
    noticed: (f64, f64),
    spread: (f64, f64),
    back: (f64, f64),
}

fn check(name: &str, text: &str, bounds: &Bounds) {
    for seed in SEEDS {
        let change = told(text, seed);
        assert_eq!(change.instances.len(), 1, "{name}");
        let of = &change.instances[0];
        let has_quorum = !["nacos", "eureka"].contains(&name);
        assert_gone(of, has_quorum);
        assert_back(of, has_quorum);
        let noticed = of.gone.registry_secs.expect("it is noticed");
        let last = of.gone.callers.as_ref().expect("they know").last_secs;
        let back = of.back.callers.as_ref().expect("they know").last_secs;
        for (found, (least, most)) in [
            (noticed - BEGAN, bounds.noticed),
            (last - noticed, bounds.spread),
            (back - ENDED, bounds.back),
        ] {
            assert!(
                least <= found && found <= most,
                "{name} seed {seed}: {found} is not in {least} to {most}: {of:?}"
            );
        }
    }
}

#[test]
fn a_crash_under_sessions_and_leases() {
    // T = 10 s, pings every T / 3, ticks of 2 s, touches passed on every tick / 2. A new session
    // begins at once.
    let crash = |registry: &str| world(6, registry, "", "", "crash");
    let bounds = Bounds {
        noticed: (6.66, 13.0 + COMMIT),
        spread: (0.0, COMMIT),
        back: (0.0, COMMIT),
    };
    check("zookeeper", &crash("profile = \"zookeeper\""), &bounds);
    // A lease of 10 s, kept alive every third of it and at most 0.5 s late, looked at every 0.5 s.
    let bounds = Bounds {
        noticed: (10.0 - 10.0 / 3.0 - 0.5, 10.5 + COMMIT),
        ..bounds
    };
    check("etcd", &crash("profile = \"etcd\""), &bounds);
}

#[test]
fn a_crash_under_checks() {
    let crash = |registry: &str| world(6, registry, "", "", "crash");
    // The agent asks every 10 s, and the first time within 10 s after the process is back.
    let bounds = Bounds {
        noticed: (0.0, 10.01),
        spread: (0.0, COMMIT),
        back: (0.0, 10.0 + COMMIT),
    };
    check("consul", &crash("profile = \"consul\""), &bounds);
    // Relists every second; a probe within 10 s of the start of the container; kube-proxy syncs
    // at most a second later.
    let bounds = Bounds {
        noticed: (0.0, 1.0 + COMMIT),
        spread: (0.0, 1.0 + COMMIT),
        back: (0.0, 11.0 + 1.0 + COMMIT),
    };
    check("kubernetes", &crash("profile = \"kubernetes\""), &bounds);
    // The third check 30 s apart fails 60 s to 90 s after the crash, the third passes as late; a
    // record lives for 60 s.
    let bounds = Bounds {
        noticed: (60.0, 90.01),
        spread: (0.0, 60.0 + COMMIT),
        back: (60.0, 90.0 + 60.0 + COMMIT),
    };
    check("dns", &crash("profile = \"dns\""), &bounds);
}

#[test]
fn a_crash_under_beats_and_renewals() {
    // Beats every 5 s count for 15 s, looks every 5 s; pushed after 0.5 s, pulled within a minute.
    let bounds = Bounds {
        noticed: (10.0, 20.0 + COMMIT),
        spread: (0.5, 60.0 + COMMIT),
        back: (0.5, 60.0 + COMMIT),
    };
    let nacos = world(6, "profile = \"nacos\"", "", "", "crash");
    check("nacos", &nacos, &bounds);
    // Two leases of 90 s after the last of the renewals every 30 s, an eviction every minute, for
    // each server by itself; then read-only cache, fetch and Ribbon, 30 s each. Back with the next
    // registration.
    let bounds = Bounds {
        noticed: (150.0, 240.01),
        spread: (0.0, 60.0 + 90.01),
        back: (0.0, 40.0 + 90.01),
    };
    let eureka = world(20, "profile = \"eureka\"", "", "", "crash");
    check("eureka", &eureka, &bounds);
}

/// The loss of a host is noticed by other means than the death of a process where agents check.
#[test]
fn a_lost_host_under_agents() {
    // 13 nodes: a suspicion of 4 s x log10(13) at least and six times that at most, and a probe.
    let lost = |registry: &str| world(6, registry, "", "", "host_loss");
    let bounds = Bounds {
        noticed: (4.45, 26.8 + 13.0),
        spread: (0.0, COMMIT),
        // An exchange of lists every 30 s brings a host that is back, if nothing else does.
        back: (0.0, 10.0 + 35.0),
    };
    check("consul", &lost("profile = \"consul\""), &bounds);
    // A lease of the node every 10 s and up to 4 % more; 40 s without, looked at every 5 s.
    let bounds = Bounds {
        noticed: (40.0 - 10.4, 45.0 + COMMIT),
        spread: (0.0, 1.0 + COMMIT),
        back: (0.0, 10.4 + 11.0 + 1.0 + COMMIT),
    };
    check("kubernetes", &lost("profile = \"kubernetes\""), &bounds);
}

/// Eureka keeps one of six for good: ten renewals of eleven expected ones are too few.
#[test]
fn what_no_registry_excludes_is_told_as_what_it_is() {
    let text = world(6, "profile = \"eureka\"", "", "", "crash");
    for seed in SEEDS {
        let change = told(&text, seed);
        let of = &change.instances[0];
        assert_eq!(of.gone.truth.map(|truth| truth.0), Some(BEGAN));
        assert!(of.gone.committed_secs.is_none() && of.gone.callers.is_none());
        let (sent, _) = of.gone.attempt.as_ref().expect("they go on");
        assert!(
            ENDED - 2.0 < *sent && *sent < ENDED,
            "until the end: {sent}"
        );
    }
}

/// Nodes whose leases cannot be renewed are taken for lost, with pods that run: these are trusted
/// again once a renewal tells their kubelets.
#[test]
fn a_partition_from_the_control_plane_is_a_mistake_that_ends() {
    let text = world(6, "profile = \"kubernetes\"", "", "", "crash");
    let text = text.replace(
        "kind = \"crash\"\ntarget = \"instance:s/main/1\"",
        "kind = \"partition\"\nfrom = \"service:s\"\nto = \"registry:*\"\nsymmetric = false",
    );
    for seed in SEEDS {
        let change = told(&text, seed);
        assert_eq!(change.instances.len(), 6);
        for of in &change.instances {
            assert_in_order(of, &of.gone, BEGAN, true);
            assert_in_order(of, &of.back, ENDED, true);
            let trusted = of.back.registry_secs.expect("they are well") - ENDED;
            // A renewal may have to try three servers first, 10 s each.
            assert!(trusted <= 3.0 * 10.0 + 10.4 + COMMIT, "{trusted}");
        }
    }
}

/// Members of a cluster find out one after the other; callers that listen to one know with it.
#[test]
fn a_crash_in_a_cluster() {
    let gossip = "gossip = { profile = \"memberlist_lan\" }";
    let caller = "[service.front]\ncount = 3\nservice_time = \"1ms\"\n\
                  [service.front.call.s]\nbalancer = \"random\"\nattempt_timeout = \"1s\"\n\
                  detector = { kind = \"gossip\" }\n";
    let text = world(6, "profile = \"static\"", gossip, "", "crash");
    // The callers of a service with the cluster listen to their own member.
    let text = text
        .replace("[service.s]\n", &format!("{caller}[service.s]\n"))
        .replace("gossip = {", "gossip = { with = [\"front\"],");
    for seed in SEEDS {
        let scenario = text::load_text(&text, &[]);
        if scenario.scenario.is_none() {
            panic!("{}", scenario.diagnostics.render(&scenario.sources, false));
        }
        let change = told(&text, seed);
        let of = &change.instances[0];
        let members = of.gone.members.as_ref().expect("they find out");
        assert!(BEGAN + 4.0 <= members.first_secs, "{members:?}");
        assert!(members.first_secs <= members.median_secs);
        assert!(members.last_secs < BEGAN + 40.0, "{members:?}");
    }
}
