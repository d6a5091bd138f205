//! How a call begins and what its failures mean, where it is more than one attempt after the
//! other (`hedge`, `cluster`).

use crate::engine::PendingSet;
use crate::id::{EdgeId, InstanceId};
use crate::model::event::Event;
use crate::model::observation::{AttemptOutcome, Observation, Observer, Outcome};
use crate::model::request::{Attempt, Request, RequestFlags};
use crate::model::world::World;
use crate::scenario::attempts::ClusterMode;
use crate::time::{SimDuration, SimTime};

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Begins a call that is more than plain.
    #[cold]
    pub(super) fn begin_several(&mut self, slot: u32, edge: EdgeId) {
        let config = self.attempts_config(edge).expect("the call is not plain");
        self.limit_deadline(slot, edge);
        if self.requests[slot].deadline <= self.now() {
            return self.conclude(slot, Outcome::Timeout);
        }
        let caller = self.requests[slot].caller();
        if let Some(hedge) = &config.hedge {
            let hedging = self.several.hedging.entry(caller).or_default();
            hedging.deposit(hedge);
        }
        match config.cluster {
            ClusterMode::Failover
            | ClusterMode::Failfast
            | ClusterMode::Failsafe
            | ClusterMode::Failback { .. } => self.send_attempt(slot),
            ClusterMode::Forking { attempt_count } => self.fork(slot, attempt_count),
            ClusterMode::Broadcast { .. } => self.broadcast(slot),
        }
    }

    /// Sends several attempts at once, each to another instance.
    fn fork(&mut self, slot: u32, attempt_count: u32) {
        let identity = self.requests[slot].identity;
        let candidates = &self.callers[self.requests[slot].caller().index()].candidates;
        let count = candidates.members.len().clamp(1, attempt_count as usize);
        for _ in 0..count {
            let goes_on = |request: &Request| request.identity == identity;
            if self.requests.get(slot).is_some_and(goes_on) {
                self.send_attempt(slot);
            }
        }
    }

    /// Sends an attempt to every candidate.
    fn broadcast(&mut self, slot: u32) {
        self.several.failed_counts.insert(slot, 0);
        let candidates = &self.callers[self.requests[slot].caller().index()].candidates;
        let instances: Vec<InstanceId> = candidates.members.iter().map(|m| m.instance).collect();
        if instances.is_empty() {
            return self.conclude(slot, Outcome::Failure);
        }
        let attempts: Vec<u32> = instances
            .into_iter()
            .map(|instance| {
                self.requests[slot].attempt_count += 1;
                self.register_attempt(slot, instance)
            })
            .collect();
        for attempt in attempts {
            let is_in_flight = |a: &Attempt| a.request == slot;
            if self.attempts.get(attempt).is_some_and(is_in_flight) {
                self.transmit(attempt);
            }
        }
    }

    /// An attempt of a broadcast ended.
    pub(super) fn after_broadcast_attempt(
        &mut self,
        slot: u32,
        outcome: AttemptOutcome,
        failed_ratio_max: f64,
    ) {
        let failed = self.several.failed_counts.entry(slot).or_default();
        *failed += u32::from(outcome != AttemptOutcome::Success);
        let sent_count = self.requests[slot].attempt_count;
        let is_failed =
            0 < *failed && failed_ratio_max <= f64::from(*failed) / f64::from(sent_count);
        if is_failed {
            self.finish_request(slot, super::call::outcome_of_last(outcome));
        } else if self.several.attempts.is_empty(slot) {
            self.finish_request(slot, Outcome::Success);
        }
    }

    /// An attempt ended badly. Returns whether its request goes on with another one, in flight or
    /// in line.
    pub(super) fn goes_on(&mut self, slot: u32) -> bool {
        if self.now() < self.requests[slot].deadline
            && !self.retries_by_itself(slot)
            && self.sends_hedge(slot, true)
        {
            return true;
        }
        let is_in_flight = self.several.has_links && !self.several.attempts.is_empty(slot);
        let is_waiting = is_in_flight || self.waits_at_gate(slot);
        if is_waiting {
            self.forget_turned_away(slot);
        } else if let Some(timer) = self.several.hedge_timers.get_mut(slot as usize) {
            timer.cancel();
        }
        is_waiting
    }

    /// Whether retries follow a failure, by their own rules, and not the next hedge at once.
    fn retries_by_itself(&self, slot: u32) -> bool {
        let edge = self.callers[self.requests[slot].caller().index()].edge;
        1 < self.scenario.edges[edge.index()].retry.attempt_count_max
    }

    /// No further attempt follows: the request ends, unless its call has something in place of a
    /// reply.
    pub(super) fn conclude(&mut self, slot: u32, outcome: Outcome) {
        let mode = self.attempts_config_of(slot).map(|config| config.cluster);
        let request = self.requests[slot];
        match mode {
            Some(ClusterMode::Failsafe) => {}
            Some(ClusterMode::Failback {
                retry_count_max,
                interval,
                task_count_max,
            }) => {
                if request.flags.has(RequestFlags::BACKGROUND) {
                    return self.retry_in_background(slot, retry_count_max, interval);
                }
                self.begin_background(&request, task_count_max, interval);
            }
            _ => return self.finish_request(slot, outcome),
        }
        let caller = request.caller();
        let edge = self.callers[caller.index()].edge;
        let class = request.class;
        self.observe(Observation::FellBack {
            caller,
            edge,
            class,
        });
        self.finish_request(slot, Outcome::Success);
    }

    /// A call that failed goes on in the background, as a request that nobody waits for.
    fn begin_background(&mut self, request: &Request, task_count_max: u32, interval: SimDuration) {
        let count = self
            .several
            .background_counts
            .entry(request.caller())
            .or_default();
        if task_count_max <= *count {
            return;
        }
        *count += 1;
        let mut task = *request;
        task.go_to_background();
        let slot = self.insert_request(task);
        self.wait_in_background(slot, interval);
    }

    fn retry_in_background(&mut self, slot: u32, retry_count_max: u32, interval: SimDuration) {
        self.leave_gate(slot);
        // The first attempt was made while somebody waited.
        if u32::from(self.requests[slot].attempt_count) <= retry_count_max {
            self.wait_in_background(slot, interval);
        } else {
            self.end_background(slot);
        }
    }

    fn wait_in_background(&mut self, slot: u32, interval: SimDuration) {
        let caller = &self.callers[self.requests[slot].caller().index()];
        let node = &self.nodes[caller.node.index()];
        let wait = node.true_length(interval);
        let deadline = self.scenario.edges[caller.edge.index()].deadline;
        let until = |length| self.now() + wait + node.true_length(length);
        let deadline = deadline.map_or(SimTime::NEVER, until);
        let request = &mut self.requests[slot];
        request.deadline = deadline;
        request.flags.0 |= RequestFlags::BACKING_OFF.0;
        self.schedule(wait, Event::BackoffEnds(slot));
    }

    /// Nothing more is done for a call in the background.
    pub(super) fn end_background(&mut self, slot: u32) {
        let request = self.requests.remove(slot);
        self.tried.release(request.tried);
        let count = self.several.background_counts.get_mut(&request.caller());
        *count.expect("it was counted") -= 1;
    }
}
