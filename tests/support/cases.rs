//! Published and computed results, how exactly a run of a given length must meet them, and the
//! list of those that it does not meet.

use serde_json::Value;

/// Most samples of a run: with one per second and more, it stays below the two years that a
/// scenario may last.
const SAMPLE_COUNT_MAX: u64 = 40_000_000;

/// How long runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// At most this many samples for each set of parameters.
    Subset(u64),
    /// As many as the stated tolerances need, as far as a run may be so long.
    Complete,
}

/// The results for one set of parameters: one run is measured against all of them.
#[derive(Debug)]
pub struct Study {
    params: Value,
    cases: Vec<Case>,
}

/// One result.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What was computed.
    pub metric: String,
    /// The result.
    pub value: Value,
    /// Relative tolerance, at `sample_count` samples where that is stated.
    pub tolerance: f64,
    sample_count: Option<u64>,
    /// Relative standard error times the square root of the number of samples.
    sigma: Option<f64>,
}

/// The studies of a kind.
///
/// # Panics
///
/// If there are none.
pub fn studies(kind: &str) -> Vec<Study> {
    let all: Vec<Value> = parse(include_str!("../data/oracles/public.json"));
    let errors: Value = parse(include_str!("../data/oracles/se_public.json"));
    let mut studies: Vec<Study> = Vec::new();
    for case in all.iter().filter(|case| case["kind"] == kind) {
        let params = &case["params"];
        if studies.last().is_none_or(|study| study.params != *params) {
            studies.push(Study {
                params: params.clone(),
                cases: Vec::new(),
            });
        }
        let study = studies.last_mut().expect("there is one");
        study.cases.push(Case::new(case, &errors));
    }
    assert!(!studies.is_empty(), "no case of kind {kind}");
    studies
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("valid JSON")
}

impl Case {
    fn new(case: &Value, errors: &Value) -> Self {
        let text = |key: &str| case[key].as_str().expect("a text").to_string();
        let id = text("id");
        let stated = text("source");
        let count = stated.split("SE at n=").nth(1).map(|rest| {
            let number = rest.split(' ').next().expect("a word");
            number.parse::<f64>().expect("a number") as u64
        });
        Case {
            metric: text("metric"),
            value: case["value"].clone(),
            tolerance: case["tolerance_rel"].as_f64().expect("a tolerance"),
            sample_count: count,
            sigma: errors[&id]["sigma1_rel"].as_f64(),
            id,
        }
    }

    /// Whether `count` samples are enough: 1000 of them lie above a quantile. With fewer, those
    /// come in so few bursts of load that standard errors say little.
    fn is_measurable(&self, count: u64) -> bool {
        let is_rare = self.metric.contains("_p999");
        !is_rare || count >= 1_000_000
    }

    /// The relative tolerance for `count` samples: the stated one for as many as it was stated
    /// for, or 4.8 standard errors for fewer.
    pub fn tolerance_at(&self, count: u64) -> f64 {
        let Some(stated) = self.sample_count.filter(|stated| count < *stated) else {
            return self.tolerance;
        };
        match self.sigma {
            Some(sigma) => 4.8 * sigma / (count as f64).sqrt(),
            None => self.tolerance * (stated as f64 / count as f64).sqrt(),
        }
    }
}

impl Study {
    /// The number `name` among the parameters.
    pub fn number(&self, name: &str) -> f64 {
        self.params[name].as_f64().expect("a number")
    }

    /// The whole number `name` among the parameters.
    pub fn count(&self, name: &str) -> u64 {
        self.params[name].as_u64().expect("a whole number")
    }

    /// The parameter `name`.
    pub fn param(&self, name: &str) -> &Value {
        &self.params[name]
    }

    /// The numbers `name` among the parameters.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let list = self.params[name].as_array().expect("a list");
        list.iter().map(|x| x.as_f64().expect("a number")).collect()
    }

    /// The cases.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// How many samples a run takes.
    pub fn sample_count(&self, pass: Pass) -> u64 {
        let stated = self.cases.iter().filter_map(|case| case.sample_count).max();
        let stated = stated.unwrap_or(1_000_000);
        match pass {
            Pass::Subset(count) => count.min(stated),
            Pass::Complete => stated.min(SAMPLE_COUNT_MAX),
        }
    }

    /// Compares what a run of `count` samples measured with all results.
    pub fn check(&self, verdict: &mut Verdict, count: u64, measure: impl FnMut(&str) -> f64) {
        self.check_some(verdict, count, |_| true, measure);
    }

    /// The same for the results whose metrics are meant.
    pub fn check_some(
        &self,
        verdict: &mut Verdict,
        count: u64,
        is_meant: impl Fn(&str) -> bool,
        mut measure: impl FnMut(&str) -> f64,
    ) {
        let cases = self.cases.iter().filter(|case| is_meant(&case.metric));
        for case in cases.filter(|case| case.is_measurable(count)) {
            let expected = case.value.as_f64().expect("a number");
            let got = measure(&case.metric);
            verdict.check(&case.id, expected, got, case.tolerance_at(count), count);
        }
    }
}

/// What was compared, and what was not met.
#[derive(Debug, Default)]
pub struct Verdict {
    failures: Vec<String>,
}

impl Verdict {
    /// Compares one number; `tolerance` is relative.
    pub fn check(&mut self, id: &str, expected: f64, got: f64, tolerance: f64, count: u64) {
        let error = (got - expected).abs() / expected.abs();
        let used = if error == 0.0 { 0.0 } else { error / tolerance };
        let line = format!(
            "{id}: expected {expected}, got {got}, error {error:.2e}, tolerance {tolerance:.2e}, \
             n = {count}"
        );
        println!("{used:6.3} of tolerance: {line}");
        if used.is_nan() || used > 1.0 {
            self.failures.push(line);
        }
    }

    /// Notes whether something holds that has no tolerance.
    pub fn holds(&mut self, id: &str, is_met: bool, got: impl std::fmt::Debug) {
        if !is_met {
            self.failures.push(format!("{id}: got {got:?}"));
        }
    }

    /// Ends the comparison.
    ///
    /// # Panics
    ///
    /// If anything was not met; the message lists all of it.
    pub fn assert_all_met(self) {
        assert!(self.failures.is_empty(), "\n{}", self.failures.join("\n"));
    }
}
