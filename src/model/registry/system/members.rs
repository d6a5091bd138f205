//! The members of a registry as machines: cores, a queue before them, and a disk.

use std::collections::VecDeque;

use super::{Alarm, Job, Port};
use crate::engine::TimerId;
use crate::id::NodeId;
use crate::scenario::registry::system::CapacityConfig;
use crate::time::SimDuration;

/// What a piece of work costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A heartbeat.
    Heartbeat,
    /// A read.
    Read,
    /// A write, at the member that the client talks to.
    Write,
    /// A proposal.
    Proposal,
    /// To tell one client of one change.
    Notify,
    /// The end of a connection: it takes no time, and waits for what came before it.
    Hangup,
}

/// One member.
#[derive(Debug)]
struct Machine {
    node: NodeId,
    /// By core: its work and the timer of its end.
    running: Vec<Option<(TimerId, Job)>>,
    waiting: VecDeque<(SimDuration, Job)>,
    /// The sync under way, with what it makes durable.
    syncing: Option<(TimerId, u64)>,
    /// What came since then: the next sync makes all of it durable.
    unsynced: Option<u64>,
}

/// The members as machines. They serve in order of arrival.
#[derive(Debug)]
pub struct Members {
    capacity: CapacityConfig,
    machines: Vec<Machine>,
}

impl Members {
    /// Idle machines.
    pub fn new(capacity: CapacityConfig, nodes: &[NodeId]) -> Self {
        let machine = |node: &NodeId| Machine {
            node: *node,
            running: vec![None; capacity.cores as usize],
            waiting: VecDeque::new(),
            syncing: None,
            unsynced: None,
        };
        Members {
            capacity,
            machines: nodes.iter().map(machine).collect(),
        }
    }

    fn time(&self, cost: Cost) -> SimDuration {
        match cost {
            Cost::Heartbeat => self.capacity.heartbeat_time,
            Cost::Read => self.capacity.read_time,
            Cost::Write => self.capacity.write_time,
            Cost::Proposal => self.capacity.proposal_time,
            Cost::Notify => self.capacity.notify_time,
            Cost::Hangup => SimDuration::ZERO,
        }
    }

    /// Gives a member work. Returns the job if it is done at once: it costs nothing and does not
    /// have to wait; otherwise [`Members::on_core_done`] returns it later.
    pub fn submit(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        cost: Cost,
        job: Job,
    ) -> Option<Job> {
        let time = self.time(cost);
        let machine = &mut self.machines[member as usize];
        let idle = machine.running.iter().position(Option::is_none);
        match idle {
            None => machine.waiting.push_back((time, job)),
            Some(_) if time.is_zero() => return Some(job),
            Some(core) => machine.run(port, member, core, (time, job)),
        }
        None
    }

    /// A core is done. Returns what it was busy with; it goes on with what waits.
    pub fn on_core_done(&mut self, port: &mut dyn Port, member: u32, core: u32) -> Job {
        let machine = &mut self.machines[member as usize];
        let done = machine.running[core as usize].take();
        if let Some(next) = machine.waiting.pop_front() {
            machine.run(port, member, core as usize, next);
        }
        done.expect("a core that is done was busy").1
    }

    /// Makes everything up to `mark` durable. Returns the mark if that takes no time; otherwise
    /// [`Members::on_synced`] returns it, or a later one, in the end.
    pub fn sync(&mut self, port: &mut dyn Port, member: u32, mark: u64) -> Option<u64> {
        if self.capacity.sync_time.is_zero() {
            return Some(mark);
        }
        let time = self.capacity.sync_time;
        let machine = &mut self.machines[member as usize];
        match machine.syncing {
            Some(_) => machine.unsynced = Some(mark),
            None => machine.start_sync(port, member, time, mark),
        }
        None
    }

    /// The disk of a member is done. Returns up to where everything is durable.
    pub fn on_synced(&mut self, port: &mut dyn Port, member: u32) -> u64 {
        let time = self.capacity.sync_time;
        let machine = &mut self.machines[member as usize];
        let done = machine.syncing.take();
        if let Some(mark) = machine.unsynced.take() {
            machine.start_sync(port, member, time, mark);
        }
        done.expect("a disk that is done was busy").1
    }

    /// All work of a member is lost.
    pub fn clear(&mut self, port: &mut dyn Port, member: u32) {
        let machine = &mut self.machines[member as usize];
        machine.waiting.clear();
        for core in &mut machine.running {
            if let Some((timer, _)) = core.take() {
                port.cancel_timer(timer);
            }
        }
        if let Some((timer, _)) = machine.syncing.take() {
            port.cancel_timer(timer);
        }
        machine.unsynced = None;
    }
}

impl Machine {
    fn run(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        core: usize,
        (time, job): (SimDuration, Job),
    ) {
        let alarm = Alarm::CoreDone {
            member,
            core: core as u32,
        };
        let time = port.work_time(self.node, time);
        self.running[core] = Some((port.set_timer(self.node, time, alarm), job));
    }

    fn start_sync(&mut self, port: &mut dyn Port, member: u32, time: SimDuration, mark: u64) {
        let time = port.work_time(self.node, time);
        let timer = port.set_timer(self.node, time, Alarm::Synced { member });
        self.syncing = Some((timer, mark));
    }
}
