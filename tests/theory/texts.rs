//! Scenario texts for results that are stated without a network: messages take no time.

use serde_json::Value;

use crate::support::secs;

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Arrivals that are measured.
    pub count: u64,
    /// Arrivals per second.
    pub rate: f64,
    /// Seconds before the measured window.
    pub warmup: f64,
    /// The seed.
    pub seed: u64,
}

impl Length {
    /// The length of the run in seconds.
    pub fn duration(&self) -> f64 {
        self.warmup + self.count as f64 / self.rate
    }

    /// The start of the text of a scenario whose messages take `delay` seconds each way.
    pub fn text(&self, delay: f64) -> String {
        self.text_with("", delay)
    }

    /// The same, for a run that goes on until all requests have ended.
    pub fn drained_text(&self, delay: f64) -> String {
        self.text_with("drain = \"1000000s\"\n", delay)
    }

    fn text_with(&self, drain: &str, delay: f64) -> String {
        format!(
            "schema = 1\nname = \"theory\"\nseed = {}\nduration = \"{}\"\nwarmup = \"{}\"\n\
             {drain}[network]\ntransport = \"datagram\"\nsame_zone = \"{}\"\n",
            self.seed,
            secs(self.duration()),
            secs(self.warmup),
            secs(delay),
        )
    }
}

/// Ten relaxation times of a GI/G/1 queue with unit service; one is about
/// 2 (ca² + cs²) / (1 - rho)².
pub fn warmup(load: f64, squared_variations: f64) -> f64 {
    20.0 * squared_variations / ((1.0 - load) * (1.0 - load))
}

/// A service with an endless FIFO queue and one group `a` of `count` instances.
pub fn service(name: &str, count: u64, workers: u64, service_time: &str) -> String {
    format!(
        "[service.{name}]\nservice_time = {service_time}\n\
         queue = {{ discipline = \"fifo\", limit = \"unlimited\" }}\nworkers = {workers}\n\
         [service.{name}.group.a]\ncount = {count}\n"
    )
}

/// A service with one group for each pair of speed and weight, `a`, `b` and so on.
pub fn unequal_instances(service_time: &str, groups: &[(f64, f64)]) -> String {
    let mut text = service("s", 1, 1, service_time);
    text.truncate(text.find("[service.s.group").expect("it has a group"));
    for ((speed, weight), name) in groups.iter().zip('a'..) {
        text += &format!(
            "[service.s.group.{name}]\ncount = 1\nspeed = {speed:?}\nweight = {weight:?}\n"
        );
    }
    text
}

/// A client with one caller.
pub fn client(arrivals: &str) -> String {
    format!("[client.c]\narrivals = {arrivals}\n")
}

/// A call of that client.
pub fn call(service: &str, balancer: &str) -> String {
    format!("[client.c.call.{service}]\nbalancer = {balancer}\n")
}

/// Poisson arrivals.
pub fn poisson(rate: f64) -> String {
    format!("{{ process = \"poisson\", rate = \"{rate}/s\" }}")
}

/// An exponential law.
pub fn exponential(mean: f64) -> String {
    format!("{{ dist = \"exponential\", mean = \"{}\" }}", secs(mean))
}

/// A law as the results state it, and its squared coefficient of variation.
pub fn law(law: &Value) -> (String, f64) {
    let number = |key: &str| law[key].as_f64().expect("a number");
    let time = |key: &str| secs(number(key));
    match law["law"].as_str().expect("a law") {
        "exp" => (exponential(number("mean")), 1.0),
        "det" => (
            format!("{{ dist = \"constant\", value = \"{}\" }}", time("mean")),
            0.0,
        ),
        "erlang" => {
            let stages = law["k"].as_u64().expect("a whole number");
            let mean = time("mean");
            let text = format!("{{ dist = \"erlang\", stages = {stages}, mean = \"{mean}\" }}");
            (text, 1.0 / stages as f64)
        }
        "uniform" => {
            let (min, max) = (time("lo"), time("hi"));
            let text = format!("{{ dist = \"uniform\", min = \"{min}\", max = \"{max}\" }}");
            (text, 1.0)
        }
        "lognormal" => {
            let (mean, cv) = (time("mean"), number("cv"));
            let text = format!("{{ dist = \"lognormal\", mean = \"{mean}\", cv = {cv:?} }}");
            (text, cv * cv)
        }
        "bpareto" => {
            let (min, max, shape) = (time("lo"), time("hi"), number("alpha"));
            let text = format!(
                "{{ dist = \"bounded_pareto\", min = \"{min}\", max = \"{max}\", \
                 shape = {shape:?} }}"
            );
            // Its squared coefficient of variation is 4.6 in the one case there is.
            (text, 5.0)
        }
        "hyperexp" => {
            let (p, m1, m2) = (number("p"), time("m1"), time("m2"));
            let rest = 1.0 - p;
            let text = format!(
                "{{ dist = \"hyperexponential\", branches = [\
                 {{ probability = {p:?}, mean = \"{m1}\" }}, \
                 {{ probability = {rest:.9}, mean = \"{m2}\" }}] }}"
            );
            let (m1, m2) = (number("m1"), number("m2"));
            let mean = p * m1 + rest * m2;
            (
                text,
                2.0 * (p * m1 * m1 + rest * m2 * m2) / (mean * mean) - 1.0,
            )
        }
        other => panic!("no law {other}"),
    }
}
