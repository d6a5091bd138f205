//! In which order a member probes the others: a new random order for each pass over all of them.
//!
//! A small cluster's order is a list, shuffled by Fisher and Yates. In a large one every member
//! would keep a list of all, so there an order is a function instead: a Feistel network that
//! permutes the numbers below a power of 4, walked until it comes to a number that is a member's.

use crate::rng::{Draw, UniformSource, mix};

/// Members up to which orders are lists.
const LISTED_COUNT_MAX: u32 = 256;
/// Rounds of the network; 4 make it a good one.
const ROUND_COUNT: usize = 4;

/// The order of one pass.
#[derive(Clone, Debug, Default)]
pub struct Order {
    count: u32,
    list: Vec<u8>,
    keys: [u64; ROUND_COUNT],
    half_bits: u32,
}

impl Order {
    /// A random order of the numbers below `count`.
    pub fn shuffle(&mut self, count: u32, draw: &mut Draw) {
        self.count = count;
        if LISTED_COUNT_MAX < count {
            self.keys = std::array::from_fn(|_| draw.next_u64());
            self.half_bits = (u32::BITS - (count - 1).leading_zeros()).div_ceil(2);
            return;
        }
        self.list.clear();
        self.list.extend((0..count).map(|place| place as u8));
        for last in (1..count).rev() {
            self.list.swap(last as usize, draw.below(last + 1) as usize);
        }
    }

    /// What stands at `place`; None past the end.
    pub fn at(&self, place: u32) -> Option<u32> {
        if self.count <= place {
            return None;
        }
        if self.count <= LISTED_COUNT_MAX {
            return Some(u32::from(self.list[place as usize]));
        }
        let mut number = self.permuted(place);
        while self.count <= number {
            number = self.permuted(number);
        }
        Some(number)
    }

    fn permuted(&self, number: u32) -> u32 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for key in self.keys {
            let scrambled = (mix(u64::from(right) ^ key) >> 32) as u32;
            (left, right) = (right, left ^ (scrambled & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once() {
        let mut order = Order::default();
        for (seed, count) in [(1, 1), (2, 2), (3, 256), (4, 257), (5, 1_000), (6, 10_000)] {
            order.shuffle(count, &mut Draw::new(seed));
            let mut all: Vec<u32> = (0..count).filter_map(|place| order.at(place)).collect();
            assert_eq!(order.at(count), None);
            assert_ne!(all.is_sorted(), 2 < count, "{count}");
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
        }
    }

    #[test]
    fn every_number_is_as_likely_at_every_place() {
        // 20,000 orders of 300: the number at a place is uniform. Its chi-squared over 300 cells
        // has mean 299 and deviation 24.5; 5 of them is one in a million.
        let mut order = Order::default();
        for place in [0, 150, 299] {
            let mut counts = [0.0_f64; 300];
            for seed in 0..20_000 {
                order.shuffle(300, &mut Draw::new(mix(seed)));
                counts[order.at(place).expect("a member") as usize] += 1.0;
            }
            let expected = 20_000.0 / 300.0;
            let each = |count: &f64| (count - expected) * (count - expected) / expected;
            let chi_squared: f64 = counts.iter().map(each).sum();
            assert!(
                (chi_squared - 299.0).abs() < 123.0,
                "{place}: {chi_squared}"
            );
        }
    }
}
