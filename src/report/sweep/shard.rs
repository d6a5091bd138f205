//! The file of a shard: the plan that it belongs to, its records in order, and how many they are.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::records::{Added, Records, scan};
use crate::report::run_dir::open_regular;

/// A part of the runs of a plan: those whose number leaves the index when divided by the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
}

impl Shard {
    /// The runs of this shard, of `run_count`.
    pub fn runs(self, run_count: u32) -> impl Iterator<Item = u32> + Send {
        (self.index..run_count).step_by(self.count as usize)
    }

    /// `shard-3-of-7.jsonl`.
    pub fn file_name(self) -> String {
        format!("shard-{}-of-{}.jsonl", self.index, self.count)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    stormglass_shard: u32,
    plan: String,
    shard: u32,
    shard_count: u32,
    record_count: u32,
}

/// A longer first line is none of ours.
const HEAD_BYTES_MAX: u64 = 1 << 12;

/// The version of the format.
const SCHEMA: u32 = 2;

/// Writes a shard of the plan with this hash: its records, which must all be known, in order.
pub fn write(
    plan_hash: &str,
    shard: Shard,
    run_count: u32,
    records: &mut Records,
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = Head {
        stormglass_shard: SCHEMA,
        plan: plan_hash.to_string(),
        shard: shard.index,
        shard_count: shard.count,
        record_count: u32::try_from(shard.runs(run_count).count()).expect("below the runs"),
    };
    writeln!(out, "{}", serde_json::to_string(&head)?)?;
    for run in shard.runs(run_count) {
        let record = records.read(run)?.expect("every run of the shard is known");
        out.write_all(super::records::to_line(&record).as_bytes())?;
    }
    Ok(())
}

/// Why shards do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

/// Takes the records of a shard file in. Returns its shard and how many of them were known already.
pub fn read(
    path: &Path,
    plan_hash: &str,
    records: &mut Records,
) -> Result<(Shard, u32), MergeError> {
    let failed = |source| MergeError::Read {
        path: path.to_path_buf(),
        source,
    };
    let refused = |problem: String| MergeError::Refused {
        path: path.to_path_buf(),
        problem,
    };
    let mut reader = BufReader::new(open_regular(path).map_err(failed)?);
    let mut first = String::new();
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX);
    head.read_line(&mut first).map_err(failed)?;
    let head: Head =
        serde_json::from_str(&first).map_err(|_| refused("not a shard of a sweep".to_string()))?;
    if head.stormglass_shard != SCHEMA {
        let known = head.stormglass_shard;
        return Err(refused(format!(
            "schema {known}; this version reads {SCHEMA}"
        )));
    }
    if head.plan != plan_hash {
        let (own, other) = (short(plan_hash), short(&head.plan));
        return Err(refused(format!(
            "a shard of plan {other}, this is plan {own}"
        )));
    }
    let file = records.add_file(path).map_err(failed)?;
    let (mut record_count, mut same_count, mut problem) = (0_u32, 0_u32, None);
    let scanned = scan(&mut reader, first.len() as u64, |offset, record| {
        record_count += 1;
        if !records.is_planned(&record) {
            problem = Some(format!("run {} is not planned", record.run));
            return Ok(());
        }
        match records.add(file, offset, &record)? {
            Added::New => {}
            Added::Same => same_count += 1,
            Added::Different => {
                problem = Some(format!(
                    "run {} gave something else than in another shard; were they run by different \
                     programs?",
                    record.run
                ));
            }
        }
        Ok(())
    });
    let length = scanned.map_err(failed)?;
    let is_whole = path.metadata().map_err(failed)?.len() == length;
    if !is_whole || record_count != head.record_count {
        problem = Some("it is damaged; run the shard again".to_string());
    }
    let shard = Shard {
        index: head.shard,
        count: head.shard_count,
    };
    problem.map_or(Ok((shard, same_count)), |problem| Err(refused(problem)))
}

/// The start of a hash, which tells plans apart for people.
pub fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_out_all_runs() {
        for count in [1, 2, 3, 7, 20] {
            let shards = (0..count).map(|index| Shard { index, count });
            let mut runs: Vec<u32> = shards.flat_map(|shard| shard.runs(11)).collect();
            runs.sort_unstable();
            assert_eq!(runs, (0..11).collect::<Vec<_>>());
        }
    }
}
