//! The two channels of a client: a question, the servers that it goes to, and when it repeats
//! (`TimedSupervisorTask`, `RetryableEurekaHttpClient`, `SessionedEurekaHttpClient`).

use std::collections::BTreeSet;

use super::Eureka;
use super::message::{Alarm, Answer, Channel, Message, Op, Request};
use crate::id::NodeId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::parties::is_reached;
use crate::model::registry::system::{self, Letter, Port};
use crate::time::{SimDuration, SimTime};

/// What all clients do on their channels. A renewal touches the task of one of them, which lies
/// apart from what seldom matters of its client.
#[derive(Debug)]
pub(super) struct Tasks {
    registration: Vec<Task>,
    query: Vec<Task>,
}

impl Tasks {
    /// The tasks of clients at these nodes.
    pub fn new(nodes: impl Iterator<Item = NodeId>) -> Self {
        let registration: Vec<Task> = nodes.map(Task::new).collect();
        let query = registration.iter().map(|task| Task::new(task.node));
        Tasks {
            query: query.collect(),
            registration,
        }
    }

    pub fn get(&self, (client, channel): (u32, Channel)) -> &Task {
        match channel {
            Channel::Registration => &self.registration[client as usize],
            Channel::Query => &self.query[client as usize],
        }
    }

    pub fn get_mut(&mut self, (client, channel): (u32, Channel)) -> &mut Task {
        match channel {
            Channel::Registration => &mut self.registration[client as usize],
            Channel::Query => &mut self.query[client as usize],
        }
    }
}

/// What a client does on one of its channels.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Task {
    /// The node of the client.
    pub node: NodeId,
    /// What it asks for now.
    pub op: Option<Op>,
    /// What it does now repeats, and is given up after an interval (`TimedSupervisorTask`).
    is_supervised: bool,
    began_at: SimTime,
    /// The timer that runs ends the task, not only its patience with a server.
    is_last_moment: bool,
    /// When it repeats; never: it does not.
    pub due_at: SimTime,
    /// From the end of the task to the next one, in intervals.
    pause: u32,
    /// Questions so far.
    number: u32,
    /// Servers that this question went to.
    try_count: u32,
    /// The server that is asked.
    asked: u32,
    /// Whether it is one of the candidates.
    is_candidate: bool,
    /// The server that answered last.
    pub delegate: Option<u32>,
    /// Where it looks for another server, once one has failed it.
    search: Option<Box<Search>>,
    /// When it forgets its server.
    session_ends: SimTime,
}

// One line of the processor's cache. A client has two, and may be an instance.
const _: () = assert!(size_of::<Task>() == 64);

/// The servers that a task may turn to.
#[derive(Debug, Default)]
struct Search {
    /// Those that this question may go to, the next one last.
    candidates: Option<Vec<u32>>,
    quarantine: BTreeSet<u32>,
}

impl Task {
    fn new(node: NodeId) -> Self {
        Task {
            node,
            op: None,
            is_supervised: false,
            began_at: SimTime::START,
            is_last_moment: false,
            due_at: SimTime::NEVER,
            pause: 1,
            number: 0,
            try_count: 0,
            asked: 0,
            is_candidate: false,
            delegate: None,
            search: None,
            session_ends: SimTime::START,
        }
    }

    /// Its process died; numbers are never used again.
    pub fn reset(&mut self) {
        let number = self.number + 1;
        *self = Task::new(self.node);
        self.number = number;
    }

    /// It begins a session: it knows no server, good or bad.
    pub fn begin_session(&mut self, ends: SimTime) {
        self.session_ends = ends;
        self.delegate = None;
        self.search = None;
    }

    /// The server that is asked next, if it knows none, of those in `order`.
    fn next_candidate(&mut self, order: &[u32], quarantine_ratio: f64) -> Option<u32> {
        let Search {
            candidates,
            quarantine,
        } = self.search.get_or_insert_default().as_mut();
        let candidates = candidates.get_or_insert_with(|| {
            let bound = (order.len() as f64 * quarantine_ratio) as usize;
            if bound <= quarantine.len() {
                quarantine.clear();
            }
            let is_free = |member: &&u32| !quarantine.contains(*member);
            order.iter().rev().filter(is_free).copied().collect()
        });
        candidates.pop()
    }
}

impl Eureka {
    pub(super) fn begin(
        &mut self,
        port: &mut dyn Port,
        task: (u32, Channel),
        op: Op,
        is_supervised: bool,
    ) {
        let now = port.now();
        let own = self.task(task);
        own.is_supervised = is_supervised;
        own.began_at = now;
        if own.session_ends <= now {
            self.begin_session(port, task);
        }
        self.ask(port, task, op);
    }

    fn ask(&mut self, port: &mut dyn Port, task: (u32, Channel), op: Op) {
        let own = self.task(task);
        own.op = Some(op);
        own.try_count = 0;
        if let Some(search) = &mut own.search {
            search.candidates = None;
        }
        self.try_next(port, task);
    }

    /// The server that is asked next, and whether it is one of the candidates.
    fn next_server(&mut self, (client, channel): (u32, Channel)) -> Option<(u32, bool)> {
        let config = self.config.client;
        let task = self.tasks.get_mut((client, channel));
        if task.try_count == config.try_count {
            return None;
        }
        if let Some(delegate) = task.delegate {
            return Some((delegate, false));
        }
        let order = &self.clients[client as usize].order;
        let candidate = task.next_candidate(order, config.quarantine_ratio);
        candidate.map(|member| (member, true))
    }

    fn try_next(&mut self, port: &mut dyn Port, task: (u32, Channel)) {
        let Some(asked) = self.next_server(task) else {
            return self.finish(port, task, false);
        };
        let (config, interval) = (self.config.client, self.interval(task));
        let (client, channel) = task;
        let now = port.now();
        let (node, server) = (self.task(task).node, self.nodes[asked.0 as usize]);
        let patience = match is_reached(port, (node, server)) {
            true => config.read_timeout,
            false => config.connect_timeout,
        };
        let own = self.task(task);
        (own.asked, own.is_candidate) = asked;
        own.number += 1;
        own.try_count += 1;
        let left = interval.saturating_sub(now.since(own.began_at));
        own.is_last_moment = own.is_supervised && left <= patience;
        let wait = if own.is_last_moment { left } else { patience };
        let (number, op) = (own.number, own.op.expect("it asks for something"));
        self.alarms
            .set(port, node, wait, Alarm::Task { client, channel });
        let request = Request {
            client,
            channel,
            number,
            op,
        };
        self.send_request(port, server, request);
    }

    fn send_request(&self, port: &mut dyn Port, server: NodeId, request: Request) {
        let node = self.tasks.get((request.client, request.channel)).node;
        let of_instance = self.registered(node).map(|(service, _)| service);
        let (kind, service, entry_count) = match request.op {
            Op::Renew => (ControlKind::Heartbeat, of_instance, 0),
            Op::Register => (ControlKind::Write, of_instance, 1),
            Op::Cancel => (ControlKind::Write, of_instance, 0),
            Op::Full | Op::Delta => (ControlKind::Poll, None, 0),
        };
        let letter = Letter {
            from: node,
            to: server,
            kind,
            service,
            byte_count: self.byte_count(entry_count),
        };
        port.send(letter, system::Message::Eureka(Message::Request(request)));
    }

    /// The host of a dead server answers.
    pub(super) fn on_no_answer(&mut self, port: &mut dyn Port, task: (u32, Channel), number: u32) {
        let own = self.task(task);
        if own.op.is_some() && own.number == number {
            self.fail(port, task);
        }
    }

    /// A server did not do what it was asked: the next one may.
    fn fail(&mut self, port: &mut dyn Port, task: (u32, Channel)) {
        self.hang_up(port, task);
        let own = self.task(task);
        if own.is_candidate {
            let search = own.search.get_or_insert_default();
            search.quarantine.insert(own.asked);
        }
        self.try_next(port, task);
    }

    /// A client closes its connection with the server that it asked.
    fn hang_up(&mut self, port: &mut dyn Port, task: (u32, Channel)) {
        let own = self.task(task);
        own.delegate = None;
        let (node, member) = (own.node, own.asked);
        port.reconnect(node, self.nodes[member as usize]);
    }

    /// A task repeats, or its patience is at its end.
    pub(super) fn on_task_alarm(&mut self, port: &mut dyn Port, task: (u32, Channel)) {
        let has_delta = self.config.client.has_delta;
        let own = self.task(task);
        if own.op.is_some() {
            if !own.is_last_moment {
                return self.fail(port, task);
            }
            self.hang_up(port, task);
            return self.finish(port, task, true);
        }
        let apps = &self.clients[task.0 as usize].apps;
        let op = match task.1 {
            Channel::Registration => Op::Renew,
            Channel::Query if !has_delta || apps.as_ref().is_none_or(|a| a.is_empty()) => Op::Full,
            Channel::Query => Op::Delta,
        };
        self.begin(port, task, op, true);
    }

    pub(super) fn on_answer(
        &mut self,
        port: &mut dyn Port,
        task: (u32, Channel),
        number: u32,
        answer: Answer,
    ) {
        let client = task.0;
        let own = self.task(task);
        let Some(op) = own.op.filter(|_| own.number == number) else {
            return;
        };
        match (op, &answer) {
            (_, Answer::Unavailable) | (Op::Full, Answer::Forbidden) => {
                return self.fail(port, task);
            }
            _ => own.delegate = Some(own.asked),
        }
        match (op, answer) {
            (Op::Renew, Answer::Missing) if self.clients[client as usize].is_wanted => {
                return self.ask(port, task, Op::Register);
            }
            (Op::Delta, Answer::Forbidden) => return self.ask(port, task, Op::Full),
            (Op::Delta, Answer::Delta(delta)) => {
                let is_complete = self.take_delta(client, delta);
                if !is_complete {
                    return self.ask(port, task, Op::Full);
                }
            }
            (Op::Full, Answer::Full(apps)) => {
                let own = self.client(client);
                (own.apps, own.delta) = (Some(apps), None);
            }
            (Op::Register, _) => self.client(client).is_dirty = false,
            _ => {}
        }
        self.finish(port, task, false);
    }

    /// A task is over; an interval that it did not keep doubles the next one.
    fn finish(&mut self, port: &mut dyn Port, task: (u32, Channel), is_timed_out: bool) {
        let (client, channel) = task;
        let (interval, longest) = (self.interval(task), self.config.client.backoff_bound);
        let own = self.task(task);
        own.op = None;
        own.number += 1;
        let repeats = own.due_at != SimTime::NEVER || channel == Channel::Query;
        if own.is_supervised && repeats {
            own.pause = match is_timed_out {
                true => own.pause.saturating_mul(2).min(longest),
                false => 1,
            };
            let delay = interval.saturating_mul(u64::from(own.pause));
            self.set_due(port, task, delay);
        }
        if channel == Channel::Query {
            self.on_fetched(port, client);
        }
        if channel == Channel::Registration && self.grant_wish(port, client) {
            return;
        }
        let Task { node, due_at, .. } = *self.tasks.get(task);
        let alarm = Alarm::Task { client, channel };
        if due_at == SimTime::NEVER {
            return self.alarms.cancel(port, node, alarm);
        }
        let pace = 1.0 + port.node(node).drift_ratio;
        // Something else on the channel may have taken longer.
        let left = due_at.since(port.now().min(due_at));
        let left = match pace == 1.0 {
            true => left,
            false => left.scaled(pace),
        };
        self.alarms.set(port, node, left, alarm);
    }

    /// `delay` is a length of the client's own clock.
    fn set_due(&mut self, port: &dyn Port, task: (u32, Channel), delay: SimDuration) {
        let own = self.task(task);
        own.due_at = port.now() + port.node(own.node).true_length(delay);
    }

    /// An idle task is done first after `delay`; one that is busy goes on.
    pub(super) fn repeat_after(
        &mut self,
        port: &mut dyn Port,
        task: (u32, Channel),
        delay: SimDuration,
    ) {
        self.set_due(port, task, delay);
        let (client, channel) = task;
        let own = self.task(task);
        if own.op.is_none() {
            let node = own.node;
            self.alarms
                .set(port, node, delay, Alarm::Task { client, channel });
        }
    }
}
