//! The static stride scheduler of gRPC.

/// The largest scaled weight.
const WEIGHT_MAX: u64 = u16::MAX as u64;
/// What sets the generations of neighbours apart.
const OFFSET: u64 = WEIGHT_MAX / 2;

/// Which index comes next, for fixed weights and a sequence counter that its owner keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaticStride {
    /// One after the other: fewer than two weights are known, or all are alike.
    RoundRobin { count: u64 },
    /// In proportion to the weights.
    Weighted { weights: Vec<u16> },
}

impl StaticStride {
    /// A scheduler for these weights; one that is not known is 0, and counts as the mean of those
    /// that are. Scaled weights are rounded half away from zero; one that is too small for that
    /// comes to 0 and is not picked, as with gRPC.
    pub fn new(weights: &[f64]) -> Self {
        let known = || weights.iter().copied().filter(|weight| 0.0 < *weight);
        let known_count = known().count();
        let round_robin = StaticStride::RoundRobin {
            count: weights.len() as u64,
        };
        if known_count < 2 {
            return round_robin;
        }
        let factor = WEIGHT_MAX as f64 / known().fold(0.0, f64::max);
        let scaled = |weight: f64| (factor * weight).round() as u16;
        let mean = scaled(known().sum::<f64>() / known_count as f64);
        let scaled_or_mean = |weight: &f64| match *weight {
            0.0 => mean,
            weight => scaled(weight),
        };
        let weights: Vec<u16> = weights.iter().map(scaled_or_mean).collect();
        match weights.iter().all(|weight| *weight == mean) {
            true => round_robin,
            false => StaticStride::Weighted { weights },
        }
    }

    /// The next index; `sequence` moves on.
    ///
    /// # Panics
    ///
    /// If there are no weights.
    pub fn next(&self, sequence: &mut u32) -> usize {
        let mut advance = || {
            let number = u64::from(*sequence);
            *sequence = sequence.wrapping_add(1);
            number
        };
        match self {
            StaticStride::RoundRobin { count } => (advance() % count) as usize,
            StaticStride::Weighted { weights } => loop {
                let number = advance();
                let index = number % weights.len() as u64;
                let generation = number / weights.len() as u64;
                let weight = u64::from(weights[index as usize]);
                let place = (weight * generation + index * OFFSET) % WEIGHT_MAX;
                // The one with the largest weight is always picked, so this ends.
                if WEIGHT_MAX - weight <= place {
                    break index as usize;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(weights: &[f64], count: usize) -> Vec<usize> {
        let scheduler = StaticStride::new(weights);
        let mut sequence = 0;
        (0..count).map(|_| scheduler.next(&mut sequence)).collect()
    }

    #[test]
    fn fewer_than_two_known_weights_or_equal_ones_are_round_robin() {
        let round_robin = StaticStride::RoundRobin { count: 3 };
        for weights in [
            [0.0, 0.0, 0.0],
            [0.0, 7.0, 0.0],
            [2.0, 2.0, 2.0],
            [2.0, 0.0, 2.0],
        ] {
            assert_eq!(StaticStride::new(&weights), round_robin, "{weights:?}");
        }
        assert_eq!(picks(&[0.0, 7.0, 0.0], 5), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn weights_are_scaled_to_the_largest_and_unknown_ones_get_the_mean() {
        // The mean of 1 and 3 is 2: 65535 / 3 = 21845, times 2 is 43690.
        let expected = StaticStride::Weighted {
            weights: vec![21_845, 43_690, 65_535],
        };
        assert_eq!(StaticStride::new(&[1.0, 0.0, 3.0]), expected);
    }

    /// By hand from the rule, for weights 1 and 2 (32768 by rounding 32767.5, and 65535): the
    /// first one is picked in generation g iff 32768 g mod 65535 >= 32767, which is so for
    /// g = 1 (32768), 3 (32769), 5, ... and not for g = 0 (0), 2 (1), 4 (2), ...; the second
    /// one always.
    #[test]
    fn a_weight_of_one_half_is_picked_every_second_time() {
        assert_eq!(picks(&[1.0, 2.0], 9), [1, 0, 1, 1, 0, 1, 1, 0, 1]);
    }

    /// In 65535 generations a weight w is picked exactly w times, because w g + c runs through
    /// the multiples of gcd(w, 65535) evenly.
    #[test]
    fn over_all_generations_picks_are_exactly_the_weights() {
        let weights = [10.0, 20.0, 70.0];
        let scheduler = StaticStride::new(&weights);
        let StaticStride::Weighted { weights: scaled } = scheduler.clone() else {
            panic!("the weights differ");
        };
        assert_eq!(scaled, [9_362, 18_724, 65_535]);
        let mut sequence = 0;
        let mut counts = [0_u32; 3];
        while sequence < 3 * 65_535 {
            counts[scheduler.next(&mut sequence)] += 1;
        }
        assert_eq!(counts, [9_362, 18_724, 65_535]);
    }
}
