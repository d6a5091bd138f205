//! Whether the latency of requests is split into its parts.

use super::super::context::Context;
use super::super::section::Section;
use super::super::source::Origin;
use crate::scenario::expect::{Bound, Expectation};

/// As the scenario says, or else whether an expectation needs it.
pub fn has_breakdown(
    ctx: &mut Context,
    root: &Section,
    expectations: &[(Expectation, Origin)],
) -> bool {
    let needs = |(expectation, _): &(Expectation, Origin)| {
        let is_of_bound = match &expectation.bound {
            Bound::Multiple { measure, .. } => measure.measure.is_of_breakdown(),
            Bound::Value { .. } => false,
        };
        is_of_bound || expectation.measure.measure.is_of_breakdown()
    };
    let is_needed = expectations.iter().any(needs);
    root.bool(ctx, "breakdown").unwrap_or(is_needed)
}
