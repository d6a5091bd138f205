//! Caches against closed forms and arithmetic: messages take no time.

use stormglass::id::ClassId;
use stormglass::model::observation::{CacheAnswer, Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::{run, scenario, scenario_file};

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
    /// The class of each call, in the order of their ends.
    call_classes: Vec<ClassId>,
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
            Observation::CallEnded { class, .. } => self.call_classes.push(class),
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

#[test]
fn who_still_works_when_the_load_fails_fails_like_those_who_wait() {
    // Loads ask a service that always fails, after 20 ms. The first request works until 250 ms and
    // loads until 270 ms. The second one works until 350 ms, when the load has failed; the third
    // one asks at 300 ms, when nobody loads, and does it itself.
    let facts = spaced(
        "[service.s]\ncount = 1\nworkers = 8\nservice_time = \"150ms\"\n\
         [service.s.cache]\ncapacity = 9\ncoalesce = true\nmiss = { call = \"db\" }\n\
         [service.s.call.db]\n[service.db]\ncount = 1\nservice_time = \"20ms\"\n\
         [fault.f]\nkind = \"error\"\ntarget = \"service:db\"\nratio = 1.0\nat = \"0s\"\n\
         [client.c.call.s]\n",
        "350ms",
    );
    assert_eq!(
        facts.ends,
        [170.0, 150.0, 170.0].map(|ms| (ms, Outcome::Failure))
    );
    assert_eq!(facts.load_count, 2);
}

/// Requests for one key at 100 ms, 125 ms and 160 ms, by latency. The first one is given up after
/// 100 ms.
fn one_gives_up(service: &str) -> Vec<(f64, Outcome)> {
    let client = |name: &str, rate: &str, call: &str| {
        format!(
            "[client.{name}]\narrivals = {{ process = \"constant\", rate = \"{rate}/s\" }}\n\
             keys = {{ count = 1 }}\n[client.{name}.call.s]\n{call}\n"
        )
    };
    let hasty = "deadline = \"100ms\"\ndeadline_propagation = \"cancel\"";
    let mut facts = Facts::of(&format!(
        "duration = \"190ms\"\ndrain = \"2s\"\n[network]\nsame_zone = \"0s\"\n\
         {}{}{}[service.s]\ncount = 1\ncancellable = true\n{service}\n",
        client("a", "10", hasty),
        client("b", "8", ""),
        client("c", "6.25", ""),
    ));
    facts.ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    facts.ends
}

#[test]
fn who_waits_longest_takes_over_a_load_that_is_cancelled() {
    let late = (100.0, Outcome::Timeout);
    let ends = |c: f64, b: f64| [late, (c, Outcome::Success), (b, Outcome::Success)];
    let cache = "[service.s.cache]\ncapacity = 9\ncoalesce = true\nmiss =";
    let timed = format!("{cache} {{ time = \"300ms\" }}\n");
    let called = format!(
        "{cache} {{ call = \"db\" }}\n[service.s.call.db]\nbulkhead = {{ concurrent_max = 1 }}\n\
         [service.db]\ncount = 1\nworkers = 8\nservice_time = \"300ms\"\n"
    );
    // All workers, all cores and no core; none of them is short, and a miss needs no second wait.
    for rules in [
        "workers = 8\nservice_time = \"10ms\"",
        "workers = 8\nservice_time = \"10ms\"\nqueue = { discipline = \"ps\" }",
        "workers = 8\ncores = 8\nservice_time = { cpu = \"6ms\", wait = \"4ms\" }",
    ] {
        // The second one waits since 135 ms: it loads from 200 ms to 500 ms.
        assert_eq!(
            one_gives_up(&format!("{rules}\n{timed}")),
            ends(340.0, 375.0)
        );
        assert_eq!(
            one_gives_up(&format!("{rules}\n{called}")),
            ends(340.0, 375.0)
        );
    }
    // It works until 225 ms, and loads after that.
    let rules = "workers = 8\nservice_time = \"100ms\"";
    assert_eq!(
        one_gives_up(&format!("{rules}\n{timed}")),
        ends(365.0, 400.0)
    );
    assert_eq!(
        one_gives_up(&format!("{rules}\n{called}")),
        ends(365.0, 400.0)
    );
}

/// One request a second for 5.5 s, all of one class.
fn of_class(world: &str) -> Facts {
    Facts::of(&format!(
        "duration = \"5500ms\"\ndrain = \"5s\"\n[network]\nsame_zone = \"0s\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         keys = {{ count = 1 }}\n[client.c.class.big]\nshare = 1.0\n{world}"
    ))
}

#[test]
fn a_load_in_the_background_is_of_the_class_of_its_request() {
    use CacheAnswer::{Absent, Fresh, Stale};
    // Each load takes 900 ms: filled at 1.9 s and, after the stale answer at 3 s, at 3.9 s.
    let facts = of_class(
        "service_time = \"900ms\"\n[service.s]\ncount = 1\nservice_time = \"1ms\"\n\
         [client.c.call.s]\n\
         cache = { capacity = 9, ttl = \"500ms\", stale_while_revalidate = \"9s\" }\n",
    );
    assert_eq!(facts.answers, [Absent, Fresh, Stale, Fresh, Stale]);
    assert!(facts.call_classes.iter().all(|class| *class == ClassId(1)));
    // At an instance it calls another service: one load, and one after each of four stale answers.
    let facts = of_class(
        "[service.s]\ncount = 1\nservice_time = \"0s\"\n[service.s.cache]\ncapacity = 9\n\
         ttl = \"500ms\"\nstale_while_revalidate = \"9s\"\nmiss = { call = \"db\" }\n\
         [service.s.call.db]\n[service.db]\ncount = 1\nservice_time = \"1ms\"\n\
         [client.c.call.s]\n",
    );
    assert_eq!(facts.answers, [Absent, Stale, Stale, Stale, Stale]);
    assert_eq!(facts.call_classes, [ClassId(1); 10]);
}

#[test]
fn what_a_dead_process_loads_is_not_there_for_the_next_one() {
    // Filled at 4.001 s for 2 s, so stale at 7 s, when a load of 3 s begins. The process dies at
    // 8.5 s and starts from 9.5 s to 17.5 s; the load would have ended at 10 s.
    let facts = Facts::of(
        "duration = \"18500ms\"\ndrain = \"5s\"\n[network]\nsame_zone = \"0s\"\n\
         [service.s]\ncount = 1\nworkers = 4\nservice_time = \"1ms\"\nrestart_time = \"8s\"\n\
         [service.s.cache]\ncapacity = 9\ncoalesce = true\nttl = \"2s\"\n\
         stale_while_revalidate = \"100s\"\nmiss = { time = \"3s\" }\n\
         [fault.f]\nkind = \"crash\"\ntarget = \"service:s\"\nat = \"8500ms\"\nfor = \"1s\"\n\
         [client.c]\narrivals = { process = \"constant\", rate = \"1/s\" }\n\
         keys = { count = 1 }\n[client.c.call.s]\n",
    );
    // Eight before it died, and one at 18 s.
    assert_eq!(
        facts.answers[6..],
        [CacheAnswer::Stale, CacheAnswer::Stale, CacheAnswer::Absent]
    );
}

#[test]
fn a_load_in_the_background_does_the_work_of_its_recorded_request() {
    use CacheAnswer::{Absent, Fresh, Stale};
    let folder = std::env::temp_dir().join(format!("stormglass-caches-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rows = "arrives_at,service_demand\n1,0.9\n2,0.9\n3,0.9\n4,0.9\n5,0.9\n";
    std::fs::write(folder.join("rows.csv"), rows).expect("a file");
    let text = "schema = 1\nduration = \"5500ms\"\ndrain = \"5s\"\n[network]\nsame_zone = \"0s\"\n\
                [service.s]\ncount = 1\nservice_time = \"1ms\"\n\
                [client.c]\narrivals = { process = \"trace\", file = \"rows.csv\" }\n\
                keys = { count = 1 }\n[client.c.call.s]\n\
                cache = { capacity = 9, ttl = \"500ms\", stale_while_revalidate = \"9s\" }\n";
    let path = folder.join("trace.toml");
    std::fs::write(&path, text).expect("a file");
    let mut facts = Facts::default();
    run(&scenario_file(path), &mut facts);
    // As above: filled at 1.9 s and, after the stale answer at 3 s, at 3.9 s.
    assert_eq!(facts.answers, [Absent, Fresh, Stale, Fresh, Stale]);
    std::fs::remove_dir_all(folder).expect("it is ours");
}
