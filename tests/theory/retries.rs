//! What retries add.

use stormglass::id::EdgeId;
use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::time::SimTime;

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::{run, scenario};
use crate::texts::{Length, call, client, service};

/// Attempts at the last service of a chain, for requests that come one at a time.
#[derive(Debug)]
struct Attempts {
    last_edge: EdgeId,
    of_request: u64,
    total: u64,
    max: u64,
    request_count: u64,
    failure_count: u64,
}

impl Observer for Attempts {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        match observation {
            Observation::AttemptSent { edge, .. } if *edge == self.last_edge => {
                self.of_request += 1;
            }
            Observation::RequestEnded { outcome, .. } => {
                let attempt_count = std::mem::take(&mut self.of_request);
                self.total += attempt_count;
                self.max = self.max.max(attempt_count);
                self.request_count += 1;
                self.failure_count += u64::from(*outcome != Outcome::Success);
            }
            _ => {}
        }
    }
}

/// A chain of services, of which each retries and the last fails at times.
fn attempts(study: &Study, layers: u64, count: u64) -> Attempts {
    let retry = format!(
        "retry = {{ attempt_count_max = {}, failover = false, \
         backoff = {{ min = \"0s\", max = \"0s\", jitter = \"none\" }} }}\n",
        study.count("retries") + 1
    );
    // One user who thinks for a second; services take no time.
    let length = Length {
        count,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let arrivals = "{ process = \"closed\", user_count = 1, think_time = \"1s\" }";
    let mut text = length.text(0.0) + &client(arrivals) + &call("s1", "\"random\"") + &retry;
    for layer in 1..=layers {
        text += &service(&format!("s{layer}"), 1, 1, "\"0s\"");
        if layer < layers {
            text += &format!("[service.s{layer}.call.s{}]\n{retry}", layer + 1);
        }
    }
    text += &format!(
        "[fault.errors]\nkind = \"error\"\ntarget = \"service:s{layers}\"\nat = \"0s\"\n\
         ratio = {:?}\n",
        study.number("p_fail")
    );
    let scenario = scenario(&text);
    let to_last = |edge: &stormglass::scenario::client::EdgeConfig| {
        scenario.services[edge.to.index()].name == format!("s{layers}")
    };
    let last_edge = scenario.edges.iter().position(to_last);
    let mut attempts = Attempts {
        last_edge: EdgeId::from_index(last_edge.expect("somebody calls the last service")),
        of_request: 0,
        total: 0,
        max: 0,
        request_count: 0,
        failure_count: 0,
    };
    run(&scenario, &mut attempts);
    attempts
}

fn check(kind: &str, pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies(kind) {
        let layers = study.param("layers").as_u64().unwrap_or(1);
        let attempts = attempts(&study, layers, study.sample_count(pass));
        let count = attempts.request_count as f64;
        let failure_ratio = attempts.failure_count as f64 / count;
        study.check(
            &mut verdict,
            attempts.request_count,
            |metric| match metric {
                "success" => 1.0 - failure_ratio,
                "failure" => failure_ratio,
                "mean_attempts" | "mean_amplification" => attempts.total as f64 / count,
                "max_amplification" => attempts.max as f64,
                other => panic!("no metric {other}"),
            },
        );
    }
    verdict.assert_all_met();
}

pub fn retries_iid(pass: Pass) {
    check("retries_iid", pass);
}

pub fn retry_amplification(pass: Pass) {
    check("retry_amplification", pass);
}
