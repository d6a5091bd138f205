//! What is kept of runs: a line of JSON each, with a checksum, in files that may end in the middle
//! of a line. Numbers are written as texts, which give back every bit.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::evidence_text::{from_texts, to_texts};
use crate::experiment::sweep::execute::{Outcome, RunRecord};
use crate::metrics::evaluate::Reading;
use crate::report::run_dir::open_regular;

/// How a line ends that has no checksum yet, and where that would begin.
const UNCHECKED: &str = r#","check":""}"#;
const CHECK_START: usize = UNCHECKED.len() - 2;

/// Starts the text of a number that does not exist; why follows.
const UNDECIDED: &str = "? ";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    run: u32,
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measured_secs: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    check: String,
}

/// A record as a line, its end included.
pub fn to_line(record: &RunRecord) -> String {
    let mut line = Line {
        run: record.run,
        seed: record.seed,
        digest: None,
        event_count: None,
        measured_secs: None,
        values: None,
        evidence: Vec::new(),
        failed: None,
        check: String::new(),
    };
    match &record.outcome {
        Outcome::Done {
            digest,
            event_count,
            measured_secs,
            readings,
            evidence,
        } => {
            line.digest = Some(format!("{digest:016x}"));
            line.event_count = Some(*event_count);
            line.measured_secs = Some(format!("{measured_secs:?}"));
            line.values = Some(readings.iter().map(reading_text).collect());
            if evidence.iter().any(Option::is_some) {
                line.evidence = to_texts(evidence);
            }
        }
        Outcome::Failed(reason) => line.failed = Some(reason.clone()),
    }
    let text = serde_json::to_string(&line).expect("plain data has a JSON form");
    let body = text
        .strip_suffix(UNCHECKED)
        .expect("the checksum stands last");
    format!(
        "{body}{}{}\"}}\n",
        &UNCHECKED[..CHECK_START],
        checksum(body)
    )
}

/// The record of a line; None if the line is not whole.
pub fn from_line(text: &str) -> Option<RunRecord> {
    record(text, true)
}

/// The same without its evidence, which takes most of the time.
fn record(text: &str, has_evidence: bool) -> Option<RunRecord> {
    let line: Line = serde_json::from_str(text).ok()?;
    let check = text.len().checked_sub(UNCHECKED.len() + line.check.len())?;
    if checksum(text.get(..check)?) != line.check {
        return None;
    }
    let outcome = match line.failed {
        Some(reason) => Outcome::Failed(reason),
        None => {
            let readings = line.values?;
            let readings: Option<Vec<Reading>> = readings.iter().map(|r| reading(r)).collect();
            let readings = readings?;
            let mut evidence = match has_evidence {
                true => from_texts(&line.evidence)?,
                false => Vec::new(),
            };
            evidence.resize(readings.len(), None);
            Outcome::Done {
                digest: u64::from_str_radix(&line.digest?, 16).ok()?,
                event_count: line.event_count?,
                measured_secs: line.measured_secs?.parse().ok()?,
                readings,
                evidence,
            }
        }
    };
    Some(RunRecord {
        run: line.run,
        seed: line.seed,
        outcome,
    })
}

/// Of all that stands before it in the line.
fn checksum(body: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh64::xxh64(body.as_bytes(), 0))
}

fn reading_text(reading: &Reading) -> String {
    match reading {
        Reading::Known(value) => format!("{value:?}"),
        Reading::Undecided(reason) => format!("{UNDECIDED}{reason}"),
    }
}

fn reading(text: &str) -> Option<Reading> {
    match text.strip_prefix(UNDECIDED) {
        Some(reason) => Some(Reading::Undecided(reason.to_string())),
        None => text.parse().ok().map(Reading::Known),
    }
}

/// Longer lines are no records.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Bytes that are read at once: the records of several runs.
const BUFFER_SIZE: usize = 64 << 10;

/// Where the record of every run stands: eight bytes a run, whatever the runs gave.
#[derive(Debug)]
pub struct Records {
    files: Vec<RecordFile>,
    /// By run the file and the byte at which its line starts.
    places: Vec<Option<Place>>,
    /// Numbers of every run.
    measure_count: usize,
}

#[derive(Debug)]
struct RecordFile {
    path: PathBuf,
    reader: BufReader<File>,
    /// Where the reader stands.
    at: u64,
    line: String,
}

#[derive(Clone, Copy, Debug)]
struct Place(std::num::NonZeroU64);

impl Place {
    /// Bytes of a file that can be told apart.
    const OFFSET_BITS: u32 = 44;

    fn new(file: usize, offset: u64) -> Self {
        assert!(
            offset < 1 << Place::OFFSET_BITS,
            "a file of records is too large"
        );
        let file = file as u64 + 1;
        let word = file << Place::OFFSET_BITS | offset;
        Place(std::num::NonZeroU64::new(word).expect("files count from one"))
    }

    fn parts(self) -> (usize, u64) {
        let word = self.0.get();
        let file = (word >> Place::OFFSET_BITS) - 1;
        (file as usize, word & ((1 << Place::OFFSET_BITS) - 1))
    }
}

/// What became of a record that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is the first of its run.
    New,
    /// It says what is known already.
    Same,
    /// It says something else than what is known of its run.
    Different,
}

impl Records {
    /// Of `run_count` runs of `measure_count` numbers, none of which is known yet.
    pub fn new(run_count: u32, measure_count: usize) -> Self {
        Records {
            files: Vec::new(),
            places: vec![None; run_count as usize],
            measure_count,
        }
    }

    /// Whether a record is one of these runs.
    pub fn is_planned(&self, record: &RunRecord) -> bool {
        let has_all = match &record.outcome {
            Outcome::Done { readings, .. } => readings.len() == self.measure_count,
            Outcome::Failed(_) => true,
        };
        has_all && (record.run as usize) < self.places.len()
    }

    /// Takes in one more file. Its number is returned.
    pub fn add_file(&mut self, path: &Path) -> io::Result<usize> {
        self.files.push(RecordFile {
            path: path.to_path_buf(),
            reader: BufReader::with_capacity(BUFFER_SIZE, open_regular(path)?),
            at: 0,
            line: String::new(),
        });
        Ok(self.files.len() - 1)
    }

    /// Takes in the record that stands at a byte of a file; one that is not planned is an error.
    pub fn add(&mut self, file: usize, offset: u64, record: &RunRecord) -> io::Result<Added> {
        if !self.is_planned(record) {
            return Err(io::Error::other("it holds a run that is not planned"));
        }
        let run = record.run as usize;
        if self.places[run].is_none() {
            self.places[run] = Some(Place::new(file, offset));
            return Ok(Added::New);
        }
        let known = self.read(record.run)?.expect("it is known");
        Ok(if known == *record {
            Added::Same
        } else {
            Added::Different
        })
    }

    /// Whether a run is known.
    pub fn has(&self, run: u32) -> bool {
        self.places[run as usize].is_some()
    }

    /// The runs that are not known.
    pub fn missing(&self) -> impl Iterator<Item = u32> + Clone {
        let runs = (0..).zip(&self.places);
        runs.filter(|(_, place)| place.is_none())
            .map(|(run, _)| run)
    }

    /// What is known of a run.
    pub fn read(&mut self, run: u32) -> io::Result<Option<RunRecord>> {
        self.read_as(run, |line| from_line(line.trim_end()))
    }

    /// What is known of a run but for its evidence.
    pub fn read_plain(&mut self, run: u32) -> io::Result<Option<RunRecord>> {
        self.read_as(run, |line| record(line.trim_end(), false))
    }

    /// The line of a run, its end included.
    pub fn read_line(&mut self, run: u32) -> io::Result<Option<String>> {
        self.read_as(run, |line| Some(line.to_string()))
    }

    fn read_as<T>(
        &mut self,
        run: u32,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let Some(place) = self.places[run as usize] else {
            return Ok(None);
        };
        let (file, offset) = place.parts();
        let file = &mut self.files[file];
        // What is buffered stays where runs stand one after the other.
        let way = i64::try_from(offset).ok().zip(i64::try_from(file.at).ok());
        let (to, from) = way.expect("files are shorter than that");
        file.reader.seek_relative(to - from)?;
        file.line.clear();
        let length = file.reader.read_line(&mut file.line)?;
        file.at = offset + length as u64;
        let changed = || io::Error::other(format!("{} has changed", file.path.display()));
        parse(&file.line).ok_or_else(changed).map(Some)
    }
}

/// Gives every whole record of a file with the byte at which it starts. Returns the length of the
/// part that is whole.
pub fn scan(
    reader: &mut impl BufRead,
    mut offset: u64,
    mut on_record: impl FnMut(u64, RunRecord) -> io::Result<()>,
) -> io::Result<u64> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        let text = line
            .strip_suffix(b"\n")
            .and_then(|text| str::from_utf8(text).ok());
        let Some(record) = text.and_then(from_line) else {
            return Ok(offset);
        };
        on_record(offset, record)?;
        offset += length as u64;
    }
}

/// A file that grows by a line with every run that ends.
#[derive(Debug)]
pub struct Journal {
    file: File,
    length: u64,
}

impl Journal {
    /// Opens a journal, or begins one, and cuts off a line that is not whole. What it holds is
    /// added to `records`, in which it is the first file. None if another process writes to it.
    pub fn open(path: &Path, records: &mut Records) -> io::Result<Option<Self>> {
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("is no regular file"));
        }
        let mut options = File::options();
        let mut file = options.read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            // Some shared file systems have no locks.
            Err(std::fs::TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
        let number = records.add_file(path)?;
        let length = scan(&mut BufReader::new(&mut file), 0, |offset, record| {
            records.add(number, offset, &record).map(|_| ())
        })?;
        file.set_len(length)?;
        Ok(Some(Journal { file, length }))
    }

    /// Adds the record of a run; what was added lasts when the process is killed.
    pub fn append(&mut self, record: &RunRecord) -> io::Result<u64> {
        let line = to_line(record);
        let offset = self.length;
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        Ok(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::lengths::{Buckets, KeptEvidence};

    fn record(run: u32, value: f64) -> RunRecord {
        RunRecord {
            run,
            seed: 7,
            outcome: Outcome::Done {
                digest: 0x1234,
                event_count: 99,
                measured_secs: 0.1 + 0.2,
                readings: vec![
                    Reading::Known(value),
                    Reading::Undecided("no \"requests\"\n".to_string()),
                ],
                evidence: vec![None, Some(KeptEvidence::Samples(Buckets::default()))],
            },
        }
    }

    #[test]
    fn a_line_gives_back_every_bit() {
        for value in [
            0.1,
            -0.0,
            f64::INFINITY,
            f64::MIN_POSITIVE,
            1.0 / 3.0,
            1e300,
        ] {
            let line = to_line(&record(3, value));
            let back = from_line(line.trim_end()).expect("whole");
            assert_eq!(back, record(3, value));
            assert_eq!(to_line(&back), line);
        }
        let failed = RunRecord {
            outcome: Outcome::Failed("no memory".to_string()),
            ..record(1, 0.0)
        };
        assert_eq!(from_line(to_line(&failed).trim_end()), Some(failed));
    }

    #[test]
    fn a_line_of_which_a_byte_is_wrong_is_not_whole() {
        let line = to_line(&record(3, 0.25));
        let line = line.trim_end();
        assert_eq!(from_line(&line.replace("0.25", "0.35")), None);
        assert_eq!(from_line(&line[..line.len() - 1]), None);
        assert_eq!(from_line(""), None);
    }

    #[test]
    fn a_journal_cut_in_a_line_goes_on_after_the_line_before() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("runs.jsonl");
        let mut journal = Journal::open(&path, &mut Records::new(4, 2))
            .expect("read")
            .expect("free");
        journal.append(&record(2, 0.5)).expect("written");
        journal.append(&record(0, 0.25)).expect("written");
        drop(journal);
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() - 5]).expect("cut");
        let mut records = Records::new(4, 2);
        let mut journal = Journal::open(&path, &mut records)
            .expect("read")
            .expect("free");
        assert_eq!(records.missing().collect::<Vec<_>>(), [0, 1, 3]);
        let offset = journal.append(&record(0, 0.25)).expect("written");
        records.add(0, offset, &record(0, 0.25)).expect("added");
        assert_eq!(std::fs::read(&path).expect("read"), bytes);
        assert_eq!(records.read(0).expect("read"), Some(record(0, 0.25)));
        assert_eq!(records.read(2).expect("read"), Some(record(2, 0.5)));
    }

    #[test]
    fn two_processes_do_not_write_to_one_journal() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("runs.jsonl");
        let first = Journal::open(&path, &mut Records::new(1, 2)).expect("read");
        assert!(first.is_some());
        assert!(
            Journal::open(&path, &mut Records::new(1, 2))
                .expect("read")
                .is_none()
        );
    }
}
