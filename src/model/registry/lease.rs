//! Leases: instances renew them by heartbeats; who does not is no longer listed.

use super::Registry;
use crate::engine::{PendingSet, Timer};
use crate::id::{ClassId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict, pair_hash};
use crate::model::observation::{ControlKind, Observation, Observer, Suspector};
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, UniformSource};
use crate::scenario::registry::{LeaseConfig, Phase, RegistryProfile};
use crate::scenario::service::RegisteredConfig;
use crate::time::{SimDuration, SimTime};

/// The registration of one instance. Beside its service ([`super::Registry::services`]) a heartbeat
/// needs nothing else of its instance, which lies elsewhere in memory.
#[derive(Clone, Debug)]
pub struct Lease {
    /// When it runs out.
    pub expires_at: SimTime,
    /// The next look at it.
    check: Timer,
    /// The next heartbeat of its instance.
    heartbeat: Timer,
    /// Heartbeats sent, which name their random numbers.
    heartbeat_count: u32,
    /// Windows that take the instance out of its group: while there are any, it renews no lease.
    pub leave_count: u16,
    /// Whether the instance is listed.
    pub is_listed: bool,
    /// Whether it ran out and was not renewed since.
    is_suspected: bool,
}

const _: () = assert!(size_of::<Lease>() <= 32);

impl Lease {
    /// A registration that was not renewed yet.
    pub fn new(is_listed: bool) -> Self {
        Lease {
            expires_at: SimTime::START,
            check: Timer::UNSET,
            heartbeat: Timer::UNSET,
            heartbeat_count: 0,
            leave_count: 0,
            is_listed,
            is_suspected: false,
        }
    }

    /// Whether the instance is leaving, or has left.
    pub fn is_leaving(&self) -> bool {
        0 < self.leave_count
    }

    /// Takes note whether the registry suspects the instance. Returns whether it did before.
    pub fn note_suspicion(&mut self, is_suspected: bool) -> bool {
        std::mem::replace(&mut self.is_suspected, is_suspected)
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    fn lease_config(&self) -> &LeaseConfig {
        match &self.scenario.registry.profile {
            RegistryProfile::Lease(config) => config,
            RegistryProfile::Static | RegistryProfile::System(_) => {
                unreachable!("only plain leases are checked here")
            }
        }
    }

    fn registered(&self, instance: InstanceId) -> RegisteredConfig {
        let service = self.registry.services[instance.index()];
        self.scenario.services[service.index()]
            .registered
            .expect("its service is registered")
    }

    /// At the start of a run every instance has renewed its lease once, within the last interval.
    pub(in crate::model) fn start_lease(&mut self, instance: InstanceId) {
        let registered = self.registered(instance);
        let node = self.instance_node(instance);
        let interval = self.nodes[node.index()].true_length(registered.heartbeat_interval);
        let identity = self.nodes[node.index()].path_hash;
        let first = self.first_tick(node, identity, interval, registered.phase);
        let sequence = self.schedule(first, Event::HeartbeatDue(instance.0));
        let since_last = interval.saturating_sub(first);
        let left = registered.lease_duration.saturating_sub(since_last);
        let lease = &mut self.registry.leases[instance.index()];
        lease.heartbeat.set(sequence);
        lease.expires_at = SimTime::START + left;
        self.schedule_check(instance);
    }

    /// A process starts to renew its lease, at once.
    pub(in crate::model) fn start_heartbeats(&mut self, instance: InstanceId) {
        let sequence = self.schedule(SimDuration::ZERO, Event::HeartbeatDue(instance.0));
        self.registry.leases[instance.index()]
            .heartbeat
            .set(sequence);
    }

    /// A process renews no more.
    pub(in crate::model) fn stop_heartbeats(&mut self, instance: InstanceId) {
        self.registry.leases[instance.index()].heartbeat.cancel();
    }

    /// An instance renews its lease.
    #[inline(never)]
    pub(in crate::model) fn on_heartbeat_due(&mut self, instance: u32, sequence: u64) {
        let (id, event) = (InstanceId(instance), Event::HeartbeatDue(instance));
        self.queue.follow(&mut self.registry.heartbeats, sequence);
        if !self.registry.leases[id.index()].heartbeat.is_live(sequence) {
            return;
        }
        let node = self.instance_node(id);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.fold(event, node, self.nodes[node.index()].path_hash);
        let registered = self.registered(id);
        let interval = self.nodes[node.index()].true_length(registered.heartbeat_interval);
        let line = &mut self.registry.heartbeats;
        let next = match interval == line.delay() {
            true => self.queue.push_in_line(line, event),
            false => self.schedule(interval, event),
        };
        let lease = &mut self.registry.leases[id.index()];
        lease.heartbeat.set(next);
        lease.heartbeat_count += 1;
        if registered.path.needs_worker() {
            let number = lease.heartbeat_count;
            return self.admit_lease_heartbeat(id, number);
        }
        self.send_to_registry(id, 0, Event::HeartbeatArrives(instance));
    }

    /// An instance tells the registry that it leaves.
    pub(in crate::model) fn send_deregistration(&mut self, instance: InstanceId) {
        self.registry.leases[instance.index()].heartbeat_count += 1;
        self.send_to_registry(instance, 2, Event::DeregistrationArrives(instance.0));
    }

    pub(in crate::model) fn send_to_registry(
        &mut self,
        instance: InstanceId,
        leg: u32,
        event: Event,
    ) {
        let (node, contact) = (self.instance_node(instance), self.registry_contact());
        let kind = match event {
            Event::HeartbeatArrives(_) => ControlKind::Heartbeat,
            _ => ControlKind::Write,
        };
        self.observe(Observation::ControlSent {
            kind,
            service: self.registry.services[instance.index()],
            from: node,
            to: contact,
        });
        let Some(contact) = contact else {
            return;
        };
        let link = (node, contact);
        let identity = pair_hash(&self.nodes, link);
        let number = self.registry.leases[instance.index()].heartbeat_count;
        let key = MessageKey {
            identity,
            number,
            leg,
            class: ClassId::NONE,
            traffic: kind.traffic(),
        };
        if let Verdict::Deliver { delay, .. } = self.send(link, key) {
            self.schedule(delay, event);
        }
    }

    /// Whether the registry handles a message that reaches it; a member that stands still keeps it.
    fn registry_handles(&mut self, event: Event) -> Option<NodeId> {
        let contact = self.registry_contact()?;
        (!self.defers(contact, Deferred::Event(event, 0))).then_some(contact)
    }

    /// A heartbeat reaches the registry.
    #[inline(never)]
    pub(in crate::model) fn on_heartbeat_arrives(&mut self, instance: u32) {
        let (id, event) = (InstanceId(instance), Event::HeartbeatArrives(instance));
        let Some(contact) = self.registry_handles(event) else {
            return;
        };
        self.fold(event, contact, self.nodes[instance as usize].path_hash);
        if self.registry.leases[id.index()].is_leaving() {
            return;
        }
        self.renew_lease(id);
        self.set_listed(id, true);
        let lease = &mut self.registry.leases[id.index()];
        if std::mem::take(&mut lease.is_suspected) {
            let suspector = Suspector::Registry;
            self.observe(Observation::Trusted {
                suspector,
                instance: id,
            });
        }
    }

    /// An instance that leaves is delisted.
    #[inline(never)]
    pub(in crate::model) fn on_deregistration_arrives(&mut self, instance: InstanceId) {
        let event = Event::DeregistrationArrives(instance.0);
        let Some(contact) = self.registry_handles(event) else {
            return;
        };
        self.fold(event, contact, self.nodes[instance.index()].path_hash);
        self.registry.leases[instance.index()].check.cancel();
        self.set_listed(instance, false);
    }

    /// A lease begins anew.
    pub(in crate::model) fn renew_lease(&mut self, instance: InstanceId) {
        let duration = self.registered(instance).lease_duration;
        let expires_at = self.now() + duration;
        let Registry { leases, ends, .. } = &mut self.registry;
        let lease = &mut leases[instance.index()];
        lease.expires_at = expires_at;
        if duration == ends.delay() {
            let event = Event::LeaseExpires(instance.0);
            lease.check.set(self.queue.push_in_line(ends, event));
        } else if !lease.check.is_set() {
            self.schedule_check(instance);
        }
    }

    /// Looks at a lease when it runs out, or at the sweep after that. A renewal in the meantime
    /// only moves `expires_at`, so a lease has one event in the queue. Leases of the common length
    /// come here for their first end only, which may be at any time.
    fn schedule_check(&mut self, instance: InstanceId) {
        let expires_at = self.registry.leases[instance.index()].expires_at;
        let at = self.next_sweep(expires_at);
        let sequence = self.queue.push_late(at, Event::LeaseExpires(instance.0));
        self.registry.leases[instance.index()].check.set(sequence);
    }

    /// The first sweep at or after `at`.
    fn next_sweep(&self, at: SimTime) -> SimTime {
        let config = self.lease_config();
        let interval_ns = config.sweep_interval.as_ns();
        if interval_ns == 0 {
            return at;
        }
        let offset_ns = match config.sweep_phase {
            Phase::Aligned => 0,
            Phase::At(offset) => offset.as_ns() % interval_ns,
            Phase::Random => {
                let entity = crate::rng::path_hash("registry.sweep");
                let uniform = self.streams.draw(Purpose::Phase, entity, 0, 0).uniform();
                config.sweep_interval.scaled(uniform).as_ns() % interval_ns
            }
        };
        let since_ns = at.as_ns().saturating_sub(offset_ns);
        SimTime::from_ns(offset_ns + since_ns.div_ceil(interval_ns) * interval_ns)
    }

    /// A lease may have run out.
    #[inline(never)]
    pub(in crate::model) fn on_lease_expires(&mut self, instance: u32, sequence: u64) {
        let (id, event) = (InstanceId(instance), Event::LeaseExpires(instance));
        let Registry { leases, ends, .. } = &mut self.registry;
        let is_live = |event: Event, sequence| {
            matches!(event, Event::LeaseExpires(next)
                if leases[next as usize].check.is_live(sequence))
        };
        self.queue.follow_live(ends, sequence, is_live);
        if !self.registry.leases[id.index()].check.is_live(sequence) {
            return;
        }
        let Some(contact) = self.registry_contact() else {
            // Without a member nothing expires; the lease gets its full length when one is back.
            self.registry.leases[id.index()].check.cancel();
            return;
        };
        if self.defers(contact, Deferred::Event(event, sequence)) {
            return;
        }
        let now = self.now();
        let lease = &mut self.registry.leases[id.index()];
        lease.check.cancel();
        if lease.expires_at > now {
            return self.schedule_check(id);
        }
        lease.is_suspected = true;
        self.fold(event, contact, self.nodes[instance as usize].path_hash);
        self.observe(Observation::Suspected {
            suspector: Suspector::Registry,
            instance: id,
        });
        self.set_listed(id, false);
    }
}
