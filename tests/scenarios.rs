//! The committed scenarios: each loads without a word, balances its books, and holds what it
//! promises.

#[path = "support/conservation.rs"]
mod conservation;
#[path = "support/run.rs"]
mod run;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use conservation::Books;
use stormglass::experiment::replicate::windows;
use stormglass::metrics::evaluate::{Reading, VerdictState, judge};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::observation::NoObserver;
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};

fn paths() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> &str {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .expect("names are plain")
}

fn scenario_of(path: &Path) -> Scenario {
    let loaded = load(&LoadInput {
        text: LoadText::File(path.to_path_buf()),
        sets: Vec::new(),
        limits: Limits::STANDARD,
    });
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    assert!(messages.is_empty(), "{}: {messages}", path.display());
    run::valid(loaded)
}

#[test]
fn every_scenario_says_what_it_asks_and_expects() {
    for path in paths() {
        let scenario = scenario_of(&path);
        let name = stem(&path);
        assert_eq!(scenario.name, name);
        assert!(scenario.header[0].starts_with("Question: "), "{name}");
        let expects = |line: &String| line.starts_with("Expected: ");
        assert!(scenario.header.iter().any(expects), "{name}");
        assert!(!scenario.expectations.is_empty(), "{name}");
    }
}

#[test]
fn every_scenario_holds_what_it_expects() {
    let mut broken = Vec::new();
    for path in paths() {
        let scenario = scenario_of(&path);
        let mut books = Books::new(&scenario);
        let end = run::run(&scenario, scenario.seed, &mut books);
        books.close(scenario.seed, end);
        let end_with_heap = run::run_with_heap(&scenario, scenario.seed, &mut NoObserver);
        assert_eq!(end_with_heap, end, "the product's queue and the plain heap");

        let go_on = &mut |_| ControlFlow::Continue(());
        let windows = windows(&scenario, run::options(scenario.seed), go_on);
        let windows = windows.expect("a bounded scenario comes to its end");
        let mut recorder = Recorder::new(&scenario, &windows);
        assert_eq!(run::run(&scenario, scenario.seed, &mut recorder), end);
        let metrics = recorder.finish(end);
        for expectation in &scenario.expectations {
            let verdict = judge(&metrics, &scenario, expectation);
            let reading = match &verdict.reading {
                Reading::Known(value) => format!("{value:.6}"),
                Reading::Undecided(reason) => reason.clone(),
            };
            let line = format!(
                "{}: {} = \"{}\": {:?}, {reading} against {:?} {}",
                scenario.name,
                expectation.name,
                expectation.text,
                verdict.state,
                verdict.limit,
                verdict.reason
            );
            println!("{line}");
            if verdict.state != VerdictState::Held {
                broken.push(line);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
