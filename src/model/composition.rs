//! What balancers with wrappers share, and the instances that they leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::balancer::compose::site::{Seat, Site};
use super::balancer::compose::{Change, Composed};
use super::balancer::{self, AttemptEnd, Balancer, ViewUpdate};
use super::node::Node;
use super::observation::{AttemptOutcome, ExclusionCause, Observation, Observer};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId};
use crate::rng::Purpose;
use crate::scenario::Scenario;
use crate::scenario::balancer::wrappers::SlowStartConfig;
use crate::time::SimTime;

/// What balancers with wrappers share, and the instances that they leave out.
#[derive(Debug)]
pub(super) struct Composition {
    /// Whether any balancer leaves instances out.
    pub(super) has_ejection: bool,
    /// By edge; None where the balancer has no wrappers.
    sites: Vec<Option<Arc<Site>>>,
    /// The instances of its list that the balancer of a calling side leaves out.
    ejected: BTreeMap<CallerId, BTreeSet<InstanceId>>,
    /// When the process of each instance began; empty unless somebody asks.
    started_at: Vec<Option<SimTime>>,
    changes: Vec<Change>,
}

impl Composition {
    /// Nothing is left out.
    pub(super) fn new(scenario: &Scenario, nodes: &[Node]) -> Self {
        let edges = (0..scenario.edges.len()).map(EdgeId::from_index);
        let site = |edge| Site::new(scenario, nodes, edge).map(Arc::new);
        let sites: Vec<Option<Arc<Site>>> = edges.map(site).collect();
        let configs = || sites.iter().flatten().map(|site| &site.config);
        let asks = |slow_start| matches!(slow_start, Some(SlowStartConfig::Dubbo { .. }));
        let instance_count = scenario.topology.instance_count() as usize;
        Composition {
            has_ejection: configs().any(|config| config.ejection.is_some()),
            started_at: match configs().any(|config| asks(config.slow_start)) {
                true => vec![None; instance_count],
                false => Vec::new(),
            },
            sites,
            ejected: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// The process of a node began.
    pub(super) fn note_start(&mut self, node: NodeId, now: SimTime) {
        if let Some(started_at) = self.started_at.get_mut(node.index()) {
            *started_at = Some(now);
        }
    }

    /// A calling side begins anew.
    pub(super) fn forget(&mut self, caller: CallerId) {
        self.ejected.remove(&caller);
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A new balancer of a calling side.
    pub(super) fn make_balancer(&self, caller: CallerId, edge: EdgeId) -> Box<dyn Balancer> {
        let config = &self.scenario.edges[edge.index()];
        if let Some(made) = self.exchange.made_balancer(config) {
            return made;
        }
        let Some(site) = &self.composition.sites[edge.index()] else {
            return balancer::build(&config.balancer);
        };
        let topology = &self.scenario.topology;
        let node = topology.caller_node(caller);
        let Node {
            path_hash,
            incarnation,
            zone,
            ..
        } = self.nodes[node.index()];
        let identity = path_hash ^ self.edge_hash(edge);
        let streams = &self.streams;
        Box::new(Composed::new(Seat {
            site: Arc::clone(site),
            index: caller.0 - topology.edge_callers(edge).start,
            zone,
            draw: streams.draw(
                Purpose::Composition,
                identity,
                incarnation,
                topology.side_of(caller),
            ),
        }))
    }

    /// Tells the balancer of a calling side what it has to choose from.
    pub(super) fn tell_view(&mut self, caller: CallerId) {
        let now = self.now();
        let side = &mut self.callers[caller.index()];
        side.balancer.on_update(&mut ViewUpdate {
            now,
            listed: &side.listed,
            candidates: &side.candidates,
            started_at: &self.composition.started_at,
            tables: &mut self.tables,
        });
    }

    /// The list of a calling side changed, and its candidates did not.
    pub(super) fn tell_list(&mut self, caller: CallerId) {
        let edge = self.callers[caller.index()].edge;
        if self.composition.sites[edge.index()].is_some() {
            self.tell_view(caller);
            self.forget_ejections(caller);
            self.note_ejections(caller);
        }
    }

    /// An attempt at what was picked is not sent.
    pub(super) fn give_back(&mut self, caller: CallerId, instance: InstanceId) {
        let now = self.now();
        self.callers[caller.index()]
            .balancer
            .on_outcome(&AttemptEnd {
                instance,
                outcome: AttemptOutcome::Cancelled,
                sent_at: now,
                ended_at: now,
                is_retriable: false,
            });
    }

    /// The instances that the balancer of a calling side leaves out, ascending.
    pub(super) fn ejected_by(&self, caller: CallerId) -> Vec<InstanceId> {
        let ejected = self.composition.ejected.get(&caller);
        ejected.into_iter().flatten().copied().collect()
    }

    /// An ejection ends with an instance that leaves the list.
    pub(super) fn forget_ejections(&mut self, caller: CallerId) {
        if let Some(ejected) = self.composition.ejected.get_mut(&caller) {
            let listed = &self.callers[caller.index()].listed;
            ejected.retain(|instance| listed.position(*instance).is_some());
        }
    }

    /// Tells which instances the balancer of a calling side has left out or taken back. What its
    /// own detector suspects is excluded anyway.
    pub(super) fn note_ejections(&mut self, caller: CallerId) {
        let mut changes = std::mem::take(&mut self.composition.changes);
        let side = &mut self.callers[caller.index()];
        side.balancer.take_changes(&mut changes);
        if changes.is_empty() {
            self.composition.changes = changes;
            return;
        }
        let edge = side.edge;
        for change in changes.drain(..) {
            let ejected = self.composition.ejected.entry(caller).or_default();
            let is_new = match change.is_ejected {
                true => ejected.insert(change.instance),
                false => ejected.remove(&change.instance),
            };
            let candidates = &self.callers[caller.index()].candidates;
            if is_new && candidates.position(change.instance).is_some() {
                self.tell_ejection(caller, change);
            }
        }
        self.composition.changes = changes;
        let ejected = self.ejected_by(caller);
        let candidates = &self.callers[caller.index()].candidates;
        let view = self.tables.views.without(candidates, &ejected);
        self.observe(Observation::CandidatesChanged {
            caller,
            edge,
            view: &view,
        });
    }

    fn tell_ejection(&mut self, caller: CallerId, change: Change) {
        let instance = change.instance;
        self.observe(match change.is_ejected {
            true => Observation::Excluded {
                caller,
                instance,
                cause: ExclusionCause::Ejection,
            },
            false => Observation::Included { caller, instance },
        });
    }
}
