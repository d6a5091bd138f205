//! Classes of requests: their shares, their laws in one queue, and the queues at transmitters.

use std::fmt::Write;

use stormglass::id::ClassId;
use stormglass::model::observation::{Observation, Observer};
use stormglass::scenario::Scenario;
use stormglass::time::{SimDuration, SimTime};

use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::meter::Meter;
use crate::support::{run, run_alone, scenario};
use crate::texts::{Length, call, client, exponential, law, poisson, service, warmup};

/// What a run says of each class: arrivals, and mean waiting times of those that arrived at their
/// instance in the measured window.
#[derive(Debug, Default)]
struct ByClass {
    window: (SimTime, SimTime),
    arrived_counts: Vec<u64>,
    wait_counts: Vec<u64>,
    wait_secs: Vec<f64>,
}

impl ByClass {
    fn of(scenario: &Scenario) -> Self {
        let count = scenario.classes.count();
        let mut by_class = ByClass {
            window: (
                SimTime::START + scenario.warmup,
                SimTime::START + scenario.duration,
            ),
            arrived_counts: vec![0; count],
            wait_counts: vec![0; count],
            wait_secs: vec![0.0; count],
        };
        run(scenario, &mut by_class);
        by_class
    }

    fn mean_wait(&self, class: ClassId) -> f64 {
        self.wait_secs[class.index()] / self.wait_counts[class.index()] as f64
    }
}

impl Observer for ByClass {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let is_measured = |at: SimTime| self.window.0 <= at && at < self.window.1;
        match *observation {
            Observation::RequestArrived { class, .. } => {
                self.arrived_counts[class.index()] += 1;
            }
            Observation::WorkStarted { class, waiting, .. }
                if is_measured(SimTime::from_ns(at.as_ns() - waiting.as_ns())) =>
            {
                self.wait_counts[class.index()] += 1;
                self.wait_secs[class.index()] += waiting.as_secs_f64();
            }
            _ => {}
        }
    }
}

#[test]
fn classes_have_their_shares() {
    let shares = [0.5, 0.3, 0.2];
    let mut text = Length {
        count: 100_000,
        rate: 1_000.0,
        warmup: 0.0,
        seed: 5,
    }
    .text(0.0)
        + &service("s", 1, 1, "\"0s\"")
        + &client(&poisson(1_000.0))
        + &call("s", "\"random\"");
    for (share, name) in shares.iter().zip('a'..) {
        write!(text, "[client.c.class.{name}]\nshare = {share}\n").expect("a string");
    }
    let by_class = ByClass::of(&scenario(&text));
    let counts = &by_class.arrived_counts[1..];
    let total = counts.iter().sum::<u64>() as f64;
    assert_eq!(by_class.arrived_counts[0], 0);
    let statistic: f64 = counts
        .iter()
        .zip(shares)
        .map(|(count, share)| {
            let (mean, excess) = (total * share, *count as f64 - total * share);
            excess * excess / mean
        })
        .sum();
    // With two degrees of freedom chi-squared is exponential with mean 2, so that it exceeds
    // 2 ln 10,000 = 2 x 9.2103 once in 10,000 seeds.
    assert!(statistic < 2.0 * 9.2103, "{statistic}: {counts:?}");
}

/// The scenario of a queue with one Poisson stream and one law for each class. `discipline` is that
/// of the queue; class `a` has priority 0, `b` has 1, and so on.
pub fn one_queue(study: &Study, length: Length, discipline: &str) -> String {
    let rates = study.numbers("lams");
    let total: f64 = rates.iter().sum();
    let services = study.param("services").as_array().expect("a list");
    let length = Length {
        rate: total,
        // The highest load of these cases is 0.8.
        warmup: warmup(0.8, 2.0),
        ..length
    };
    let mut text = length.drained_text(0.0)
        + &service("s", 1, 1, "\"1s\"").replace("\"fifo\"", &format!("\"{discipline}\""))
        + &client(&poisson(total))
        + &call("s", "\"random\"");
    for (priority, (rate, service)) in rates.iter().zip(services).enumerate() {
        let name = char::from(b'a' + u8::try_from(priority).expect("classes are few"));
        let share = rate / total;
        let (service_time, _) = law(service);
        write!(
            text,
            "[client.c.class.{name}]\nshare = {share:.12}\npriority = {priority}\n\
             service_time = {service_time}\n"
        )
        .expect("a string takes what is written");
    }
    text
}

/// First come, first served, every class waits alike: as long as the mixture of the laws says
/// (Pollaczek and Khinchine). All laws of these cases are exponential with mean 1, so the queue is
/// M/M/1, whose mean over n customers has the standard error of Daley (1968).
pub fn classes_share_a_queue(pass: Pass) {
    for study in studies("mg1_priority_np") {
        let count = study.sample_count(pass);
        let length = Length {
            count,
            rate: 1.0,
            warmup: 0.0,
            seed: 3,
        };
        let load: f64 = study.numbers("lams").iter().sum();
        let scenario = scenario(&one_queue(&study, length, "fifo"));
        let by_class = ByClass::of(&scenario);
        let expected = load / (1.0 - load);
        let idle = 1.0 - load;
        let variance = load * (2.0 + 5.0 * load - 4.0 * load * load + load * load * load)
            / (idle * idle * idle * idle);
        for class in scenario.classes.ids() {
            let own_count = by_class.wait_counts[class.index()] as f64;
            let own_variance = load * (2.0 - load) / (idle * idle);
            let error = (variance / count as f64 + own_variance / own_count).sqrt();
            let got = by_class.mean_wait(class);
            println!("{load}: {class:?} waits {got}, expected {expected}, standard error {error}");
            assert!((got - expected).abs() < 4.8 * error);
        }
    }
}

/// By priority, without preemption, each class waits as long as Cobham (1954) says.
pub fn mg1_priority_np(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("mg1_priority_np") {
        let count = study.sample_count(pass);
        let length = Length {
            count,
            rate: 1.0,
            warmup: 0.0,
            seed: 3,
        };
        let by_priority = "limit = \"unlimited\", priority = true";
        let text = one_queue(&study, length, "fifo");
        let scenario = scenario(&text.replace("limit = \"unlimited\"", by_priority));
        let by_class = ByClass::of(&scenario);
        let classes: Vec<ClassId> = scenario.classes.ids().collect();
        study.check(&mut verdict, count, |metric| {
            let place = metric.strip_prefix("mean_wait_class").expect("a wait");
            let place: usize = place.parse().expect("a number");
            by_class.mean_wait(classes[place])
        });
    }
    verdict.assert_all_met();
}

/// A hyperexponential law is two classes with exponential laws.
pub fn classes_mix_laws(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("mg1_fifo") {
        let stated = study.param("service");
        if stated["law"] != "hyperexp" {
            continue;
        }
        let number = |key: &str| stated[key].as_f64().expect("a number");
        let (count, lam) = (study.sample_count(pass), study.number("lam"));
        let length = Length {
            count,
            rate: lam,
            warmup: warmup(0.8, 1.0 + law(stated).1),
            seed: 2,
        };
        let text = length.drained_text(0.0)
            + &service("s", 1, 1, "\"1s\"")
            + &client(&poisson(lam))
            + &call("s", "\"random\"")
            + &format!(
                "[client.c.class.short]\nshare = {:?}\nservice_time = {}\n\
                 [client.c.class.long]\nshare = {:.12}\nservice_time = {}\n",
                number("p"),
                exponential(number("m1")),
                1.0 - number("p"),
                exponential(number("m2")),
            );
        let meter = Meter::of(&text, SimDuration::from_secs(1));
        study.check(&mut verdict, count, |metric| {
            meter.value(metric).expect("a known metric")
        });
    }
    verdict.assert_all_met();
}

/// A transmitter with Poisson messages of one size is an M/D/1 queue: here the requests of a class
/// take `D` on the link, and nothing else takes time.
pub fn transmitter(pass: Pass) {
    const BYTES_PER_SEC: f64 = 1e6;
    let mut verdict = Verdict::default();
    for (index, study) in studies("md1").iter().enumerate() {
        let (count, lam, length_secs) = (
            study.sample_count(pass),
            study.number("lam"),
            study.number("D"),
        );
        let length = Length {
            count,
            rate: lam,
            warmup: warmup(lam, 1.0),
            seed: index as u64 + 1,
        };
        let text = length.drained_text(0.0)
            + "same_zone_bandwidth = \"1MB/s\"\n"
            + &service("s", 1, 1, "\"0s\"")
            + &client(&poisson(lam))
            + &call("s", "\"random\"")
            + &format!(
                "[client.c.class.only]\nshare = 1\nrequest_size = \"{}B\"\n",
                length_secs * BYTES_PER_SEC
            );
        let meter = Meter::of(&text, SimDuration::from_secs(1));
        study.check(&mut verdict, count, |metric| match metric {
            "mean_wait" => meter.sojourn.mean() - length_secs,
            "mean_in_system" => lam * meter.in_system.mean() / meter.arrival_rate(),
            other => match other.strip_prefix("wait_") {
                // Waiting ends when the message begins to go out.
                Some(quantile) => {
                    let sojourn = meter.value(&format!("sojourn_{quantile}"));
                    sojourn.expect("a quantile") - length_secs
                }
                None => meter.value(other).expect("a known metric"),
            },
        });
    }
    verdict.assert_all_met();
}

#[test]
fn a_queue_goes_by_priority_only_where_it_says_so() {
    // A queue that is too long, with rules of its own, and two classes of different priority.
    let digest = |rules: &str, priority: u32| {
        let text = format!(
            "schema = 1\nduration = \"20s\"\n[network]\nsame_zone = \"0s\"\n\
             [service.s]\ncount = 1\nworkers = 1\nservice_time = \"110ms\"\n\
             queue = {{ limit = 20, codel = {{ target = \"5s\", interval = \"100s\" }}{rules} }}\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.c.class.a]\nshare = 0.5\npriority = 1\n\
             [client.c.class.b]\nshare = 0.5\npriority = {priority}\n[client.c.call.s]\n"
        );
        run_alone(&scenario(&text), &mut Nobody).digest
    };
    assert_eq!(digest("", 1), digest("", 5));
    assert_ne!(
        digest(", priority = true", 1),
        digest(", priority = true", 5)
    );
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _: SimTime, _: &Observation<'_>) {}
}
