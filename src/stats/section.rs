//! Independent sections of one experiment: replications, or groups of them.

use super::interval::t_quantile;
use super::moments::{beyond, largest, rounding_error};

/// Half the width of the 95 % interval of the share that `parts` are of `wholes`, both summed over
/// sections: Student's t on the residuals of the ratio estimate (Cochran, Sampling Techniques,
/// 6.3), which asks for independence of sections only and not of what they count. `None` below two
/// sections, and where nothing is counted.
///
/// With the share of samples at or below a pooled percentile this gives how far its rank is
/// uncertain; the values at the ranks so far away are the ends of its interval, which needs no
/// percentile of a section of its own (the average of those is biased where sections are short).
///
/// # Panics
///
/// If the two differ in length.
pub fn share_half_width(parts: &[f64], wholes: &[f64]) -> Option<f64> {
    assert_eq!(parts.len(), wholes.len(), "parts belong to wholes");
    let count = parts.len() as f64;
    let (part, whole) = (parts.iter().sum::<f64>(), wholes.iter().sum::<f64>());
    if parts.len() < 2 || whole <= 0.0 {
        return None;
    }
    let share = part / whole;
    let pairs = parts.iter().zip(wholes);
    // Equal shares of unequal wholes are rounded differently.
    let rounding = rounding_error(parts.len(), largest(parts));
    let residuals = pairs.map(|(part, whole)| beyond(rounding, part - share * whole));
    let squares: f64 = residuals.map(|residual| residual * residual).sum();
    let error = (squares / (count - 1.0) * count).sqrt() / whole;
    Some(t_quantile(0.975, count - 1.0) * error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn equal_wholes_give_the_interval_of_a_mean() {
        // Shares 0.1, 0.2, 0.3: deviation 0.1, t(0.975, 2) = 4.3027.
        let half = share_half_width(&[1.0, 2.0, 3.0], &[10.0; 3]).expect("sections");
        assert!(
            (half - 4.302_653 * 0.1 / 3.0f64.sqrt()).abs() < 1e-6,
            "{half}"
        );
        assert_eq!(share_half_width(&[1.0], &[2.0]), None);
        assert_eq!(share_half_width(&[0.0; 2], &[0.0; 2]), None);
    }

    #[test]
    fn equal_shares_of_unequal_wholes_leave_no_width() {
        // Nine of eleven each; 63 is not 77 times that in binary.
        assert_ne!(63.0, 99.0 / 121.0 * 77.0);
        let half = share_half_width(&[9.0, 63.0, 27.0], &[11.0, 77.0, 33.0]);
        assert_eq!(half, Some(0.0));
    }

    #[test]
    fn shares_that_differ_by_section_are_covered() {
        // Each section has a share of its own, of mean 0.2, and a size of its own.
        let mut draw = Draw::new(17);
        let covered = (0..1_000).filter(|_| {
            let (mut parts, mut wholes) = (Vec::new(), Vec::new());
            for _ in 0..20 {
                let share = 0.1 + 0.2 * draw.uniform();
                let whole = 200 + (400.0 * draw.uniform()) as u32;
                let part = (0..whole).filter(|_| draw.uniform() < share).count();
                parts.push(part as f64);
                wholes.push(f64::from(whole));
            }
            let share = parts.iter().sum::<f64>() / wholes.iter().sum::<f64>();
            let half = share_half_width(&parts, &wholes).expect("sections");
            (share - 0.2).abs() <= half
        });
        let covered = covered.count();
        assert!((930..=970).contains(&covered), "{covered}");
    }
}
