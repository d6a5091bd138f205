//! Charts that are drawn again.

use std::fs;

use super::support::{SMALL, Stormglass, names_in};

fn run() -> (Stormglass, String) {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    (command, "run".to_string())
}

#[test]
fn every_chart_is_drawn_again_with_the_same_bytes() {
    let (command, run_dir) = run();
    let files = names_in(&command.path("run/charts"));
    let names: Vec<&str> = files
        .iter()
        .filter_map(|file| file.strip_suffix(".json"))
        .collect();
    assert!(3 <= names.len(), "{names:?}");
    for name in names {
        for format in ["svg", "csv", "png"] {
            let args = ["chart", &run_dir, name, "--format", format, "-o", "again"];
            let said = command.say(&args);
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
            let first = fs::read(command.path(&format!("run/charts/{name}.{format}")));
            let again = fs::read(command.path("again"));
            assert_eq!(first.expect("written"), again.expect("written"), "{name}");
        }
    }
}

#[test]
fn a_chart_has_the_width_and_the_theme_that_are_asked_for() {
    let (command, run_dir) = run();
    let said = command.say(&[
        "chart", &run_dir, "latency", "--width", "400", "--theme", "dark",
    ]);
    assert!(said.out.contains("width=\"400\""), "{}", said.out);
    assert!(said.out.contains("fill=\"#161A20\""), "{}", said.out);
    let said = command.say(&["chart", &run_dir, "latency", "--width", "100"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("320..=4000"), "{}", said.err);
}

#[test]
fn without_a_name_the_charts_are_listed() {
    let (command, run_dir) = run();
    let said = command.say(&["chart", &run_dir]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("latency"), "{}", said.out);
    let said = command.say(&["chart", &run_dir, "latensy"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("has no chart `latensy`; it has: latency, requests"),
        "{}",
        said.err
    );
}

#[test]
fn a_chart_that_was_changed_is_refused() {
    let (command, run_dir) = run();
    let path = command.path("run/charts/latency.json");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text.replace("p99", "p98")).expect("written");
    let said = command.say(&["chart", &run_dir, "latency"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(
        said.err.contains("its contents are not those of the run"),
        "{}",
        said.err
    );
}
