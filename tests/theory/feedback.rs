//! Strategies that instances tell about themselves: bounds from theory, and what follows from
//! their rules.

use std::collections::BTreeMap;

use stormglass::model::observation::{ControlKind, Observation, Observer};
use stormglass::time::{SimDuration, SimTime};

use crate::support::meter::Meter;
use crate::support::{run, scenario};
use crate::texts::{Length, call, client, exponential, poisson, service, unequal_instances};

/// Messages by kind, and what they go with.
#[derive(Debug, Default)]
struct Counts {
    sent: BTreeMap<ControlKind, u64>,
    attempts: u64,
    /// Attempts that reached an instance that had nothing to do.
    idle_ends: u64,
    at_instance: BTreeMap<u32, u64>,
}

impl Counts {
    fn of(text: &str) -> Self {
        let mut counts = Counts::default();
        run(&scenario(text), &mut counts);
        counts
    }

    fn sent(&self, kind: ControlKind) -> u64 {
        self.sent.get(&kind).copied().unwrap_or(0)
    }
}

impl Observer for Counts {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::ControlSent { kind, .. } => *self.sent.entry(kind).or_default() += 1,
            Observation::AttemptSent { .. } => self.attempts += 1,
            Observation::WorkArrived { instance, .. } => {
                *self.at_instance.entry(instance.0).or_default() += 1;
            }
            Observation::WorkEnded { instance, .. } => {
                let left = self.at_instance.get_mut(&instance.0);
                let left = left.expect("it arrived");
                *left -= 1;
                self.idle_ends += u64::from(*left == 0);
            }
            _ => {}
        }
    }
}

const LOAD: f64 = 0.8;

fn length(count: u64, rate: f64) -> Length {
    Length {
        count,
        rate,
        warmup: count as f64 / rate / 10.0,
        seed: 1,
    }
}

/// Mean sojourn time with ten equal instances, in service times; each of `caller_count` callers
/// has its own balancer.
fn mean_sojourn(balancer: &str, caller_count: u64) -> f64 {
    let length = length(50_000, 10.0 * LOAD);
    let text = length.drained_text(0.0)
        + &service("s", 10, 1, &exponential(1.0))
        + &client(&poisson(length.rate))
        + &format!("count = {caller_count}\n")
        + &call("s", balancer);
    let meter = Meter::of(&text, SimDuration::from_secs(1));
    meter.value("mean_sojourn").expect("a known metric")
}

/// Winston (1977): with exponential service no policy that knows the queues has a lower mean than
/// the shortest queue. Random splitting is ten times M/M/1: 1 / (1 - load) = 5. All see the same
/// arrivals and the same work.
#[test]
fn means_lie_between_the_shortest_queue_and_chance() {
    for caller_count in [1, 5] {
        let bound = mean_sojourn("\"shortest_queue_global\"", caller_count);
        assert!(1.0 < bound);
        for policy in ["join_idle_queue", "prequal", "c3"] {
            let mean = mean_sojourn(&format!("\"{policy}\""), caller_count);
            println!("{policy}, {caller_count} callers: {bound} <= {mean} <= 5");
            assert!(bound * 0.98 <= mean, "{policy}: {mean} < {bound}");
            assert!(mean < 1.0 / (1.0 - LOAD), "{policy}: {mean}");
        }
    }
}

/// Two instances of speed 1 and 3, at constant service times.
fn unequal(balancer: &str, secs: f64, faults: &str) -> Vec<u64> {
    let length = Length {
        count: (100.0 * secs) as u64,
        rate: 100.0,
        warmup: 60.0,
        seed: 1,
    };
    let text = length.text(0.0)
        + &unequal_instances("\"10ms\"", &[(1.0, 1.0), (3.0, 1.0)])
        + &client(&poisson(length.rate))
        + &call("s", balancer)
        + faults;
    Meter::of(&text, SimDuration::from_secs(1)).pick_counts
}

fn weights(keys: &str) -> String {
    format!("{{ policy = \"grpc_weighted_round_robin\", report_window = \"10s\"{keys} }}")
}

fn share(counts: &[u64], place: usize) -> f64 {
    counts[place] as f64 / counts.iter().sum::<u64>() as f64
}

/// By the utilization law an instance of speed v is busy for rate x 10 ms / v, so rate over
/// utilization is 100 v whatever it gets: the weights are 1 : 3. A request is counted in the
/// window in which it ends and its work in those in which it is done, at most one request more or
/// less in each window of 250 and more: a weight is wrong by less than 1/125, a share by less than
/// 0.75 x 0.25 x 2/125 = 0.003.
#[test]
fn reported_weights_are_the_speeds() {
    for keys in ["", ", reports = \"out_of_band\", report_interval = \"10s\""] {
        let counts = unequal(&weights(keys), 1_000.0, "");
        let fast = share(&counts, 1);
        assert!((fast - 0.75).abs() < 0.003, "{keys}: {fast}");
    }
}

#[test]
fn before_the_end_of_the_blackout_it_is_round_robin() {
    let counts = unequal(&weights(", blackout = \"10000s\""), 1_000.0, "");
    assert!(counts[0].abs_diff(counts[1]) <= 1, "{counts:?}");
}

/// An instance that answers nothing but errors has rate over (utilization + 1). Without the
/// penalty its weight is 100 as before, a share of one quarter. With it the weight is less than
/// its rate, so that with every update its share falls by the factor rate / 300 or more, which is
/// below 1/3: nothing is left of it. (When its last report expires it is one that nothing is known
/// of, and the only one left that is known is not enough for weights: it gets half for a while.)
#[test]
fn the_error_penalty_takes_load_from_an_instance_that_fails() {
    let fault = "[fault.bad]\nkind = \"error\"\ntarget = \"group:s/a\"\nat = \"1s\"\n";
    let without = unequal(&weights(", error_penalty = 0.0"), 1_000.0, fault);
    let with = unequal(&weights(", expiration = \"1000s\""), 1_000.0, fault);
    let expiring = unequal(&weights(", expiration = \"60s\""), 1_000.0, fault);
    let (without, with) = (share(&without, 0), share(&with, 0));
    assert!((without - 0.25).abs() < 0.003, "{without}");
    assert!(with < 0.01, "{with}");
    assert!(with + 0.01 < share(&expiring, 0), "{expiring:?}");
}

/// Probes leave with picks: two and a half for each, to different instances.
#[test]
fn probes_are_counted_and_answered_by_the_living() {
    let length = length(10_000, 100.0);
    let text = |fault: &str| {
        length.drained_text(0.001)
            + &service("s", 4, 1, "\"5ms\"")
            + &client(&poisson(length.rate))
            + &call("s", "{ policy = \"prequal\", probe_rate = 2.5 }")
            + "deadline = \"1s\"\n"
            + fault
    };
    let all = Counts::of(&text(""));
    let sent = all.sent(ControlKind::Probe);
    assert_eq!(sent, 5 * all.attempts / 2);
    assert_eq!(all.sent(ControlKind::ProbeReply), sent);
    // One of four is dead from the start: a quarter of the probes is lost.
    let fault = "[fault.dead]\nkind = \"crash\"\ntarget = \"instance:s/a/0\"\nat = \"0s\"\n";
    let some = Counts::of(&text(fault));
    let (sent, answered) = (
        some.sent(ControlKind::Probe) as f64,
        some.sent(ControlKind::ProbeReply) as f64,
    );
    // 4.8 standard errors of a binomial share.
    let error = 4.8 * (0.25 * 0.75 / sent).sqrt();
    assert!(
        (answered / sent - 0.75).abs() < error,
        "{answered} of {sent}"
    );
}

/// One notice of each instance at the start, and one whenever its last work ends.
#[test]
fn an_instance_tells_one_caller_each_time_that_it_comes_to_idle() {
    let length = length(10_000, 300.0);
    let text = length.drained_text(0.001)
        + &service("s", 4, 1, &exponential(0.005))
        + &client(&poisson(length.rate))
        + "count = 3\n"
        + &call("s", "\"join_idle_queue\"");
    let counts = Counts::of(&text);
    let notices = counts.sent(ControlKind::IdleNotice);
    assert_eq!(notices, 4 + counts.idle_ends);
}

/// Prequal holds back from an instance that takes ten times as long, although it looks at no
/// speeds: with one in ten picks it would be busy for 1.6 times the time there is.
#[test]
fn probes_find_the_slow_instance() {
    for policy in ["prequal", "c3"] {
        let length = length(50_000, 1_600.0);
        let mut text = length.drained_text(0.0) + &service("s", 9, 1, &exponential(0.005));
        text += "[service.s.group.b]\ncount = 1\nspeed = 0.1\n";
        text += &client(&poisson(length.rate));
        text += &call("s", &format!("\"{policy}\""));
        let counts = Meter::of(&text, SimDuration::from_ms(5)).pick_counts;
        let slow = share(&counts, 9);
        // What it can do at most: 20 of 1,600 per second.
        assert!(slow < 20.0 / 1_600.0, "{policy}: {slow}");
    }
}

/// A report on a period ends with the process that sends it. Ten seconds apart from the start, and
/// dead from 95 to 100 s: it is asked again when three reports have not come, which is noticed at
/// the first update after 120 s.
#[test]
fn reports_on_a_period_are_asked_for_again() {
    let length = Length {
        count: 3_000,
        rate: 10.0,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.text(0.0)
        + &service("s", 2, 1, "\"5ms\"")
        + &client(&poisson(length.rate))
        + &call(
            "s",
            &weights(", reports = \"out_of_band\", report_interval = \"10s\""),
        )
        + "deadline = \"1s\"\n[fault.crash]\nkind = \"crash\"\n\
           target = \"instance:s/a/0\"\nat = \"95s\"\nfor = \"5s\"\n";
    let counts = Counts::of(&text);
    assert_eq!(counts.sent(ControlKind::ReportRequest), 3);
    // The one: at 10 to 290 s. The other: at 10 to 90 s, and from 130 to 131 s on to 290 s.
    assert_eq!(counts.sent(ControlKind::LoadReport), 29 + 9 + 17);
}

/// One of ten instances answers errors in 1 ms, the others answer well in 100 ms on average: the
/// black hole. Requests come at 500 per second.
fn black_hole_share(balancer: &str) -> f64 {
    let length = Length {
        count: 35_000,
        rate: 500.0,
        warmup: 30.0,
        seed: 1,
    };
    let text = length.drained_text(0.0)
        + &service("s", 10, 64, &exponential(0.1))
        + &client(&poisson(length.rate))
        + &call("s", balancer)
        + "[fault.bad]\nkind = \"error\"\ntarget = \"instance:s/a/0\"\nat = \"0s\"\n\
           service_time = \"1ms\"\n";
    share(&Meter::of(&text, SimDuration::from_ms(100)).pick_counts, 0)
}

/// With notices of idle instances the bad one is in the queue whenever it is idle, which it is at a
/// pick but if it was picked less than 1 ms before: with a probability of exp(-0.5) = 0.61 or more.
/// The others have 2 requests each on average even if it takes 60 %, so they come to idle
/// 9 x 20 x exp(-2) = 24 times per second, for one pick each: 5 %.
#[test]
fn an_instance_that_fails_fast_draws_the_load_of_those_who_trust_it() {
    let idle = black_hole_share("\"join_idle_queue\"");
    assert!(0.5 < idle, "{idle}");
    // Always cold, and the fastest by far: more than its share.
    let probed = black_hole_share("\"prequal\"");
    assert!(0.1 < probed, "{probed}");
    // With the error penalty its weight is below its rate, 50 at first; that of the others, rate
    // over utilization, is 64 / 0.1 s = 640: a share of 1 % at once, and less with every window.
    let weighted = black_hole_share("\"grpc_weighted_round_robin\"");
    assert!(weighted < 0.01, "{weighted}");
    println!("join_idle_queue {idle}, prequal {probed}, grpc_weighted_round_robin {weighted}");
}
