//! From a scenario, or from a plan, to the runs of a sweep.

use std::path::{Path, PathBuf};

use super::super::CliError;
use super::super::args::LimitArgs;
use super::super::kept::KeptScenario;
use super::super::load::{self, show_diagnostics};
use super::super::style::Console;
use super::args::SweepArgs;
use super::axes;
use crate::experiment::sweep::execute::PointSource;
use crate::experiment::sweep::objective::Objective;
use crate::experiment::sweep::points::SweepPlan;
use crate::report::files::KeptInput;
use crate::report::sweep::plan_file::{AxisRecord, PlanContents, PlanFile};
use crate::report::sweep::records::Records;
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Expectation};
use crate::scenario::load::limits::{Estimate, Limits, estimate};
use crate::scenario::load::point::Base;
use crate::scenario::load::source::{SET_NAME, SourceKind};
use crate::scenario::load::tree::toml_string;
use crate::scenario::load::{LoadInput, LoadText, Loaded};
use crate::scenario::measure::AskedMeasure;
use crate::scenario::measure_catalog::{Direction, direction};
use crate::scenario::sweep::SweepConfig;

/// Points that are tried before a sweep begins: the first with each value of each axis. What is
/// wrong with others is found when they are run.
const CHECKED_COUNT_MAX: usize = 1_000;
/// Points of a plan, whose mistakes were found when it was made, from which its size is estimated.
const SIZED_COUNT_MAX: usize = 32;

/// A sweep without mistakes.
pub struct Job {
    /// The plan as it is written.
    pub file: PlanFile,
    /// Its runs.
    pub plan: SweepPlan,
    /// What its points change.
    pub base: Base,
    /// The measures.
    pub asked: Vec<AskedMeasure>,
    /// What is sought.
    pub objectives: Vec<Objective>,
    /// The largest of the points that were tried.
    pub estimate: Estimate,
    /// The CSV inputs, under their names in the plan.
    pub inputs: Vec<KeptInput>,
}

/// A worker's way to the scenarios of points.
struct BasePoints {
    base: Base,
    plan: SweepPlan,
}

impl PointSource for BasePoints {
    fn scenario(&mut self, point: u32) -> Result<Scenario, String> {
        let mut loaded = self.base.point(&self.plan.sets(point));
        let refused = loaded.first_error().unwrap_or_default();
        let scenario = loaded.scenario.take();
        scenario.ok_or_else(|| format!("the point is refused: {refused}"))
    }
}

impl Job {
    /// Records of its runs, of which none is known.
    pub fn no_records(&self) -> Records {
        Records::new(self.plan.run_count(), self.asked.len())
    }

    /// Sources of scenarios for workers.
    pub fn workers(&self, count: u32) -> Vec<Box<dyn PointSource>> {
        let worker = |_| -> Box<dyn PointSource> {
            Box::new(BasePoints {
                base: self.base.clone(),
                plan: self.plan.clone(),
            })
        };
        (0..count).map(worker).collect()
    }

    /// Finds the mistakes of all points, not only of the first ones with each value.
    pub fn check_all(&mut self, console: &mut Console) -> Result<(), CliError> {
        for point in 0..self.plan.point_count() {
            check_point(&mut self.base, &self.plan, point, console)?;
        }
        Ok(())
    }

    /// The sweep of a scenario, as its `[sweep]` and the flags say.
    pub fn from_scenario(args: &SweepArgs, console: &mut Console) -> Result<Self, CliError> {
        let path = args.scenario.as_deref().expect("the flags demand it");
        let (input, scenario) = load::subject(path, &args.load, args.seed, true, console)?;
        let config = config(args, &scenario)?;
        let contents = contents(&scenario, &config, &args.load.limits);
        let base = load::open(&input, &config.measures, console)?;
        let mut job = Job::new(contents, base, CHECKED_COUNT_MAX, console)?;
        job.keep_inputs()?;
        Ok(job)
    }

    /// The sweep of a plan.
    pub fn from_plan(path: &Path, console: &mut Console) -> Result<Self, CliError> {
        let file = PlanFile::read(path).map_err(|e| CliError::Usage(e.to_string()))?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let input = LoadInput {
            text: LoadText::Saved {
                name: path.display().to_string(),
                text: file.plan.scenario_toml.clone(),
                folder: folder.clone(),
            },
            sets: Vec::new(),
            limits: Limits {
                input_bytes_max: file.plan.input_bytes_max,
                memory_bytes_max: file.plan.memory_bytes_max,
                event_count_max: file.plan.event_count_max,
                // What became of a scenario by `extends` may be longer than one file.
                scenario_bytes_max: u64::MAX,
            },
        };
        let inputs = file.plan.inputs.iter().map(|input| KeptInput {
            name: input.path.clone(),
            path: folder.join(&input.path),
        });
        let inputs = inputs.collect();
        let base = load::open(&input, &file.plan.measures, console)?;
        let mut job = Job::new(file.plan, base, SIZED_COUNT_MAX, console)?;
        job.inputs = inputs;
        Ok(job)
    }

    fn new(
        mut contents: PlanContents,
        mut base: Base,
        checked_count: usize,
        console: &mut Console,
    ) -> Result<Self, CliError> {
        let plan = contents.sweep_plan().map_err(CliError::Usage)?;
        contents.point_count = plan.point_count();
        contents.run_count = plan.run_count();
        let (mut asked, mut largest) = (None, None);
        for point in plan.first_uses().into_iter().take(checked_count) {
            let scenario = check_point(&mut base, &plan, point, console)?;
            let size = estimate(&scenario);
            let is_larger = |known: &Estimate| known.memory_bytes < size.memory_bytes;
            if largest.as_ref().is_none_or(is_larger) {
                largest = Some(size);
            }
            asked.get_or_insert(scenario.asked);
        }
        let asked: Vec<AskedMeasure> = asked.expect("there is a point");
        for text in contents.pareto.iter().flatten() {
            let measure = asked.iter().find(|asked| asked.text == *text);
            let measure = measure.expect("what is compared is asked");
            if direction(&measure.measure) == Direction::Neither {
                return Err(CliError::Usage(format!(
                    "{text} is neither better high nor better low, so it has no best compromises"
                )));
            }
        }
        let objectives = objectives(&contents.objectives, &mut base, &plan, &asked, console)?;
        Ok(Job {
            file: PlanFile::new(contents),
            plan,
            base,
            asked,
            objectives,
            estimate: largest.expect("there is a point"),
            inputs: Vec::new(),
        })
    }

    /// Names the CSV inputs as they will stand beside the plan, and writes the scenario with these
    /// names into the plan.
    fn keep_inputs(&mut self) -> Result<(), CliError> {
        let kept = KeptScenario::new(&self.base)?;
        let contents = &mut self.file.plan;
        let axes = contents.axes.iter_mut();
        for value in axes.flat_map(|axis: &mut AxisRecord| &mut axis.values) {
            *value = kept.value(&self.base, value);
        }
        contents.scenario_toml = kept.toml;
        contents.inputs = kept.hashes;
        self.inputs = kept.inputs;
        self.plan = contents.sweep_plan().map_err(CliError::Usage)?;
        self.file = PlanFile::new(contents.clone());
        Ok(())
    }
}

/// Builds a point; its mistakes are shown.
fn check_point(
    base: &mut Base,
    plan: &SweepPlan,
    point: u32,
    console: &mut Console,
) -> Result<Scenario, CliError> {
    let sets = plan.sets(point);
    let mut loaded: Loaded = base.point(&sets);
    let is_of_axis = |kind: &str, text: &str| kind == SET_NAME && sets.iter().any(|it| it == text);
    let name = |kind: &str, text: &str| is_of_axis(kind, text).then_some("axis");
    loaded.sources.rename_arguments(name);
    loaded.scenario.take().ok_or_else(|| {
        show_diagnostics(&loaded, console);
        if !is_wrong_path(&loaded) {
            console.say(format_args!(
                "hint: this was the point {}; leave it out with --where, or `where` of [sweep]",
                plan.label(point)
            ));
        }
        load::refused(&loaded)
    })
}

/// Whether an error lies in the path of an argument: that is wrong with every value.
fn is_wrong_path(loaded: &Loaded) -> bool {
    let mut errors = loaded.diagnostics.iter().filter(|found| found.is_error());
    errors.any(|error| {
        let place = error.origin.map(|at| (at, loaded.sources.get(at.source)));
        place.is_some_and(|(at, source)| {
            let path_end = source.text.find('=').unwrap_or(0);
            source.kind == SourceKind::Argument && (at.start as usize) < path_end
        })
    })
}

/// Reads limits as expectations of the first point.
fn objectives(
    texts: &[String],
    base: &mut Base,
    plan: &SweepPlan,
    asked: &[AskedMeasure],
    console: &mut Console,
) -> Result<Vec<Objective>, CliError> {
    let mut sets = plan.sets(0);
    let places = 1..=texts.len();
    let set =
        |(place, text): (usize, &String)| format!("expect.objective-{place}={}", toml_string(text));
    sets.extend(places.zip(texts).map(set));
    let mut loaded = base.point(&sets);
    let scenario = loaded.scenario.take().ok_or_else(|| {
        show_diagnostics(&loaded, console);
        load::refused(&loaded)
    })?;
    let objective = |expectation: &Expectation| {
        let text = &expectation.text;
        let refused = |why: &str| CliError::Usage(format!("objective `{text}`: {why}"));
        let Bound::Value { value, .. } = &expectation.bound else {
            return Err(refused("its limit must be a number"));
        };
        let is_it = |asked: &AskedMeasure| asked.measure == expectation.measure;
        let place = asked.iter().position(is_it).ok_or_else(|| {
            refused("its measure is not read; name it in `measures`, or with --metric")
        })?;
        Ok(Objective {
            text: text.clone(),
            measure: place,
            operator: expectation.operator,
            limit: *value,
        })
    };
    let mut expectations = scenario.expectations;
    expectations.retain(|expectation| expectation.name.starts_with("objective-"));
    expectations.iter().map(objective).collect()
}

fn contents(scenario: &Scenario, config: &SweepConfig, limits: &LimitArgs) -> PlanContents {
    let mut contents = PlanContents {
        stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
        scenario_name: scenario.name.clone(),
        scenario_toml: String::new(),
        inputs: Vec::new(),
        seed: scenario.seed,
        repeat: config.repeat,
        axes: Vec::new(),
        constraints: Vec::new(),
        measures: Vec::new(),
        pareto: None,
        objectives: Vec::new(),
        event_count_max: limits.max_events,
        memory_bytes_max: limits.max_memory,
        input_bytes_max: limits.max_input,
        point_count: 0,
        run_count: 0,
    };
    contents.set_config(config);
    contents
}

/// `[sweep]` as the flags change it.
fn config(args: &SweepArgs, scenario: &Scenario) -> Result<SweepConfig, CliError> {
    let mut config = axes::config(&args.axis, scenario)?;
    config.repeat = args.repeat.unwrap_or(config.repeat);
    if let [first, second] = args.pareto.as_slice() {
        config.pareto = Some([first.clone(), second.clone()]);
        if args.metrics.is_empty() {
            config.measures = args.pareto.clone();
        }
    }
    if !args.metrics.is_empty() {
        config.measures = args.metrics.clone();
        if args.pareto.is_empty() {
            config.pareto = None;
        }
    }
    if !args.objectives.is_empty() {
        config.objectives = args.objectives.clone();
    }
    let compared: Vec<String> = config.pareto.iter().flatten().cloned().collect();
    config.measures.extend(compared);
    let mut seen: Vec<String> = Vec::new();
    config.measures.retain(|measure| {
        let is_new = !seen.contains(measure);
        seen.push(measure.clone());
        is_new
    });
    Ok(config)
}
