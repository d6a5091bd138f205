//! DNS against the law of its caches and of its checks.

use stormglass::model::observation::{Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::{Story, fault, only, tell};
use super::uniform_sums::assert_sum;
use crate::detection::{crashing_world, detections};
use crate::support::cases::{Pass, Verdict, studies};
use crate::support::{run_alone, scenario};

const QUIET: &str = "profile = \"dns\"\nmembers = 1\nhealth_check = false";

/// Members that work in no time.
pub const FREE: &str = "heartbeat_time = \"0s\", read_time = \"0s\", write_time = \"0s\"";

/// One instance of ten leaves in good order.
const LEAVE: &str = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                     at = \"100s\"\nfor = \"1000s\"\ngrace = \"1s\"\n";

/// How long after a change each caller has the new list.
#[derive(Default)]
struct Drain {
    changed_at: Option<SimTime>,
    residuals: Vec<f64>,
}

impl Observer for Drain {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::Published { .. } => self.changed_at = Some(at),
            Observation::Excluded { .. } => {
                let changed_at = self.changed_at.expect("the zone changes first");
                self.residuals.push(at.since(changed_at).as_secs_f64());
            }
            _ => {}
        }
    }
}

fn drain(seed: u64, caller_count: u64, registry: &str) -> Vec<f64> {
    let text = world(400, seed, 10, registry, LEAVE)
        .replace(
            "[client.c]\n",
            &format!("[client.c]\ncount = {caller_count}\n"),
        )
        .replace("same_zone = \"50us\"", "same_zone = \"1us\"");
    let mut drain = Drain::default();
    run_alone(&scenario(&text), &mut drain);
    drain.residuals
}

pub fn ttl_drain(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("dns_ttl_drain") {
        let count = study.sample_count(pass);
        let ttl = study.number("ttl");
        let residuals = drain(1, count, &format!("{QUIET}\nttl = \"{ttl}s\""));
        assert_eq!(residuals.len() as u64, count);
        study.check(&mut verdict, count, |metric| match metric {
            "fraction_still_stale" => {
                let t = study.number("t");
                let stale = residuals.iter().filter(|residual| t < **residual);
                stale.count() as f64 / count as f64
            }
            "mean_residual" => residuals.iter().sum::<f64>() / count as f64,
            other => panic!("no metric {other}"),
        });
    }
    verdict.assert_all_met();
}

/// Pauses that outlast detection, seen by checks of the zone.
pub fn check_detection(pass: Pass) {
    detections("probe_detection", pass, |study, crash_count| {
        let interval = study.number("interval");
        let registry = format!(
            "[registry]\nprofile = \"dns\"\nmembers = 1\ncheck_interval = \"{interval}s\"\n\
             check_timeout = \"{}s\"\nfailure_threshold = {}\ncapacity = {{ {FREE} }}\n",
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

fn crash(seed: u64, registry: &str, kind: &str) -> Story {
    let dead = fault("dead", kind, "instance:s/main/0", "100s", "250s");
    tell(&world(360, seed, 5, registry, &dead))
}

#[test]
fn a_host_that_refuses_is_found_out_without_a_timeout() {
    let registry = "profile = \"dns\"\nmembers = 1\nfailure_threshold = 4";
    let sample: Vec<f64> = (0..300)
        .map(|seed| only(&crash(seed, registry, "crash").suspected) - 100.0)
        .collect();
    assert_sum("refused", &sample, 90.0, &[30.0]);
    assert!(sample.iter().all(|t| (90.0..=120.001).contains(t)));
}

#[test]
fn all_callers_of_one_resolver_change_at_the_same_instant_and_those_of_none_do_not() {
    let shared = "profile = \"dns\"\nmembers = 2\nshared_resolvers = 1\nhealth_check = false";
    let spread = |residuals: &[f64]| {
        let most = residuals.iter().copied().fold(0.0, f64::max);
        most - residuals.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let mut sample = Vec::new();
    for seed in 0..200 {
        let residuals = drain(seed, 20, shared);
        assert_eq!(residuals.len(), 20);
        assert!(spread(&residuals) < 0.01, "{residuals:?}");
        sample.push(residuals[0]);
    }
    assert_sum("a shared resolver", &sample, 0.0, &[60.0]);
    assert!(10.0 < spread(&drain(1, 20, QUIET)));
}

#[test]
fn a_time_of_their_own_comes_on_top_of_a_shared_resolver() {
    // With 200 callers one of them asks within 0.15 s of the end of the shared answer.
    let registry = "profile = \"dns\"\nmembers = 2\nshared_resolvers = 1\nhealth_check = false\n\
                    client_cache = \"fixed\"\nclient_ttl = \"30s\"";
    let sample: Vec<f64> = (0..200)
        .map(|seed| {
            let residuals = drain(seed, 200, registry);
            assert!(residuals.iter().all(|residual| *residual < 90.5));
            residuals[residuals.len() / 2]
        })
        .collect();
    // The median caller waits for half of its own time.
    assert_sum("the median", &sample, 15.0, &[60.0]);
}

#[test]
fn a_cache_without_an_end_never_learns_unless_failures_set_off_lookups() {
    let registry = "profile = \"dns\"\nmembers = 1\ncheck_interval = \"10s\"\n\
                    failure_threshold = 3\nclient_cache = \"forever\"";
    let dead = fault("dead", "crash", "instance:s/main/0", "100s", "250s");
    let told = |more: &str| {
        let text = world(360, 3, 5, &format!("{registry}{more}"), &dead).replace(
            "{ process = \"renewal\", gap = \"180s\" }",
            "{ process = \"poisson\", rate = \"50/s\" }",
        );
        tell(&text)
    };
    let forever = told("");
    assert_eq!((forever.suspected.len(), forever.excluded.len()), (1, 0));
    // The first failure comes at once and its lookup finds the old zone, which changes 20 to 30 s
    // after the crash; the next lookup is 30 s after the first.
    let window = only(&told("\nresolve_on_failure = true").excluded) - 100.0;
    assert!((30.0..30.5).contains(&window), "{window}");
}

#[test]
fn nobody_healthy_is_all_of_them_or_none() {
    for (word, count) in [("all", 5), ("none", 0)] {
        let registry = format!(
            "profile = \"dns\"\nmembers = 1\ncheck_interval = \"10s\"\nttl = \"5s\"\n\
             negative_ttl = \"5s\"\nall_unhealthy = \"{word}\""
        );
        let dead = fault("dead", "host_loss", "service:s", "100s", "250s");
        let story = tell(&world(300, 1, 5, &registry, &dead));
        assert_eq!(story.suspicions.len(), 5);
        let last = *story.candidate_counts.last().expect("some left first");
        assert_eq!(last.1, count, "{word}");
        assert!((120.0..146.0).contains(&last.0), "{last:?}");
    }
}

#[test]
fn without_name_servers_callers_keep_their_list_or_lose_it_after_its_time() {
    let outage = fault(
        "out",
        "registry_outage",
        "registry:member/*",
        "100s",
        "200s",
    );
    let story = |more: &str| tell(&world(400, 1, 5, &format!("{QUIET}\n{more}"), &outage));
    assert!(story("").exclusions.is_empty());
    for (more, least) in [("", 0.0), ("stale_max = \"100s\"", 100.0)] {
        let story = story(&format!("lookup_failure = \"empty\"\n{more}"));
        assert_eq!((story.exclusions.len(), story.inclusions.len()), (5, 5));
        let at = story.exclusions[0] - 100.0;
        assert!((least..least + 61.0).contains(&at), "{more}: {at}");
        // A failed lookup is repeated every second.
        assert!((300.0..301.1).contains(&story.inclusions[0]));
    }
}

#[test]
fn a_resolver_serves_stale_answers_as_long_as_it_may() {
    let registry = "profile = \"dns\"\nmembers = 2\nshared_resolvers = 1\nhealth_check = false\n\
                    lookup_failure = \"empty\"\nstale_max = \"60s\"";
    let outage = fault(
        "out",
        "registry_outage",
        "registry:member/0",
        "100s",
        "290s",
    );
    let story = tell(&world(400, 1, 5, registry, &outage));
    let at = story.exclusions[0] - 100.0;
    // The rest of a ttl, 60 s more, and the rest of an answer that was stale.
    assert!((60.0..151.0).contains(&at), "{at}");
}

#[test]
fn name_servers_die_and_come_back_and_the_zone_is_there() {
    for kind in ["crash", "host_loss", "pause"] {
        for target in ["registry:member/0", "registry:member/1"] {
            let faults = fault("server", kind, target, "60s", "60s") + LEAVE;
            let registry = "profile = \"dns\"\nmembers = 2\nttl = \"20s\"";
            let story = tell(&world(300, 2, 20, registry, &faults));
            // Deregistered at 100 s. A first name server that stands still notes it at 120 s; to
            // one that is dead the instance says it in vain, for one second, and checks have to
            // find it out: three of them from 120 s on, the first within 30 s.
            let is_in_vain = target.ends_with('0') && kind != "pause";
            assert_eq!(
                story.suspicions.len(),
                usize::from(is_in_vain),
                "{kind} {target}"
            );
            let latest = if is_in_vain {
                120.0 + 90.0 + 10.0
            } else {
                120.1
            } + 20.0;
            let at = only(&story.exclusions);
            assert!(100.0 < at && at < latest, "{kind} {target}: {at}");
        }
    }
}

#[test]
fn lost_packets_are_not_sent_again_but_asked_again_after_their_timeout() {
    let registry = format!("{QUIET}\nttl = \"11s\"\nphase = \"aligned\"");
    let registry = registry.replace("phase", "cache_phase");
    // All packets from 105 s on are lost: the question of 110 s (they come every 11 s), after 5 s
    // the one of 115 s, and those of 121 s and 126 s, a second after the failed lookup. The one of
    // 132 s is answered.
    let lossy = "[fault.lossy]\nkind = \"loss\"\nfrom = \"client:c\"\nto = \"registry:member/*\"\n\
                 loss = \"100%\"\nat = \"105s\"\nfor = \"25s\"\n";
    let faults = format!("{LEAVE}{lossy}");
    let story = tell(&world(200, 5, 5, &registry, &faults));
    let at = only(&story.exclusions);
    assert!((132.0..132.1).contains(&at), "{at}");
}
