//! Two samples of one law.

/// The most that the empirical distribution functions of two samples of one law differ by with
/// probability `1 - level` (Smirnov's limit law).
fn critical_distance(level: f64, counts: (usize, usize)) -> f64 {
    let (n, m) = (counts.0 as f64, counts.1 as f64);
    (-libm::log(level / 2.0) / 2.0).sqrt() * ((n + m) / (n * m)).sqrt()
}

fn share_up_to(sorted: &[f64], value: f64) -> f64 {
    sorted.partition_point(|x| *x <= value) as f64 / sorted.len() as f64
}

/// Asserts that a recorded and a simulated sample may come from one law, at this level.
pub fn assert_alike(what: &str, level: f64, recorded: &[f64], simulated: &[f64]) {
    let sorted = |sample: &[f64]| {
        let mut sample = sample.to_vec();
        sample.sort_by(f64::total_cmp);
        sample
    };
    let (recorded, simulated) = (sorted(recorded), sorted(simulated));
    let distances = recorded
        .iter()
        .chain(&simulated)
        .map(|value| (share_up_to(&recorded, *value) - share_up_to(&simulated, *value)).abs());
    let distance = distances.fold(0.0, f64::max);
    let critical = critical_distance(level, (recorded.len(), simulated.len()));
    assert!(
        distance <= critical,
        "{what}: the distance is {distance:.3}, at the level {level} at most {critical:.3}; \
         recorded {recorded:.2?}, simulated quantiles {:.2?}",
        [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
            .map(|p| simulated[(p * (simulated.len() - 1) as f64) as usize])
    );
}

#[test]
fn published_critical_distances() {
    // Smirnov: 1.36 and 1.63 times the root for 5 % and 1 %.
    let of = |level| critical_distance(level, (100, 100)) / (0.02_f64).sqrt();
    assert!((of(0.05) - 1.36).abs() < 0.005);
    assert!((of(0.01) - 1.63).abs() < 0.005);
}
