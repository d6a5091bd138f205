//! An observer that is a function, so that runs with many of them are compiled once.

use super::{Observation, Observer};
use crate::time::SimTime;

/// An observer that is a function.
pub type Tell<'a> = dyn FnMut(SimTime, &Observation<'_>) + 'a;

/// Passes every fact on to a function.
pub(in crate::model) struct Told<'a, 'b>(pub(in crate::model) &'a mut Tell<'b>);

impl Observer for Told<'_, '_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        (self.0)(at, observation);
    }
}
