//! Which server an agent asks: an order that is drawn anew from time to time
//! (`agent/router/manager.go`).

use super::Consul;
use super::message::{Alarm, Op};
use super::rpc::Purpose;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::first_tick;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::time::SimDuration;

/// An agent asks the same server for at least this long (`clientRPCMinReuseDuration`), and up to
/// half of it longer.
const REUSE_MIN: SimDuration = SimDuration::from_secs(120);
/// Connections that agents make anew at one server per second, at most.
const REBALANCE_COUNT_PER_SEC: u64 = 64;
impl Consul {
    /// The servers in an order that is drawn.
    fn drawn_order(&mut self, port: &dyn Port, agent: u32, servers: &[u32]) -> Vec<u32> {
        let node = self.node_of(agent);
        let identity = port.node(node).path_hash ^ path_hash("consul.servers");
        let number = self.draw_number();
        let mut order = servers.to_vec();
        order.sort_by_cached_key(|server| {
            (port.draw(identity, number, *server).next_u64(), *server)
        });
        order
    }

    /// A process begins with all servers, in an order of its own.
    pub(super) fn shuffle_servers(&mut self, port: &dyn Port, agent: u32) {
        let all: Vec<u32> = (0..self.ensemble.member_count()).collect();
        self.agent(agent).order = self.drawn_order(port, agent, &all);
    }

    pub(super) fn plan_rebalance(&mut self, port: &mut dyn Port, agent: u32, phase: Phase) {
        let node = self.node_of(agent);
        let identity = port.node(node).path_hash ^ path_hash("consul.rebalance");
        let number = self.draw_number();
        let uniform = port.draw(identity, number, 0).uniform();
        let count = REBALANCE_COUNT_PER_SEC * u64::from(self.ensemble.member_count());
        let scaled_ns = u64::from(self.node_count) * 1_000_000_000 / count;
        let least = REUSE_MIN + REUSE_MIN.scaled(0.5 * uniform);
        let interval = least.max(SimDuration::from_ns(scaled_ns));
        let first = first_tick(port, node, "consul.rebalance", (interval, phase));
        self.alarms.set(port, node, first, Alarm::Rebalance);
    }

    /// An agent chooses among the servers anew: the first that answers is asked from now on.
    pub(super) fn rebalance(&mut self, port: &mut dyn Port, agent: u32) {
        self.plan_rebalance(port, agent, Phase::Aligned);
        let order = self.agents[agent as usize].order.clone();
        if order.len() < 2 {
            return;
        }
        let order = self.drawn_order(port, agent, &order);
        let purpose = Purpose::Rebalance {
            order,
            tried_count: 1,
        };
        self.begin_request(port, agent, Op::Ping, purpose);
    }

    pub(super) fn end_rebalance(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        mut order: Vec<u32>,
        tried_count: u32,
        is_good: bool,
    ) {
        let known = self.agents[agent as usize].order.clone();
        if is_good {
            // What came and went meanwhile comes and goes here as well.
            if known.contains(&order[0]) {
                order.retain(|server| known.contains(server));
                order.extend(
                    known
                        .iter()
                        .filter(|s| !order.contains(s))
                        .copied()
                        .collect::<Vec<_>>(),
                );
                self.agent(agent).order = order;
            }
        } else if (tried_count as usize) < order.len() {
            order.rotate_left(1);
            let purpose = Purpose::Rebalance {
                order,
                tried_count: tried_count + 1,
            };
            self.begin_request(port, agent, Op::Ping, purpose);
        }
    }
}
