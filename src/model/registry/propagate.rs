//! How lists travel from the registry to the calling sides.

use std::sync::Arc;

use crate::engine::PendingSet;
use crate::id::{CallerId, ClassId, EdgeId, InstanceId, NodeId, ServiceId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict, pair_hash};
use crate::model::observation::{ControlKind, ExclusionCause, Observation, Observer};
use crate::model::view::{Member, ViewSnapshot};
use crate::model::world::{Deferred, World};
use crate::rng::mix;
use crate::scenario::registry::{Propagation, RegistryProfile};
use crate::time::SimDuration;

/// How long a watching caller that has no list waits before it asks again.
const REREAD_INTERVAL: SimDuration = SimDuration::from_secs(1);

/// Lists on the wire.
#[derive(Debug, Default)]
pub struct ListMessages {
    messages: Vec<Option<ListMessage>>,
    free: Vec<u32>,
}

/// A list on its way to a calling side.
#[derive(Debug)]
struct ListMessage {
    caller: CallerId,
    version: u64,
    view: Arc<ViewSnapshot>,
}

impl ListMessages {
    fn insert(&mut self, message: ListMessage) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.messages[slot as usize] = Some(message);
            return slot;
        }
        self.messages.push(Some(message));
        u32::try_from(self.messages.len() - 1).expect("fewer lists on the wire than events")
    }

    /// Its receiver died before it took it.
    pub fn lose(&mut self, slot: u32) {
        self.take(slot);
    }

    fn take(&mut self, slot: u32) -> ListMessage {
        self.free.push(slot);
        self.messages[slot as usize]
            .take()
            .expect("a list arrives once")
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The list of a service changed.
    pub(in crate::model) fn mark_dirty(&mut self, service: ServiceId) {
        if !std::mem::replace(&mut self.registry.is_dirty[service.index()], true)
            && (self.registry.is_up || self.is_static(service))
        {
            self.schedule_publish(service);
        }
    }

    /// Publishes a service as soon as it may; changes of one instant are published together.
    pub(in crate::model) fn schedule_publish(&mut self, service: ServiceId) {
        let at = self.registry.publish_after[service.index()].max(self.now());
        self.queue.push_last(at, Event::PublishDue(service.0));
    }

    /// The registry publishes what changed in a service.
    #[inline(never)]
    pub(in crate::model) fn on_publish_due(&mut self, service: u32) {
        let id = ServiceId(service);
        let is_of_leases = !self.is_static(id) && !self.has_system();
        if is_of_leases && !self.registry.is_up {
            return;
        }
        if is_of_leases
            && let Some(contact) = self.registry_contact()
            && self.defers(contact, Deferred::Event(Event::PublishDue(service), 0))
        {
            return;
        }
        if !std::mem::replace(&mut self.registry.is_dirty[id.index()], false) {
            return;
        }
        let version = self.registry.published[id.index()].0 + 1;
        self.fold(Event::PublishDue(service), NodeId(service), version);
        let members = self.listed_members(id);
        let view = self.tables.views.intern(id, members);
        self.registry.published[id.index()] = (version, Arc::clone(&view));
        let interval = match &self.scenario.registry.profile {
            RegistryProfile::Lease(config) => config.publish_interval,
            RegistryProfile::Static | RegistryProfile::System(_) => SimDuration::ZERO,
        };
        self.registry.publish_after[id.index()] = self.now() + interval;
        self.observe(Observation::Published { view: &view });
        self.notify_all(id, version, &view);
    }

    /// The candidates that a service's list has for callers.
    pub(in crate::model) fn listed_members(&self, service: ServiceId) -> Vec<Member> {
        self.scenario
            .topology
            .service_instances(service)
            .map(InstanceId)
            .filter(|id| self.is_listed(*id) && self.instances[id.index()].weight > 0.0)
            .map(|instance| Member {
                instance,
                zone: self.nodes[instance.index()].zone,
                weight: self.instances[instance.index()].weight,
            })
            .collect()
    }

    /// Sends a list to every caller that is told of changes.
    fn notify_all(&mut self, service: ServiceId, version: u64, view: &Arc<ViewSnapshot>) {
        let is_static = self.is_static(service);
        let is_watch = match &self.scenario.registry.profile {
            RegistryProfile::Lease(config) => config.propagation == Propagation::Watch,
            RegistryProfile::Static => true,
            // Its protocol tells its clients.
            RegistryProfile::System(_) => false,
        };
        if !is_static && !is_watch {
            return;
        }
        for (index, edge) in self.scenario.edges.iter().enumerate() {
            if edge.to != service {
                continue;
            }
            for caller in self
                .scenario
                .topology
                .edge_callers(EdgeId::from_index(index))
            {
                let caller = CallerId(caller);
                if is_static {
                    self.take_list(caller, version, view);
                } else if self.is_alive(self.caller_node(caller)) {
                    self.send_list(caller, ControlKind::Notification, version, view);
                }
            }
        }
    }

    fn send_list(
        &mut self,
        caller: CallerId,
        kind: ControlKind,
        version: u64,
        view: &Arc<ViewSnapshot>,
    ) {
        let Some(contact) = self.registry_contact() else {
            return;
        };
        let link = (contact, self.caller_node(caller));
        self.observe(Observation::ControlSent {
            kind,
            service: view.service,
            from: link.0,
            to: Some(link.1),
        });
        let leg = match kind {
            ControlKind::PollReply => 1,
            _ => 0,
        };
        let number = match kind {
            ControlKind::PollReply => self.callers[caller.index()].poll_count,
            _ => version as u32,
        };
        let key = MessageKey {
            identity: self.list_identity(caller, link),
            number,
            leg,
            class: ClassId::NONE,
            traffic: kind.traffic(),
        };
        if let Verdict::Deliver { delay, .. } = self.send(link, key) {
            let message = ListMessage {
                caller,
                version,
                view: Arc::clone(view),
            };
            let slot = self.registry.messages.insert(message);
            self.schedule(delay, Event::ListArrives(slot));
        }
    }

    /// Names the messages between the registry and a calling side; a node may own several.
    fn list_identity(&self, caller: CallerId, link: (NodeId, NodeId)) -> u64 {
        let edge = self.callers[caller.index()].edge;
        pair_hash(&self.nodes, link) ^ self.edge_hash(edge)
    }

    /// A list reaches a calling side.
    #[inline(never)]
    pub(in crate::model) fn on_list_arrives(&mut self, slot: u32) {
        let message = self.registry.messages.messages[slot as usize].as_ref();
        let caller = message.expect("a list arrives once").caller;
        let node = self.caller_node(caller);
        if self.defers(node, Deferred::Event(Event::ListArrives(slot), 0)) {
            return;
        }
        let message = self.registry.messages.take(slot);
        if !self.is_alive(node) {
            return;
        }
        self.fold(Event::ListArrives(0), node, message.version);
        self.take_list(caller, message.version, &message.view);
    }

    /// A calling side takes over a list, unless it has a newer one.
    pub(super) fn take_list(&mut self, caller: CallerId, version: u64, view: &Arc<ViewSnapshot>) {
        let side = &mut self.callers[caller.index()];
        if version <= side.listed_version {
            return;
        }
        side.listed_version = version;
        side.listed = Arc::clone(view);
        self.sync_pairs(caller);
        self.refresh_candidates(caller, ExclusionCause::Registry);
    }

    /// Works out the candidates of a calling side again, and tells its balancer of a change.
    pub(in crate::model) fn refresh_candidates(&mut self, caller: CallerId, cause: ExclusionCause) {
        let side = &mut self.callers[caller.index()];
        let view = self.tables.views.without(&side.listed, &side.suspects);
        if Arc::ptr_eq(&view, &side.candidates) {
            // Wrappers may look at the list as well.
            return self.tell_list(caller);
        }
        let before = std::mem::replace(&mut side.candidates, Arc::clone(&view));
        let edge = side.edge;
        self.tell_view(caller);
        let diff = self.tables.views.diff(&before, &view);
        let ejected = self.ejected_by(caller);
        let view = self.tables.views.without(&view, &ejected);
        self.observe(Observation::CandidatesChanged {
            caller,
            edge,
            view: &view,
        });
        // What is ejected was excluded before, and stays so.
        let is_seen = |instance: &InstanceId| ejected.binary_search(instance).is_err();
        for instance in diff.removed.iter().copied() {
            self.drain_connections_to(caller, instance);
            if is_seen(&instance) {
                self.observe(Observation::Excluded {
                    caller,
                    instance,
                    cause,
                });
            }
        }
        for instance in diff.added.iter().copied().filter(is_seen) {
            self.observe(Observation::Included { caller, instance });
        }
        self.forget_ejections(caller);
        if self.has_ejection() {
            self.note_ejections(caller);
        }
        if !diff.added.is_empty() {
            self.promise_new_places(caller);
        }
    }

    /// A calling side asks the registry for its list.
    #[inline(never)]
    pub(in crate::model) fn on_poll_due(&mut self, caller: u32, sequence: u64) {
        let (id, event) = (CallerId(caller), Event::PollDue(caller));
        if !self.callers[id.index()].poll.is_live(sequence) {
            return;
        }
        let node = self.caller_node(id);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.fold(event, node, u64::from(self.callers[id.index()].poll_count));
        self.schedule_poll(id);
        self.callers[id.index()].poll_count += 1;
        let service = self.callers[id.index()].listed.service;
        let contact = self.registry_contact();
        self.observe(Observation::ControlSent {
            kind: ControlKind::Poll,
            service,
            from: node,
            to: contact,
        });
        let Some(contact) = contact else {
            return;
        };
        let link = (node, contact);
        let number = self.callers[id.index()].poll_count;
        let key = MessageKey {
            identity: self.list_identity(id, link),
            number,
            leg: 0,
            class: ClassId::NONE,
            traffic: None,
        };
        if let Verdict::Deliver { delay, .. } = self.send(link, key) {
            self.schedule(delay, Event::PollArrives(caller));
        }
    }

    /// Schedules the next question; a watching caller only asks while it has no list.
    fn schedule_poll(&mut self, caller: CallerId) {
        let RegistryProfile::Lease(config) = &self.scenario.registry.profile else {
            return;
        };
        let interval = match config.propagation {
            Propagation::Poll { interval, .. } => interval,
            Propagation::Watch if self.callers[caller.index()].listed_version > 0 => {
                return self.callers[caller.index()].poll.cancel();
            }
            Propagation::Watch => REREAD_INTERVAL,
        };
        let node = self.caller_node(caller);
        let interval = self.nodes[node.index()].true_length(interval);
        let sequence = self.schedule(interval, Event::PollDue(caller.0));
        self.callers[caller.index()].poll.set(sequence);
    }

    /// A question reaches the registry, which answers with its newest list.
    #[inline(never)]
    pub(in crate::model) fn on_poll_arrives(&mut self, caller: u32) {
        let (id, event) = (CallerId(caller), Event::PollArrives(caller));
        let Some(contact) = self.registry_contact() else {
            return;
        };
        if self.defers(contact, Deferred::Event(event, 0)) {
            return;
        }
        self.fold(event, contact, u64::from(caller));
        let service = self.callers[id.index()].listed.service;
        let (version, view) = self.registry.published[service.index()].clone();
        self.send_list(id, ControlKind::PollReply, version, &view);
    }

    /// At the start every calling side has the first list; those that poll begin to.
    pub(in crate::model) fn start_polls(&mut self) {
        let RegistryProfile::Lease(config) = &self.scenario.registry.profile else {
            return;
        };
        let Propagation::Poll { interval, phase } = config.propagation else {
            return;
        };
        for index in 0..self.callers.len() {
            let caller = CallerId::from_index(index);
            let Caller { node, edge, .. } = self.callers[index];
            if self.is_static(self.scenario.edges[edge.index()].to) {
                continue;
            }
            let interval = self.nodes[node.index()].true_length(interval);
            let worker = u64::from(self.scenario.topology.side_of(caller));
            let of_edge = self.edge_hash(edge).wrapping_add(worker);
            let identity = mix(self.nodes[node.index()].path_hash) ^ of_edge;
            let first = self.first_tick(node, identity, interval, phase);
            let sequence = self.schedule(first, Event::PollDue(caller.0));
            self.callers[index].poll.set(sequence);
        }
    }

    /// A process died: its calling sides know nothing any more.
    pub(in crate::model) fn stop_calling_sides(&mut self, node: NodeId) {
        for caller in self.calling_sides_of(node) {
            self.stop_watching(caller);
            let side = &mut self.callers[caller.index()];
            side.poll.cancel();
            side.listed_version = 0;
            side.suspects.clear();
            self.exchange.stop(caller);
        }
    }

    /// A process started: its calling sides begin without a list and ask for it.
    pub(in crate::model) fn restart_calling_sides(&mut self, node: NodeId) {
        for caller in self.calling_sides_of(node) {
            let edge = self.callers[caller.index()].edge;
            let config = &self.scenario.edges[edge.index()];
            let (version, view) = self.registry.published[config.to.index()].clone();
            let balancer = self.make_balancer(caller, edge);
            self.callers[caller.index()].balancer = balancer;
            self.callers[caller.index()].in_flight.start_anew();
            // One that was never there before did not die and forget its list.
            self.callers[caller.index()].listed_version = 0;
            if self.is_static(config.to) {
                self.callers[caller.index()].listed = Arc::clone(&view);
                self.composition.forget(caller);
                self.callers[caller.index()].candidates =
                    self.tables.views.intern(config.to, Vec::new());
                self.take_list(caller, version, &view);
                self.start_balancer(caller);
                continue;
            }
            let empty = self.tables.views.intern(config.to, Vec::new());
            let side = &mut self.callers[caller.index()];
            side.listed = Arc::clone(&empty);
            self.tell_view(caller);
            self.refresh_candidates(caller, ExclusionCause::Registry);
            if !self.has_system() {
                let sequence = self.schedule(SimDuration::ZERO, Event::PollDue(caller.0));
                self.callers[caller.index()].poll.set(sequence);
            }
            self.start_balancer(caller);
        }
    }

    pub(in crate::model) fn calling_sides_of(&self, node: NodeId) -> Vec<CallerId> {
        let topology = &self.scenario.topology;
        topology
            .edges_of(node)
            .into_iter()
            .flat_map(|edge| topology.callers_of(edge, node))
            .collect()
    }
}

use crate::model::caller::Caller;
