//! Queues with rules of their own: priorities, shedding, adaptive order, controlled delay.

use super::observation::{Observation, Observer, WorkEnd};
use super::request::{AttemptFlags, NIL, Reply, Stage};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{ClassId, InstanceId};
use crate::scenario::Scenario;
use crate::time::SimDuration;

/// Priorities that requests of a scenario may have, ascending.
pub fn priorities(scenario: &Scenario) -> Vec<u8> {
    let classes = &scenario.classes;
    let mut list: Vec<u8> = classes.ids().map(|id| classes.get(id).priority).collect();
    if classes.is_empty() {
        list.push(classes.get(ClassId::NONE).priority);
    }
    list.sort_unstable();
    list.dedup();
    list
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The priority of an attempt; lower numbers go first. Pings have the first one, and so has
    /// everything where the queue goes by no priorities.
    fn attempt_priority(&self, slot: u32) -> u8 {
        let attempt = &self.attempts[slot];
        let service = self.instances[attempt.instance.index()].service;
        let rules = self.scenario.services[service.index()].queue_rules.as_ref();
        let goes_by_class = rules.is_some_and(|rules| rules.has_priorities);
        if !goes_by_class || attempt.flags.has(AttemptFlags::PROBE) {
            return self.servers.priorities[0];
        }
        self.scenario.classes.get(attempt.class).priority
    }

    /// Whether a queue that fills refuses an attempt for its priority.
    ///
    /// Of `n` priorities, number `i` from the lowest is refused from the share
    /// `above + (1 - above) i / (n - 1)` of the limit on, so that the lowest goes first and the
    /// highest only with a full queue. Source: our own, after DAGOR (Zhou et al. 2018), whose
    /// servers admit by a level of priority that falls with overload.
    pub(super) fn is_shed(&self, slot: u32) -> bool {
        let id = self.attempts[slot].instance;
        let instance = &self.instances[id.index()];
        let service = &self.scenario.services[instance.service.index()];
        let rules = service.queue_rules.as_ref();
        let Some(above) = rules.and_then(|rules| rules.shed_above_ratio) else {
            return false;
        };
        let limit = f64::from(service.queue_limit.expect("what sheds has a limit"));
        let part = admitted_part(&self.servers.priorities, self.attempt_priority(slot), above);
        f64::from(instance.waiting_count) >= limit * part
    }

    /// An attempt waits in a queue with rules.
    pub(super) fn enqueue_by_rules(&mut self, slot: u32) {
        let priority = self.attempt_priority(slot);
        let attempt = &mut self.attempts[slot];
        attempt.stage = Stage::Waiting;
        let instance = &mut self.instances[attempt.instance.index()];
        instance.waiting_count += 1;
        let waiting = instance.waiting.as_mut();
        waiting.expect("its queue has rules").push(priority, slot);
    }

    /// Takes the next attempt from a queue with rules; on the way, those that waited too long are
    /// dropped.
    pub(super) fn dequeue_by_rules(&mut self, id: InstanceId) -> Option<u32> {
        let now = self.now();
        loop {
            let instance = &mut self.instances[id.index()];
            let waiting = instance.waiting.as_mut().expect("its queue has rules");
            let Some(slot) = waiting.pop() else {
                assert!(
                    instance.waiting_count == 0,
                    "{id:?} counts what is not in its queue"
                );
                return None;
            };
            instance.waiting_count -= 1;
            let delay = now.since(self.attempts[slot].arrived_at);
            if !waiting.drops(now, delay) {
                return Some(slot);
            }
            self.drop_waiting(slot);
        }
    }

    /// A worker is free at once; the rules learn that nothing had to wait.
    pub(super) fn note_no_delay(&mut self, id: InstanceId) {
        let now = self.now();
        if let Some(waiting) = &mut self.instances[id.index()].waiting {
            waiting.drops(now, SimDuration::ZERO);
        }
    }

    fn drop_waiting(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        if !attempt.flags.has(AttemptFlags::PROBE) {
            let left = Observation::WorkEnded {
                instance: attempt.instance,
                class: attempt.class,
                arrived_at: attempt.arrived_at,
                started_at: None,
                end: WorkEnd::Dropped,
                is_zombie: attempt.request == NIL,
            };
            self.observe_left(slot, left, WorkEnd::Dropped);
        }
        self.send_reply(slot, Reply::Rejected);
    }

    /// Takes an attempt that no longer waits out of its queue.
    pub(super) fn withdraw_by_rules(&mut self, slot: u32) {
        let priority = self.attempt_priority(slot);
        let id = self.attempts[slot].instance;
        let instance = &mut self.instances[id.index()];
        let waiting = instance.waiting.as_mut().expect("its queue has rules");
        assert!(waiting.remove(priority, slot), "{id:?} does not hold it");
        instance.waiting_count -= 1;
    }
}

/// The share of the limit from which on a priority is refused.
fn admitted_part(priorities: &[u8], priority: u8, above: f64) -> f64 {
    let place = priorities.partition_point(|other| *other < priority);
    let last = priorities.len() - 1;
    if last == 0 {
        return 1.0;
    }
    let from_lowest = last.saturating_sub(place);
    above + (1.0 - above) * from_lowest as f64 / last as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_priority_is_refused_first_and_the_highest_last() {
        let parts = |priorities: &[u8]| -> Vec<f64> {
            let part = |priority: &u8| admitted_part(priorities, *priority, 0.8);
            priorities.iter().map(part).collect()
        };
        assert_eq!(parts(&[0, 9]), [1.0, 0.8]);
        assert_eq!(parts(&[1, 2, 5]), [1.0, 0.9, 0.8]);
        assert_eq!(parts(&[3]), [1.0]);
    }
}
