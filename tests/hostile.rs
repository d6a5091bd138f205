//! Hostile scenarios end in an error within a second, never in a panic.
//!
//! Every file of `tests/data/hostile` says in its first line which error it must draw.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use stormglass::scenario::load::explain::explain;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};

/// Unoptimized builds are several times slower.
const TIME_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

fn load_file(path: PathBuf) -> Loaded {
    load(&LoadInput {
        text: LoadText::File(path),
        sets: Vec::new(),
        limits: Limits::STANDARD,
    })
}

fn load_text(text: String, sets: Vec<String>) -> Loaded {
    load(&LoadInput {
        text: LoadText::Text {
            name: "hostile.toml".to_string(),
            text,
        },
        sets,
        limits: Limits::STANDARD,
    })
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Loads and renders within the time, and expects an error of this title.
fn assert_refused(name: &str, title: &str, load: impl FnOnce() -> Loaded) {
    let started = Instant::now();
    let loaded = load();
    let text = loaded.diagnostics.render(&loaded.sources, false);
    let elapsed = started.elapsed();
    assert!(loaded.scenario.is_none(), "{name} was accepted");
    let titles: Vec<&str> = loaded
        .diagnostics
        .iter()
        .map(|d| d.title.as_str())
        .collect();
    assert!(
        titles.contains(&title),
        "{name}: expected {title:?} in\n{text}"
    );
    assert!(elapsed < TIME_MAX, "{name} took {elapsed:?}");
    assert!(
        text.len() < 1 << 20,
        "{name}: {} bytes of messages",
        text.len()
    );
}

#[test]
fn every_file_of_the_corpus_draws_its_error() {
    let mut count = 0;
    for entry in fs::read_dir(data("hostile")).expect("the corpus is there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the corpus is UTF-8");
        let first = text.lines().next().expect("no file is empty");
        let title = first
            .strip_prefix("# error: ")
            .expect("the first line says the error");
        let name = path.display().to_string();
        assert_refused(&name, title, || load_file(path));
        count += 1;
    }
    assert!(50 < count, "only {count} files");
}

#[test]
fn nesting_is_refused_at_any_depth() {
    let deep =
        |open: &str, close: &str| format!("a = {}1{}\n", open.repeat(10_000), close.repeat(10_000));
    for text in [
        deep("[", "]"),
        deep("{a = ", "}"),
        format!("a = {}", "[".repeat(10_000)),
    ] {
        let title = "cannot recurse further; max recursion depth met";
        assert_refused("brackets", title, || load_text(text, Vec::new()));
    }
    for text in [
        format!("{} = 1\n", vec!["a"; 200_000].join(".")),
        format!("[{}]\n", vec!["a"; 200_000].join(".")),
    ] {
        assert_refused("dots", "recursion limit", || load_text(text, Vec::new()));
    }
    // A value of an override that is not TOML is a text.
    assert_refused("set", "wrong type: a string", || {
        load_text(String::new(), vec![format!("seed={}", "[".repeat(10_000))])
    });
    assert_refused("set", "a path that is too long", || {
        load_text(
            String::new(),
            vec![format!("{}=1", vec!["a"; 200_000].join("."))],
        )
    });
}

#[test]
fn a_file_of_100_mb_is_refused_unread() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("large.toml");
    let file = fs::File::create(&path).expect("a file can be made");
    file.set_len(100_000_000).expect("the file is sparse");
    let title = format!(
        "cannot read {}: 100000000 bytes or more, at most 1048576 are read; use `count` for many \
         equal ones",
        path.display()
    );
    assert_refused("large.toml", &title, || load_file(path));
}

#[test]
fn floods_of_errors_are_counted_and_not_kept() {
    for (text, title) in [
        (
            "=\n".repeat(500_000),
            "unquoted keys cannot be empty, expected letters, numbers, `-`, `_`",
        ),
        (
            (0..90_000).map(|i| format!("k{i}=1\n")).collect(),
            "unknown key `k0` in the scenario",
        ),
        (
            (0..60_000).map(|i| format!("[fault.a{i}]\n")).collect(),
            "60000 tables in `fault`",
        ),
        (
            format!("k = \"{}\"\n", "x".repeat(1_000_000)),
            "unknown key `k` in the scenario",
        ),
    ] {
        assert_refused(title, title, || load_text(text, Vec::new()));
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_do_not_lead_out_of_the_folder() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::os::unix::fs::symlink(data("rack-loss.toml"), folder.path().join("link.toml"))
        .expect("a link can be made");
    let path = folder.path().join("a.toml");
    fs::write(&path, "extends = \"link.toml\"\n").expect("a file can be written");
    let title = "path `link.toml` leaves the folder of the scenario";
    assert_refused("a.toml", title, || load_file(path));
}

/// One change of a text.
#[derive(Clone, Debug)]
enum Edit {
    Delete { at: usize, length: usize },
    Insert { at: usize, text: String },
    Duplicate { at: usize, length: usize },
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0usize..10_000;
    let tokens = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        "\"",
        "=",
        ".",
        ",",
        "\n",
        "nan",
        "-inf",
        "1e400",
        "-1",
        "0",
        "true",
        "99999999999999999999",
        "\"1ns\"",
        "\"0s\"",
        "\"731d\"",
        "[[",
        "*",
        " random of ",
        "<=",
        "\u{200b}",
        "\u{0}",
        "\u{1f4a5}",
        "steady",
        "of fault.",
        "\"100%\"",
        "1979-05-27",
    ]);
    prop_oneof![
        (at.clone(), 1usize..40).prop_map(|(at, length)| Edit::Delete { at, length }),
        (at.clone(), tokens).prop_map(|(at, text)| Edit::Insert {
            at,
            text: text.to_string()
        }),
        (at, 1usize..200).prop_map(|(at, length)| Edit::Duplicate { at, length }),
    ]
}

fn apply(text: &mut Vec<char>, edit: &Edit) {
    let clamp = |at: usize, text: &[char]| at % (text.len() + 1);
    match edit {
        Edit::Delete { at, length } => {
            let start = clamp(*at, text);
            let end = (start + length).min(text.len());
            text.drain(start..end);
        }
        Edit::Insert { at, text: inserted } => {
            let at = clamp(*at, text);
            text.splice(at..at, inserted.chars());
        }
        Edit::Duplicate { at, length } => {
            let start = clamp(*at, text);
            let end = (start + length).min(text.len());
            let copy: Vec<char> = text[start..end].to_vec();
            text.splice(end..end, copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever is done to a valid scenario: it loads or it draws an error.
    #[test]
    fn mutations_load_or_draw_an_error(edits in prop::collection::vec(edit(), 1..6)) {
        let text = fs::read_to_string(data("everything.toml")).expect("it is there");
        let mut text: Vec<char> = text.chars().collect();
        for edit in &edits {
            apply(&mut text, edit);
        }
        let loaded = load_text(text.into_iter().collect(), Vec::new());
        loaded.diagnostics.render(&loaded.sources, false);
        prop_assert_eq!(loaded.scenario.is_some(), loaded.diagnostics.error_count() == 0);
        explain(&loaded);
    }

    /// Whatever is written behind `--set`: it loads or it draws an error.
    #[test]
    fn overrides_load_or_draw_an_error(
        path in prop::sample::select(vec![
            "seed", "service.db.group.new.count", "service.db.service_time", "network.loss",
            "client.shop.call.api.balancer", "fault.f-crash.target", "expect.ratio",
            "client.shop.arrivals.rate", "compare.variant", "registry.profile", "x.y", "",
        ]),
        value in ".{0,20}",
    ) {
        let text = fs::read_to_string(data("rack-loss.toml")).expect("it is there");
        let loaded = load_text(text, vec![format!("{path}={value}")]);
        loaded.diagnostics.render(&loaded.sources, false);
        prop_assert_eq!(loaded.scenario.is_some(), loaded.diagnostics.error_count() == 0);
    }
}
