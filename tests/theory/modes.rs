//! Cluster modes, hedges, deadlines and cancellations against arithmetic: services take exactly
//! as long as they say, and messages take no time.

use std::collections::BTreeSet;

use stormglass::id::{EdgeId, InstanceId};
use stormglass::model::observation::{AttemptOutcome, Observation, Observer, Outcome, WorkEnd};
use stormglass::time::SimTime;

use crate::support::{run, scenario};

/// What happened.
#[derive(Default)]
struct Facts {
    /// Milliseconds from arrival to outcome of each request.
    ends: Vec<(f64, Outcome)>,
    /// Milliseconds from start to outcome of each call, by edge.
    calls: Vec<(EdgeId, f64, Outcome)>,
    sent: Vec<InstanceId>,
    ended: Vec<AttemptOutcome>,
    work: Vec<(InstanceId, f64, WorkEnd)>,
    hedge_count: u64,
    fallback_count: u64,
    zombie_ms: f64,
}

impl Observer for Facts {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let ms = |since: SimTime| at.since(since).as_ms_f64();
        match *observation {
            Observation::RequestEnded {
                arrived_at,
                outcome,
                ..
            } => self.ends.push((ms(arrived_at), outcome)),
            Observation::CallEnded {
                edge,
                started_at,
                outcome,
                ..
            } => self.calls.push((edge, ms(started_at), outcome)),
            Observation::AttemptSent { instance, .. } => self.sent.push(instance),
            Observation::AttemptEnded { outcome, .. } => self.ended.push(outcome),
            Observation::WorkEnded {
                instance,
                arrived_at,
                end,
                ..
            } => self.work.push((instance, ms(arrived_at), end)),
            Observation::HedgeSent { .. } => self.hedge_count += 1,
            Observation::FellBack { .. } => self.fallback_count += 1,
            Observation::ZombieWorked { length, .. } => self.zombie_ms += length.as_ms_f64(),
            _ => {}
        }
    }
}

/// Ten requests, one every ten seconds, of which each is over before the next one comes.
fn facts(services: &str, call: &str) -> Facts {
    let text = format!(
        "schema = 1\nduration = \"101s\"\ndrain = \"60s\"\n[network]\nsame_zone = \"0s\"\n\
         {services}\n[client.c]\narrivals = {{ process = \"constant\", rate = \"0.1/s\" }}\n\
         [client.c.call.s]\n{call}\n"
    );
    let mut facts = Facts::default();
    run(&scenario(&text), &mut facts);
    assert_eq!(facts.ends.len(), 10);
    facts
}

fn service(count: u32, service_time: &str) -> String {
    format!("[service.s]\ncount = {count}\nservice_time = \"{service_time}\"\n")
}

/// The same, whose first `bad_count` instances answer errors after 1 ms.
fn bad_service(count: u32, bad_count: u32, service_time: &str) -> String {
    let target = match bad_count {
        1 => "instance:s/main/0",
        _ => "service:s",
    };
    service(count, service_time)
        + &format!(
            "[fault.bad]\nkind = \"error\"\ntarget = \"{target}\"\nservice_time = \"1ms\"\n\
             at = \"0s\"\n"
        )
}

fn assert_all(facts: &Facts, ms: f64, outcome: Outcome) {
    assert!(
        facts.ends.iter().all(|end| *end == (ms, outcome)),
        "{:?}",
        facts.ends
    );
}

#[test]
fn failfast_tries_once() {
    let facts = facts(&bad_service(3, 3, "5ms"), "cluster = \"failfast\"");
    assert_all(&facts, 1.0, Outcome::Failure);
    assert_eq!((facts.sent.len(), facts.fallback_count), (10, 0));
}

#[test]
fn failsafe_turns_failures_into_fallbacks() {
    let facts = facts(&bad_service(3, 3, "5ms"), "cluster = \"failsafe\"");
    assert_all(&facts, 1.0, Outcome::Success);
    assert_eq!((facts.sent.len(), facts.fallback_count), (10, 10));
}

#[test]
fn failback_answers_at_once_and_tries_again_in_the_background() {
    let facts = facts(
        &bad_service(3, 3, "5ms"),
        "cluster = \"failback\"\nfailback = { retry_count_max = 3, interval = \"2s\" }",
    );
    assert_all(&facts, 1.0, Outcome::Success);
    // The background is not in anybody's way: each call ends once.
    assert_eq!((facts.calls.len(), facts.fallback_count), (10, 10));
    // The run ends at 101 s, when no request is in flight: the last call was tried at 100 s only.
    assert_eq!(facts.sent.len(), 9 * 4 + 1);
}

#[test]
fn forking_asks_different_instances_and_takes_the_first_good_reply() {
    let facts = facts(
        &bad_service(2, 1, "5ms"),
        "cluster = \"forking\"\nfork_count = 2",
    );
    assert_all(&facts, 5.0, Outcome::Success);
    assert_eq!((facts.sent.len(), facts.hedge_count), (20, 10));
    let pairs = facts.sent.chunks(2);
    assert!(pairs.into_iter().all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_broadcast_goes_to_all_and_fails_at_its_share() {
    let broadcast = |share: &str| {
        let mode = format!("cluster = \"broadcast\"\nfailed_ratio_max = {share}");
        facts(&bad_service(4, 1, "5ms"), &mode)
    };
    let tolerant = broadcast("0.5");
    assert_all(&tolerant, 5.0, Outcome::Success);
    assert_eq!(tolerant.sent.len(), 40);
    let reached: BTreeSet<InstanceId> = tolerant.sent[..4].iter().copied().collect();
    assert_eq!(reached.len(), 4);
    let strict = broadcast("0.25");
    assert_all(&strict, 1.0, Outcome::Failure);
    assert_eq!(strict.sent.len(), 40);
}

#[test]
fn a_failure_brings_the_next_hedge_at_once() {
    let facts = facts(&bad_service(2, 1, "5ms"), "hedge = { delay = \"1s\" }");
    let (quick, slow): (Vec<f64>, Vec<f64>) = facts
        .ends
        .iter()
        .map(|(ms, _)| *ms)
        .partition(|ms| *ms == 5.0);
    assert!(slow.iter().all(|ms| *ms == 6.0), "{slow:?}");
    assert_eq!(facts.sent.len(), quick.len() + 2 * slow.len());
    // With nothing else in flight it is a retry.
    assert_eq!(facts.hedge_count, 0);
}

#[test]
fn a_hedge_that_loses_is_a_zombie_from_then_on() {
    let facts = facts(&service(2, "30ms"), "hedge = { delay = \"10ms\" }");
    assert_all(&facts, 30.0, Outcome::Success);
    assert_eq!(facts.hedge_count, 10);
    let cancelled = facts
        .ended
        .iter()
        .filter(|o| **o == AttemptOutcome::Cancelled);
    assert_eq!(cancelled.count(), 10);
    // It started at 10 ms and goes on from 30 to 40 ms.
    assert_eq!(facts.zombie_ms, 100.0);
}

#[test]
fn a_hedge_that_loses_is_cancelled_where_that_is_possible() {
    let cancel = "hedge = { delay = \"10ms\" }\ndeadline_propagation = \"cancel\"";
    let services = service(2, "30ms") + "cancellable = true\n";
    let facts = facts(&services, cancel);
    let cancelled = facts
        .work
        .iter()
        .filter(|work| work.2 == WorkEnd::Cancelled);
    assert!(cancelled.clone().all(|(_, ms, _)| *ms == 20.0));
    assert_eq!((cancelled.count(), facts.zombie_ms), (10, 0.0));
}

/// A service that works for 20 ms and then calls another one, which takes a second.
fn two_tiers(more: &str) -> String {
    format!(
        "[service.s]\ncount = 2\nservice_time = \"20ms\"\ncancellable = true\n\
         [service.s.call.db]\n{more}\n[service.db]\ncount = 1\nworkers = 2\n\
         service_time = \"1s\"\ncancellable = true\n"
    )
}

#[test]
fn a_cancellation_follows_the_calls() {
    let facts = facts(
        &two_tiers("deadline_propagation = \"cancel\""),
        "hedge = { delay = \"10ms\" }\ndeadline_propagation = \"cancel\"",
    );
    assert_all(&facts, 1_020.0, Outcome::Success);
    // The hedge came 10 ms later, and reached the database after 30 ms.
    let cancelled = facts
        .work
        .iter()
        .filter(|work| work.2 == WorkEnd::Cancelled);
    let mut times: Vec<f64> = cancelled.map(|work| work.1).collect();
    times.sort_by(f64::total_cmp);
    // The run ends with its last outcome, before the last two.
    assert_eq!(times, [[990.0; 9], [1_010.0; 9]].concat());
    let failed = facts.calls.iter().filter(|call| call.2 == Outcome::Failure);
    assert_eq!(failed.count(), 9);
}

#[test]
fn a_call_ends_before_the_attempt_that_it_is_made_for() {
    let more = "deadline_propagation = \"drop_at_dequeue\"\ndeadline_margin = \"15ms\"";
    let facts = facts(
        &two_tiers(more),
        "deadline = \"100ms\"\ndeadline_propagation = \"drop_at_dequeue\"",
    );
    // From 20 ms until 15 ms before the deadline; then the API has 15 ms left to say so.
    let calls = facts.calls.iter().filter(|(edge, ..)| *edge == EdgeId(1));
    assert!(
        calls
            .clone()
            .all(|(_, ms, outcome)| (*ms, *outcome) == (65.0, Outcome::Timeout))
    );
    assert_eq!(calls.count(), 10);
    assert_all(&facts, 85.0, Outcome::Failure);
}
