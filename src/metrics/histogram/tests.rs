//! Histograms against published data and exact samples.

use super::*;
use crate::oracle;
use crate::rng::UniformSource;

fn filled(values_ns: impl IntoIterator<Item = u64>) -> Samples {
    let mut samples = Samples::default();
    for ns in values_ns {
        samples.record(SimDuration::from_ns(ns));
    }
    samples
}

/// The published data: floor(1000 E) + 1 with E = -ln(1 - u) of SplitMix64 with seed 21.
fn published<const BITS: u32>() -> Histogram<BITS> {
    let mut draw = crate::rng::Draw::new(21);
    let mut histogram = Histogram::default();
    for _ in 0..20_000 {
        let value = (-1000.0 * libm::log1p(-draw.uniform())).floor() + 1.0;
        histogram.record(value as u64);
    }
    histogram
}

#[test]
fn percentiles_equal_those_of_a_published_implementation() {
    let (two, three) = (published::<8>(), published::<11>());
    for case in oracle::cases("hdr_percentile") {
        let rank = rank_of(case.number("q"), 20_000);
        let value = match case.number("sig") as u32 {
            2 => two.value_at_rank(rank),
            3 => three.value_at_rank(rank),
            digits => unreachable!("no case has {digits} digits"),
        };
        assert_eq!(value, Some(case.value() as u64));
    }
}

#[test]
fn percentiles_of_a_histogram_are_within_its_precision_of_the_exact_ones() {
    let (two, three) = (published::<8>(), published::<11>());
    for case in oracle::cases("exact_percentile") {
        let rank = rank_of(case.number("q"), 20_000);
        let exact = case.value();
        for (value, precision) in [
            (two.value_at_rank(rank), 1e-2),
            (three.value_at_rank(rank), 1e-3),
        ] {
            let value = value.expect("there are samples") as f64;
            assert!(
                (value - exact).abs() <= precision * exact,
                "{value} for {exact}"
            );
        }
    }
}

#[test]
fn buckets_equal_those_of_hdrhistogram() {
    let three = hdrhistogram::Histogram::<u64>::new(3).expect("three digits are allowed");
    let two = hdrhistogram::Histogram::<u64>::new(2).expect("two digits are allowed");
    for exponent in 0..50 {
        for value in [1, 2, 3, 5, 9, 1_000, 1_023, 1_025, 2_047, 123_456] {
            let value: u64 = value << (exponent / 2) | exponent;
            assert_eq!(
                bucket_max::<11>(bucket_of::<11>(value)),
                three.highest_equivalent(value)
            );
            assert_eq!(
                bucket_max::<8>(bucket_of::<8>(value)),
                two.highest_equivalent(value)
            );
        }
    }
    // Published range: 123456 with 3 digits is 123456..123519.
    assert_eq!(bucket_max::<11>(bucket_of::<11>(123_456)), 123_519);
}

#[test]
fn moments_are_exact_and_survive_a_merge() {
    // 1..=4: mean 2.5, variance 1.25; in ns.
    let mut merged = filled([1, 2]);
    merged.merge(&filled([3, 4]));
    assert_eq!(merged.count(), 4);
    assert_eq!(merged.mean_secs(), Some(2.5e-9));
    let deviation = merged.standard_deviation_secs().expect("there are samples");
    assert!((deviation - 1.25f64.sqrt() * 1e-9).abs() < 1e-24);
    assert_eq!(
        (merged.min_secs(), merged.max_secs()),
        (Some(1e-9), Some(4e-9))
    );
    assert_eq!(merged.stats(), filled([1, 2, 3, 4]).stats());
}

#[test]
fn equal_samples_have_no_deviation() {
    let samples = filled([123_456_789; 100]);
    assert_eq!(samples.standard_deviation_secs(), Some(0.0));
    assert_eq!(samples.percentile(50.0).value_secs, Some(0.123456789));
}

#[test]
fn percentiles_are_withheld_below_ten_samples_above() {
    // Of 1,000 samples, p99 is the 990th: 10 lie above. Of 999 it is the 990th too: 9 above.
    let told = filled(1..=1_000).percentile(99.0);
    assert_eq!(
        told,
        Percentile {
            value_secs: Some(990e-9),
            sample_count: 1_000,
            above_count: 10
        }
    );
    let withheld = filled(1..=999).percentile(99.0);
    assert_eq!(
        withheld,
        Percentile {
            value_secs: None,
            sample_count: 999,
            above_count: 9
        }
    );
    assert_eq!(Samples::default().percentile(50.0), Percentile::default());
}

#[test]
fn ranks_do_not_suffer_from_binary_fractions() {
    assert_eq!(rank_of(99.9, 10_000), 9_990);
    assert_eq!(rank_of(99.99, 1_000_000), 999_900);
    assert_eq!(rank_of(0.0, 10), 1);
    assert_eq!(rank_of(100.0, 10), 10);
    assert_eq!(rank_of(50.0, 5), 3);
    assert_eq!(rank_of(50.0, 0), 0);
}

#[test]
fn the_span_grows_to_both_sides() {
    let samples = filled([1_000_000, 5, 70_000_000_000, 900]);
    for (rank, secs) in [(1, 5e-9), (2, 900e-9), (3, 1e-3), (4, 70.0)] {
        let value = samples.value_at_rank(rank).expect("four samples");
        assert!(secs <= value && value <= secs * 1.001, "{value} for {secs}");
    }
}

#[test]
fn a_list_gives_the_same_ranks_as_counts() {
    // One value to an octave is listed; a thousand around 5 us are counted.
    let (listed, counted) = (filled((0..40).map(|i| 1 << i)), filled(5_000..6_000));
    assert_eq!(listed.histogram.listed.len(), 40);
    assert!(counted.histogram.listed.is_empty());
    assert_eq!(listed.histogram.value_at_rank(3), Some(4));
    assert_eq!(listed.histogram.value_at_rank(41), None);
    let (mut one, mut other) = (listed.clone(), counted.clone());
    one.merge(&counted);
    other.merge(&listed);
    // 13 powers of two lie below 5,000.
    for (rank, ns) in [(1, 1), (13, 4_096), (14, 5_000), (1_014, 8_192)] {
        let value = Some(bucket_max::<11>(bucket_of::<11>(ns)));
        assert_eq!(one.histogram.value_at_rank(rank), value);
        assert_eq!(other.histogram.value_at_rank(rank), value);
    }
}

#[test]
fn the_curve_ends_where_percentiles_are_withheld() {
    let curve = filled(1..=10_000).curve();
    assert_eq!(curve[0].percentile, 0.0);
    let last = curve.last().expect("the curve has points");
    // p99.9 has exactly 10 samples above; the next step, 99.909, has 9.
    assert!((last.percentile - 99.9).abs() < 1e-9, "{last:?}");
}
