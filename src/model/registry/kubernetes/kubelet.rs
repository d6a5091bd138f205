//! The kubelet of a host: which containers run, the lease of its node, and what it writes.

use super::Kubernetes;
use super::message::{Alarm, Message, PodState, Write};
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::attach::Roster;
use crate::model::registry::system::parties::first_tick;
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// By how much of itself an interval between two renewals may be longer (client-go's node lease
/// controller).
const RENEWAL_JITTER: f64 = 0.04;

/// The kubelet of one host.
#[derive(Debug)]
pub(super) struct Kubelet {
    /// The node of its first instance: its timers are there.
    pub anchor: NodeId,
    pub instances: Vec<InstanceId>,
    pub is_on: bool,
    roster: Roster,
    /// The member that it writes to.
    member: u32,
    /// Starts so far.
    pub start_count: u32,
    lease_number: u32,
    /// Members that a renewal went to that is not answered.
    open_tries: Option<u32>,
}

impl Kubelet {
    pub fn new(anchor: NodeId) -> Self {
        Kubelet {
            anchor,
            instances: Vec::new(),
            is_on: false,
            roster: Roster::default(),
            member: 0,
            start_count: 0,
            lease_number: 0,
            open_tries: None,
        }
    }
}

/// A pod, as its kubelet has it.
#[derive(Debug)]
pub(super) struct Pod {
    pub kubelet: u32,
    pub service: ServiceId,
    pub phase: Phase,
    pub is_wanted: bool,
    /// The container that it saw running, by the starts of the process before it.
    pub seen: Option<u32>,
    /// When that started, if it did so within the run.
    pub started_at: Option<SimTime>,
    pub is_ready: bool,
    /// The last result of a probe, and how often it came in a row. A new container goes on from
    /// what the last one left, as in the real prober.
    pub last: Option<bool>,
    pub run: u32,
    /// Whether a probe is under way.
    pub is_open: bool,
    pub probe_number: u32,
    write_number: u32,
    /// A write that was not taken.
    untaken: Option<PodState>,
}

impl Pod {
    pub fn new(kubelet: u32, service: ServiceId, phase: Phase) -> Self {
        Pod {
            kubelet,
            service,
            phase,
            is_wanted: false,
            seen: None,
            started_at: None,
            is_ready: false,
            last: None,
            run: 0,
            is_open: false,
            probe_number: 0,
            write_number: 0,
            untaken: None,
        }
    }
}

/// Whether the host of a node in this state is there.
fn has_host(state: LifeState) -> bool {
    !matches!(state, LifeState::HostLost | LifeState::Absent)
}

impl Kubernetes {
    pub(super) fn kubelet(&mut self, kubelet: u32) -> &mut Kubelet {
        &mut self.kubelets[kubelet as usize]
    }

    pub(super) fn pod(&mut self, instance: InstanceId) -> &mut Pod {
        let pod = self.pods.get_mut(instance);
        pod.expect("only instances that register have a pod")
    }

    /// Where messages of a kubelet come from and go to: an instance whose host is there.
    pub(super) fn endpoint(&self, port: &dyn Port, kubelet: u32) -> Option<NodeId> {
        let instances = self.kubelets[kubelet as usize].instances.iter();
        let mut nodes = instances.map(|instance| NodeId(instance.0));
        nodes.find(|node| has_host(port.node(*node).state))
    }

    /// The run begins: every host that is there has a kubelet that renewed its lease before.
    pub(super) fn start_kubelets(&mut self, port: &mut dyn Port) {
        for kubelet in 0..self.kubelets.len() as u32 {
            if self.endpoint(port, kubelet).is_some() {
                self.start_kubelet(port, kubelet);
                let interval = self.config.kubelet.lease_interval;
                let anchor = self.kubelets[kubelet as usize].anchor;
                let first = first_tick(port, anchor, "kubelet.lease", (interval, Phase::Random));
                let alarm = Alarm::Renew { kubelet };
                self.alarms.set(port, anchor, first, alarm);
            }
        }
    }

    /// A kubelet starts: its probes begin at a random point of their period.
    fn start_kubelet(&mut self, port: &mut dyn Port, kubelet: u32) {
        let count = self.ensemble.member_count();
        let own = self.kubelet(kubelet);
        own.is_on = true;
        own.start_count += 1;
        let (anchor, start_count) = (own.anchor, own.start_count);
        let roster = Roster::shuffled(port, anchor, start_count, count);
        let own = self.kubelet(kubelet);
        own.roster = roster;
        own.member = own.roster.advance().0;
        own.open_tries = None;
        for instance in own.instances.clone() {
            self.start_probes(port, instance, start_count);
        }
    }

    /// The host of a kubelet is gone.
    fn stop_kubelet(&mut self, port: &mut dyn Port, kubelet: u32) {
        let own = self.kubelet(kubelet);
        own.is_on = false;
        let (anchor, instances) = (own.anchor, own.instances.clone());
        let mut alarms = vec![
            Alarm::Renew { kubelet },
            Alarm::RenewEnds { kubelet },
            Alarm::Repeat { kubelet },
        ];
        for instance in instances {
            alarms.extend([
                Alarm::Relist { instance },
                Alarm::Probe { instance },
                Alarm::ProbeEnds { instance },
            ]);
            let pod = self.pod(instance);
            (pod.seen, pod.is_ready, pod.untaken) = (None, false, None);
            (pod.last, pod.run, pod.is_open) = (None, 0, false);
        }
        for alarm in alarms {
            self.alarms.cancel(port, anchor, alarm);
        }
    }

    /// A process ended. Its kubelet sees it at its next relist, if it is still there.
    pub(super) fn on_container_died(&mut self, port: &mut dyn Port, node: NodeId) {
        let instance = InstanceId(node.0);
        let Some(pod) = self.pods.get(instance) else {
            return;
        };
        let (kubelet, is_open) = (pod.kubelet, pod.is_open);
        if self.endpoint(port, kubelet).is_none() {
            return self.stop_kubelet(port, kubelet);
        }
        if is_open {
            self.end_probe(port, instance, false);
        }
        self.relist_soon(port, instance);
    }

    /// A process started.
    pub(super) fn on_container_started(&mut self, port: &mut dyn Port, node: NodeId) {
        let instance = InstanceId(node.0);
        let Some(pod) = self.pods.get_mut(instance) else {
            return;
        };
        pod.started_at = Some(port.now());
        let kubelet = pod.kubelet;
        if self.kubelets[kubelet as usize].is_on {
            return self.relist_soon(port, instance);
        }
        self.start_kubelet(port, kubelet);
        self.renew(port, kubelet);
        for instance in self.kubelets[kubelet as usize].instances.clone() {
            // A kubelet that starts knows of nobody that is ready.
            self.see_container(port, instance);
            self.write_pod(port, instance);
        }
    }

    /// The next time that the kubelet looks at its containers.
    fn relist_soon(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let period = self.config.kubelet.relist_period;
        let kubelet = self.pods[instance].kubelet;
        let Kubelet {
            anchor,
            start_count,
            ..
        } = self.kubelets[kubelet as usize];
        let identity = port.node(anchor).path_hash ^ path_hash("kubelet.relist");
        let phase = period.scaled(port.draw(identity, start_count, 0).uniform());
        let since_ns = (port.now().as_ns() + period.as_ns() - phase.as_ns()) % period.as_ns();
        let left = SimDuration::from_ns(period.as_ns() - since_ns);
        let alarm = Alarm::Relist { instance };
        if !self.alarms.is_set(anchor, alarm) {
            self.alarms.set(port, anchor, left, alarm);
        }
    }

    /// Takes note of the container that runs. Returns whether it is another one than before.
    fn see_container(&mut self, port: &dyn Port, instance: InstanceId) -> bool {
        let node = port.node(NodeId(instance.0));
        let runs = matches!(node.state, LifeState::Up | LifeState::Paused);
        let seen = runs.then_some(node.incarnation);
        let pod = self.pod(instance);
        let is_other = pod.seen != seen;
        pod.seen = seen;
        is_other
    }

    /// A kubelet looks at its containers, of which this one has changed.
    pub(super) fn relist(&mut self, port: &mut dyn Port, instance: InstanceId) {
        if !self.see_container(port, instance) {
            return;
        }
        let pod = self.pod(instance);
        let runs = pod.seen.is_some();
        if std::mem::take(&mut pod.is_ready) {
            // One that runs again did die, but is no longer dead.
            let is_dead = !runs && pod.is_wanted;
            port.set_suspected(instance, is_dead);
            self.write_pod(port, instance);
        }
        if runs {
            self.try_probe(port, instance);
        }
    }

    /// An instance wants to be listed, or leaves in good order.
    pub(super) fn set_wanted(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_wanted: bool,
    ) {
        let Some(pod) = self.pods.get_mut(instance) else {
            return;
        };
        if std::mem::replace(&mut pod.is_wanted, is_wanted) == is_wanted {
            return;
        }
        let is_news = !is_wanted || pod.is_ready;
        if !is_wanted {
            port.set_suspected(instance, false);
        }
        if is_news {
            self.write_pod(port, instance);
        }
    }

    /// A kubelet writes the state of a pod, again and again until it is taken.
    pub(super) fn write_pod(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let pod = self.pod(instance);
        let state = match (pod.is_wanted, pod.is_ready) {
            (false, _) => PodState::Deleted,
            (true, true) => PodState::Ready,
            (true, false) => PodState::Unready,
        };
        pod.write_number += 1;
        pod.untaken = Some(state);
        let (kubelet, number) = (pod.kubelet, pod.write_number);
        let write = Write::Pod {
            instance,
            state,
            number,
        };
        self.send_write(port, kubelet, write);
        let (anchor, alarm) = (
            self.kubelets[kubelet as usize].anchor,
            Alarm::Repeat { kubelet },
        );
        if !self.alarms.is_set(anchor, alarm) {
            let period = self.config.kubelet.status_sync_period;
            self.alarms.set(port, anchor, period, alarm);
        }
    }

    /// A kubelet repeats what was not taken.
    pub(super) fn repeat(&mut self, port: &mut dyn Port, kubelet: u32) {
        for instance in self.kubelets[kubelet as usize].instances.clone() {
            if self.pods[instance].untaken.is_some() {
                self.write_pod(port, instance);
            }
        }
    }

    fn send_write(&self, port: &mut dyn Port, kubelet: u32, write: Write) {
        let Some(from) = self.endpoint(port, kubelet) else {
            return;
        };
        let (kind, service) = match write {
            Write::Lease { .. } => (ControlKind::Heartbeat, None),
            Write::Pod { instance, .. } => (ControlKind::Write, Some(self.pods[instance].service)),
        };
        let letter = Letter {
            from,
            to: self.ensemble.node(self.kubelets[kubelet as usize].member),
            kind,
            service,
            byte_count: self.sizes.message_bytes,
        };
        let message = Message::Write { kubelet, write };
        port.send(letter, system::Message::Kubernetes(message));
    }

    /// A kubelet renews the lease of its node.
    pub(super) fn renew(&mut self, port: &mut dyn Port, kubelet: u32) {
        let own = self.kubelet(kubelet);
        own.lease_number += 1;
        own.open_tries = Some(0);
        self.try_renewal(port, kubelet);
    }

    fn try_renewal(&mut self, port: &mut dyn Port, kubelet: u32) {
        let own = self.kubelet(kubelet);
        let (anchor, number) = (own.anchor, own.lease_number);
        let patience = self.config.kubelet.request_timeout;
        let alarm = Alarm::RenewEnds { kubelet };
        self.alarms.set(port, anchor, patience, alarm);
        self.send_write(port, kubelet, Write::Lease { number });
    }

    fn change_member(&mut self, port: &mut dyn Port, kubelet: u32) {
        let own = self.kubelet(kubelet);
        let (before, next) = (own.member, own.roster.advance().0);
        own.member = next;
        if let Some(endpoint) = self.endpoint(port, kubelet) {
            port.reconnect(endpoint, self.ensemble.node(before));
        }
    }

    /// A renewal was not answered: the next API server may, as long as there is one.
    pub(super) fn on_renewal_lost(&mut self, port: &mut dyn Port, kubelet: u32) {
        self.change_member(port, kubelet);
        let count = self.ensemble.member_count();
        let own = self.kubelet(kubelet);
        let tries = own.open_tries.map_or(1, |tries| tries + 1);
        if tries < count {
            own.open_tries = Some(tries);
            return self.try_renewal(port, kubelet);
        }
        self.renew_later(port, kubelet);
    }

    fn renew_later(&mut self, port: &mut dyn Port, kubelet: u32) {
        let interval = self.config.kubelet.lease_interval;
        let own = self.kubelet(kubelet);
        own.open_tries = None;
        let (anchor, number) = (own.anchor, own.lease_number);
        let identity = port.node(anchor).path_hash ^ path_hash("kubelet.renewal");
        let jitter = RENEWAL_JITTER * port.draw(identity, number, 0).uniform();
        let ends = Alarm::RenewEnds { kubelet };
        self.alarms.cancel(port, anchor, ends);
        let alarm = Alarm::Renew { kubelet };
        let wait = interval.scaled(1.0 + jitter);
        self.alarms.set(port, anchor, wait, alarm);
    }

    /// The host of a dead API server answers.
    pub(super) fn on_write_refused(&mut self, port: &mut dyn Port, kubelet: u32, write: Write) {
        let own = self.kubelet(kubelet);
        match write {
            Write::Lease { number } => {
                if own.is_on && own.open_tries.is_some() && own.lease_number == number {
                    self.on_renewal_lost(port, kubelet);
                }
            }
            Write::Pod { .. } => self.change_member(port, kubelet),
        }
    }

    /// An API server has written what a kubelet asked for.
    pub(super) fn on_written(
        &mut self,
        port: &mut dyn Port,
        kubelet: u32,
        write: Write,
        is_marked: bool,
    ) {
        match write {
            Write::Lease { number } => {
                let own = self.kubelet(kubelet);
                let is_awaited = own.is_on && own.open_tries.is_some();
                if !is_awaited || own.lease_number != number {
                    return;
                }
                self.renew_later(port, kubelet);
                if is_marked {
                    for instance in self.kubelets[kubelet as usize].instances.clone() {
                        if self.pods[instance].is_wanted {
                            self.write_pod(port, instance);
                        }
                    }
                }
            }
            Write::Pod {
                instance, number, ..
            } => {
                let pod = self.pod(instance);
                if pod.write_number == number {
                    pod.untaken = None;
                }
            }
        }
    }
}
