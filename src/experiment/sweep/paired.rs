//! How far apart two points of a sweep are on the seeds that they share.

use super::super::compare::effect::{Effect, Pairs};
use crate::metrics::evaluate::Reading;
use crate::scenario::measure::Unit;

/// Two measures of all points, by replication.
#[derive(Clone, Debug)]
pub struct PairedNumbers {
    units: [Unit; 2],
    /// By point; None where a replication lacks the number, or where it never came.
    points: Vec<[Option<Vec<f64>>; 2]>,
}

impl PairedNumbers {
    /// Of measures in these units.
    pub fn new(units: [Unit; 2]) -> Self {
        PairedNumbers {
            units,
            points: Vec::new(),
        }
    }

    /// Takes in the next point.
    pub fn add(&mut self, point: [Option<Vec<f64>>; 2]) {
        self.points.push(point);
    }

    /// How much higher a measure is at one point than at another, by the 95 % interval of the
    /// differences on equal seeds: its ends, of one sign where the points surely differ, both zero
    /// where they are equal on every seed. None where that cannot be said.
    pub fn gap(&self, own: u32, other: u32, side: usize) -> Option<(f64, f64)> {
        let values = |point: u32| self.points[point as usize][side].clone();
        let pairs = Pairs {
            values: values(own)?,
            reference: values(other)?,
            is_grouped: false,
        };
        let contrast = match Effect::new(self.units[side], &pairs, true)? {
            Effect::Ratio(ratio) => ratio.logarithms,
            Effect::Difference(contrast) => contrast,
            Effect::Signs { .. } => return None,
        };
        let interval = contrast.difference;
        let is_certain = contrast.p_value < 0.05 || interval.mean == 0.0;
        // All differences alike make an interval without width, of how few pairs ever.
        (is_certain || 0.0 < interval.half_width).then(|| (interval.low(), interval.high()))
    }
}

/// The numbers of all replications, if all are known and came.
pub fn all_finite<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<Vec<f64>> {
    let finite = |reading: &Reading| match reading {
        Reading::Known(value) if value.is_finite() => Some(*value),
        Reading::Known(_) | Reading::Undecided(_) => None,
    };
    readings.map(finite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(own: &[f64], other: &[f64]) -> Option<(f64, f64)> {
        let mut numbers = PairedNumbers::new([Unit::Time, Unit::Ratio]);
        numbers.add([Some(own.to_vec()), None]);
        numbers.add([Some(other.to_vec()), None]);
        assert_eq!(numbers.gap(0, 1, 1), None);
        numbers.gap(0, 1, 0)
    }

    #[test]
    fn a_difference_on_equal_seeds_is_seen_where_intervals_overlap() {
        // From 1 to 5, and a tenth to two tenths less each time.
        let (low, high) =
            gap(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0.9, 1.8, 2.7, 3.6, 4.4]).expect("five");
        assert!(0.0 < low && low < high, "{low} to {high}");
    }

    #[test]
    fn equal_numbers_have_no_gap_and_two_alike_say_nothing() {
        assert_eq!(gap(&[1.0, 2.0], &[1.0, 2.0]), Some((0.0, 0.0)));
        // Once lower and once lower by the same: a coin does that half of the time.
        assert_eq!(gap(&[0.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(gap(&[1.0], &[2.0]), None);
    }
}
