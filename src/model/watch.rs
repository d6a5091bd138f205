//! A condition on the load of some instances, and how long it has held.

use crate::engine::Timer;
use crate::id::FaultId;
use crate::scenario::trigger::{Condition, Quantity};
use crate::time::SimDuration;

/// What an instance has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Attempts in its queue.
    pub waiting_count: u32,
    /// Busy workers.
    pub busy_count: u32,
    /// Workers; 0 while it is down.
    pub worker_count: u32,
    /// Busy workers that an autoscaler counts: none of an instance that leaves.
    pub scaled_count: u32,
}

/// The condition of one fault.
#[derive(Debug)]
pub(super) struct Watch {
    /// The fault that it begins.
    pub fault: FaultId,
    /// It does not begin a window of its fault, but aborts it.
    pub aborts: bool,
    quantity: Quantity,
    is_above: bool,
    limit: f64,
    hold: SimDuration,
    is_again: bool,
    /// Sums over the instances that are watched.
    waiting_count: u64,
    busy_count: u64,
    worker_count: u64,
    /// The end of the time for which it must hold.
    timer: Timer,
    has_begun: bool,
    /// It is not judged: a window of the fault is under way, or none that it could abort.
    pub is_open: bool,
}

impl Watch {
    /// Over instances that have nothing and are not up yet.
    pub fn new(fault: FaultId, condition: &Condition, aborts: bool) -> Self {
        Watch {
            fault,
            aborts,
            quantity: condition.quantity,
            is_above: condition.is_above,
            limit: condition.limit,
            hold: condition.hold,
            is_again: condition.is_again || aborts,
            waiting_count: 0,
            busy_count: 0,
            worker_count: 0,
            timer: Timer::UNSET,
            has_begun: false,
            // Before its window there is nothing to abort.
            is_open: aborts,
        }
    }

    /// An instance has another load.
    pub fn change(&mut self, before: Load, after: Load) {
        let moved = |sum: u64, before: u32, after: u32| sum + u64::from(after) - u64::from(before);
        self.waiting_count = moved(
            self.waiting_count,
            before.waiting_count,
            after.waiting_count,
        );
        self.busy_count = moved(self.busy_count, before.busy_count, after.busy_count);
        self.worker_count = moved(self.worker_count, before.worker_count, after.worker_count);
    }

    fn value(&self) -> f64 {
        match self.quantity {
            Quantity::QueueDepth => self.waiting_count as f64,
            Quantity::InFlight => (self.waiting_count + self.busy_count) as f64,
            Quantity::Utilization if self.worker_count == 0 => 0.0,
            Quantity::Utilization => self.busy_count as f64 / self.worker_count as f64,
        }
    }

    /// For how long the condition must hold from this instant, if it begins to. Where it does not
    /// hold, the time that it has held is forgotten.
    pub fn judge(&mut self) -> Option<SimDuration> {
        let holds = match self.is_above {
            true => self.limit < self.value(),
            false => self.value() < self.limit,
        };
        if !holds {
            self.timer.cancel();
        }
        let may_begin = !self.is_open && (self.is_again || !self.has_begun);
        (holds && may_begin && !self.timer.is_set()).then_some(self.hold)
    }

    /// The end of the time is scheduled.
    pub fn wait(&mut self, sequence: u64) {
        self.timer.set(sequence);
    }

    /// Whether a window begins: the condition has held until now.
    pub fn begins(&mut self, sequence: u64) -> bool {
        let begins = self.timer.fire(sequence);
        if begins {
            (self.has_begun, self.is_open) = (true, true);
        }
        begins
    }
}
