//! `minimize latency.p99 subject to success_ratio >= 99.9% and amplification <= 1.2`.

use super::super::CliError;
use crate::experiment::optimize::{Aim, Goal};

const FORM: &str = "write minimize MEASURE, or maximize, [subject to CONSTRAINT [and CONSTRAINT]]";

/// Reads a goal; measures and constraints are checked with the scenario.
pub fn parse(text: &str) -> Result<Goal, CliError> {
    let refused = |problem: &str| CliError::Usage(format!("`{text}`: {problem}; {FORM}"));
    let (word, rest) = text
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(|| refused("not a goal"))?;
    let aim = match word {
        "minimize" => Aim::Minimize,
        "maximize" => Aim::Maximize,
        _ => return Err(refused(&format!("unknown aim `{word}`"))),
    };
    let (measure, constraints) = match rest.split_once(" subject to ") {
        Some((measure, constraints)) => (measure, constraints.split(" and ").collect()),
        None => (rest, Vec::new()),
    };
    let constraints: Vec<String> = constraints.iter().map(|c| c.trim().to_string()).collect();
    if measure.trim().is_empty() || constraints.iter().any(String::is_empty) {
        return Err(refused("a part is missing"));
    }
    Ok(Goal {
        aim,
        measure: measure.trim().to_string(),
        constraints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_has_an_aim_a_measure_and_constraints() {
        let text = "minimize detection_time.p99 subject to mistake_rate <= 1/day and goodput > 5/s";
        let goal = parse(text).expect("a goal");
        assert_eq!(goal.aim, Aim::Minimize);
        assert_eq!(goal.measure, "detection_time.p99");
        assert_eq!(goal.constraints, ["mistake_rate <= 1/day", "goodput > 5/s"]);
        let goal = parse("maximize goodput").expect("a goal");
        assert_eq!((goal.aim, goal.constraints.len()), (Aim::Maximize, 0));
    }

    #[test]
    fn what_is_no_goal_is_refused_with_its_form() {
        for (text, problem) in [
            ("latency.p99", "not a goal"),
            ("lower latency.p99", "unknown aim `lower`"),
            ("minimize x subject to  and y < 1", "a part is missing"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert_eq!(error, format!("`{text}`: {problem}; {FORM}"));
        }
    }
}
