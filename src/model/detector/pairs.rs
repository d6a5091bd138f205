//! The pairs of a calling side and an instance that its detector watches, and what comes of it.

use std::sync::Arc;

use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId};
use crate::model::network::pair_hash;
use crate::model::observation::{ExclusionCause, Observation, Observer, Suspector};
use crate::model::world::World;
use crate::scenario::detector::DetectorConfig;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The detector of a calling side.
    pub(in crate::model) fn detector_config(&self, caller: CallerId) -> Option<DetectorConfig> {
        let edge = self.callers[caller.index()].edge;
        self.scenario.edges[edge.index()].detector
    }

    /// Begins to watch what is on the list of a calling side, and stops with what is not.
    pub(in crate::model) fn sync_pairs(&mut self, caller: CallerId) {
        let Some(config) = self.detector_config(caller) else {
            return;
        };
        if let DetectorConfig::Gossip { cluster } = config {
            return self.sync_gossip(caller, cluster);
        }
        let listed = Arc::clone(&self.callers[caller.index()].listed);
        let old = std::mem::take(&mut self.callers[caller.index()].pairs);
        let mut pairs = Vec::with_capacity(listed.members.len());
        for (instance, slot) in &old {
            if listed.position(*instance).is_some() {
                pairs.push((*instance, *slot));
            } else {
                self.remove_pair(&config, *slot);
            }
        }
        self.callers[caller.index()]
            .suspects
            .retain(|i| listed.position(*i).is_some());
        let kept = pairs.len();
        for member in &listed.members {
            let instance = member.instance;
            let is_kept = pairs[..kept]
                .binary_search_by_key(&instance, |p| p.0)
                .is_ok();
            if !is_kept {
                let slot = match &config {
                    DetectorConfig::Check(check) => self.add_ping_pair(caller, instance, check),
                    DetectorConfig::Push(push) => self.add_push_pair(caller, instance, push),
                    DetectorConfig::Gossip { .. } => unreachable!("gossip has no pairs"),
                };
                pairs.push((instance, slot));
            }
        }
        pairs.sort_unstable();
        self.callers[caller.index()].pairs = pairs;
    }

    /// Ends a pair, and with it what its calling side believed.
    fn remove_pair(&mut self, config: &DetectorConfig, slot: u32) {
        match config {
            DetectorConfig::Check(_) => self.remove_ping_pair(slot),
            DetectorConfig::Push(_) => self.remove_push_pair(slot),
            DetectorConfig::Gossip { .. } => unreachable!("gossip has no pairs"),
        }
    }

    /// A calling side died: it watches nobody.
    pub(in crate::model) fn stop_watching(&mut self, caller: CallerId) {
        let Some(config) = self.detector_config(caller) else {
            return;
        };
        for (_, slot) in std::mem::take(&mut self.callers[caller.index()].pairs) {
            self.remove_pair(&config, slot);
        }
        if let DetectorConfig::Gossip { .. } = config {
            self.change_suspects(caller, Vec::new());
        }
    }

    /// A calling side watches others: it suspects these of them, ascending.
    pub(in crate::model) fn change_suspects(&mut self, caller: CallerId, after: Vec<InstanceId>) {
        let suspector = Suspector::Caller(caller);
        let before = std::mem::take(&mut self.callers[caller.index()].suspects);
        for instance in before.iter().copied() {
            if after.binary_search(&instance).is_err() {
                self.observe(Observation::Forgotten {
                    suspector,
                    instance,
                });
            }
        }
        for instance in after.iter().copied() {
            if before.binary_search(&instance).is_err() {
                self.observe(Observation::Suspected {
                    suspector,
                    instance,
                });
            }
        }
        self.callers[caller.index()].suspects = after;
    }

    /// Names a pair in keyed draws: both nodes and the edge.
    pub(super) fn pair_name(&self, caller: CallerId, instance: InstanceId) -> u64 {
        let side = &self.callers[caller.index()];
        let link = (side.node, self.instance_node(instance));
        pair_hash(&self.nodes, link) ^ self.edge_hash(side.edge)
    }

    /// A calling side leaves out an instance that it has not checked yet. Its candidates follow
    /// when it has taken over its list.
    pub(super) fn leave_out_unverified(&mut self, (caller, instance): (CallerId, InstanceId)) {
        let suspects = &mut self.callers[caller.index()].suspects;
        if let Err(place) = suspects.binary_search(&instance) {
            suspects.insert(place, instance);
        }
    }

    /// The first check of an instance has failed.
    pub(super) fn suspect_unverified(&mut self, (caller, instance): (CallerId, InstanceId)) {
        let suspector = Suspector::Caller(caller);
        self.observe(Observation::Suspected {
            suspector,
            instance,
        });
    }

    /// The first check of an instance has passed.
    pub(super) fn take_in_verified(&mut self, (caller, instance): (CallerId, InstanceId)) {
        let suspects = &mut self.callers[caller.index()].suspects;
        if let Ok(place) = suspects.binary_search(&instance) {
            suspects.remove(place);
            self.refresh_candidates(caller, ExclusionCause::Detector);
        }
    }

    /// A calling side changes what it believes of an instance.
    pub(in crate::model) fn set_suspected(
        &mut self,
        (caller, instance): (CallerId, InstanceId),
        is_suspected: bool,
    ) {
        let suspects = &mut self.callers[caller.index()].suspects;
        let suspector = Suspector::Caller(caller);
        match (suspects.binary_search(&instance), is_suspected) {
            (Err(place), true) => suspects.insert(place, instance),
            (Ok(place), false) => {
                suspects.remove(place);
            }
            _ => unreachable!("a pair and its calling side believe the same"),
        }
        self.observe(if is_suspected {
            Observation::Suspected {
                suspector,
                instance,
            }
        } else {
            Observation::Trusted {
                suspector,
                instance,
            }
        });
        self.refresh_candidates(caller, ExclusionCause::Detector);
    }
}
