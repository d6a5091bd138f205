//! What follows single requests through a run: traces for other programs, and the story of one
//! request. Nothing of it changes a run.

pub mod change;
pub mod chrome;
pub mod lines;
pub mod messages;
pub mod slowest;
pub mod story;
pub mod words;

mod json;
mod lines_fields;
mod lines_hot;
mod names;

#[cfg(test)]
mod lines_tests;

use crate::model::observation::step::Step;
use crate::model::observation::{Observation, Observer};
use crate::time::SimTime;

/// Receives every fact of a run and every step of its requests. One compiled simulation serves all
/// followers.
pub trait Follower {
    /// Takes note of one fact.
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>);

    /// Takes note of one step of a request.
    fn follow(&mut self, at: SimTime, step: &Step);

    /// Takes note of a fact that is a step of a request as well.
    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.observe(at, observation);
        self.follow(at, step);
    }
}

/// A follower as the observer of a run.
pub struct Following<'a>(pub &'a mut dyn Follower);

impl Observer for Following<'_> {
    const FOLLOWS: bool = true;

    #[inline]
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.0.observe(at, observation);
    }

    #[inline]
    fn follow(&mut self, at: SimTime, step: &Step) {
        self.0.follow(at, step);
    }

    #[inline]
    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.0.observe_step(at, observation, step);
    }
}
