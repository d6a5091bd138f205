//! What balancers and instances tell each other: timers of balancers, messages, load reports.
//!
//! Nothing of this exists for calling sides whose balancers need none of it.

mod meter;
mod notices;
mod reports;

use std::collections::BTreeMap;

use super::balancer::Balancer;
use super::balancer::control::{ControlContext, LoadReport, Message, Needs, Orders};
use super::event::Event;
use super::network::{MessageKey, Verdict, pair_hash};
use super::observation::{ControlKind, LifeState, Observation, Observer, WorkEnd};
use super::world::{Deferred, World};
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, ClassId, InstanceId, ServiceId};
use crate::rng::{Draw, Purpose, mix, path_hash};
use crate::scenario::client::EdgeConfig;
use crate::time::SimTime;
use meter::Meter;
use reports::Subscriptions;

/// Makes the balancers of calls that the scenario does not: returns None for those that it does.
pub(super) type MakeBalancer<'s> = Option<&'s dyn Fn(&EdgeConfig) -> Option<Box<dyn Balancer>>>;

/// What balancers need, and what is on its way.
pub(super) struct Exchange<'s> {
    make: MakeBalancer<'s>,
    /// What the balancer that was asked last wants.
    pub(super) orders: Orders,
    /// Whether any replies carry reports.
    pub(super) has_reply_reports: bool,
    has_idle_notices: bool,
    /// By calling side; as many as the last one that needs anything.
    sides: Vec<Side>,
    services: BTreeMap<ServiceId, ServiceNeeds>,
    /// By instance, where it measures itself.
    meters: Vec<Option<Box<Meter>>>,
    /// Reports that replies carry, by slot of the attempt.
    reports: Vec<Option<LoadReport>>,
    parcels: Slab<Parcel>,
    subscriptions: Subscriptions,
    /// Instances that may have nothing left to do since the last event.
    idled: Vec<InstanceId>,
    /// Notices that each instance has sent.
    notice_counts: Vec<u32>,
}

/// What the balancer of a calling side needs, and where it stands.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    needs: Needs,
    timer: Timer,
    wake_at: SimTime,
    wake_count: u32,
    sent_count: u32,
    received_count: u32,
}

/// What all balancers together need of the instances of a service.
#[derive(Debug, Default)]
struct ServiceNeeds {
    needs: Needs,
    /// Calling sides that are told of idle instances.
    dispatchers: Vec<CallerId>,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Parcel {
    caller: CallerId,
    instance: InstanceId,
    leg: Leg,
    /// Names it among those of its sender.
    number: u32,
    /// Of the process of the calling side.
    incarnation: u32,
    message: Message,
}

/// Whose message it is. The numbers name draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leg {
    ToInstance = 0,
    Reply = 1,
    Notice = 2,
    Report = 3,
}

impl<'s> Exchange<'s> {
    /// Nothing is needed yet.
    pub(super) fn new(make: MakeBalancer<'s>) -> Self {
        Exchange {
            make,
            orders: Orders::default(),
            has_reply_reports: false,
            has_idle_notices: false,
            sides: Vec::new(),
            services: BTreeMap::new(),
            meters: Vec::new(),
            reports: Vec::new(),
            parcels: Slab::new(),
            subscriptions: Subscriptions::default(),
            idled: Vec::new(),
            notice_counts: Vec::new(),
        }
    }

    /// A new balancer of a call, if it is the user's own.
    pub(super) fn made_balancer(&self, config: &EdgeConfig) -> Option<Box<dyn Balancer>> {
        self.make.and_then(|make| make(config))
    }

    /// Takes note of what the balancer of a calling side needs.
    pub(super) fn add_side(&mut self, caller: CallerId, service: ServiceId, needs: Needs) {
        if needs == Needs::default() {
            return;
        }
        self.sides.resize(caller.index() + 1, Side::default());
        self.sides[caller.index()].needs = needs;
        self.has_reply_reports |= needs.reply_reports;
        self.has_idle_notices |= needs.idle_notices;
        let of_service = self.services.entry(service).or_default();
        of_service.needs = of_service.needs.and(needs);
        if needs.idle_notices {
            of_service.dispatchers.push(caller);
        }
    }

    fn needs(&self, caller: CallerId) -> Needs {
        let side = self.sides.get(caller.index());
        side.map_or(Needs::default(), |side| side.needs)
    }

    /// A calling side died.
    pub(super) fn stop(&mut self, caller: CallerId) {
        if let Some(side) = self.sides.get_mut(caller.index()) {
            side.timer.cancel();
        }
    }

    /// A process died, with what it had measured and promised.
    pub(super) fn forget_instance(&mut self, instance: InstanceId) {
        if let Some(meter) = self.meters.get_mut(instance.index()) {
            *meter = None;
        }
        self.subscriptions.forget_instance(instance);
    }

    /// A message was in the buffers of a process that died.
    pub(super) fn lose_message(&mut self, slot: u32) {
        self.parcels.remove(slot);
    }

    /// What instances learn about themselves from a fact.
    pub(super) fn note(&mut self, now: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::BusyChanged {
                instance,
                busy_count,
            } => {
                if let Some(meter) = self.meter(instance) {
                    meter.busy(now, busy_count);
                }
                if busy_count == 0 && self.has_idle_notices {
                    self.idled.push(instance);
                }
            }
            Observation::WorkArrived { instance, .. } => {
                if let Some(meter) = self.meter(instance) {
                    meter.arrive(now);
                }
            }
            Observation::WorkEnded {
                instance,
                arrived_at,
                end,
                ..
            }
            | Observation::ReleasedWorkEnded {
                instance,
                arrived_at,
                end,
                ..
            } => {
                if let Some(meter) = self.meter(instance) {
                    match end {
                        WorkEnd::Served => meter.reply(now, arrived_at, false),
                        WorkEnd::Errored => meter.reply(now, arrived_at, true),
                        WorkEnd::Lost | WorkEnd::Dropped | WorkEnd::Cancelled => {
                            meter.drop_request(arrived_at);
                        }
                    }
                }
            }
            Observation::NodeChanged {
                node,
                state: LifeState::Up,
                ..
            } if self.has_idle_notices && node.index() < self.notice_counts.len() => {
                self.idled.push(InstanceId(node.0));
            }
            _ => {}
        }
    }

    fn meter(&mut self, instance: InstanceId) -> Option<&mut Meter> {
        self.meters.get_mut(instance.index())?.as_deref_mut()
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Instances begin to measure themselves, and balancers begin.
    pub(super) fn start_exchange(&mut self) {
        if self.exchange.sides.is_empty() {
            return;
        }
        self.is_noting = true;
        let is_metered = |of_service: &ServiceNeeds| {
            let needs = of_service.needs;
            needs.orders || needs.report_window.is_some() || 0 < needs.latency_sample_count
        };
        if self.exchange.services.values().any(is_metered) {
            self.exchange
                .meters
                .resize_with(self.instances.len(), || None);
        }
        if self.exchange.has_idle_notices {
            self.exchange.notice_counts = vec![0; self.instances.len()];
            let all = (0..self.instances.len()).map(InstanceId::from_index);
            self.exchange.idled = all.collect();
        }
        for index in 0..self.instances.len() {
            if self.nodes[index].state == LifeState::Up {
                self.start_meter(InstanceId::from_index(index));
            }
        }
        for index in 0..self.exchange.sides.len() {
            let caller = CallerId::from_index(index);
            let node = self.caller_node(caller);
            if self.nodes[node.index()].state == LifeState::Up {
                self.start_balancer(caller);
            }
        }
    }

    /// After an event: conditions on loads are judged, and instances that idle say so.
    pub(super) fn settle(&mut self) {
        if self.reactions.is_watching {
            self.settle_loads();
        }
        if !self.exchange.idled.is_empty() {
            self.send_idle_notices();
        }
    }

    /// The balancer of a calling side begins, with the view that it has.
    pub(super) fn start_balancer(&mut self, caller: CallerId) {
        if self.exchange.needs(caller) == Needs::default() {
            return;
        }
        let node = &self.nodes[self.caller_node(caller).index()];
        let identity = self.side_identity(caller);
        let draw = self
            .streams
            .draw(Purpose::Phase, identity, node.incarnation, 0);
        self.direct_balancer(caller, draw, |balancer, ctx| balancer.on_start(ctx));
    }

    /// Names a calling side in keyed draws.
    fn side_identity(&self, caller: CallerId) -> u64 {
        let side = &self.callers[caller.index()];
        let owner = self.nodes[side.node.index()].path_hash;
        let worker = u64::from(self.scenario.topology.side_of(caller));
        mix(owner) ^ mix(self.edge_hash(side.edge).wrapping_add(worker)) ^ path_hash("balancer")
    }

    /// Calls the balancer of a calling side and carries out what it asks for.
    fn direct_balancer(
        &mut self,
        caller: CallerId,
        draw: Draw,
        tell: impl FnOnce(&mut dyn Balancer, &mut ControlContext<'_>),
    ) {
        let now = self.now();
        let side = &mut self.callers[caller.index()];
        let mut ctx = ControlContext {
            now,
            in_flight: &side.in_flight,
            draw,
            orders: &mut self.exchange.orders,
            peer_count: u32::try_from(self.scenario.topology.edge_callers(side.edge).len())
                .expect("calling sides are counted in 32 bits"),
            drift_ratio: self.nodes[side.node.index()].drift_ratio,
        };
        tell(side.balancer.as_mut(), &mut ctx);
        if self.has_orders() {
            self.carry_out(caller);
        }
        self.note_ejections(caller);
    }

    /// Carries out what the balancer of a calling side asks for.
    #[cold]
    #[inline(never)]
    pub(super) fn carry_out(&mut self, caller: CallerId) {
        assert!(
            self.exchange.needs(caller).orders,
            "a balancer that gives orders says so in what it needs"
        );
        if let Some(at) = self.exchange.orders.take_wake() {
            self.set_wake(caller, at.max(self.now()));
        }
        let messages = self.exchange.orders.take_messages();
        for (instance, message) in &messages {
            self.send_to(*instance, caller, *message);
        }
        self.exchange.orders.keep_room(messages);
    }

    fn set_wake(&mut self, caller: CallerId, at: SimTime) {
        let side = &self.exchange.sides[caller.index()];
        if side.timer.is_set() && side.wake_at <= at {
            return;
        }
        let delay = at.since(self.now());
        let sequence = self.schedule(delay, Event::BalancerWakes(caller.0));
        let side = &mut self.exchange.sides[caller.index()];
        side.timer.set(sequence);
        side.wake_at = at;
    }

    /// The balancer of a calling side is woken.
    #[inline(never)]
    pub(super) fn on_balancer_wakes(&mut self, caller: u32, sequence: u64) {
        let (id, event) = (CallerId(caller), Event::BalancerWakes(caller));
        if !self.exchange.sides[id.index()].timer.is_live(sequence) {
            return;
        }
        let node = self.caller_node(id);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let side = &mut self.exchange.sides[id.index()];
        side.timer.fire(sequence);
        side.wake_count += 1;
        let count = side.wake_count;
        let identity = self.side_identity(id);
        self.fold(event, node, identity.wrapping_add(u64::from(count)));
        let draw = self
            .streams
            .draw(Purpose::BalancerControl, identity, count, 0);
        self.direct_balancer(id, draw, |balancer, ctx| balancer.on_timer(ctx));
    }

    fn send_to(&mut self, instance: InstanceId, caller: CallerId, message: Message) {
        let side = &mut self.exchange.sides[caller.index()];
        side.sent_count += 1;
        let number = side.sent_count;
        let node = self.caller_node(caller);
        self.send_parcel(Parcel {
            caller,
            instance,
            leg: Leg::ToInstance,
            number,
            incarnation: self.nodes[node.index()].incarnation,
            message,
        });
    }

    fn send_parcel(&mut self, parcel: Parcel) {
        let kind = match parcel.message {
            Message::Probe => ControlKind::Probe,
            Message::ProbeReply(_) => ControlKind::ProbeReply,
            Message::Idle => ControlKind::IdleNotice,
            Message::ReportRequest { .. } => ControlKind::ReportRequest,
            Message::Report(_) => ControlKind::LoadReport,
        };
        let service = self.instances[parcel.instance.index()].service;
        let (instance, caller) = (
            self.instance_node(parcel.instance),
            self.caller_node(parcel.caller),
        );
        let link = match parcel.leg {
            Leg::ToInstance => (caller, instance),
            Leg::Reply | Leg::Notice | Leg::Report => (instance, caller),
        };
        self.observe(Observation::ControlSent {
            kind,
            service,
            from: link.0,
            to: Some(link.1),
        });
        let key = MessageKey {
            identity: self.parcel_identity(&parcel),
            number: parcel.number,
            leg: parcel.leg as u32,
            class: ClassId::NONE,
            traffic: kind.traffic(),
        };
        if let Verdict::Deliver { delay, .. } = self.send(link, key) {
            let slot = self.exchange.parcels.insert(parcel);
            self.schedule(delay, Event::BalancerMessage(slot));
        }
    }

    /// Names the messages of a calling side and an instance.
    fn parcel_identity(&self, parcel: &Parcel) -> u64 {
        let side = &self.callers[parcel.caller.index()];
        let link = (side.node, self.instance_node(parcel.instance));
        pair_hash(&self.nodes, link) ^ mix(self.edge_hash(side.edge)) ^ path_hash("balancer")
    }

    /// A message between a balancer and an instance arrives.
    #[inline(never)]
    pub(super) fn on_balancer_message(&mut self, slot: u32) {
        let parcel = self.exchange.parcels[slot];
        let receiver = match parcel.leg {
            Leg::ToInstance => self.instance_node(parcel.instance),
            Leg::Reply | Leg::Notice | Leg::Report => self.caller_node(parcel.caller),
        };
        let event = Event::BalancerMessage(slot);
        if self.defers(receiver, Deferred::Event(event, 0)) {
            return;
        }
        self.exchange.parcels.remove(slot);
        let identity = self.parcel_identity(&parcel);
        let number = u64::from(parcel.number) << 2 | parcel.leg as u64;
        self.fold(event, receiver, identity.wrapping_add(number));
        if self.nodes[receiver.index()].state != LifeState::Up {
            return;
        }
        match parcel.leg {
            Leg::ToInstance => self.answer_parcel(&parcel),
            Leg::Reply | Leg::Report => {
                // Nothing reaches a process that asked before it died.
                if self.nodes[receiver.index()].incarnation == parcel.incarnation {
                    self.pass_on(&parcel);
                }
            }
            Leg::Notice => self.pass_on(&parcel),
        }
    }

    /// A message reaches the process of an instance.
    fn answer_parcel(&mut self, parcel: &Parcel) {
        match parcel.message {
            Message::Probe => {
                let load = self.instance_load(parcel.instance);
                self.send_parcel(Parcel {
                    leg: Leg::Reply,
                    message: Message::ProbeReply(load),
                    ..*parcel
                });
            }
            Message::ReportRequest { interval } => self.subscribe(parcel, interval),
            // Nothing that an instance understands.
            Message::ProbeReply(_) | Message::Idle | Message::Report(_) => {}
        }
    }

    /// A message reaches its balancer.
    fn pass_on(&mut self, parcel: &Parcel) {
        self.tell_message(parcel.caller, parcel.instance, &parcel.message);
    }

    fn tell_message(&mut self, caller: CallerId, from: InstanceId, message: &Message) {
        let side = &mut self.exchange.sides[caller.index()];
        side.received_count += 1;
        let count = side.received_count;
        let identity = self.side_identity(caller);
        let draw = self
            .streams
            .draw(Purpose::BalancerControl, identity, count, 1);
        self.direct_balancer(caller, draw, |balancer, ctx| {
            balancer.on_message(ctx, from, message);
        });
    }
}
