//! Latency distributions as `.hgrm`, the text that the plotters of HdrHistogram read.

use std::io::{self, Write};

use crate::metrics::data::request::PhaseMetrics;
use crate::metrics::histogram::rank_of;

/// Writes the latency of the successes of a phase in milliseconds.
///
/// The columns are those of HdrHistogram: value, percentile as a share, rank of the percentile
/// among the samples, and one over the share that lies above. Percentiles with fewer than ten
/// samples above them are left out, but for the largest value.
pub fn write_hgrm(phase: &PhaseMetrics, out: &mut dyn Write) -> io::Result<()> {
    let latency = &phase.stats.latency;
    let count = latency.sample_count;
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    for point in &phase.latency_curve {
        let share = point.percentile / 100.0;
        writeln!(
            out,
            "{:>12.3} {share:>14.12} {:>10} {:>14.2}",
            point.value_secs * 1e3,
            rank_of(point.percentile, count),
            1.0 / (1.0 - share)
        )?;
    }
    let ms = |secs: Option<f64>| secs.unwrap_or(0.0) * 1e3;
    writeln!(
        out,
        "{:>12.3} {:>14.12} {count:>10}",
        ms(latency.max_secs),
        1.0
    )?;
    writeln!(
        out,
        "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]",
        ms(latency.mean_secs),
        ms(latency.standard_deviation_secs)
    )?;
    writeln!(
        out,
        "#[Max     = {:>12.3}, Total count    = {count:>12}]",
        ms(latency.max_secs)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::distribution::{CurvePoint, DurationStats};
    use crate::metrics::data::request::{PhaseKind, RequestStats};

    #[test]
    fn a_phase_is_written_in_the_columns_of_hdrhistogram() {
        let point = |percentile, value_secs| CurvePoint {
            percentile,
            value_secs,
        };
        let phase = PhaseMetrics {
            kind: PhaseKind::Whole,
            fault: None,
            label: "whole run".into(),
            stats: RequestStats {
                latency: DurationStats {
                    sample_count: 1_000,
                    mean_secs: Some(0.002),
                    standard_deviation_secs: Some(0.0005),
                    max_secs: Some(0.25),
                    ..DurationStats::default()
                },
                ..RequestStats::default()
            },
            latency_curve: vec![point(0.0, 0.001), point(90.0, 0.004)],
        };
        let mut out = Vec::new();
        write_hgrm(&phase, &mut out).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .map(|line| line.split_whitespace().collect())
            .collect();
        // 90 % of 1,000 samples are 900, and a tenth lies above.
        assert_eq!(rows[0], ["1.000", "0.000000000000", "1", "1.00"]);
        assert_eq!(rows[1], ["4.000", "0.900000000000", "900", "10.00"]);
        assert_eq!(rows[2], ["250.000", "1.000000000000", "1000"]);
        assert!(text.ends_with("Total count    =         1000]\n"), "{text}");
    }
}
