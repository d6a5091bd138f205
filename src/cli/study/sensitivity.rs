//! `stormglass sensitivity`.

use std::io;
use std::path::{Path, PathBuf};

use super::super::args::Format;
use super::super::chart::beginning;
use super::super::command::repeat_sensitivity;
use super::super::compare::variants::split_values;
use super::super::interrupt::Interrupt;
use super::super::load;
use super::super::look_args::ChartFormat;
use super::super::overwrite::{OutputKind, check_output};
use super::super::print::{escape, table_markdown, table_text};
use super::super::style::{Console, HEADING};
use super::super::{CliError, Exit, temporary};
use super::args::SensitivityArgs;
use super::directory::Desk;
use super::lab::{Lab, StudyMeter};
use crate::experiment::sensitivity::{Effect, End, FLIP_STEP_COUNT, Flip, adjust, sort};
use crate::experiment::study::Study;
use crate::metrics::evaluate::VerdictState;
use crate::report::files::write_table;
use crate::report::manifest::Kind;
use crate::report::study::StudyFacts;
use crate::report::study::sensitivity::{
    Found, facts_text, picture, sentences, table, write_csv, write_files, write_json,
};
use crate::scenario::Scenario;
use crate::scenario::load::axis;
use crate::scenario::load::point::Base;
use crate::scenario::sensitivity::{SensitivityConfig, UncertainInput};

/// What is looked at unless somebody says otherwise.
const MEASURE: &str = "latency.p99";
/// Replications of an end unless somebody says otherwise.
const REPEAT: u32 = 10;

/// Varies every uncertain input and says how far a number moves.
pub fn run(args: &SensitivityArgs, console: &mut Console) -> Result<Exit, CliError> {
    let (input, scenario) = load::subject(&args.scenario, &args.load, args.seed, false, console)?;
    let measure = args.metric.clone().unwrap_or_else(|| {
        let config = scenario.sensitivity.as_ref();
        config.map_or(MEASURE.to_string(), |config| config.measure.clone())
    });
    let base = load::open(&input, std::slice::from_ref(&measure), console)?;
    let config = config(args, &scenario, &base, measure)?;
    let interrupt = Interrupt::listen()?;
    let desk = Desk::open(args.out.as_deref(), Kind::Sensitivity)?;
    let point_count = u32::try_from(1 + 2 * config.inputs.len()).expect("inputs are few");
    let run_count = point_count.saturating_mul(config.repeat);
    let mut inquiry = Inquiry {
        seed: scenario.seed,
        repeat: config.repeat,
        lab: Lab {
            base: base.judged(),
            limits: &args.load.limits,
            jobs: args.jobs,
            meter: StudyMeter::start(console.progress_mode(), &interrupt, run_count),
            runs: Vec::new(),
        },
    };
    let found = study(&mut inquiry, &config, scenario.name.clone(), console)?;
    if let Some(took) = inquiry.lab.meter.runs().finish() {
        console.note(took);
    }
    if let Some(name) = &args.chart {
        write_chart(&found, name)?;
    }
    let (lab, command) = (&inquiry.lab, repeat_sensitivity(args));
    let (facts, place) = desk.close(
        (lab, &scenario),
        ("sensitivity", command),
        |writer, facts| write_files(writer, &found, facts, !args.no_charts),
    )?;
    show(args.format, &found, &facts, &place, console)?;
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

/// Points of the scenario, all with the same replications.
struct Inquiry<'a> {
    seed: u64,
    repeat: u32,
    lab: Lab<'a>,
}

impl Inquiry<'_> {
    /// The scenario with some values changed, and its replications.
    fn study(&mut self, sets: &[String], console: &mut Console) -> Result<Study, CliError> {
        let label = sets.first().map_or("the scenario as it is", String::as_str);
        let mut study = Study::new(self.lab.scenario(sets, label, console)?);
        self.lab.extend(&mut study, self.seed, self.repeat, label)?;
        self.lab.note(sets, &study);
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
            p_adjusted: None,
            state: study.state(),
            flip,
        })
    }

    /// Where the numbers begin to say something else, by halving the way from the value of the
    /// scenario to an end, for as long as the replications tell.
    fn flip(
        &mut self,
        input: &UncertainInput,
        toml: &str,
        is_right_at_base: bool,
        console: &mut Console,
    ) -> Result<Option<Flip>, CliError> {
        let (mut same, mut other) = (input.base.clone(), toml.to_string());
        if axis::middle(&same, &other).is_none() {
            return Ok(None);
        }
        let more = FLIP_STEP_COUNT.saturating_mul(self.repeat);
        self.lab.meter.runs().plan_more(more);
        let mut is_undecided = false;
        for _ in 0..FLIP_STEP_COUNT {
            let Some(middle) = axis::middle(&same, &other) else {
                break;
            };
            let study = self.study(&[format!("{}={middle}", input.path)], console)?;
            is_undecided = study.state() == VerdictState::Undecided;
            if is_undecided {
                break;
            }
            match study.looks_right() == is_right_at_base {
                true => same = middle,
                false => other = middle,
            }
        }
        Ok(Some(Flip {
            same,
            other,
            is_undecided,
        }))
    }
}

fn study(
    inquiry: &mut Inquiry,
    config: &SensitivityConfig,
    name: String,
    console: &mut Console,
) -> Result<Found, CliError> {
    let of_base = inquiry.study(&[], console)?;
    let mut effects = Vec::new();
    for (place, input) in (1..).zip(&config.inputs) {
        let [low, high] = &input.ends;
        let ends = [
            inquiry.end(input, low, &of_base, console)?,
            inquiry.end(input, high, &of_base, console)?,
        ];
        effects.push(Effect {
            name: input.name.clone(),
            base: input.base.clone(),
            ends,
        });
        let words = format_args!("{place} of {} inputs done", config.inputs.len());
        let runs = inquiry.lab.meter.runs();
        runs.aside(|| console.detail(words));
    }
    adjust(&mut effects);
    sort(&mut effects, of_base.estimate());
    Ok(Found {
        name,
        measure: config.measure.clone(),
        seed: inquiry.seed,
        repeat: config.repeat,
        effects,
        base: of_base,
    })
}

/// Writes the tornado as SVG, PNG and CSV.
fn write_chart(found: &Found, name: &Path) -> Result<(), CliError> {
    let stem = name.file_name().unwrap_or_default().to_string_lossy();
    let picture = picture(found, &stem);
    let mut table = Vec::new();
    write_table(&picture.table(), &mut table)?;
    let files = [
        ("svg", ChartFormat::Svg, picture.svg().into_bytes()),
        ("png", ChartFormat::Png, picture.png()),
        ("csv", ChartFormat::Csv, table),
    ]
    .map(|(ending, format, bytes)| {
        let path = PathBuf::from(format!("{}.{ending}", name.display()));
        (path, format, bytes)
    });
    for (path, format, bytes) in &files {
        let beginning = beginning(*format, bytes);
        let option = "--chart";
        check_output(path, OutputKind::Chart { option, beginning }, &[])?;
    }
    for (path, _, bytes) in &files {
        temporary::write(path, bytes).map_err(|source| CliError::File {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(())
}

fn show(
    format: Format,
    found: &Found,
    facts: &StudyFacts,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    let report = place.join("report.html");
    let (name, line) = (&found.name, facts_text(found));
    match format {
        Format::Text => {
            let out = console.out();
            writeln!(out, "{HEADING}{name}{HEADING:#} \u{b7} {line}\n")?;
            table_text(&table(found), out)?;
            writeln!(out)?;
            for sentence in sentences(found) {
                writeln!(out, "  {sentence}")?;
            }
            writeln!(out, "\n  digest {}\n  {}", facts.digest, report.display())?;
            writeln!(out, "repeat with: {}", facts.command)?;
        }
        Format::Md => {
            let out = console.out();
            writeln!(out, "# {}\n\n{}\n", escape(name), escape(&line))?;
            for sentence in sentences(found) {
                writeln!(out, "- {}", escape(&sentence))?;
            }
            table_markdown(&table(found), out)?;
        }
        Format::Csv => write_csv(found, console.out())?,
        Format::Json => write_json(found, console.out())?,
    }
    if format != Format::Text {
        console.note(report.display());
    }
    Ok(())
}
