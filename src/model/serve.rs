//! What instances do with attempts: queue, serve, call others, reply.

use super::cache::LOAD_STEP;
use super::caller::fold_identity;
use super::caller::join::JoinOwner;
use super::event::Event;
use super::observation::step::StepKind;
use super::observation::{LifeState, Observation, Observer, Outcome, WorkEnd};
use super::request::{Attempt, AttemptFlags, NIL, Reply, Stage};
use super::world::{Deferred, World};
use crate::engine::PendingSet;
use crate::id::InstanceId;
use crate::rng::Purpose;
use crate::scenario::network::Transport;
use crate::scenario::service::{DemandPer, Discipline};
use crate::time::{SimDuration, SimTime};

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An attempt reaches the host of its instance.
    #[inline(always)]
    pub(super) fn on_attempt_arrives(&mut self, slot: u32, sequence: u64) {
        let Some(attempt) = self.awaiting(slot, sequence) else {
            return;
        };
        let identity = fold_identity(attempt);
        let node = self.instance_node(attempt.instance);
        let event = Event::AttemptArrives(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            self.note_held_arrival(slot);
            return;
        }
        self.fold(event, node, identity);
        let now = self.now();
        let attempt = &mut self.attempts[slot];
        attempt.pending = 0;
        if self.is_turned_back(slot) {
            return;
        }
        let attempt = &mut self.attempts[slot];
        match self.states[node.index()] {
            LifeState::Up => {
                attempt.flags.set(AttemptFlags::ARRIVED);
                attempt.arrived_at = now;
                self.admit(slot);
            }
            LifeState::HostLost => self.vanish(slot),
            LifeState::Crashed | LifeState::Restarting | LifeState::Absent => {
                match self.network.transport {
                    Transport::Stream => self.send_reply(slot, Reply::Refused),
                    Transport::Datagram => self.vanish(slot),
                }
            }
            LifeState::Paused => unreachable!("what comes to a paused process is deferred"),
        }
    }

    /// Turns away an attempt that no connection carries and whose instance takes nothing new.
    fn is_refused(&mut self, slot: u32) -> bool {
        let instance = self.attempts[slot].instance;
        if !self.instances[instance.index()].is_closing || self.connections.carries(slot) {
            return false;
        }
        match self.network.transport {
            Transport::Stream => self.send_reply(slot, Reply::Refused),
            Transport::Datagram => self.vanish(slot),
        }
        true
    }

    /// An attempt waited in the buffers of a process that died.
    pub(super) fn lose_arrival(&mut self, slot: u32, sequence: u64) {
        let is_held = self.awaiting(slot, sequence).is_some();
        if !is_held {
            return;
        }
        self.attempts[slot].pending = 0;
        let node = self.instance_node(self.attempts[slot].instance);
        let answers = self.network.transport == Transport::Stream
            && self.nodes[node.index()].state != LifeState::HostLost
            && !self.connections.carries(slot);
        if answers {
            self.send_reply(slot, Reply::Reset);
        } else {
            self.vanish(slot);
        }
    }

    /// Nobody answers for an attempt; its caller will time out.
    fn vanish(&mut self, slot: u32) {
        if self.attempts[slot].request == NIL {
            self.remove_attempt(slot);
        } else {
            self.attempts[slot].stage = Stage::Lost;
        }
    }

    /// Serves an attempt, queues it or turns it away.
    #[inline(always)]
    pub(super) fn admit(&mut self, slot: u32) {
        let id = self.attempts[slot].instance;
        let is_probe = self.is_probe(slot);
        let class = self.attempt_class(slot);
        let is_plain = O::IS_BARE || self.instances[id.index()].is_plain;
        if !is_plain && !is_probe && (self.is_refused(slot) || self.is_over_limit(slot)) {
            return;
        }
        let instance = &self.instances[id.index()];
        let service = &self.scenario.services[instance.service.index()];
        let has_worker = instance.busy_count < instance.worker_count;
        let is_full = service
            .queue_limit
            .is_some_and(|limit| instance.waiting_count >= limit);
        if !has_worker && (is_full || (!is_plain && self.is_shed(slot))) {
            if !is_probe {
                let away = Observation::WorkRejected {
                    instance: id,
                    class,
                };
                self.observe_turned_away(slot, away);
            }
            return self.send_reply(slot, Reply::Rejected);
        }
        if !is_probe {
            let fact = Observation::WorkArrived {
                instance: id,
                class,
            };
            self.observe_attempt(slot, fact, |attempt, instance| StepKind::Reached {
                attempt,
                instance,
            });
        }
        if has_worker {
            if is_plain {
                return self.start_work(slot);
            }
            self.note_no_delay(id);
            if !self.drops_late(slot) {
                self.start_work(slot);
            }
        } else if service.discipline == Discipline::ProcessorSharing {
            self.start_work(slot);
        } else {
            self.enqueue(slot, service.discipline);
        }
    }

    /// A worker takes up an attempt.
    #[inline(never)]
    fn start_work(&mut self, slot: u32) {
        let Attempt {
            instance: id,
            arrived_at,
            class,
            ..
        } = self.attempts[slot];
        let (demand, reply) = self.draw_work(slot);
        let now = self.now();
        let waiting = now.since(arrived_at);
        if !self.is_probe(slot) {
            let fact = Observation::WorkStarted {
                instance: id,
                class,
                waiting,
            };
            self.observe_attempt(slot, fact, |attempt, instance| StepKind::TakenUp {
                attempt,
                instance,
                waiting,
            });
        }
        let attempt = &mut self.attempts[slot];
        attempt.stage = Stage::Running;
        attempt.started_at = now;
        attempt.reply = reply;
        if !O::IS_BARE && !self.instances[id.index()].is_plain {
            return self.start_work_by_rules(slot, demand);
        }
        let busy_count = self.occupy_worker(id);
        self.run_alone(slot, demand);
        self.observe(Observation::BusyChanged {
            instance: id,
            busy_count,
        });
    }

    /// A worker takes up an attempt at an instance where more than its speed decides how long
    /// that takes.
    #[inline(never)]
    fn start_work_by_rules(&mut self, slot: u32, demand: SimDuration) {
        let id = self.attempts[slot].instance;
        let demand = self.warmed(id, demand);
        let demand = self.faults.slowed(demand, &self.attempts[slot]);
        let demand = demand + self.handshake_demand(slot);
        let demand = demand.saturating_add(self.ask_service_cache(slot));
        if self.instances[id.index()].sharing.is_some() {
            let wait = self.draw_wait(slot);
            return self.start_shared_work(slot, demand + wait);
        }
        let busy_count = self.occupy_worker(id);
        if self.instances[id.index()].cpu.is_some() {
            self.start_on_cpu(slot, demand);
        } else {
            let wait = self.draw_wait(slot);
            self.run_alone(slot, demand + wait);
        }
        self.observe(Observation::BusyChanged {
            instance: id,
            busy_count,
        });
    }

    /// One more worker is busy. Returns how many are.
    #[inline(always)]
    fn occupy_worker(&mut self, id: InstanceId) -> u32 {
        let instance = &mut self.instances[id.index()];
        instance.busy_count += 1;
        assert!(
            instance.busy_count <= instance.worker_count,
            "{id:?} has too few workers"
        );
        instance.busy_count
    }

    /// A worker is busy with an attempt, undisturbed by others.
    #[inline(always)]
    pub(super) fn run_alone(&mut self, slot: u32, demand: SimDuration) {
        let id = self.attempts[slot].instance;
        let length = work_length(demand, self.instances[id.index()].rate());
        let sequence = self.schedule(length, Event::WorkDone(slot));
        let due = self.now() + length;
        let attempt = &mut self.attempts[slot];
        attempt.pending = sequence;
        attempt.due_ns = due.as_ns();
    }

    /// The service demand of an attempt, and whether it will end in an error.
    #[inline(always)]
    fn draw_work(&mut self, slot: u32) -> (SimDuration, Reply) {
        let attempt = &self.attempts[slot];
        if !O::IS_BARE && attempt.flags.has(AttemptFlags::PROBE) {
            return (self.draw_probe(attempt), Reply::Good);
        }
        let instance = &self.instances[attempt.instance.index()];
        let number = self.demand_number(attempt);
        if instance.error_fault_count > 0
            && let Some(demand) = self.faults.draw_error(attempt, &self.streams)
        {
            return match demand {
                Some(demand) => (demand, Reply::Error),
                None => (self.draw_demand(attempt, number), Reply::Error),
            };
        }
        (self.draw_demand(attempt, number), Reply::Good)
    }

    /// Which draw of its request is the service demand of an attempt.
    pub(super) fn demand_number(&self, attempt: &Attempt) -> u32 {
        let instance = &self.instances[attempt.instance.index()];
        let service = &self.scenario.services[instance.service.index()];
        match service.demand_per {
            DemandPer::Attempt => u32::from(attempt.index),
            DemandPer::Request => 0,
        }
    }

    #[inline(always)]
    fn draw_demand(&self, attempt: &Attempt, number: u32) -> SimDuration {
        if !O::IS_BARE
            && let Some(demand) = self.recorded_demand(attempt)
        {
            return demand;
        }
        let service = self.instances[attempt.instance.index()].service;
        let mut draw = self
            .streams
            .draw(Purpose::ServiceDemand, attempt.identity, number, 0);
        let of_class = match O::IS_BARE {
            true => None,
            false => self.classes.service_time(attempt.class, service),
        };
        of_class
            .unwrap_or(&self.service_times[service.index()])
            .sample(&mut draw)
    }

    /// A worker is done with an attempt.
    #[inline(always)]
    pub(super) fn on_work_done(&mut self, slot: u32, sequence: u64) {
        let Some(attempt) = self.awaiting(slot, sequence) else {
            return;
        };
        let (identity, node) = (fold_identity(attempt), self.instance_node(attempt.instance));
        self.fold(Event::WorkDone(slot), node, identity);
        self.attempts[slot].pending = 0;
        self.after_own_work(slot);
    }

    /// The instance's own work on an attempt is done: its calls follow, then the reply.
    #[inline(always)]
    pub(super) fn after_own_work(&mut self, slot: u32) {
        let instance = self.attempts[slot].instance;
        let service = self.instances[instance.index()].service;
        if self.has_cache(service) && !self.is_probe(slot) && self.waits_for_key(slot) {
            return;
        }
        self.begin_own_calls(slot);
    }

    /// A worker holds an attempt that waits.
    pub(super) fn hold_worker(&mut self, slot: u32) {
        let attempt = &mut self.attempts[slot];
        if attempt.stage != Stage::Calling {
            attempt.stage = Stage::Calling;
            attempt.next = NIL;
            if let Some(sharing) = &mut self.instances[attempt.instance.index()].sharing {
                sharing.calling_count += 1;
            }
        }
    }

    /// The worker of an attempt that waited, or whose own work was done, has more to do for it.
    pub(super) fn work_on(&mut self, slot: u32, demand: SimDuration) {
        let attempt = &mut self.attempts[slot];
        let was_held = attempt.stage == Stage::Calling;
        attempt.stage = Stage::Running;
        let instance = &mut self.instances[attempt.instance.index()];
        if let Some(sharing) = &mut instance.sharing {
            sharing.calling_count -= u32::from(was_held);
            return self.start_shared_work(slot, demand);
        }
        match instance.cpu.is_some() {
            true => self.start_on_cpu(slot, demand),
            false => self.run_alone(slot, demand),
        }
    }

    /// The calls of an attempt follow its own work, or its reply does.
    #[inline(always)]
    pub(super) fn begin_own_calls(&mut self, slot: u32) {
        let attempt = &self.attempts[slot];
        let service = self.instances[attempt.instance.index()].service;
        let is_good = attempt.reply == Reply::Good;
        let has_calls = !self.scenario.services[service.index()].calls.is_empty();
        if has_calls && is_good && self.makes_calls(slot) {
            self.hold_worker(slot);
            match self.plans.of_service(service).is_plain {
                true => self.begin_service_call(slot, 0),
                false => self.begin_stage(JoinOwner::Attempt(slot), 0),
            }
        } else {
            self.complete_work(slot);
        }
    }

    /// A call that an attempt waited for has its outcome.
    pub(super) fn on_service_call_ended(&mut self, slot: u32, step: u8, outcome: Outcome) {
        let attempt = &mut self.attempts[slot];
        assert!(
            attempt.stage == Stage::Calling,
            "a call ended that nobody waited for"
        );
        if step == LOAD_STEP {
            return self.on_load_call_ended(slot, outcome);
        }
        let service = self.instances[attempt.instance.index()].service;
        let call_count = self.scenario.services[service.index()].calls.len();
        if outcome != Outcome::Success {
            attempt.reply = Reply::Error;
        } else if usize::from(step) + 1 < call_count {
            return self.begin_service_call(slot, step + 1);
        }
        self.complete_work(slot);
    }

    /// The worker is free again; the reply goes out.
    pub(super) fn complete_work(&mut self, slot: u32) {
        self.sample_service(slot);
        if self.attempts[slot].stage == Stage::CallingFree {
            return self.complete_free_work(slot);
        }
        let Attempt {
            instance: id,
            arrived_at,
            started_at,
            reply,
            request,
            stage,
            class,
            ..
        } = self.attempts[slot];
        let end = if reply == Reply::Good {
            WorkEnd::Served
        } else {
            WorkEnd::Errored
        };
        if !self.is_probe(slot) {
            let left = Observation::WorkEnded {
                instance: id,
                class,
                arrived_at,
                started_at: Some(started_at),
                end,
                is_zombie: request == NIL,
            };
            self.observe_left(slot, left, end);
            self.observe_zombie(slot);
        }
        self.send_reply(slot, reply);
        self.free_worker(id, stage);
    }

    /// Tells how long work that ends was done for nobody.
    #[inline(always)]
    pub(super) fn observe_zombie(&mut self, slot: u32) {
        let attempt = &self.attempts[slot];
        if attempt.request == NIL && attempt.started_at != SimTime::NEVER {
            let since = attempt.started_at.max(attempt.sent_at);
            let fact = Observation::ZombieWorked {
                instance: attempt.instance,
                class: attempt.class,
                length: self.now().since(since),
            };
            self.observe(fact);
        }
    }

    /// A worker is done with an attempt, which was in this stage.
    #[inline(always)]
    pub(super) fn free_worker(&mut self, id: InstanceId, stage: Stage) {
        if !O::IS_BARE
            && let Some(sharing) = &mut self.instances[id.index()].sharing
        {
            sharing.calling_count -= u32::from(stage == Stage::Calling);
            return self.observe_shared(id);
        }
        let instance = &mut self.instances[id.index()];
        assert!(
            0 < instance.busy_count,
            "{id:?}: work ended on an idle instance"
        );
        instance.busy_count -= 1;
        match self.next_work(id) {
            Some(next) => self.start_work(next),
            None => {
                let busy_count = self.instances[id.index()].busy_count;
                self.observe(Observation::BusyChanged {
                    instance: id,
                    busy_count,
                });
            }
        }
    }
}

/// How long a worker of this rate needs.
#[inline]
fn work_length(demand: SimDuration, rate: f64) -> SimDuration {
    if rate == 1.0 {
        demand
    } else {
        demand.scaled(1.0 / rate)
    }
}
