//! Lookups: who is asked, what a process makes of answers and of silence.

use super::message::{Alarm, Asker, Message, Question, Records};
use super::{Dns, View};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::{Party, first_tick};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::dns::ClientCache;
use crate::scenario::service::RegisteredConfig;
use crate::time::{SimDuration, SimTime};

/// A lookup of one name by one asker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lookup {
    /// Whether it is under way.
    pub is_open: bool,
    /// Questions so far.
    pub number: u32,
    /// Servers that this lookup asked.
    pub try_count: u32,
}

/// What a process knows of a name.
#[derive(Debug)]
pub(super) struct Name {
    service: ServiceId,
    sides: Vec<CallerId>,
    lookup: Lookup,
    view: Option<View>,
    /// When the last lookup succeeded; long before the start those that did before it.
    resolved_at: Option<SimTime>,
    expires_at: SimTime,
}

/// A process that registers, or looks names up.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    pub instance: Option<(InstanceId, ServiceId, RegisteredConfig)>,
    pub is_running: bool,
    /// What the registrar is to note, until it has.
    pub wish: Option<bool>,
    names: Vec<Name>,
}

impl Client {
    pub fn new(party: Party) -> Self {
        let mut names: Vec<Name> = Vec::new();
        for (caller, service) in party.sides {
            match names.iter_mut().find(|name| name.service == service) {
                Some(name) => name.sides.push(caller),
                None => names.push(Name {
                    service,
                    sides: vec![caller],
                    lookup: Lookup::default(),
                    view: None,
                    resolved_at: None,
                    expires_at: SimTime::START,
                }),
            }
        }
        Client {
            node: party.node,
            instance: party.instance,
            is_running: false,
            wish: None,
            names,
        }
    }

    fn name(&mut self, service: ServiceId) -> &mut Name {
        let mut names = self.names.iter_mut();
        let name = names.find(|name| name.service == service);
        name.expect("it looks up the names of its own calls")
    }
}

impl Dns {
    fn name(&mut self, client: u32, service: ServiceId) -> &mut Name {
        self.clients[client as usize].name(service)
    }

    fn names_of(&self, client: u32) -> Vec<ServiceId> {
        let names = self.clients[client as usize].names.iter();
        names.map(|name| name.service).collect()
    }

    /// The run begins: every process has every answer, at some point of its life.
    pub(super) fn start_caches(&mut self, port: &mut dyn Port) {
        self.start_resolvers(port);
        for client in 0..self.clients.len() as u32 {
            let node = self.clients[client as usize].node;
            if port.node(node).state != LifeState::Up {
                continue;
            }
            self.clients[client as usize].is_running = true;
            for service in self.names_of(client) {
                let view = self.view(port, 0, service);
                let is_empty = view.members.is_empty();
                self.name(client, service).view = Some(view);
                let left = self.first_left(port, client, service, is_empty);
                let expires_at = left.map_or(SimTime::NEVER, |left| SimTime::START + left);
                self.name(client, service).expires_at = expires_at;
                if let Some(left) = left {
                    let alarm = Alarm::Lookup { client, service };
                    self.alarms.set(port, node, left, alarm);
                }
            }
        }
    }

    /// How much of the life of an answer is left at the start.
    fn first_left(
        &self,
        port: &dyn Port,
        client: u32,
        service: ServiceId,
        is_empty: bool,
    ) -> Option<SimDuration> {
        let ttl = match is_empty {
            true => self.config.negative_ttl,
            false => self.config.ttl,
        };
        let life = self.life(ttl, is_empty)?;
        let resolver = self.server_to_ask(port, Asker::Client(client), 0, 0);
        let is_shared = self.config.client.cache == ClientCache::Record;
        if let Some(left) = self.cached_left(resolver, service).filter(|_| is_shared) {
            return Some(left);
        }
        let node = self.clients[client as usize].node;
        let what = format!("dns.cache.{}", service.0);
        let rhythm = (life, self.config.client.phase);
        Some(first_tick(port, node, &what, rhythm))
    }

    /// How long a process uses an answer; None: until it ends.
    fn life(&self, ttl: SimDuration, is_empty: bool) -> Option<SimDuration> {
        match self.config.client.cache {
            ClientCache::Fixed(life) if !is_empty => Some(life),
            ClientCache::Forever if !is_empty => None,
            ClientCache::Record | ClientCache::Fixed(_) | ClientCache::Forever => Some(ttl),
        }
    }

    pub(super) fn start_client(&mut self, port: &mut dyn Port, client: u32) {
        self.clients[client as usize].is_running = true;
        self.send_update(port, client);
        for service in self.names_of(client) {
            self.begin_lookup(port, Asker::Client(client), service);
        }
    }

    pub(super) fn stop_client(&mut self, client: u32) {
        let own = &mut self.clients[client as usize];
        (own.is_running, own.wish) = (false, None);
        for name in &mut own.names {
            name.view = None;
            name.lookup.is_open = false;
            name.lookup.number += 1;
        }
    }

    fn lookup(&mut self, asker: Asker, service: ServiceId) -> &mut Lookup {
        match asker {
            Asker::Client(client) => &mut self.name(client, service).lookup,
            Asker::Resolver(member) => &mut self.cached(member, service).lookup,
        }
    }

    /// The question that an asker waits for.
    pub(super) fn open_question(&mut self, asker: Asker, service: ServiceId) -> Question {
        let number = self.lookup(asker, service).number;
        Question {
            asker,
            service,
            number,
        }
    }

    /// The member that is asked at the n-th try: processes ask the resolvers of their own zone
    /// first; name servers are asked in turn, from one that is drawn.
    fn server_to_ask(&self, port: &dyn Port, asker: Asker, number: u32, tries: u32) -> u32 {
        let node = self.asker_node(asker);
        let server_count = self.servers.len() as u32;
        if let (Asker::Client(_), false) = (asker, self.resolvers.is_empty()) {
            let zone = port.node(node).zone;
            let mut resolvers: Vec<u32> = (server_count..self.nodes.len() as u32).collect();
            resolvers.sort_by_key(|member| port.node(self.member_node(*member)).zone != zone);
            return resolvers[tries as usize % resolvers.len()];
        }
        let identity = port.node(node).path_hash ^ path_hash("dns.server");
        let first = port.draw(identity, number, 0).below(server_count);
        (first + tries) % server_count
    }

    pub(super) fn begin_lookup(&mut self, port: &mut dyn Port, asker: Asker, service: ServiceId) {
        let lookup = self.lookup(asker, service);
        lookup.is_open = true;
        lookup.try_count = 0;
        self.ask(port, asker, service);
    }

    fn ask(&mut self, port: &mut dyn Port, asker: Asker, service: ServiceId) {
        let lookup = self.lookup(asker, service);
        let tries = lookup.try_count;
        lookup.number += 1;
        lookup.try_count += 1;
        let number = lookup.number;
        let member = self.server_to_ask(port, asker, number - tries, tries);
        let link = (self.asker_node(asker), self.member_node(member));
        let (patience, alarm) = match asker {
            Asker::Client(client) => {
                let alarm = Alarm::Lookup { client, service };
                (self.config.client.query_timeout, alarm)
            }
            Asker::Resolver(member) => {
                let alarm = Alarm::Resolve { member, service };
                (self.config.resolver_timeout, alarm)
            }
        };
        self.alarms.set(port, link.0, patience, alarm);
        let about = (ControlKind::Poll, Some(service));
        let question = Question {
            asker,
            service,
            number,
        };
        self.send(port, link, about, 0, Message::Query(question));
    }

    /// An answer is too old, or a server did not answer.
    pub(super) fn on_lookup_due(&mut self, port: &mut dyn Port, client: u32, service: ServiceId) {
        let asker = Asker::Client(client);
        if self.lookup(asker, service).is_open {
            let question = self.open_question(asker, service);
            return self.on_silence(port, question);
        }
        self.begin_lookup(port, asker, service);
    }

    fn is_awaited(&mut self, question: Question) -> bool {
        let lookup = self.lookup(question.asker, question.service);
        lookup.is_open && lookup.number == question.number
    }

    /// The server that was asked does not answer, or knows nothing: the next one is asked, as long
    /// as there may be one.
    pub(super) fn on_silence(&mut self, port: &mut dyn Port, question: Question) {
        if !self.is_awaited(question) {
            return;
        }
        let Question { asker, service, .. } = question;
        let tries_max = match asker {
            Asker::Client(_) => self.config.client.try_count,
            Asker::Resolver(_) => self.servers.len() as u32,
        };
        let lookup = self.lookup(asker, service);
        if lookup.try_count < tries_max {
            return self.ask(port, asker, service);
        }
        lookup.is_open = false;
        match asker {
            Asker::Client(client) => self.fail_lookup(port, client, service),
            Asker::Resolver(member) => self.fail_to_resolve(port, member, service),
        }
    }

    fn fail_lookup(&mut self, port: &mut dyn Port, client: u32, service: ServiceId) {
        let now = port.now();
        let (rules, stale_max) = (self.config.client, self.config.stale_max);
        let has_resolver = !self.resolvers.is_empty();
        let name = self.name(client, service);
        let is_stale = !has_resolver && now < name.expires_at + stale_max;
        if !rules.keeps_last && !is_stale && name.view.is_some() {
            let nobody = port.view(service, &[]);
            self.take(port, client, service, &nobody);
        }
        let node = self.clients[client as usize].node;
        let alarm = Alarm::Lookup { client, service };
        self.alarms.set(port, node, rules.retry_interval, alarm);
    }

    /// An answer reaches whoever asked.
    pub(super) fn on_answer(
        &mut self,
        port: &mut dyn Port,
        question: Question,
        records: Option<Records>,
    ) {
        if !self.is_awaited(question) {
            return;
        }
        let Some(records) = records else {
            return self.on_silence(port, question);
        };
        self.lookup(question.asker, question.service).is_open = false;
        let Question { asker, service, .. } = question;
        match asker {
            Asker::Client(client) => self.use_answer(port, client, service, records),
            Asker::Resolver(member) => self.keep_answer(port, member, service, records),
        }
    }

    fn use_answer(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        service: ServiceId,
        records: Records,
    ) {
        let (now, node) = (port.now(), self.clients[client as usize].node);
        let life = self.life(records.ttl, records.view.members.is_empty());
        let name = self.name(client, service);
        name.resolved_at = Some(now);
        name.expires_at = life.map_or(SimTime::NEVER, |life| now + life);
        let alarm = Alarm::Lookup { client, service };
        match life {
            Some(life) => self.alarms.set(port, node, life, alarm),
            None => self.alarms.cancel(port, node, alarm),
        }
        self.take(port, client, service, &records.view);
    }

    fn take(&mut self, port: &mut dyn Port, client: u32, service: ServiceId, view: &View) {
        let name = self.name(client, service);
        let is_same = |before: &View| std::sync::Arc::ptr_eq(before, view);
        if name.view.as_ref().is_some_and(is_same) {
            return;
        }
        name.view = Some(View::clone(view));
        for caller in name.sides.clone() {
            let version = port.list_version(caller) + 1;
            port.take_list(caller, version, view);
        }
    }

    /// A connection of a calling side failed: some processes look the name up again.
    pub(super) fn resolve_after_failure(&mut self, port: &mut dyn Port, caller: CallerId) {
        let Some(least) = self.config.client.on_failure else {
            return;
        };
        let topology = &port.scenario().topology;
        let node = topology.caller_node(caller);
        let service = port.scenario().edges[topology.edge_of(caller).index()].to;
        let Some(client) = self.client_of[node.index()] else {
            return;
        };
        let now = port.now();
        let mut names = self.clients[client as usize].names.iter_mut();
        let Some(name) = names.find(|name| name.service == service) else {
            return;
        };
        let due_at = name.resolved_at.map_or(now, |at| (at + least).max(now));
        if name.lookup.is_open || name.expires_at <= due_at {
            return;
        }
        name.expires_at = due_at;
        let delay = due_at.since(now);
        let alarm = Alarm::Lookup { client, service };
        self.alarms.set(port, node, delay, alarm);
    }
}
