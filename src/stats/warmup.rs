//! Where the warm-up of a run ends.

use super::moments::{largest, mean, sum_of_squares};

/// Observations of one batch.
const BATCH_LENGTH: usize = 5;

/// A cut that MSER-5 proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Observations to discard from the start, a multiple of five.
    pub count: usize,
    /// The least squared standard error of what is left, in batches of five.
    pub statistic: f64,
}

/// MSER-5 (White 1997; Spratt 1998): the number of leading batches of five whose removal gives the
/// rest the least squared standard error; the first one where several do. A rest of observations
/// that fills no batch is left out.
///
/// Only cuts up to the middle are tried, and `None` is returned where the middle itself is the
/// best: the minimum may then lie in the second half, which means that the run is too short to
/// tell. `None` also below two batches.
pub fn mser5(values: &[f64]) -> Option<Cut> {
    let batches: Vec<f64> = values.chunks_exact(BATCH_LENGTH).filter_map(mean).collect();
    let middle = batches.len() / 2;
    if middle == 0 {
        return None;
    }
    let statistics = (0..=middle).map(|cut| squared_error(&batches[cut..]));
    let mut best = (0, f64::INFINITY);
    for (cut, statistic) in statistics.enumerate() {
        if statistic < best.1 {
            best = (cut, statistic);
        }
    }
    let (cut, statistic) = best;
    (cut < middle).then_some(Cut {
        count: cut * BATCH_LENGTH,
        statistic,
    })
}

/// `sum (x - mean)^2 / n^2`.
fn squared_error(values: &[f64]) -> f64 {
    let squares = sum_of_squares(values, largest(values)).unwrap_or(0.0);
    squares / (values.len() as f64 * values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn published_cuts_hold() {
        for case in oracle::cases("mser5") {
            let mut draw = Draw::new(case.count("seed"));
            let values: Vec<f64> = (0..case.count("n"))
                .map(|i| {
                    let fade = libm::exp(-(i as f64) / case.number("decay"));
                    draw.uniform() + case.number("bias") * fade
                })
                .collect();
            let cut = mser5(&values).expect("long enough");
            match case.metric() {
                "truncate_batches" => case.assert_met_by((cut.count / BATCH_LENGTH) as f64),
                "statistic" => case.assert_met_by(cut.statistic),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_run_that_never_settles_has_no_cut() {
        let values: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(mser5(&values), None);
        assert_eq!(mser5(&[1.0; 9]), None);
    }

    #[test]
    fn a_constant_run_needs_no_warm_up() {
        // The mean of ten numbers of 0.1 is not 0.1.
        for value in [2.0, 0.1] {
            let cut = mser5(&[value; 50]).expect("long enough");
            assert_eq!((cut.count, cut.statistic), (0, 0.0));
        }
    }
}
