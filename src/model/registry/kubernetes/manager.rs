//! The controllers: one looks whether nodes renew their leases, one writes endpoints.

use std::collections::BTreeMap;

use super::Kubernetes;
use super::message::{Alarm, Change, Entry};
use crate::engine::DenseMap;
use crate::id::{InstanceId, ServiceId};
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::first_tick;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// How long the endpoint slice controller waits before it tries a write again.
const SLICE_RETRY: SimDuration = SimDuration::from_secs(1);
/// By how much of itself the retry period of an election may be longer (client-go).
const ELECTION_JITTER: f64 = 1.2;

/// The controllers.
#[derive(Debug)]
pub(super) struct Manager {
    /// Where they run, or ran last.
    pub member: u32,
    is_running: bool,
    /// Who will run them next, and when their last home died.
    successor: Option<u32>,
    died_at: SimTime,
    /// Renewals of each node's lease, and when the node controller saw the last one.
    seen: DenseMap<u32, (u32, SimTime)>,
    /// Services whose endpoints are to be written; whether even where they are the same.
    dirty: BTreeMap<ServiceId, bool>,
    /// Since when their member has had no leader.
    cut_since: Option<SimTime>,
    /// Elections so far, which name their random numbers.
    election_count: u32,
}

impl Manager {
    pub fn new(member: u32) -> Self {
        Manager {
            member,
            is_running: false,
            successor: None,
            died_at: SimTime::START,
            seen: DenseMap::default(),
            dirty: BTreeMap::new(),
            cut_since: None,
            election_count: 0,
        }
    }
}

impl Kubernetes {
    /// The controllers start at a member. They know of no renewal: every node gets the full grace
    /// period.
    pub(super) fn start_manager(&mut self, port: &mut dyn Port, member: u32) {
        let (now, node) = (port.now(), self.ensemble.node(member));
        let leases = self.state(member).leases.iter();
        let seen = leases.map(|lease| (lease.0, (*lease.1, now))).collect();
        let manager = &mut self.manager;
        (manager.member, manager.is_running) = (member, true);
        (manager.successor, manager.cut_since) = (None, None);
        manager.seen = seen;
        let period = self.config.manager.monitor_period;
        let first = match now {
            SimTime::START => first_tick(port, node, "kubernetes.monitor", (period, Phase::Random)),
            _ => period,
        };
        self.alarms.set(port, node, first, Alarm::Monitor);
        for service in self.services.clone() {
            self.write_later(port, service, false);
        }
    }

    /// A member died: if the controllers ran there, those of another one take over when its lease
    /// is over, at their next try.
    pub(super) fn on_manager_died(&mut self, port: &mut dyn Port, member: u32) {
        let manager = &mut self.manager;
        if manager.is_running && manager.member == member {
            (manager.is_running, manager.died_at) = (false, port.now());
        } else if manager.is_running || manager.successor != Some(member) {
            return;
        }
        manager.successor = None;
        let is_up = |member: &u32| port.node(self.ensemble.node(*member)).state == LifeState::Up;
        let mut members = 0..self.ensemble.member_count();
        if let Some(next) = members.find(is_up) {
            self.elect(port, next);
        }
    }

    /// A member started: if no controllers run and nobody is about to, its own try.
    pub(super) fn on_candidate_started(&mut self, port: &mut dyn Port, member: u32) {
        if !self.manager.is_running && self.manager.successor.is_none() {
            self.elect(port, member);
        }
    }

    fn elect(&mut self, port: &mut dyn Port, member: u32) {
        let rules = self.config.manager;
        self.manager.successor = Some(member);
        self.manager.election_count += 1;
        let number = self.manager.election_count;
        let draw = |step| {
            let identity = path_hash("kubernetes.election");
            port.draw(identity, number, step).uniform()
        };
        // The last renewal was up to a period before the death, the next try is up to a period
        // and its jitter after the end of the lease.
        let renewed = rules.retry_period.scaled(draw(0));
        let tried = rules.retry_period.scaled((1.0 + ELECTION_JITTER) * draw(1));
        let over = self.manager.died_at + rules.lease_duration.saturating_sub(renewed);
        let left = SimDuration::from_ns(over.as_ns().saturating_sub(port.now().as_ns()));
        let node = self.ensemble.node(member);
        let alarm = Alarm::TakeOver { member };
        self.alarms.set(port, node, left + tried, alarm);
    }

    /// The member of the controllers has no leader: nothing can be read or written.
    pub(super) fn on_etcd_lost(&mut self, port: &mut dyn Port, member: u32) {
        if self.manager.is_running && self.manager.member == member {
            self.manager.cut_since.get_or_insert(port.now());
        }
    }

    /// It has one again. Controllers that could not renew their own lease have ended meanwhile.
    pub(super) fn on_etcd_back(&mut self, port: &mut dyn Port, member: u32) {
        if !self.manager.is_running || self.manager.member != member {
            return;
        }
        let Some(since) = self.manager.cut_since.take() else {
            return;
        };
        if since + self.config.manager.renew_deadline <= port.now() {
            return self.start_manager(port, member);
        }
        for service in self.manager.dirty.keys().copied().collect::<Vec<_>>() {
            self.write_slice(port, service);
        }
    }

    /// The node controller looks at all nodes. A look takes some time itself, so that two are a
    /// little more than a period apart: a node of which so many whole looks as make up the grace
    /// period saw nothing is late.
    pub(super) fn monitor(&mut self, port: &mut dyn Port) {
        let (member, rules) = (self.manager.member, self.config.manager);
        let node = self.ensemble.node(member);
        self.alarms
            .set(port, node, rules.monitor_period, Alarm::Monitor);
        if !self.ensemble.is_serving(member) {
            return;
        }
        let now = port.now();
        let leases: Vec<(u32, u32)> = self
            .state(member)
            .leases
            .iter()
            .map(|lease| (lease.0, *lease.1))
            .collect();
        for (kubelet, number) in leases {
            let before = self.manager.seen.get(kubelet);
            let seen = *before
                .filter(|seen| seen.0 == number)
                .unwrap_or(&(number, now));
            self.manager.seen.insert(kubelet, seen);
            if rules.monitor_grace_period <= now.since(seen.1) {
                self.mark(port, kubelet);
            }
        }
    }

    fn mark(&mut self, port: &mut dyn Port, kubelet: u32) {
        let member = self.manager.member;
        let pods = &self.state(member).pods;
        let own = self.kubelets[kubelet as usize].instances.iter().copied();
        let ready = own.filter(|instance| pods.get(*instance) == Some(&true));
        let ready: Vec<InstanceId> = ready.collect();
        if ready.is_empty() {
            return;
        }
        for instance in ready {
            if self.pods[instance].is_wanted {
                port.set_suspected(instance, true);
            }
        }
        let entry = Entry {
            change: Change::Mark { kubelet },
            origin: member,
        };
        self.write(port, member, entry);
    }

    /// A pod changed, as a member has it; the controllers see what their own one has.
    pub(super) fn note_pod(&mut self, port: &mut dyn Port, member: u32, instance: InstanceId) {
        if self.manager.is_running && self.manager.member == member {
            self.write_later(port, self.pods[instance].service, false);
        }
    }

    /// The weight of an instance changed: its endpoints are written again.
    pub(super) fn change_weight(&mut self, port: &mut dyn Port, instance: InstanceId) {
        if let Some(pod) = self.pods.get(instance)
            && self.manager.is_running
        {
            self.write_later(port, pod.service, true);
        }
    }

    /// The endpoints of a service are written after the batch period.
    fn write_later(&mut self, port: &mut dyn Port, service: ServiceId, is_forced: bool) {
        let before = self.manager.dirty.get(&service).copied();
        let is_forced = is_forced || before == Some(true);
        self.manager.dirty.insert(service, is_forced);
        let (node, period) = (
            self.ensemble.node(self.manager.member),
            self.config.manager.batch_period,
        );
        let alarm = Alarm::Slice { service };
        if period.is_zero() {
            self.write_slice(port, service);
        } else if !self.alarms.is_set(node, alarm) {
            self.alarms.set(port, node, period, alarm);
        }
    }

    /// The endpoints of a service are written, if they are others than before.
    pub(super) fn write_slice(&mut self, port: &mut dyn Port, service: ServiceId) {
        let member = self.manager.member;
        let Some(is_forced) = self.manager.dirty.get(&service).copied() else {
            return;
        };
        let is_same = self.ready_pods(member, service) == self.endpoints(member, service);
        let (node, alarm) = (self.ensemble.node(member), Alarm::Slice { service });
        if is_same && !is_forced {
            self.manager.dirty.remove(&service);
            return self.alarms.cancel(port, node, alarm);
        }
        self.alarms.set(port, node, SLICE_RETRY, alarm);
        let entry = Entry {
            change: Change::Slice { service },
            origin: member,
        };
        self.write(port, member, entry);
    }

    /// The endpoints of a service are written, as a member has it.
    pub(super) fn on_slice_written(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        service: ServiceId,
    ) {
        if self.manager.is_running && self.manager.member == member {
            self.manager.dirty.remove(&service);
            let node = self.ensemble.node(member);
            self.alarms.cancel(port, node, Alarm::Slice { service });
        }
    }
}
