//! Caches against closed forms and arithmetic: messages take no time.

use stormglass::model::observation::{CacheAnswer, Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::{run, scenario};

/// What happened.
#[derive(Default)]
struct Facts {
    /// Milliseconds from arrival to outcome of each request.
    ends: Vec<(f64, Outcome)>,
    answers: Vec<CacheAnswer>,
    load_count: usize,
    sent_count: usize,
    /// The node of each arrival.
    callers: Vec<u32>,
}

impl Observer for Facts {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::RequestEnded {
                arrived_at,
                outcome,
                ..
            } => self.ends.push((at.since(arrived_at).as_ms_f64(), outcome)),
            Observation::RequestArrived { caller, .. } => self.callers.push(caller.0),
            Observation::CacheAsked { answer, .. } => self.answers.push(answer),
            Observation::CacheLoads { .. } => self.load_count += 1,
            Observation::AttemptSent { .. } => self.sent_count += 1,
            _ => {}
        }
    }
}

impl Facts {
    fn of(text: &str) -> Self {
        let mut facts = Facts::default();
        run(&scenario(&format!("schema = 1\n{text}")), &mut facts);
        facts
    }

    fn hit_ratio(&self) -> f64 {
        let is_hit = |answer: &&CacheAnswer| **answer == CacheAnswer::Fresh;
        self.answers.iter().filter(is_hit).count() as f64 / self.answers.len() as f64
    }

    fn latencies_ms(&self) -> Vec<f64> {
        assert!(self.ends.iter().all(|(_, o)| *o == Outcome::Success));
        self.ends
            .iter()
            .map(|(latency_ms, _)| *latency_ms)
            .collect()
    }
}

/// 2,000 s of one caller in front of a service that takes no time.
fn instant(keys: &str, cache: &str) -> Facts {
    Facts::of(&format!(
        "duration = \"2000s\"\n[network]\nsame_zone = \"0s\"\n\
         [service.s]\ncount = 1\nservice_time = \"0s\"\n\
         [client.c]\narrivals = {{ process = \"poisson\", rate = \"100/s\" }}\nkeys = {keys}\n\
         [client.c.call.s]\nattempt_timeout = \"1s\"\ncache = {cache}\n"
    ))
}

/// Requests at 100 ms, 200 ms and so on, for one key.
fn spaced(service_and_call: &str, duration: &str) -> Facts {
    Facts::of(&format!(
        "duration = \"{duration}\"\ndrain = \"10s\"\n[network]\nsame_zone = \"0s\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         keys = {{ count = 1 }}\n{service_and_call}\n"
    ))
}

#[test]
fn entries_with_a_life_hit_as_a_renewal_process_does() {
    // Each of 100 keys is asked for once a second; an entry lives for 4 s from its fill, so a
    // cycle is one miss and Poisson(4) hits: the hit ratio is 4/5. In 2,000 s a key has a renewal
    // count of variance t sigma^2 / mu^3 = 2000 x 1 / 125 = 16; 100 keys: 40 of 40,000 misses, and
    // 447 of 200,000 requests: 4.8 standard errors are 0.0024.
    let hit_ratio = instant("{ count = 100 }", "{ capacity = 1_000, ttl = \"4s\" }").hit_ratio();
    assert!((hit_ratio - 0.8).abs() < 0.0024, "{hit_ratio}");
}

#[test]
fn the_key_used_longest_ago_makes_room() {
    // Keys alike: every set of 30 of 100 keys is as likely, so 0.3; binomial, 4.8 standard errors.
    let hit_ratio = instant("{ count = 100 }", "{ capacity = 30 }").hit_ratio();
    assert!((hit_ratio - 0.3).abs() < 0.005, "{hit_ratio}");
    // Keys with 1/2, 1/4, 1/4 and room for two (King 1971): the two keys used last are (a, b) with
    // probability p_a p_b / (1 - p_a), so 0 is there with 5/6 and each other one with 7/12, and
    // the hit ratio is 5/12 + 7/24 = 17/24.
    let keys = "{ distribution = \"hot_set\", count = 3, hot_count = 1, hot_ratio = 0.5 }";
    let hit_ratio = instant(keys, "{ capacity = 2 }").hit_ratio();
    assert!((hit_ratio - 17.0 / 24.0).abs() < 0.005, "{hit_ratio}");
}

#[test]
fn misses_of_a_key_that_is_being_loaded_wait_for_it() {
    let world = |coalesce: bool| {
        spaced(
            &format!(
                "[service.s]\ncount = 1\nworkers = 8\nservice_time = \"250ms\"\n[client.c.call.s]\n\
                 attempt_timeout = \"2s\"\ncache = {{ capacity = 9, coalesce = {coalesce} }}"
            ),
            "450ms",
        )
    };
    let facts = world(true);
    assert_eq!(facts.sent_count, 1);
    // The load takes from 100 ms to 350 ms.
    assert_eq!(facts.latencies_ms(), [250.0, 150.0, 50.0, 0.0]);
    let facts = world(false);
    assert_eq!(facts.sent_count, 3);
    // The one of 400 ms finds the entry of the first.
    assert_eq!(facts.latencies_ms(), [250.0, 0.0, 250.0, 250.0]);
}

#[test]
fn a_failed_load_fails_for_all_who_waited() {
    let facts = spaced(
        "[service.s]\ncount = 1\nservice_time = \"10s\"\n[client.c.call.s]\n\
         attempt_timeout = \"250ms\"\ncache = { capacity = 9, coalesce = true }",
        "350ms",
    );
    let expected = [250.0, 150.0, 50.0].map(|ms| (ms, Outcome::Timeout));
    assert_eq!(facts.ends, expected);
}

#[test]
fn a_stale_entry_answers_while_it_is_loaded_again() {
    use CacheAnswer::{Absent, Fresh, Stale};
    let facts = spaced(
        "[service.s]\ncount = 1\nservice_time = \"10ms\"\n[client.c.call.s]\n\
         attempt_timeout = \"1s\"\n\
         cache = { capacity = 9, ttl = \"150ms\", stale_while_revalidate = \"1s\" }",
        "650ms",
    );
    // Filled at 110 ms, and 10 ms after each stale answer.
    assert_eq!(facts.answers, [Absent, Fresh, Stale, Fresh, Stale, Fresh]);
    assert_eq!(facts.latencies_ms(), [10.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!((facts.load_count, facts.sent_count), (3, 3));
}

#[test]
fn an_instance_is_spared_the_cost_of_a_miss() {
    let world = |miss: &str, more: &str| {
        spaced(
            &format!(
                "[service.s]\ncount = 1\nworkers = 8\nservice_time = \"5ms\"\n\
                 [service.s.cache]\ncapacity = 9\nhit_time = \"1ms\"\nmiss = {miss}\n{more}\n\
                 [client.c.call.s]\nattempt_timeout = \"1s\"\n"
            ),
            "350ms",
        )
    };
    let call = "coalesce = true\n[service.db]\ncount = 1\nworkers = 8\nservice_time = \"150ms\"\n\
                [service.s.call.db]\nattempt_timeout = \"1s\"\n";
    let facts = world("{ time = \"40ms\" }", "");
    assert_eq!(facts.latencies_ms(), [45.0, 6.0, 6.0]);
    // The call takes from 105 ms to 255 ms; the second request waits for it.
    let facts = world("{ call = \"db\" }", call);
    assert_eq!(facts.latencies_ms(), [155.0, 55.0, 6.0]);
    assert_eq!((facts.load_count, facts.sent_count), (1, 4));
}

#[test]
fn a_process_that_dies_loses_what_it_held() {
    let facts = Facts::of(
        "duration = \"650ms\"\ndrain = \"1s\"\n[network]\nsame_zone = \"0s\"\n\
         [client.c]\narrivals = { process = \"constant\", rate = \"10/s\" }\nkeys = { count = 1 }\n\
         [service.s]\ncount = 1\nservice_time = \"1ms\"\n\
         [service.s.cache]\ncapacity = 9\nmiss = { time = \"40ms\" }\n\
         [client.c.call.s]\nattempt_timeout = \"1s\"\n\
         [fault.f]\nkind = \"crash\"\ntarget = \"service:s\"\nat = \"320ms\"\nfor = \"30ms\"\n",
    );
    assert_eq!(facts.latencies_ms(), [41.0, 1.0, 1.0, 41.0, 1.0, 1.0]);
}

#[test]
fn the_cache_of_a_zone_is_shared_and_a_round_trip_away() {
    let facts = Facts::of(
        "duration = \"450ms\"\ndrain = \"1s\"\n[network]\nsame_zone = \"2ms\"\n\
         [client.c]\ncount = 50\narrivals = { process = \"constant\", rate = \"10/s\" }\n\
         keys = { count = 1 }\n[service.s]\ncount = 1\nservice_time = \"10ms\"\n\
         [client.c.call.s]\nattempt_timeout = \"1s\"\n\
         cache = { capacity = 9, per = \"zone\", hit_time = \"1ms\" }\n",
    );
    // A miss: 4 ms to the cache and back, 4 ms to the service and back, and its 10 ms.
    assert_eq!(facts.latencies_ms(), [18.0, 5.0, 5.0, 5.0]);
}

#[test]
fn who_takes_over_a_load_ends_once_when_its_deadline_passes() {
    // Requests every 20 ms at one of two callers, none of which is served in time. The one that
    // loads dies at 165 ms, so the first request of the other loads and, at its deadline, ends all.
    // The only request of another client keeps the run going until it ends at 1 s.
    let sent_counts = ["caller:c/0", "caller:c/1"].map(|target| {
        let mut facts = Facts::of(&format!(
            "duration = \"170ms\"\ndrain = \"1s\"\n[network]\nsame_zone = \"0s\"\n\
             [client.c]\ncount = 2\narrivals = {{ process = \"constant\", rate = \"50/s\" }}\n\
             keys = {{ count = 1 }}\n[service.s]\ncount = 1\nservice_time = \"10s\"\n\
             [client.c.call.s]\ndeadline = \"200ms\"\n\
             cache = {{ capacity = 9, per = \"zone\", coalesce = true }}\n\
             [client.other]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.other.call.s]\ndeadline = \"900ms\"\n\
             [fault.f]\nkind = \"host_loss\"\ntarget = \"{target}\"\nat = \"165ms\"\nfor = \"1s\"\n"
        ));
        assert_eq!(facts.ends.pop(), Some((900.0, Outcome::Timeout)));
        let (lost, late): (Vec<_>, Vec<_>) = facts
            .ends
            .iter()
            .partition(|(_, outcome)| *outcome == Outcome::Failure);
        assert_eq!(lost.len() + late.len(), 8);
        let first_ms = late.iter().map(|(ms, _)| *ms).fold(0.0, f64::max);
        assert_eq!(first_ms, 200.0);
        assert!(late.iter().all(|(_, outcome)| *outcome == Outcome::Timeout));
        facts.sent_count
    });
    assert_eq!(sent_counts.iter().sum::<usize>(), 5, "{sent_counts:?}");
}

/// Three callers in turn ask for the only key, every 20 ms, and a service takes 50 ms to give it.
/// The first one, who loads it, dies at 45 ms. The second one waits for it and stands still until
/// 242 ms. The third one loads it, from 60 ms to 110 ms, so that it is there for the second one.
#[test]
fn who_stood_still_finds_what_another_one_has_loaded() {
    let text = |seed: u64, faults: &str| {
        format!(
            "seed = {seed}\nduration = \"70ms\"\ndrain = \"1s\"\n[network]\nsame_zone = \"0s\"\n\
             [client.c]\ncount = 3\narrivals = {{ process = \"constant\", rate = \"50/s\" }}\n\
             keys = {{ count = 1 }}\n\
             [service.s]\ncount = 1\nworkers = 9\nservice_time = \"50ms\"\n\
             [client.c.call.s]\n\
             cache = {{ capacity = 9, per = \"zone\", coalesce = true }}\n{faults}"
        )
    };
    let are_distinct =
        |callers: &[u32]| callers[0] != callers[1] && !callers[..2].contains(&callers[2]);
    let seed = (1..100).find(|seed| are_distinct(&Facts::of(&text(*seed, "")).callers));
    let seed = seed.expect("two of nine seeds do");
    let callers = Facts::of(&text(seed, "")).callers;
    let of_client = |node: u32| node - callers.iter().min().expect("three arrive");
    let (dies, stands_still) = (of_client(callers[0]), of_client(callers[1]));
    let facts = Facts::of(&text(
        seed,
        &format!(
            "[fault.dies]\nkind = \"host_loss\"\ntarget = \"caller:c/{dies}\"\nat = \"45ms\"\n\
             for = \"1s\"\n[fault.stands_still]\nkind = \"pause\"\n\
             target = \"caller:c/{stands_still}\"\nat = \"42ms\"\nfor = \"200ms\"\n"
        ),
    ));
    let expected = [
        (25.0, Outcome::Failure),
        (50.0, Outcome::Success),
        (202.0, Outcome::Success),
    ];
    assert_eq!(facts.ends, expected);
    assert_eq!(facts.sent_count, 2);
    assert_eq!(facts.load_count, 2);
}
