//! Where deadlines come from, and how they travel.

use super::join::JoinOwner;
use super::several::entry;
use crate::engine::PendingSet;
use crate::id::EdgeId;
use crate::model::observation::{Observation, Observer, WorkEnd};
use crate::model::request::{NIL, Parent, Reply};
use crate::model::world::World;
use crate::rng::Purpose;
use crate::scenario::attempts::DeadlinePropagation;
use crate::time::SimTime;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The instant at which the caller of an attempt gives it up, if the attempt carries it.
    #[inline]
    pub(in crate::model) fn attempt_deadline(&self, slot: u32) -> SimTime {
        let deadline = self.several.deadlines.get(slot as usize);
        deadline.copied().unwrap_or(SimTime::NEVER)
    }

    /// Whether a worker that takes up an attempt drops it, because its deadline has passed.
    #[inline]
    pub(in crate::model) fn drops_late(&mut self, slot: u32) -> bool {
        let is_late = self.several.has_deadlines
            && !self.is_probe(slot)
            && self.attempt_deadline(slot) <= self.now();
        if is_late {
            self.drop_late(slot);
        }
        is_late
    }

    #[cold]
    fn drop_late(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        let left = Observation::WorkEnded {
            instance: attempt.instance,
            class: attempt.class,
            arrived_at: attempt.arrived_at,
            started_at: None,
            end: WorkEnd::Dropped,
            is_zombie: attempt.request == NIL,
        };
        self.observe_left(slot, left, WorkEnd::Dropped);
        self.send_reply(slot, Reply::Error);
    }

    /// The deadline of a call that draws it, or that is made for an attempt which carries one.
    pub(in crate::model) fn limit_deadline(&mut self, slot: u32, edge: EdgeId) {
        let config = self.attempts_config(edge).expect("the call is not plain");
        let request = self.requests[slot];
        let mut deadline = request.deadline;
        if let Some(law) = &self.several.deadline_laws[edge.index()] {
            let identity = request.identity;
            let mut draw = self.streams.draw(Purpose::Deadline, identity, 0, 0);
            let node = &self.nodes[self.request_node(&request).index()];
            let length = node.true_length(law.sample(&mut draw));
            deadline = deadline.min(request.arrived_at + length);
        }
        if config.propagation != DeadlinePropagation::None {
            let of_parent = match request.parent() {
                Parent::Client | Parent::Detached => SimTime::NEVER,
                Parent::Attempt(attempt) => self.attempt_deadline(attempt),
                Parent::Request(root) => self.requests[root].deadline,
                Parent::Join(join) => match self.joins.slab[join].owner {
                    JoinOwner::Attempt(attempt) => self.attempt_deadline(attempt),
                    JoinOwner::Request(root) => self.requests[root].deadline,
                    JoinOwner::Nobody => SimTime::NEVER,
                },
            };
            if of_parent < SimTime::NEVER {
                let margin_ns = config.deadline_margin.as_ns();
                let limit_ns = of_parent.as_ns().saturating_sub(margin_ns);
                deadline = deadline.min(SimTime::from_ns(limit_ns));
            }
        }
        self.requests[slot].deadline = deadline;
    }

    /// An attempt carries its deadline, if its call says so: that of its request, or its own
    /// timeout if that is earlier.
    pub(super) fn carry_deadline(&mut self, request: u32, attempt: u32, edge: EdgeId) {
        if !self.several.has_deadlines {
            return;
        }
        let propagation = self.attempts_config(edge).map(|config| config.propagation);
        let is_carried = propagation.is_some_and(|p| p != DeadlinePropagation::None);
        let deadline = match is_carried {
            false => SimTime::NEVER,
            true => {
                let request = &self.requests[request];
                let node = &self.nodes[self.request_node(request).index()];
                let timeout = self.scenario.edges[edge.index()].attempt_timeout;
                let until = |length| self.now() + node.true_length(length);
                request.deadline.min(timeout.map_or(SimTime::NEVER, until))
            }
        };
        self.set_deadline(attempt, deadline);
    }

    /// An attempt carries a deadline.
    pub(super) fn set_deadline(&mut self, attempt: u32, deadline: SimTime) {
        *entry(&mut self.several.deadlines, attempt, SimTime::NEVER) = deadline;
    }
}
