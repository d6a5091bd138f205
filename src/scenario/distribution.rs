//! Laws of random lengths of time, as a scenario states them.

use std::sync::Arc;

use crate::time::SimDuration;

/// The law of a random length of time. Valid by construction: every parameter is finite, every
/// mean is positive or the law is a constant, every list is non-empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always `value`.
    Constant { value: SimDuration },
    /// Uniform on `[min, max]`.
    Uniform { min: SimDuration, max: SimDuration },
    /// Exponential with the given mean.
    Exponential { mean: SimDuration },
    /// The sum of `stages` exponentials; `mean` is the mean of the sum.
    Erlang { stages: u32, mean: SimDuration },
    /// Exponential with mean `branches[i].mean`, chosen with probability `branches[i].probability`.
    Hyperexponential { branches: Vec<Branch> },
    /// `exp(mu + sigma Z)` seconds with a standard normal `Z`; `p50`+`p99` and `mean`+`cv` in the
    /// file are both turned into this form.
    LogNormal { mu_log_secs: f64, sigma: f64 },
    /// Pareto with tail index `shape`, truncated to `[min, max]`.
    BoundedPareto {
        min: SimDuration,
        max: SimDuration,
        shape: f64,
    },
    /// `scale (-ln U)^(1/shape)`.
    Weibull { scale: SimDuration, shape: f64 },
    /// Values read from a CSV file, drawn in proportion to their weights.
    Empirical(Arc<Empirical>),
}

/// One branch of a hyperexponential law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// Probability of this branch; the branches sum to one.
    pub probability: f64,
    /// Mean of the exponential of this branch.
    pub mean: SimDuration,
}

/// Recorded values, sorted ascending, with their cumulative weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// The values, ascending.
    pub values: Vec<SimDuration>,
    /// Cumulative share of the weight up to and including each value; the last one is 1.
    pub cumulative: Vec<f64>,
}

impl Distribution {
    /// The mean in seconds, in closed form.
    pub fn mean_secs(&self) -> f64 {
        match self {
            Distribution::Constant { value } => value.as_secs_f64(),
            Distribution::Uniform { min, max } => (min.as_secs_f64() + max.as_secs_f64()) / 2.0,
            Distribution::Exponential { mean } | Distribution::Erlang { mean, .. } => {
                mean.as_secs_f64()
            }
            Distribution::Hyperexponential { branches } => branches
                .iter()
                .map(|b| b.probability * b.mean.as_secs_f64())
                .sum(),
            Distribution::LogNormal { mu_log_secs, sigma } => {
                libm::exp(mu_log_secs + sigma * sigma / 2.0)
            }
            Distribution::BoundedPareto { min, max, shape } => {
                bounded_pareto_mean(min.as_secs_f64(), max.as_secs_f64(), *shape)
            }
            Distribution::Weibull { scale, shape } => {
                scale.as_secs_f64() * libm::tgamma(1.0 + 1.0 / shape)
            }
            Distribution::Empirical(empirical) => {
                let mut below = 0.0;
                let mut mean = 0.0;
                for (value, cumulative) in empirical.values.iter().zip(&empirical.cumulative) {
                    mean += value.as_secs_f64() * (cumulative - below);
                    below = *cumulative;
                }
                mean
            }
        }
    }

    /// The one value of a constant law.
    pub fn as_constant(&self) -> Option<SimDuration> {
        match self {
            Distribution::Constant { value } => Some(*value),
            _ => None,
        }
    }
}

/// Mean of a Pareto law truncated to `[min, max]`.
fn bounded_pareto_mean(min: f64, max: f64, shape: f64) -> f64 {
    let ratio = libm::pow(min / max, shape);
    if shape == 1.0 {
        return min / (1.0 - ratio) * libm::log(max / min);
    }
    let tail = libm::pow(min / max, shape - 1.0);
    min * shape / (shape - 1.0) * (1.0 - tail) / (1.0 - ratio)
}
