//! What a search found, for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::series::safe_cell;
use super::optimize::{Found, state_word, verdict};
use crate::experiment::optimize::{Aim, Candidate};
use crate::experiment::study::Estimate;

/// Writes a line for each point of each round.
pub fn write_csv(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let plan = &found.plan;
    let mut csv = csv::Writer::from_writer(out);
    let mut head = vec![
        "round".to_string(),
        "place".to_string(),
        "point".to_string(),
    ];
    head.extend(plan.axes.iter().map(|axis| axis.column()));
    let last = [
        "replication_count",
        "objective",
        "low",
        "high",
        "constraints",
    ];
    head.extend(last.map(str::to_string));
    csv.write_record(&head)?;
    for (place_of_round, round) in (1..).zip(&found.rounds) {
        for (place, standing) in (1..).zip(&round.standings) {
            let mut cells = vec![
                i32::to_string(&place_of_round),
                i32::to_string(&place),
                standing.point.to_string(),
            ];
            let values = plan.values(standing.point).into_iter();
            cells.extend(values.map(|value| match value.number {
                Some(number) => number.to_string(),
                None => safe_cell(value.text()),
            }));
            cells.push(round.replication_count.to_string());
            let number = |of: fn(Estimate) -> f64| {
                let value = standing.estimate.map(of).filter(|value| value.is_finite());
                value.map_or(String::new(), |value| value.to_string())
            };
            cells.extend([number(|e| e.value), number(|e| e.low), number(|e| e.high)]);
            cells.push(state_word(standing.state).to_string());
            csv.write_record(&cells)?;
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
    let (goal, plan) = (&found.goal, &found.plan);
    let candidate = |candidate: &Candidate| {
        let study = &candidate.study;
        let values = plan.axes.iter().zip(plan.values(candidate.point));
        let setting: serde_json::Map<String, Value> = values
            .map(|(axis, value)| (axis.path.clone(), json!(value.text())))
            .collect();
        let constraints = goal.constraints.iter().zip(study.judgements());
        let constraints = constraints.map(|(text, judgement)| {
            json!({
                "constraint": text,
                "state": judgement.state,
                "value": judgement.value,
                "interval_95": judgement.interval.map(|(low, high)| [low, high]),
                "reason": judgement.reason,
            })
        });
        let estimate = study.estimate();
        json!({
            "setting": setting,
            "objective": estimate.map(|estimate| estimate.value),
            "interval_95": estimate.map(|estimate| [estimate.low, estimate.high]),
            "constraints": constraints.collect::<Vec<_>>(),
        })
    };
    let second = found.second.as_ref();
    let distance = second.and_then(|second| found.winner.study.distance(&second.study));
    json!({
        "aim": match goal.aim { Aim::Minimize => "minimize", Aim::Maximize => "maximize" },
        "measure": goal.measure,
        "fresh_seed": found.fresh_seed,
        "fresh_replication_count": found.winner.study.run_count(),
        "winner": candidate(&found.winner),
        "second": second.map(candidate),
        "is_better_than_second": distance.and_then(|distance| verdict(goal.aim, &distance)),
        "p": distance.map(|distance| distance.p_value()),
        "rounds": found.rounds.iter().map(|round| json!({
            "replication_count": round.replication_count,
            "points": round.standings.iter().map(|s| s.point).collect::<Vec<_>>(),
            "kept_count": round.kept_count,
        })).collect::<Vec<_>>(),
    })
}
