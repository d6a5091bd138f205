//! Anti-entropy: how an agent brings what it knows to the servers.
//!
//! Source: `agent/ae/ae.go`, `agent/local/state.go`. A change is sent at once, one request after
//! another; one that fails waits for the next change or the next full sync. A full sync reads what
//! the servers have for this node, and sends what differs. After one that failed nothing is sent
//! until it is made again.

use super::Consul;
use super::message::{Alarm, Answer, Op, Status};
use super::rpc::Purpose;
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::rng::{UniformSource, path_hash};
use crate::time::SimDuration;

/// Nodes above which the jitter of full syncs grows.
const SCALE_THRESHOLD: u32 = 128;

/// What an agent is bringing to the servers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Syncer {
    /// A request is under way.
    is_busy: bool,
    /// What is under way belongs to a full sync.
    is_full: bool,
    /// A full sync waits for its turn.
    is_full_due: bool,
    /// A full sync failed, and is made again later.
    is_waiting: bool,
    /// Something changed.
    has_changes: bool,
}

/// By how much the jitter grows with a cluster.
fn scale_factor(node_count: u32) -> u64 {
    if node_count <= SCALE_THRESHOLD {
        return 1;
    }
    let log2_ceil = |count: u32| u64::from((count - 1).ilog2() + 1);
    log2_ceil(node_count) - log2_ceil(SCALE_THRESHOLD) + 1
}

impl Consul {
    /// A random part of a length, longer in large clusters.
    fn jitter(&mut self, port: &dyn Port, agent: u32, length: SimDuration) -> SimDuration {
        let node = self.node_of(agent);
        let identity = port.node(node).path_hash ^ path_hash("consul.sync");
        let number = self.draw_number();
        let uniform = port.draw(identity, number, 0).uniform();
        let scaled = length.saturating_mul(scale_factor(self.node_count));
        scaled.scaled(uniform)
    }

    /// The run begins: the last full sync lies somewhere in the past.
    pub(super) fn start_syncer(&mut self, port: &mut dyn Port, agent: u32) {
        let node = self.node_of(agent);
        let interval = self.config.sync.interval;
        let period = interval + self.jitter(port, agent, interval);
        let identity = port.node(node).path_hash ^ path_hash("consul.full_sync");
        let first = period.scaled(1.0 - port.draw(identity, 0, 0).uniform());
        self.alarms.set(port, node, first, Alarm::FullSync);
    }

    /// The agent of an instance has something to send.
    pub(super) fn trigger_changes(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let agent = self.locals[instance].agent;
        self.agent(agent).syncer.has_changes = true;
        self.go_on(port, agent);
    }

    /// A server came: a full sync follows soon.
    pub(super) fn sync_for_server(&mut self, port: &mut dyn Port, agent: u32) {
        let interval = self.config.sync.server_up_interval;
        let delay = self.jitter(port, agent, interval);
        let node = self.node_of(agent);
        self.alarms.set(port, node, delay, Alarm::SyncAgain);
    }

    /// A full sync is due.
    pub(super) fn on_full_sync_due(&mut self, port: &mut dyn Port, agent: u32) {
        let syncer = &mut self.agent(agent).syncer;
        syncer.is_full_due = true;
        self.go_on(port, agent);
    }

    /// Begins what is due, unless something is under way.
    fn go_on(&mut self, port: &mut dyn Port, agent: u32) {
        let syncer = &mut self.agent(agent).syncer;
        if syncer.is_busy {
            return;
        }
        if syncer.is_full_due {
            (syncer.is_full_due, syncer.is_waiting) = (false, false);
            (syncer.is_busy, syncer.is_full) = (true, true);
            return self.begin_full_sync(port, agent);
        }
        if syncer.has_changes && !syncer.is_waiting {
            syncer.has_changes = false;
            self.send_next(port, agent);
        }
    }

    fn begin_full_sync(&mut self, port: &mut dyn Port, agent: u32) {
        let node = self.node_of(agent);
        let interval = self.config.sync.interval;
        let next = interval + self.jitter(port, agent, interval);
        self.alarms.set(port, node, next, Alarm::FullSync);
        self.alarms.cancel(port, node, Alarm::SyncAgain);
        self.begin_request(port, agent, Op::Read, Purpose::Sync { change_count: 0 });
    }

    /// Sends the next instance that differs.
    fn send_next(&mut self, port: &mut dyn Port, agent: u32) {
        let instances = self.agents[agent as usize].instances.iter();
        let next = instances
            .copied()
            .find(|instance| !self.locals[*instance].is_in_sync);
        let Some(instance) = next else {
            return self.end_sync(port, agent);
        };
        let local = &self.locals[instance];
        let op = match local.is_known {
            true => Op::Register {
                instance,
                status: local.status,
                has_news: local.has_news,
            },
            false => Op::Deregister { instance },
        };
        let change_count = local.change_count;
        self.agent(agent).syncer.is_busy = true;
        self.begin_request(port, agent, op, Purpose::Sync { change_count });
    }

    fn end_sync(&mut self, port: &mut dyn Port, agent: u32) {
        let syncer = &mut self.agent(agent).syncer;
        (syncer.is_busy, syncer.is_full) = (false, false);
        if syncer.has_changes || syncer.is_full_due {
            self.go_on(port, agent);
        }
    }

    /// A request of a sync has ended.
    pub(super) fn on_sync_answer(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        (op, change_count): (Op, u32),
        answer: Option<Answer>,
    ) {
        match (op, answer) {
            (Op::Read, Some(Answer::Services(found))) => self.compare(agent, &found),
            (Op::Register { instance, .. } | Op::Deregister { instance }, Some(Answer::Done)) => {
                let local = self.local(instance);
                if local.change_count == change_count {
                    (local.is_in_sync, local.has_news) = (true, false);
                }
            }
            _ => return self.fail_sync(port, agent),
        }
        self.send_next(port, agent);
    }

    /// What the servers have is compared with what the agent has.
    fn compare(&mut self, agent: u32, found: &[(InstanceId, Status)]) {
        for instance in self.agents[agent as usize].instances.clone() {
            let place = found.iter().find(|(other, _)| *other == instance);
            let local = self.local(instance);
            let is_equal = match place {
                Some((_, status)) => local.is_known && *status == local.status,
                None => !local.is_known,
            };
            if !is_equal {
                local.is_in_sync = false;
            } else if !local.has_news {
                local.is_in_sync = true;
            }
        }
    }

    fn fail_sync(&mut self, port: &mut dyn Port, agent: u32) {
        let syncer = &mut self.agent(agent).syncer;
        let was_full = syncer.is_full;
        (syncer.is_busy, syncer.is_full) = (false, false);
        if was_full {
            syncer.is_waiting = true;
            let interval = self.config.sync.retry_interval;
            let delay = interval + self.jitter(port, agent, interval);
            let node = self.node_of(agent);
            self.alarms.set(port, node, delay, Alarm::SyncAgain);
        }
        self.go_on(port, agent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_grows_with_the_cluster_above_128_nodes() {
        // ceil(log2(nodes / 128)) + 1.
        for (nodes, factor) in [(1, 1), (128, 1), (129, 2), (256, 2), (257, 3), (1_000, 4)] {
            assert_eq!(scale_factor(nodes), factor, "{nodes}");
        }
        assert_eq!(scale_factor(8_192), 7);
    }
}
