//! Run directories: what is in them, what is in their way, and `verify`.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{SMALL, Stormglass, contents_of, names_in, said, spawn};

#[test]
fn the_results_are_the_same_for_any_number_of_jobs() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = |jobs: &str, out: &str| {
        let args = [
            "run",
            "small.toml",
            "--replications",
            "8",
            "--jobs",
            jobs,
            "--out",
            out,
        ];
        let said = command.say(&args);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out.replace(out, "OUT")
    };
    assert_eq!(run("1", "one"), run("4", "four"));
    let one = contents_of(&command.path("one"));
    assert!(!one.is_empty());
    assert_eq!(one, contents_of(&command.path("four")));
}

#[test]
fn pictures_do_not_change_the_run() {
    let command = Stormglass::with("small.toml", SMALL);
    let with = command.say(&["run", "small.toml", "--out", "with"]);
    let without = command.say(&["run", "small.toml", "--out", "without", "--no-charts"]);
    assert_eq!((with.code, without.code), (Some(0), Some(0)));
    let read = |name: &str| fs::read(command.path(name)).expect("a file");
    assert_eq!(read("with/summary.json"), read("without/summary.json"));
    assert_eq!(read("with/series.csv"), read("without/series.csv"));
    assert!(!names_in(&command.path("with/charts")).is_empty());
    assert!(!command.path("without/charts").exists());
    let answer = |name: &str| {
        let text = String::from_utf8(read(name)).expect("text");
        let mut lines = text.lines().map(str::to_string);
        lines.find(|line| line.starts_with("**Answer.**"))
    };
    let with = answer("with/report.md").expect("it has one");
    assert!(2 < with.matches(". ").count(), "{with}");
    assert_eq!(answer("without/report.md"), Some(with));
}

#[test]
fn a_run_again_replaces_the_directory() {
    let command = Stormglass::with("small.toml", SMALL);
    for _ in 0..2 {
        let said = command.say(&["run", "small.toml", "--no-charts"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    command.run_dir();
}

#[test]
fn a_directory_of_somebody_else_is_not_touched() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::create_dir(command.path("precious")).expect("made");
    fs::write(command.path("precious/thesis.txt"), "ten years").expect("written");
    let said = command.say(&["run", "small.toml", "--out", "precious"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err,
        "error: precious: exists and is not a run directory; name another place with --out\n"
    );
    assert_eq!(names_in(&command.path("precious")), ["thesis.txt"]);
}

#[test]
fn a_place_that_takes_no_directory_is_a_clean_error() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::write(command.path("file"), "").expect("written");
    let said = command.say(&["run", "small.toml", "--out", "file/out"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err,
        "error: file/out: cannot be written: Not a directory (os error 20)\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_a_clean_error() {
    let command = Stormglass::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let child = command
        .command(&["metrics"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let said = said(child);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "error: standard output: No space left on device (os error 28)\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_and_says_so() {
    let command = Stormglass::with("small.toml", SMALL);
    // A file may have 1,024 bytes; whether or not the shell ignores the signal that says so.
    for trap in ["trap '' XFSZ;", ""] {
        let script = format!(
            "{trap} ulimit -f 2; exec {} run small.toml",
            env!("CARGO_BIN_EXE_stormglass")
        );
        let said = said(spawn(
            Command::new("sh")
                .args(["-c", &script])
                .current_dir(command.dir.path()),
        ));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.starts_with("error: "), "{}", said.err);
        assert!(
            said.err.ends_with(": File too large (os error 27)\n"),
            "{}",
            said.err
        );
        assert_eq!(names_in(command.dir.path()), ["small.toml"]);
    }
}

/// A pipe with a name.
#[cfg(unix)]
fn make_pipe(command: &Stormglass, name: &str) {
    let made = Command::new("mkfifo").arg(command.path(name)).status();
    assert!(made.expect("mkfifo runs").success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_wait_for_a_pipe_that_says_nothing() {
    let command = Stormglass::new();
    make_pipe(&command, "pipe");
    let vary = ["compare", "pipe", "--vary", "client.shop.count=1,2"];
    for args in [&["check", "pipe"][..], &["run", "pipe"], &vary] {
        let child = spawn(&mut command.command(args));
        // Long enough that it waits.
        std::thread::sleep(Duration::from_millis(500));
        let kill = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
        // The signal itself ends it.
        assert_eq!(said(child).code, None, "{args:?}");
    }
    assert_eq!(names_in(command.dir.path()), ["pipe"]);
}

#[cfg(unix)]
#[test]
fn a_scenario_may_come_through_a_pipe_wherever_it_is_read_more_than_once() {
    let command = Stormglass::new();
    make_pipe(&command, "pipe");
    let axis = ["--axis", "client.shop.count=1,2"];
    let vary = ["--vary", "client.shop.count=1,2"];
    for args in [
        &["check", "pipe"][..],
        &["run", "pipe", "--no-charts", "-q"],
        &[&["sweep", "pipe", "--no-charts", "-q"], &axis[..]].concat(),
        &[&["compare", "pipe", "--no-charts", "-q"], &vary[..]].concat(),
    ] {
        let child = spawn(&mut command.command(args));
        fs::write(command.path("pipe"), SMALL).expect("written");
        let said = said(child);
        assert_eq!(said.code, Some(0), "{args:?}: {said:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let command = Stormglass::with("small.toml", SMALL);
    let mut child = spawn(&mut command.command(&["run", "small.toml", "--no-charts"]));
    drop(child.stdout.take());
    let said = said(child);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(command.run_dir().join("manifest.json").is_file());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_written_directory() {
    let text = SMALL.replace("\"20s\"", "\"30d\"");
    let command = Stormglass::with("long.toml", &text);
    let child = spawn(&mut command.command(&["run", "long.toml"]));
    let deadline = Instant::now() + Duration::from_secs(30);
    while names_in(&command.path("stormglass-out")).is_empty() {
        assert!(Instant::now() < deadline, "the run does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupted_at = Instant::now();
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let said = said(child);
    assert!(interrupted_at.elapsed() < Duration::from_secs(5));
    assert_eq!((said.code, said.out.as_str()), (Some(130), ""));
    assert_eq!(said.err, "error: interrupted\n");
    assert_eq!(names_in(command.dir.path()), ["long.toml"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_written_trace() {
    let text = SMALL.replace("\"20s\"", "\"30d\"");
    let command = Stormglass::with("long.toml", &text);
    let args = [
        "run",
        "long.toml",
        "--trace",
        "t.json",
        "--trace",
        "t.jsonl",
    ];
    let child = spawn(&mut command.command(&args));
    let deadline = Instant::now() + Duration::from_secs(30);
    while names_in(&command.path("stormglass-out")).is_empty() {
        assert!(Instant::now() < deadline, "the run does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let said = said(child);
    assert_eq!(said.code, Some(130));
    assert!(said.err.ends_with("error: interrupted\n"), "{}", said.err);
    assert_eq!(names_in(command.dir.path()), ["long.toml"]);
}

#[test]
fn verify_accepts_a_run_directory_and_names_what_was_changed() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = [
        "run",
        "small.toml",
        "--no-charts",
        "--replications",
        "4",
        "--out",
        "out",
    ];
    assert_eq!(command.say(&run).code, Some(0));
    let good = command.say(&["verify", "out"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert_eq!(good.out, "out: 4 runs and 9 files verified\n");

    fs::write(command.path("out/series.csv"), "made up\n").expect("written");
    let bad = command.say(&["verify", "out"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert_eq!(
        bad.out,
        "out/series.csv: its contents are not those of the run\n"
    );

    fs::remove_file(command.path("out/series.csv")).expect("removed");
    let gone = command.say(&["verify", "out"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert_eq!(gone.out, "out/series.csv: is missing\n");
}

#[test]
fn verify_finds_a_digest_that_differs() {
    let command = Stormglass::with("small.toml", SMALL);
    assert_eq!(
        command
            .say(&["run", "small.toml", "--no-charts", "--out", "out"])
            .code,
        Some(0)
    );
    let path = command.path("out/manifest.json");
    let text = fs::read_to_string(&path).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let digest = manifest["replications"][0]["digest"]
        .as_str()
        .expect("a digest")
        .to_string();
    manifest["replications"][0]["digest"] = "0123456789abcdef".into();
    fs::write(&path, manifest.to_string()).expect("written");
    let said = command.say(&["verify", "out"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        said.out,
        format!("out: seed 7 gives digest {digest}, the manifest says 0123456789abcdef\n")
    );
}

#[test]
fn what_is_not_there_is_said_and_is_a_wrong_request() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::create_dir(command.path("r")).expect("created");
    for (arguments, start) in [
        (
            ["chart", "none", "success"],
            "error: none: manifest.json cannot be read",
        ),
        (
            ["why", "none", "--slowest"],
            "error: none: manifest.json cannot be read",
        ),
        (["compare", "none", "r"], "error: none: "),
        (["compare", "r", "none"], "error: none: "),
    ] {
        let said = command.say(&arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.starts_with(start), "{}", said.err);
        assert!(
            !said.err.contains("compared with each other"),
            "{}",
            said.err
        );
    }
}

#[test]
fn verify_refuses_what_is_no_run_directory() {
    // What cannot be read is no difference, which would be 1.
    let said = Stormglass::new().say(&["verify", "."]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: .: manifest.json cannot be read: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_run_directory_keeps_its_inputs_and_stands_alone() {
    let text = SMALL.replace(
        "{ process = \"poisson\", rate = \"100/s\" }",
        "{ process = \"trace\", file = \"=1+1 a.csv\" }",
    );
    let command = Stormglass::with("recorded.toml", &text);
    let rows: String = (0..100)
        .map(|i| format!("{}\n", f64::from(i) / 10.0))
        .collect();
    fs::write(
        command.path("=1+1 a.csv"),
        format!("arrives_at_secs\n{rows}"),
    )
    .expect("written");
    let said = command.say(&["run", "recorded.toml", "--no-charts", "--out", "out"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(names_in(&command.path("out/inputs")), ["0--1-1-a.csv"]);

    fs::remove_file(command.path("recorded.toml")).expect("removed");
    fs::remove_file(command.path("=1+1 a.csv")).expect("removed");
    fs::rename(command.path("out"), command.path("moved")).expect("moved");
    let verified = command.say(&["verify", "moved"]);
    assert_eq!(
        verified.out, "moved: 1 run and 10 files verified\n",
        "{verified:?}"
    );
    assert_eq!(verified.code, Some(0));
}

#[cfg(unix)]
#[test]
fn a_termination_is_an_interruption_that_keeps_the_old_result() {
    let command = Stormglass::with("small.toml", SMALL);
    let args = ["run", "small.toml", "--no-charts", "--out", "out"];
    assert_eq!(command.say(&args).code, Some(0));
    let before = contents_of(&command.path("out"));
    fs::write(
        command.path("small.toml"),
        SMALL.replace("\"20s\"", "\"30d\""),
    )
    .expect("written");
    let child = spawn(&mut command.command(&args));
    let deadline = Instant::now() + Duration::from_secs(30);
    while names_in(command.dir.path()).len() < 3 {
        assert!(Instant::now() < deadline, "the run does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Shorter runs are not talked about.
    std::thread::sleep(Duration::from_millis(1_200));
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let said = said(child);
    assert_eq!(said.code, Some(130));
    // The events so far count, although there are no results.
    assert!(said.err.starts_with("took "), "{}", said.err);
    assert!(!said.err.contains(" 0 events"), "{}", said.err);
    assert_eq!(names_in(command.dir.path()), ["out", "small.toml"]);
    assert_eq!(contents_of(&command.path("out")), before);
}
