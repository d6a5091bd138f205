//! Published and independently computed results, for tests.

use serde_json::Value;

/// One result: what was computed, from what, and how exactly it must be met.
pub struct Case(Value);

/// The cases of `kind`.
///
/// # Panics
///
/// If there are none.
pub fn cases(kind: &str) -> Vec<Case> {
    let text = include_str!("../tests/data/oracles/public.json");
    let all: Vec<Value> = serde_json::from_str(text).expect("valid JSON");
    let chosen: Vec<Case> = all
        .into_iter()
        .filter(|c| c["kind"] == kind)
        .map(Case)
        .collect();
    assert!(!chosen.is_empty(), "no case of kind {kind}");
    chosen
}

impl Case {
    /// The parameter `name`.
    pub fn param(&self, name: &str) -> &Value {
        &self.0["params"][name]
    }

    /// The whole number `name` among the parameters.
    pub fn count(&self, name: &str) -> u64 {
        self.param(name).as_u64().expect("a whole number")
    }

    /// The number `name` among the parameters.
    pub fn number(&self, name: &str) -> f64 {
        self.param(name).as_f64().expect("a number")
    }

    /// What was computed.
    pub fn metric(&self) -> &str {
        self.0["metric"].as_str().expect("a metric")
    }

    /// The result, when it is a number.
    pub fn value(&self) -> f64 {
        self.0["value"].as_f64().expect("a number")
    }

    /// The stated relative tolerance.
    pub fn tolerance(&self) -> f64 {
        self.0["tolerance_rel"].as_f64().expect("a tolerance")
    }

    /// The result, when it is a text.
    pub fn text(&self) -> &str {
        self.0["value"].as_str().expect("a text")
    }

    /// The result, when it is a list.
    pub fn list(&self) -> &[Value] {
        self.0["value"].as_array().expect("a list")
    }

    /// The number of samples for which the tolerance was derived, where one is stated.
    pub fn sample_count(&self) -> Option<u64> {
        let source = self.0["source"].as_str().expect("a source");
        let count = source.split("at n=").nth(1)?.split(' ').next()?;
        Some(count.parse::<f64>().expect("a number") as u64)
    }

    /// Asserts that `computed` is the result within the case's own tolerance.
    pub fn assert_met_by(&self, computed: f64) {
        self.assert_met_within(computed, 1.0);
    }

    /// Asserts that `computed`, from `count` samples, is the result within the tolerance that this
    /// number of samples leaves.
    pub fn assert_met_by_samples(&self, computed: f64, count: u64) {
        let stated = self.sample_count().unwrap_or(count).max(count);
        self.assert_met_within(computed, (stated as f64 / count as f64).sqrt());
    }

    /// Asserts that `computed` is the result within `scale` times the case's own tolerance.
    pub fn assert_met_within(&self, computed: f64, scale: f64) {
        let tolerance = scale * self.0["tolerance_rel"].as_f64().expect("a tolerance");
        let error = (computed - self.value()).abs();
        assert!(
            error <= tolerance * self.value().abs(),
            "{}: {computed}",
            self.id()
        );
    }

    /// Its name.
    pub fn id(&self) -> &str {
        self.0["id"].as_str().expect("a name")
    }
}
