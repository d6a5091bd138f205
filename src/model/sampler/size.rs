//! Laws of sizes.

use crate::rng::UniformSource;
use crate::rng::inversion;
use crate::scenario::size::SizeLaw;

/// How many bytes a message has, from one uniform.
#[derive(Clone, Copy, Debug)]
pub struct SizeSampler(SizeLaw);

impl SizeSampler {
    /// Compiles `law`.
    pub fn new(law: SizeLaw) -> Self {
        SizeSampler(law)
    }

    /// Draws a size in whole bytes; takes one uniform.
    pub fn sample(&self, source: &mut impl UniformSource) -> u64 {
        self.quantile(source.uniform_open()).round() as u64
    }

    /// The size in bytes that is exceeded with probability `1 - u`, for `u` in `(0, 1)`.
    fn quantile(&self, u: f64) -> f64 {
        match self.0 {
            SizeLaw::Constant { bytes } => bytes,
            SizeLaw::Uniform {
                min_bytes,
                max_bytes,
            } => inversion::uniform(min_bytes, max_bytes - min_bytes, u),
            SizeLaw::Exponential { mean_bytes } => inversion::exponential(mean_bytes, u),
            SizeLaw::LogNormal {
                mu_log_bytes,
                sigma,
            } => inversion::lognormal(mu_log_bytes, sigma, u),
            SizeLaw::BoundedPareto {
                min_bytes,
                max_bytes,
                shape,
            } => {
                let truncated = -libm::expm1(shape * libm::log(min_bytes / max_bytes));
                inversion::bounded_pareto(min_bytes, 1.0 / shape, truncated, u)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_laws() {
        // ln 2 = 0.6931; half of a Pareto law of shape 1 on [1, 100] lies below x with
        // (1 - 1/x) / (1 - 1/100) = 1/2, so x = 1 / 0.505.
        for (law, median) in [
            (SizeLaw::Constant { bytes: 512.0 }, 512.0),
            (
                SizeLaw::Uniform {
                    min_bytes: 100.0,
                    max_bytes: 300.0,
                },
                200.0,
            ),
            (SizeLaw::Exponential { mean_bytes: 1e6 }, 693_147.18),
            (
                SizeLaw::LogNormal {
                    mu_log_bytes: 0.0,
                    sigma: 2.0,
                },
                1.0,
            ),
            (
                SizeLaw::BoundedPareto {
                    min_bytes: 1.0,
                    max_bytes: 100.0,
                    shape: 1.0,
                },
                1.0 / 0.505,
            ),
        ] {
            let got = SizeSampler::new(law).quantile(0.5);
            assert!((got / median - 1.0).abs() < 1e-8, "{law:?}: {got}");
        }
    }
}
