//! How long dead registrations stay: one instance that goes down again and again.

use stormglass::id::{InstanceId, NodeId};
use stormglass::model::observation::{ControlKind, LifeState, Observation, Observer};
use stormglass::time::SimTime;

use crate::support::{run_alone, scenario};

/// The end of one registration.
#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    /// From the end of the process, or its last sign of life, to a watcher's list without it.
    pub after_down: f64,
    /// From the last message of the instance to the same.
    pub after_last_message: f64,
    /// From the last message to the registry's suspicion, if it suspected.
    pub suspected_after: Option<f64>,
    /// From the end of the process to the same.
    pub suspected_after_down: Option<f64>,
    /// From the death of a member of the registry, if one died.
    pub after_member_down: Option<f64>,
}

/// Watches instance 0 of the only service.
#[derive(Debug, Default)]
struct Watcher {
    instance_count: u32,
    first_member: u32,
    last_message: SimTime,
    down: Option<(SimTime, SimTime)>,
    suspected_at: Option<SimTime>,
    member_down_at: Option<SimTime>,
    deletions: Vec<Deletion>,
    missed_count: u64,
    /// Suspicions of other instances.
    mistake_count: u64,
}

/// What a run showed.
#[derive(Debug)]
pub struct Seen {
    /// The ends of registrations.
    pub deletions: Vec<Deletion>,
    /// Times that the instance came back before its registration ended.
    pub missed_count: u64,
    /// Suspicions of other instances, none of which ever goes down.
    pub mistake_count: u64,
}

impl Observer for Watcher {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let target = InstanceId(0);
        match *observation {
            Observation::ControlSized {
                kind: ControlKind::Heartbeat | ControlKind::Write,
                service: Some(_),
                ..
            } if self.instance_count == 1 => self.last_message = at,
            Observation::NodeChanged {
                node: NodeId(0),
                state,
                ..
            } => {
                if state == LifeState::Up {
                    self.missed_count += u64::from(self.down.take().is_some());
                } else {
                    self.down = Some((at, self.last_message));
                }
            }
            Observation::NodeChanged {
                node,
                state: LifeState::Crashed,
                ..
            } if self.first_member <= node.0 => self.member_down_at = Some(at),
            Observation::Suspected { instance, .. } if instance == target => {
                self.suspected_at = Some(at);
            }
            Observation::Suspected { .. } => self.mistake_count += 1,
            Observation::Excluded { instance, .. } if instance == target => {
                if let Some((down_at, last)) = self.down.take() {
                    let since = |from: SimTime| at.since(from).as_secs_f64();
                    let suspected = self.suspected_at.take().filter(|at| down_at <= *at);
                    self.deletions.push(Deletion {
                        after_down: since(down_at),
                        after_last_message: since(last),
                        suspected_after_down: suspected.map(|at| at.since(down_at).as_secs_f64()),
                        suspected_after: suspected.map(|at| at.since(last).as_secs_f64()),
                        after_member_down: self.member_down_at.map(since),
                    });
                }
            }
            _ => {}
        }
    }
}

/// Runs a scenario and watches instance 0.
pub fn watch(text: &str) -> Seen {
    let scenario = scenario(text);
    let topology = &scenario.topology;
    let mut watcher = Watcher {
        instance_count: topology.instance_count(),
        first_member: topology.registry_node(0).0,
        ..Watcher::default()
    };
    run_alone(&scenario, &mut watcher);
    Seen {
        deletions: watcher.deletions,
        missed_count: watcher.missed_count,
        mistake_count: watcher.mistake_count,
    }
}

/// A world of `count` instances and one caller that watches them and has nothing else to do.
pub fn world(duration_secs: u64, seed: u64, count: u32, registry: &str, faults: &str) -> String {
    format!(
        "schema = 1\nseed = {seed}\nduration = \"{duration_secs}s\"\n\
         [network]\nsame_zone = \"50us\"\n[registry]\n{registry}\n\
         [service.s]\nservice_time = \"1ms\"\ncount = {count}\n\
         [client.c]\narrivals = {{ process = \"renewal\", gap = \"{}s\" }}\n\
         [client.c.call.s]\nbalancer = \"random\"\nattempt_timeout = \"1s\"\n{faults}",
        duration_secs / 2
    )
}

/// Faults of instance 0, for `down_secs` each, at random times that many seconds apart.
pub fn again_and_again(kind: &str, down_secs: u64, gap_secs: (u64, u64)) -> String {
    let law = format!(
        "{{ dist = \"uniform\", min = \"{}s\", max = \"{}s\" }}",
        gap_secs.0, gap_secs.1
    );
    format!(
        "[fault.end]\nkind = \"{kind}\"\ntarget = \"instance:s/main/0\"\nat = {law}\n\
         every = {law}\nfor = \"{down_secs}s\"\n"
    )
}
