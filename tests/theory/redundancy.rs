//! Several attempts at once, and customers who do not wait for ever.

use libm::{exp, log};
use stormglass::model::observation::{Observation, Observer, WorkEnd};
use stormglass::rng::math::normal_quantile;
use stormglass::scenario::Scenario;
use stormglass::time::{SimDuration, SimTime};

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::meter::Meter;
use crate::support::{run, scenario, secs};
use crate::texts::{Length, call, client, exponential, poisson, service, warmup};

/// `count` servers with a queue each; every request goes to `d` of them, and the copies that lose
/// are cancelled wherever they are, at once.
fn redundant(study: &Study, length: Length, count: u64) -> String {
    let (lam, mu) = (study.number("lam"), study.number("mu"));
    let rate = lam * count as f64;
    let length = Length {
        rate,
        // With copies a system forgets faster than one queue of that load.
        warmup: 30.0 / (mu * (1.0 - lam / mu)),
        ..length
    };
    let cancellable = "[service.s]\ncancellable = true\n";
    let servers = service("s", count, 1, &exponential(1.0 / mu))
        .replace("[service.s]\n", cancellable)
        // No queue comes near it; the estimate of memory needs a bound.
        .replace("\"unlimited\"", "5_000");
    length.drained_text(0.0)
        + &servers
        + &client(&poisson(rate))
        + &call("s", "\"random\"")
        + &format!(
            "cluster = \"forking\"\nfork_count = {}\ndeadline_propagation = \"cancel\"\n",
            study.count("d")
        )
}

pub fn redundancy_d(pass: Pass) {
    crate::queues::check("redundancy_d", pass, |study, length| {
        redundant(study, length, study.count("n"))
    });
}

/// How many servers are as good as infinitely many.
const MANY: u64 = 1_000;

/// The results say no number of requests. Those for 20 servers at load 0.9 have a standard error
/// of 0.81 % for a million: a tolerance of 1 % is 4.8 of them for 16 million.
const MANY_REQUESTS: u64 = 16_000_000;

/// The highest load at which the subset is long enough.
const SUBSET_LOAD_MAX: f64 = 0.8;

pub fn redundancy_d_inf(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("redundancy_d_inf") {
        let count = match pass {
            Pass::Subset(_) if SUBSET_LOAD_MAX < study.number("lam") => continue,
            Pass::Subset(count) => count,
            Pass::Complete => MANY_REQUESTS,
        };
        let length = Length {
            count,
            rate: 1.0,
            warmup: 0.0,
            seed: 1,
        };
        let unit = SimDuration::from_secs_f64(1.0 / study.number("mu"));
        let meter = Meter::of(&redundant(&study, length, MANY), unit);
        study.check(&mut verdict, count, |metric| {
            meter.value(metric).expect("a known metric")
        });
    }
    verdict.assert_all_met();
}

/// A run with hedges, and how many there were.
struct Hedged {
    meter: Meter,
    hedge_count: u64,
}

impl Observer for Hedged {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.meter.observe(at, observation);
        if let Observation::HedgeSent { .. } = observation {
            self.hedge_count += 1;
        }
    }
}

/// Requests that never wait for a worker, and are sent again after `delay`.
fn hedged(count: u64, service_time: &str, delay: f64) -> Hedged {
    let length = Length {
        count,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.drained_text(0.0)
        + &service("s", 2, 1_000, service_time)
        + &client(&poisson(1.0))
        + &call("s", "\"random\"")
        + &format!("hedge = {{ delay = \"{}\" }}\n", secs(delay));
    let scenario = scenario(&text);
    let mut hedged = Hedged {
        meter: Meter::new(&scenario, SimDuration::from_secs(1)),
        hedge_count: 0,
    };
    run(&scenario, &mut hedged);
    hedged
}

impl Hedged {
    fn value(&self, metric: &str) -> f64 {
        let sojourn = &self.meter.sojourn;
        match metric {
            "extra_load" => self.hedge_count as f64 / self.meter.arrived_count as f64,
            "mean" => sojourn.mean(),
            "p99" => sojourn.quantile(0.99),
            "p999" => sojourn.quantile(0.999),
            other => panic!("no metric {other}"),
        }
    }
}

pub fn hedge_exp(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("hedge_exp") {
        let count = study.sample_count(pass);
        let service_time = exponential(1.0 / study.number("mu"));
        let hedged = hedged(count, &service_time, study.number("delay"));
        study.check(&mut verdict, count, |metric| hedged.value(metric));
    }
    verdict.assert_all_met();
}

pub fn hedge_lognormal(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("hedge_lognormal") {
        let count = study.sample_count(pass);
        let (mean, cv) = (study.number("mean"), study.number("cv"));
        let service_time = format!(
            "{{ dist = \"lognormal\", mean = \"{}\", cv = {cv:?} }}",
            secs(mean)
        );
        let sigma = log(1.0 + cv * cv).sqrt();
        let quantile = normal_quantile(study.number("hedge_quantile"));
        let delta = mean * exp(sigma * quantile - sigma * sigma / 2.0);
        let hedged = hedged(count, &service_time, delta);
        for case in study.cases() {
            let expected = case.value.as_f64().expect("a number");
            if case.metric == "delta" {
                // Rounding in other orders than the one that made the number.
                verdict.check(&case.id, expected, delta, 1e-12, count);
            } else {
                let got = hedged.value(&case.metric);
                verdict.check(&case.id, expected, got, case.tolerance_at(count), count);
            }
        }
    }
    verdict.assert_all_met();
}

/// What became of those who arrived at a queue in the measured window.
struct Fates {
    window: (SimTime, SimTime),
    started_count: u64,
    lost_count: u64,
    waited_count: u64,
    started_wait_ns: u64,
    lost_wait_ns: u64,
}

impl Fates {
    fn of(text: &str) -> Self {
        let scenario: Scenario = scenario(text);
        let start = SimTime::START;
        let mut fates = Fates {
            window: (start + scenario.warmup, start + scenario.duration),
            started_count: 0,
            lost_count: 0,
            waited_count: 0,
            started_wait_ns: 0,
            lost_wait_ns: 0,
        };
        run(&scenario, &mut fates);
        fates
    }

    fn value(&self, metric: &str, lam: f64) -> f64 {
        let secs = |ns: u64| ns as f64 / 1e9;
        let count = (self.started_count + self.lost_count) as f64;
        let lost_ratio = self.lost_count as f64 / count;
        match metric {
            "loss" | "p_abandon" => lost_ratio,
            "throughput" => lam * (1.0 - lost_ratio),
            "mean_wait_served" => secs(self.started_wait_ns) / self.started_count as f64,
            "p_wait" => (self.waited_count + self.lost_count) as f64 / count,
            "mean_time_in_queue" => secs(self.started_wait_ns + self.lost_wait_ns) / count,
            other => panic!("no metric {other}"),
        }
    }
}

impl Observer for Fates {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let is_measured = |arrived_at| self.window.0 <= arrived_at && arrived_at < self.window.1;
        match *observation {
            Observation::WorkStarted { waiting, .. }
                if is_measured(SimTime::from_ns(at.as_ns() - waiting.as_ns())) =>
            {
                self.started_count += 1;
                self.waited_count += u64::from(!waiting.is_zero());
                self.started_wait_ns += waiting.as_ns();
            }
            Observation::WorkEnded {
                arrived_at,
                started_at: None,
                end: WorkEnd::Dropped | WorkEnd::Cancelled,
                ..
            } if is_measured(arrived_at) => {
                self.lost_count += 1;
                self.lost_wait_ns += at.since(arrived_at).as_ns();
            }
            _ => {}
        }
    }
}

/// One queue whose customers have a deadline that the server knows.
fn impatient(study: &Study, count: u64, deadline: &str, propagation: &str) -> Fates {
    let (lam, mu) = (study.number("lam"), study.number("mu"));
    let workers = study.param("c").as_u64().unwrap_or(1);
    let length = Length {
        count,
        rate: lam,
        // Impatience bounds the queue; no queue of these cases is slower than one at load 0.9.
        warmup: warmup(0.9, 2.0) / mu,
        seed: 1,
    };
    let text = length.drained_text(0.0)
        + &service("s", 1, workers, &exponential(1.0 / mu))
        + &client(&poisson(lam))
        + &call("s", "\"random\"")
        + &format!("deadline = {deadline}\ndeadline_propagation = \"{propagation}\"\n");
    Fates::of(&text)
}

fn check_impatient(kind: &str, pass: Pass, propagations: &[&str], law: impl Fn(&Study) -> String) {
    let mut verdict = Verdict::default();
    for study in studies(kind) {
        let count = study.sample_count(pass);
        for propagation in propagations {
            let fates = impatient(&study, count, &law(&study), propagation);
            let lam = study.number("lam");
            study.check(&mut verdict, count, |metric| fates.value(metric, lam));
        }
    }
    verdict.assert_all_met();
}

pub fn mm1_deadline_drop(pass: Pass) {
    // Whether they leave the queue at their deadline or are dropped at its head is the same.
    let propagations = ["drop_at_dequeue", "cancel"];
    check_impatient("mm1_deadline_drop", pass, &propagations, |study| {
        format!("\"{}\"", secs(study.number("tau")))
    });
}

pub fn erlang_a(pass: Pass) {
    check_impatient("erlang_a", pass, &["cancel"], |study| {
        exponential(1.0 / study.number("theta"))
    });
}
