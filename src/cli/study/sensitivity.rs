//! `stormglass sensitivity`.

use super::super::compare::variants::split_values;
use super::super::interrupt::Interrupt;
use super::super::load::{self, refused, show_diagnostics};
use super::super::run::jobs_that_fit;
use super::super::style::Console;
use super::super::{CliError, Exit};
use super::args::SensitivityArgs;
use super::sensitivity_text::{Found, show, write_chart};
use super::{Listener, failed};
use crate::experiment::plan::Plan;
use crate::experiment::sensitivity::{Effect, End, FLIP_STEP_COUNT, sort};
use crate::experiment::study::Study;
use crate::scenario::Scenario;
use crate::scenario::load::axis;
use crate::scenario::load::limits::estimate;
use crate::scenario::load::point::Base;
use crate::scenario::sensitivity::{SensitivityConfig, UncertainInput};

/// What is looked at unless somebody says otherwise.
const MEASURE: &str = "latency.p99";
/// Replications of an end unless somebody says otherwise.
const REPEAT: u32 = 10;

/// Varies every uncertain input and says how far a number moves.
pub fn run(args: &SensitivityArgs, console: &mut Console) -> Result<Exit, CliError> {
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let input = load::input(Some(&args.scenario), &sets, &args.load.limits)?;
    let mut loaded = crate::scenario::load::load(&input);
    let Some(scenario) = loaded.scenario.take() else {
        show_diagnostics(&loaded, console);
        return Err(refused(&loaded));
    };
    let measure = args.metric.clone().unwrap_or_else(|| {
        let config = scenario.sensitivity.as_ref();
        config.map_or(MEASURE.to_string(), |config| config.measure.clone())
    });
    let base = Base::open(&input, std::slice::from_ref(&measure)).map_err(|loaded| {
        show_diagnostics(&loaded, console);
        refused(&loaded)
    })?;
    let config = config(args, &scenario, &base, measure)?;
    let interrupt = Interrupt::listen()?;
    let mut lab = Lab {
        args,
        seed: scenario.seed,
        repeat: config.repeat,
        base: base.judged(),
        interrupt: &interrupt,
    };
    let found = study(&mut lab, &config, scenario.name, console)?;
    if let Some(name) = &args.chart {
        write_chart(&found, name)?;
    }
    show(args.format, &found, console)?;
    Ok(Exit::Done)
}

/// `[sensitivity]` as the flags change it.
fn config(
    args: &SensitivityArgs,
    scenario: &Scenario,
    base: &Base,
    measure: String,
) -> Result<SensitivityConfig, CliError> {
    let known = scenario.sensitivity.as_ref();
    let inputs = match (args.inputs.is_empty(), known) {
        (false, _) => {
            let inputs = args.inputs.iter().map(|text| input_of(text, base));
            inputs.collect::<Result<_, _>>()?
        }
        (true, Some(config)) => config.inputs.clone(),
        (true, None) => {
            return Err(CliError::Usage(format!(
                "{} has no [sensitivity]; name what is uncertain: --input PATH or PATH=LOW,HIGH",
                scenario.name
            )));
        }
    };
    Ok(SensitivityConfig {
        measure,
        repeat: args
            .repeat
            .or(known.map(|config| config.repeat))
            .unwrap_or(REPEAT),
        inputs,
    })
}

/// `PATH` or `PATH=LOW,HIGH`.
fn input_of(text: &str, base: &Base) -> Result<UncertainInput, CliError> {
    let refused = |problem: &str| CliError::Usage(format!("--input {text}: {problem}"));
    let (path, values) = match text.split_once('=') {
        Some((path, values)) => (path.trim(), Some(split_values(values))),
        None => (text.trim(), None),
    };
    let value = base.value_at(path);
    let value = value.ok_or_else(|| refused("the scenario does not set it; use --set first"))?;
    let ends = match values.as_deref() {
        Some([low, high]) => [axis::toml_of(low), axis::toml_of(high)],
        Some(_) => return Err(refused("expected two values, PATH=LOW,HIGH")),
        None => {
            let [low, high] = [0.8, 1.2].map(|factor| axis::scaled(&value, factor));
            let pair = low.zip(high).map(|(low, high)| [low, high]);
            pair.ok_or_else(|| refused("its value is no quantity; write PATH=LOW,HIGH"))?
        }
    };
    Ok(UncertainInput {
        name: path.to_string(),
        path: path.to_string(),
        base: value,
        ends,
    })
}

/// Runs points of the scenario.
struct Lab<'a> {
    args: &'a SensitivityArgs,
    seed: u64,
    repeat: u32,
    base: Base,
    interrupt: &'a Interrupt,
}

impl Lab<'_> {
    /// The scenario with some values changed, and its replications.
    fn study(&mut self, sets: &[String], console: &mut Console) -> Result<Study, CliError> {
        let mut loaded = self.base.point(sets);
        let label = sets.first().map_or("the scenario as it is", String::as_str);
        let scenario = loaded.scenario.take().ok_or_else(|| {
            show_diagnostics(&loaded, console);
            console.say(format_args!("hint: this was at {label}"));
            refused(&loaded)
        })?;
        let limits = &self.args.load.limits;
        let plan = Plan {
            seed: self.seed,
            replication_count: self.repeat,
            jobs: jobs_that_fit(self.args.jobs, &estimate(&scenario), limits.max_memory),
        };
        let mut study = Study::new(scenario);
        let done = study.extend(&plan, limits.max_events, &Listener(self.interrupt));
        done.map_err(|error| failed(error, label))?;
        Ok(study)
    }

    /// One end of an input.
    fn end(
        &mut self,
        input: &UncertainInput,
        toml: &str,
        of_base: &Study,
        console: &mut Console,
    ) -> Result<End, CliError> {
        let study = self.study(&[format!("{}={toml}", input.path)], console)?;
        let is_flip = study.looks_right() != of_base.looks_right();
        let flip = match is_flip {
            true => self.flip(input, toml, of_base.looks_right(), console)?,
            false => None,
        };
        Ok(End {
            toml: toml.to_string(),
            estimate: study.estimate(),
            distance: study.distance(of_base),
            state: study.state(),
            flip,
        })
    }

    /// Between which values the numbers begin to say something else, by halving the way from the
    /// value of the scenario to an end.
    fn flip(
        &mut self,
        input: &UncertainInput,
        toml: &str,
        is_right_at_base: bool,
        console: &mut Console,
    ) -> Result<Option<[String; 2]>, CliError> {
        let (mut same, mut other) = (input.base.clone(), toml.to_string());
        if axis::middle(&same, &other).is_none() {
            return Ok(None);
        }
        for _ in 0..FLIP_STEP_COUNT {
            let Some(middle) = axis::middle(&same, &other) else {
                break;
            };
            let study = self.study(&[format!("{}={middle}", input.path)], console)?;
            match study.looks_right() == is_right_at_base {
                true => same = middle,
                false => other = middle,
            }
        }
        Ok(Some([same, other]))
    }
}

fn study(
    lab: &mut Lab,
    config: &SensitivityConfig,
    name: String,
    console: &mut Console,
) -> Result<Found, CliError> {
    let of_base = lab.study(&[], console)?;
    let mut effects = Vec::new();
    for (place, input) in (1..).zip(&config.inputs) {
        let [low, high] = &input.ends;
        let ends = [
            lab.end(input, low, &of_base, console)?,
            lab.end(input, high, &of_base, console)?,
        ];
        effects.push(Effect {
            name: input.name.clone(),
            base: input.base.clone(),
            ends,
        });
        console.detail(format_args!(
            "{place} of {} inputs done",
            config.inputs.len()
        ));
    }
    sort(&mut effects, of_base.estimate());
    Ok(Found {
        name,
        measure: config.measure.clone(),
        seed: lab.seed,
        repeat: config.repeat,
        effects,
        base: of_base,
    })
}
