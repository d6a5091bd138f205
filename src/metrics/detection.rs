//! What detectors believed and when: detection times and mistakes by detector.
//!
//! Every calling side of an edge with a detector is taken to watch every instance of the service
//! while it is there itself.

use std::collections::BTreeMap;
use std::ops::Range;

use super::data::detection::{DetectorMetrics, FaultDetection, MemberDetection};
use super::detector::{Detector, MISTAKE_PART_COUNT};
use super::life::Episode;
use super::passive::watcher_name;
use super::presence::Presence;
use crate::id::{CallerId, FaultId, InstanceId, NodeId, ServiceId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;
use crate::scenario::topology::NodeKind;
use crate::time::SimTime;

/// Code of the registry among suspectors; calling side `i` is `i + 1`.
const REGISTRY: u64 = 0;
/// Marks the code of a member of a cluster.
const MEMBER: u64 = 1 << 63;

/// A suspicion that lasts.
#[derive(Clone, Copy, Debug)]
struct Suspicion {
    since: SimTime,
    /// Since when it is wrong: the instance is there and has not crashed.
    wrong_since: Option<SimTime>,
    /// It was wrong when it began.
    is_mistake: bool,
}

/// All detectors of one run.
#[derive(Clone, Debug, Default)]
pub struct DetectionTable {
    measured: (SimTime, SimTime),
    /// The detectors.
    pub detectors: Vec<Detector>,
    /// Place of the registry's detector by service.
    registry_detectors: Vec<Option<usize>>,
    /// Place of the detector by edge.
    edge_detectors: Vec<Option<usize>>,
    /// Places of the detectors of each cluster, by service.
    cluster_detectors: Vec<Vec<(ServiceId, usize)>>,
    presence: Presence,
    /// Suspicions that last, by instance and suspector.
    suspicions: BTreeMap<(u32, u64), Suspicion>,
    /// Since when instances that are down were suspected by those who no longer watch them.
    forgotten: BTreeMap<(u32, u64), SimTime>,
}

impl DetectionTable {
    /// The detectors of a scenario. `measured` is its measured window.
    pub fn new(scenario: &Scenario, measured: (SimTime, SimTime)) -> Self {
        let mut table = DetectionTable {
            measured,
            presence: Presence::new(scenario),
            ..DetectionTable::default()
        };
        let has_leases = scenario.registry.profile.detects();
        for (index, service) in scenario.services.iter().enumerate() {
            let is_watched = has_leases && service.registered.is_some();
            table
                .registry_detectors
                .push(is_watched.then_some(table.detectors.len()));
            if is_watched {
                let id = ServiceId::from_index(index);
                let detector = Detector::new(scenario, "registry".to_string(), id, None);
                table.detectors.push(detector);
            }
        }
        for (index, edge) in scenario.edges.iter().enumerate() {
            let name = watcher_name(edge);
            let place = name.as_ref().map(|_| table.detectors.len());
            table.edge_detectors.push(place);
            let new = |name| Detector::new(scenario, name, edge.to, Some(index));
            table.detectors.extend(name.map(new));
        }
        for (cluster, config) in (0..).zip(&scenario.clusters) {
            let members = |s: &ServiceId| scenario.topology.service_instances(*s);
            let watchers: Vec<Range<u32>> = config.services.iter().map(members).collect();
            let owner = &scenario.services[config.service.index()].name;
            let mut places = Vec::new();
            for service in config.services.iter().copied() {
                places.push((service, table.detectors.len()));
                let name = format!("service.{owner}.gossip");
                let detector = Detector::new(scenario, name, service, None);
                table
                    .detectors
                    .push(detector.of_cluster(cluster, watchers.clone()));
            }
            table.cluster_detectors.push(places);
        }
        for detector in &mut table.detectors {
            detector.count_suspectors(&table.presence);
        }
        table
    }

    /// The part of the measured window in which an instant lies.
    fn part_of(&self, at: SimTime) -> Option<usize> {
        let (start, end) = self.measured;
        (start <= at && at < end).then(|| {
            let [passed, all] = [at, end].map(|x| u128::from(x.since(start).as_ns()));
            (passed * MISTAKE_PART_COUNT as u128 / all) as usize
        })
    }

    /// Whether a suspector has been there since an instant. Who came later never took an instance
    /// for alive that crashed then.
    fn has_stayed(&self, suspector: Suspector, since: SimTime, scenario: &Scenario) -> bool {
        let node = match suspector {
            Suspector::Registry => return true,
            Suspector::Caller(caller) => scenario.topology.caller_node(caller),
            Suspector::Member { node, .. } => node,
        };
        self.presence.has_stayed(node, since)
    }

    /// A suspicion began. `is_alive`: the instance is there and has not crashed.
    ///
    /// # Panics
    ///
    /// If this suspicion lasts already.
    pub fn suspect(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        is_alive: bool,
        scenario: &Scenario,
    ) {
        let place = self.place(suspector, instance, scenario);
        if let Some(part) = self.part_of(at).filter(|_| is_alive) {
            self.detectors[place].mistake_counts[part] += 1;
        }
        let suspicion = Suspicion {
            since: at,
            wrong_since: is_alive.then_some(at),
            is_mistake: is_alive,
        };
        let key = (instance.0, code(suspector));
        let earlier = self.suspicions.insert(key, suspicion);
        assert!(
            earlier.is_none(),
            "{suspector:?} suspects {instance:?} twice"
        );
    }

    /// Which nodes are there.
    pub(super) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Whether a suspicion lasts.
    pub fn is_suspected(&self, suspector: Suspector, instance: InstanceId) -> bool {
        self.suspicions.contains_key(&(instance.0, code(suspector)))
    }

    /// A suspicion ended.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn trust(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        scenario: &Scenario,
    ) {
        self.forget(at, suspector, instance, false, scenario);
    }

    /// Who suspects an instance no longer watches it. `is_down`: the instance is, and so the
    /// suspicion is not withdrawn.
    ///
    /// # Panics
    ///
    /// If there is no suspicion.
    pub fn forget(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        is_down: bool,
        scenario: &Scenario,
    ) {
        let place = self.place(suspector, instance, scenario);
        let key = (instance.0, code(suspector));
        let suspicion = self.suspicions.remove(&key);
        let suspicion = suspicion.expect("only who suspects can cease to");
        self.end_wrong(place, &suspicion, at);
        if is_down {
            self.forgotten.insert(key, suspicion.since);
        }
    }

    /// A node is there from now on, or no longer is.
    pub fn set_up(&mut self, at: SimTime, node: NodeId, is_up: bool, scenario: &Scenario) {
        if !self.presence.set(at, node, is_up) {
            return;
        }
        let service = match scenario.topology.node_kind(node) {
            NodeKind::Instance(instance) => Some(scenario.topology.service_of(instance)),
            NodeKind::Caller(..) | NodeKind::RegistryMember(_) | NodeKind::Agent(_) => None,
        };
        for detector in &mut self.detectors {
            let watches = detector.watchers.iter().any(|it| it.contains(&node.0));
            let is_watched = Some(detector.service) == service;
            if watches || is_watched {
                detector.advance(at, self.measured);
                detector.count_suspectors(&self.presence);
            }
            match (is_watched, is_up) {
                (false, _) => {}
                (true, true) => detector.alive_count += 1,
                (true, false) => detector.alive_count -= 1,
            }
        }
    }

    /// An instance crashed or left the scenario: suspicions of it are not wrong from now on.
    pub fn leave(&mut self, at: SimTime, instance: InstanceId, scenario: &Scenario) {
        self.set_up(at, NodeId(instance.0), false, scenario);
        for (key, mut suspicion) in self.suspicions_of(instance) {
            let place = self.place(suspector(key.1), instance, scenario);
            self.end_wrong(place, &suspicion, at);
            (suspicion.wrong_since, suspicion.is_mistake) = (None, false);
            self.suspicions.insert(key, suspicion);
        }
    }

    /// An instance is there and works: suspicions of it are wrong from now on, though no mistakes.
    pub fn enter(&mut self, at: SimTime, instance: InstanceId, scenario: &Scenario) {
        self.set_up(at, NodeId(instance.0), true, scenario);
        for (key, mut suspicion) in self.suspicions_of(instance) {
            suspicion.wrong_since = Some(at);
            self.suspicions.insert(key, suspicion);
        }
    }

    /// A crash is over: who suspects the instance now has detected it.
    pub fn recover(&mut self, instance: InstanceId, episode: &Episode, scenario: &Scenario) {
        let noticed = self.take_noticed(instance, episode.since, scenario);
        if episode.since < self.measured.0 || self.measured.1 <= episode.since {
            return;
        }
        let mut times = vec![Vec::new(); self.detectors.len()];
        let mut stayed_counts = vec![0; self.detectors.len()];
        for (code, since) in noticed {
            let suspector = suspector(code);
            let place = self.place(suspector, instance, scenario);
            times[place].push(since.max(episode.since).since(episode.since));
            let has_stayed = self.has_stayed(suspector, episode.since, scenario);
            stayed_counts[place] += u64::from(has_stayed);
        }
        let service = scenario.topology.service_of(instance);
        for (place, times) in times.iter_mut().enumerate() {
            let detector = &mut self.detectors[place];
            if detector.service == service {
                let witness_count = detector.witness_count(&self.presence, episode.since);
                let missed = witness_count - stayed_counts[place];
                let cell = detector.by_fault.entry(episode.fault).or_default();
                cell.record(times, missed);
            }
        }
    }

    /// Since when those suspected an instance who did so at last, whether they watch it still or
    /// not. Who came after the crash is left out.
    fn take_noticed(
        &mut self,
        instance: InstanceId,
        crashed_at: SimTime,
        scenario: &Scenario,
    ) -> BTreeMap<u64, SimTime> {
        let lasting = self.suspicions_of(instance).into_iter();
        let stayed = lasting.filter(|((_, code), _)| {
            let suspector = suspector(*code);
            self.has_stayed(suspector, crashed_at, scenario)
        });
        let mut noticed: BTreeMap<u64, SimTime> = stayed
            .map(|((_, code), suspicion)| (code, suspicion.since))
            .collect();
        let of_instance = (instance.0, REGISTRY)..=(instance.0, u64::MAX);
        let forgotten = self.forgotten.range(of_instance);
        for key in forgotten.map(|(key, _)| *key).collect::<Vec<_>>() {
            let since = self.forgotten.remove(&key).expect("the key was just read");
            noticed.entry(key.1).or_insert(since);
        }
        noticed
    }

    /// Settles what lasts at the end of the run.
    pub fn close(&mut self, at: SimTime, scenario: &Scenario) {
        for ((instance, suspector_code), suspicion) in std::mem::take(&mut self.suspicions) {
            let place = self.place(suspector(suspector_code), InstanceId(instance), scenario);
            let Some(wrong_since) = suspicion.wrong_since else {
                continue;
            };
            let measured = self.measured;
            let detector = &mut self.detectors[place];
            detector.add_wrong(wrong_since, at, measured);
            let is_counted = measured.0 <= suspicion.since && suspicion.since < measured.1;
            detector.mistake_open_count += u64::from(suspicion.is_mistake && is_counted);
        }
        for detector in &mut self.detectors {
            detector.advance(at, self.measured);
        }
    }

    /// Every detector as plain data.
    pub fn metrics(&self, scenario: &Scenario) -> Vec<DetectorMetrics> {
        let metrics = |detector: &Detector| {
            let detection = detector.detection(None);
            DetectorMetrics {
                detector: detector.name.clone(),
                service: scenario.services[detector.service.index()].name.clone(),
                detection_time: detection.detection_time.stats(),
                undetected_count: detection.undetected_count,
                mistake_count: detector.mistake_count(),
                mistake_rate_per_sec: detector.mistake_rate_per_sec(),
                mistake_duration: detector.mistake_duration.stats(),
                mistake_open_count: detector.mistake_open_count,
                mistake_recurrence_secs_mean: detector.mistake_recurrence_secs(),
                query_accuracy_ratio: detector.query_accuracy_ratio(),
                observed_pair_secs: detector.observed_pair_secs(),
                members: detector.cluster.map(|_| MemberDetection {
                    member_count: detector.watchers.iter().map(|it| it.len() as u64).sum(),
                    first: detection.order[0].stats(),
                    median: detection.order[1].stats(),
                    last: detection.order[2].stats(),
                }),
            }
        };
        self.detectors.iter().map(metrics).collect()
    }

    /// How each detector saw a fault; those that watch none of its victims are left out.
    pub fn of_fault(&self, fault: FaultId) -> Vec<FaultDetection> {
        let detection = |detector: &Detector| {
            let cell = detector.by_fault.get(&Some(fault))?;
            Some(FaultDetection {
                detector: detector.name.clone(),
                detection_time: cell.detection_time.stats(),
                undetected_count: cell.undetected_count,
            })
        };
        self.detectors.iter().filter_map(detection).collect()
    }

    fn end_wrong(&mut self, place: usize, suspicion: &Suspicion, at: SimTime) {
        let Some(wrong_since) = suspicion.wrong_since else {
            return;
        };
        let measured = self.measured;
        let detector = &mut self.detectors[place];
        detector.add_wrong(wrong_since, at, measured);
        let is_counted = measured.0 <= suspicion.since && suspicion.since < measured.1;
        if suspicion.is_mistake && is_counted {
            detector.mistake_duration.record(at.since(suspicion.since));
        }
    }

    fn suspicions_of(&self, instance: InstanceId) -> Vec<((u32, u64), Suspicion)> {
        let range = (instance.0, REGISTRY)..=(instance.0, u64::MAX);
        self.suspicions
            .range(range)
            .map(|(key, s)| (*key, *s))
            .collect()
    }

    fn place(&self, suspector: Suspector, instance: InstanceId, scenario: &Scenario) -> usize {
        let place = match suspector {
            Suspector::Registry => {
                self.registry_detectors[scenario.topology.service_of(instance).index()]
            }
            Suspector::Caller(caller) => {
                self.edge_detectors[scenario.topology.edge_of(caller).index()]
            }
            Suspector::Member { cluster, .. } => {
                let service = scenario.topology.service_of(instance);
                let mut places = self.cluster_detectors[cluster as usize].iter();
                let found = places.find(|(other, _)| *other == service);
                found.map(|(_, place)| *place)
            }
        };
        place.expect("who suspects has a detector in the scenario")
    }
}

fn code(suspector: Suspector) -> u64 {
    match suspector {
        Suspector::Registry => REGISTRY,
        Suspector::Caller(caller) => u64::from(caller.0) + 1,
        Suspector::Member { cluster, node } => {
            MEMBER | u64::from(cluster) << u32::BITS | u64::from(node.0)
        }
    }
}

fn suspector(code: u64) -> Suspector {
    match code {
        REGISTRY => Suspector::Registry,
        code if code & MEMBER != 0 => Suspector::Member {
            cluster: ((code & !MEMBER) >> u32::BITS) as u32,
            node: NodeId((code & u64::from(u32::MAX)) as u32),
        },
        code => Suspector::Caller(CallerId(
            u32::try_from(code - 1).expect("codes are made of 32-bit ids"),
        )),
    }
}
