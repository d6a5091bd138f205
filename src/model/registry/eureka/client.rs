//! The client: what its process has, when it registers, and which servers it prefers.

use std::sync::Arc;

use super::Eureka;
use super::cache::{Apps, Delta};
use super::message::{Alarm, Channel, Op};
use super::task::Task;
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::{Party, first_tick};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::service::RegisteredConfig;
use crate::time::{SimDuration, SimTime};

/// How often a client looks whether what it registered has changed
/// (`instanceInfoReplicationIntervalSeconds`).
const INFO_INTERVAL: SimDuration = SimDuration::from_secs(30);

/// When an instance renews first that is registered at the start.
pub(super) fn first_renewal(
    port: &dyn Port,
    registered: &RegisteredConfig,
    instance: InstanceId,
) -> SimDuration {
    let rhythm = (registered.heartbeat_interval, registered.phase);
    first_tick(port, NodeId(instance.0), "eureka.renewal", rhythm)
}

/// A client, as its process knows it.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    /// The instance that it registers, with its service.
    pub instance: Option<(InstanceId, ServiceId, RegisteredConfig)>,
    /// Calling sides of registered services.
    pub sides: Vec<(CallerId, ServiceId)>,
    pub is_running: bool,
    /// Its first fetch is over.
    pub is_warm: bool,
    /// Whether its instance wants to be listed.
    pub is_wanted: bool,
    /// What it registered is not what holds.
    pub is_dirty: bool,
    /// A registration or cancellation that waits for the channel.
    wish: Option<Op>,
    /// Servers in the order in which it tries them.
    pub order: Vec<u32>,
    pub apps: Option<Arc<Apps>>,
    /// The changes that it has made its own.
    pub delta: Option<Arc<Delta>>,
    /// What its calling sides have.
    pub shown: Option<Arc<Apps>>,
    draw_count: u32,
}

impl Client {
    pub fn new(party: Party) -> Self {
        Client {
            node: party.node,
            instance: party.instance,
            sides: party.sides,
            is_running: false,
            is_warm: false,
            is_wanted: false,
            is_dirty: false,
            wish: None,
            order: Vec::new(),
            apps: None,
            delta: None,
            shown: None,
            draw_count: 0,
        }
    }
}

impl Eureka {
    pub(super) fn client(&mut self, client: u32) -> &mut Client {
        &mut self.clients[client as usize]
    }

    pub(super) fn task(&mut self, task: (u32, Channel)) -> &mut Task {
        self.tasks.get_mut(task)
    }

    pub(super) fn interval(&self, task: (u32, Channel)) -> SimDuration {
        match (task.1, self.registered(self.tasks.get(task).node)) {
            (Channel::Registration, Some((_, registered))) => registered.heartbeat_interval,
            _ => self.config.client.fetch_interval,
        }
    }

    /// The run begins: every process that is there has all lists, and its tasks go on.
    pub(super) fn start_clients(&mut self, port: &mut dyn Port) {
        let listed = self.clients.iter().filter_map(|client| client.instance);
        let listed = listed.map(|(instance, ..)| instance);
        let apps: Arc<Apps> = Arc::new(listed.filter(|i| port.is_listed(*i)).collect());
        let config = self.config.client;
        for index in 0..self.clients.len() as u32 {
            self.order_servers(port, index);
            let Client { node, instance, .. } = self.clients[index as usize];
            if port.node(node).state != LifeState::Up {
                continue;
            }
            let client = self.client(index);
            (client.is_running, client.is_warm) = (true, true);
            (client.apps, client.shown) = (Some(Arc::clone(&apps)), Some(Arc::clone(&apps)));
            let delegate = client.order.first().copied();
            for channel in [Channel::Registration, Channel::Query] {
                self.begin_session(port, (index, channel));
                self.task((index, channel)).delegate = delegate;
            }
            let rhythm = (config.fetch_interval, config.fetch_phase);
            let first = first_tick(port, node, "eureka.fetch", rhythm);
            self.repeat_after(port, (index, Channel::Query), first);
            if let Some((instance, _, registered)) = instance
                && port.is_listed(instance)
            {
                self.client(index).is_wanted = true;
                let first = first_renewal(port, &registered, instance);
                self.repeat_after(port, (index, Channel::Registration), first);
            }
            let rhythm = (config.ribbon_interval, config.ribbon_phase);
            let first = first_tick(port, node, "eureka.ribbon", rhythm);
            self.set_ribbon(port, index, first);
        }
    }

    /// The order of `ZoneAffinityClusterResolver`: the own zone first, shuffled within.
    fn order_servers(&mut self, port: &dyn Port, client: u32) {
        let node = self.clients[client as usize].node;
        let (zone, hash) = (port.node(node).zone, port.node(node).path_hash);
        let is_elsewhere = |member: u32| {
            let server = self.nodes[member as usize];
            self.config.client.prefers_own_zone && port.node(server).zone != zone
        };
        let identity = hash ^ path_hash("eureka.servers");
        let mut order: Vec<u32> = (0..self.nodes.len() as u32).collect();
        order.sort_by_cached_key(|member| {
            let draw = port.draw(identity, *member, 0).next_u64();
            (is_elsewhere(*member), draw, *member)
        });
        self.client(client).order = order;
    }

    /// A channel keeps to its server for half to one and a half times the interval.
    pub(super) fn begin_session(&mut self, port: &dyn Port, task: (u32, Channel)) {
        let client = self.client(task.0);
        client.draw_count += 1;
        let (node, number) = (client.node, client.draw_count);
        let identity = port.node(node).path_hash ^ path_hash("eureka.session");
        let factor = 0.5 + port.draw(identity, number, 0).uniform();
        let length = self.config.client.session_interval.scaled(factor);
        self.task(task).begin_session(port.now() + length);
    }

    /// A process starts: it fetches everything, and registers later.
    pub(super) fn start_client(&mut self, port: &mut dyn Port, client: u32) {
        self.client(client).is_running = true;
        for channel in [Channel::Registration, Channel::Query] {
            self.begin_session(port, (client, channel));
        }
        self.begin(port, (client, Channel::Query), Op::Full, true);
        if self.clients[client as usize].is_wanted {
            let config = self.config.client;
            let renewal = (client, Channel::Registration);
            self.repeat_after(port, renewal, self.interval(renewal));
            match config.registers_on_start {
                true => self.set_wish(port, client, Op::Register),
                false => {
                    let own = self.client(client);
                    own.is_dirty = true;
                    let (node, alarm) = (own.node, Alarm::Replicator { client });
                    self.alarms
                        .set(port, node, config.initial_registration, alarm);
                }
            }
        }
    }

    pub(super) fn stop_client(&mut self, client: u32) {
        let own = self.client(client);
        (own.is_running, own.is_warm) = (false, false);
        (own.is_wanted, own.is_dirty, own.wish) = (false, false, None);
        (own.apps, own.delta, own.shown) = (None, None, None);
        for channel in [Channel::Registration, Channel::Query] {
            self.task((client, channel)).reset();
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
        let own = self.client(client);
        own.is_wanted = is_wanted;
        if !own.is_running {
            return;
        }
        let renewal = (client, Channel::Registration);
        if is_wanted {
            let interval = self.interval(renewal);
            self.repeat_after(port, renewal, interval);
            return self.set_wish(port, client, Op::Register);
        }
        own.is_dirty = false;
        let own = self.task(renewal);
        own.due_at = SimTime::NEVER;
        let (alarm, is_idle) = (Alarm::Replicator { client }, own.op.is_none());
        self.alarms.cancel(port, node, alarm);
        if self.config.client.unregisters {
            self.set_wish(port, client, Op::Cancel);
        } else if is_idle {
            let channel = Channel::Registration;
            self.alarms
                .cancel(port, node, Alarm::Task { client, channel });
        }
    }

    /// What an instance registered has changed: it registers anew at its next look.
    pub(super) fn note_changed(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        if !own.is_running || !own.is_wanted || std::mem::replace(&mut own.is_dirty, true) {
            return;
        }
        own.draw_count += 1;
        let (node, number) = (own.node, own.draw_count);
        let identity = port.node(node).path_hash ^ path_hash("eureka.info");
        let until = INFO_INTERVAL.scaled(1.0 - port.draw(identity, number, 0).uniform());
        self.alarms
            .set(port, node, until, Alarm::Replicator { client });
    }

    pub(super) fn on_replicator(&mut self, port: &mut dyn Port, client: u32) {
        if self.clients[client as usize].is_dirty {
            self.set_wish(port, client, Op::Register);
        }
    }

    fn set_wish(&mut self, port: &mut dyn Port, client: u32, op: Op) {
        let own = self.client(client);
        own.wish = Some(op);
        if self.task((client, Channel::Registration)).op.is_none() {
            self.grant_wish(port, client);
        }
    }

    /// Returns whether there was one.
    pub(super) fn grant_wish(&mut self, port: &mut dyn Port, client: u32) -> bool {
        let Some(op) = self.client(client).wish.take() else {
            return false;
        };
        self.begin(port, (client, Channel::Registration), op, false);
        true
    }
}
