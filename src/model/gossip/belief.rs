//! What becomes of a belief that changed: whom it concerns outside of the cluster.

use super::Audience;
use super::view::Belief;
use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId, NodeId};
use crate::model::observation::{Observation, Observer, Suspector};
use crate::model::world::World;
use crate::scenario::detector::DetectorConfig;

/// How a member changed its mind about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeliefChange {
    /// It took the other for alive and suspects it now. Nothing else follows from that.
    Suspects,
    /// It takes the other for dead.
    Failed,
    /// The other said that it leaves.
    Left,
    /// The other is there: it came, it refuted, or it is no longer suspected.
    Alive,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A member believes something else of another one from now on. This is the one place where
    /// beliefs leave gossip. `was_failed`: it took the other for dead before.
    pub(in crate::model) fn on_belief_changed(
        &mut self,
        cluster: u32,
        (observer, subject): (NodeId, NodeId),
        change: BeliefChange,
        was_failed: bool,
    ) {
        if self.gossip.clusters[cluster as usize].audience == Audience::Registry {
            let pair = (observer, subject);
            return self.with_protocol(|protocol, port| protocol.on_belief(port, pair, change));
        }
        let is_failed = change == BeliefChange::Failed;
        if was_failed == is_failed || self.instances.len() <= subject.index() {
            return;
        }
        self.tell_belief(cluster, observer, InstanceId(subject.0), is_failed);
        if !self.gossip.has_listeners {
            return;
        }
        for caller in self.calling_sides_of(observer) {
            if self.listens_to(caller, cluster) {
                self.follow_gossip(caller, InstanceId(subject.0), is_failed);
            }
        }
    }

    /// Tells the observer of a run what a member believes.
    pub(super) fn tell_belief(
        &mut self,
        cluster: u32,
        observer: NodeId,
        instance: InstanceId,
        is_failed: bool,
    ) {
        self.tell_of_member(cluster, observer, |suspector| match is_failed {
            true => Observation::Suspected {
                suspector,
                instance,
            },
            false => Observation::Trusted {
                suspector,
                instance,
            },
        });
    }

    fn tell_of_member(
        &mut self,
        cluster: u32,
        node: NodeId,
        fact: impl FnOnce(Suspector) -> Observation<'static>,
    ) {
        if self.gossip.clusters[cluster as usize].audience == Audience::Observer {
            self.observe(fact(Suspector::Member { cluster, node }));
        }
    }

    fn listens_to(&self, caller: CallerId, cluster: u32) -> bool {
        self.detector_config(caller) == Some(DetectorConfig::Gossip { cluster })
    }

    /// A calling side believes what its own member believes.
    fn follow_gossip(&mut self, caller: CallerId, instance: InstanceId, is_failed: bool) {
        let side = &self.callers[caller.index()];
        let is_listed = side.listed.position(instance).is_some();
        let is_suspected = side.suspects.binary_search(&instance).is_ok();
        if is_listed && is_suspected != is_failed {
            self.set_suspected((caller, instance), is_failed);
        }
    }

    /// A calling side has another list: it suspects those on it that its own member takes for
    /// dead.
    pub(in crate::model) fn sync_gossip(&mut self, caller: CallerId, cluster: u32) {
        let side = &self.callers[caller.index()];
        let mut members = self.gossip.members_of(side.node);
        let own = members.find(|member| self.gossip.members[*member as usize].cluster == cluster);
        let failed = own.map_or(Vec::new(), |member| self.gossip.failed_by(member));
        drop(members);
        let mut suspects: Vec<InstanceId> = failed.into_iter().map(|n| InstanceId(n.0)).collect();
        suspects.retain(|instance| side.listed.position(*instance).is_some());
        suspects.sort_unstable();
        self.change_suspects(caller, suspects);
    }

    /// A member died and forgets what it believed; so do the timers of its suspicions.
    pub(super) fn forget_view(&mut self, member: u32) {
        let failed = self.gossip.failed_by(member);
        let state = &mut self.gossip.members[member as usize];
        let (node, cluster) = (state.node, state.cluster);
        let entries = state.view.clear();
        self.gossip.clusters[cluster as usize].entry_count -= entries.len() as u64;
        for entry in entries
            .iter()
            .filter(|entry| entry.belief == Belief::Suspect)
        {
            self.gossip.suspicions.remove(entry.suspicion);
        }
        for subject in failed {
            if subject.index() < self.instances.len() {
                let instance = InstanceId(subject.0);
                self.tell_of_member(cluster, node, |suspector| Observation::Forgotten {
                    suspector,
                    instance,
                });
            }
        }
    }
}

impl super::Gossip {
    /// What the member of a node in the registry's cluster believes of another node; None while it
    /// knows nobody.
    pub fn registry_belief(&self, observer: NodeId, subject: NodeId) -> Option<Belief> {
        let is_of_registry = |member: &u32| self.cluster(*member).audience == Audience::Registry;
        let member = self.members_of(observer).find(is_of_registry)?;
        let subject = self.members_of(subject).find(is_of_registry)?;
        let state = &self.members[member as usize];
        let cluster = &self.clusters[state.cluster as usize];
        let entry = state.view.get(&cluster.base, subject - cluster.first);
        state.is_joined.then_some(entry.belief)
    }

    /// The nodes that a member takes for dead.
    pub fn failed_by(&self, member: u32) -> Vec<NodeId> {
        let first = self.cluster(member).first;
        let node = |place| self.members[(first + place) as usize].node;
        self.failed_members(member).into_iter().map(node).collect()
    }

    /// Their places.
    pub(super) fn failed_members(&self, member: u32) -> Vec<u32> {
        let state = &self.members[member as usize];
        if !state.is_joined {
            return Vec::new();
        }
        let cluster = self.cluster(member);
        let own = state
            .view
            .entries()
            .iter()
            .filter(|entry| entry.belief.is_failed());
        let is_common = |place: &u32| !state.view.has(*place) && cluster.first + place != member;
        let common = cluster.base_reclaimed.iter().copied().filter(is_common);
        own.map(|entry| entry.subject).chain(common).collect()
    }
}
