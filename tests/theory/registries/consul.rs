//! Consul 1.8.7: checks as recorded, and what its rules say beyond that.

use serde_json::Value;
use stormglass::id::{InstanceId, NodeId};
use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::{fault, only, tell};
use super::two_samples::assert_alike;
use super::uniform_sums::assert_sum;
use crate::support::{run_alone, scenario};

/// Each recorded sample is compared at this level.
const LEVEL: f64 = 0.01;
/// The changes of the machine on which it was recorded: second-scale timers are good to 20 ms, and
/// its worst stall beside them (README of the recordings) delays a few of them more.
const RECORDED_SECS: f64 = 0.04;
/// A quorum write and an answer at most, with the assumed 5 ms of the disk.
const DELIVERY_SECS: f64 = 0.026;

/// From each end of an instance to the list of a watcher without it, and back.
#[derive(Debug, Default)]
struct Watcher {
    changed_at: SimTime,
    is_up: bool,
    to_critical: Vec<f64>,
    to_passing: Vec<f64>,
    is_listed: bool,
}

impl Observer for Watcher {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged {
                node: NodeId(0),
                state,
                ..
            } => {
                // What came back before it was noticed is no cycle of the experiment.
                assert_eq!(self.is_listed, self.is_up, "each change is seen in time");
                (self.changed_at, self.is_up) = (at, state == LifeState::Up);
            }
            Observation::Excluded {
                instance: InstanceId(0),
                ..
            } => {
                self.is_listed = false;
                self.to_critical
                    .push(at.since(self.changed_at).as_secs_f64());
            }
            Observation::Included {
                instance: InstanceId(0),
                ..
            } => {
                self.is_listed = true;
                self.to_passing
                    .push(at.since(self.changed_at).as_secs_f64());
            }
            _ => {}
        }
    }
}

fn cycles(kind: &str, registry: &str) -> Watcher {
    let law = "{ dist = \"uniform\", min = \"20s\", max = \"30s\" }";
    let faults = format!(
        "[fault.end]\nkind = \"{kind}\"\ntarget = \"instance:s/main/0\"\nat = {law}\n\
         every = {law}\nfor = {law}\n"
    );
    let mut watcher = Watcher {
        is_up: true,
        is_listed: true,
        ..Watcher::default()
    };
    run_alone(
        &scenario(&world(25_000, 1, 1, registry, &faults)),
        &mut watcher,
    );
    watcher
}

const HTTP: &str = "profile = \"consul\"\nmembers = 1\ncheck = \"http\"\npath = \"bypass\"\n\
                    interval = \"1s\"\ntimeout = \"500ms\"";

#[test]
fn http_checks_notice_as_recorded() {
    let text = include_str!("../../data/recorded/consul-http-check.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let records = file["records"].as_array().expect("a list");
    // A refused connection fails at once; a process that stands still costs the timeout.
    for (recorded_as, kind, least, most) in
        [("kill", "crash", 0.0, 1.0), ("stop", "pause", 0.5, 1.5)]
    {
        let column = |place: usize| -> Vec<f64> {
            let of_kind = records.iter().filter(|record| record[2] == recorded_as);
            of_kind
                .map(|r| r[place].as_f64().expect("a number"))
                .collect()
        };
        let seen = cycles(kind, HTTP);
        assert!(400 <= seen.to_passing.len(), "{}", seen.to_passing.len());
        for time in &seen.to_critical {
            assert!(
                least < *time && *time <= most + DELIVERY_SECS,
                "{kind}: {time}"
            );
        }
        for time in &seen.to_passing {
            assert!(
                0.0 < *time && *time <= 1.0 + DELIVERY_SECS,
                "{kind}: {time}"
            );
        }
        for time in column(3) {
            let bounds = least - RECORDED_SECS..most + RECORDED_SECS;
            assert!(bounds.contains(&time), "{kind}: {time}");
        }
        for time in column(4) {
            assert!(
                (-RECORDED_SECS..1.0 + RECORDED_SECS).contains(&time),
                "{kind}: {time}"
            );
        }
        assert_alike(
            &format!("{kind} to critical"),
            LEVEL,
            &column(3),
            &seen.to_critical,
        );
        assert_alike(
            &format!("{kind} to passing"),
            LEVEL,
            &column(4),
            &seen.to_passing,
        );
    }
}

#[test]
fn a_hung_process_that_goes_on_passes_at_once_if_a_check_waits_for_it() {
    // A check of 500 ms in every 1.5 s waits: a third of the times. 4.4 standard errors.
    let seen = cycles("pause", HTTP);
    let count = seen.to_passing.len() as f64;
    let at_once = seen.to_passing.iter().filter(|time| **time < DELIVERY_SECS);
    // Of the rest, 2.6 % of a second come as soon by chance.
    let expected = 1.0 / 3.0 + 2.0 / 3.0 * DELIVERY_SECS;
    let share = at_once.count() as f64 / count;
    let error = 4.4 * (expected * (1.0 - expected) / count).sqrt();
    assert!((share - expected).abs() < error + DELIVERY_SECS, "{share}");
}

#[test]
fn a_time_to_live_runs_out_as_recorded() {
    let text = include_str!("../../data/recorded/consul-ttl.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let records = file["records"].as_array().expect("a list");
    for ttl in [2_u64, 5, 10] {
        let recorded: Vec<f64> = records
            .iter()
            .filter(|record| record[0] == ttl)
            .map(|record| record[1].as_f64().expect("a number"))
            .collect();
        assert_eq!(recorded.len(), 24);
        let ttl_secs = ttl as f64;
        // Reports come at whole seconds, so the last one before the crash is known.
        let registry = format!(
            "profile = \"consul\"\nmembers = 1\ncheck = \"ttl\"\nttl = \"{ttl}s\"\n\
             pass_interval = \"1s\"\nphase = \"aligned\""
        );
        let simulated: Vec<f64> = (0..24)
            .map(|seed| {
                let crash = "[fault.dead]\nkind = \"crash\"\ntarget = \"instance:s/main/0\"\n\
                             at = { dist = \"uniform\", min = \"30s\", max = \"60s\" }\n\
                             for = \"100s\"\n";
                let mut watcher = Watcher {
                    is_up: true,
                    is_listed: true,
                    ..Watcher::default()
                };
                let text = world(120, seed, 1, &registry, crash);
                run_alone(&scenario(&text), &mut watcher);
                let died_at = watcher.changed_at.as_secs_f64();
                only(&watcher.to_critical) + died_at - died_at.floor()
            })
            .collect();
        for time in &simulated {
            assert!(
                ttl_secs <= *time && *time <= ttl_secs + DELIVERY_SECS,
                "{time}"
            );
        }
        // The recording is the time to live and nothing but the noise of its machine, on both
        // sides; so its middle must meet the simulated times, and none lies outside of the noise.
        let mut sorted = recorded.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[2], sorted[21]);
        assert!(
            low <= ttl_secs + DELIVERY_SECS && ttl_secs <= high,
            "{low} {high}"
        );
        for time in recorded {
            assert!((time - ttl_secs).abs() < RECORDED_SECS, "{time}");
        }
    }
}

#[test]
fn reports_that_stop_are_noticed_a_time_to_live_after_the_last_one() {
    let registry = "profile = \"consul\"\ncheck = \"ttl\"\nttl = \"9s\"";
    let times: Vec<f64> = (0..400)
        .map(|seed| {
            let dead = fault("dead", "crash", "instance:s/main/0", "60s", "100s");
            only(&tell(&world(100, seed, 3, registry, &dead)).suspected) - 60.0
        })
        .collect();
    // Reports every third: the last one is up to 3 s old.
    assert_sum("ttl", &times, 6.0, &[3.0]);
}

#[test]
fn thresholds_put_off_a_change_by_whole_checks() {
    let registry = "profile = \"consul\"\npath = \"bypass\"\ninterval = \"2s\"\n\
                    failures_before_critical = 3\nsuccess_before_passing = 2";
    let times = |seed: u64| {
        let dead = fault("dead", "crash", "instance:s/main/0", "60s", "30s");
        let story = tell(&world(120, seed, 3, registry, &dead));
        (only(&story.suspected) - 60.0, only(&story.trusted) - 90.0)
    };
    let (down, up): (Vec<f64>, Vec<f64>) = (0..300).map(times).unzip();
    // Refused at 0 to 2 s, and twice more. The process that comes back registers, its check starts
    // anew, and its very first result counts, whatever the threshold.
    assert_sum("to critical", &down, 4.0, &[2.0]);
    assert_sum("to passing", &up, 0.0, &[2.0]);
}

#[test]
fn a_hung_process_costs_the_timeout_of_every_check() {
    // A check begins an interval after the end of the last one: three times 2 s and 1 s, less the
    // part of 2 s that has passed since the last one.
    let registry = "profile = \"consul\"\npath = \"bypass\"\ninterval = \"2s\"\ntimeout = \"1s\"\n\
                    failures_before_critical = 3";
    let times: Vec<f64> = (0..300)
        .map(|seed| {
            let hung = fault("hung", "pause", "instance:s/main/0", "60s", "40s");
            only(&tell(&world(110, seed, 3, registry, &hung)).suspected) - 60.0
        })
        .collect();
    assert_sum("hung", &times, 7.0, &[2.0]);
}

#[test]
fn a_tcp_check_does_not_see_a_process_that_stands_still() {
    for seed in 0..10 {
        let hung = fault("hung", "pause", "instance:s/main/0", "60s", "40s");
        let tcp = "profile = \"consul\"\ncheck = \"tcp\"\ninterval = \"1s\"\ntimeout = \"1s\"";
        assert!(tell(&world(120, seed, 3, tcp, &hung)).suspicions.is_empty());
        let dead = fault("dead", "crash", "instance:s/main/0", "60s", "40s");
        let at = only(&tell(&world(120, seed, 3, tcp, &dead)).excluded);
        assert!((60.0..61.1).contains(&at), "{at}");
    }
}

#[test]
fn a_check_that_waits_for_a_worker_fails_where_all_are_stuck() {
    // Every request takes 30 s and the timeout of a check is 1 s.
    let text = |path: &str| {
        format!(
            "schema = 1\nseed = 1\nduration = \"60s\"\n\
             [registry]\nprofile = \"consul\"\npath = \"{path}\"\ninterval = \"2s\"\n\
             timeout = \"1s\"\n\
             [service.s]\nservice_time = \"30s\"\ncount = 2\nworkers = 1\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"2/s\" }}\n\
             [client.c.call.s]\nbalancer = \"round_robin\"\nattempt_timeout = \"40s\"\n\
             deadline = \"50s\"\n"
        )
    };
    assert!(tell(&text("bypass")).suspicions.is_empty());
    let story = tell(&text("queued"));
    let at = only(&story.suspected[..1]);
    // Busy from the first requests on; the next check begins within 2 s, and waits for 1 s.
    assert!((1.0..4.1).contains(&at), "{at}");
}

#[test]
fn the_reaper_deregisters_between_the_limit_and_half_a_minute_more() {
    let registry = "profile = \"consul\"\npath = \"bypass\"\ninterval = \"1s\"\nfilter = \"any\"\n\
                    deregister_critical_service_after = \"1m\"";
    let times: Vec<f64> = (0..300)
        .map(|seed| {
            let dead = fault("dead", "crash", "instance:s/main/0", "60s", "300s");
            let story = tell(&world(200, seed, 3, registry, &dead));
            // With all registered instances on the list, it leaves when it is deregistered.
            only(&story.excluded) - only(&story.suspected)
        })
        .collect();
    assert_sum("reaper", &times, 60.0, &[30.0]);
    // Recorded: 60.6 s to 89.4 s (README of the recordings), within what was simulated.
    let least = times.iter().fold(f64::MAX, |a, b| a.min(*b));
    let most = times.iter().fold(0.0_f64, |a, b| a.max(*b));
    assert!(60.0 < least && least < 60.6 && 89.4 < most && most < 90.0 + DELIVERY_SECS);
}

#[test]
fn without_a_reaper_a_critical_instance_stays_registered() {
    let registry = "profile = \"consul\"\ninterval = \"1s\"\nfilter = \"any\"";
    let dead = fault("dead", "crash", "instance:s/main/0", "60s", "1000s");
    let story = tell(&world(600, 1, 3, registry, &dead));
    assert_eq!(story.suspected.len(), 1);
    assert!(story.excluded.is_empty());
}

#[test]
fn a_restart_between_two_checks_goes_unnoticed() {
    // Down for half a second, ten seconds between checks: a check is refused in 5 % of the runs.
    let noticed = (0..400).filter(|seed| {
        let restart = fault("restart", "crash", "instance:s/main/0", "60s", "500ms");
        let registry = "profile = \"consul\"\npath = \"bypass\"";
        let story = tell(&world(100, *seed, 3, registry, &restart));
        !story.suspicions.is_empty()
    });
    let count = noticed.count();
    // Binomial with 400 and 0.05: 20 plus or minus 4.4 times 4.4.
    assert!((1..=39).contains(&count), "{count}");
}
