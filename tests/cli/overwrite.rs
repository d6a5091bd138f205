//! What is not replaced: directories that hold something else.

use std::fs;

use super::support::{SMALL, Said, Stormglass, names_in};

fn assert_refused(said: &Said, code: i32, message: &str) {
    assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
    assert_eq!(said.err, format!("error: {message}\n"));
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
