//! Places for the attempts of a calling side: those of its bulkhead, or those at each instance.

use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId};
use crate::model::observation::Observer;
use crate::model::world::World;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Places that no attempt of a calling side has. Where there is no instance to wait for,
    /// nobody waits.
    pub(super) fn free_places(&self, caller: CallerId) -> u32 {
        let side = &self.callers[caller.index()];
        let Some(config) = self.protection(caller) else {
            return u32::MAX;
        };
        let in_flight_count = side.resilience.as_ref().map_or(0, |r| r.in_flight_count);
        let of_bulkhead = config.bulkhead.map_or(u32::MAX, |bulkhead| {
            bulkhead.concurrent_max.saturating_sub(in_flight_count)
        });
        let Some(limit) = config.instance_limit else {
            return of_bulkhead;
        };
        let members = &side.candidates.members;
        let of_instances = members.iter().fold(0, |sum: u32, member| {
            let count = side.in_flight.count(member.instance);
            sum.saturating_add(limit.attempt_count_max.saturating_sub(count))
        });
        match members.is_empty() {
            true => of_bulkhead,
            false => of_bulkhead.min(of_instances),
        }
    }

    /// Instances came that attempts of a calling side may wait for.
    pub(in crate::model) fn promise_new_places(&mut self, caller: CallerId) {
        if self.gates.is_used {
            self.promise_places(caller);
        }
    }

    /// Adds the instances that have as many attempts of a calling side as they may. `shut` ascends.
    pub(super) fn add_full(&self, caller: CallerId, most: u32, shut: &mut Vec<InstanceId>) {
        let side = &self.callers[caller.index()];
        let members = side.candidates.members.iter();
        let full = members.filter(|member| most <= side.in_flight.count(member.instance));
        shut.extend(full.map(|member| member.instance));
        shut.sort_unstable();
        shut.dedup();
    }
}
