//! `series.csv`: what happened when, one number a line.

use std::io::{self, Write};

use crate::experiment::Run;
use crate::metrics::data::series::{ControlSeries, InstanceRow, RequestWindow, Series};

/// Writes the series that the runs kept: those of requests and control messages of the first
/// hundred, those of single instances of the first one.
///
/// Columns: replication (from 0), start of the window, metric with its unit, entity, value. A
/// number that does not exist has no line.
pub fn write_series(runs: &[Run], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines {
        csv: csv::Writer::from_writer(out),
    };
    lines
        .csv
        .write_record(["replication", "time_secs", "metric", "entity", "value"])?;
    for (replication, run) in runs.iter().enumerate() {
        let series = &run.metrics.series;
        lines.requests(replication, series)?;
        for control in &series.control {
            lines.control(replication, series.window_secs, control)?;
        }
        let instances = &series.instances;
        for row in instances.rows.iter().chain(&instances.aggregate) {
            lines.instance(replication, instances.window_secs, row)?;
        }
    }
    lines.csv.flush()
}

/// A text that no spreadsheet takes for a formula.
pub fn safe_cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_string(),
    }
}

struct Lines<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> Lines<W> {
    fn requests(&mut self, replication: usize, series: &Series) -> io::Result<()> {
        for window in &series.total {
            self.window(replication, "all", window)?;
        }
        for client in &series.clients {
            let entity = format!("client.{}", client.client);
            for window in &client.windows {
                self.window(replication, &entity, window)?;
            }
        }
        for class in &series.classes {
            let entity = format!("class.{}", class.class);
            for window in &class.windows {
                self.window(replication, &entity, window)?;
            }
        }
        Ok(())
    }

    fn window(&mut self, replication: usize, entity: &str, w: &RequestWindow) -> io::Result<()> {
        let counts = [
            ("arrived_count", w.arrived_count),
            ("succeeded_count", w.succeeded_count),
            ("failed_count", w.failed_count),
            ("timed_out_count", w.timed_out_count),
            ("rejected_count", w.rejected_count),
            ("attempt_count", w.attempt_count),
            ("retry_count", w.retry_count),
        ];
        for (metric, count) in counts {
            self.line(replication, w.start_secs, metric, entity, count)?;
        }
        let latencies = [
            ("latency_ms_mean", w.latency_ms_mean),
            ("latency_ms_p50", w.latency_ms_p50),
            ("latency_ms_p90", w.latency_ms_p90),
            ("latency_ms_p99", w.latency_ms_p99),
            ("latency_ms_p999", w.latency_ms_p999),
            ("latency_ms_max", w.latency_ms_max),
        ];
        for (metric, value) in latencies {
            if let Some(value) = value {
                self.line(replication, w.start_secs, metric, entity, value)?;
            }
        }
        Ok(())
    }

    fn control(
        &mut self,
        replication: usize,
        window_secs: f64,
        control: &ControlSeries,
    ) -> io::Result<()> {
        let entity = format!("control.{}", control.kind);
        for (place, count) in control.message_counts.iter().enumerate() {
            let start_secs = place as f64 * window_secs;
            self.line(replication, start_secs, "message_count", &entity, count)?;
        }
        Ok(())
    }

    fn instance(
        &mut self,
        replication: usize,
        window_secs: f64,
        row: &InstanceRow,
    ) -> io::Result<()> {
        let entity = format!("instance.{}", row.name);
        let start_secs = |place: usize| place as f64 * window_secs;
        for (place, count) in row.attempt_counts.iter().enumerate() {
            self.line(
                replication,
                start_secs(place),
                "attempt_count",
                &entity,
                count,
            )?;
        }
        for (place, mean) in row.in_flight_means.iter().enumerate() {
            self.line(
                replication,
                start_secs(place),
                "in_flight_mean",
                &entity,
                mean,
            )?;
        }
        for (place, ratio) in row.busy_ratios.iter().enumerate() {
            self.line(replication, start_secs(place), "busy_ratio", &entity, ratio)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        replication: usize,
        time_secs: f64,
        metric: &str,
        entity: &str,
        value: impl ToString,
    ) -> io::Result<()> {
        self.csv.write_record([
            &replication.to_string(),
            &time_secs.to_string(),
            metric,
            &safe_cell(entity),
            &value.to_string(),
        ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_looks_like_a_formula_is_defused() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(safe_cell(text), format!("'{text}"));
        }
        assert_eq!(safe_cell("web/a/3"), "web/a/3");
    }

    #[test]
    fn a_window_is_written_one_number_a_line() {
        let mut out = Vec::new();
        let mut lines = Lines {
            csv: csv::Writer::from_writer(&mut out),
        };
        let window = RequestWindow {
            start_secs: 1.5,
            arrived_count: 3,
            succeeded_count: 2,
            timed_out_count: 1,
            attempt_count: 4,
            retry_count: 1,
            latency_ms_mean: Some(7.25),
            ..RequestWindow::default()
        };
        lines.window(0, "all", &window).expect("written");
        drop(lines);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "0,1.5,arrived_count,all,3\n\
             0,1.5,succeeded_count,all,2\n\
             0,1.5,failed_count,all,0\n\
             0,1.5,timed_out_count,all,1\n\
             0,1.5,rejected_count,all,0\n\
             0,1.5,attempt_count,all,4\n\
             0,1.5,retry_count,all,1\n\
             0,1.5,latency_ms_mean,all,7.25\n"
        );
    }
}
