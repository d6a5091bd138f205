//! The alias method.

use crate::rng::UniformSource;

/// A table from which one of `n` weights is drawn in O(1): Walker (1977), built after Vose (IEEE
/// Transactions on Software Engineering 17, 1991).
#[derive(Debug)]
pub struct AliasTable {
    columns: Vec<Column>,
}

/// One of the columns of equal height.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// Share of the column that is its own.
    own: f64,
    /// Who has the rest.
    alias: u32,
}

impl AliasTable {
    /// The table of these weights, which are positive.
    pub fn new(weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut columns: Vec<Column> = (0u32..)
            .zip(weights)
            .map(|(place, weight)| Column {
                own: weight / mean,
                alias: place,
            })
            .collect();
        let places = 0..columns.len();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            places.partition(|place| columns[*place].own < 1.0);
        while let (Some(low), Some(high)) = (small.pop(), large.last().copied()) {
            columns[low].alias = high as u32;
            columns[high].own -= 1.0 - columns[low].own;
            if columns[high].own < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        // What is left is 1 but for rounding.
        for place in small.into_iter().chain(large) {
            columns[place].own = 1.0;
        }
        AliasTable { columns }
    }

    /// Draws a place, with two numbers: the column, and the part of it.
    #[inline]
    pub fn draw(&self, source: &mut impl UniformSource) -> usize {
        let place = source.below(self.columns.len() as u32);
        let column = self.columns[place as usize];
        match source.uniform() < column.own {
            true => place as usize,
            false => column.alias as usize,
        }
    }

    /// The probability of each place.
    #[cfg(test)]
    fn probabilities(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.columns.len()];
        for (place, column) in self.columns.iter().enumerate() {
            shares[place] += column.own;
            shares[column.alias as usize] += 1.0 - column.own;
        }
        let count = self.columns.len() as f64;
        shares.iter().map(|share| share / count).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn probabilities_are_the_weights(
            weights in prop::collection::vec(prop_oneof![0.001..1000.0f64, Just(1.0)], 1..200),
        ) {
            let sum: f64 = weights.iter().sum();
            let table = AliasTable::new(&weights);
            for (weight, probability) in weights.iter().zip(table.probabilities()) {
                prop_assert!((probability - weight / sum).abs() < 1e-12);
            }
        }
    }
}
