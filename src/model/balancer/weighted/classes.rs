//! Members of a view by weight, shared by all callers with that view.

use super::effective;
use crate::model::view::ViewSnapshot;

/// Weights are whole numbers of this part, so that sums are exact.
const PART_BITS_MAX: i32 = 24;
/// The sum of all weights has at most these bits.
const TOTAL_BITS_MAX: i32 = 50;

/// What a weight may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rounding {
    /// Any number.
    Parts,
    /// A whole number, at least 1.
    Whole,
}

/// The members of a view by weight. Weights are rounded to a multiple of 2^-24, or to coarser ones
/// where their sum is above 2^26: whole weights stay as they are.
#[derive(Debug)]
pub struct WeightClasses {
    /// The power of two that weights are multiplied with.
    pub part_bits: i32,
    /// Weight of each class in parts; all differ.
    pub weights: Vec<i64>,
    /// Sum of all weights, in parts.
    pub total: i64,
    /// Class of each member.
    class_of: Vec<u32>,
    /// Places of the members, class by class, ascending within one.
    places: Vec<u32>,
    /// Where each class begins in `places`, and the end.
    starts: Vec<u32>,
}

impl WeightClasses {
    /// The classes of a view that has members.
    pub fn new(view: &ViewSnapshot, rounding: Rounding) -> Self {
        let rounded = |weight: f64| match rounding {
            Rounding::Parts => weight,
            Rounding::Whole => f64::from(effective::whole(weight)),
        };
        let sum: f64 = view
            .members
            .iter()
            .map(|member| rounded(member.weight))
            .sum();
        // The exponent of a positive number is its floor of the logarithm.
        let sum_bits = ((sum.to_bits() >> 52) as i32) - 1022;
        let part_bits = (TOTAL_BITS_MAX - sum_bits).min(PART_BITS_MAX);
        let scale = power_of_two(part_bits);
        let parts = |weight: f64| ((weight * scale).round() as i64).max(1);
        let mut weights: Vec<i64> = view
            .members
            .iter()
            .map(|m| parts(rounded(m.weight)))
            .collect();
        let total = weights.iter().sum();
        let of_members = weights.clone();
        weights.sort_unstable();
        weights.dedup();
        let class = |weight: &i64| weights.partition_point(|other| other < weight) as u32;
        let class_of: Vec<u32> = of_members.iter().map(class).collect();
        let mut starts = vec![0u32; weights.len() + 1];
        for class in &class_of {
            starts[*class as usize + 1] += 1;
        }
        for class in 0..weights.len() {
            starts[class + 1] += starts[class];
        }
        let mut ends = starts.clone();
        let mut places = vec![0; class_of.len()];
        for (place, class) in (0u32..).zip(&class_of) {
            let end = &mut ends[*class as usize];
            places[*end as usize] = place;
            *end += 1;
        }
        WeightClasses {
            part_bits,
            weights,
            total,
            class_of,
            places,
            starts,
        }
    }

    /// The places of a class, ascending.
    pub fn members(&self, class: usize) -> &[u32] {
        &self.places[self.starts[class] as usize..self.starts[class + 1] as usize]
    }

    /// The class of a member, and its rank there.
    pub fn position(&self, place: usize) -> (usize, u32) {
        let class = self.class_of[place] as usize;
        let rank = self
            .members(class)
            .partition_point(|p| (*p as usize) < place);
        (class, rank as u32)
    }

    /// The weight of a member, in parts.
    pub fn weight(&self, place: usize) -> i64 {
        self.weights[self.class_of[place] as usize]
    }
}

/// `2^exponent` for exponents of normal numbers.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
