//! Whether the latency of requests is split into its parts.

use super::super::context::Context;
use super::super::section::Section;
use super::super::source::Origin;
use crate::scenario::expect::Expectation;
use crate::scenario::measure::{AskedMeasure, MeasureRef};

/// As the scenario says, or else whether an expectation needs it.
pub fn has_breakdown(
    ctx: &mut Context,
    root: &Section,
    expectations: &[(Expectation, Origin)],
    asked: &[AskedMeasure],
) -> bool {
    let is_part = |measure: &MeasureRef| measure.measure.is_of_breakdown();
    let is_needed = expectations.iter().any(|(e, _)| e.asks_for(is_part))
        || asked.iter().any(|asked| is_part(&asked.measure));
    root.bool(ctx, "breakdown").unwrap_or(is_needed)
}
