//! Those who watch endpoints: a kube-proxy for each host that calls, or the process itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Kubernetes;
use super::message::{Alarm, Message, Slice};
use crate::id::{CallerId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::attach::Roster;
use crate::model::registry::system::parties::{Party, first_tick};
use crate::model::registry::system::{self, Letter, Port};
use crate::model::view::ViewSnapshot;
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Syncs that kube-proxy makes at once before it spaces them (its `BoundedFrequencyRunner`).
const SYNC_BURST: u64 = 2;

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Off,
    /// It waits until it tries again.
    Waiting,
    /// It waits for the answer of a member.
    Opening,
    /// It is told of changes.
    Watching,
}

/// One that watches.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    sides: Vec<(CallerId, ServiceId)>,
    stage: Stage,
    roster: Roster,
    member: u32,
    /// Watches so far.
    epoch: u32,
    process_count: u32,
    heard_at: SimTime,
    has_pinged: bool,
    /// What it was told last, and what it has not programmed yet.
    slices: BTreeMap<ServiceId, (u64, Arc<ViewSnapshot>)>,
    stale: BTreeSet<ServiceId>,
    synced_at: SimTime,
    /// When all tokens for syncs are there again.
    full_at: SimTime,
}

impl Client {
    pub fn new(party: Party) -> Self {
        Client {
            node: party.node,
            sides: party.sides,
            stage: Stage::Off,
            roster: Roster::default(),
            member: 0,
            epoch: 0,
            process_count: 0,
            heard_at: SimTime::START,
            has_pinged: false,
            slices: BTreeMap::new(),
            stale: BTreeSet::new(),
            synced_at: SimTime::START,
            full_at: SimTime::START,
        }
    }

    /// The services that it calls.
    pub fn services(&self) -> BTreeSet<ServiceId> {
        self.sides.iter().map(|side| side.1).collect()
    }
}

impl Kubernetes {
    fn client(&mut self, client: u32) -> &mut Client {
        &mut self.clients[client as usize]
    }

    /// The run begins: everybody watches a member of its own.
    pub(super) fn start_watches(&mut self, port: &mut dyn Port) {
        for client in 0..self.clients.len() as u32 {
            let node = self.clients[client as usize].node;
            if port.node(node).state != LifeState::Up {
                continue;
            }
            self.shuffle(port, client);
            let own = self.client(client);
            own.member = own.roster.advance().0;
            (own.stage, own.epoch) = (Stage::Watching, 1);
            let member = own.member;
            for service in own.services() {
                let view = self.view(port, self.config.quorum.first_leader, service);
                // The version that all callers have at the start.
                self.client(client).slices.insert(service, (1, view));
            }
            self.servers[member as usize].open_watch(client, 1);
            port.note_attached(node, self.ensemble.node(member));
            let rhythm = (self.config.consumer.idle_timeout, Phase::Random);
            let first = first_tick(port, node, "kubernetes.idle", rhythm);
            self.alarms.set(port, node, first, Alarm::Idle { client });
        }
    }

    fn shuffle(&mut self, port: &dyn Port, client: u32) {
        let count = self.ensemble.member_count();
        let own = self.client(client);
        own.process_count += 1;
        let (node, number) = (own.node, own.process_count);
        self.client(client).roster = Roster::shuffled(port, node, number, count);
    }

    /// A process starts. A kube-proxy that lived on has its rules.
    pub(super) fn start_client(&mut self, port: &mut dyn Port, client: u32) {
        self.shuffle(port, client);
        let services = self.clients[client as usize].slices.keys().copied();
        for service in services.collect::<Vec<ServiceId>>() {
            self.hand_out(port, client, service);
        }
        self.watch_next(port, client);
    }

    /// A process ends. The rules of its kube-proxy stay, as long as the host does; what changes
    /// meanwhile it reads when the process is back.
    pub(super) fn stop_watching(&mut self, port: &mut dyn Port, client: u32) {
        let is_proxy = self.config.consumer.min_sync_period.is_some();
        let own = self.client(client);
        let node = own.node;
        own.stage = Stage::Off;
        own.epoch += 1;
        own.stale.clear();
        let is_host_there = !matches!(
            port.node(node).state,
            LifeState::HostLost | LifeState::Absent
        );
        if !is_proxy || !is_host_there {
            own.slices.clear();
        }
        for alarm in [
            Alarm::Watch { client },
            Alarm::Idle { client },
            Alarm::Sync { client },
        ] {
            self.alarms.cancel(port, node, alarm);
        }
    }

    fn ask(&self, port: &mut dyn Port, client: u32, kind: ControlKind, message: Message) {
        let own = &self.clients[client as usize];
        let letter = Letter {
            from: own.node,
            to: self.ensemble.node(own.member),
            kind,
            service: None,
            byte_count: self.sizes.message_bytes,
        };
        port.send(letter, system::Message::Kubernetes(message));
    }

    /// A watch begins, at the next member.
    fn watch_next(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        own.member = own.roster.advance().0;
        own.stage = Stage::Opening;
        own.epoch += 1;
        own.has_pinged = false;
        let (node, epoch) = (own.node, own.epoch);
        let patience = self.config.consumer.request_timeout;
        self.alarms.cancel(port, node, Alarm::Idle { client });
        self.alarms
            .set(port, node, patience, Alarm::Watch { client });
        let message = Message::Watch { client, epoch };
        self.ask(port, client, ControlKind::Poll, message);
    }

    /// It is time to watch, or the member that was asked did not answer.
    pub(super) fn watch(&mut self, port: &mut dyn Port, client: u32) {
        if self.clients[client as usize].stage == Stage::Opening {
            self.hang_up(port, client);
        }
        self.watch_next(port, client);
    }

    fn hang_up(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        port.reconnect(own.node, self.ensemble.node(own.member));
    }

    /// Whether a client has closed the socket of a watch, so that no member hears it any more.
    pub(super) fn has_closed(&self, client: u32, epoch: u32) -> bool {
        self.clients[client as usize].epoch != epoch
    }

    /// A watch is over, or its member refused it.
    pub(super) fn on_watch_closed(&mut self, port: &mut dyn Port, client: u32, epoch: u32) {
        let delay = self.config.consumer.reconnect_delay;
        let own = self.client(client);
        let is_open = matches!(own.stage, Stage::Opening | Stage::Watching);
        if own.epoch != epoch || !is_open {
            return;
        }
        own.stage = Stage::Waiting;
        let node = own.node;
        self.alarms.cancel(port, node, Alarm::Idle { client });
        self.alarms.set(port, node, delay, Alarm::Watch { client });
    }

    /// A watch may have been silent for too long: its member is asked, and then given up.
    pub(super) fn on_idle(&mut self, port: &mut dyn Port, client: u32) {
        let (now, rules) = (port.now(), self.config.consumer);
        let own = self.client(client);
        let (node, epoch) = (own.node, own.epoch);
        let silence = now.since(own.heard_at);
        let (wait, is_ping_due) = match rules.idle_timeout.saturating_sub(silence) {
            left if !left.is_zero() => (left, false),
            _ if own.has_pinged => {
                self.hang_up(port, client);
                return self.watch_next(port, client);
            }
            _ => (rules.ping_timeout, true),
        };
        self.client(client).has_pinged = is_ping_due;
        self.alarms.set(port, node, wait, Alarm::Idle { client });
        if is_ping_due {
            let message = Message::Ping { client, epoch };
            self.ask(port, client, ControlKind::Ping, message);
        }
    }

    /// A message of a member reaches a kubelet, or one that watches.
    pub(super) fn on_answer(&mut self, port: &mut dyn Port, to: NodeId, message: Message) {
        if let Message::Written {
            kubelet,
            write,
            is_marked,
        } = message
        {
            return self.on_written(port, kubelet, write, is_marked);
        }
        let client = self.client_of[to.index()].expect("only those who watch are told");
        match message {
            Message::Slices { epoch, slices } => {
                if self.hears(port, client, epoch, Stage::Opening) {
                    self.client(client).stage = Stage::Watching;
                    let Client { node, member, .. } = self.clients[client as usize];
                    port.note_attached(node, self.ensemble.node(member));
                    let idle = self.config.consumer.idle_timeout;
                    self.alarms.cancel(port, node, Alarm::Watch { client });
                    self.alarms.set(port, node, idle, Alarm::Idle { client });
                    self.take(port, client, slices.into_vec());
                }
            }
            Message::Changed { epoch, slice } => {
                if self.hears(port, client, epoch, Stage::Watching) {
                    self.take(port, client, vec![slice]);
                }
            }
            Message::Pong { epoch } => {
                self.hears(port, client, epoch, Stage::Watching);
            }
            Message::Closed { epoch } => self.on_watch_closed(port, client, epoch),
            _ => unreachable!("members tell them nothing else"),
        }
    }

    /// Whether a message belongs to the watch that is open.
    fn hears(&mut self, port: &dyn Port, client: u32, epoch: u32, stage: Stage) -> bool {
        let now = port.now();
        let own = self.client(client);
        let is_own = own.epoch == epoch && own.stage == stage;
        if is_own {
            (own.heard_at, own.has_pinged) = (now, false);
        }
        is_own
    }

    fn take(&mut self, port: &mut dyn Port, client: u32, slices: Vec<Slice>) {
        let own = self.client(client);
        for (service, version, view) in slices {
            let before = own.slices.get(&service).map_or(0, |slice| slice.0);
            if before < version {
                own.slices.insert(service, (version, view));
                own.stale.insert(service);
            }
        }
        if !own.stale.is_empty() {
            self.sync_rules(port, client);
        }
    }

    /// A kube-proxy programs what it was told, if it may already.
    pub(super) fn sync_rules(&mut self, port: &mut dyn Port, client: u32) {
        let (now, period) = (port.now(), self.config.consumer.min_sync_period);
        let own = self.client(client);
        let node = own.node;
        if let Some(period) = period {
            let full_at = own.full_at.max(now) + period;
            if now + period.saturating_mul(SYNC_BURST) < full_at {
                let due_at = own.synced_at + period;
                let wait = due_at.since(now).max(SimDuration::from_ns(1));
                let alarm = Alarm::Sync { client };
                if !self.alarms.is_set(node, alarm) {
                    self.alarms.set(port, node, wait, alarm);
                }
                return;
            }
            (own.full_at, own.synced_at) = (full_at, now);
        }
        let own = self.client(client);
        for service in std::mem::take(&mut own.stale) {
            self.hand_out(port, client, service);
        }
    }

    fn hand_out(&mut self, port: &mut dyn Port, client: u32, service: ServiceId) {
        let own = &self.clients[client as usize];
        let (version, view) = own.slices[&service].clone();
        let sides = own.sides.iter().filter(|side| side.1 == service);
        for caller in sides.map(|side| side.0).collect::<Vec<CallerId>>() {
            port.take_list(caller, version, &view);
        }
    }
}
