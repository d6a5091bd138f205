//! Services that need k of n instances.

use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::time::SimTime;

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::{run, scenario};
use crate::texts::{Length, call, client, exponential, service};

/// Seconds of a unit of time; the longest of these runs takes 10^8 units.
const UNIT_SECS: f64 = 0.01;

/// When fewer than `needed_count` instances are up.
#[derive(Debug)]
struct Outages {
    needed_count: u64,
    up_count: u64,
    since: Option<SimTime>,
    starts: Vec<f64>,
    lengths: Vec<f64>,
}

impl Observer for Outages {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let Observation::NodeChanged { state, .. } = observation else {
            return;
        };
        match state {
            LifeState::Up => self.up_count += 1,
            LifeState::Crashed => self.up_count -= 1,
            other => panic!("{other:?}"),
        }
        let is_out = self.up_count < self.needed_count;
        match self.since {
            None if is_out => {
                self.since = Some(at);
                self.starts.push(at.as_secs_f64());
            }
            Some(start) if !is_out => {
                self.since = None;
                self.lengths.push(at.since(start).as_secs_f64());
            }
            _ => {}
        }
    }
}

fn outages(study: &Study, text: &str) -> Outages {
    let mut outages = Outages {
        needed_count: study.count("k"),
        up_count: study.count("n"),
        since: None,
        starts: Vec::new(),
        lengths: Vec::new(),
    };
    run(&scenario(text), &mut outages);
    outages
}

pub fn k_of_n(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("k_of_n") {
        let count = study.sample_count(pass);
        let (mttf, mttr) = (
            UNIT_SECS * study.number("mttf"),
            UNIT_SECS * study.number("mttr"),
        );
        let length = Length {
            count,
            rate: study.number("n") / (mttf + mttr),
            warmup: 0.0,
            seed: 1,
        };
        let crews = match study.param("crews").as_u64() {
            Some(count) => format!("crews = {count}\n"),
            None => String::new(),
        };
        let text = length.text(0.0)
            + &service("s", study.count("n"), 1, "\"1ms\"")
            + &client("{ process = \"renewal\", gap = \"10000s\" }")
            + &call("s", "\"random\"")
            + "attempt_timeout = \"1s\"\n"
            + &format!(
                "[fault.wear]\nkind = \"crash\"\ntarget = \"service:s\"\neach = true\n{crews}\
                 at = {up}\nevery = {up}\nfor = {down}\n",
                up = exponential(mttf),
                down = exponential(mttr),
            );
        let outages = outages(&study, &text);
        let out: f64 = outages.lengths.iter().sum();
        let number = outages.lengths.len() as f64;
        let starts = &outages.starts;
        let from_first_to_last = starts[starts.len() - 1] - starts[0];
        study.check(&mut verdict, count, |metric| match metric {
            "availability" => 1.0 - out / length.duration(),
            "mtbf" => from_first_to_last / (starts.len() - 1) as f64 / UNIT_SECS,
            "mean_outage" => out / number / UNIT_SECS,
            other => panic!("no metric {other}"),
        });
    }
    verdict.assert_all_met();
}
