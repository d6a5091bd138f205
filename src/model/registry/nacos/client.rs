//! The client: it beats, pulls, and takes what is pushed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Nacos;
use super::message::{Alarm, Answer, Channel, Message, Op, Request};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::{Party, first_tick};
use crate::model::view::ViewSnapshot;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// When an instance beats first that is registered at the start.
pub(super) fn first_beat(
    port: &dyn Port,
    registered: &RegisteredConfig,
    instance: InstanceId,
) -> SimDuration {
    let rhythm = (registered.heartbeat_interval, registered.phase);
    first_tick(port, NodeId(instance.0), "nacos.beat", rhythm)
}

/// The list of a service that everybody has at the start.
fn initial_list(port: &mut dyn Port, service: ServiceId) -> Arc<ViewSnapshot> {
    let range = port.scenario().topology.service_instances(service);
    let all = range.map(InstanceId);
    let listed: Vec<InstanceId> = all.filter(|instance| port.is_listed(*instance)).collect();
    port.view(service, &listed)
}

/// What a client does on one of its channels.
#[derive(Debug, Default)]
struct Task {
    op: Option<Op>,
    /// Questions so far.
    number: u32,
    /// Servers that this question went to.
    try_count: u32,
    /// The server that is asked.
    asked: u32,
    /// Until it repeats.
    delay: SimDuration,
}

/// A client, as its process knows it.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    /// The instance that it registers, with its service.
    pub instance: Option<(InstanceId, ServiceId, RegisteredConfig)>,
    sides: Vec<(CallerId, ServiceId)>,
    is_running: bool,
    pub is_wanted: bool,
    /// A registration or its end that waits for the channel.
    wish: Option<Op>,
    registration: Task,
    pull: Task,
    /// The lists that it has.
    lists: Vec<Arc<ViewSnapshot>>,
}

impl Client {
    pub fn new(party: Party) -> Self {
        Client {
            node: party.node,
            instance: party.instance,
            sides: party.sides,
            is_running: false,
            is_wanted: false,
            wish: None,
            registration: Task::default(),
            pull: Task::default(),
            lists: Vec::new(),
        }
    }

    pub fn has_sides(&self) -> bool {
        !self.sides.is_empty()
    }

    /// The services that it calls.
    pub fn services(&self) -> BTreeSet<ServiceId> {
        self.sides.iter().map(|side| side.1).collect()
    }

    fn task(&mut self, channel: Channel) -> &mut Task {
        match channel {
            Channel::Registration => &mut self.registration,
            Channel::Pull => &mut self.pull,
        }
    }
}

impl Nacos {
    fn client(&mut self, client: u32) -> &mut Client {
        &mut self.clients[client as usize]
    }

    /// The run begins: every process that is there has its lists, and its tasks go on.
    pub(super) fn start_clients(&mut self, port: &mut dyn Port) {
        let mut initial: BTreeMap<ServiceId, Arc<ViewSnapshot>> = BTreeMap::new();
        for index in 0..self.clients.len() as u32 {
            let (node, instance) = {
                let own = self.client(index);
                (own.node, own.instance)
            };
            if port.node(node).state != LifeState::Up {
                continue;
            }
            let services = self.clients[index as usize].services();
            let list = |service| {
                let known = initial.entry(service);
                Arc::clone(known.or_insert_with(|| initial_list(port, service)))
            };
            let lists = services.into_iter().map(list).collect();
            let own = self.client(index);
            (own.is_running, own.lists) = (true, lists);
            if let Some((instance, _, registered)) = instance
                && port.is_listed(instance)
            {
                self.client(index).is_wanted = true;
                if self.config.grpc.is_some() {
                    continue;
                }
                let first = first_beat(port, &registered, instance);
                self.repeat_after(port, index, Channel::Registration, first);
            }
            if self.config.grpc.is_some() {
                continue;
            }
            // Nothing has changed for long.
            let longest = self.config.pull_max;
            self.client(index).pull.delay = longest;
            if !self.clients[index as usize].sides.is_empty() {
                let rhythm = (longest, Phase::Random);
                let first = first_tick(port, node, "nacos.pull", rhythm);
                self.repeat_after(port, index, Channel::Pull, first);
            }
        }
    }

    fn repeat_after(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        channel: Channel,
        delay: SimDuration,
    ) {
        let node = self.clients[client as usize].node;
        let alarm = Alarm::Task { client, channel };
        self.alarms.set(port, node, delay, alarm);
    }

    /// A process starts: it pulls, and registers if it is to be listed.
    pub(super) fn start_client(&mut self, port: &mut dyn Port, client: u32) {
        let base = self.config.pull_base;
        let own = self.client(client);
        own.is_running = true;
        own.pull.delay = base;
        let (has_sides, is_wanted) = (!own.sides.is_empty(), own.is_wanted);
        if self.config.grpc.is_some() {
            return self.open_line(port, client);
        }
        if has_sides {
            self.begin(port, client, Op::Pull);
        }
        if is_wanted {
            self.begin(port, client, Op::Register);
        }
    }

    pub(super) fn stop_client(&mut self, client: u32) {
        let own = self.client(client);
        (own.is_running, own.is_wanted, own.wish) = (false, false, None);
        own.lists.clear();
        for task in [&mut own.registration, &mut own.pull] {
            let number = task.number + 1;
            *task = Task {
                number,
                ..Task::default()
            };
        }
    }

    /// An instance wants to be listed, or leaves in good order.
    pub(super) fn set_wanted(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_wanted: bool,
    ) {
        let node = port.scenario().topology.instance_node(instance);
        let Some(client) = self.client_of[node.index()] else {
            return;
        };
        let has_line = self.config.grpc.is_some();
        let own = self.client(client);
        own.is_wanted = is_wanted;
        if !own.is_running {
            return;
        }
        if has_line {
            return self.redo(port, client);
        }
        let op = match is_wanted {
            true => Op::Register,
            false => Op::Deregister,
        };
        match own.registration.op {
            Some(_) => own.wish = Some(op),
            None => self.begin(port, client, op),
        }
    }

    /// A question, to a server that is drawn anew.
    fn begin(&mut self, port: &mut dyn Port, client: u32, op: Op) {
        let count = self.nodes.len() as u32;
        let own = self.client(client);
        let node = own.node;
        let task = own.task(op.channel());
        task.op = Some(op);
        task.try_count = 0;
        let number = task.number;
        let what = match op.channel() {
            Channel::Registration => path_hash("nacos.server"),
            Channel::Pull => path_hash("nacos.pull_server"),
        };
        let mut draw = port.draw(port.node(node).path_hash ^ what, number, 0);
        task.asked = draw.below(count);
        self.try_server(port, client, op);
    }

    fn try_server(&mut self, port: &mut dyn Port, client: u32, op: Op) {
        let own = self.client(client);
        let node = own.node;
        let task = own.task(op.channel());
        task.try_count += 1;
        task.number += 1;
        let (number, server) = (task.number, task.asked);
        let request = Request {
            client,
            number,
            op,
            via: None,
        };
        self.repeat_after(port, client, op.channel(), self.config.request_timeout);
        let link = (node, self.nodes[server as usize]);
        let entry_count = usize::from(op == Op::Register);
        let about = self.about(request, false);
        self.send(port, link, about, entry_count, Message::Request(request));
    }

    /// A task repeats, or a server did not answer.
    pub(super) fn on_task_alarm(&mut self, port: &mut dyn Port, client: u32, channel: Channel) {
        if self.client(client).task(channel).op.is_some() {
            return self.fail(port, client, channel);
        }
        let op = match channel {
            Channel::Registration => Op::Beat,
            Channel::Pull => Op::Pull,
        };
        self.begin(port, client, op);
    }

    /// The next server may answer, as long as there is one.
    fn fail(&mut self, port: &mut dyn Port, client: u32, channel: Channel) {
        let count = self.nodes.len() as u32;
        let node = self.clients[client as usize].node;
        let task = self.client(client).task(channel);
        let asked = task.asked;
        port.reconnect(node, self.nodes[asked as usize]);
        let task = self.client(client).task(channel);
        let op = task.op.expect("only a question fails");
        if task.try_count < count {
            task.asked = (task.asked + 1) % count;
            return self.try_server(port, client, op);
        }
        self.finish(port, client, op, false);
    }

    pub(super) fn on_answer(&mut self, port: &mut dyn Port, request: Request, answer: Answer) {
        let Request {
            client, number, op, ..
        } = request;
        let own = self.client(client);
        let task = own.task(op.channel());
        if task.op != Some(op) || task.number != number {
            return;
        }
        let is_changed = match answer {
            Answer::Unavailable => return self.fail(port, client, op.channel()),
            Answer::Missing if own.is_wanted => return self.begin(port, client, Op::Register),
            Answer::Lists(lists) => {
                let mut is_changed = false;
                for (service, view) in lists {
                    is_changed |= self.take_view(port, client, service, &view);
                }
                is_changed
            }
            Answer::Done | Answer::Missing => false,
        };
        self.finish(port, client, op, is_changed);
    }

    fn finish(&mut self, port: &mut dyn Port, client: u32, op: Op, is_changed: bool) {
        let (base, longest) = (self.config.pull_base, self.config.pull_max);
        let channel = op.channel();
        let own = self.client(client);
        own.task(channel).op = None;
        own.task(channel).number += 1;
        let delay = match channel {
            Channel::Pull => {
                let doubled = own.pull.delay.saturating_mul(2);
                own.pull.delay = if is_changed {
                    base
                } else {
                    doubled.min(longest)
                };
                own.pull.delay
            }
            Channel::Registration => {
                if let Some(op) = own.wish.take() {
                    return self.begin(port, client, op);
                }
                let (is_wanted, node) = (own.is_wanted, own.node);
                let (.., registered) = own.instance.expect("only instances register");
                if !is_wanted {
                    let alarm = Alarm::Task { client, channel };
                    return self.alarms.cancel(port, node, alarm);
                }
                registered.heartbeat_interval
            }
        };
        self.repeat_after(port, client, channel, delay);
    }

    /// A list came, asked for or not. Returns whether it is another one than before.
    pub(super) fn take_view(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        service: ServiceId,
        view: &Arc<ViewSnapshot>,
    ) -> bool {
        let own = self.client(client);
        let before = own.lists.iter().position(|list| list.service == service);
        if before.is_some_and(|place| Arc::ptr_eq(&own.lists[place], view)) {
            return false;
        }
        match before {
            Some(place) => own.lists[place] = Arc::clone(view),
            None => own.lists.push(Arc::clone(view)),
        }
        let sides = own.sides.clone();
        for (caller, _) in sides.into_iter().filter(|side| side.1 == service) {
            let version = port.list_version(caller) + 1;
            port.take_list(caller, version, view);
        }
        true
    }
}
