//! When the windows of triggered faults began and ended in a run.

use crate::model::observation::{FaultWindow, Observation, Observer};
use crate::time::SimTime;

/// Learns the windows of some faults from a run.
#[derive(Debug)]
pub struct WindowLearner {
    /// Which faults, by id.
    is_learned: Vec<bool>,
    /// For each fault the windows under way, and since when any was.
    open: Vec<(u32, SimTime)>,
    windows: Vec<FaultWindow>,
}

impl WindowLearner {
    /// Learns of the faults for which `is_learned` holds.
    pub fn new(is_learned: Vec<bool>) -> Self {
        WindowLearner {
            open: vec![(0, SimTime::START); is_learned.len()],
            windows: Vec::new(),
            is_learned,
        }
    }

    /// The windows, those that overlap joined.
    pub fn windows(mut self) -> Vec<FaultWindow> {
        for (fault, (count, start)) in (0..).map(crate::id::FaultId).zip(self.open) {
            if 0 < count {
                let end = SimTime::NEVER;
                self.windows.push(FaultWindow { fault, start, end });
            }
        }
        self.windows
    }
}

impl Observer for WindowLearner {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::FaultStarted { fault, .. } if self.is_learned[fault.index()] => {
                let (count, start) = &mut self.open[fault.index()];
                if *count == 0 {
                    *start = at;
                }
                *count += 1;
            }
            Observation::FaultEnded { fault, .. } if self.is_learned[fault.index()] => {
                let (count, start) = &mut self.open[fault.index()];
                *count -= 1;
                if *count == 0 {
                    let start = *start;
                    let end = at;
                    self.windows.push(FaultWindow { fault, start, end });
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FaultId;
    use crate::time::SimDuration;

    #[test]
    fn windows_that_overlap_are_joined_and_one_may_last() {
        let at = |secs| SimTime::START + SimDuration::from_secs(secs);
        let mut learner = WindowLearner::new(vec![true, false]);
        let targets = &[];
        for (secs, fault, begins) in [
            (1, 0, true),
            (2, 0, true),
            (2, 1, true),
            (3, 0, false),
            (5, 0, false),
            (6, 1, false),
            (7, 0, true),
        ] {
            let fault = FaultId(fault);
            learner.observe(
                at(secs),
                &match begins {
                    true => Observation::FaultStarted { fault, targets },
                    false => Observation::FaultEnded { fault, targets },
                },
            );
        }
        let spans = learner.windows().into_iter().map(|w| (w.start, w.end));
        let expected = [(at(1), at(5)), (at(7), SimTime::NEVER)];
        assert_eq!(spans.collect::<Vec<_>>(), expected);
    }
}
