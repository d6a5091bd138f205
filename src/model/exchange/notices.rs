//! Instances that have nothing left to do say so.

use super::{Leg, Parcel};
use crate::engine::PendingSet;
use crate::model::balancer::control::Message;
use crate::model::observation::{LifeState, Observer};
use crate::model::world::World;
use crate::rng::{Purpose, UniformSource, mix};

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Instances that came to have nothing to do tell one calling side each, drawn at random. It
    /// may be one that is dead: instances do not know.
    pub(super) fn send_idle_notices(&mut self) {
        let mut idled = std::mem::take(&mut self.exchange.idled);
        idled.sort_unstable();
        idled.dedup();
        for instance in idled.drain(..) {
            let node = &self.nodes[self.instance_node(instance).index()];
            let state = &self.instances[instance.index()];
            let is_idle = state.busy_count == 0 && state.waiting_count == 0;
            if !is_idle || node.state != LifeState::Up {
                continue;
            }
            let Some(of_service) = self.exchange.services.get(&state.service) else {
                continue;
            };
            let count = u32::try_from(of_service.dispatchers.len()).expect("callers are few");
            if count == 0 {
                continue;
            }
            self.exchange.notice_counts[instance.index()] += 1;
            let number = self.exchange.notice_counts[instance.index()];
            let identity = mix(node.path_hash);
            let mut draw = self
                .streams
                .draw(Purpose::BalancerControl, identity, number, 2);
            let caller = of_service.dispatchers[draw.below(count) as usize];
            let incarnation = self.nodes[self.caller_node(caller).index()].incarnation;
            self.send_parcel(Parcel {
                caller,
                instance,
                leg: Leg::Notice,
                number,
                incarnation,
                message: Message::Idle,
            });
        }
        self.exchange.idled = idled;
    }
}
