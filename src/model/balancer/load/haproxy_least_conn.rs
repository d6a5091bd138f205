use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::per_member::PerMember;
use crate::model::balancer::weighted::effective::whole;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::in_flight::InFlight;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::HAPROXY_WEIGHTS;

/// The largest effective weight, 16 times the largest weight.
const EFFECTIVE_MAX: u64 = 256 * 16;

/// `balance leastconn` of HAProxy: the fewest attempts in flight in proportion to the weight, from
/// this caller.
///
/// Source: HAProxy 2.6, `lb_fwlc.c`. The key is `(in flight + 1) x 4096 / effective weight`,
/// rounded down, and 0 where nothing is in flight: idle candidates take turns whatever their
/// weight. Ties go to the one whose key changed first. Tried candidates are stepped over. Cost per
/// pick: O(log n).
#[derive(Debug, Default)]
pub struct HaproxyLeastConn {
    servers: PerMember<Server>,
    tree: BTreeSet<(u64, u64, InstanceId)>,
    inserted_count: u64,
    /// Instances of which an attempt ended or whose weight changed since the last pick.
    changed: Vec<InstanceId>,
}

#[derive(Clone, Copy, Debug)]
struct Server {
    effective: u64,
    key: u64,
    order: u64,
}

impl Server {
    fn key_for(&self, in_flight: u32) -> u64 {
        match in_flight {
            0 => 0,
            count => (u64::from(count) + 1) * EFFECTIVE_MAX / self.effective,
        }
    }
}

impl HaproxyLeastConn {
    /// Moves a server to where this many attempts in flight put it; it stays where its key does.
    fn reposition(&mut self, instance: InstanceId, in_flight: u32) -> bool {
        let Some((_, server)) = self.servers.find(instance) else {
            return false;
        };
        let key = server.key_for(in_flight);
        if server.key == key {
            return false;
        }
        self.tree.remove(&(server.key, server.order, instance));
        (server.key, server.order) = (key, self.inserted_count);
        self.tree.insert((key, self.inserted_count, instance));
        self.inserted_count += 1;
        true
    }

    fn apply_changes(&mut self, in_flight: &InFlight) {
        let changed = std::mem::take(&mut self.changed);
        for (at, instance) in changed.iter().enumerate() {
            // The last change counts.
            if !changed[at + 1..].contains(instance) {
                self.reposition(*instance, in_flight.count(*instance));
            }
        }
    }
}

impl Balancer for HaproxyLeastConn {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let (tree, count) = (&mut self.tree, &mut self.inserted_count);
        let changed = &mut self.changed;
        let mut kept_entries = BTreeSet::new();
        self.servers.on_view(view, |member, kept: Option<Server>| {
            let effective = u64::from(whole(member.weight).min(HAPROXY_WEIGHTS.1)) * 16;
            let mut server = kept.unwrap_or_else(|| {
                *count += 1;
                // What is in flight to one that comes back shows when its turn comes.
                Server {
                    effective,
                    key: 0,
                    order: *count - 1,
                }
            });
            if server.effective != effective {
                server.effective = effective;
                changed.push(member.instance);
            }
            kept_entries.insert((server.key, server.order, member.instance));
            server
        });
        *tree = kept_entries;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.apply_changes(ctx.in_flight);
        loop {
            let entries = self.tree.iter().map(|entry| entry.2);
            let untried = entries
                .clone()
                .find(|i| ctx.tried.binary_search(i).is_err());
            let instance = untried.or_else(|| entries.clone().next())?;
            let in_flight = ctx.in_flight.count(instance);
            // A pick that somebody else made for this caller moves it now.
            if self.reposition(instance, in_flight) {
                continue;
            }
            self.reposition(instance, in_flight + 1);
            return Some(instance);
        }
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.changed.push(end.instance);
    }
}
