//! What a sensitivity study found, as a table, as a chart and for programs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::CliError;
use super::super::args::Format;
use super::super::print::{escape, table_markdown, table_text};
use super::super::style::{Console, HEADING};
use super::{distance_text, estimate_text};
use crate::chart::Caption;
use crate::chart::picture::Picture;
use crate::chart::tornado::{Tornado, TornadoRow};
use crate::experiment::sensitivity::{Effect, End};
use crate::experiment::study::Study;
use crate::metrics::evaluate::VerdictState;
use crate::report::files::write_table;
use crate::report::format;
use crate::report::series::safe_cell;
use crate::report::sweep::pictures::quantity;
use crate::report::sweep::tables::unit;
use crate::report::terminal::Table;

/// What was found.
pub struct Found {
    /// The scenario.
    pub name: String,
    /// The number that was looked at.
    pub measure: String,
    /// Seed of the first replication everywhere.
    pub seed: u64,
    /// Replications everywhere.
    pub repeat: u32,
    /// The inputs, those that matter most first.
    pub effects: Vec<Effect>,
    /// The scenario as it is.
    pub base: Study,
}

impl Found {
    fn by_unit(&self, value: f64) -> String {
        format::by_unit(unit(&self.base.scenario.asked[0]), value)
    }
}

/// Shows what was found.
pub fn show(format: Format, found: &Found, console: &mut Console) -> io::Result<()> {
    let facts = format!(
        "{} \u{b7} {} each, seeds {} to {}",
        found.measure,
        format::counted(u64::from(found.repeat), "replication"),
        found.seed,
        found.seed.wrapping_add(u64::from(found.repeat) - 1)
    );
    match format {
        Format::Text => {
            let out = console.out();
            writeln!(out, "{HEADING}{}{HEADING:#} \u{b7} {facts}\n", found.name)?;
            table_text(&table(found), out)?;
            writeln!(out)?;
            for sentence in sentences(found) {
                writeln!(out, "  {sentence}")?;
            }
            Ok(())
        }
        Format::Md => {
            let out = console.out();
            writeln!(out, "# {}\n\n{}\n", escape(&found.name), escape(&facts))?;
            for sentence in sentences(found) {
                writeln!(out, "- {}", escape(&sentence))?;
            }
            table_markdown(&table(found), out)
        }
        Format::Csv => csv(found, console),
        Format::Json => {
            serde_json::to_writer_pretty(console.out(), &value(found))?;
            writeln!(console.out())
        }
    }
}

fn table(found: &Found) -> Table {
    let by_unit = |value| found.by_unit(value);
    let as_it_is = vec![
        "as it is".to_string(),
        String::new(),
        estimate_text(found.base.estimate(), by_unit),
        String::new(),
        state_word(found, found.base.state()).to_string(),
    ];
    let of_end = |effect: &Effect, end: &End| {
        vec![
            effect.name.clone(),
            plain(&end.toml).to_string(),
            estimate_text(end.estimate, by_unit),
            format::optional(end.distance, |distance| distance_text(&distance, by_unit)),
            state_word(found, end.state).to_string(),
        ]
    };
    let ends = found.effects.iter().flat_map(|effect| {
        let ends = effect.ends.iter();
        ends.map(move |end| of_end(effect, end))
    });
    Table {
        heading: "input".to_string(),
        columns: ["value", &found.measure, "against as it is", "expectations"]
            .map(str::to_string)
            .to_vec(),
        rows: std::iter::once(as_it_is).chain(ends).collect(),
        note: String::new(),
    }
}

/// Without the quotes of a text.
fn plain(toml: &str) -> &str {
    toml.trim_matches(['"', '\''])
}

fn state_word(found: &Found, state: VerdictState) -> &'static str {
    match (found.base.scenario.expectations.is_empty(), state) {
        (true, _) => "none",
        (_, VerdictState::Held) => "hold",
        (_, VerdictState::Failed) => "fail",
        (_, VerdictState::Undecided) => "undecided",
    }
}

/// Which input matters most, and where the verdict flips.
fn sentences(found: &Found) -> Vec<String> {
    let mut list = vec![title(found)];
    let before = found.base.state();
    let mut is_flipped = false;
    for effect in &found.effects {
        for end in &effect.ends {
            if end.state == before && end.flip.is_none() {
                continue;
            }
            is_flipped = true;
            let (was, is) = (state_word(found, before), state_word(found, end.state));
            let place = match &end.flip {
                Some([same, other]) => format!(
                    "; the numbers cross a limit between {} and {}",
                    plain(same),
                    plain(other)
                ),
                None => String::new(),
            };
            list.push(format!(
                "the verdict flips: expectations {was} at {} = {} and {is} at {}{place}",
                effect.name,
                plain(&effect.base),
                plain(&end.toml)
            ));
        }
    }
    if !is_flipped && !found.base.scenario.expectations.is_empty() {
        let word = state_word(found, before);
        list.push(format!(
            "the verdict does not flip: expectations {word} at every end"
        ));
    }
    list
}

fn title(found: &Found) -> String {
    let most = found.effects.first().expect("there is an input");
    let values = most.ends.iter().map(|end| {
        let value = format::optional(end.estimate, |estimate| found.by_unit(estimate.value));
        format!("{value} at {}", plain(&end.toml))
    });
    let values: Vec<String> = values.collect();
    format!(
        "{} moves {} most: {}",
        most.name,
        found.measure,
        values.join(", ")
    )
}

/// Writes the tornado as SVG, PNG and CSV.
pub fn write_chart(found: &Found, name: &Path) -> Result<(), CliError> {
    let stem = name.file_name().unwrap_or_default().to_string_lossy();
    let picture = Picture::new(&stem, tornado(found));
    let mut table = Vec::new();
    write_table(&picture.table(), &mut table)?;
    for (ending, bytes) in [
        ("svg", picture.svg().into_bytes()),
        ("png", picture.png()),
        ("csv", table),
    ] {
        let path = PathBuf::from(format!("{}.{ending}", name.display()));
        fs::write(&path, bytes).map_err(|source| CliError::File {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(())
}

fn tornado(found: &Found) -> Tornado {
    let base = found.base.estimate().map(|estimate| estimate.value);
    let rows = found.effects.iter().map(|effect| TornadoRow {
        label: effect.name.clone(),
        values: effect
            .ends
            .each_ref()
            .map(|end| end.estimate.map(|estimate| estimate.value)),
        intervals: effect
            .ends
            .each_ref()
            .map(|end| end.estimate.map(|estimate| (estimate.low, estimate.high))),
        inputs: effect
            .ends
            .each_ref()
            .map(|end| plain(&end.toml).to_string()),
    });
    Tornado {
        caption: Caption {
            title: title(found),
            subtitle: format!(
                "{} at both ends of every uncertain input, the others as they are; 95 % intervals",
                found.measure
            ),
            footer: format!(
                "{}, seeds {} to {}, stormglass {}",
                found.name,
                found.seed,
                found.seed.wrapping_add(u64::from(found.repeat) - 1),
                env!("CARGO_PKG_VERSION")
            ),
        },
        measure: found.measure.clone(),
        quantity: quantity(unit(&found.base.scenario.asked[0])),
        base,
        rows: rows.collect(),
    }
}

fn csv(found: &Found, console: &mut Console) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(console.out());
    csv.write_record([
        "input",
        "end",
        "value",
        "mean",
        "low",
        "high",
        "p",
        "expectations",
        "flip_from",
        "flip_to",
    ])?;
    let number = |value: Option<f64>| {
        let value = value.filter(|value| value.is_finite());
        value.map_or(String::new(), |value| value.to_string())
    };
    for effect in &found.effects {
        for (which, end) in ["low", "high"].iter().zip(&effect.ends) {
            let flip = end.flip.as_ref();
            let side = |place: usize| flip.map_or("", |flip| plain(&flip[place])).to_string();
            csv.write_record([
                safe_cell(&effect.name),
                which.to_string(),
                safe_cell(plain(&end.toml)),
                number(end.estimate.map(|estimate| estimate.value)),
                number(end.estimate.map(|estimate| estimate.low)),
                number(end.estimate.map(|estimate| estimate.high)),
                number(end.distance.map(|distance| distance.p_value())),
                state_word(found, end.state).to_string(),
                side(0),
                side(1),
            ])?;
        }
    }
    csv.flush()
}

fn value(found: &Found) -> Value {
    let estimate = |estimate: Option<crate::experiment::study::Estimate>| {
        estimate.map(|e| json!({"value": e.value, "interval_95": [e.low, e.high]}))
    };
    let inputs = found.effects.iter().map(|effect| {
        let ends = effect.ends.iter().map(|end| {
            json!({
                "value": plain(&end.toml),
                "number": estimate(end.estimate),
                "p": end.distance.map(|distance| distance.p_value()),
                "expectations": end.state,
                "flips_between": end.flip.as_ref().map(|flip| flip.each_ref().map(|v| plain(v))),
            })
        });
        json!({
            "input": effect.name,
            "base": plain(&effect.base),
            "ends": ends.collect::<Vec<_>>(),
        })
    });
    json!({
        "scenario": found.name,
        "measure": found.measure,
        "seed": found.seed,
        "replication_count": found.repeat,
        "as_it_is": estimate(found.base.estimate()),
        "expectations": found.base.state(),
        "inputs": inputs.collect::<Vec<_>>(),
        "sentences": sentences(found),
    })
}
