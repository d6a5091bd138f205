//! Blocking queries of the calling sides, which their agents make for them.
//!
//! Source: `api/watch/plan.go`, `agent/cache/cache.go`. An answer is followed by the next query at
//! once; after an error a client waits 5 s times the square of the errors in a row, at most 3
//! minutes. An agent that keeps one query for all its clients (`?cached`) waits from the fourth
//! error on, 2 s and twice as long each time, at most a minute, and as much jitter.

use std::sync::Arc;

use super::Consul;
use super::message::{Alarm, Answer, Op};
use super::rpc::Purpose;
use crate::id::{CallerId, NodeId, ServiceId};
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::view::ViewSnapshot;
use crate::rng::{UniformSource, path_hash};
use crate::time::{SimDuration, SimTime};

/// Of a client: the first wait, and the longest.
const RETRY_INTERVAL: SimDuration = SimDuration::from_secs(5);
const BACKOFF_MAX: SimDuration = SimDuration::from_secs(180);
/// Of a cache: errors that cost no wait, and the longest one.
const CACHE_FREE_ERRORS: u32 = 3;
const CACHE_BACKOFF_MAX: SimDuration = SimDuration::from_secs(60);

/// One query after another for the instances of a service.
#[derive(Debug)]
pub(super) struct Watch {
    agent: u32,
    pub service: ServiceId,
    /// For whom, and where they run.
    pub sides: Vec<(CallerId, NodeId)>,
    /// The index of the last answer; 0: there was none.
    index: u64,
    /// Errors in a row.
    error_count: u32,
    is_on: bool,
    /// A query is under way, or waits to be made.
    is_asking: bool,
    /// The last answer.
    list: Option<(u64, Arc<ViewSnapshot>)>,
}

impl Watch {
    pub fn new(agent: u32, service: ServiceId) -> Self {
        Watch {
            agent,
            service,
            sides: Vec::new(),
            index: 0,
            error_count: 0,
            is_on: false,
            is_asking: false,
            list: None,
        }
    }

    /// Nobody waits for its answers any more.
    pub fn stop(&mut self) {
        (self.is_on, self.is_asking) = (false, false);
        (self.index, self.error_count) = (0, 0);
        self.list = None;
    }
}

impl Consul {
    /// A watch begins, if a process is there that wants it.
    pub(super) fn start_watch(&mut self, port: &mut dyn Port, watch: u32) {
        let own = &self.watches[watch as usize];
        let is_there = |side: &(CallerId, NodeId)| port.node(side.1).state.is_up();
        if own.is_on || !own.sides.iter().any(is_there) {
            return;
        }
        // Everybody has a list at the start.
        let version = match port.now() == SimTime::START {
            true => self.servers[0].state.version(own.service),
            false => 0,
        };
        let own = &mut self.watches[watch as usize];
        (own.is_on, own.index) = (true, version);
        self.ask(port, watch);
    }

    /// The agent of a watch starts, which died at `died_at`. Clients that lived on have been
    /// refused since then, and ask again when their wait is over.
    pub(super) fn start_refused_watch(
        &mut self,
        port: &mut dyn Port,
        watch: u32,
        died_at: SimTime,
    ) {
        let own = &self.watches[watch as usize];
        let is_there = |side: &(CallerId, NodeId)| port.node(side.1).state.is_up();
        if own.is_on || !own.sides.iter().any(is_there) {
            return;
        }
        let node = self.node_of(own.agent);
        let (mut count, mut asks_at) = (1, died_at + client_backoff(1));
        while asks_at < port.now() {
            count += 1;
            asks_at = asks_at + client_backoff(count);
        }
        let own = &mut self.watches[watch as usize];
        (own.is_on, own.is_asking, own.error_count) = (true, true, count);
        let wait = asks_at.since(port.now());
        self.alarms.set(port, node, wait, Alarm::Watch { watch });
    }

    /// The watches of a process that starts. A query that the agent has already answers at once.
    pub(super) fn start_watches(&mut self, port: &mut dyn Port, node: NodeId) {
        for watch in self.watches_of(port, node) {
            if !self.is_agent_up(port, self.watches[watch as usize].agent) {
                continue;
            }
            self.start_watch(port, watch);
            self.deliver(port, watch);
        }
    }

    fn watches_of(&self, port: &dyn Port, node: NodeId) -> Vec<u32> {
        let Some(host) = port.scenario().topology.agent_of(node) else {
            return Vec::new();
        };
        let is_own = |watch: &u32| {
            let mut sides = self.watches[*watch as usize].sides.iter();
            sides.any(|side| side.1 == node)
        };
        let watches = self.agents[host as usize].watches.iter();
        watches.copied().filter(is_own).collect()
    }

    /// The watches of a process that died; the agent goes on with those of all.
    pub(super) fn stop_watches(&mut self, port: &mut dyn Port, node: NodeId) {
        for watch in self.watches_of(port, node) {
            if self.config.query.uses_cache {
                continue;
            }
            let agent = self.watches[watch as usize].agent;
            self.watches[watch as usize].stop();
            let own = self.node_of(agent);
            self.alarms.cancel(port, own, Alarm::Watch { watch });
            self.forget_query(port, agent, watch);
        }
    }

    /// A process that stood still takes what its agent has for it.
    pub(super) fn resume_watches(&mut self, port: &mut dyn Port, node: NodeId) {
        for watch in self.watches_of(port, node) {
            self.deliver(port, watch);
            let own = &self.watches[watch as usize];
            if own.is_on && !own.is_asking {
                self.ask(port, watch);
            }
        }
    }

    /// A watch asks for what is newer than what it has.
    pub(super) fn ask(&mut self, port: &mut dyn Port, watch: u32) {
        let own = &mut self.watches[watch as usize];
        own.is_asking = true;
        let (agent, service, index) = (own.agent, own.service, own.index);
        let op = Op::Query { service, index };
        self.begin_request(port, agent, op, Purpose::Watch { watch });
    }

    pub(super) fn on_watch_answer(
        &mut self,
        port: &mut dyn Port,
        watch: u32,
        answer: Option<Answer>,
    ) {
        let own = &mut self.watches[watch as usize];
        own.is_asking = false;
        let Some(Answer::List { version, view }) = answer else {
            return self.wait_after_error(port, watch);
        };
        // An index that went back starts over.
        own.index = if version < own.index { 0 } else { version };
        own.error_count = 0;
        own.list = Some((version, view));
        self.deliver(port, watch);
        // A client that stands still asks when it goes on.
        let own = &self.watches[watch as usize];
        let stands_still = |side: &(CallerId, NodeId)| port.node(side.1).state == LifeState::Paused;
        if self.config.query.uses_cache || !own.sides.iter().all(stands_still) {
            self.ask(port, watch);
        }
    }

    /// Hands the last answer to those that run.
    fn deliver(&mut self, port: &mut dyn Port, watch: u32) {
        let own = &self.watches[watch as usize];
        let Some((version, view)) = &own.list else {
            return;
        };
        for (caller, node) in &own.sides {
            if port.node(*node).state == LifeState::Up {
                port.take_list(*caller, *version, view);
            }
        }
    }

    fn wait_after_error(&mut self, port: &mut dyn Port, watch: u32) {
        let own = &mut self.watches[watch as usize];
        own.error_count = own.error_count.saturating_add(1);
        own.is_asking = true;
        let (agent, count) = (own.agent, own.error_count);
        let node = self.node_of(agent);
        let delay = match self.config.query.uses_cache {
            true => {
                let identity = port.node(node).path_hash ^ path_hash("consul.cache");
                let number = self.draw_number();
                let uniform = port.draw(identity, number, 0).uniform();
                cache_backoff(count).scaled(1.0 + uniform)
            }
            false => client_backoff(count),
        };
        // Without any wait the same error would follow at the same instant for ever.
        let delay = delay.max(SimDuration::from_ms(1));
        self.alarms.set(port, node, delay, Alarm::Watch { watch });
    }
}

fn client_backoff(error_count: u32) -> SimDuration {
    let count = u64::from(error_count);
    let wait = RETRY_INTERVAL.saturating_mul(count.saturating_mul(count));
    wait.min(BACKOFF_MAX)
}

fn cache_backoff(error_count: u32) -> SimDuration {
    let Some(shift) = error_count.checked_sub(CACHE_FREE_ERRORS + 1) else {
        return SimDuration::ZERO;
    };
    let wait = SimDuration::from_secs(1).saturating_mul(1 << (shift + 1).min(31));
    wait.min(CACHE_BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_waits_longer_after_every_error() {
        let secs = |count| client_backoff(count).as_secs_f64();
        assert_eq!([1, 2, 3, 6, 7].map(secs), [5.0, 20.0, 45.0, 180.0, 180.0]);
    }

    #[test]
    fn a_cache_waits_from_the_fourth_error_on() {
        let secs = |count| cache_backoff(count).as_secs_f64();
        assert_eq!(
            [1, 3, 4, 5, 9, 40].map(secs),
            [0.0, 0.0, 2.0, 4.0, 60.0, 60.0]
        );
    }
}
