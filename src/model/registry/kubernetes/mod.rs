//! Kubernetes: which instances are endpoints of a service.
//!
//! Source: kubelet (`prober/worker.go`, PLEG, status manager, node leases), node lifecycle
//! controller (`node_lifecycle_controller.go`), endpoint slice controller, leader election of
//! client-go, reflectors and `http2` health checks, kube-proxy's `BoundedFrequencyRunner`.
//!
//! The kubelet of a host probes its pods, sees at its next relist that a container died or
//! started, and writes what changes to an API server. It renews the lease of its node; the node
//! controller marks the pods of a node not ready whose lease it has not seen change for the grace
//! period. The endpoint slice controller writes the ready pods of a service; those who watch are
//! told. Everything that is written is agreed on by etcd, one member of which runs beside every
//! API server. The controllers run at one member, and start over at another one when it dies.
//!
//! A kubelet lives and dies with its host: it goes on while a process stands still or is dead.
//! Probes stay on the host, take no time on the way and are not counted as messages.
//!
//! Left out: evictions after `tolerationSeconds` (300 s after a node is not ready its pods are
//! deleted. Their endpoints are gone since then, so nothing changes for who calls, until the host
//! is back: here its pods become ready again. Where the scenario says so, they are replaced),
//! `syncPeriod` of kube-proxy (it repeats syncs that failed, and none fails), liveness and
//! startup probes, pods that end without being deleted, kubelets that read what others write (one
//! learns with its next renewal that its pods were marked), controllers that are cut off from or
//! outlived by another member while their own one stands still.

mod kubelet;
mod leader;
mod manager;
mod message;
mod probe;
mod server;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

pub use message::{Alarm, Entry, Job, Message};

use self::kubelet::{Kubelet, Pod};
use self::manager::Manager;
use self::server::Server;
use self::watch::Client;
use super::system::parties::{Alarms, parties};
use super::system::quorum::{Effect, Ensemble};
use super::system::{self, Port, Protocol};
use crate::engine::DenseMap;
use crate::id::{HostId, InstanceId, NodeId, ServiceId};
use crate::model::node::build_nodes;
use crate::scenario::Scenario;
use crate::scenario::registry::kubernetes::KubernetesConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};

/// Kubernetes.
#[derive(Debug)]
pub struct Kubernetes {
    config: KubernetesConfig,
    sizes: SizesConfig,
    ensemble: Ensemble,
    servers: Vec<Server>,
    manager: Manager,
    kubelets: Vec<Kubelet>,
    /// By instance that registers.
    pods: DenseMap<InstanceId, Pod>,
    clients: Vec<Client>,
    client_of: Vec<Option<u32>>,
    services: BTreeSet<ServiceId>,
    alarms: Alarms<Alarm>,
}

impl Kubernetes {
    /// The members, kubelets and watchers of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &KubernetesConfig) -> Self {
        let topology = &scenario.topology;
        let nodes = build_nodes(scenario);
        let ensemble = Ensemble::new(scenario, system, &config.quorum);
        let mut kubelets: Vec<Kubelet> = Vec::new();
        let mut kubelet_of: BTreeMap<HostId, u32> = BTreeMap::new();
        let mut pods = DenseMap::default();
        let mut clients = Vec::new();
        let mut client_of = vec![None; topology.node_count() as usize];
        for party in parties(scenario) {
            if let Some((instance, service, registered)) = party.instance {
                let kubelet = *kubelet_of
                    .entry(nodes[party.node.index()].host)
                    .or_insert_with(|| {
                        kubelets.push(Kubelet::new(party.node));
                        kubelets.len() as u32 - 1
                    });
                kubelets[kubelet as usize].instances.push(instance);
                pods.insert(instance, Pod::new(kubelet, service, registered.phase));
            }
            if !party.sides.is_empty() {
                client_of[party.node.index()] = Some(clients.len() as u32);
                clients.push(Client::new(party));
            }
        }
        let services = pods.values().map(|pod: &Pod| pod.service).collect();
        let server = |_| Server::new(scenario.services.len());
        Kubernetes {
            config: config.clone(),
            sizes: system.sizes,
            servers: (0..ensemble.member_count()).map(server).collect(),
            manager: Manager::new(config.quorum.first_leader),
            ensemble,
            kubelets,
            pods,
            clients,
            client_of,
            services,
            alarms: Alarms::new(scenario, system::Alarm::Kubernetes),
        }
    }

    fn on_own_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: Alarm) {
        self.alarms.note_fired(node, alarm);
        match alarm {
            Alarm::Renew { kubelet } => self.renew(port, kubelet),
            Alarm::RenewEnds { kubelet } => self.on_renewal_lost(port, kubelet),
            Alarm::Repeat { kubelet } => self.repeat(port, kubelet),
            Alarm::Relist { instance } => self.relist(port, instance),
            Alarm::Probe { instance } => self.probe(port, instance),
            Alarm::ProbeEnds { instance } => self.end_probe(port, instance, false),
            Alarm::Watch { client } => self.watch(port, client),
            Alarm::Idle { client } => self.on_idle(port, client),
            Alarm::Sync { client } => self.sync_rules(port, client),
            Alarm::Heartbeat { member } => self.on_heartbeat(port, member),
            Alarm::Monitor => self.monitor(port),
            Alarm::Slice { service } => self.write_slice(port, service),
            Alarm::TakeOver { member } => self.start_manager(port, member),
        }
    }
}

impl Protocol for Kubernetes {
    fn start(&mut self, port: &mut dyn Port) {
        self.prepare_pods(port);
        self.ensemble.start(port);
        self.settle(port);
        self.start_kubelets(port);
        self.start_watches(port);
        self.start_manager(port, self.manager.member);
    }

    fn settle(&mut self, port: &mut dyn Port) {
        while let Some(effect) = self.ensemble.effects.pop_front() {
            match effect {
                Effect::Apply {
                    member,
                    zxid,
                    entry,
                } => {
                    let system::Entry::Kubernetes(entry) = entry else {
                        unreachable!("it proposes its own entries");
                    };
                    self.apply(port, member, zxid, entry);
                }
                Effect::CopyState { from, to } => self.copy_state(port, from, to),
                Effect::Leads { member } => self.lead(port, member),
                Effect::Follows { member } => self.follow(port, member),
                Effect::Looks { member } => self.stop_leading(port, member),
                Effect::Done { member, job } => {
                    let system::Job::Kubernetes(job) = job else {
                        unreachable!("the quorum does its own work");
                    };
                    self.on_job(port, member, job);
                }
            }
        }
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let members = (self.ensemble.member_of(from), self.ensemble.member_of(to));
        match (message, members) {
            (system::Message::Quorum(message), (Some(from), Some(to))) => {
                self.ensemble.on_message(port, from, to, message);
            }
            (system::Message::Kubernetes(message), (Some(from), Some(to))) => {
                self.on_member_message(port, (from, to), message);
            }
            (system::Message::Kubernetes(message), (None, Some(to))) => {
                self.on_request(port, to, message);
            }
            (system::Message::Kubernetes(message), (_, None)) => {
                self.on_answer(port, to, message);
            }
            _ => unreachable!("nobody speaks another protocol"),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        _to: NodeId,
        message: system::Message,
    ) {
        if self.ensemble.member_of(from).is_none()
            && let system::Message::Kubernetes(message) = message
        {
            match message {
                Message::Write { kubelet, write } => self.on_write_refused(port, kubelet, write),
                Message::Watch { client, epoch } | Message::Ping { client, epoch } => {
                    self.on_watch_closed(port, client, epoch);
                }
                _ => {}
            }
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: system::Alarm) {
        match self.ensemble.take_alarm(port, alarm) {
            None => {}
            Some(system::Alarm::Kubernetes(alarm)) => self.on_own_alarm(port, node, alarm),
            Some(_) => unreachable!("it sets no other timers"),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.alarms.cancel_all(port, node);
            self.close_watches(port, member);
            self.ensemble.on_died(port, member);
            self.on_manager_died(port, member);
        }
        if let Some(client) = self.client_of[node.index()] {
            self.stop_watching(port, client);
        }
        self.on_container_died(port, node);
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.ensemble.on_started(port, member);
            self.on_candidate_started(port, member);
        }
        self.on_container_started(port, node);
        if let Some(client) = self.client_of[node.index()] {
            self.start_client(port, client);
        }
    }

    fn on_resumed(&mut self, port: &mut dyn Port, node: NodeId) {
        self.answer_open_probe(port, InstanceId(node.0));
    }

    fn register(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, true);
    }

    fn deregister(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, false);
    }

    fn leader(&self) -> Option<u32> {
        self.ensemble.leader()
    }

    fn on_weight_changed(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.change_weight(port, instance);
    }

    fn on_probed(&mut self, port: &mut dyn Port, probed: system::Probed) {
        self.on_worker_answered(port, probed);
    }
}
