//! The command that makes the same results again.

use std::path::Path;

use super::args::{LimitArgs, LoadArgs, PrecisionArgs, RunArgs};
use super::compare::args::CompareArgs;
use super::study::args::{OptimizeArgs, SensitivityArgs};

/// Everything that bears on the results, quoted for a shell; what does not (`--jobs`, `--out`,
/// `--format`) is left out.
pub fn repeat_command(args: &RunArgs) -> String {
    let mut words = vec!["stormglass".to_string(), "run".to_string()];
    if let Some(scenario) = &args.scenario {
        words.push(quoted(&scenario.to_string_lossy()));
    }
    if let Some(seed) = args.seed {
        words.extend(["--seed".to_string(), seed.to_string()]);
    }
    for set in &args.load.sets {
        words.extend(["--set".to_string(), quoted(set)]);
    }
    if args.replications != 1 {
        words.extend(["--replications".to_string(), args.replications.to_string()]);
    }
    for metric in &args.metrics {
        words.extend(["--metric".to_string(), quoted(metric)]);
    }
    if let Some(path) = &args.sensitivity {
        words.extend(["--sensitivity".to_string(), quoted(&path.to_string_lossy())]);
    }
    words.extend(precision(&args.precision));
    if args.load.limits.max_events != LimitArgs::EVENT_COUNT_MAX {
        words.extend([
            "--max-events".to_string(),
            args.load.limits.max_events.to_string(),
        ]);
    }
    if args.no_charts {
        words.push("--no-charts".to_string());
    }
    if args.scenario.as_deref() == Some(Path::new("-")) {
        // The run directory holds what standard input said.
        words.push("< scenario.toml".to_string());
    }
    words.join(" ")
}

/// The command that makes the same comparison again.
pub fn repeat_comparison(args: &CompareArgs) -> String {
    let mut words = vec!["stormglass".to_string(), "compare".to_string()];
    let paths = args.scenarios.iter().map(|path| path.to_string_lossy());
    words.extend(paths.map(|path| quoted(&path)));
    let mut add = |flag: &str, value: String| words.extend([flag.to_string(), quoted(&value)]);
    if let Some(vary) = &args.vary {
        add("--vary", vary.clone());
    }
    if let Some(reference) = &args.reference {
        add("--reference", reference.clone());
    }
    if let Some(baseline) = &args.baseline {
        add("--baseline", baseline.display().to_string());
    }
    for metric in &args.metrics {
        add("--metric", metric.clone());
    }
    if let Some(primary) = &args.primary {
        add("--primary", primary.clone());
    }
    for margin in &args.margin {
        add("--margin", margin.clone());
    }
    for metric in &args.fail_if_worse {
        add("--fail-if-worse", metric.clone());
    }
    if let Some(seed) = args.seed {
        add("--seed", seed.to_string());
    }
    for set in &args.load.sets {
        add("--set", set.clone());
    }
    if let Some(replications) = args.replications {
        add("--replications", replications.to_string());
    }
    if args.load.limits.max_events != LimitArgs::EVENT_COUNT_MAX {
        add("--max-events", args.load.limits.max_events.to_string());
    }
    words.extend(precision(&args.precision));
    if args.no_charts {
        words.push("--no-charts".to_string());
    }
    if args.scenarios.iter().any(|path| path == Path::new("-")) {
        words.push("< scenario.toml".to_string());
    }
    words.join(" ")
}

/// The command that makes the same search again.
pub fn repeat_optimize(args: &OptimizeArgs) -> String {
    let mut words = study_words("optimize", &args.scenario);
    words.push(quoted(&args.goal));
    let mut add = |flag: &str, value: String| words.extend([flag.to_string(), quoted(&value)]);
    args.axis
        .axes
        .iter()
        .for_each(|axis| add("--axis", axis.clone()));
    args.axis
        .wheres
        .iter()
        .for_each(|text| add("--where", text.clone()));
    if let Some(budget) = args.budget {
        add("--budget", budget.to_string());
    }
    add("--confirm", args.confirm.to_string());
    if args.no_charts {
        words.push("--no-charts".to_string());
    }
    study_ends(words, args.seed, &args.load, &args.scenario)
}

/// The command that makes the same sensitivity study again.
pub fn repeat_sensitivity(args: &SensitivityArgs) -> String {
    let mut words = study_words("sensitivity", &args.scenario);
    let mut add = |flag: &str, value: String| words.extend([flag.to_string(), quoted(&value)]);
    args.inputs
        .iter()
        .for_each(|input| add("--input", input.clone()));
    if let Some(metric) = &args.metric {
        add("--metric", metric.clone());
    }
    if let Some(repeat) = args.repeat {
        add("--repeat", repeat.to_string());
    }
    if args.no_charts {
        words.push("--no-charts".to_string());
    }
    study_ends(words, args.seed, &args.load, &args.scenario)
}

fn study_words(verb: &str, scenario: &Path) -> Vec<String> {
    let scenario = quoted(&scenario.to_string_lossy());
    vec!["stormglass".to_string(), verb.to_string(), scenario]
}

fn study_ends(
    mut words: Vec<String>,
    seed: Option<u64>,
    load: &LoadArgs,
    scenario: &Path,
) -> String {
    let mut add = |flag: &str, value: String| words.extend([flag.to_string(), quoted(&value)]);
    if let Some(seed) = seed {
        add("--seed", seed.to_string());
    }
    load.sets.iter().for_each(|set| add("--set", set.clone()));
    if load.limits.max_events != LimitArgs::EVENT_COUNT_MAX {
        add("--max-events", load.limits.max_events.to_string());
    }
    if scenario == Path::new("-") {
        words.push("< scenario.toml".to_string());
    }
    words.join(" ")
}

fn precision(args: &PrecisionArgs) -> Vec<String> {
    let Some(ratio) = args.precision else {
        return Vec::new();
    };
    let mut words = vec!["--precision".to_string(), ratio.to_string()];
    if args.max_replications != PrecisionArgs::NONE.max_replications {
        let max = args.max_replications.to_string();
        words.extend(["--max-replications".to_string(), max]);
    }
    words
}

/// The text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Args, Verb};
    use super::*;

    fn repeat(words: &[&str]) -> String {
        let words = ["stormglass", "run"].iter().chain(words);
        match Args::try_parse_from(words).expect("well-formed").verb {
            Verb::Run(args) => repeat_command(&args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_bears_on_the_results_is_repeated_and_nothing_else() {
        assert_eq!(repeat(&[]), "stormglass run");
        assert_eq!(repeat(&["-"]), "stormglass run - < scenario.toml");
        assert_eq!(
            repeat(&[
                "a.toml", "--jobs", "4", "--out", "x", "--format", "json", "-q"
            ]),
            "stormglass run a.toml"
        );
        assert_eq!(
            repeat(&[
                "a.toml",
                "--seed",
                "0x10",
                "--replications",
                "30",
                "--no-charts"
            ]),
            "stormglass run a.toml --seed 16 --replications 30 --no-charts"
        );
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(
            repeat(&["my file.toml", "--set", "a.b=\"it's\""]),
            r#"stormglass run 'my file.toml' --set 'a.b="it'\''s"'"#
        );
    }
}
