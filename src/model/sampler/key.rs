//! Laws of keys.

use crate::rng::UniformSource;
use crate::rng::zipf::Zipf;
use crate::scenario::client::KeyConfig;

/// Which key a request carries, from one uniform.
#[derive(Clone, Debug)]
pub struct KeySampler(KeyLaw);

#[derive(Clone, Debug)]
enum KeyLaw {
    Uniform {
        count: u32,
    },
    Zipf(Zipf),
    HotSet {
        count: u32,
        hot_count: u32,
        hot_ratio: f64,
    },
}

impl KeySampler {
    /// Compiles `config`. A hot set that holds every key gets every request.
    pub fn new(config: &KeyConfig) -> Self {
        KeySampler(match *config {
            KeyConfig::Uniform { count } => KeyLaw::Uniform { count },
            KeyConfig::Zipf { count, exponent } => KeyLaw::Zipf(Zipf::new(count, exponent)),
            KeyConfig::HotSet {
                count, hot_count, ..
            } if hot_count >= count => KeyLaw::Uniform { count },
            KeyConfig::HotSet {
                count,
                hot_count,
                hot_ratio,
            } => KeyLaw::HotSet {
                count,
                hot_count,
                hot_ratio,
            },
        })
    }

    /// Draws a key; takes one uniform.
    #[inline]
    pub fn sample(&self, source: &mut impl UniformSource) -> u64 {
        match &self.0 {
            KeyLaw::Uniform { count } => u64::from(source.below(*count)),
            KeyLaw::Zipf(law) => u64::from(law.rank(source.uniform_open())),
            KeyLaw::HotSet {
                count,
                hot_count,
                hot_ratio,
            } => hot_set_key(*count, *hot_count, *hot_ratio, source.uniform()),
        }
    }

    /// The probability that a request carries `key`; zero for a key that there is not.
    pub fn popularity(&self, key: u64) -> f64 {
        let Ok(key) = u32::try_from(key) else {
            return 0.0;
        };
        match &self.0 {
            KeyLaw::Zipf(law) => law.probability(key),
            KeyLaw::Uniform { count } | KeyLaw::HotSet { count, .. } if key >= *count => 0.0,
            KeyLaw::Uniform { count } => 1.0 / f64::from(*count),
            KeyLaw::HotSet {
                hot_count,
                hot_ratio,
                ..
            } if key < *hot_count => hot_ratio / f64::from(*hot_count),
            KeyLaw::HotSet {
                count,
                hot_count,
                hot_ratio,
            } => (1.0 - hot_ratio) / f64::from(count - hot_count),
        }
    }
}

/// The key at `u` in `[0, 1)`: the hot keys share `[0, hot_ratio)`, the others the rest.
fn hot_set_key(count: u32, hot_count: u32, hot_ratio: f64, u: f64) -> u64 {
    let place_in = |share: f64, size: u32| {
        let place = (share * f64::from(size)) as u32;
        place.min(size - 1)
    };
    u64::from(if u < hot_ratio {
        place_in(u / hot_ratio, hot_count)
    } else {
        hot_count + place_in((u - hot_ratio) / (1.0 - hot_ratio), count - hot_count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Draw;

    const HOT_SET: KeyConfig = KeyConfig::HotSet {
        count: 50,
        hot_count: 5,
        hot_ratio: 0.8,
    };

    #[test]
    fn keys_are_drawn_in_proportion_to_their_popularity() {
        for config in [
            KeyConfig::Uniform { count: 50 },
            KeyConfig::Zipf {
                count: 50,
                exponent: 0.9,
            },
            HOT_SET,
            KeyConfig::HotSet {
                count: 50,
                hot_count: 50,
                hot_ratio: 0.8,
            },
        ] {
            let sampler = KeySampler::new(&config);
            let mut draw = Draw::new(6);
            let mut seen = [0.0; 50];
            for _ in 0..200_000 {
                seen[sampler.sample(&mut draw) as usize] += 1.0;
            }
            let statistic: f64 = (0u64..)
                .zip(seen)
                .map(|(key, count)| {
                    let mean = 200_000.0 * sampler.popularity(key);
                    (count - mean) * (count - mean) / mean
                })
                .sum();
            // 99.99 % point of chi-squared with 49 degrees of freedom (scipy.stats.chi2).
            assert!(statistic < 94.07, "{config:?}: {statistic}");
        }
    }

    #[test]
    fn popularities_sum_to_one_and_end_with_the_keys() {
        for config in [
            KeyConfig::Uniform { count: 50 },
            KeyConfig::Zipf {
                count: 50,
                exponent: 0.9,
            },
            HOT_SET,
        ] {
            let sampler = KeySampler::new(&config);
            let sum: f64 = (0..50).map(|key| sampler.popularity(key)).sum();
            assert!((sum - 1.0).abs() < 1e-14);
            assert_eq!(sampler.popularity(50), 0.0);
            assert_eq!(sampler.popularity(1 << 40), 0.0);
        }
        let sampler = KeySampler::new(&HOT_SET);
        assert!((sampler.popularity(0) - 0.16).abs() < 1e-15);
        assert!((sampler.popularity(5) - 0.2 / 45.0).abs() < 1e-15);
    }

    #[test]
    fn hot_keys_share_the_lower_uniforms() {
        assert_eq!(hot_set_key(50, 5, 0.8, 0.0), 0);
        assert_eq!(hot_set_key(50, 5, 0.8, 0.799_999), 4);
        assert_eq!(hot_set_key(50, 5, 0.8, 0.8), 5);
        assert_eq!(hot_set_key(50, 5, 0.8, 1.0 - f64::EPSILON / 2.0), 49);
        assert_eq!(hot_set_key(50, 5, 1.0, 1.0 - f64::EPSILON / 2.0), 4);
        assert_eq!(hot_set_key(50, 5, 0.0, 0.0), 5);
    }
}
