//! What retry budgets bound, and where retries keep a service down.

use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::scenario::Scenario;
use stormglass::time::SimTime;

use crate::support::cases::{Pass, Verdict, studies};
use crate::support::{run, scenario, secs};
use crate::texts::{Length, call, client, exponential, poisson, service};

/// Counts of a run.
#[derive(Debug, Default)]
struct Counts {
    attempt_count: u64,
    request_count: u64,
    denied_count: u64,
    /// Of requests that arrived in the observed stretch: successes and all.
    late: (u64, u64),
    late_from: SimTime,
    late_to: SimTime,
}

impl Observer for Counts {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        match observation {
            Observation::AttemptSent { .. } => self.attempt_count += 1,
            Observation::RetryDecided { is_granted, .. } => {
                self.denied_count += u64::from(!is_granted);
            }
            Observation::RequestEnded {
                outcome,
                arrived_at,
                ..
            } => {
                self.request_count += 1;
                if self.late_from <= *arrived_at && *arrived_at < self.late_to {
                    self.late.0 += u64::from(*outcome == Outcome::Success);
                    self.late.1 += 1;
                }
            }
            _ => {}
        }
    }
}

/// One user who sends a request a second to a service that answers a share with errors at once.
fn failing(count: u64, p_fail: f64, retry: &str) -> Scenario {
    let length = Length {
        count,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let arrivals = "{ process = \"closed\", user_count = 1, think_time = \"1s\" }";
    let text = length.text(0.0)
        + &client(arrivals)
        + &call("s", "\"random\"")
        + &format!(
            "retry = {{ failover = false, {retry}, \
             backoff = {{ min = \"0s\", max = \"0s\", jitter = \"none\" }} }}\n"
        )
        + &service("s", 1, 1, "\"0s\"")
        + &format!(
            "[fault.errors]\nkind = \"error\"\ntarget = \"service:s\"\nat = \"0s\"\n\
             ratio = {p_fail:?}\n"
        );
    scenario(&text)
}

/// Where nothing succeeds and a call may try a hundred times, every retry of the budget is made:
/// the attempts are `(1 + ratio)` for each request, less than one of them rounded down.
pub fn retry_budget_bound(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("retry_budget_bound") {
        let count = study.sample_count(pass).min(100_000);
        let ratio = study.number("ratio");
        let forms = [
            format!("kind = \"sre\", ratio = {ratio:?}, window = \"1000000s\""),
            format!(
                "kind = \"finagle\", ratio = {ratio:?}, min_rate = \"0.000000001/s\", \
                 ttl = \"1000000s\""
            ),
        ];
        for form in forms {
            let retry = format!("attempt_count_max = 100, budget = {{ {form} }}");
            let mut counts = Counts::default();
            let failing = failing(count, study.number("p_fail"), &retry);
            run(&failing, &mut counts);
            let got = counts.attempt_count as f64 / counts.request_count as f64;
            let bound = study.cases()[0].value.as_f64().expect("a number");
            let id = format!("{} {form}", study.cases()[0].id);
            let rounding = 1.0 / counts.request_count as f64;
            verdict.holds(&id, got <= bound + 1e-12, got);
            verdict.check(&id, bound, got, rounding, counts.request_count);
        }
    }
    verdict.assert_all_met();
}

/// Below the share of failures no retry is ever denied, above it the tokens run out. A drift of
/// 3 % of the threshold is 0.0027 tokens an attempt: 400,000 attempts lose 1,100 +- 200 of the 500
/// that may be lost, and a bucket that fills dips by 500 with probability exp(-2 x 0.0027 x 500 /
/// 0.1) < 1e-11.
pub fn grpc_retry_throttle(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("grpc_retry_throttle") {
        let ratio = study.number("token_ratio");
        let threshold = study.cases()[0].value.as_f64().expect("a number");
        let denied_count = |p_fail: f64| {
            let retry = format!(
                "attempt_count_max = 3, \
                 budget = {{ kind = \"grpc\", tokens_max = 1000, token_ratio = {ratio:?} }}"
            );
            let mut counts = Counts::default();
            let count = study.sample_count(pass).max(400_000);
            run(&failing(count, p_fail, &retry), &mut counts);
            counts.denied_count
        };
        let (below, above) = (
            denied_count(0.97 * threshold),
            denied_count(1.03 * threshold),
        );
        println!("threshold {threshold}: {below} denied 3 % below it, {above} 3 % above it");
        verdict.holds(
            &study.cases()[0].id,
            below == 0 && above > 0,
            (below, above),
        );
    }
    verdict.assert_all_met();
}

/// A queue that was full of requests nobody waits for recovers 5 % below the threshold and does
/// not 5 % above it. The trigger leaves about 475 jobs; with a drift of 0.05 a second they are gone
/// after 9,500 s, or come back with probability exp(-2 x 0.05 x 475 / 2) < 1e-10.
pub fn metastable_threshold(_pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("metastable_threshold") {
        let retries = study.count("retries");
        let mu = study.number("mu");
        let threshold = study.cases()[0].value.as_f64().expect("a number");
        let success_ratio = |rate: f64| {
            let (length_secs, from, to) = (40_000.0 / mu, 30_000.0 / mu, 38_000.0 / mu);
            let length = Length {
                count: (length_secs * rate) as u64,
                rate,
                warmup: 0.0,
                seed: 1,
            };
            let text = length.text(0.0)
                + &client(&poisson(rate))
                + &call("s", "\"random\"")
                + &format!(
                    "attempt_timeout = \"{}\"\nretry = {{ attempt_count_max = {}, \
                     backoff = {{ min = \"0s\", max = \"0s\", jitter = \"none\" }} }}\n",
                    secs(50.0 / mu),
                    retries + 1
                )
                + &service("s", 1, 1, &exponential(1.0 / mu))
                + &format!(
                    "[fault.trigger]\nkind = \"slow\"\ntarget = \"service:s\"\nfactor = 1000\n\
                     at = \"{}\"\nfor = \"{}\"\n",
                    secs(100.0 / mu),
                    secs(500.0 / mu)
                );
            let at = |value: f64| SimTime::from_ns((value * 1e9) as u64);
            let mut counts = Counts {
                late_from: at(from),
                late_to: at(to),
                ..Counts::default()
            };
            run(&scenario(&text), &mut counts);
            counts.late.0 as f64 / counts.late.1 as f64
        };
        let (below, above) = (
            success_ratio(0.95 * threshold),
            success_ratio(1.05 * threshold),
        );
        println!("threshold {threshold}: success {below} 5 % below it, {above} 5 % above it");
        let is_met = 0.999 < below && above < 0.001;
        verdict.holds(&study.cases()[0].id, is_met, (below, above));
    }
    verdict.assert_all_met();
}
