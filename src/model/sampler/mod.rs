//! Laws of a scenario, compiled: a [`Sampler`] turns uniforms into lengths of time, a
//! [`KeySampler`] turns one uniform into the key of a request.

mod key;
mod size;

pub use key::KeySampler;
pub use size::SizeSampler;

use std::sync::Arc;

use crate::rng::UniformSource;
use crate::rng::inversion::{self, Guide};
use crate::rng::tabulated::TabulatedQuantile;
use crate::scenario::distribution::{Branch, Distribution, Empirical};
use crate::time::SimDuration;

/// The widest lognormal law whose table is within a relative error of 1e-9.
const SIGMA_TABULATED_MAX: f64 = 2.0;

/// A law of lengths of time with its constants worked out. Lognormal draws come from a table with
/// a relative error of at most 1e-9; all others are exact inversions. It takes a fixed number of
/// uniforms from its source: none for a constant, one for each stage of an Erlang law, two for a
/// hyperexponential law (branch, then length), one for every other law.
#[derive(Clone, Debug)]
pub struct Sampler(Law);

/// The laws; lengths in seconds.
#[derive(Clone, Debug)]
enum Law {
    Constant {
        value: SimDuration,
    },
    Uniform {
        min: f64,
        width: f64,
    },
    Exponential {
        mean: f64,
    },
    Erlang {
        stages: u32,
        stage_mean: f64,
    },
    Hyperexponential {
        branches: Vec<Branch>,
    },
    LogNormal {
        mu: f64,
        sigma: f64,
        /// For laws that are not too wide for it.
        table: Option<TabulatedQuantile>,
    },
    BoundedPareto {
        min: f64,
        shape_inverse: f64,
        truncated: f64,
    },
    Weibull {
        scale: f64,
        shape_inverse: f64,
    },
    Empirical {
        recorded: Arc<Empirical>,
        guide: Guide,
    },
}

impl Sampler {
    /// Compiles `distribution`.
    pub fn new(distribution: &Distribution) -> Self {
        Sampler(match distribution {
            Distribution::Constant { value } => Law::Constant { value: *value },
            Distribution::Uniform { min, max } => Law::Uniform {
                min: min.as_secs_f64(),
                width: (*max - *min).as_secs_f64(),
            },
            Distribution::Exponential { mean } => Law::Exponential {
                mean: mean.as_secs_f64(),
            },
            Distribution::Erlang { stages, mean } => Law::Erlang {
                stages: *stages,
                stage_mean: mean.as_secs_f64() / f64::from(*stages),
            },
            Distribution::Hyperexponential { branches } => Law::Hyperexponential {
                branches: branches.clone(),
            },
            Distribution::LogNormal { mu_log_secs, sigma } => Law::LogNormal {
                mu: *mu_log_secs,
                sigma: *sigma,
                table: (*sigma <= SIGMA_TABULATED_MAX).then(|| {
                    TabulatedQuantile::new(|u| inversion::lognormal(*mu_log_secs, *sigma, u))
                }),
            },
            Distribution::BoundedPareto { min, max, shape } => {
                let log_ratio = libm::log(min.as_secs_f64() / max.as_secs_f64());
                Law::BoundedPareto {
                    min: min.as_secs_f64(),
                    shape_inverse: 1.0 / shape,
                    truncated: -libm::expm1(shape * log_ratio),
                }
            }
            Distribution::Weibull { scale, shape } => Law::Weibull {
                scale: scale.as_secs_f64(),
                shape_inverse: 1.0 / shape,
            },
            Distribution::Empirical(recorded) => Law::Empirical {
                recorded: Arc::clone(recorded),
                guide: Guide::new(&recorded.cumulative),
            },
        })
    }

    /// The length that a constant law gives without a draw.
    #[inline(always)]
    pub fn constant(&self) -> Option<SimDuration> {
        match self.0 {
            Law::Constant { value } => Some(value),
            _ => None,
        }
    }

    /// Draws a length, rounded to the nearest nanosecond.
    #[inline(always)]
    pub fn sample(&self, source: &mut impl UniformSource) -> SimDuration {
        match &self.0 {
            Law::Constant { value } => *value,
            _ => SimDuration::from_secs_f64(self.sample_secs(source)),
        }
    }

    /// Draws a length in seconds, not rounded.
    #[inline(always)]
    pub fn sample_secs(&self, source: &mut impl UniformSource) -> f64 {
        match &self.0 {
            Law::Exponential { mean } => inversion::exponential(*mean, source.uniform_open()),
            Law::LogNormal {
                table: Some(table), ..
            } => {
                let u = source.uniform_open();
                table.at(u).unwrap_or_else(|| self.one_quantile(u))
            }
            _ => self.sample_other(source),
        }
    }

    /// Draws from the laws that are less common.
    #[inline(never)]
    fn sample_other(&self, source: &mut impl UniformSource) -> f64 {
        match &self.0 {
            Law::Constant { value } => value.as_secs_f64(),
            Law::Erlang { stages, stage_mean } => (0..*stages)
                .map(|_| inversion::exponential(*stage_mean, source.uniform_open()))
                .sum(),
            Law::Hyperexponential { branches } => {
                let mean = branch_mean_secs(branches, source.uniform_open());
                inversion::exponential(mean, source.uniform_open())
            }
            Law::Exponential { .. }
            | Law::LogNormal { .. }
            | Law::Uniform { .. }
            | Law::BoundedPareto { .. }
            | Law::Weibull { .. }
            | Law::Empirical { .. } => self.one_quantile(source.uniform_open()),
        }
    }

    /// The quantile of a law that takes one uniform.
    #[cold]
    fn one_quantile(&self, u: f64) -> f64 {
        self.quantile(u).expect("these laws take one uniform")
    }

    /// The length in seconds that is exceeded with probability `1 - u`, for `u` in `(0, 1)`. None
    /// for the laws that take several uniforms: Erlang and hyperexponential.
    pub fn quantile(&self, u: f64) -> Option<f64> {
        Some(match &self.0 {
            Law::Constant { value } => value.as_secs_f64(),
            Law::Uniform { min, width } => inversion::uniform(*min, *width, u),
            Law::Exponential { mean } => inversion::exponential(*mean, u),
            Law::LogNormal { mu, sigma, .. } => inversion::lognormal(*mu, *sigma, u),
            Law::BoundedPareto {
                min,
                shape_inverse,
                truncated,
            } => inversion::bounded_pareto(*min, *shape_inverse, *truncated, u),
            Law::Weibull {
                scale,
                shape_inverse,
            } => inversion::weibull(*scale, *shape_inverse, u),
            Law::Empirical { recorded, guide } => {
                recorded.values[guide.find(&recorded.cumulative, u)].as_secs_f64()
            }
            Law::Erlang { .. } | Law::Hyperexponential { .. } => return None,
        })
    }
}

/// Mean of the branch that `u` falls into. The last branch takes what rounding leaves.
fn branch_mean_secs(branches: &[Branch], u: f64) -> f64 {
    let mut below = 0.0;
    for branch in branches {
        below += branch.probability;
        if u < below {
            return branch.mean.as_secs_f64();
        }
    }
    branches
        .last()
        .expect("a law has at least one branch")
        .mean
        .as_secs_f64()
}

#[cfg(test)]
mod tests;
