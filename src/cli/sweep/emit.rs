//! What makes an engine run a plan in parts on more than one machine.

use std::io;
use std::path::{Path, PathBuf, absolute};

use super::super::command::quoted;
use super::super::style::Console;
use super::super::{CliError, Exit};
use super::args::{Engine, SweepArgs};
use super::prepare::Job;
use crate::report::format;

const SLURM: &str = include_str!("../templates/sweep-slurm.sh");
const DASK: &str = include_str!("../templates/sweep-dask.py");
const KUBERNETES: &str = include_str!("../templates/sweep-job.yaml");

/// Parts that a Kubernetes job runs at once, unless it is changed.
const PARALLEL_MAX: u32 = 50;

/// Longest name of a job; a label of Kubernetes takes 63.
const JOB_NAME_BYTES_MAX: usize = 50;

/// Prints what makes an engine run the plan.
pub fn run(
    engine: Engine,
    args: &SweepArgs,
    job: &Job,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let count = args.shards.expect("the flags demand it");
    let plan = args.run_plan.as_deref().expect("the flags demand it");
    let places = Places::new(plan, args.out.as_deref(), job).map_err(|source| CliError::File {
        path: plan.display().to_string(),
        source,
    })?;
    let text = match engine {
        Engine::Slurm => filled(SLURM, job, count, &places.texts(quoted)),
        Engine::Dask => {
            let python = |text: &str| serde_json::to_string(text).expect("a text has a JSON form");
            filled(DASK, job, count, &places.texts(python))
        }
        Engine::Kubernetes => filled(KUBERNETES, job, count, &places.texts(quoted)),
    };
    console.out().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Where everything is, wherever a part runs.
struct Places {
    plan: PathBuf,
    shards: PathBuf,
    merged: PathBuf,
}

impl Places {
    fn new(plan: &Path, out: Option<&Path>, job: &Job) -> io::Result<Self> {
        let plan = absolute(plan)?;
        let folder = plan.parent().unwrap_or(Path::new("/")).to_path_buf();
        let shards = out.map_or(Ok(folder.join("shards")), absolute)?;
        let name = job.place(None);
        let merged = folder.join(name.file_name().unwrap_or_default());
        Ok(Places {
            plan,
            shards,
            merged,
        })
    }

    fn texts(&self, quote: impl Fn(&str) -> String) -> [String; 3] {
        [&self.plan, &self.shards, &self.merged].map(|path| quote(&path.to_string_lossy()))
    }
}

fn filled(template: &str, job: &Job, count: u32, [plan, shards, merged]: &[String; 3]) -> String {
    let contents = &job.file.plan;
    let memory = job.estimate.memory_bytes.div_ceil(1 << 20) + 64;
    let values = [
        ("@NAME@", contents.scenario_name.clone()),
        ("@HASH@", job.file.hash[..8].to_string()),
        (
            "@RUNS@",
            format::counted(u64::from(contents.run_count), "run"),
        ),
        ("@COUNT@", count.to_string()),
        ("@LAST@", (count - 1).to_string()),
        ("@PARALLEL@", count.min(PARALLEL_MAX).to_string()),
        ("@JOB@", job_name(&contents.scenario_name)),
        ("@MEMORY@", memory.to_string()),
        ("@VERSION@", contents.stormglass_version.clone()),
        (
            "@MERGE@",
            format!("stormglass merge {plan} {shards} --out {merged}"),
        ),
        ("@PLAN@", plan.clone()),
        ("@SHARDS@", shards.clone()),
        ("@MERGED@", merged.clone()),
    ];
    let mut text = template.to_string();
    for (name, value) in values {
        text = text.replace(name, &value);
    }
    text
}

/// A name that Slurm and Kubernetes take: small letters, digits and dashes, none at the ends.
fn job_name(scenario_name: &str) -> String {
    let lower = scenario_name.to_ascii_lowercase().replace('_', "-");
    let cut = lower.get(..JOB_NAME_BYTES_MAX).unwrap_or(&lower);
    format!("{}-sweep", cut.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_a_name_that_kubernetes_takes() {
        assert_eq!(job_name("Rack_Loss-"), "rack-loss-sweep");
        let long = "a".repeat(49) + "_b";
        assert_eq!(job_name(&long), "a".repeat(49) + "-sweep");
    }

    #[test]
    fn no_value_is_left_open() {
        for template in [SLURM, DASK, KUBERNETES] {
            for part in template.split('@').skip(1).step_by(2) {
                let is_name = part.chars().all(|c| c.is_ascii_uppercase());
                assert!(is_name, "{part}");
            }
        }
    }
}
