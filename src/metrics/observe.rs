//! Which counters each fact goes to.
//!
//! Where a fact is made, its kind is known: `observe` and its groups are inlined there, so that
//! only the few lines for that kind are left.

use super::data::timeline::BelievedState;
use super::life::is_down;
use super::recorder::Recorder;
use super::selection::Pick;
use super::service::WorkRecord;
use super::timeline::{Witness, is_shown, member_shown, true_state};
use crate::id::{CallerId, ClassId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::observation::{ExclusionCause, LifeState, Observation, Observer, Suspector};
use crate::scenario::topology::NodeKind;
use crate::time::SimTime;

impl Observer for Recorder<'_> {
    #[inline(always)]
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.take::<false>(at, observation);
    }

    #[inline(always)]
    fn observe_bare(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.take::<true>(at, observation);
    }
}

impl Recorder<'_> {
    /// Takes note of one fact. In a bare run there are no classes.
    #[inline(always)]
    fn take<const IS_BARE: bool>(&mut self, at: SimTime, observation: &Observation<'_>) {
        if self.next_cut <= at {
            self.cut(at);
        }
        match observation {
            Observation::RequestArrived { .. }
            | Observation::RequestEnded { .. }
            | Observation::CallEnded { .. }
            | Observation::AttemptSent { .. }
            | Observation::AttemptEnded { .. } => self.observe_request::<IS_BARE>(at, observation),
            Observation::WorkArrived { .. }
            | Observation::WorkStarted { .. }
            | Observation::WorkEnded { .. }
            | Observation::WorkRejected { .. }
            | Observation::BusyChanged { .. } => self.observe_work::<IS_BARE>(at, observation),
            Observation::NodeChanged { node, state, fault } => {
                self.node_changed(at, *node, *state, *fault);
            }
            Observation::FaultStarted { fault, targets } => self.fault_started(*fault, targets),
            Observation::FaultEnded { fault, targets } => self.fault_ended(at, *fault, targets),
            Observation::GossipProbeFailed { .. } | Observation::Attached { .. } => {}
            Observation::RolloutStep { .. } => self.tables.rollouts.note(observation),
            Observation::Suspected { .. }
            | Observation::Trusted { .. }
            | Observation::Forgotten { .. }
            | Observation::Published { .. }
            | Observation::CandidatesChanged { .. }
            | Observation::Excluded { .. }
            | Observation::Included { .. } => self.observe_belief(at, observation),
            Observation::HandshakeStarted { .. }
            | Observation::ConnectionOpened { .. }
            | Observation::ConnectionClosed { .. }
            | Observation::AttemptCarried { .. }
            | Observation::HedgeSent { .. }
            | Observation::FellBack { .. }
            | Observation::TurnedAway { .. }
            | Observation::RetryDecided { .. }
            | Observation::BreakerChanged { .. }
            | Observation::LimitChanged { .. } => self.observe_edge(at, observation),
            Observation::ControlSent { .. } | Observation::ControlSized { .. } => {
                self.observe_control(observation);
            }
            Observation::CpuChanged { .. }
            | Observation::CoresShared { .. }
            | Observation::CoresFreed { .. }
            | Observation::CopyMade { .. }
            | Observation::ZombieWorked { .. } => self.observe_server(at, observation),
            Observation::BytesSent {
                edge,
                class,
                byte_count,
            } => self.class_bytes(*edge, *class, *byte_count),
            Observation::CallBegan { .. }
            | Observation::WorkReleased { .. }
            | Observation::OptionalCallEnded { .. }
            | Observation::ReleasedWorkEnded { .. }
            | Observation::CallBreakdown { .. }
            | Observation::RequestBreakdown { .. } => self.observe_flow(at, observation),
            Observation::CacheAsked { .. } | Observation::CacheLoads { .. } => {
                let caches = &mut self.tables.caches;
                caches.observe(at, self.class, observation, self.scenario);
            }
        }
    }

    #[inline(always)]
    fn observe_request<const IS_BARE: bool>(&mut self, at: SimTime, observation: &Observation<'_>) {
        if !IS_BARE {
            self.observe_class_load(at, observation);
        }
        match *observation {
            Observation::RequestArrived { caller, class, .. } => {
                self.tables.requests.arrive(self.class, caller);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_arrived(at, class, caller);
                }
            }
            Observation::RequestEnded {
                client,
                caller,
                class,
                arrived_at,
                outcome,
                attempt_count: _,
            } => {
                self.request_ended(at, (client, caller), arrived_at, outcome);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_ended(at, class, caller, arrived_at, outcome);
                }
            }
            Observation::CallEnded {
                caller,
                edge,
                class,
                started_at,
                outcome,
            } => {
                self.call_ended(at, (caller, edge), started_at, outcome);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_call_ended(at, class, (caller, edge), started_at, outcome);
                }
            }
            Observation::AttemptSent {
                caller,
                edge,
                instance,
                class,
                attempt_index,
                key: _,
                is_wasted,
            } => {
                let pick = Pick {
                    caller,
                    instance,
                    is_retry: 0 < attempt_index,
                    is_wasted,
                };
                self.attempt_sent(at, edge, pick, attempt_index);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_sent(at, class, (caller, edge), attempt_index, is_wasted);
                }
            }
            Observation::AttemptEnded {
                caller,
                instance,
                sent_at,
                outcome,
                ..
            } => {
                self.tables.instances.end(at, instance);
                let sample = &mut self.tables.sample;
                sample.attempt((sent_at, at), (caller, instance), outcome);
            }
            _ => unreachable!("facts of requests come here"),
        }
    }

    #[inline(always)]
    fn observe_work<const IS_BARE: bool>(&mut self, at: SimTime, observation: &Observation<'_>) {
        if !IS_BARE {
            self.observe_class_load(at, observation);
        }
        match *observation {
            Observation::WorkArrived { instance, class } => {
                let before = self.tables.instances.enter(at, instance);
                let services = &mut self.tables.services;
                services.enter(at, self.class, instance, before);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_work_arrived(class, instance);
                }
            }
            Observation::WorkStarted {
                instance,
                class,
                waiting,
            } => {
                self.tables.instances.start(instance, waiting);
                self.tables.services.start(self.class, instance, waiting);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_work_started(class, instance, waiting);
                }
            }
            Observation::WorkEnded {
                instance,
                class,
                arrived_at,
                started_at,
                end,
                is_zombie,
            } => {
                let work = WorkRecord {
                    arrived_at,
                    started_at,
                    released_at: None,
                    end,
                    is_zombie,
                };
                let before = self.tables.instances.leave(at, instance);
                let services = &mut self.tables.services;
                services.leave(at, self.class, instance, before, work);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_work_ended(at, class, instance, work);
                }
            }
            Observation::WorkRejected { instance, class } => {
                self.tables.services.reject(self.class, instance);
                if !IS_BARE && class != ClassId::NONE {
                    self.class_work_rejected(class, instance);
                }
            }
            Observation::BusyChanged {
                instance,
                busy_count,
            } => self.tables.instances.set_busy(at, instance, busy_count),
            _ => unreachable!("facts of work come here"),
        }
    }

    /// What calls with connections, hedges or protection do.
    #[inline(always)]
    fn observe_edge(&mut self, at: SimTime, observation: &Observation<'_>) {
        let (class, scenario) = (self.class, self.scenario);
        match *observation {
            Observation::HandshakeStarted { .. }
            | Observation::ConnectionOpened { .. }
            | Observation::ConnectionClosed { .. }
            | Observation::AttemptCarried { .. } => {
                self.tables.connections.observe(at, class, observation);
            }
            Observation::HedgeSent {
                caller,
                edge,
                class,
                attempt_index,
            } => self.hedge_sent((caller, edge), class, attempt_index),
            Observation::FellBack { edge, class, .. } => self.fell_back(edge, class),
            _ => {
                let resilience = &mut self.tables.resilience;
                resilience.observe(at, class, observation, scenario);
                self.class_decided(observation);
            }
        }
        let (windows, resilience) = (&mut self.tables.edge_windows, &self.tables.resilience);
        windows.observe(at, observation, resilience, scenario);
    }

    fn observe_belief(&mut self, at: SimTime, observation: &Observation<'_>) {
        let scenario = self.scenario;
        match *observation {
            Observation::Suspected {
                suspector,
                instance,
            } => {
                let is_alive = self.life.is_alive(instance);
                let detection = &mut self.tables.detection;
                detection.suspect(at, suspector, instance, is_alive, scenario);
                if suspector == Suspector::Registry {
                    self.life.suspect(at, instance);
                }
                self.believed(at, suspector, instance, BelievedState::Suspected);
            }
            Observation::Trusted {
                suspector,
                instance,
            } => {
                let detection = &mut self.tables.detection;
                detection.trust(at, suspector, instance, scenario);
                self.believed(at, suspector, instance, BelievedState::Up);
            }
            Observation::Forgotten {
                suspector,
                instance,
            } => {
                let is_down = self.life.episode(instance).is_some_and(|it| !it.is_exit);
                let detection = &mut self.tables.detection;
                detection.forget(at, suspector, instance, is_down, scenario);
                self.believed(at, suspector, instance, BelievedState::Up);
            }
            Observation::Published { view } => self.life.publish(at, view, scenario),
            Observation::CandidatesChanged { caller, edge, view } => {
                self.tables.selection.hold(caller, edge, view);
                self.tables.exclusion.hold(caller, edge, view);
                self.tables.rings.hold(at, caller, view);
                self.tables.convergence.hold(at, edge, view);
            }
            Observation::Excluded {
                caller,
                instance,
                cause,
            } => {
                let edge = scenario.topology.edge_of(caller);
                let episode = self.life.episode(instance);
                let exclusion = &mut self.tables.exclusion;
                exclusion.exclude(at, (caller, edge), instance, cause, episode);
                if cause == ExclusionCause::Ejection {
                    let (side, is_alive) = ((caller, edge), self.life.is_alive(instance));
                    let detection = &mut self.tables.detection;
                    detection.eject(at, side, instance, is_alive, scenario);
                }
                self.listed(at, (caller, edge), instance, BelievedState::Excluded);
            }
            Observation::Included { caller, instance } => {
                let edge = scenario.topology.edge_of(caller);
                self.tables.exclusion.include(caller, edge, instance);
                let detection = &mut self.tables.detection;
                detection.take_in(at, (caller, edge), instance, scenario);
                self.listed(at, (caller, edge), instance, BelievedState::Up);
            }
            _ => unreachable!("facts of beliefs come here"),
        }
    }

    #[inline(always)]
    fn attempt_sent(&mut self, at: SimTime, edge: EdgeId, pick: Pick, attempt_index: u32) {
        self.tables.selection.pick(self.class, edge, pick);
        self.tables.convergence.pick(at, edge, pick.instance);
        self.tables.share_returns.send(at, edge, pick.instance);
        self.tables.instances.send(at, pick.instance);
        self.tables.rollouts.sent(at, pick.instance);
        if let Some(of_client) = self.tables.requests.client_edge(edge) {
            let node = of_client.node(pick.caller);
            self.tables.requests.send(node, attempt_index);
        } else {
            self.tables.edge_windows.send(at, edge, pick.is_retry);
        }
        if pick.is_wasted {
            self.wasted(at, pick.instance);
        }
    }

    /// The candidates of a calling side changed by an instance.
    fn listed(
        &mut self,
        at: SimTime,
        (caller, edge): (CallerId, EdgeId),
        instance: InstanceId,
        state: BelievedState,
    ) {
        if is_shown(caller, edge, self.scenario) {
            let (timelines, witness) = (&mut self.tables.timelines, Witness::Candidates(edge));
            if state == BelievedState::Up {
                timelines.begin(instance, witness, BelievedState::Excluded);
            }
            timelines.add(at, instance, witness, state);
        }
    }

    fn node_changed(
        &mut self,
        at: SimTime,
        node: NodeId,
        state: LifeState,
        fault: Option<FaultId>,
    ) {
        let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) else {
            let detection = &mut self.tables.detection;
            return detection.set_up(at, node, state.is_up(), self.scenario);
        };
        let before = self.life.set(instance, state);
        self.tables
            .servers
            .set_state(at, self.class, instance, state);
        if before == state {
            // The model tells that spare instances begin absent.
            return;
        }
        let service = self.scenario.topology.service_of(instance);
        let headcounts = &mut self.tables.headcounts;
        headcounts.change(at, (service, instance), before, state);
        let timelines = &mut self.tables.timelines;
        if before == LifeState::Absent {
            timelines.begin(instance, Witness::Truth, BelievedState::Absent);
        }
        // Pauses that instances have by themselves are too many to be shown one by one.
        let is_pause = state == LifeState::Paused || before == LifeState::Paused;
        if !is_pause || fault.is_some() {
            timelines.add(at, instance, Witness::Truth, true_state(state));
        }
        if before.is_up() != state.is_up() {
            let is_up = state.is_up();
            self.tables.instances.set_up(at, instance, is_up);
            self.tables.rollouts.set_up(at, instance, is_up);
            let data = &mut self.tables.replication;
            data.set_up(at, service, instance, is_up);
            self.tables.services.set_up(at, self.class, instance, is_up);
        }
        if before.is_up() && !state.is_up() {
            self.go_away(at, instance, !is_down(state), fault);
        }
        if !is_down(state) && !before.is_up() {
            self.come_back(at, instance, state.is_up());
        }
    }

    fn believed(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        state: BelievedState,
    ) {
        let witness = match suspector {
            Suspector::Registry => Witness::Registry,
            Suspector::Caller(caller) => {
                let edge = self.scenario.topology.edge_of(caller);
                if !is_shown(caller, edge, self.scenario) {
                    return;
                }
                Witness::Detector(edge)
            }
            // There are too many members to show one by one.
            Suspector::Member { cluster, node } => {
                if member_shown(cluster, instance, self.scenario) != Some(node) {
                    return;
                }
                Witness::Member(node)
            }
        };
        self.tables.timelines.add(at, instance, witness, state);
    }
}
