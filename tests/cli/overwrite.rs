//! What is not replaced: files that somebody wrote, and directories that hold something else.

use std::fs;

use super::support::{SMALL, Said, Stormglass, names_in};

fn assert_refused(said: &Said, code: i32, message: &str) {
    assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
    assert_eq!(said.err, format!("error: {message}\n"));
}

#[test]
fn a_trace_replaces_a_trace_and_nothing_else() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::write(command.path("child.toml"), "extends = \"small.toml\"\n").expect("written");
    fs::write(command.path("notes.jsonl"), "{\"mine\":1}\n").expect("written");
    fs::write(command.path("empty.json"), "").expect("written");
    let run = |args: &[&str]| command.say(&[&["run"], args, &["--no-charts", "-q"]].concat());
    for (args, message) in [
        (
            &["--trace", "small.toml"][..],
            "--trace small.toml: exists and is not a trace; name another file",
        ),
        (
            &["small.toml", "--trace", "./small.toml"],
            "--trace ./small.toml: is one of the files of the scenario; name another file",
        ),
        (
            &["child.toml", "--trace", "small.toml"],
            "--trace small.toml: is one of the files of the scenario; name another file",
        ),
        (
            &["small.toml", "--trace", "notes.jsonl"],
            "--trace notes.jsonl: exists and is not a trace; name another file",
        ),
    ] {
        assert_refused(&run(args), 2, message);
    }
    let read = |name: &str| fs::read_to_string(command.path(name)).expect("there");
    assert_eq!(read("small.toml"), SMALL);
    assert_eq!(read("notes.jsonl"), "{\"mine\":1}\n");
    for name in ["empty.json", "t.jsonl", "t.json"] {
        for _ in 0..2 {
            let said = run(&["small.toml", "--trace", name]);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    }
}

#[test]
fn two_traces_need_two_files() {
    let command = Stormglass::with("small.toml", SMALL);
    let args = [
        "run",
        "small.toml",
        "--trace",
        "t.json",
        "--trace",
        "t.json",
    ];
    let message = "--trace t.json: is written once; leave one out";
    assert_refused(&command.say(&args), 2, message);
    fs::create_dir(command.path("t")).expect("made");
    let args = [
        "run",
        "small.toml",
        "--trace",
        "t/a.json",
        "--trace",
        "t/../t/a.json",
    ];
    let message = "--trace t/../t/a.json: is written once; leave one out";
    assert_refused(&command.say(&args), 2, message);
}

#[test]
fn a_trace_in_the_run_directory_that_is_replaced_is_refused_by_its_name() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = ["run", "small.toml", "--no-charts", "-q", "-o", "rd"];
    assert_eq!(command.say(&run).code, Some(0));
    let said = command.say(&[&run[..], &["--trace", "./rd/t.json"]].concat());
    let message = "--trace ./rd/t.json: lies in the run directory rd, which this run replaces; \
                   name another place";
    assert_refused(&said, 2, message);
    assert_eq!(names_in(command.dir.path()), ["rd", "small.toml"]);
    // The directory that the run chooses for itself is known when it is over.
    assert_eq!(command.say(&run[..4]).code, Some(0));
    let chosen = names_in(&command.path("stormglass-out")).remove(0);
    let trace = format!("stormglass-out/{chosen}/t.json");
    let said = command.say(&[&run[..4], &["--trace", &trace]].concat());
    let message = format!(
        "--trace {trace}: lies in the run directory stormglass-out/{chosen}, which this run \
         replaces; name another place"
    );
    assert_refused(&said, 2, &message);
    assert_eq!(names_in(&command.path("stormglass-out")), [chosen]);
}

#[test]
fn a_directory_needs_a_name_of_its_own() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::create_dir(command.path("x")).expect("made");
    for place in ["x/..", "..", ".", "x/."] {
        let message =
            format!("{place}: has no name of its own; name the directory itself with --out");
        assert_refused(&sweep(&command, place), 1, &message);
        let run = ["run", "small.toml", "--no-charts", "-q", "-o", place];
        assert_refused(&command.say(&run), 1, &message);
    }
    assert_eq!(names_in(command.dir.path()), ["small.toml", "x"]);
    assert!(names_in(&command.path("x")).is_empty());
}

/// A sweep of four short runs.
fn sweep(command: &Stormglass, out: &str) -> Said {
    let axis = ["--axis", "client.shop.count=1,2", "--repeat", "2"];
    let args = [
        &["sweep", "-q", "small.toml", "--no-charts", "-o", out],
        &axis[..],
    ]
    .concat();
    command.say(&args)
}

#[test]
fn a_sweep_leaves_what_stands_in_its_place_alone() {
    let command = Stormglass::with("small.toml", SMALL);
    let end = "runs are kept there until all are done: move it away, or name another place with \
               --out";
    fs::create_dir(command.path("a.partial")).expect("made");
    fs::write(command.path("a.partial/thesis.txt"), "thesis").expect("written");
    let message = "a.partial/thesis.txt: no sweep wrote it; remove it to go on with the runs that \
                   are kept beside it, or name another place with --out";
    assert_refused(&sweep(&command, "a"), 2, message);
    let thesis = fs::read_to_string(command.path("a.partial/thesis.txt"));
    assert_eq!(thesis.expect("there"), "thesis");

    fs::create_dir(command.path("b.partial")).expect("made");
    fs::write(command.path("b.partial/journal.jsonl"), "mine\n").expect("written");
    let message = format!("b.partial: holds no unfinished sweep; {end}");
    assert_refused(&sweep(&command, "b"), 2, &message);

    fs::write(command.path("c.partial"), "mine").expect("written");
    let message = format!("c.partial: is no directory; {end}");
    assert_refused(&sweep(&command, "c"), 2, &message);

    let said = sweep(&command, "d");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!command.path("d.partial").exists());
}

#[cfg(unix)]
#[test]
fn a_journal_that_is_a_link_is_not_followed() {
    let command = Stormglass::with("small.toml", SMALL);
    assert_eq!(sweep(&command, "small").code, Some(0));
    fs::create_dir(command.path("j.partial")).expect("made");
    let plan = fs::read(command.path("small/plan.json")).expect("written");
    fs::write(command.path("j.partial/plan.json"), plan).expect("written");
    fs::write(command.path("mine.txt"), "mine").expect("written");
    let link = command.path("j.partial/journal.jsonl");
    std::os::unix::fs::symlink("../mine.txt", link).expect("linked");
    let said = sweep(&command, "j");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is no regular file"), "{said:?}");
    let mine = fs::read_to_string(command.path("mine.txt"));
    assert_eq!(mine.expect("there"), "mine");
}

#[test]
fn records_of_another_sweep_are_not_shown() {
    let command = Stormglass::with("small.toml", SMALL);
    assert_eq!(sweep(&command, "small").code, Some(0));
    let axis = ["--axis", "client.shop.count=1,2,3,4", "--repeat", "3"];
    let args = ["sweep", "-q", "small.toml", "--no-charts", "-o", "big"];
    assert_eq!(command.say(&[&args, &axis[..]].concat()).code, Some(0));
    let text = |name: &str| fs::read_to_string(command.path(name)).expect("written");
    // A run that is not planned, and one with fewer numbers.
    let other = text("big/records.jsonl");
    let last = other.lines().last().expect("a run");
    fs::create_dir(command.path("j.partial")).expect("made");
    fs::write(command.path("j.partial/plan.json"), text("small/plan.json")).expect("written");
    fs::write(command.path("j.partial/journal.jsonl"), format!("{last}\n")).expect("written");
    let said = sweep(&command, "j");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("a run that is not planned"), "{said:?}");
    let args = ["sweep", "-q", "small.toml", "--no-charts", "-o", "few"];
    let axis = ["--axis", "client.shop.count=1,2", "--repeat", "2"];
    let said = command.say(&[&args, &axis[..], &["--metric", "goodput"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let other = text("few/records.jsonl");
    let first = other.lines().next().expect("a run");
    fs::write(
        command.path("j.partial/journal.jsonl"),
        format!("{first}\n"),
    )
    .expect("written");
    let said = sweep(&command, "j");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("a run that is not planned"), "{said:?}");
}

#[test]
fn a_tornado_replaces_its_own_kind_only() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::write(command.path("tor.csv"), "mine").expect("written");
    let args = |out| {
        let input = "client.shop.count=1,2";
        [
            "sensitivity",
            "-q",
            "small.toml",
            "--input",
            input,
            "--repeat",
            "2",
            "--chart",
            "tor",
            "--no-charts",
            "-o",
            out,
        ]
    };
    let message = "--chart tor.csv: exists and is not such a chart; name another file";
    assert_refused(&command.say(&args("s")), 2, message);
    assert_eq!(
        fs::read_to_string(command.path("tor.csv")).expect("there"),
        "mine"
    );
    assert!(!command.path("tor.svg").exists());
    fs::remove_file(command.path("tor.csv")).expect("removed");
    for out in ["t", "u"] {
        let said = command.say(&args(out));
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

#[test]
fn a_chart_replaces_a_chart_of_its_kind_and_nothing_else() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--out", "r", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let chart = |format: &str, file: &str| {
        command.say(&["chart", "r", "latency", "--format", format, "-o", file])
    };
    for (format, file) in [("svg", "c.svg"), ("png", "c.png"), ("csv", "c.csv")] {
        for _ in 0..2 {
            let said = chart(format, file);
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        }
    }
    fs::write(
        command.path("own.svg"),
        "<svg xmlns=\"mine\">precious</svg>",
    )
    .expect("written");
    for (format, file) in [
        ("svg", "small.toml"),
        ("svg", "c.png"),
        ("png", "c.svg"),
        ("csv", "r/series.csv"),
        ("svg", "own.svg"),
    ] {
        let message = format!("--out {file}: exists and is not such a chart; name another file");
        let before = fs::read(command.path(file)).expect("there");
        assert_refused(&chart(format, file), 2, &message);
        assert_eq!(fs::read(command.path(file)).expect("there"), before);
    }
}

#[test]
fn recorded_arrivals_are_not_replaced_by_the_trace_of_their_run() {
    let arrivals = "{ process = \"trace\", file = \"a.csv\" }";
    let text = SMALL.replace("{ process = \"poisson\", rate = \"100/s\" }", arrivals);
    let command = Stormglass::with("small.toml", &text);
    fs::write(command.path("a.csv"), "arrives_at\n1\n2\n").expect("written");
    let said = command.say(&["run", "small.toml", "--trace", "a.csv", "-q"]);
    let message = "--trace a.csv: is one of the files of the scenario; name another file";
    assert_refused(&said, 2, message);
}

#[test]
fn a_plan_replaces_a_plan_and_nothing_else() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::write(command.path("notes.json"), "{\"schema\": 1}").expect("written");
    let plan = |name: &str| {
        let axis = "service.web.count=1,3";
        command.say(&["sweep", "small.toml", "--axis", axis, "--plan", name, "-q"])
    };
    assert_refused(
        &plan("small.toml"),
        2,
        "--plan small.toml: is one of the files of the scenario; name another file",
    );
    assert_refused(
        &plan("notes.json"),
        2,
        "--plan notes.json: exists and is not a plan of a sweep; name another file",
    );
    let kept = fs::read_to_string(command.path("small.toml")).expect("there");
    assert_eq!(kept, SMALL);
    for _ in 0..2 {
        assert_eq!(plan("plan.json").code, Some(0));
    }
}

#[test]
fn a_run_directory_with_files_of_somebody_else_is_not_replaced() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = || command.say(&["run", "small.toml", "--no-charts", "-q", "--out", "rd"]);
    for _ in 0..2 {
        assert_eq!(run().code, Some(0));
    }
    fs::create_dir(command.path("rd/sub")).expect("made");
    fs::write(command.path("rd/notes.md"), "x").expect("written");
    for name in ["notes.md", "sub"] {
        let message = format!(
            "rd/{name}: is not in the manifest of the directory and would be lost; move it, or \
             name another place with --out"
        );
        assert_refused(&run(), 1, &message);
        if name == "notes.md" {
            fs::remove_file(command.path("rd/notes.md")).expect("removed");
        }
    }
    fs::remove_dir(command.path("rd/sub")).expect("removed");
    assert_eq!(run().code, Some(0));
}

#[test]
fn a_directory_is_replaced_by_one_of_its_kind_only() {
    let command = Stormglass::with("small.toml", SMALL);
    let count = "client.shop.count=1,2";
    let run = ["run", "small.toml"];
    let compare = [
        "compare",
        "small.toml",
        "--vary",
        count,
        "--replications",
        "2",
    ];
    let sweep = ["sweep", "small.toml", "--axis", count];
    let write = |words: &[&str], out: &str| {
        command.say(&[words, &["--no-charts", "-q", "--out", out]].concat())
    };
    for (words, out) in [
        (&run[..], "a run"),
        (&compare[..], "a comparison"),
        (&sweep[..], "a sweep"),
    ] {
        for _ in 0..2 {
            let said = write(words, out);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    }
    for (words, wanted, found) in [
        (&run[..], "a run", "a comparison"),
        (&run, "a run", "a sweep"),
        (&compare, "a comparison", "a run"),
        (&sweep, "a sweep", "a comparison"),
    ] {
        let message = format!(
            "{found}: is the directory of {found}, which {wanted} does not replace; name another \
             place with --out"
        );
        assert_refused(&write(words, found), 1, &message);
    }
    let own = ["a comparison", "a run", "a sweep", "small.toml"];
    assert_eq!(names_in(command.dir.path()), own);
}
