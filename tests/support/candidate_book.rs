//! Whom each calling side may send to, by what it was seen to take up and to leave out.

use std::collections::{BTreeMap, BTreeSet};

use stormglass::id::{CallerId, InstanceId};
use stormglass::model::observation::{ExclusionCause, Observation};
use stormglass::scenario::client::EdgeConfig;
use stormglass::scenario::proxy::{ForwardConfig, RetryAt};

/// Instances by calling side.
#[derive(Default)]
struct Sets(BTreeMap<CallerId, BTreeSet<InstanceId>>);

impl Sets {
    fn of(&mut self, caller: CallerId) -> &mut BTreeSet<InstanceId> {
        self.0.entry(caller).or_default()
    }

    fn has(&self, (caller, instance): (CallerId, InstanceId)) -> bool {
        self.0
            .get(&caller)
            .is_some_and(|all| all.contains(&instance))
    }
}

/// What all calling sides have.
#[derive(Default)]
pub struct CandidateBook {
    candidates: Sets,
    /// What a caller's own detector or balancer excludes: wrappers may pick it as a probe, or in
    /// panic.
    excluded: Sets,
    /// Instances that a calling side no longer has because its list does not.
    unlisted: Sets,
    /// Instances that were candidates of a calling side since its process began.
    seen: Sets,
}

impl CandidateBook {
    /// Takes note of a change.
    pub fn observe(&mut self, observation: &Observation<'_>) {
        match *observation {
            Observation::CandidatesChanged { caller, view, .. } => {
                let members = view.members.iter().map(|member| member.instance);
                let members: BTreeSet<InstanceId> = members.collect();
                self.seen.of(caller).extend(&members);
                *self.candidates.of(caller) = members;
            }
            Observation::Excluded {
                caller,
                instance,
                cause,
            } => {
                let is_own = cause != ExclusionCause::Registry;
                let sets = match is_own {
                    true => &mut self.excluded,
                    false => &mut self.unlisted,
                };
                let is_new = sets.of(caller).insert(instance);
                assert!(is_new || !is_own, "{instance:?} is excluded twice");
            }
            Observation::Included { caller, instance } => {
                self.excluded.of(caller).remove(&instance);
                self.unlisted.of(caller).remove(&instance);
            }
            _ => {}
        }
    }

    /// The process of a calling side ended: the next one has seen nobody.
    pub fn forget_seen(&mut self, caller: CallerId) {
        self.seen.of(caller).clear();
    }

    /// Whether a calling side of `edge` may send an attempt to an instance.
    pub fn may_send(&self, edge: &EdgeConfig, pair: (CallerId, InstanceId)) -> bool {
        // Wrappers may panic, and HAProxy tries the same server again, whatever became of it.
        let stays = |forward: &ForwardConfig| forward.retry_at != RetryAt::Picked;
        let may_insist =
            edge.balancer.composed().is_some() || edge.forward.as_deref().is_some_and(stays);
        // Whom its checks suspect when it is listed again, or for the first time, is no candidate.
        let is_new = self.unlisted.has(pair) || !self.seen.has(pair);
        let is_suspected = edge.detector.is_some() && is_new;
        self.candidates.has(pair) || may_insist && (self.excluded.has(pair) || is_suspected)
    }
}
