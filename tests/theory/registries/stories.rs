//! What happens to one instance, as its registry and one caller see it.

use stormglass::id::{CallerId, InstanceId};
use stormglass::model::observation::{Observation, Observer};
use stormglass::time::SimTime;

use crate::support::{run_alone, scenario};

/// Times in seconds of what happened to instance 0, as the registry and caller 0 saw it.
#[derive(Debug, Default)]
pub struct Story {
    pub suspected: Vec<f64>,
    pub trusted: Vec<f64>,
    pub excluded: Vec<f64>,
    pub included: Vec<f64>,
    /// Suspicions of all instances.
    pub suspicions: Vec<(f64, InstanceId)>,
    /// All exclusions by caller 0, and all inclusions.
    pub exclusions: Vec<f64>,
    pub inclusions: Vec<f64>,
    /// Candidates of caller 0 when they changed.
    pub candidate_counts: Vec<(f64, usize)>,
    /// Lists published by the leader.
    pub publications: Vec<f64>,
}

impl Observer for Story {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let (at, target, side) = (at.as_secs_f64(), InstanceId(0), CallerId(0));
        match *observation {
            Observation::Suspected { instance, .. } => {
                self.suspicions.push((at, instance));
                if instance == target {
                    self.suspected.push(at);
                }
            }
            Observation::Trusted { instance, .. } if instance == target => self.trusted.push(at),
            Observation::Excluded {
                caller, instance, ..
            } if caller == side => {
                self.exclusions.push(at);
                if instance == target {
                    self.excluded.push(at);
                }
            }
            Observation::Included { caller, instance } if caller == side => {
                self.inclusions.push(at);
                if instance == target {
                    self.included.push(at);
                }
            }
            Observation::CandidatesChanged { caller, view, .. } if caller == side => {
                self.candidate_counts.push((at, view.members.len()));
            }
            Observation::Published { .. } => self.publications.push(at),
            _ => {}
        }
    }
}

/// Runs a scenario.
pub fn tell(text: &str) -> Story {
    let mut story = Story::default();
    run_alone(&scenario(text), &mut story);
    story
}

/// One window of a fault of nodes.
pub fn fault(name: &str, kind: &str, target: &str, at: &str, length: &str) -> String {
    format!(
        "[fault.{name}]\nkind = \"{kind}\"\ntarget = \"{target}\"\nat = \"{at}\"\n\
         for = \"{length}\"\n"
    )
}

/// The only one of these.
pub fn only(times: &[f64]) -> f64 {
    assert_eq!(times.len(), 1, "{times:?}");
    times[0]
}
