//! The tables of a sweep: tidy, one row for each point, replication and measure or one for each
//! run. Numbers are in base units: seconds, shares, per second.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::super::series::safe_cell;
use super::super::summary::{digest_text, unit_suffix};
use super::page::keep_failure;
use super::plan_file::PlanFile;
use super::records::Records;
use crate::experiment::compare::sample::Level;
use crate::experiment::sweep::execute::{Outcome, RunRecord};
use crate::experiment::sweep::objective::{Objective, state_of_all};
use crate::experiment::sweep::points::SweepPlan;
use crate::experiment::sweep::summary::{PointMeasure, Summarizer, SweepSummary};
use crate::metrics::evaluate::{Reading, VerdictState};
use crate::scenario::load::limits::Limits;
use crate::scenario::measure::{AskedMeasure, Unit};
use crate::scenario::measure_catalog::{Direction, direction, info};

/// The version of `sweep.json`.
pub const SWEEP_SCHEMA: u32 = 1;

const ALL_KNOWN: &str = "a sweep is written when every run is known";

/// What the tables tell.
pub struct SweepView<'a> {
    /// The plan as it is written.
    pub file: &'a PlanFile,
    /// Its runs.
    pub plan: &'a SweepPlan,
    /// The measures.
    pub asked: &'a [AskedMeasure],
    /// What is sought of the points.
    pub objectives: &'a [Objective],
}

/// What kind of number a measure is.
pub fn unit(asked: &AskedMeasure) -> Unit {
    info(asked.measure.measure).unit_of(asked.measure.statistic)
}

/// The unit as a column says it: `secs`.
fn unit_word(asked: &AskedMeasure) -> &'static str {
    unit_suffix(unit(asked)).trim_start_matches('_')
}

impl SweepView<'_> {
    /// Calls `each` with every run in plan order, without its samples.
    fn each_run(
        &self,
        records: &mut Records,
        mut each: impl FnMut(&RunRecord) -> io::Result<()>,
    ) -> io::Result<()> {
        for run in 0..self.plan.run_count() {
            let record = records.read_plain(run)?;
            each(&record.expect(ALL_KNOWN))?;
        }
        Ok(())
    }

    /// What all points say. Every run must be known.
    pub fn summary(&self, records: &mut Records) -> io::Result<SweepSummary> {
        let pareto = self.file.plan.pareto.as_ref().map(|pair| {
            let place = |text: &String| self.asked.iter().position(|asked| asked.text == *text);
            [&pair[0], &pair[1]].map(|text| place(text).expect("what is compared is asked"))
        });
        let mut summarizer = Summarizer::new(self.asked, self.plan.repeat, pareto);
        for run in 0..self.plan.run_count() {
            summarizer.add(&records.read(run)?.expect(ALL_KNOWN));
        }
        Ok(summarizer.finish())
    }

    /// One row for each point, replication and measure, as CSV.
    pub fn results_csv(&self, records: &mut Records, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let mut head = self.run_head();
        head.extend(["measure", "unit", "state", "value"].map(str::to_string));
        csv.write_record(&head)?;
        self.each_run(records, |record| {
            let cells = self.run_cells(record);
            for (place, asked) in self.asked.iter().enumerate() {
                let (state, value) = state(record, place);
                let value = value.map_or(String::new(), |value| value.to_string());
                let text = safe_cell(&asked.text);
                let last = [text.as_str(), unit_word(asked), state, &value];
                csv.write_record(cells.iter().map(String::as_str).chain(last))?;
            }
            Ok(())
        })?;
        csv.flush()
    }

    /// The same as lines of JSON; a number that never came is null, and its state says so.
    pub fn results_jsonl(&self, records: &mut Records, out: &mut dyn Write) -> io::Result<()> {
        self.each_run(records, |record| {
            let map = self.run_map(record);
            for (place, asked) in self.asked.iter().enumerate() {
                let (state, value) = state(record, place);
                let mut map = map.clone();
                map.insert("measure".into(), json!(asked.text));
                map.insert("unit".into(), json!(unit_word(asked)));
                map.insert("state".into(), json!(state));
                map.insert(
                    "value".into(),
                    json!(value.filter(|value| value.is_finite())),
                );
                serde_json::to_writer(&mut *out, &map)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// One row for each run, with a column for each measure.
    pub fn runs_csv(&self, records: &mut Records, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let mut head = self.run_head();
        head.push("state".to_string());
        head.extend(self.asked.iter().map(|asked| {
            let text = safe_cell(&asked.text);
            match unit_word(asked) {
                "" => text,
                unit => format!("{text} [{unit}]"),
            }
        }));
        csv.write_record(&head)?;
        self.each_run(records, |record| {
            let mut cells = self.run_cells(record);
            cells.push(match &record.outcome {
                Outcome::Done { .. } => "done".to_string(),
                Outcome::Failed(_) => "failed".to_string(),
            });
            cells.extend((0..self.asked.len()).map(|place| {
                let (_, value) = state(record, place);
                value.map_or(String::new(), |value| value.to_string())
            }));
            csv.write_record(&cells).map_err(io::Error::from)
        })?;
        csv.flush()
    }

    /// One row for each point and measure: the percentile of the samples of all replications, or
    /// the mean of their numbers.
    pub fn points_csv(&self, summary: &SweepSummary, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let mut head = vec!["point".to_string()];
        head.extend(self.plan.axes.iter().map(|axis| axis.column()));
        let columns = "measure unit known_count never_count missing_count estimate value \
                       interval_95_low interval_95_high seen_count exposure_secs \
                       rate_95_low_per_sec rate_95_high_per_sec front is_chosen objectives";
        head.extend(columns.split_whitespace().map(str::to_string));
        csv.write_record(&head)?;
        let number = |value: Option<f64>| {
            let value = value.filter(|value| value.is_finite());
            value.map_or(String::new(), |value| value.to_string())
        };
        let front = summary.front.as_ref();
        let mut places = vec!["off"; summary.points.len()];
        for (word, points) in front
            .iter()
            .flat_map(|f| [("on", &f.points), ("open", &f.open)])
        {
            points
                .iter()
                .for_each(|point| places[*point as usize] = word);
        }
        if front.is_none() {
            places.fill("");
        }
        for (point, measures) in (0..).zip(&summary.points) {
            for (asked, measure) in self.asked.iter().zip(measures) {
                let mut cells = vec![point.to_string()];
                cells.extend(self.axis_cells(point));
                cells.extend([safe_cell(&asked.text), unit_word(asked).to_string()]);
                let counts = [
                    measure.known_count,
                    measure.never_count,
                    measure.missing_count,
                ];
                cells.extend(counts.map(|count| count.to_string()));
                cells.push(estimate_word(&measure.level).to_string());
                let interval = measure.interval.as_ref();
                cells.push(number(interval.map(|interval| interval.value)));
                cells.push(number(interval.map(|interval| interval.low)));
                cells.push(number(interval.map(|interval| interval.high)));
                let rare = measure.rare.as_ref();
                cells.push(rare.map_or(String::new(), |rare| rare.seen_count.to_string()));
                cells.push(number(rare.map(|rare| rare.exposure_secs)));
                cells.push(number(rare.map(|rare| rare.low_per_sec)));
                cells.push(number(rare.map(|rare| rare.high_per_sec)));
                cells.push(places[point as usize].to_string());
                cells.push(front.is_some_and(|front| front.chosen == point).to_string());
                cells.push(self.objectives_word(measures).to_string());
                csv.write_record(&cells)?;
            }
        }
        csv.flush()
    }

    /// What becomes of the objectives at a point; empty without any.
    pub fn objectives_word(&self, measures: &[PointMeasure]) -> &'static str {
        match (self.objectives, state_of_all(self.objectives, measures)) {
            ([], _) => "",
            (_, VerdictState::Held) => "hold",
            (_, VerdictState::Failed) => "broken",
            (_, VerdictState::Undecided) => "open",
        }
    }

    /// The first failed runs.
    pub fn failures(
        &self,
        summary: &SweepSummary,
        records: &mut Records,
    ) -> io::Result<Vec<RunRecord>> {
        let mut failures = Vec::new();
        if summary.failed_count == 0 {
            return Ok(failures);
        }
        self.each_run(records, |record| {
            keep_failure(&mut failures, record);
            Ok(())
        })?;
        Ok(failures)
    }

    /// The failed runs, a line of JSON each, with the command that repeats one in this directory.
    pub fn failures_jsonl(&self, records: &mut Records, out: &mut dyn Write) -> io::Result<()> {
        self.each_run(records, |record| {
            let Outcome::Failed(reason) = &record.outcome else {
                return Ok(());
            };
            let mut map = self.run_map(record);
            map.insert("reason".into(), json!(reason));
            map.insert(
                "repeat_here_with".into(),
                json!(self.repeat_command(record)),
            );
            serde_json::to_writer(&mut *out, &map)?;
            out.write_all(b"\n")
        })
    }

    /// The records as they are, in plan order.
    pub fn records_jsonl(&self, records: &mut Records, out: &mut dyn Write) -> io::Result<()> {
        for run in 0..self.plan.run_count() {
            let line = records.read_line(run)?.expect(ALL_KNOWN);
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// What was swept and what came of it, as indented JSON.
    pub fn sweep_json(&self, summary: &SweepSummary, out: &mut dyn Write) -> io::Result<()> {
        let contents = &self.file.plan;
        let axes = self.plan.axes.iter().map(|axis| {
            let values: Vec<&str> = axis.values.iter().map(|value| value.text()).collect();
            json!({"name": axis.name, "path": axis.path, "column": axis.column(), "values": values})
        });
        let measures = self.asked.iter().map(|asked| {
            let better = match direction(&asked.measure) {
                Direction::Higher => "higher",
                Direction::Lower => "lower",
                Direction::Neither => "neither",
            };
            json!({"measure": asked.text, "unit": unit_word(asked), "better": better})
        });
        let front = summary.front.as_ref().map(|front| {
            json!({
                "measures": contents.pareto,
                "points": front.points,
                "open": front.open,
                "chosen": front.chosen,
                "left_out_count": front.left_out_count,
            })
        });
        let value = json!({
            "schema": SWEEP_SCHEMA,
            "scenario": contents.scenario_name,
            "plan": self.file.hash,
            "digest": digest_text(summary.digest),
            "seed": contents.seed,
            "repeat": contents.repeat,
            "point_count": contents.point_count,
            "run_count": contents.run_count,
            "failed_count": summary.failed_count,
            "event_count": summary.event_count,
            "axes": axes.collect::<Vec<_>>(),
            "where": contents.constraints,
            "objectives": contents.objectives,
            "measures": measures.collect::<Vec<_>>(),
            "front": front,
        });
        serde_json::to_writer_pretty(&mut *out, &value)?;
        out.write_all(b"\n")
    }

    /// The command that repeats a run in the directory of the sweep.
    pub fn repeat_command(&self, record: &RunRecord) -> String {
        let sets = self.plan.sets(self.plan.point_of(record.run));
        let words = sets
            .iter()
            .map(|set| format!(" --set '{}'", set.replace('\'', r"'\''")));
        let (contents, standard) = (&self.file.plan, Limits::STANDARD);
        let limits = [
            ("events", contents.event_count_max, standard.event_count_max),
            (
                "memory",
                contents.memory_bytes_max,
                standard.memory_bytes_max,
            ),
            ("input", contents.input_bytes_max, standard.input_bytes_max),
        ];
        let changed = limits.iter().filter(|(_, own, standard)| own != standard);
        let limits = changed.map(|(what, own, _)| match *what {
            "events" => format!(" --max-events {own}"),
            _ => format!(" --max-{what} {own}B"),
        });
        format!(
            "stormglass run scenario.toml --seed {}{}{}",
            record.seed,
            words.collect::<String>(),
            limits.collect::<String>()
        )
    }

    fn run_head(&self) -> Vec<String> {
        let mut head = ["point", "replication", "seed"]
            .map(str::to_string)
            .to_vec();
        head.extend(self.plan.axes.iter().map(|axis| axis.column()));
        head
    }

    fn run_cells(&self, record: &RunRecord) -> Vec<String> {
        let point = self.plan.point_of(record.run);
        let replication = self.plan.replication_of(record.run);
        let mut cells = vec![
            point.to_string(),
            replication.to_string(),
            record.seed.to_string(),
        ];
        cells.extend(self.axis_cells(point));
        cells
    }

    fn axis_cells(&self, point: u32) -> Vec<String> {
        let values = self.plan.values(point).into_iter();
        let cells = values.map(|value| match value.number {
            Some(number) => number.to_string(),
            None => safe_cell(value.text()),
        });
        cells.collect()
    }

    fn run_map(&self, record: &RunRecord) -> Map<String, Value> {
        let point = self.plan.point_of(record.run);
        let mut map = Map::new();
        map.insert("point".into(), json!(point));
        map.insert(
            "replication".into(),
            json!(self.plan.replication_of(record.run)),
        );
        map.insert("seed".into(), json!(record.seed));
        for (axis, value) in self.plan.axes.iter().zip(self.plan.values(point)) {
            let cell = value
                .number
                .map_or_else(|| json!(value.text()), |number| json!(number));
            map.insert(axis.column(), cell);
        }
        map
    }
}

/// What a number over all replications is; `none` where there is none, or it never came.
pub fn estimate_word(level: &Level) -> &'static str {
    match level {
        Level::Mean(_) | Level::Share(_) => "mean",
        Level::Pooled(_) => "pooled",
        Level::Censored { .. } | Level::Unknown { .. } => "none",
    }
}

/// Whether a number of a run exists, and the number, infinite where it never came.
fn state(record: &RunRecord, measure: usize) -> (&'static str, Option<f64>) {
    match &record.outcome {
        Outcome::Failed(_) => ("failed", None),
        Outcome::Done { readings, .. } => match &readings[measure] {
            Reading::Undecided(_) => ("undecided", None),
            Reading::Known(value) if value.is_infinite() => ("never", Some(*value)),
            Reading::Known(value) => ("known", Some(*value)),
        },
    }
}
