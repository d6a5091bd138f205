//! Studies of few points with many replications: `optimize` and `sensitivity`.

pub mod args;
mod goal;
pub mod optimize;
mod optimize_text;
pub mod sensitivity;
mod sensitivity_text;

use std::ops::ControlFlow;

use super::CliError;
use super::interrupt::Interrupt;
use crate::experiment::plan::{Monitor, PlanError};
use crate::experiment::study::Distance;
use crate::report::format;
use crate::time::SimTime;

/// Passes on the user's wish to stop.
struct Listener<'a>(&'a Interrupt);

impl Monitor for Listener<'_> {
    fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
        match self.0.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn on_done(&self, _: u32) {}
}

/// A run that ended early, at a point.
fn failed(error: PlanError, label: &str) -> CliError {
    let advice = match error {
        PlanError::Interrupted => String::new(),
        _ => format!("\nhint: this was at {label}"),
    };
    CliError::Plan { error, advice }
}

/// `1.23 ± 0.04 times lower (p < 0.0001)`; of a ratio the wider half of its interval stands for
/// both.
fn distance_text(distance: &Distance, by_unit: impl Fn(f64) -> String) -> String {
    if distance.is_none() {
        return "equal in every replication".to_string();
    }
    let word = if distance.is_lower() {
        "lower"
    } else {
        "higher"
    };
    let p = match distance.p_value() {
        p if p < 0.000_1 => "p < 0.0001".to_string(),
        p => format!("p = {p:.4}"),
    };
    match distance {
        Distance::Ratio(ratio) => {
            let [low, times, high] = match distance.is_lower() {
                true => [1.0 / ratio.high, 1.0 / ratio.ratio, 1.0 / ratio.low],
                false => [ratio.low, ratio.ratio, ratio.high],
            };
            let half = (times - low).max(high - times);
            format!("{times:.3} \u{b1} {half:.3} times {word} ({p})")
        }
        Distance::Difference(contrast) => format!(
            "{} \u{b1} {} {word} ({p})",
            by_unit(contrast.difference.mean.abs()),
            by_unit(contrast.difference.half_width)
        ),
    }
}

/// `48.2 ms (47.1 ms to 49.3 ms)`.
fn estimate_text(
    estimate: Option<crate::experiment::study::Estimate>,
    by_unit: impl Fn(f64) -> String,
) -> String {
    format::optional(estimate, |estimate| {
        let ends = [estimate.low, estimate.high];
        match ends.iter().all(|end| end.is_finite()) {
            true => format!(
                "{} ({} to {})",
                by_unit(estimate.value),
                by_unit(estimate.low),
                by_unit(estimate.high)
            ),
            false => by_unit(estimate.value),
        }
    })
}
