//! What a sensitivity study found: sentences, tornado, page and files.

use super::super::files::write_picture;
use super::super::format;
use super::super::html::Block;
use super::super::run_dir::{RunDirError, RunDirWriter};
use super::super::study_page::{self, paragraphs};
use super::super::sweep::pictures::quantity;
use super::super::sweep::tables::unit;
use super::super::terminal::Table;
use super::{StudyFacts, distance_text, estimate_text, page};
use crate::chart::Caption;
use crate::chart::picture::Picture;
use crate::chart::tornado::{Tornado, TornadoRow};
use crate::experiment::sensitivity::{Effect, End};
use crate::experiment::study::Study;
use crate::metrics::evaluate::VerdictState;

pub use super::sensitivity_data::{write_csv, write_json};

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
    pub(super) fn by_unit(&self, value: f64) -> String {
        format::by_unit(unit(&self.base.scenario.asked[0]), value)
    }
}

/// A row for each end of each input.
pub fn table(found: &Found) -> Table {
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
            format::optional(end.distance.zip(end.p_adjusted), |(distance, p)| {
                distance_text(&distance, p, by_unit)
            }),
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
        note: "p-values are Holm's over all ends".to_string(),
    }
}

/// Without the quotes of a text.
pub(super) fn plain(toml: &str) -> &str {
    toml.trim_matches(['"', '\''])
}

pub(super) fn state_word(found: &Found, state: VerdictState) -> &'static str {
    match (found.base.scenario.expectations.is_empty(), state) {
        (true, _) => "none",
        (_, VerdictState::Held) => "hold",
        (_, VerdictState::Failed) => "fail",
        (_, VerdictState::Undecided) => "undecided",
    }
}

/// Which input matters most, and where the verdict flips.
pub fn sentences(found: &Found) -> Vec<String> {
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
                Some(flip) => format!(
                    "; the numbers cross a limit between {} and {}{}",
                    plain(&flip.same),
                    plain(&flip.other),
                    match flip.is_undecided {
                        true => ", and these replications tell no closer",
                        false => "",
                    }
                ),
                None => String::new(),
            };
            let (name, base, other) = (&effect.name, plain(&effect.base), plain(&end.toml));
            list.push(match was == is {
                true => format!("expectations {is} at {name} = {base} and at {other}{place}"),
                false => format!(
                    "the verdict flips: expectations {was} at {name} = {base} and {is} at \
                     {other}{place}"
                ),
            });
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
    let (name, measure, values) = (&most.name, &found.measure, values.join(", "));
    match most.ends.iter().any(End::is_apart) {
        true => format!("{name} moves {measure} most: {values}"),
        false => {
            format!("no input moves {measure} by more than seeds do; {name} is farthest: {values}")
        }
    }
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

/// `latency.p99 · 10 replications each, seeds 1 to 10`.
pub fn facts_text(found: &Found) -> String {
    format!(
        "{} \u{b7} {} each, seeds {} to {}",
        found.measure,
        format::counted(u64::from(found.repeat), "replication"),
        found.seed,
        found.seed.wrapping_add(u64::from(found.repeat) - 1)
    )
}

/// The tornado as a picture of a name.
pub fn picture(found: &Found, name: &str) -> Picture {
    Picture::new(name, tornado(found))
}

/// Writes every file but the scenario and the manifest.
pub fn write_files(
    writer: &mut RunDirWriter,
    found: &Found,
    facts: &StudyFacts,
    has_charts: bool,
) -> Result<(), RunDirError> {
    writer.write("sensitivity.json", |out| write_json(found, out))?;
    writer.write("ends.csv", |out| write_csv(found, out))?;
    let picture = has_charts.then(|| picture(found, "tornado"));
    if let Some(picture) = &picture {
        write_picture(writer, picture)?;
    }
    let ends = table(found);
    let list = vec![
        ("Tornado", picture.into_iter().map(Block::Picture).collect()),
        (
            "Ends",
            vec![Block::Table(study_page::table("", &ends.heading, &ends))],
        ),
        ("Method", method()),
    ];
    let line = facts_text(found);
    let page = page(
        facts,
        ("what uncertain inputs move", line),
        sentences(found),
        list,
    );
    study_page::write(writer, &page)
}

fn method() -> Vec<Block> {
    paragraphs(&[
        "Every uncertain input is set to either end of what it may be, the others stay as they \
         are, and all are run on the same seeds; the distance from the scenario as it is comes \
         from pairs. Inputs that act together are not varied together: what two of them do at \
         once is not seen here.",
        "Where the numbers, taken as exact, say something else of the expectations at an end than \
         at the value of the scenario, the way between both is halved until the value at which \
         that changes is known to one part in 256 of the way.",
    ])
}
