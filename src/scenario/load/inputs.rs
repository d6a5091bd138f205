//! CSV inputs: recorded arrivals and recorded values. They are streamed, row by row.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::files::resolve;
use super::limits::Limits;
use super::source::Sources;
use super::tree::Tree;
use super::value::{self, DURATION_MAX};
use crate::scenario::class::CLASS_COUNT_MAX;
use crate::scenario::client::{Trace, TraceRow};
use crate::scenario::distribution::Empirical;
use crate::time::{SimDuration, SimTime};

/// Memory of one row while a file is read: rows of at most 48 bytes, in a vector that doubles and
/// is then sorted with half its size besides.
const ROW_BYTES: u64 = 120;

/// Longest line of a CSV file in bytes.
const LINE_BYTES_MAX: usize = 4_096;

/// The CSV files of a scenario, each read once.
#[derive(Clone, Debug)]
pub struct Inputs {
    bytes_max: u64,
    memory_bytes_max: u64,
    traces: BTreeMap<(PathBuf, String), Arc<Trace>>,
    empiricals: BTreeMap<(PathBuf, String), Arc<Empirical>>,
}

impl Inputs {
    /// No files yet.
    pub fn new(limits: &Limits) -> Self {
        Inputs {
            bytes_max: limits.input_bytes_max,
            memory_bytes_max: limits.memory_bytes_max,
            traces: BTreeMap::new(),
            empiricals: BTreeMap::new(),
        }
    }

    /// The canonical paths of the files that were read.
    pub fn paths(&self) -> Vec<PathBuf> {
        let keys = self.traces.keys().chain(self.empiricals.keys());
        let mut paths: Vec<PathBuf> = keys.map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Recorded arrivals: columns `arrives_at` and, if wanted, `service_demand` and `key`.
    pub fn trace(
        &mut self,
        sources: &Sources,
        file: &Tree,
        unit: &str,
    ) -> Result<Arc<Trace>, Diagnostic> {
        let path = resolve(sources, file)?;
        let cache_key = (path, unit.to_string());
        if let Some(trace) = self.traces.get(&cache_key) {
            return Ok(Arc::clone(trace));
        }
        let trace = self
            .read_trace(&cache_key.0, unit)
            .map_err(|problem| in_file(file, &problem))?;
        let trace = Arc::new(trace);
        self.traces.insert(cache_key, Arc::clone(&trace));
        Ok(trace)
    }

    /// Recorded values: columns `value` and, if wanted, `weight`.
    pub fn empirical(
        &mut self,
        sources: &Sources,
        file: &Tree,
        unit: &str,
    ) -> Result<Arc<Empirical>, Diagnostic> {
        let path = resolve(sources, file)?;
        let cache_key = (path, unit.to_string());
        if let Some(empirical) = self.empiricals.get(&cache_key) {
            return Ok(Arc::clone(empirical));
        }
        let empirical = self
            .read_empirical(&cache_key.0, unit)
            .map_err(|problem| in_file(file, &problem))?;
        let empirical = Arc::new(empirical);
        self.empiricals.insert(cache_key, Arc::clone(&empirical));
        Ok(empirical)
    }

    fn read_trace(&self, path: &Path, unit: &str) -> Result<Trace, String> {
        let mut csv = Csv::open(path, self.bytes_max)?;
        let arrives_at = csv.time_column("arrives_at", unit)?;
        let arrives_at = arrives_at.ok_or_else(|| csv.missing("arrives_at"))?;
        let service_demand = csv.time_column("service_demand", unit)?;
        let key = csv.column("key");
        let class = csv.column("class");
        csv.refuse_other(&["arrives_at", "service_demand", "key", "class"])?;
        let mut class_names = Vec::new();
        let row_count_max = self.memory_bytes_max / ROW_BYTES;
        let mut rows = Vec::new();
        while csv.next_row()? {
            if row_count_max <= rows.len() as u64 {
                return Err(format!(
                    "more than {row_count_max} rows do not fit in {} bytes; see --max-memory",
                    self.memory_bytes_max
                ));
            }
            rows.push(TraceRow {
                arrives_at: SimTime::START + csv.time(arrives_at)?,
                service_demand: service_demand.map(|c| csv.time(c)).transpose()?,
                key: key.map(|c| csv.key(c)).transpose()?,
                class: class.map_or(Ok(0), |c| csv.class(c, &mut class_names))?,
            });
        }
        if rows.is_empty() {
            return Err("no rows".to_string());
        }
        rows.sort_by_key(|row| row.arrives_at);
        Ok(Trace { rows, class_names })
    }

    fn read_empirical(&self, path: &Path, unit: &str) -> Result<Empirical, String> {
        let mut csv = Csv::open(path, self.bytes_max)?;
        let value = csv.time_column("value", unit)?;
        let value = value.ok_or_else(|| csv.missing("value"))?;
        let weight = csv.column("weight");
        csv.refuse_other(&["value", "weight"])?;
        let row_count_max = self.memory_bytes_max / ROW_BYTES;
        let mut rows: Vec<(SimDuration, f64)> = Vec::new();
        while csv.next_row()? {
            if row_count_max <= rows.len() as u64 {
                return Err(format!("more than {row_count_max} rows; see --max-memory"));
            }
            let weight = weight.map_or(Ok(1.0), |column| csv.weight(column))?;
            let value = csv.time(value)?;
            if 0.0 < weight {
                rows.push((value, weight));
            }
        }
        empirical_of(rows)
    }
}

/// The law of weighted values.
fn empirical_of(mut rows: Vec<(SimDuration, f64)>) -> Result<Empirical, String> {
    rows.sort_by_key(|(value, _)| *value);
    let total: f64 = rows.iter().map(|(_, weight)| weight).sum();
    if !(0.0 < total && total.is_finite()) {
        return Err("the weights sum to nothing or to infinity".to_string());
    }
    if rows.iter().all(|(value, _)| value.is_zero()) {
        return Err("all values are zero".to_string());
    }
    let mut below = 0.0;
    let mut cumulative: Vec<f64> = rows
        .iter()
        .map(|(_, weight)| {
            below += weight;
            (below / total).min(1.0)
        })
        .collect();
    *cumulative.last_mut().expect("the weights sum to something") = 1.0;
    Ok(Empirical {
        values: rows.into_iter().map(|(value, _)| value).collect(),
        cumulative,
    })
}

fn in_file(file: &Tree, problem: &str) -> Diagnostic {
    let name = file.as_str().unwrap_or("");
    Diagnostic::new(format!("{name}: {problem}")).at(file.origin, "in this file")
}

/// A CSV file whose first row names the columns.
struct Csv {
    reader: csv::Reader<BoundedLines<File>>,
    header: csv::ByteRecord,
    row: csv::ByteRecord,
}

/// A column of times and its unit in seconds.
#[derive(Clone, Copy)]
struct TimeColumn {
    place: usize,
    unit_secs: f64,
}

impl Csv {
    fn open(path: &Path, bytes_max: u64) -> Result<Csv, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        if bytes_max < bytes {
            return Err(format!(
                "{bytes} bytes, at most {bytes_max} are read; see --max-input"
            ));
        }
        let mut reader = csv::ReaderBuilder::new()
            .quoting(false)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(BoundedLines {
                inner: file,
                line_bytes: 0,
            });
        let header = reader.byte_headers().map_err(|e| e.to_string())?.clone();
        Ok(Csv {
            reader,
            header,
            row: csv::ByteRecord::new(),
        })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name.as_bytes())
    }

    /// A column of times: `name` in the given unit, or `name_secs` and the like.
    fn time_column(&self, name: &str, unit: &str) -> Result<Option<TimeColumn>, String> {
        let suffixed = [("_secs", "s"), ("_ms", "ms"), ("_us", "us"), ("_ns", "ns")];
        let mut found = self.column(name).map(|place| (place, unit));
        for (suffix, unit) in suffixed {
            if let Some(place) = self.column(&format!("{name}{suffix}")) {
                if found.is_some() {
                    return Err(format!("two columns for `{name}`"));
                }
                found = Some((place, unit));
            }
        }
        Ok(found.map(|(place, unit)| TimeColumn {
            place,
            unit_secs: match unit {
                "ms" => 1e-3,
                "us" => 1e-6,
                "ns" => 1e-9,
                _ => 1.0,
            },
        }))
    }

    fn missing(&self, name: &str) -> String {
        let header: Vec<String> = self.header.iter().map(shown).collect();
        format!(
            "the first line has no column `{name}`, it has: {}",
            header.join(", ")
        )
    }

    /// Refuses columns that are none of `known`, with or without a unit.
    fn refuse_other(&self, known: &[&str]) -> Result<(), String> {
        for column in self.header.iter().map(shown) {
            let stem = ["_secs", "_ms", "_us", "_ns"]
                .iter()
                .find_map(|suffix| column.strip_suffix(suffix))
                .unwrap_or(&column);
            if !known.contains(&stem) {
                return Err(format!(
                    "unknown column `{column}`; expected {}",
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn next_row(&mut self) -> Result<bool, String> {
        self.reader
            .read_byte_record(&mut self.row)
            .map_err(|error| match error.kind() {
                csv::ErrorKind::UnequalLengths {
                    expected_len, len, ..
                } => format!(
                    "line {}: {len} fields, the first line has {expected_len}",
                    self.line()
                ),
                _ => error.to_string(),
            })
    }

    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    fn field(&self, place: usize) -> &str {
        std::str::from_utf8(&self.row[place]).unwrap_or("\u{fffd}")
    }

    /// The place of a class among `names`, plus one; 0 for an empty field.
    fn class(&self, place: usize, names: &mut Vec<String>) -> Result<u8, String> {
        let name = self.field(place);
        if name.is_empty() {
            return Ok(0);
        }
        let known = names.iter().position(|known| known == name);
        let place = known.unwrap_or(names.len());
        if known.is_none() {
            let shown = shown(name.as_bytes());
            if !value::is_name(name) {
                return Err(format!("line {}: `{shown}` is no name", self.line()));
            }
            if CLASS_COUNT_MAX <= place {
                return Err(format!("line {}: more than 255 classes", self.line()));
            }
            names.push(name.to_string());
        }
        Ok(u8::try_from(place + 1).expect("classes are few"))
    }

    fn time(&self, column: TimeColumn) -> Result<SimDuration, String> {
        let field = self.field(column.place);
        let secs = field.parse::<f64>().unwrap_or(f64::NAN) * column.unit_secs;
        if (0.0..=DURATION_MAX.as_secs_f64()).contains(&secs) {
            return Ok(SimDuration::from_secs_f64(secs));
        }
        Err(format!(
            "line {}: `{}` is no time from 0 to two years",
            self.line(),
            shown(field.as_bytes())
        ))
    }

    fn key(&self, place: usize) -> Result<u64, String> {
        let field = self.field(place);
        field.parse().map_err(|_| {
            let field = shown(field.as_bytes());
            format!("line {}: `{field}` is no whole number", self.line())
        })
    }

    fn weight(&self, place: usize) -> Result<f64, String> {
        let field = self.field(place);
        match field.parse::<f64>() {
            Ok(weight) if weight.is_finite() && 0.0 <= weight => Ok(weight),
            _ => Err(format!(
                "line {}: `{}` is no weight from 0",
                self.line(),
                shown(field.as_bytes())
            )),
        }
    }
}

/// A field for a message, cut to 40 characters.
fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(field).chars().take(40).collect()
}

/// Passes bytes on and refuses lines that are too long, so that no row grows without bound.
#[derive(Debug)]
struct BoundedLines<R> {
    inner: R,
    line_bytes: usize,
}

impl<R: Read> Read for BoundedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for byte in &buffer[..count] {
            self.line_bytes = if *byte == b'\n' {
                0
            } else {
                self.line_bytes + 1
            };
            if LINE_BYTES_MAX < self.line_bytes {
                let message = format!("a line longer than {LINE_BYTES_MAX} bytes");
                return Err(std::io::Error::other(message));
            }
        }
        Ok(count)
    }
}
