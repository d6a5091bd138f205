//! Clusters that gossip: how soon a crash is found, how often a member is wrongly suspected, how
//! fast an update spreads, and what a real Consul did.

use serde_json::Value;
use stormglass::id::NodeId;

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::gossip::{Crash, Rumors};
use crate::support::secs;
use crate::texts::Length;

/// Longest run that a scenario may be, with some room.
const DURATION_MAX_SECS: f64 = 6.2e7;

/// A cluster of which the first instance crashes again and again, if it does.
fn cluster(count: u64, gossip: &str, duration: f64, more: &str, seed: u64) -> String {
    let length = Length {
        count: 1,
        rate: 1.0 / duration,
        warmup: 0.0,
        seed,
    };
    let gap = secs(duration / 2.0);
    let others = count - 1;
    length.text(0.0)
        + &format!(
            "[service.s]\nservice_time = \"1ms\"\ngossip = {{ {gossip} }}\n\
             group = {{ a = {{ count = 1 }}, b = {{ count = {others} }} }}\n\
             [client.c]\narrivals = {{ process = \"renewal\", gap = \"{gap}\" }}\n\
             [client.c.call.s]\nattempt_timeout = \"1s\"\n{more}"
        )
}

/// The first instance crashes for `down` seconds after it was up for a time that is uniform.
fn crashes(down: f64, (up_min, up_max): (f64, f64)) -> String {
    let (min, max) = (secs(up_min), secs(up_max));
    let up = format!("{{ dist = \"uniform\", min = \"{min}\", max = \"{max}\" }}");
    format!(
        "[fault.crashes]\nkind = \"crash\"\ntarget = \"instance:s/a/0\"\nat = {up}\nevery = {up}\n\
         for = \"{}\"\n",
        secs(down)
    )
}

fn rumors(text: &str) -> Rumors {
    let scenario = crate::support::scenario(text);
    let mut rumors = Rumors::default();
    crate::support::run(&scenario, &mut rumors);
    rumors
}

/// Periods until somebody probes a crashed member. All members tick together, and a probe fails one
/// period after it began. Suspicions last longer than the crash, so all go on probing it.
pub fn swim_first_detection(pass: Pass) {
    let (down, up) = (12.0, (2.0, 4.0));
    let mut verdict = Verdict::default();
    let is_finite = |study: &&Study| study.param("n").as_u64().is_some();
    for study in studies("swim_first_detection").iter().filter(is_finite) {
        let count = study.sample_count(pass);
        let duration = (count as f64 + 2.0) * (down + (up.0 + up.1) / 2.0);
        let gossip = "profile = \"swim\", probe_order = \"random\", phase = \"aligned\", \
                      probe_interval = \"1s\", suspicion_mult = 13";
        let more = crashes(down, up);
        let rumors = rumors(&cluster(study.count("n"), gossip, duration, &more, 1));
        let over = rumors
            .crashes
            .iter()
            .filter(|crash| crash.back_at.is_some());
        let periods: Vec<f64> = over.filter_map(periods_to_first_probe).collect();
        // Twelve periods without a probe are as good as never.
        let missed = rumors.crashes.len() - periods.len();
        verdict.holds("missed", missed as u64 <= 1 + count / 10_000, missed);
        let mean = periods.iter().sum::<f64>() / periods.len() as f64;
        study.check(&mut verdict, periods.len() as u64, |_| mean);
    }
    verdict.assert_all_met();
}

fn periods_to_first_probe(crash: &Crash) -> Option<f64> {
    let (failed_at, _) = crash.failed_probes.first()?;
    Some(failed_at.as_secs_f64() - 1.0 - crash.at.as_secs_f64().floor())
}

/// How often a probe of a live member fails where packets are lost. Suspicions are refuted long
/// before they end.
pub fn swim_false_positive(pass: Pass) {
    const MEMBER_COUNT: u64 = 50;
    let mut verdict = Verdict::default();
    for study in studies("swim_false_positive") {
        let probes = study.sample_count(pass);
        let duration = (probes as f64 / MEMBER_COUNT as f64).ceil() + 1.0;
        let gossip = format!(
            "profile = \"swim\", probe_interval = \"1s\", suspicion_mult = 13, \
             retransmit_mult = 8, udp_buffer_size = 65507, indirect_checks = {}",
            study.count("k")
        );
        let text = cluster(MEMBER_COUNT, &gossip, duration, "", 1);
        let loss = 1.0 - study.number("qml");
        let text = text.replace("same_zone =", &format!("loss = {loss:?}\nsame_zone ="));
        let rumors = rumors(&text);
        verdict.holds("mistakes", rumors.mistake_count == 0, rumors.mistake_count);
        let failed = rumors.failed_probe_count as f64 / (MEMBER_COUNT as f64 * duration);
        study.check_some(
            &mut verdict,
            probes,
            |metric| metric == "per_probe",
            |_| failed,
        );
        // The paper takes the factor of the first detection for the probes of one member, too.
        let e = std::f64::consts::E;
        let case = |metric: &str| study.cases().iter().find(|case| case.metric == metric);
        let value = |metric| case(metric).and_then(|case| case.value.as_f64());
        if let (Some(paper), Some(probe)) = (value("paper_formula"), value("per_probe")) {
            verdict.check("paper_formula", paper, probe * e / (e - 1.0), 1e-12, 1);
        }
    }
    verdict.assert_all_met();
}

/// Rounds until all know an update that one member has. It is that a further member is dead, which
/// hardly ever two find out at once: a probe takes as long as 2,000 rounds.
pub fn push_gossip(pass: Pass) {
    let period = 2_000.0;
    let mut verdict = Verdict::default();
    for study in studies("push_gossip") {
        let (count, wanted) = (study.count("n"), study.sample_count(pass));
        let gossip = format!(
            "gossip_nodes = {}, gossip_interval = \"1s\", phase = \"aligned\", \
             probe_interval = \"{period}s\", probe_timeout = \"{period}s\", indirect_checks = 0, \
             suspicion_mult = 0, retransmit_mult = 30, push_pull_interval = \"0s\", \
             gossip_to_the_dead_time = \"0s\", disable_tcp_pings = true",
            study.count("fanout")
        );
        let (down, up) = (6.0 * period, (0.2 * period, 1.2 * period));
        let more = crashes(down, up);
        let mut rounds: Vec<(usize, f64)> = Vec::new();
        let mut seed = 1;
        while (rounds.len() as u64) < wanted {
            let left = (wanted - rounds.len() as u64) as f64 * 1.02 + 2.0;
            let duration = (left * (down + 0.7 * period)).min(DURATION_MAX_SECS);
            let rumors = rumors(&cluster(count + 1, &gossip, duration, &more, seed));
            let all = rumors.crashes.iter();
            let all = all.filter(|crash| crash.known.len() as u64 == count);
            rounds.extend(all.map(|crash| {
                let (first, last) = (crash.known[0].0, crash.known[crash.known.len() - 1].0);
                // All probe at the instant at which the first one knows: some hear of it then.
                let start = crash.known.iter().filter(|(at, _)| *at == first).count();
                (start, last.since(first).as_secs_f64())
            }));
            seed += 1;
        }
        let chain = push_chain(count as usize, study.count("fanout") as usize);
        let n = rounds.len() as u64;
        let got = rounds.iter().map(|(_, rounds)| *rounds).sum::<f64>() / n as f64;
        let by_chain = rounds.iter().map(|(start, _)| chain[*start]);
        let expected = by_chain.sum::<f64>() / n as f64;
        for case in study.cases() {
            let stated = case.value.as_f64().expect("a number");
            verdict.check(&case.id, stated, chain[1], 1e-9, 1);
            let id = format!("{}, simulated", case.id);
            verdict.check(&id, expected, got, case.tolerance_at(n), n);
        }
    }
    verdict.assert_all_met();
}

/// Mean rounds until all of `count` know, by how many know at the start: those who know tell
/// `fanout` different others each, all at once.
fn push_chain(count: usize, fanout: usize) -> Vec<f64> {
    let mut rounds = vec![0.0; count + 1];
    for known in (1..count).rev() {
        // The number of those who hear of it in this round, one teller after the other.
        let mut heard = vec![0.0; count - known + 1];
        heard[0] = 1.0;
        for _ in 0..known {
            let mut next = vec![0.0; heard.len()];
            for (new, p) in heard.iter().enumerate().filter(|(_, p)| 0.0 < **p) {
                let (left, others) = (count - known - new, count - 1);
                for hit in 0..=fanout.min(left) {
                    next[new + hit] += p * hypergeometric(others, left, fanout, hit);
                }
            }
            heard = next;
        }
        let later = heard.iter().enumerate().skip(1);
        let sum: f64 = later.map(|(new, p)| p * rounds[known + new]).sum();
        rounds[known] = (1.0 + sum) / (1.0 - heard[0]);
    }
    rounds
}

/// Probability that `hit` of `drawn` different ones out of `all` are among `marked` ones.
fn hypergeometric(all: usize, marked: usize, drawn: usize, hit: usize) -> f64 {
    if all - marked < drawn - hit {
        return 0.0;
    }
    let choose = |n: usize, k: usize| {
        (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
    };
    choose(marked, hit) * choose(all - marked, drawn - hit) / choose(all, drawn)
}

/// From the first suspicion to the first death, where nobody may confirm it.
pub fn memberlist_suspicion_timeout(_pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("memberlist_suspicion_timeout") {
        let gossip = format!(
            "suspicion_mult = {}, probe_interval = \"{}ms\", suspicion_max_timeout_mult = 1",
            study.count("mult"),
            study.count("interval_ms")
        );
        let more = crashes(60.0, (20.0, 30.0));
        let rumors = rumors(&cluster(study.count("n"), &gossip, 100.0, &more, 1));
        let crash = &rumors.crashes[0];
        let length = crash.known[0].0.since(crash.failed_probes[0].0);
        study.check(&mut verdict, 1, |_| length.as_ms_f64());
    }
    verdict.assert_all_met();
}

/// From the first failed probe to the first death, where so many others confirm it: all but these
/// members stand still when the one crashes. A suspicion ends when the time is over that so many
/// confirmations leave, or when the last of them comes; of many runs one has them in time.
pub fn lifeguard_remaining(_pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("lifeguard_remaining") {
        let (wanted, min) = (study.count("k"), study.number("min_s"));
        let gossip = format!(
            "suspicion_mult = {}, probe_interval = \"{}\", probe_timeout = \"100ms\", \
             suspicion_max_timeout_mult = {}",
            wanted + 2,
            secs(min / (wanted + 2) as f64),
            study.number("max_s") / min,
        );
        let still = |place: u64| {
            format!(
                "[fault.still-{place}]\nkind = \"pause\"\ntarget = \"instance:s/b/{place}\"\n\
                 at = \"20001ms\"\nfor = \"200s\"\n"
            )
        };
        let dead = "[fault.dead]\nkind = \"crash\"\ntarget = \"instance:s/a/0\"\nat = \"20s\"\n\
                    for = \"200s\"\n";
        let others: String = (study.count("confirmations") + 1..wanted + 1)
            .map(still)
            .collect();
        let more = dead.to_string() + &others;
        let lengths = (1..=40).map(|seed| {
            let rumors = rumors(&cluster(wanted + 2, &gossip, 100.0, &more, seed));
            let crash = &rumors.crashes[0];
            crash.known[0].0.since(crash.failed_probes[0].0)
        });
        let least = lengths.min().expect("there are runs").as_ms_f64();
        study.check(&mut verdict, 40, |_| {
            least - 1e3 * study.number("elapsed_s")
        });
    }
    verdict.assert_all_met();
}

/// A file of recordings.
fn recorded(text: &str, column: usize) -> Vec<f64> {
    let file: Value = serde_json::from_str(text).expect("valid JSON");
    let records = file["records"].as_array().expect("a list");
    let cell = |record: &Value| record[column].as_f64().expect("a number");
    records.iter().map(cell).collect()
}

/// Three members with the LAN profile, as Consul 1.8.7 was recorded; one of them crashes, or
/// stands still. The third one is the server whose catalog was watched.
fn three_members(kind: &str, crash_count: f64) -> Rumors {
    let gossip = "profile = \"memberlist_lan\", retry_interval = \"1s\"";
    let more = crashes(30.0, (60.0, 90.0)).replace("\"crash\"", &format!("\"{kind}\""));
    let text = cluster(3, gossip, crash_count * 105.0, &more, 1);
    rumors(&text.replace("same_zone = \"0ns\"", "same_zone = \"50us\""))
}

const SERVER: NodeId = NodeId(2);

/// Seconds that Consul needs from the event of its gossip to its catalog: a write by one server to
/// its disk, and a blocking query. Assumed; the machine of the recordings was busy.
const CATALOG_SECS: f64 = 0.05;

fn check_recorded(kind: &str, text: &str) {
    let mut verdict = Verdict::default();
    let rumors = three_members(kind, 2_000.0);
    let known_at = |crash: &Crash| {
        let known = crash.known.iter().find(|(_, node)| *node == SERVER)?;
        Some(known.0.since(crash.at).as_secs_f64() + CATALOG_SECS)
    };
    let times: Vec<f64> = rumors.crashes.iter().filter_map(known_at).collect();
    let recorded = recorded(text, 2);
    let (min, max) = times
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(min, max), t| {
            (min.min(*t), max.max(*t))
        });
    // Noise of the machine beyond what is assumed.
    let is_within = |time: &f64| (min - 0.02..=max + 0.1).contains(time);
    verdict.holds(
        "within",
        recorded.iter().all(is_within),
        (&recorded, min, max),
    );
    // A probe fails an interval after it began, the suspicion lasts four; nobody waits for more
    // than three intervals to be probed by either of two.
    verdict.holds("bounds", 5.0 <= min && max <= 8.3, (min, max));
    let p = two_sample_p(&recorded, &times);
    println!(
        "{kind}: {} recorded, {} simulated, p = {p:.3}",
        recorded.len(),
        times.len()
    );
    verdict.holds("two samples at 1 %", 0.01 < p, p);
    verdict.assert_all_met();
}

/// The level at which two samples differ, after Kolmogorov and Smirnov.
fn two_sample_p(few: &[f64], many: &[f64]) -> f64 {
    let share = |sample: &[f64], x: f64| {
        sample.iter().filter(|y| **y <= x).count() as f64 / sample.len() as f64
    };
    let all = few.iter().chain(many);
    let gap = |x: &f64| (share(few, *x) - share(many, *x)).abs();
    let distance = all.map(gap).fold(0.0, f64::max);
    let effective = (few.len() * many.len()) as f64 / (few.len() + many.len()) as f64;
    let root = effective.sqrt();
    // Stephens' form of the limit for small samples.
    let x = (root + 0.12 + 0.11 / root) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
        sign * libm::exp(-2.0 * f64::from(k * k) * x * x)
    };
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

pub fn consul_gossip_kill(_pass: Pass) {
    check_recorded(
        "crash",
        include_str!("../data/recorded/consul-gossip-kill-n3.json"),
    );
}

pub fn consul_gossip_stop(_pass: Pass) {
    let text = include_str!("../data/recorded/consul-gossip-stop-n3.json");
    check_recorded("pause", text);
    // A process that goes on hears of its death at once, and everybody hears of it within one
    // sending of updates: 200 ms, and the write to the catalog.
    let rumors = three_members("pause", 300.0);
    let back = |crash: &Crash| {
        let at = crash.trusted.iter().find(|(_, node)| *node == SERVER)?.0;
        Some(at.since(crash.back_at?).as_secs_f64())
    };
    let times: Vec<f64> = rumors.crashes.iter().filter_map(back).collect();
    let mut verdict = Verdict::default();
    verdict.holds("enough", 250 <= times.len(), times.len());
    let longest = times.iter().fold(0.0, |a: f64, b| a.max(*b));
    // The trials of memberlist miss one of two others in 9 draws with (2/3)^9 = 2.6 %.
    let soon = times.iter().filter(|time| **time <= 0.201).count();
    verdict.holds("refuted", 0.15 < longest && longest <= 0.401, longest);
    let share = soon as f64 / times.len() as f64;
    verdict.holds("refuted at once", 0.93 < share && share < 1.0, share);
    let is_met = recorded(text, 3)
        .iter()
        .all(|time| *time <= longest + CATALOG_SECS);
    verdict.holds("recorded", is_met, longest);
    verdict.assert_all_met();
}
