//! What a sensitivity study found, for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::series::safe_cell;
use super::sensitivity::{Found, plain, sentences, state_word};
use crate::experiment::sensitivity::Flip;
use crate::experiment::study::Estimate;

/// Writes a line for each end of each input.
pub fn write_csv(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "input",
        "end",
        "value",
        "mean",
        "low",
        "high",
        "p",
        "p_adjusted",
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
            let side = |side: fn(&Flip) -> &String| {
                let value = end.flip.as_ref().map(side);
                value.map_or("", |value| plain(value)).to_string()
            };
            csv.write_record([
                safe_cell(&effect.name),
                which.to_string(),
                safe_cell(plain(&end.toml)),
                number(end.estimate.map(|estimate| estimate.value)),
                number(end.estimate.map(|estimate| estimate.low)),
                number(end.estimate.map(|estimate| estimate.high)),
                number(end.distance.map(|distance| distance.p_value())),
                number(end.p_adjusted),
                state_word(found, end.state).to_string(),
                side(|flip| &flip.same),
                side(|flip| &flip.other),
            ])?;
        }
    }
    csv.flush()
}

/// Writes everything as indented JSON.
pub fn write_json(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &value(found))?;
    out.write_all(b"\n")
}

fn value(found: &Found) -> Value {
    let estimate = |estimate: Option<Estimate>| {
        estimate.map(|e| json!({"value": e.value, "interval_95": [e.low, e.high]}))
    };
    let inputs = found.effects.iter().map(|effect| {
        let ends = effect.ends.iter().map(|end| {
            json!({
                "value": plain(&end.toml),
                "number": estimate(end.estimate),
                "p": end.distance.map(|distance| distance.p_value()),
                "p_adjusted": end.p_adjusted,
                "expectations": end.state,
                "flips_between": end.flip.as_ref().map(|flip| {
                    [&flip.same, &flip.other].map(|value| plain(value))
                }),
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
