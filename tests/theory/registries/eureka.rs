//! How long Eureka and Ribbon keep a dead instance, against the composition of its stages.

use super::deletions::{again_and_again, watch, world};
use super::stories::{Story, fault, tell};
use super::uniform_sums::assert_sum;
use crate::support::cases::{Verdict, studies};

/// One server, and no self-preservation, so that only the stages are left.
const ONE: &str = "profile = \"eureka\"\nmembers = 1\nself_preservation = false";
/// Runs with phases of their own.
const RUN_COUNT: u64 = 400;
/// What the network adds at most.
const DELIVERY_SECS: f64 = 0.01;

/// An instance dies at 60 s, or leaves.
fn crash(seed: u64, registry: &str) -> Story {
    let dead = fault("dead", "crash", "instance:s/main/0", "60s", "400s");
    tell(&world(420, seed, 2, registry, &dead))
}

/// From the crash to the exclusion, for each run.
fn windows(registry: &str) -> Vec<f64> {
    let window = |seed| {
        let story = crash(seed, registry);
        super::stories::only(&story.excluded) - 60.0
    };
    (0..RUN_COUNT).map(window).collect()
}

#[test]
fn a_dead_instance_stays_for_150_to_330_seconds_by_the_law_of_five_stages() {
    // The last renewal is up to 30 s old and is worth 180 s; then the eviction timer (60 s), the
    // second cache, the fetch and Ribbon (30 s each).
    let sample = windows(ONE);
    for window in &sample {
        assert!((150.0..330.0 + DELIVERY_SECS).contains(window), "{window}");
    }
    assert_sum("exclusion", &sample, 150.0, &[30.0, 60.0, 30.0, 30.0, 30.0]);
}

#[test]
fn every_knob_takes_its_stage_away() {
    let single = format!("{ONE}\ndoubled_lease = false");
    assert_sum(
        "single lease",
        &windows(&single),
        60.0,
        &[30.0, 60.0, 30.0, 30.0, 30.0],
    );
    let direct = format!("{ONE}\nuse_read_only_cache = false\nribbon_interval = \"0s\"");
    assert_sum(
        "direct reads",
        &windows(&direct),
        150.0,
        &[30.0, 60.0, 30.0],
    );
    let quick = format!(
        "{ONE}\nrenewal_interval = \"5s\"\nlease_duration = \"15s\"\neviction_interval = \"5s\"\n\
         fetch_interval = \"5s\"\nread_only_cache_interval = \"5s\"\nribbon_interval = \"5s\""
    );
    assert_sum("short intervals", &windows(&quick), 25.0, &[5.0; 5]);
}

#[test]
fn detection_is_the_lease_and_the_eviction_timer() {
    let times: Vec<f64> = (0..RUN_COUNT)
        .map(|seed| super::stories::only(&crash(seed, ONE).suspected) - 60.0)
        .collect();
    assert_sum("detection", &times, 150.0, &[30.0, 60.0]);
}

#[test]
fn an_instance_that_leaves_in_good_order_is_gone_within_90_seconds() {
    let leave = "[fault.leave]\nkind = \"scale_in\"\ngroup = \"s/main\"\ncount = 1\n\
                 at = \"60s\"\nfor = \"300s\"\ngrace = \"100s\"\n";
    let registry = "profile = \"eureka\"\nmembers = 1";
    let windows: Vec<f64> = (0..RUN_COUNT)
        .map(|seed| {
            let story = tell(&world(300, seed, 10, registry, leave));
            assert!(story.suspicions.is_empty());
            super::stories::only(&story.exclusions) - 60.0
        })
        .collect();
    assert_sum("cancelled", &windows, 0.0, &[30.0, 30.0, 30.0]);
}

#[test]
fn leases_without_the_doubling_expire_as_computed() {
    let mut verdict = Verdict::default();
    for study in studies("lease_expiry") {
        let (ttl, interval) = (study.number("ttl"), study.number("renew_interval"));
        let registry = format!(
            "{ONE}\ndoubled_lease = false\nlease_duration = \"{ttl}s\"\n\
             renewal_interval = \"{interval}s\"\neviction_interval = \"50ms\"\n\
             member_phase = \"aligned\""
        );
        let faults = again_and_again("crash", 20, (20, 40));
        let seen = watch(&world(50 * 1_500, 1, 1, &registry, &faults));
        let times = seen.deletions.iter();
        let times: Vec<f64> = times.filter_map(|d| d.suspected_after_down).collect();
        let count = times.len() as u64;
        // On average the eviction timer adds half of its interval.
        let mean = times.iter().sum::<f64>() / count as f64 - 0.025;
        study.check_some(
            &mut verdict,
            count,
            |metric| metric == "mean_detection",
            |_| mean,
        );
        let most = times.iter().copied().fold(0.0, f64::max);
        let bounds = ttl - 0.05..=ttl + 0.05 + DELIVERY_SECS;
        verdict.holds("max_detection", bounds.contains(&most), most);
    }
    verdict.assert_all_met();
}

#[test]
fn so_many_crashes_are_tolerated_as_published_and_not_one_more() {
    for (count, tolerated) in [(3, 0), (6, 0), (7, 1), (13, 1), (14, 2), (20, 2), (50, 7)] {
        for (crashes, expected) in [(tolerated, tolerated), (tolerated + 1, 0)] {
            if crashes == 0 {
                continue;
            }
            let target = format!("{crashes} random of service:s");
            let dead = fault("dead", "crash", &target, "61s", "3500s");
            // An hour, in which the expected renewals are counted anew four times.
            let story = tell(&world(3_600, 7, count, "profile = \"eureka\"", &dead));
            let what = format!("{crashes} of {count}");
            assert_eq!(story.exclusions.len(), expected, "{what}");
            assert_eq!(story.suspicions.len(), expected, "{what}");
        }
    }
}
