//! Delays that hit heartbeats alone, or requests alone, under every way to watch.

use stormglass::id::InstanceId;
use stormglass::model::observation::{Observation, Observer, Outcome, Suspector};
use stormglass::time::SimTime;

use super::{run, text};

const BEGINS_SECS: f64 = 60.0;
const INSTANCE_COUNT: usize = 20;
/// A request takes its service time and two ways of 1 ms.
const LATENCY_SECS: f64 = 0.003;
const SLACK_SECS: f64 = 1e-6;

/// When each instance was first suspected after the delay began, and how long requests took then.
#[derive(Debug, Default)]
struct Seen {
    suspected: Vec<(f64, InstanceId)>,
    members_suspected: usize,
    failed_probe_count: usize,
    latencies: Vec<f64>,
    failed_count: usize,
    closed_count: usize,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        match *observation {
            Observation::Suspected {
                suspector: Suspector::Member { .. },
                ..
            } => self.members_suspected += 1,
            Observation::Suspected { instance, .. }
                if !self.suspected.iter().any(|seen| seen.1 == instance) =>
            {
                self.suspected.push((at - BEGINS_SECS, instance));
            }
            Observation::GossipProbeFailed { .. } => self.failed_probe_count += 1,
            Observation::ConnectionClosed { .. } => self.closed_count += 1,
            Observation::RequestEnded {
                arrived_at,
                outcome,
                ..
            } if BEGINS_SECS < arrived_at.as_secs_f64() => {
                if outcome == Outcome::Success {
                    self.latencies.push(at - arrived_at.as_secs_f64());
                } else {
                    self.failed_count += 1;
                }
            }
            _ => {}
        }
    }
}

/// From 60 s on messages of one kind between instances and everybody take so much longer.
fn seen(registry: &str, service: &str, call: &str, fault: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"400s\"\ndrain = \"5s\"\n[network]\nsame_zone = \"1ms\"\n\
         [registry]\n{registry}\n\
         [service.s]\ncount = {INSTANCE_COUNT}\nservice_time = \"1ms\"\n{service}\n\
         [client.c]\ncount = 2\narrivals = {{ process = \"constant\", rate = \"20/s\" }}\n\
         [client.c.call.s]\nbalancer = \"random\"\n{call}\n\
         [fault.x]\nkind = \"delay\"\nfrom = \"service:s\"\nto = \"zone:*\"\n\
         at = \"60s\"\n{fault}\n"
    );
    let mut seen = Seen::default();
    run::run(&text::scenario(&text, &[]), 3, &mut seen);
    seen
}

const LATE_BEATS: &str = "delay = \"1000s\"\nonly = \"heartbeats\"";
const LATE_REQUESTS: &str = "delay = \"300ms\"\nonly = \"requests\"";

/// The first and the last time of suspicions, and how many there are at least.
type Suspicions = (f64, f64, usize);

/// The profiles, and within which time after their heartbeats stop how many instances at least are
/// suspected. None: nobody is.
fn registries() -> Vec<(&'static str, Option<Suspicions>)> {
    let all = INSTANCE_COUNT;
    vec![
        // A lease of 30 s, renewed every 10 s.
        (
            "profile = \"lease\"\nlease_duration = \"30s\"",
            Some((20.0, 31.1, all)),
        ),
        // A client that hears no answer to its pings for 2/3 of the timeout goes to another member
        // within a second, which touches its session: none ends.
        ("profile = \"zookeeper\"", None),
        // 10 s, kept alive every third and at most 0.5 s late, looked at every 0.5 s.
        ("profile = \"etcd\"", Some((6.1, 10.6, all))),
        // Two leases of 90 s, renewed every 30 s, looked at every minute. A look evicts 15 % of the
        // list, three of 20 and of 17; two looks come within the last 100 s for sure.
        (
            "profile = \"eureka\"\nself_preservation = false",
            Some((150.0, 400.0, 6)),
        ),
        // 15 s, beats every 5 s, looks every 5 s.
        ("profile = \"nacos\"", Some((10.0, 20.1, all))),
        // The third check in 30 s that fails, after its timeout of 10 s.
        ("profile = \"dns\"", Some((60.0, 100.1, all))),
        // Leases of nodes: 40 s less a renewal of 10.4 s, looked at every 5 s.
        ("profile = \"kubernetes\"", Some((29.6, 45.1, all))),
        // Checks and reports stay on their hosts. Agents whose probes fail suspect each other, but
        // what they say of that, and against it, is on time, and refutes it.
        ("profile = \"consul\"\npath = \"bypass\"", None),
    ]
}

#[test]
fn late_heartbeats_end_what_they_renew_and_requests_are_on_time() {
    for (registry, bounds) in registries() {
        let seen = seen(registry, "", "", LATE_BEATS);
        match bounds {
            None => assert!(
                seen.suspected.is_empty(),
                "{registry}: {:?}",
                seen.suspected
            ),
            Some((least, most, count)) => {
                assert!(count <= seen.suspected.len(), "{registry}");
                for (after, instance) in &seen.suspected {
                    assert!(
                        least <= *after && *after <= most,
                        "{registry}: {instance:?} {after}"
                    );
                }
            }
        }
        for latency in &seen.latencies {
            assert!(
                (latency - LATENCY_SECS).abs() < SLACK_SECS,
                "{registry}: {latency}"
            );
        }
    }
}

#[test]
fn late_requests_take_longer_and_nobody_is_suspected() {
    for (registry, _) in registries() {
        let seen = seen(registry, "", "", LATE_REQUESTS);
        assert!(
            seen.suspected.is_empty(),
            "{registry}: {:?}",
            seen.suspected
        );
        assert_eq!(seen.failed_count, 0, "{registry}");
        assert!(5_000 < seen.latencies.len());
        for latency in &seen.latencies {
            let late = LATENCY_SECS + 0.6;
            assert!((latency - late).abs() < SLACK_SECS, "{registry}: {latency}");
        }
    }
}

/// Updates of SWIM ride on probes, so nobody can say that he lives; those of memberlist have
/// messages of their own, which are on time, and hardly a suspicion is not refuted.
#[test]
fn clusters_doubt_when_probes_are_late_and_not_when_requests_are() {
    for (profile, has_updates) in [("swim", false), ("memberlist_lan", true)] {
        let gossip = format!("gossip = {{ profile = \"{profile}\" }}");
        let late = seen("profile = \"static\"", &gossip, "", LATE_BEATS);
        assert!(INSTANCE_COUNT <= late.failed_probe_count, "{profile}");
        match has_updates {
            false => assert!(INSTANCE_COUNT <= late.members_suspected, "{profile}"),
            true => assert!(
                100 * late.members_suspected < late.failed_probe_count,
                "{profile}"
            ),
        }
        let is_on_time = |latency: &f64| *latency < LATENCY_SECS + SLACK_SECS;
        assert!(late.latencies.iter().all(is_on_time));
        let slow = seen("profile = \"static\"", &gossip, "", LATE_REQUESTS);
        assert_eq!(slow.members_suspected, 0, "{profile}");
        assert!(
            slow.latencies
                .iter()
                .all(|latency| LATENCY_SECS + 0.5 < *latency)
        );
    }
}

/// A connection is pinged after 10 s and given up 5 s later; the next attempt, one in a second and
/// pair on average, opens another one.
#[test]
fn keepalives_give_connections_up_when_pings_are_late_and_not_when_requests_are() {
    let call = "connection = { keepalive = { interval = \"10s\", timeout = \"5s\", \
                without_streams = true } }\n";
    let quiet = seen(
        "profile = \"static\"",
        "",
        call,
        "delay = \"0s\"\nonly = \"heartbeats\"",
    );
    assert_eq!(quiet.closed_count, 0);
    let slow = seen("profile = \"static\"", "", call, LATE_REQUESTS);
    assert_eq!((slow.closed_count, slow.failed_count), (0, 0));
    assert!(
        slow.latencies
            .iter()
            .all(|latency| LATENCY_SECS + 0.5 < *latency)
    );
    // Each of 40 pairs about every 16 s of the last 340 s: 21 times, and not one a third off.
    let late = seen("profile = \"static\"", "", call, LATE_BEATS);
    let each = late.closed_count as f64 / (2.0 * INSTANCE_COUNT as f64);
    assert!((19.0..=23.0).contains(&each), "{each}");
}
