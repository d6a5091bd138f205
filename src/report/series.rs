//! `series.csv`: what happened when, one number a line.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::experiment::Run;
use crate::metrics::data::cache::CacheSeries;
use crate::metrics::data::series::{
    BalanceSeries, ControlSeries, HeadcountSeries, InstanceRow, RequestWindow, Series,
};

/// Writes the series that the runs kept: those of requests and control messages of the first
/// hundred, those of single instances of the first one.
///
/// Columns: replication (from 0), start of the window, metric with its unit, entity, value. A
/// number that does not exist has no line.
pub fn write_series(runs: &[Run], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines::new(out);
    lines
        .csv
        .write_record(["replication", "time_secs", "metric", "entity", "value"])?;
    for (replication, run) in runs.iter().enumerate() {
        let series = &run.metrics.series;
        lines.requests(replication, series)?;
        for edge in &series.edges {
            let mut place = Place::new(replication, &edge.path);
            for column in &edge.columns {
                lines.column(&mut place, edge.window_secs, column.metric, &column.values)?;
            }
        }
        for headcount in &series.headcounts {
            lines.headcount(replication, headcount)?;
        }
        for balance in &series.balance {
            lines.balance(replication, balance)?;
        }
        for cache in &series.caches {
            lines.cache(replication, cache)?;
        }
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
    /// Of the line that is written.
    value: String,
}

/// What many lines have in common, as text.
struct Place {
    replication: String,
    start_secs: String,
    entity: String,
}

impl Place {
    fn new(replication: usize, entity: &str) -> Self {
        Place {
            replication: replication.to_string(),
            start_secs: String::new(),
            entity: safe_cell(entity),
        }
    }

    fn start_at(&mut self, secs: f64) {
        self.start_secs.clear();
        put_number(&mut self.start_secs, secs);
    }
}

/// Whole numbers up to here are floats of their own.
const WHOLE_MAX: f64 = 9e15;

/// Writes a number as `Display` does. Most are whole, and those are quickly written.
fn put_number(text: &mut String, value: f64) {
    let is_whole = value.abs() < WHOLE_MAX && value == (value as i64) as f64;
    let written = match is_whole && !(value == 0.0 && value.is_sign_negative()) {
        true => write!(text, "{}", value as i64),
        false => write!(text, "{value}"),
    };
    written.expect("a string takes any text");
}

/// A number of a series.
trait Number: Copy {
    /// Writes it as `Display` does.
    fn put(self, text: &mut String);
}

impl Number for f64 {
    fn put(self, text: &mut String) {
        put_number(text, self);
    }
}

impl Number for f32 {
    fn put(self, text: &mut String) {
        // The shortest text of a whole number is that of the number itself up to 2^24.
        match self.abs() < 16_777_216.0 && self.fract() == 0.0 {
            true => put_number(text, f64::from(self)),
            false => write!(text, "{self}").expect("a string takes any text"),
        }
    }
}

impl Number for u64 {
    fn put(self, text: &mut String) {
        write!(text, "{self}").expect("a string takes any text");
    }
}

impl Number for u32 {
    fn put(self, text: &mut String) {
        u64::from(self).put(text);
    }
}

impl<W: Write> Lines<W> {
    fn new(out: W) -> Self {
        Lines {
            csv: csv::Writer::from_writer(out),
            value: String::new(),
        }
    }

    fn requests(&mut self, replication: usize, series: &Series) -> io::Result<()> {
        self.windows(Place::new(replication, "all"), &series.total)?;
        for client in &series.clients {
            let entity = format!("client.{}", client.client);
            self.windows(Place::new(replication, &entity), &client.windows)?;
        }
        for class in &series.classes {
            let entity = format!("class.{}", class.class);
            self.windows(Place::new(replication, &entity), &class.windows)?;
        }
        Ok(())
    }

    fn windows(&mut self, mut place: Place, windows: &[RequestWindow]) -> io::Result<()> {
        for window in windows {
            place.start_at(window.start_secs);
            self.window(&place, window)?;
        }
        Ok(())
    }

    fn window(&mut self, place: &Place, w: &RequestWindow) -> io::Result<()> {
        let counts = [
            ("arrived_count", w.arrived_count),
            ("succeeded_count", w.succeeded_count),
            ("failed_count", w.failed_count),
            ("timed_out_count", w.timed_out_count),
            ("rejected_count", w.rejected_count),
            ("call_count", w.call_count),
            ("attempt_count", w.attempt_count),
            ("retry_count", w.retry_count),
        ];
        for (metric, count) in counts {
            self.line(place, metric, count)?;
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
                self.line(place, metric, value)?;
            }
        }
        Ok(())
    }

    fn cache(&mut self, replication: usize, cache: &CacheSeries) -> io::Result<()> {
        let mut place = Place::new(replication, &cache.cache);
        for (metric, counts) in [
            ("cache_asked_count", &cache.asked_counts),
            ("cache_hit_count", &cache.hit_counts),
            ("cache_load_count", &cache.load_counts),
        ] {
            for (window, count) in counts.iter().enumerate() {
                place.start_at(window as f64 * cache.window_secs);
                self.line(&place, metric, *count)?;
            }
        }
        Ok(())
    }

    fn headcount(&mut self, replication: usize, counts: &HeadcountSeries) -> io::Result<()> {
        let place = &mut Place::new(replication, &format!("service.{}", counts.service));
        let width_secs = counts.window_secs;
        self.column(place, width_secs, "instance_count_mean", &counts.up_means)?;
        let present = &counts.present_means;
        self.column(place, width_secs, "instance_present_count_mean", present)
    }

    fn balance(&mut self, replication: usize, balance: &BalanceSeries) -> io::Result<()> {
        let mut place = Place::new(replication, &balance.path);
        for column in &balance.columns {
            for (window, value) in column.values.iter().enumerate() {
                if let Some(value) = value {
                    place.start_at(window as f64 * balance.window_secs);
                    self.line(&place, column.metric, *value)?;
                }
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
        let mut place = Place::new(replication, &format!("control.{}", control.kind));
        self.column(
            &mut place,
            window_secs,
            "message_count",
            &control.message_counts,
        )
    }

    fn instance(
        &mut self,
        replication: usize,
        window_secs: f64,
        row: &InstanceRow,
    ) -> io::Result<()> {
        let mut place = Place::new(replication, &format!("instance.{}", row.name));
        let place = &mut place;
        self.column(place, window_secs, "attempt_count", &row.attempt_counts)?;
        self.column(place, window_secs, "in_flight_mean", &row.in_flight_means)?;
        self.column(
            place,
            window_secs,
            "queue_depth_mean",
            &row.queue_depth_means,
        )?;
        self.column(place, window_secs, "busy_ratio", &row.busy_ratios)
    }

    /// One number for each window.
    fn column(
        &mut self,
        place: &mut Place,
        window_secs: f64,
        metric: &str,
        values: &[impl Number],
    ) -> io::Result<()> {
        for (window, value) in values.iter().enumerate() {
            place.start_at(window as f64 * window_secs);
            self.line(place, metric, *value)?;
        }
        Ok(())
    }

    fn line(&mut self, place: &Place, metric: &str, value: impl Number) -> io::Result<()> {
        self.value.clear();
        value.put(&mut self.value);
        self.csv.write_record([
            &place.replication,
            &place.start_secs,
            metric,
            &place.entity,
            &self.value,
        ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_displayed() {
        let values = [
            0.0,
            -0.0,
            1.0,
            -7.0,
            0.1,
            1e15,
            9e15,
            1e16,
            1e300,
            2.5e-8,
            f64::MAX,
        ];
        for value in values {
            let mut text = String::new();
            value.put(&mut text);
            assert_eq!(text, value.to_string());
            let (mut text, value) = (String::new(), value as f32);
            value.put(&mut text);
            assert_eq!(text, value.to_string());
        }
    }

    #[test]
    fn a_text_that_looks_like_a_formula_is_defused() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(safe_cell(text), format!("'{text}"));
        }
        assert_eq!(safe_cell("web/a/3"), "web/a/3");
    }

    #[test]
    fn instances_are_counted_by_service_and_window() {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out);
        let counts = HeadcountSeries {
            service: "web".to_string(),
            window_secs: 0.5,
            present_means: vec![3.0, 4.0],
            up_means: vec![3.0, 3.25],
            ..HeadcountSeries::default()
        };
        lines.headcount(2, &counts).expect("written");
        drop(lines);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "2,0,instance_count_mean,service.web,3\n\
             2,0.5,instance_count_mean,service.web,3.25\n\
             2,0,instance_present_count_mean,service.web,3\n\
             2,0.5,instance_present_count_mean,service.web,4\n"
        );
    }

    #[test]
    fn a_window_is_written_one_number_a_line() {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out);
        let window = RequestWindow {
            start_secs: 1.5,
            arrived_count: 3,
            succeeded_count: 2,
            timed_out_count: 1,
            call_count: 3,
            attempt_count: 4,
            retry_count: 1,
            latency_ms_mean: Some(7.25),
            ..RequestWindow::default()
        };
        lines
            .windows(Place::new(0, "all"), &[window])
            .expect("written");
        drop(lines);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "0,1.5,arrived_count,all,3\n\
             0,1.5,succeeded_count,all,2\n\
             0,1.5,failed_count,all,0\n\
             0,1.5,timed_out_count,all,1\n\
             0,1.5,rejected_count,all,0\n\
             0,1.5,call_count,all,3\n\
             0,1.5,attempt_count,all,4\n\
             0,1.5,retry_count,all,1\n\
             0,1.5,latency_ms_mean,all,7.25\n"
        );
    }
}
