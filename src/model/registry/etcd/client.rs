//! The client: it grants itself a lease, keeps it alive, puts its key, reads and watches.
//!
//! The Go client looks twice a second whether a third of the time to live is over since the last
//! answer, and gives a lease up whose time is over without an answer. What follows is up to the
//! application: here it asks for a new lease at once, as sessions that are made anew do.

use super::Etcd;
use super::message::{Alarm, LeaseId, Message, Op};
use crate::engine::TimerId;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::attach::{Roster, closes_connections};
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its process is dead.
    Off,
    /// It is going to connect to this member.
    Waiting(u32),
    /// It waits for this member to answer.
    Connecting(u32),
    /// It is connected to this member.
    Connected(u32),
}

/// A client, as its process knows it.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    /// The instance that it registers, and its service.
    pub target: Option<(InstanceId, ServiceId)>,
    /// Calling sides of registered services.
    pub sides: Vec<(CallerId, ServiceId)>,
    /// The time to live that it asks for.
    pub requested: SimDuration,
    pub stage: Stage,
    /// Connections so far.
    pub epoch: u32,
    roster: Roster,
    /// Processes so far.
    process_count: u32,
    pub lease: Option<LeaseId>,
    timer: Option<TimerId>,
    /// When it connects, or gives up on what it waits for.
    pub step_at: SimTime,
    /// When it keeps its lease alive.
    pub keep_alive_at: SimTime,
    /// When it gives its lease up.
    pub lost_at: SimTime,
    /// When its stream was opened: its looks are counted from there.
    stream_at: SimTime,
    /// Whether its instance wants to be listed.
    pub is_wanted: bool,
    /// Whether it takes it for listed.
    pub is_registered: bool,
    /// Whether it waits for the answer to a write.
    pub is_writing: bool,
}

impl Etcd {
    /// A client for every node that registers, or looks for a registered service.
    pub(super) fn add_clients(&mut self, scenario: &Scenario) {
        let topology = &scenario.topology;
        let is_registered = |s: ServiceId| scenario.services[s.index()].registered.is_some();
        let mut sides: Vec<Vec<(CallerId, ServiceId)>> = vec![Vec::new(); self.client_of.len()];
        for (index, edge) in scenario.edges.iter().enumerate() {
            if is_registered(edge.to) {
                for caller in topology.edge_callers(EdgeId::from_index(index)) {
                    let caller = CallerId(caller);
                    sides[topology.caller_node(caller).index()].push((caller, edge.to));
                }
            }
        }
        for (index, sides) in sides.into_iter().enumerate() {
            let node = NodeId(index as u32);
            let instance = (node.0 < topology.instance_count()).then_some(InstanceId(node.0));
            let target = instance.map(|instance| (instance, topology.service_of(instance)));
            let target = target.filter(|(_, service)| is_registered(*service));
            if target.is_none() && sides.is_empty() {
                continue;
            }
            let registered = target.and_then(|(_, s)| scenario.services[s.index()].registered);
            let client = self.clients.len() as u32;
            self.client_of[index] = Some(client);
            for (caller, service) in &sides {
                self.sides.insert(*caller, (client, *service));
            }
            self.clients.push(Client {
                node,
                target,
                sides,
                requested: registered.map_or(SimDuration::ZERO, |r| r.lease_duration),
                stage: Stage::Off,
                epoch: 0,
                roster: Roster::default(),
                process_count: 0,
                lease: None,
                timer: None,
                step_at: SimTime::NEVER,
                keep_alive_at: SimTime::NEVER,
                lost_at: SimTime::NEVER,
                stream_at: SimTime::START,
                is_wanted: false,
                is_registered: false,
                is_writing: false,
            });
        }
    }

    pub(super) fn client(&mut self, client: u32) -> &mut Client {
        &mut self.clients[client as usize]
    }

    /// The run begins: all instances that are listed have a lease and a key.
    pub(super) fn prepare_leases(&mut self, port: &dyn Port) {
        let leader = self.config.quorum.first_leader;
        for index in 0..self.clients.len() as u32 {
            let Some((instance, _)) = self.clients[index as usize].target else {
                continue;
            };
            if !port.is_listed(instance) {
                continue;
            }
            let lease = self.new_lease(index);
            let state = &mut self.server(leader).state;
            state.leases.insert(lease, None);
            state.keys.insert(instance, lease);
            let client = self.client(index);
            client.lease = Some(lease);
            (client.is_wanted, client.is_registered) = (true, true);
        }
    }

    /// Every client is connected to a member of its own, and kept its lease alive within the last
    /// interval.
    pub(super) fn start_clients(&mut self, port: &mut dyn Port) {
        for index in 0..self.clients.len() as u32 {
            let Client { node, lease, .. } = self.clients[index as usize];
            if port.node(node).state != LifeState::Up {
                continue;
            }
            self.shuffle(port, index);
            let client = self.client(index);
            let (member, _) = client.roster.advance();
            client.roster.settle();
            client.stage = Stage::Connected(member);
            client.epoch = 1;
            let sides = client.sides.clone();
            port.note_attached(node, self.ensemble.node(member));
            let server = self.server(member);
            server.connections.insert(index, 1);
            for (caller, service) in sides {
                let version = server.state.lists.version(service);
                let watcher = super::Watcher {
                    version,
                    change_count: 0,
                };
                server.watchers.insert(caller, watcher);
            }
            if let Some(lease) = lease {
                self.start_lease(port, index, lease);
            }
        }
    }

    fn start_lease(&mut self, port: &mut dyn Port, index: u32, lease: LeaseId) {
        let ttl = self.lease(lease).ttl;
        let interval = self.keep_alive_interval(ttl);
        let identity = port.node(self.clients[index as usize].node).path_hash;
        let uniform = port
            .draw(identity ^ path_hash("etcd.keepalive"), 0, 0)
            .uniform();
        let first = interval.scaled(1.0 - uniform);
        let since = interval.saturating_sub(first);
        let client = self.client(index);
        client.keep_alive_at = SimTime::START + first;
        client.lost_at = SimTime::START + ttl.saturating_sub(since);
        // Its looks pass through the first keepalive.
        client.stream_at = SimTime::START + first;
        self.keep_alive_before_start(lease, since);
        self.arm(port, index);
    }

    /// From the answer to a keepalive to the next one, without the time that messages take.
    fn keep_alive_interval(&self, ttl: SimDuration) -> SimDuration {
        let third = SimDuration::from_ns(ttl.as_ns() / 3);
        let look = self.config.keepalive_loop_interval;
        match look.is_zero() {
            true => third,
            false => look.saturating_mul(third.as_ns() / look.as_ns() + 1),
        }
    }

    /// The first look of a client at or after a time.
    pub(super) fn look_after(&self, client: u32, at: SimTime) -> SimTime {
        let look_ns = self.config.keepalive_loop_interval.as_ns();
        if look_ns == 0 {
            return at;
        }
        let stream_ns = self.clients[client as usize].stream_at.as_ns();
        let since = at.as_ns().saturating_sub(stream_ns);
        SimTime::from_ns(stream_ns + since.div_ceil(look_ns) * look_ns)
    }

    fn shuffle(&mut self, port: &dyn Port, client: u32) {
        let count = self.ensemble.member_count();
        let Client {
            node,
            process_count,
            ..
        } = self.clients[client as usize];
        let roster = Roster::shuffled(port, node, process_count, count);
        let client = self.client(client);
        client.roster = roster;
        client.process_count += 1;
    }

    /// Sets the timer of a client for whatever comes first.
    pub(super) fn arm(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        if let Some(timer) = own.timer.take() {
            port.cancel_timer(timer);
        }
        let keep_alive_at = match own.stage {
            Stage::Connected(_) => own.keep_alive_at,
            Stage::Off | Stage::Waiting(_) | Stage::Connecting(_) => SimTime::NEVER,
        };
        let at = own.step_at.min(keep_alive_at).min(own.lost_at);
        if at == SimTime::NEVER || own.stage == Stage::Off {
            return;
        }
        let delay = SimDuration::from_ns(at.as_ns().saturating_sub(port.now().as_ns()));
        let node = own.node;
        let alarm = system::Alarm::Etcd(Alarm::Client { client });
        self.client(client).timer = Some(port.set_timer(node, delay, alarm));
    }

    fn ask(
        &self,
        port: &mut dyn Port,
        client: u32,
        (kind, service): (ControlKind, Option<ServiceId>),
        message: Message,
    ) {
        let own = &self.clients[client as usize];
        let (Stage::Connecting(member) | Stage::Connected(member)) = own.stage else {
            return;
        };
        let letter = Letter {
            from: own.node,
            to: self.ensemble.node(member),
            kind,
            service,
            byte_count: self.sizes.message_bytes,
        };
        port.send(letter, system::Message::Etcd(message));
    }

    pub(super) fn request(&mut self, port: &mut dyn Port, client: u32, op: Op) {
        let own = &self.clients[client as usize];
        let of_target = own.target.map(|(_, service)| service);
        let about = match op {
            Op::KeepAlive { .. } => (ControlKind::Heartbeat, of_target),
            Op::Range { caller } | Op::Watch { caller, .. } => {
                (ControlKind::Poll, Some(self.sides[&caller].1))
            }
            Op::Grant | Op::Put { .. } | Op::Delete | Op::Revoke { .. } => {
                (ControlKind::Write, of_target)
            }
        };
        let epoch = own.epoch;
        let message = Message::Request { client, epoch, op };
        self.ask(port, client, about, message);
    }

    /// A process starts.
    pub(super) fn start_client(&mut self, port: &mut dyn Port, client: u32) {
        self.shuffle(port, client);
        self.wait_to_connect(port, client, SimDuration::ZERO);
    }

    fn wait_to_connect(&mut self, port: &mut dyn Port, client: u32, delay: SimDuration) {
        let at = port.now() + delay;
        let own = self.client(client);
        let (member, _) = own.roster.advance();
        own.stage = Stage::Waiting(member);
        own.step_at = at;
        own.is_writing = false;
        self.arm(port, client);
    }

    /// A client leaves its member and tries the next one.
    fn hang_up(&mut self, port: &mut dyn Port, client: u32) {
        let epoch = self.clients[client as usize].epoch;
        let message = Message::Hangup { client, epoch };
        self.ask(port, client, (ControlKind::Attach, None), message);
        let own = &self.clients[client as usize];
        if let Stage::Connecting(member) | Stage::Connected(member) = own.stage {
            port.reconnect(own.node, self.ensemble.node(member));
        }
        let delay = self.config.reconnect_delay;
        self.wait_to_connect(port, client, delay);
    }

    /// The next step of a client is due.
    pub(super) fn on_client_alarm(&mut self, port: &mut dyn Port, client: u32) {
        let now = port.now();
        self.client(client).timer = None;
        let own = &self.clients[client as usize];
        if own.lost_at <= now {
            self.lose_lease(port, client);
        }
        let own = &self.clients[client as usize];
        let (step_at, stage) = (own.step_at, own.stage);
        if step_at <= now {
            self.client(client).step_at = SimTime::NEVER;
            match stage {
                Stage::Off => {}
                Stage::Waiting(member) => self.connect(port, client, member),
                // No connection, or no answer.
                Stage::Connecting(_) | Stage::Connected(_) => self.hang_up(port, client),
            }
        }
        let own = &self.clients[client as usize];
        if own.keep_alive_at <= now
            && matches!(own.stage, Stage::Connected(_))
            && let Some(lease) = own.lease
        {
            self.request(port, client, Op::KeepAlive { lease });
            // Without an answer it asks again at its next look.
            let again = self.config.keepalive_loop_interval;
            let again = if again.is_zero() {
                self.config.reconnect_delay
            } else {
                again
            };
            let floor = SimDuration::from_ms(1);
            self.client(client).keep_alive_at = now + again.max(floor);
        }
        self.arm(port, client);
    }

    fn connect(&mut self, port: &mut dyn Port, client: u32, member: u32) {
        let gives_up_at = port.now() + self.config.request_timeout;
        let own = self.client(client);
        own.epoch += 1;
        own.stage = Stage::Connecting(member);
        own.step_at = gives_up_at;
        let epoch = own.epoch;
        let message = Message::Connect { client, epoch };
        self.ask(port, client, (ControlKind::Attach, None), message);
    }

    /// The host of a dead member answers a client.
    pub(super) fn on_reset(&mut self, port: &mut dyn Port, message: &Message) {
        let (Message::Connect { client, epoch } | Message::Request { client, epoch, .. }) = message
        else {
            return;
        };
        self.on_closed(port, *client, *epoch);
    }

    fn on_closed(&mut self, port: &mut dyn Port, client: u32, epoch: u32) {
        let own = &self.clients[client as usize];
        if own.epoch == epoch && matches!(own.stage, Stage::Connecting(_) | Stage::Connected(_)) {
            let delay = self.config.reconnect_delay;
            self.wait_to_connect(port, client, delay);
        }
    }

    /// A message of a member reaches a client.
    pub(super) fn on_server_message(
        &mut self,
        port: &mut dyn Port,
        node: NodeId,
        message: Message,
    ) {
        let client = self.client_of[node.index()].expect("only clients are told anything");
        let own = &self.clients[client as usize];
        let is_current = |epoch: u32| own.epoch == epoch && own.stage != Stage::Off;
        match message {
            Message::Connected { epoch } if is_current(epoch) => self.on_connected(port, client),
            Message::Closed { epoch } => self.on_closed(port, client, epoch),
            Message::Granted { epoch, lease } if is_current(epoch) => {
                self.on_granted(port, client, lease);
            }
            Message::Alive {
                epoch,
                lease,
                is_known,
            } if is_current(epoch) && own.lease == Some(lease) => match is_known {
                true => self.on_alive(port, client, lease),
                false => {
                    self.lose_lease(port, client);
                    self.arm(port, client);
                }
            },
            Message::Written {
                epoch,
                op,
                is_refused,
            } if is_current(epoch) => self.on_written(port, client, op, is_refused),
            Message::List {
                epoch,
                caller,
                version,
                view,
            } if is_current(epoch) => {
                port.take_list(caller, version, &view);
                self.note_answer(port, client);
            }
            _ => {}
        }
    }

    fn on_connected(&mut self, port: &mut dyn Port, client: u32) {
        let Stage::Connecting(member) = self.clients[client as usize].stage else {
            return;
        };
        let now = port.now();
        let own = self.client(client);
        own.stage = Stage::Connected(member);
        own.roster.settle();
        let node = own.node;
        port.note_attached(node, self.ensemble.node(member));
        let own = self.client(client);
        own.step_at = SimTime::NEVER;
        own.stream_at = now;
        if own.lease.is_some() {
            // A new stream begins with a look, and a keepalive may be overdue.
            own.keep_alive_at = own.keep_alive_at.max(now);
        }
        let sides = own.sides.clone();
        for (caller, _) in sides {
            match port.list_version(caller) {
                0 => {
                    self.request(port, client, Op::Range { caller });
                    let gives_up_at = now + self.config.request_timeout;
                    self.client(client).step_at = gives_up_at;
                }
                version => self.request(port, client, Op::Watch { caller, version }),
            }
        }
        self.sync_registration(port, client);
        self.arm(port, client);
    }

    /// A client that waits for nothing else does not give up.
    pub(super) fn note_answer(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        let has_lists = own
            .sides
            .iter()
            .all(|(caller, _)| 0 < port.list_version(*caller));
        if !own.is_writing && has_lists && matches!(own.stage, Stage::Connected(_)) {
            own.step_at = SimTime::NEVER;
            self.arm(port, client);
        }
    }

    /// The process of a client is gone: its host closes the connection, and the lease lives on;
    /// a process that leaves in good order revokes its lease.
    pub(super) fn stop_client(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        let (node, epoch, stage, lease) = (own.node, own.epoch, own.stage, own.lease);
        if port.node(node).state == LifeState::Absent
            && let Some(lease) = lease
        {
            self.request(port, client, Op::Revoke { lease });
        } else if stage != Stage::Off && closes_connections(port, node) {
            let message = Message::Hangup { client, epoch };
            self.ask(port, client, (ControlKind::Attach, None), message);
        }
        let own = self.client(client);
        if let Some(timer) = own.timer.take() {
            port.cancel_timer(timer);
        }
        own.stage = Stage::Off;
        own.lease = None;
        own.step_at = SimTime::NEVER;
        (own.keep_alive_at, own.lost_at) = (SimTime::NEVER, SimTime::NEVER);
        (own.is_wanted, own.is_registered, own.is_writing) = (false, false, false);
    }
}
