//! Sweeps in parts: plans, shards and `stormglass merge`.

use std::fs;

use super::support::{SMALL, Said, Stormglass, contents_of, names_in};
use super::sweep::{TABLE, swept};

/// The small sweep as a plan.
fn planned() -> Stormglass {
    let command = swept();
    let said = command.say(&["sweep", "small.toml", "--plan", "plan.json", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    command
}

fn shard(command: &Stormglass, index: u32, count: u32, out: &str) -> Said {
    let part = format!("{index}/{count}");
    let said = command.say(&[
        "sweep",
        "--run-plan",
        "plan.json",
        "--shard",
        &part,
        "--out",
        out,
        "-q",
    ]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    said
}

fn merge(command: &Stormglass, shards: &[&str]) -> Said {
    command.say(&[&["merge", "plan.json"], shards, &["--out", "merged", "-q"]].concat())
}

#[test]
fn any_number_of_shards_in_any_order_gives_the_bytes_of_one_process() {
    let command = planned();
    command.say(&["sweep", "small.toml", "--out", "whole", "-q"]);
    let whole = contents_of(&command.path("whole"));
    for count in [1, 2, 3, 7] {
        let folder = format!("shards-{count}");
        let mut files: Vec<String> = Vec::new();
        for index in (0..count).rev() {
            shard(&command, index, count, &folder);
            files.push(format!("{folder}/shard-{index}-of-{count}.jsonl"));
        }
        let said = merge(&command, &[&folder]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        assert_eq!(
            contents_of(&command.path("merged")),
            whole,
            "{count} shards"
        );
        fs::remove_dir_all(command.path("merged")).expect("removed");
        // The other way round.
        files.reverse();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        assert_eq!(merge(&command, &files).code, Some(0));
        assert_eq!(
            contents_of(&command.path("merged")),
            whole,
            "{count} shards"
        );
        fs::remove_dir_all(command.path("merged")).expect("removed");
    }
    // A plan that one process runs as a whole.
    command.say(&["sweep", "--run-plan", "plan.json", "--out", "planned", "-q"]);
    assert_eq!(contents_of(&command.path("planned")), whole);
}

#[test]
fn missing_shards_are_named_with_the_command_that_runs_one() {
    let command = planned();
    shard(&command, 0, 3, "shards");
    let said = merge(&command, &["shards"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(1),
            "error: 8 runs of 12 are in no shard: missing 1/3, 2/3; run each: \
             stormglass sweep --run-plan plan.json --shard 1/3\n"
        )
    );
    assert!(!command.path("merged").exists());
}

#[test]
fn runs_that_stand_in_several_shards_alike_are_taken_once() {
    let command = planned();
    command.say(&["sweep", "small.toml", "--out", "whole", "-q"]);
    for (index, count) in [(0, 2), (1, 2), (1, 3)] {
        shard(&command, index, count, "shards");
    }
    let said = command.say(&["merge", "plan.json", "shards", "--out", "merged"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.err,
        "4 runs stand in more than one shard, alike; dropped\n"
    );
    assert_eq!(
        contents_of(&command.path("merged")),
        contents_of(&command.path("whole"))
    );
}

#[test]
fn a_shard_of_another_plan_is_refused() {
    let command = planned();
    shard(&command, 0, 1, "shards");
    let other = SMALL.replace("5ms", "6ms") + TABLE;
    fs::write(command.path("small.toml"), other).expect("written");
    command.say(&["sweep", "small.toml", "--plan", "plan.json", "-q"]);
    let said = merge(&command, &["shards"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let start = "error: shards/shard-0-of-1.jsonl: a shard of plan ";
    assert!(said.err.starts_with(start), "{}", said.err);
    // It is not written over either.
    let said = command.say(&["sweep", "--run-plan", "plan.json", "--shard", "0/1", "-q"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.starts_with(start), "{}", said.err);
}

#[test]
fn a_damaged_shard_is_refused() {
    let command = planned();
    shard(&command, 0, 1, "shards");
    let path = command.path("shards/shard-0-of-1.jsonl");
    let text = fs::read_to_string(&path).expect("read");
    for damaged in [
        text.replacen("\"0.", "\"1.", 1),
        text[..text.len() - 30].to_string(),
        text.lines()
            .take(5)
            .map(|line| format!("{line}\n"))
            .collect(),
    ] {
        fs::write(&path, damaged).expect("written");
        let said = merge(&command, &["shards"]);
        let expected = "error: shards/shard-0-of-1.jsonl: it is damaged; run the shard again\n";
        assert_eq!(
            (said.code, said.err.as_str()),
            (Some(1), expected),
            "{said:?}"
        );
    }
    fs::write(&path, "not a shard").expect("written");
    let said = merge(&command, &["shards"]);
    assert_eq!(
        said.err,
        "error: shards/shard-0-of-1.jsonl: not a shard of a sweep\n"
    );
}

#[test]
fn a_shard_that_is_there_is_not_run_again() {
    let command = planned();
    shard(&command, 0, 2, "shards");
    let before = fs::read(command.path("shards/shard-0-of-2.jsonl")).expect("read");
    let args = ["sweep", "--run-plan", "plan.json", "--shard", "0/2"];
    let said = command.say(&args);
    assert_eq!(
        said.err, "shards/shard-0-of-2.jsonl is there already\n",
        "{said:?}"
    );
    assert_eq!(
        fs::read(command.path("shards/shard-0-of-2.jsonl")).expect("read"),
        before
    );
    assert_eq!(names_in(&command.path("shards")), ["shard-0-of-2.jsonl"]);
}

#[test]
fn a_plan_that_was_changed_is_refused() {
    let command = planned();
    let path = command.path("plan.json");
    let text = fs::read_to_string(&path).expect("read");
    fs::write(&path, text.replace("\"repeat\": 3", "\"repeat\": 4")).expect("written");
    let said = command.say(&["sweep", "--run-plan", "plan.json", "--shard", "0/2", "-q"]);
    let expected = "error: plan.json: it was changed after it was written\n";
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(2), expected),
        "{said:?}"
    );
}

#[test]
fn engines_say_which_shard_a_process_is() {
    let command = planned();
    for (variable, index) in [
        ("SLURM_ARRAY_TASK_ID", "1"),
        ("JOB_COMPLETION_INDEX", "1"),
        ("PARALLEL_SEQ", "2"),
    ] {
        let args = [
            "sweep",
            "--run-plan",
            "plan.json",
            "--shard-from-env",
            "--shards",
            "2",
            "-q",
        ];
        let output = command
            .command(&args)
            .env(variable, index)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            names_in(&command.path("shards")),
            ["shard-1-of-2.jsonl"],
            "{variable}"
        );
        fs::remove_dir_all(command.path("shards")).expect("removed");
    }
}

#[test]
fn a_plan_takes_the_inputs_of_its_scenario_along() {
    let command = swept();
    let text = format!("{SMALL}{TABLE}").replace(
        "service_time = { dist = \"exponential\", mean = \"5ms\" }",
        "service_time = { dist = \"empirical\", file = \"data/times.csv\", unit = \"ms\" }",
    );
    fs::write(command.path("small.toml"), text).expect("written");
    fs::create_dir(command.path("data")).expect("made");
    fs::write(command.path("data/times.csv"), "value\n4\n6\n").expect("written");
    let said = command.say(&["sweep", "small.toml", "--plan", "far/plan.json", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = command.say(&["sweep", "small.toml", "--out", "whole", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // Another machine has the plan and its inputs only.
    fs::remove_dir_all(command.path("data")).expect("removed");
    let said = command.say(&[
        "sweep",
        "--run-plan",
        "far/plan.json",
        "--out",
        "far/out",
        "-q",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        contents_of(&command.path("far/out")),
        contents_of(&command.path("whole"))
    );
    let input = &names_in(&command.path("far/inputs"))[0];
    fs::write(command.path("far/inputs").join(input), "value\n5\n").expect("written");
    refuses_to_replace(&command, &format!("far/inputs/{input}"));
    let said = command.say(&[
        "sweep",
        "--run-plan",
        "far/plan.json",
        "--out",
        "again",
        "-q",
    ]);
    let end = format!("its input inputs/{input} is not what it was\n");
    assert!(said.err.ends_with(&end), "{said:?}");
}

#[test]
fn engines_get_what_makes_them_run_every_part() {
    let command = planned();
    let emit = |engine: &str| {
        let said = command.say(&[
            "sweep",
            "--run-plan",
            "plan.json",
            "--shards",
            "40",
            "--emit",
            engine,
            "-q",
        ]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        said.out
    };
    let plan = command.path("plan.json").canonicalize().expect("written");
    let slurm = emit("slurm");
    assert!(slurm.contains("#SBATCH --array=0-39\n"), "{slurm}");
    assert!(slurm.contains("--shard-from-env --shards 40"), "{slurm}");
    let dask = emit("dask");
    assert!(dask.contains("\nCOUNT = 40\n"), "{dask}");
    for text in [&slurm, &dask] {
        let name = plan.file_name().expect("a name").to_string_lossy();
        assert!(text.contains(&format!("/{name}")), "{text}");
    }
    let kubernetes = emit("kubernetes");
    for line in [
        "  name: small-sweep\n",
        "  completions: 40\n",
        "  completionMode: Indexed\n",
        "            - --shard-from-env\n",
    ] {
        assert!(kubernetes.contains(line), "{line}: {kubernetes}");
    }
    let said = command.say(&[
        "sweep",
        "small.toml",
        "--emit",
        "slurm",
        "--shards",
        "2",
        "-q",
    ]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

/// A plan is not written where it would replace an input that is none of a plan.
fn refuses_to_replace(command: &Stormglass, input: &str) {
    fs::create_dir(command.path("data")).expect("made");
    fs::write(command.path("data/times.csv"), "value\n4\n6\n").expect("written");
    let said = command.say(&["sweep", "small.toml", "--plan", "far/plan.json", "-q"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(
        said.err,
        format!(
            "error: {input}: exists and is no input of the plan far/plan.json; move it, or name \
             another place\n"
        )
    );
    let kept = fs::read_to_string(command.path(input));
    assert_eq!(kept.expect("there"), "value\n5\n");
}
