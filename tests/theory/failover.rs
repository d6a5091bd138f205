//! Outages that are the sum of their stages.

use stormglass::model::observation::{LifeState, Observation, Observer, Outcome};
use stormglass::time::{SimDuration, SimTime};

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::{run_alone, scenario, secs};
use crate::texts::{Length, client, poisson, unequal_instances};

/// Seconds of a unit of time, so that thousands of days fit into a run.
const UNIT_SECS: f64 = 0.01;

/// What an incident costs: its stages, and the requests that met it.
#[derive(Debug, Default)]
struct Incidents {
    down_at: Option<SimTime>,
    suspected_at: Option<SimTime>,
    detections: Vec<SimDuration>,
    rest: Vec<SimDuration>,
    outages: Vec<SimDuration>,
    request_count: u64,
    failed_count: u64,
}

impl Observer for Incidents {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged {
                state: LifeState::Crashed,
                ..
            } => self.down_at = Some(at),
            Observation::Suspected { .. } => {
                let down_at = self.down_at.expect("only the dead are suspected");
                self.detections.push(at.since(down_at));
                self.suspected_at = Some(at);
            }
            Observation::Excluded { .. } => {
                let since = |from: Option<SimTime>| at.since(from.expect("it is dead"));
                self.rest.push(since(self.suspected_at));
                self.outages.push(since(self.down_at));
            }
            Observation::RequestEnded { outcome, .. } => {
                self.request_count += 1;
                self.failed_count += u64::from(outcome != Outcome::Success);
            }
            _ => {}
        }
    }
}

/// `replicas` instances share the load, and a spare one has next to no weight. The first one dies
/// once per cycle, always at the same phase of heartbeats and polls: its lease ends `detect` later,
/// the caller asks `propagate` after that, and the answer takes `failover`.
fn world(study: &Study, count: u64) -> (String, f64) {
    let unit = |name: &str| UNIT_SECS * study.number(name);
    let (detect, propagate, failover) = (unit("detect"), unit("propagate"), unit("failover"));
    let outage = detect + propagate + failover;
    let cycle = unit("mtbf") + outage;
    // Heartbeats and polls: a whole number of them in a cycle.
    let interval = match study.count("replicas") {
        1 => 9.0 * UNIT_SECS,
        3 => 3.5 * UNIT_SECS,
        other => panic!("no interval for {other} replicas"),
    };
    let died = interval * 10.25;
    let poll_phase = (died + detect + propagate) % interval;
    // Heartbeats begin with the process: at this time of its restart they keep their phase.
    let down = ((2.0 * outage / interval).ceil() + 0.75) * interval;
    // Requests in the time of an outage.
    let request_count = 2.0;
    let length = Length {
        count,
        rate: 1.0 / cycle,
        warmup: 0.0,
        seed: 1,
    };
    let mut instances = vec![(1.0, 1.0); study.count("replicas") as usize];
    instances.push((1.0, 1e-6));
    let text = length.text(0.0)
        + &unequal_instances("\"1ns\"", &instances)
        + &client(&poisson(request_count / outage))
        + "[client.c.call.s]\nbalancer = \"weighted_random\"\nattempt_timeout = \"1s\"\n\
           retry = { attempt_count_max = 1 }\n"
        + &format!(
            "[registry]\nprofile = \"lease\"\nmembers = 1\nlease_duration = \"{lease}\"\n\
             heartbeat_interval = \"{interval}\"\nphase = \"aligned\"\npropagation = \"poll\"\n\
             poll_interval = \"{interval}\"\npoll_phase = \"{phase}\"\n\
             [network.link.answers]\nfrom = \"registry:member/0\"\nto = \"client:c\"\n\
             symmetric = false\ndelay = \"{failover}\"\n\
             [fault.dies]\nkind = \"crash\"\ntarget = \"instance:s/a/0\"\nat = \"{died}\"\n\
             every = \"{every}\"\nfor = \"{down}\"\n",
            lease = secs(detect + 0.25 * interval),
            interval = secs(interval),
            phase = secs(poll_phase),
            failover = secs(failover),
            died = secs(died),
            every = secs(cycle - down),
            down = secs(down),
        );
    (text, cycle)
}

pub fn failover_composition(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("failover_composition") {
        let count = study.sample_count(pass);
        let (text, cycle) = world(&study, count);
        let mut incidents = Incidents::default();
        run_alone(&scenario(&text), &mut incidents);
        let sum_ns = |times: &[SimDuration]| times.iter().map(|time| time.as_ns()).sum::<u64>();
        let unit_ns = UNIT_SECS * 1e9;
        let mean = |times: &[SimDuration]| sum_ns(times) as f64 / times.len() as f64 / unit_ns;
        let number = incidents.outages.len();
        verdict.holds("incidents", number as u64 == count, number);
        let rest = study.number("propagate") + study.number("failover");
        for (name, times, expected) in [
            ("detect", &incidents.detections, study.number("detect")),
            ("propagate and failover", &incidents.rest, rest),
        ] {
            verdict.check(name, expected, mean(times), 0.0, count);
        }
        study.check(&mut verdict, count, |metric| match metric {
            "outage_per_incident" => mean(&incidents.outages),
            "availability" => {
                1.0 - sum_ns(&incidents.outages) as f64 / 1e9 / (cycle * count as f64)
            }
            "request_failure_fraction" => {
                incidents.failed_count as f64 / incidents.request_count as f64
            }
            other => panic!("no metric {other}"),
        });
    }
    verdict.assert_all_met();
}
