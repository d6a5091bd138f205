//! What instances measure and report: with replies, when probed, and on a period.

use std::collections::BTreeMap;

use super::meter::{Meter, WindowMeter};
use super::{Leg, Parcel};
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, InstanceId};
use crate::model::balancer::control::{InstanceLoad, LoadReport, Message};
use crate::model::event::Event;
use crate::model::observation::{AttemptOutcome, LifeState, Observer};
use crate::model::request::Reply;
use crate::model::world::{Deferred, World};
use crate::rng::{mix, path_hash};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Who gets reports on a period.
#[derive(Debug, Default)]
pub struct Subscriptions {
    slots: BTreeMap<(InstanceId, CallerId), u32>,
    table: Slab<Subscription>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Subscription {
    caller: CallerId,
    instance: InstanceId,
    /// Of the process of the calling side.
    incarnation: u32,
    interval: SimDuration,
    due: Timer,
    report_count: u32,
}

impl Subscriptions {
    /// An instance died: the streams of its reports are broken.
    pub fn forget_instance(&mut self, instance: InstanceId) {
        let first = (instance, CallerId(0));
        let last = (instance, CallerId(u32::MAX));
        let mine: Vec<_> = self
            .slots
            .range(first..=last)
            .map(|(key, _)| *key)
            .collect();
        for key in mine {
            self.end(key);
        }
    }

    fn end(&mut self, key: (InstanceId, CallerId)) {
        if let Some(slot) = self.slots.remove(&key) {
            self.table.remove(slot);
        }
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An instance begins to measure itself, if anybody asks for it.
    pub(in crate::model) fn start_meter(&mut self, id: InstanceId) {
        let instance = &self.instances[id.index()];
        if self.exchange.meters.is_empty() {
            return;
        }
        let Some(of_service) = self.exchange.services.get(&instance.service) else {
            return;
        };
        let needs = of_service.needs;
        let worker_count = instance.worker_count;
        let node = self.instance_node(id);
        let window = needs.report_window.map(|local| {
            let length = self.nodes[node.index()].true_length(local);
            let identity = mix(self.nodes[node.index()].path_hash) ^ path_hash("report_window");
            let first = self.first_tick(node, identity, length, Phase::Random);
            let now = self.now();
            WindowMeter::new(length, now, now + first, worker_count)
        });
        let meter = Meter::new(needs.latency_sample_count, window);
        self.exchange.meters[id.index()] = Some(Box::new(meter));
    }

    /// What an instance says when it is probed.
    pub(super) fn instance_load(&mut self, id: InstanceId) -> InstanceLoad {
        let meter = self.exchange.meter(id);
        meter.expect("who may be probed has a meter").load()
    }

    fn load_report(&mut self, id: InstanceId, service_time: Option<SimDuration>) -> LoadReport {
        let now = self.now();
        LoadReport {
            load: self.exchange.meter(id).and_then(|m| m.window_load(now)),
            queue_depth: self.instances[id.index()].waiting_count,
            service_time,
        }
    }

    /// A reply leaves its instance: it carries a report if its calling side reads one. Only what
    /// the process itself answers has one, and a rejection costs it no thought.
    #[inline(never)]
    pub(in crate::model) fn attach_report(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        if !self.exchange.needs(attempt.caller).reply_reports {
            return;
        }
        let reports = &mut self.exchange.reports;
        if reports.len() <= slot as usize {
            reports.resize(slot as usize + 1, None);
        }
        let is_answer =
            matches!(attempt.reply, Reply::Good | Reply::Error) && attempt.stage.is_at_instance();
        let report = is_answer.then(|| {
            let started_at = Some(attempt.started_at).filter(|at| *at != SimTime::NEVER);
            let service_time = started_at.map(|at| self.now().since(at));
            self.load_report(attempt.instance, service_time)
        });
        self.exchange.reports[slot as usize] = report;
    }

    /// An attempt ends at its calling side, whose balancer reads the report of its reply first.
    #[inline(never)]
    pub(in crate::model) fn deliver_report(
        &mut self,
        slot: u32,
        outcome: AttemptOutcome,
        (caller, instance): (CallerId, InstanceId),
    ) {
        if !self.exchange.needs(caller).reply_reports {
            return;
        }
        let report = self.exchange.reports.get_mut(slot as usize);
        let report = report.and_then(Option::take);
        let is_answer = matches!(outcome, AttemptOutcome::Success | AttemptOutcome::Error);
        if let Some(report) = report.filter(|_| is_answer) {
            self.tell_message(caller, instance, &Message::Report(report));
        }
    }

    /// A calling side asks an instance for reports on a period. A second request replaces the
    /// first one.
    pub(super) fn subscribe(&mut self, parcel: &Parcel, interval: SimDuration) {
        let key = (parcel.instance, parcel.caller);
        self.exchange.subscriptions.end(key);
        let slot = self.exchange.subscriptions.table.insert(Subscription {
            caller: parcel.caller,
            instance: parcel.instance,
            incarnation: parcel.incarnation,
            interval,
            due: Timer::UNSET,
            report_count: 0,
        });
        self.exchange.subscriptions.slots.insert(key, slot);
        self.schedule_report(slot);
    }

    fn schedule_report(&mut self, slot: u32) {
        let subscription = self.exchange.subscriptions.table[slot];
        let node = self.instance_node(subscription.instance);
        let delay = self.nodes[node.index()].true_length(subscription.interval);
        let sequence = self.schedule(delay, Event::ReportDue(slot));
        self.exchange.subscriptions.table[slot].due.set(sequence);
    }

    /// An instance sends a report to a calling side, unless the stream of reports is closed.
    #[inline(never)]
    pub(in crate::model) fn on_report_due(&mut self, slot: u32, sequence: u64) {
        let table = &self.exchange.subscriptions.table;
        let Some(subscription) = table.get(slot).copied() else {
            return;
        };
        if !subscription.due.is_live(sequence) {
            return;
        }
        let Subscription {
            caller, instance, ..
        } = subscription;
        let (node, event) = (self.instance_node(instance), Event::ReportDue(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let number = subscription.report_count + 1;
        let identity = self.side_identity(caller).wrapping_add(u64::from(number));
        self.fold(event, node, identity);
        let owner = &self.nodes[self.caller_node(caller).index()];
        let is_same = owner.incarnation == subscription.incarnation
            && matches!(owner.state, LifeState::Up | LifeState::Paused);
        let is_candidate = self.callers[caller.index()].candidates.position(instance);
        if !is_same || is_candidate.is_none() {
            return self.exchange.subscriptions.end((instance, caller));
        }
        self.exchange.subscriptions.table[slot].report_count = number;
        self.schedule_report(slot);
        let report = self.load_report(instance, None);
        self.send_parcel(Parcel {
            caller,
            instance,
            leg: Leg::Report,
            number,
            incarnation: subscription.incarnation,
            message: Message::Report(report),
        });
    }
}
