//! The command line, through the real binary.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A small scenario that ends in a few milliseconds.
const SMALL: &str = r#"# Does a small thing work?
schema = 1
name = "small"
seed = 7
duration = "20s"

[expect]
users = "success_ratio >= 90%"

[service.web]
count = 3
workers = 2
service_time = { dist = "exponential", mean = "5ms" }

[client.shop]
count = 2
arrivals = { process = "poisson", rate = "100/s" }

[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "500ms"
deadline = "1s"

[fault.loss]
kind = "crash"
target = "instance:web/main/0"
at = "8s"
for = "4s"
"#;

/// The command in a directory of its own.
struct Stormglass {
    dir: TempDir,
}

/// What the command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Stormglass {
    fn new() -> Self {
        Stormglass {
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// With a scenario file.
    fn with(name: &str, text: &str) -> Self {
        let command = Stormglass::new();
        fs::write(command.path(name), text).expect("written");
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(args).current_dir(self.dir.path());
        for variable in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "COLUMNS",
            "RUST_BACKTRACE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn say(&self, args: &[&str]) -> Said {
        self.say_with_input(args, "")
    }

    fn say_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut child = spawn(self.command(args).stdin(Stdio::piped()));
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("written");
        drop(stdin);
        said(child)
    }

    /// The only run directory below `stormglass-out`.
    fn run_dir(&self) -> PathBuf {
        let names = names_in(&self.path("stormglass-out"));
        assert_eq!(names.len(), 1, "{names:?}");
        self.path("stormglass-out").join(&names[0])
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

fn said(child: Child) -> Said {
    let output = child.wait_with_output().expect("the binary ends");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Names in a directory, sorted; none where there is no directory.
fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// All files below a directory with their contents, without `manifest.json`.
fn contents_of(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut pending = vec![directory.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for name in names_in(&folder) {
            let path = folder.join(&name);
            if path.is_dir() {
                pending.push(path);
            } else if name != "manifest.json" {
                let place = path.strip_prefix(directory).expect("below it");
                files.push((
                    place.display().to_string(),
                    fs::read(&path).expect("a file"),
                ));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn help_starts_with_three_examples_and_ends_with_the_exit_codes() {
    let said = Stormglass::new().say(&["--help"]);
    assert_eq!(said.code, Some(0));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "Examples:");
    assert!(
        lines[1..4]
            .iter()
            .all(|line| line.starts_with("  stormglass ")),
        "{lines:?}"
    );
    assert!(
        said.out
            .ends_with("  130  interrupted; no run directory was written\n")
    );
    assert_eq!(said.err, "");
}

#[test]
fn a_mistyped_verb_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["explan"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: unrecognized subcommand 'explan'\n\
         \n\
         \x20 tip: a similar subcommand exists: 'explain'\n\
         \n\
         Usage: stormglass [OPTIONS] <COMMAND>\n\
         \n\
         For more information, try '--help'.\n"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_clean_error() {
    let said = Stormglass::new().say(&["run", "absent.toml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.starts_with("error: "), "{}", said.err);
    assert!(said.err.contains("absent.toml"), "{}", said.err);
}

#[test]
fn check_shows_every_mistake_at_once() {
    let text = SMALL
        .replace("mean = \"5ms\"", "mean = 5")
        .replace("count = 2\n", "cuont = 2\n");
    let command = Stormglass::with("bad.toml", &text);
    let said = command.say(&["check", "bad.toml"]);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.out, "bad.toml: 2 errors\n");
    assert!(said.err.contains("--> bad.toml:13:"), "{}", said.err);
    assert!(said.err.contains("--> bad.toml:16:"), "{}", said.err);
    assert!(said.err.contains("`count`"), "{}", said.err);
}

#[test]
fn check_of_good_files_says_so() {
    let command = Stormglass::with("good.toml", SMALL);
    let said = command.say(&["check", "good.toml", "good.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "good.toml: ok\ngood.toml: ok\n");
}

#[test]
fn an_override_is_checked_like_the_file() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--set", "client.shop.cuont=3"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("--set"), "{}", said.err);
    assert!(said.err.contains("`count`"), "{}", said.err);
    assert_eq!(names_in(command.dir.path()), ["small.toml"]);
}

#[test]
fn a_run_prints_its_summary_and_writes_a_complete_directory() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let first = said.out.lines().next();
    let title = "small \u{b7} seed 7 \u{b7} 20 s simulated \u{b7} 3 instances, 2 callers";
    assert_eq!(first, Some(title));
    assert!(
        said.out
            .contains("\n  EXPECT\n  \u{2713} users   success_ratio   "),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("\n  FAULT loss  crash of 1 node, 8 s to 12 s\n"),
        "{}",
        said.out
    );
    let run_dir = command.run_dir();
    let name = run_dir
        .file_name()
        .expect("a name")
        .to_str()
        .expect("UTF-8");
    let report = format!("\n  stormglass-out/{name}/report.html\n");
    assert!(said.out.contains(&report), "{}", said.out);
    let digest = name.strip_prefix("small-7-").expect("NAME-SEED-DIGEST8");
    assert_eq!(digest.len(), 8);
    assert!(
        said.out.contains(&format!("\n  digest {digest}")),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("repeat with: stormglass run small.toml\n"),
        "{}",
        said.out
    );
    for file in [
        "manifest.json",
        "scenario.toml",
        "summary.json",
        "series.csv",
        "report.html",
    ] {
        assert!(run_dir.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_failed_expectation_gives_99() {
    let text = SMALL.replace("success_ratio >= 90%", "success_ratio <= 1%");
    let command = Stormglass::with("small.toml", &text);
    let said = command.say(&["run", "small.toml", "--no-charts"]);
    assert_eq!(said.code, Some(99), "{said:?}");
    assert!(said.out.contains("  \u{2717} users "), "{}", said.out);
    assert!(command.run_dir().join("report.html").is_file());
}

#[test]
fn a_run_without_expectations_says_so() {
    let text = SMALL.replace("[expect]\nusers = \"success_ratio >= 90%\"\n", "");
    let said = Stormglass::with("small.toml", &text).say(&["run", "small.toml", "--no-charts"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = "\n  EXPECT\n  nothing is expected; add [expect] to get a verdict\n";
    assert!(said.out.contains(line), "{}", said.out);
}

#[test]
fn standard_input_is_a_scenario_too() {
    let command = Stormglass::new();
    let said = command.say_with_input(&["run", "-", "--no-charts"], SMALL);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("small \u{b7} seed 7 "), "{}", said.out);
}

#[test]
fn without_a_file_the_quick_start_runs() {
    let command = Stormglass::new();
    let said = command.say(&["run", "--no-charts"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.starts_with("quickstart \u{b7} seed 1 "),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("repeat with: stormglass run --no-charts\n"),
        "{}",
        said.out
    );
}

#[test]
fn json_on_standard_output_is_the_summary_file() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let file = fs::read_to_string(command.run_dir().join("summary.json")).expect("a file");
    assert_eq!(said.out, file);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["schema"], 1);
    assert_eq!(value["replications"][0]["seed"], 7);
}

#[test]
fn csv_has_one_number_a_line() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--format", "csv"]);
    let mut lines = said.out.lines();
    assert_eq!(
        lines.next(),
        Some("replication,seed,measure,phase,unit,value")
    );
    assert!(lines.all(|line| line.starts_with("0,7,")), "{}", said.out);
}

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
}

#[test]
fn replications_report_means_with_intervals() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--replications", "5"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let title = "small \u{b7} seeds 7 to 11 \u{b7} 5 replications \u{b7} 20 s simulated";
    assert!(said.out.starts_with(title), "{}", said.out);
    assert!(said.out.contains("held in 5 of 5"), "{}", said.out);
    assert!(
        said.out.contains("\n  MEANS over replications "),
        "{}",
        said.out
    );
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
    // A file may have 1,024 bytes; the signal that says so is ignored, so that writes fail.
    let script = format!(
        "trap '' XFSZ; ulimit -f 2; exec {} run small.toml",
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

#[test]
fn verify_accepts_a_run_directory_and_names_what_was_changed() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = [
        "run",
        "small.toml",
        "--no-charts",
        "--replications",
        "2",
        "--out",
        "out",
    ];
    assert_eq!(command.say(&run).code, Some(0));
    let good = command.say(&["verify", "out"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert_eq!(good.out, "out: 2 runs and 4 files verified\n");

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
fn verify_refuses_what_is_no_run_directory() {
    let said = Stormglass::new().say(&["verify", "."]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err,
        "error: .: manifest.json cannot be read: No such file or directory (os error 2)\n"
    );
}

#[test]
fn init_writes_a_scenario_and_never_overwrites_one() {
    let command = Stormglass::new();
    let first = command.say(&["init", "ring"]);
    assert_eq!((first.code, first.out.as_str()), (Some(0), "ring.toml\n"));
    assert_eq!(first.err, "run it with: stormglass run ring.toml\n");
    fs::write(command.path("ring.toml"), "mine").expect("written");
    let second = command.say(&["init", "ring"]);
    assert_eq!((second.code, second.out.as_str()), (Some(2), ""));
    assert_eq!(
        second.err,
        "error: ring.toml: exists already and is left as it is\n"
    );
    assert_eq!(
        fs::read_to_string(command.path("ring.toml")).expect("a file"),
        "mine"
    );
}

#[test]
fn every_template_is_a_scenario_that_holds_what_it_expects() {
    let command = Stormglass::new();
    for name in ["quickstart", "heartbeat", "balancing", "ring"] {
        assert_eq!(command.say(&["init", name]).code, Some(0));
        let file = format!("{name}.toml");
        let checked = command.say(&["check", &file]);
        assert_eq!(
            (checked.code, checked.err.as_str()),
            (Some(0), ""),
            "{name}"
        );
        let ran = command.say(&["run", &file, "--no-charts", "-q"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.out);
    }
}

#[test]
fn color_is_for_terminals_unless_asked_for() {
    let command = Stormglass::with("small.toml", SMALL);
    let plain = command.say(&["run", "small.toml", "--no-charts"]);
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
    let always = command.say(&["run", "small.toml", "--no-charts", "--color", "always"]);
    assert!(always.out.contains("\u{1b}[32m\u{2713}"), "{}", always.out);
}

#[test]
fn explain_shows_the_effective_scenario() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["explain", "small.toml", "--set", "client.shop.count=5"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("--set client.shop.count=5"),
        "{}",
        said.out
    );
    assert!(said.out.contains("loss"), "{}", said.out);
}

#[test]
fn the_measures_and_the_schema_can_be_printed() {
    let command = Stormglass::new();
    let metrics = command.say(&["metrics"]);
    assert_eq!(metrics.code, Some(0));
    for measure in [
        "success_ratio",
        "latency",
        "detection_time",
        "moved_key_ratio",
    ] {
        assert!(metrics.out.contains(measure), "{measure}");
    }
    let schema = command.say(&["schema"]);
    let value: serde_json::Value = serde_json::from_str(&schema.out).expect("JSON");
    assert_eq!(value["$schema"], "http://json-schema.org/draft-07/schema#");
}

#[test]
fn completions_and_manual_pages_can_be_printed() {
    let command = Stormglass::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let said = command.say(&["completions", shell]);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("replications"), "{shell}");
    }
    assert!(command.say(&["man"]).out.contains(".TH stormglass 1"));
    assert!(command.say(&["man", "run"]).out.contains("replications"));
    let unknown = command.say(&["man", "rnu"]);
    assert_eq!(unknown.code, Some(2));
    assert_eq!(unknown.err, "error: there is no verb `rnu`\n");
}
