//! Observers that pass everything on: one that is a function, so that runs with many of them are
//! compiled once, and one that is borrowed.

use super::step::Step;
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

impl<T: Observer> Observer for &mut T {
    const FOLLOWS: bool = T::FOLLOWS;

    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        (**self).observe(at, observation);
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        (**self).follow(at, step);
    }

    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        (**self).observe_step(at, observation, step);
    }
}
