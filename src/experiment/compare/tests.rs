//! Comparisons of made-up readings.

use super::*;
use crate::experiment::pool::Pool;
use crate::metrics::evaluate::Reading;
use crate::metrics::histogram::Samples;
use crate::metrics::lengths::{Evidence, Lengths};
use crate::rng::math::normal_quantile;
use crate::rng::{Draw, UniformSource};
use crate::scenario::measure::{Phase, Scope};
use crate::time::SimDuration;

fn asked(measure: Measure, statistic: Statistic) -> AskedMeasure {
    AskedMeasure {
        text: "measure".to_string(),
        measure: MeasureRef {
            measure,
            statistic,
            scope: Scope::default(),
            aggregation: Aggregation::Pooled,
            phase: Phase::Whole,
        },
    }
}

fn compare(asked: &[AskedMeasure], samples: &[Sample], reference: usize, secs: f64) -> Comparison {
    super::compare(&design(asked, reference, secs), samples)
}

fn design(asked: &[AskedMeasure], reference: usize, measured_secs: f64) -> Design {
    let questions = asked
        .iter()
        .map(|asked| Question::new(&asked.text, &asked.measure));
    Design {
        questions: questions.collect(),
        reference,
        primary: None,
        is_paired: true,
        measured_secs,
    }
}

fn sample(name: &str, values: &[f64], successes: &[f64]) -> Sample {
    let known = |x: &f64| Reading::Known(*x);
    let pairs = values.iter().zip(successes);
    Sample {
        name: name.to_string(),
        readings: pairs.map(|(v, s)| vec![known(v), known(s)]).collect(),
        pools: Vec::new(),
    }
}

fn of_latency(values: &[f64], successes: &[f64]) -> Row {
    let reference = [0.10, 0.11, 0.09, 0.105, 0.095, 0.10];
    let samples = [
        sample("ring", &reference, &[0.99; 6]),
        sample("other", values, successes),
    ];
    let asked = [asked(Measure::Latency, Statistic::Percentile(99.0))];
    compare(&asked, &samples, 0, 100.0).row(0, 1).clone()
}

const HALF: [f64; 6] = [0.051, 0.054, 0.045, 0.053, 0.047, 0.05];

#[test]
fn half_the_latency_is_better() {
    let row = of_latency(&HALF, &[0.99; 6]);
    assert_eq!(row.verdict, Some(Verdict::Better));
    let Some(Effect::Ratio(ratio)) = row.effect else {
        panic!("{row:?}");
    };
    assert!((ratio.ratio - 0.5).abs() < 0.01, "{ratio:?}");
}

#[test]
fn half_the_latency_of_fewer_successes_is_a_trade_off() {
    let fewer = [0.97, 0.971, 0.969, 0.97, 0.972, 0.968];
    assert_eq!(of_latency(&HALF, &fewer).verdict, Some(Verdict::TradeOff));
}

#[test]
fn fewer_attempts_of_fewer_successes_are_a_trade_off() {
    let asked = [asked(Measure::Amplification, Statistic::Value)];
    let verdict = |success: f64| {
        let samples = [
            sample("a", &[3.0, 3.1, 2.9, 3.0, 3.05, 2.95], &[0.99; 6]),
            sample("b", &[0.1, 0.11, 0.09, 0.1, 0.12, 0.08], &[success; 6]),
        ];
        compare(&asked, &samples, 0, 100.0).row(0, 1).verdict
    };
    assert_eq!(verdict(0.13), Some(Verdict::TradeOff));
    assert_eq!(verdict(0.99), Some(Verdict::Better));
}

#[test]
fn what_noise_explains_is_no_evidence() {
    let row = of_latency(&[0.11, 0.10, 0.095, 0.10, 0.10, 0.094], &[0.99; 6]);
    assert_eq!(row.verdict, Some(Verdict::NoEvidence));
}

#[test]
fn fewer_than_five_replications_have_no_verdict() {
    let samples = [
        sample("a", &[1.0, 1.1, 0.9, 1.0], &[1.0; 4]),
        sample("b", &[9.0, 9.1, 9.0, 9.2], &[1.0; 4]),
    ];
    let asked = [asked(Measure::Latency, Statistic::Mean)];
    let row = compare(&asked, &samples, 0, 1.0).row(0, 1).clone();
    assert!(row.p_adjusted.expect("compared") < 0.01);
    assert_eq!(row.verdict, Some(Verdict::NoEvidence));
}

#[test]
fn several_verdicts_share_their_error() {
    // At p 0.03 a measure alone is worse, and one of two is not.
    let samples = [
        sample("a", &[0.0; 6], &[1.0; 6]),
        sample("b", &[1.0; 6], &[1.0; 6]),
    ];
    let one = [asked(Measure::MistakeCount, Statistic::Value)];
    let row = compare(&one, &samples, 0, 1.0).row(0, 1).clone();
    // Six equal differences: twice a half to the sixth.
    assert!((row.p_value().expect("compared") - 0.031_25).abs() < 1e-12);
    assert_eq!(row.verdict, Some(Verdict::Worse));
    let double = |sample: &Sample| Sample {
        name: sample.name.clone(),
        readings: sample
            .readings
            .iter()
            .map(|r| [&r[..], &r[..]].concat())
            .collect(),
        pools: Vec::new(),
    };
    let samples = samples.each_ref().map(double);
    let two = [one[0].clone(), one[0].clone()];
    let row = compare(&two, &samples, 0, 1.0).row(0, 1).clone();
    assert_eq!(row.verdict, Some(Verdict::NoEvidence));
}

#[test]
fn what_never_came_is_counted_and_judged_by_order() {
    let never = f64::INFINITY;
    let samples = [
        sample(
            "a",
            &[9.0, 9.1, never, 9.0, never, never, never, never],
            &[1.0; 8],
        ),
        sample("b", &[1.0, 1.1, 1.2, 1.0, 1.1, 1.2, 1.0, 1.1], &[1.0; 8]),
    ];
    let asked = [asked(Measure::RecoveryTime, Statistic::Value)];
    let comparison = compare(&asked, &samples, 0, 1.0);
    let Level::Censored {
        never_count,
        median,
        median_interval,
        ..
    } = comparison.row(0, 0).level
    else {
        panic!("{comparison:?}");
    };
    assert_eq!((never_count, median), (5, never));
    // Ranks 1 and 8 of eight cover with 99 %.
    assert_eq!(median_interval, Some((9.0, never)));
    let row = comparison.row(0, 1);
    assert_eq!(row.verdict, Some(Verdict::Better));
    assert!((row.p_value().expect("compared") - 2.0 / 256.0).abs() < 1e-12);
}

#[test]
fn nothing_seen_bounds_a_rate_from_above() {
    let samples = [sample("a", &[0.0; 10], &[1.0; 10])];
    let asked = [asked(Measure::MistakeRate, Statistic::Value)];
    let rare = compare(&asked, &samples, 0, 60.0)
        .row(0, 0)
        .rare
        .expect("rare");
    assert_eq!((rare.seen_count, rare.exposure_secs), (0, 600.0));
    // 3.0 in ten minutes.
    assert!((rare.high_per_sec - 2.995_732 / 600.0).abs() < 1e-8);
}

#[test]
fn variants_that_do_not_differ_are_rarely_called_different() {
    // Six tests in each of 1,000 comparisons, with shared noise: Holm keeps any error below 5 %.
    let mut draw = Draw::new(77);
    let asked = [Measure::Latency, Measure::InSystem, Measure::Amplification]
        .map(|measure| asked(measure, Statistic::Mean));
    let is_wrong = |draw: &mut Draw| {
        let shared: Vec<f64> = (0..30)
            .map(|_| normal_quantile(draw.uniform().max(1e-16)))
            .collect();
        let mut variant = |name: &str| Sample {
            name: name.to_string(),
            readings: shared
                .chunks_exact(3)
                .map(|of_run| {
                    let noisy = |x: &f64| {
                        let own = 0.3 * normal_quantile(draw.uniform().max(1e-16));
                        [Reading::Known(libm::exp(x + own)), Reading::Known(1.0)]
                    };
                    of_run.iter().flat_map(noisy).collect()
                })
                .collect(),
            pools: Vec::new(),
        };
        let samples = [variant("a"), variant("b"), variant("c")];
        let comparison = compare(&asked, &samples, 0, 1.0);
        let rows = comparison.measures.iter().flat_map(|measure| &measure.rows);
        let mut verdicts = rows.filter_map(|row| row.verdict);
        verdicts.any(|verdict| verdict != Verdict::NoEvidence)
    };
    let wrong_count = (0..1_000).filter(|_| is_wrong(&mut draw)).count();
    // Two standard errors above 5 %.
    assert!(wrong_count <= 64, "{wrong_count}");
}

#[test]
fn no_difference_is_said_within_a_margin_only() {
    let row = |margin| {
        let samples = [
            sample("a", &[1.0, 1.1, 0.9, 1.05, 0.95, 1.0], &[1.0; 6]),
            sample("b", &[1.01, 1.1, 0.9, 1.04, 0.95, 1.01], &[1.0; 6]),
        ];
        let mut design = design(&[asked(Measure::Latency, Statistic::Mean)], 0, 1.0);
        design.questions[0].margin = margin;
        super::compare(&design, &samples).row(0, 1).clone()
    };
    assert_eq!(row(None).verdict, Some(Verdict::NoEvidence));
    assert_eq!(row(Some(0.05)).verdict, Some(Verdict::NoDifference));
    // The interval of 90 % reaches from about -0.6 % to 1.0 %.
    assert_eq!(row(Some(0.005)).verdict, Some(Verdict::NoEvidence));
}

#[test]
fn a_primary_measure_shares_its_error_with_no_other() {
    let of = |primary| {
        let known = |x: f64| Reading::Known(x);
        let readings = |x: f64, i: usize| vec![known(x), known(1.0), known(i as f64), known(1.0)];
        let samples = [("a", 0.0), ("b", 1.0)].map(|(name, x)| Sample {
            name: name.to_string(),
            readings: (0..6).map(|i| readings(x, i)).collect(),
            pools: Vec::new(),
        });
        let asked = [
            asked(Measure::MistakeCount, Statistic::Value),
            asked(Measure::InSystem, Statistic::Mean),
        ];
        let mut design = design(&asked, 0, 1.0);
        design.primary = primary;
        super::compare(&design, &samples)
    };
    // Six equal signs: p = 2 / 64. The other measure is equal in all and tests nothing.
    assert_eq!(of(None).row(0, 1).verdict, Some(Verdict::Worse));
    let primary = of(Some(1));
    assert_eq!(primary.row(0, 1).verdict, Some(Verdict::NotJudged));
    assert_eq!(primary.row(0, 1).p_adjusted, None);
    assert_eq!(of(Some(0)).row(0, 1).verdict, Some(Verdict::Worse));
}

#[test]
fn samples_of_other_seeds_are_compared_after_welch() {
    let samples = [
        sample("a", &[1.0, 1.1, 0.9, 1.0, 1.0], &[1.0; 5]),
        sample("b", &[2.0, 2.1, 1.9, 2.0, 2.0, 2.05, 1.95], &[1.0; 7]),
    ];
    let mut design = design(&[asked(Measure::Latency, Statistic::Mean)], 0, 1.0);
    design.is_paired = false;
    let comparison = super::compare(&design, &samples);
    let row = comparison.row(0, 1);
    assert_eq!(row.verdict, Some(Verdict::Worse));
    assert_eq!(row.pairing(), Some((None, Pairing::Unpaired)));
    assert_eq!(comparison.run_counts, [5, 7]);
}

#[test]
fn percentiles_are_of_one_kind_where_the_samples_of_a_variant_were_not_saved() {
    let with_samples = |name: &str| {
        let mut pool = Pool::default();
        for replication in 0..6 {
            let mut samples = Samples::default();
            (0..2_000).for_each(|i| samples.record(SimDuration::from_ms(50 + i % 100)));
            let evidence = Evidence::Percentile {
                percent: 99.0,
                lengths: Box::new(Lengths::new(&samples, 0)),
            };
            pool.add(replication, &evidence);
        }
        Sample {
            pools: vec![pool, Pool::default()],
            ..sample(name, &HALF, &[1.0; 6])
        }
    };
    let asked = [asked(Measure::Latency, Statistic::Percentile(99.0))];
    let pooled = compare(&asked, &[with_samples("a"), with_samples("b")], 0, 1.0);
    assert!(pooled.is_pooled);
    let is_pooled = |row: &Row| matches!(row.level, Level::Pooled(_));
    assert!(pooled.measures[0].rows.iter().all(is_pooled));
    let saved = sample("baseline", &HALF, &[1.0; 6]);
    let mixed = compare(&asked, &[saved, with_samples("now")], 0, 1.0);
    assert!(!mixed.is_pooled);
    assert_eq!(mixed.row(0, 0).level, mixed.row(0, 1).level);
    assert!(matches!(mixed.row(0, 1).level, Level::Mean(_)));
}
