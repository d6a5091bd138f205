//! Which variants are compared, in which measures.

use super::super::args::CompareArgs;
use super::super::load::{self, Loaded};
use super::super::style::Console;
use super::super::{CliError, load::input};
use crate::experiment::compare::questions;
use crate::scenario::Scenario;
use crate::scenario::load::LoadText;
use crate::scenario::load::suggest::{did_you_mean, one_of};

/// What is compared unless the user says otherwise.
const METRICS: [&str; 4] = [
    "success_ratio",
    "latency.p50",
    "latency.p99",
    "amplification",
];
/// Most values of `--vary`.
const VALUE_COUNT_MAX: usize = 64;

/// A variant without mistakes, of which the measures and their success ratios are asked.
pub struct LoadedVariant {
    /// Its name.
    pub name: String,
    /// What it sets, as `--set` takes it.
    pub sets: Vec<String>,
    /// What is to run.
    pub loaded: Loaded,
}

/// A variant as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    sets: Vec<String>,
}

/// The measures to compare, those of `--fail-if-worse` last.
fn measures(args: &CompareArgs) -> Vec<String> {
    let mut list = match args.metrics.is_empty() {
        true => METRICS.map(str::to_string).to_vec(),
        false => args.metrics.clone(),
    };
    list.extend(args.fail_if_worse.iter().cloned());
    let mut seen: Vec<String> = Vec::new();
    list.retain(|metric| {
        let is_new = !seen.contains(metric);
        seen.push(metric.clone());
        is_new
    });
    list
}

/// Loads all variants, and says which one is the reference.
pub fn load_variants(
    args: &CompareArgs,
    console: &mut Console,
) -> Result<(Vec<LoadedVariant>, usize), CliError> {
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let mut input = input(Some(&args.scenario), &sets, &args.load.limits)?;
    let name = match &input.text {
        LoadText::File(path) => path.display().to_string(),
        LoadText::Text { name, .. } | LoadText::Saved { name, .. } => name.clone(),
    };
    let (wanted, named) = match &args.vary {
        Some(vary) => {
            let wanted = varied(vary)?;
            let first = wanted[0].name.clone();
            (wanted, first)
        }
        None => of_scenario(&load::base(&input, console)?, &name)?,
    };
    refuse_vain(&wanted)?;
    let reference = reference(args, &wanted, &named)?;
    let measures = measures(args);
    let mut said = Vec::new();
    let mut variants = Vec::new();
    for Wanted { name, sets: own } in wanted {
        input.sets = [&sets[..], &own[..]].concat();
        let mut loaded = load::variant(&input, &measures, &mut said, console)?;
        loaded.scenario.asked = questions(&loaded.scenario.asked);
        variants.push(LoadedVariant {
            name,
            sets: own,
            loaded,
        });
    }
    Ok((variants, reference))
}

/// The variants of `[compare]`, and the name of the reference.
fn of_scenario(base: &Scenario, scenario_name: &str) -> Result<(Vec<Wanted>, String), CliError> {
    let Some(compare) = &base.compare else {
        return Err(CliError::Usage(format!(
            "{scenario_name} has no [compare]; name the values of one path: --vary PATH=A,B"
        )));
    };
    let wanted = compare.variants.iter().map(|variant| Wanted {
        name: variant.name.clone(),
        sets: variant
            .sets
            .iter()
            .map(|(path, value)| format!("{path}={value}"))
            .collect(),
    });
    Ok((wanted.collect(), compare.reference.clone()))
}

/// Refuses what cannot be compared: a single variant, and variants with seeds of their own.
fn refuse_vain(wanted: &[Wanted]) -> Result<(), CliError> {
    if let [only] = wanted {
        return Err(CliError::Usage(format!(
            "only the variant `{}`; a comparison needs two",
            only.name
        )));
    }
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

fn reference(args: &CompareArgs, wanted: &[Wanted], named: &str) -> Result<usize, CliError> {
    let name = args.reference.as_deref().unwrap_or(named);
    let names = || wanted.iter().map(|variant| variant.name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let help = did_you_mean(name, names()).unwrap_or_else(|| one_of(names()));
        CliError::Usage(format!("unknown variant `{name}`; {help}"))
    })
}

/// `PATH=A,B`: one variant for each value, named like it.
fn varied(vary: &str) -> Result<Vec<Wanted>, CliError> {
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
        let wanted = varied("client.shop.count=10,100").expect("well formed");
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
            let error = varied(vary).expect_err(vary).to_string();
            let text =
                format!("--vary {vary}: {problem}; write PATH=A,B, like client.shop.count=10,100");
            assert_eq!(error, text);
        }
    }
}
