//! What detectors believe of instances, against what is true.

use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::scenario::Scenario;
use stormglass::time::SimTime;

/// Changes of life and belief of each instance. Nodes of instances have the ids of the instances.
#[derive(Debug)]
pub struct Beliefs {
    /// When the instance went down, while nobody suspects it.
    down_since: Vec<Option<SimTime>>,
    suspected_since: Vec<Option<SimTime>>,
    trusted_since: Vec<Option<SimTime>>,
    /// Seconds to the first suspicion of any.
    pub first_suspicion: Option<f64>,
    /// Seconds from a crash to the suspicion.
    pub detections: Vec<f64>,
    /// Crashes that ended before anybody suspected.
    pub undetected_count: u64,
    /// Seconds from a suspicion to the next trust.
    pub suspicions: Vec<f64>,
    /// Seconds from trust to the next suspicion.
    pub trusts: Vec<f64>,
    /// Seconds from a suspicion to the next one.
    pub recurrences: Vec<f64>,
}

impl Beliefs {
    /// Nothing seen yet.
    pub fn new(scenario: &Scenario) -> Self {
        let count = scenario.topology.instance_count() as usize;
        Beliefs {
            down_since: vec![None; count],
            suspected_since: vec![None; count],
            trusted_since: vec![None; count],
            first_suspicion: None,
            detections: Vec::new(),
            undetected_count: 0,
            suspicions: Vec::new(),
            trusts: Vec::new(),
            recurrences: Vec::new(),
        }
    }

    /// The beliefs in a run of `text`.
    pub fn of(text: &str) -> Self {
        let scenario = super::scenario(text);
        let mut beliefs = Beliefs::new(&scenario);
        super::run(&scenario, &mut beliefs);
        beliefs
    }

    fn suspected(&mut self, at: SimTime, instance: usize) {
        self.first_suspicion.get_or_insert(at.as_secs_f64());
        if let Some(down) = self.down_since[instance].take() {
            self.detections.push(at.since(down).as_secs_f64());
        }
        if let Some(before) = self.suspected_since[instance].replace(at) {
            self.recurrences.push(at.since(before).as_secs_f64());
        }
        if let Some(trusted) = self.trusted_since[instance].take() {
            self.trusts.push(at.since(trusted).as_secs_f64());
        }
    }
}

impl Observer for Beliefs {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged { node, state, .. } => {
                let Some(down) = self.down_since.get_mut(node.index()) else {
                    return;
                };
                match state {
                    LifeState::Up => self.undetected_count += u64::from(down.take().is_some()),
                    _ => *down = Some(at),
                }
            }
            Observation::Suspected { instance, .. } => self.suspected(at, instance.index()),
            Observation::Trusted { instance, .. } => {
                let place = instance.index();
                let suspected = self.suspected_since[place].expect("it was suspected");
                self.suspicions.push(at.since(suspected).as_secs_f64());
                self.trusted_since[place] = Some(at);
            }
            _ => {}
        }
    }
}
