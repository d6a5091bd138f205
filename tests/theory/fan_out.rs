//! Calls that run in parallel, and one queue for many workers.

use stormglass::model::observation::{Observation, Observer};
use stormglass::time::{SimDuration, SimTime};

use crate::queues::check;
use crate::support::cases::{Pass, Verdict, studies};
use crate::support::{run, scenario, secs};
use crate::texts::{Length, call, client, exponential, poisson, service, warmup};

/// Requests of a fan-out, in the subset and in the complete pass.
const LEAF_COUNT_MAX: [u64; 2] = [2_000_000, 100_000_000];

/// Every request visits two servers at once.
pub fn fork_join_2(pass: Pass) {
    check("fork_join_2", pass, |study, length| {
        let (lam, mu) = (study.number("lam"), study.number("mu"));
        let length = Length {
            rate: lam,
            warmup: warmup(lam / mu, 2.0) / mu,
            ..length
        };
        let mut text = length.drained_text(0.0) + &client(&poisson(lam));
        for name in ["left", "right"] {
            text += &call(name, "\"random\"");
            text += "stage = 1\n";
            text += &service(name, 1, 1, &exponential(1.0 / mu));
        }
        text
    });
}

/// One queue before all workers.
pub fn central_queue(pass: Pass) {
    check("central_queue", pass, |study, length| {
        let (lam, count) = (study.number("lam"), study.count("n"));
        let rate = lam * count as f64;
        let length = Length {
            rate,
            warmup: warmup(lam, 2.0),
            ..length
        };
        length.drained_text(0.0)
            + &service("s", 1, count, &exponential(1.0))
            + &client(&poisson(rate))
            + &call("s", "\"random\"")
    });
}

/// Requests that took longer than a limit.
#[derive(Debug)]
struct Slow {
    limit: SimDuration,
    slow_count: u64,
    count: u64,
}

impl Observer for Slow {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestEnded { arrived_at, .. } = observation {
            self.count += 1;
            self.slow_count += u64::from(self.limit < at.since(*arrived_at));
        }
    }
}

/// A request is slow if any of its leaves is: exponential leaves that never wait exceed `-ln p`
/// means with probability `p`.
pub fn fanout(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("fanout") {
        let (p, leaf_count) = (study.number("p"), study.count("N"));
        let leaf_count_max = match pass {
            Pass::Subset(_) => LEAF_COUNT_MAX[0],
            Pass::Complete => LEAF_COUNT_MAX[1],
        };
        let count = study.sample_count(pass).min(leaf_count_max / leaf_count);
        let length = Length {
            count,
            rate: 1.0,
            warmup: 0.0,
            seed: 1,
        };
        let text = length.text(0.0)
            + &service("leaf", 1, 1_000_000, &exponential(0.001))
            + &client(&format!("{{ process = \"constant\", rate = \"{}/s\" }}", 1))
            + &call("leaf", "\"random\"")
            + &format!("fanout = {{ count = {leaf_count} }}\n");
        let limit = -0.001 * libm::log(p);
        let mut slow = Slow {
            limit: secs(limit).parse().expect("a length of time"),
            slow_count: 0,
            count: 0,
        };
        run(&scenario(&text), &mut slow);
        let ratio = slow.slow_count as f64 / slow.count as f64;
        study.check(&mut verdict, slow.count, |metric| match metric {
            "p_any_slow" => ratio,
            other => panic!("no metric {other}"),
        });
    }
    verdict.assert_all_met();
}
