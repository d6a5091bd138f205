//! Which variants are compared, in which measures.

use std::path::{Path, PathBuf};

use super::super::load::{self, Loaded};
use super::super::style::Console;
use super::super::warmup;
use super::super::{CliError, load::input};
use super::args::CompareArgs;
use super::measures::Measures;
use crate::experiment::compare::readings_of;
use crate::scenario::Scenario;
use crate::scenario::compare::CompareConfig;
use crate::scenario::load::LoadInput;
use crate::scenario::load::source::SET_NAME;
use crate::scenario::load::suggest::{did_you_mean, one_of};
use crate::scenario::measure::AskedMeasure;

/// Most values of `--vary`.
const VALUE_COUNT_MAX: usize = 64;

/// A variant without mistakes, of which the measures and their success ratios are asked.
pub struct LoadedVariant {
    /// Its name.
    pub name: String,
    /// The scenario that it changes.
    pub path: PathBuf,
    /// What it sets, as `--set` takes it.
    pub sets: Vec<String>,
    /// What is to run.
    pub loaded: Loaded,
}

/// All variants, and what is asked of them.
pub struct Variants {
    /// The variants, in order; at least one.
    pub list: Vec<LoadedVariant>,
    /// The name of the one that the others are compared with.
    pub reference: String,
    /// What is asked.
    pub measures: Measures,
    /// The measures, in the order of [`Measures::texts`].
    pub asked: Vec<AskedMeasure>,
}

/// A variant as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    path: PathBuf,
    sets: Vec<String>,
}

/// Loads all variants. A warm-up that is to be found is found, the longest of all for all.
pub fn load_variants(args: &CompareArgs, console: &mut Console) -> Result<Variants, CliError> {
    // A pipe says what it says once.
    let read = |path: &PathBuf| input(Some(path), &[], &args.load.limits);
    let texts = args.scenarios.iter().map(read);
    let texts: Vec<LoadInput> = texts.collect::<Result<_, CliError>>()?;
    let variants = load_with(args, &texts, &[], console)?;
    let is_open = |variant: &LoadedVariant| variant.loaded.scenario.is_warmup_open;
    if !variants.list.iter().any(is_open) {
        return Ok(variants);
    }
    let (mut secs, mut first_fault) = (0.0_f64, (f64::INFINITY, ""));
    for variant in &variants.list {
        let limits = &args.load.limits;
        let found = warmup::find(&variant.loaded, args.jobs.count, limits, console)?;
        secs = secs.max(found.secs);
        if found.first_fault_secs < first_fault.0 {
            first_fault = (found.first_fault_secs, &variant.name);
        }
    }
    if first_fault.0 < secs {
        let (at, name) = first_fault;
        return Err(CliError::Usage(format!(
            "warmup = \"auto\": one variant settles at {secs} s only, after the first fault of \
             `{name}` at {at} s; let faults begin later, or write a length"
        )));
    }
    console.note(format_args!(
        "{}; the longest of all variants holds for all",
        warmup::found_text(secs)
    ));
    load_with(args, &texts, &[warmup::set(secs)], console)
}

fn load_with(
    args: &CompareArgs,
    texts: &[LoadInput],
    more_sets: &[String],
    console: &mut Console,
) -> Result<Variants, CliError> {
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let first = &args.scenarios[0];
    let text_of = |path: &Path, sets: Vec<String>| {
        let mut paths = args.scenarios.iter();
        let place = paths.position(|known| known == path);
        let text = &texts[place.expect("variants are made of the scenarios that are given")];
        LoadInput {
            sets,
            ..text.clone()
        }
    };
    let base = load::base(&text_of(first, sets.clone()), console)?;
    let (wanted, reference) = wanted(args, &base)?;
    refuse_seeds(&wanted)?;
    if 1 < args.scenarios.len() && args.seed.is_none() {
        // Files have seeds of their own; all run with that of the first.
        sets.push(format!("seed={}", base.seed));
    }
    let measures = Measures::new(args, used_compare(args, &base))?;
    let (mut said, mut list, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for Wanted {
        name,
        path,
        sets: own,
    } in wanted
    {
        let all_sets = sets.iter().chain(&own).chain(more_sets);
        let input = text_of(&path, all_sets.cloned().collect());
        let option = |kind: &str, text: &str| option_of(args, &own, kind, text);
        let mut loaded = load::variant(&input, &measures.texts, option, &mut said, console)?;
        asked = std::mem::take(&mut loaded.scenario.asked);
        loaded.scenario.asked = readings_of(&asked);
        list.push(LoadedVariant {
            name,
            path,
            sets: own.into_iter().chain(more_sets.iter().cloned()).collect(),
            loaded,
        });
    }
    refuse_other_warmups(&list)?;
    Ok(Variants {
        list,
        reference,
        measures,
        asked,
    })
}

/// The option that an argument was written after, where it is not the usual one of its kind.
/// `own` is what a variant sets itself.
fn option_of(args: &CompareArgs, own: &[String], kind: &str, text: &str) -> Option<&'static str> {
    let is_in = |list: &[String]| list.iter().any(|other| other == text);
    let is_vary = args.vary.is_some() && is_in(own);
    match kind {
        SET_NAME => is_vary.then_some("--vary"),
        _ if is_in(&args.metrics) => None,
        _ if is_in(&args.fail_if_worse) => Some("--fail-if-worse"),
        _ if args.primary.as_deref() == Some(text) => Some("--primary"),
        _ if args.margin.iter().any(|m| m.trim_start().starts_with(text)) => Some("--margin"),
        _ => None,
    }
}

/// `[compare]`, where its variants are those that are compared.
fn used_compare<'s>(args: &CompareArgs, base: &'s Scenario) -> Option<&'s CompareConfig> {
    let is_used = args.vary.is_none() && args.scenarios.len() == 1 && args.baseline.is_none();
    base.compare.as_ref().filter(|_| is_used)
}

/// The variants, and the name of the reference.
fn wanted(args: &CompareArgs, base: &Scenario) -> Result<(Vec<Wanted>, String), CliError> {
    let first = &args.scenarios[0];
    if args.baseline.is_some() {
        let now = Wanted {
            name: "now".to_string(),
            path: first.clone(),
            sets: Vec::new(),
        };
        return Ok((vec![now], super::BASELINE.to_string()));
    }
    let (wanted, named) = match &args.vary {
        Some(_) if 1 < args.scenarios.len() => {
            return Err(CliError::Usage(
                "--vary changes one scenario; these are several".to_string(),
            ));
        }
        Some(vary) => {
            let wanted = varied(vary, first)?;
            let reference = wanted[0].name.clone();
            (wanted, reference)
        }
        None if 1 < args.scenarios.len() => {
            let wanted = of_files(&args.scenarios);
            let reference = wanted[0].name.clone();
            (wanted, reference)
        }
        None => of_scenario(base, first)?,
    };
    if let [only] = &wanted[..] {
        return Err(CliError::Usage(format!(
            "only the variant `{}`; a comparison needs two",
            only.name
        )));
    }
    let reference = args.reference.as_deref().unwrap_or(&named);
    let names = || wanted.iter().map(|variant| variant.name.as_str());
    if !names().any(|known| known == reference) {
        let help = did_you_mean(reference, names()).unwrap_or_else(|| one_of(names()));
        return Err(CliError::Usage(format!(
            "unknown variant `{reference}`; {help}"
        )));
    }
    let reference = reference.to_string();
    Ok((wanted, reference))
}

/// One variant for each file, named like it; like its path where names are equal.
fn of_files(paths: &[PathBuf]) -> Vec<Wanted> {
    let names = super::names_of(paths);
    let pairs = paths.iter().zip(names);
    pairs
        .map(|(path, name)| Wanted {
            name,
            path: path.clone(),
            sets: Vec::new(),
        })
        .collect()
}

/// The variants of `[compare]`, and the name of the reference.
fn of_scenario(base: &Scenario, path: &Path) -> Result<(Vec<Wanted>, String), CliError> {
    let Some(compare) = &base.compare else {
        let name = match path == Path::new("-") {
            true => "<stdin>".to_string(),
            false => path.display().to_string(),
        };
        return Err(CliError::Usage(format!(
            "{name} has no [compare]; name the values of one path: --vary PATH=A,B"
        )));
    };
    let wanted = compare.variants.iter().map(|variant| Wanted {
        name: variant.name.clone(),
        path: path.to_path_buf(),
        sets: variant
            .sets
            .iter()
            .map(|(path, value)| format!("{path}={value}"))
            .collect(),
    });
    Ok((wanted.collect(), compare.reference.clone()))
}

/// Refuses variants with seeds of their own.
fn refuse_seeds(wanted: &[Wanted]) -> Result<(), CliError> {
    let sets_seed = |set: &String| set.split('=').next().is_some_and(|p| p.trim() == "seed");
    match wanted
        .iter()
        .find(|variant| variant.sets.iter().any(sets_seed))
    {
        None => Ok(()),
        Some(variant) => Err(CliError::Usage(format!(
            "variant `{}` sets `seed`; variants are compared on the same seeds",
            variant.name
        ))),
    }
}

/// Refuses variants that are not measured from the same instant on.
fn refuse_other_warmups(list: &[LoadedVariant]) -> Result<(), CliError> {
    let of = |variant: &LoadedVariant| {
        let scenario = &variant.loaded.scenario;
        (scenario.warmup, scenario.is_warmup_open)
    };
    match list.iter().find(|variant| of(variant) != of(&list[0])) {
        None => Ok(()),
        Some(variant) => Err(CliError::Usage(format!(
            "`{}` has another warm-up than `{}`; one cut must hold for all: --set 'warmup=\"{}\"'",
            variant.name,
            list[0].name,
            of(variant).0.max(of(&list[0]).0)
        ))),
    }
}

/// `PATH=A,B`: one variant for each value, named like it.
fn varied(vary: &str, scenario: &Path) -> Result<Vec<Wanted>, CliError> {
    let refused = |problem: &str| {
        Err(CliError::Usage(format!(
            "--vary {vary}: {problem}; write PATH=A,B, like client.shop.count=10,100"
        )))
    };
    let Some((path, values)) = vary.split_once('=') else {
        return refused("a path without values");
    };
    let values = split_values(values);
    if values.iter().any(|value| value.is_empty()) {
        return refused("a value is missing");
    }
    if VALUE_COUNT_MAX < values.len() {
        return refused(&format!("at most {VALUE_COUNT_MAX} values are possible"));
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for value in values {
        if wanted.iter().any(|variant| variant.name == value) {
            return refused(&format!("`{value}` stands there twice"));
        }
        wanted.push(Wanted {
            sets: vec![format!("{path}={value}")],
            path: scenario.to_path_buf(),
            name: value,
        });
    }
    Ok(wanted)
}
/// Splits at commas outside of quotes, brackets and braces.
pub fn split_values(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0_i32, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth <= 0 => {
                parts.push(String::new());
                continue;
            }
            (None, _) => {}
        }
        parts.last_mut().expect("there is a part").push(c);
    }
    parts.iter().map(|part| part.trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_of_values_do_not_split() {
        let text = r#"random, { policy = "a,b", choice_count = 2 },[1,2]"#;
        let parts = [
            r#"random"#,
            r#"{ policy = "a,b", choice_count = 2 }"#,
            "[1,2]",
        ];
        assert_eq!(split_values(text), parts);
    }

    #[test]
    fn every_value_is_a_variant_of_its_name() {
        let wanted = varied("client.shop.count=10,100", Path::new("a.toml")).expect("well formed");
        assert_eq!(wanted[1].name, "100");
        assert_eq!(wanted[1].sets, ["client.shop.count=100"]);
    }

    #[test]
    fn values_that_are_missing_or_twice_there_are_refused() {
        for (vary, problem) in [
            ("x", "a path without values"),
            ("x=1,,2", "a value is missing"),
            ("x=1,2,1", "`1` stands there twice"),
        ] {
            let error = varied(vary, Path::new("a.toml"))
                .expect_err(vary)
                .to_string();
            let text =
                format!("--vary {vary}: {problem}; write PATH=A,B, like client.shop.count=10,100");
            assert_eq!(error, text);
        }
    }
}
