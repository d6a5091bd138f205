//! Readiness probes, by the rules of the kubelet's prober.

use super::Kubernetes;
use super::message::Alarm;
use crate::id::{InstanceId, NodeId};
use crate::model::observation::LifeState;
use crate::model::registry::system::{Port, Probed};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::scenario::registry::kubernetes::ProbeSees;

impl Kubernetes {
    /// Probes of a container begin, at the point of its period that the scenario says, or that is
    /// drawn for every start of its kubelet.
    pub(super) fn start_probes(&mut self, port: &mut dyn Port, instance: InstanceId, number: u32) {
        let period = self.config.probe.period;
        let pod = &self.pods[instance];
        let first = match pod.phase {
            Phase::Aligned => period,
            Phase::At(offset) => offset,
            Phase::Random => {
                let node = port.node(NodeId(instance.0));
                let identity = node.path_hash ^ path_hash("kubelet.probe");
                period.scaled(1.0 - port.draw(identity, number, 0).uniform())
            }
        };
        let anchor = self.kubelets[pod.kubelet as usize].anchor;
        self.alarms
            .set(port, anchor, first, Alarm::Probe { instance });
    }

    /// A probe is due.
    pub(super) fn probe(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.try_probe(port, instance);
        let anchor = self.kubelets[self.pods[instance].kubelet as usize].anchor;
        let period = self.config.probe.period;
        // The end of this probe comes before the next one, where both are due at once.
        self.alarms
            .set(port, anchor, period, Alarm::Probe { instance });
    }

    /// Probes a container that runs, as far as its kubelet knows, and not only since a moment.
    pub(super) fn try_probe(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let (now, rules) = (port.now(), self.config.probe);
        let pod = self.pod(instance);
        let is_early = |at| now < at + rules.initial_delay;
        if pod.is_open || pod.seen.is_none() || pod.started_at.is_some_and(is_early) {
            return;
        }
        pod.probe_number += 1;
        let (kubelet, number) = (pod.kubelet, pod.probe_number);
        match (port.node(NodeId(instance.0)).state, rules.sees) {
            (LifeState::Up, ProbeSees::Process)
            | (LifeState::Up | LifeState::Paused, ProbeSees::Socket) => {
                return self.note_result(port, instance, true);
            }
            (LifeState::Up, ProbeSees::Worker) => port.admit_probe(instance, number),
            (LifeState::Paused, ProbeSees::Process | ProbeSees::Worker) => {}
            (
                LifeState::Crashed
                | LifeState::Restarting
                | LifeState::HostLost
                | LifeState::Absent,
                _,
            ) => return self.note_result(port, instance, false),
        }
        self.pod(instance).is_open = true;
        let anchor = self.kubelets[kubelet as usize].anchor;
        self.alarms
            .set(port, anchor, rules.timeout, Alarm::ProbeEnds { instance });
    }

    /// A process goes on that stood still: it takes up the probe that waits.
    pub(super) fn answer_open_probe(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let Some(pod) = self.pods.get(instance).filter(|pod| pod.is_open) else {
            return;
        };
        match self.config.probe.sees {
            ProbeSees::Worker => port.admit_probe(instance, pod.probe_number),
            ProbeSees::Process | ProbeSees::Socket => self.end_probe(port, instance, true),
        }
    }

    /// A worker answered a probe.
    pub(super) fn on_worker_answered(&mut self, port: &mut dyn Port, probed: Probed) {
        let pod = self.pods.get(probed.instance);
        if pod.is_some_and(|pod| pod.is_open && pod.probe_number == probed.number) {
            self.end_probe(port, probed.instance, probed.is_good);
        }
    }

    /// A probe passed or failed.
    pub(super) fn end_probe(&mut self, port: &mut dyn Port, instance: InstanceId, is_good: bool) {
        let pod = self.pod(instance);
        if !std::mem::take(&mut pod.is_open) {
            return;
        }
        let kubelet = pod.kubelet;
        let anchor = self.kubelets[kubelet as usize].anchor;
        self.alarms
            .cancel(port, anchor, Alarm::ProbeEnds { instance });
        self.note_result(port, instance, is_good);
    }

    fn note_result(&mut self, port: &mut dyn Port, instance: InstanceId, is_good: bool) {
        let rules = self.config.probe;
        let pod = self.pod(instance);
        pod.run = match pod.last == Some(is_good) {
            true => pod.run.saturating_add(1),
            false => 1,
        };
        pod.last = Some(is_good);
        let threshold = match is_good {
            true => rules.success_threshold,
            false => rules.failure_threshold,
        };
        if pod.run < threshold || pod.is_ready == is_good {
            return;
        }
        pod.is_ready = is_good;
        if pod.is_wanted {
            port.set_suspected(instance, !is_good);
            self.write_pod(port, instance);
        }
    }
}
