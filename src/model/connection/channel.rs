//! The states of channels, as opinions on instances.

use super::Pool;
use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId};
use crate::model::observation::{Observation, Observer, Suspector};
use crate::model::world::World;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A calling side is connected to an instance again, or no longer is and tries to be.
    pub(super) fn set_channel(&mut self, pool: u32, is_ready: bool) {
        let Pool {
            caller, instance, ..
        } = self.connections.pools[pool];
        if self.connections.set_ready(pool, is_ready) {
            let suspector = Suspector::Caller(caller);
            let fact = match is_ready {
                true => Observation::Trusted {
                    suspector,
                    instance,
                },
                false => Observation::Suspected {
                    suspector,
                    instance,
                },
            };
            self.tell_channel(caller, &fact);
            if is_ready {
                self.callers[caller.index()]
                    .balancer
                    .on_reconnected(instance);
            }
        }
    }

    /// A calling side died, and with it a channel that was not ready.
    pub(super) fn forget_channel(&mut self, caller: CallerId, instance: InstanceId) {
        let suspector = Suspector::Caller(caller);
        let fact = Observation::Forgotten {
            suspector,
            instance,
        };
        self.tell_channel(caller, &fact);
    }

    /// The state of a channel is an opinion where it is the only one that a call has.
    fn tell_channel(&mut self, caller: CallerId, fact: &Observation<'_>) {
        let edge = self.callers[caller.index()].edge;
        if self.scenario.edges[edge.index()].watches_by_channel() {
            self.observe(fact.clone());
        }
    }
}
