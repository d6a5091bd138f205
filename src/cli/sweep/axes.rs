//! The axes that a scenario or the flags name.

use super::super::CliError;
use super::super::compare::variants::split_values;
use super::args::AxisArgs;
use crate::scenario::Scenario;
use crate::scenario::load::axis;
use crate::scenario::load::sweep::MEASURES;
use crate::scenario::sweep::{Axis, SweepConfig};

/// Replications of a point unless somebody says otherwise.
const REPEAT: u32 = 5;

/// `[sweep]` with the axes and constraints of the flags.
pub fn config(args: &AxisArgs, scenario: &Scenario) -> Result<SweepConfig, CliError> {
    let mut config = match (&scenario.sweep, args.axes.is_empty()) {
        (Some(config), _) => config.clone(),
        (None, false) => SweepConfig {
            axes: Vec::new(),
            repeat: REPEAT,
            measures: MEASURES.map(str::to_string).to_vec(),
            constraints: Vec::new(),
            pareto: None,
            objectives: Vec::new(),
        },
        (None, true) => {
            return Err(CliError::Usage(format!(
                "{} has no [sweep]; name what is varied: --axis PATH=A,B or PATH=1s..9s/5",
                scenario.name
            )));
        }
    };
    if !args.axes.is_empty() {
        config.axes = args
            .axes
            .iter()
            .map(|text| axis_of(text))
            .collect::<Result<_, _>>()?;
        config.constraints.clear();
        refuse_twice(&config.axes)?;
    }
    if !args.wheres.is_empty() {
        let read = |text: &String| {
            let constraint = axis::constraint(text, &config.axes);
            constraint.map_err(|problem| CliError::Usage(format!("--where {text}: {problem}")))
        };
        config.constraints = args.wheres.iter().map(read).collect::<Result<_, _>>()?;
    }
    Ok(config)
}

/// `PATH=A,B` or `PATH=1s..9s/5 log`; the axis is called like its path.
fn axis_of(text: &str) -> Result<Axis, CliError> {
    let refused = |problem: &str| CliError::Usage(format!("--axis {text}: {problem}"));
    let (path, values) = text
        .split_once('=')
        .ok_or_else(|| refused("a path without values; write PATH=A,B or PATH=1s..9s/5"))?;
    let (path, values) = (path.trim(), values.trim());
    let tomls = match axis::is_range(values) {
        true => axis::range_values(values).map_err(|problem| refused(&problem))?,
        false => split_values(values)
            .iter()
            .map(|value| axis::toml_of(value))
            .collect(),
    };
    if tomls.iter().any(|toml| toml == "\"\"") {
        return Err(refused("a value is missing"));
    }
    Ok(axis::axis(path, path, tomls))
}

fn refuse_twice(axes: &[Axis]) -> Result<(), CliError> {
    for (place, axis) in axes.iter().enumerate() {
        if axes[..place].iter().any(|before| before.path == axis.path) {
            return Err(CliError::Usage(format!("two axes on `{}`", axis.path)));
        }
        if axis.path == "seed" {
            return Err(CliError::Usage(
                "an axis on `seed`; points are run on the same seeds, and --repeat takes several"
                    .to_string(),
            ));
        }
    }
    Ok(())
}
