//! The zone: the first name server keeps it, the others have copies; how instances get there.

use super::message::{Alarm, Message, Question, Record, Records};
use super::{Dns, View};
use crate::engine::DenseMap;
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::Port;
use crate::model::registry::system::lists::Lists;
use crate::model::registry::system::parties::first_tick;
use crate::scenario::registry::Phase;

/// A name server.
#[derive(Debug)]
pub(super) struct NameServer {
    /// Instances with a record, and whether they are healthy.
    pub records: DenseMap<InstanceId, bool>,
    lists: Lists,
}

impl NameServer {
    pub fn new(service_count: usize) -> Self {
        NameServer {
            records: DenseMap::default(),
            lists: Lists::new(service_count),
        }
    }

    fn set(&mut self, (instance, state): Record, service: ServiceId) {
        match state {
            Some(is_healthy) => self.records.insert(instance, is_healthy),
            None => self.records.remove(instance),
        };
        // Versions are counted by those who take the lists.
        self.lists.note_change(service, 0);
    }
}

impl Dns {
    /// The run begins: every name server has the zone, and all instances are healthy.
    pub(super) fn start_zone(&mut self, port: &mut dyn Port) {
        let listed = self.services.keys();
        let listed: Vec<InstanceId> = listed.filter(|i| port.is_listed(*i)).collect();
        for server in &mut self.servers {
            server.records = listed.iter().map(|instance| (*instance, true)).collect();
        }
        for instance in listed {
            self.start_checks(port, instance);
        }
        for member in 1..self.servers.len() as u32 {
            if port.node(self.member_node(member)).state == LifeState::Up {
                let rhythm = (self.config.refresh_interval, Phase::Random);
                let node = self.member_node(member);
                let first = first_tick(port, node, "dns.refresh", rhythm);
                self.alarms
                    .set(port, node, first, Alarm::Refresh { member });
            }
        }
    }

    /// A member starts. Name servers find their zone on the disk.
    pub(super) fn start_member(&mut self, port: &mut dyn Port, member: u32) {
        if self.servers.len() <= member as usize {
            return;
        }
        if 0 < member {
            return self.refresh(port, member);
        }
        for instance in self.noted.keys().collect::<Vec<InstanceId>>() {
            self.apply_noted(port, instance);
        }
        for instance in self.services.keys().collect::<Vec<InstanceId>>() {
            if self.servers[0].records.contains_key(instance) {
                self.start_checks(port, instance);
            }
        }
    }

    /// What a name server answers about a service.
    pub(super) fn view(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) -> View {
        let (services, answers_all) = (&self.services, self.config.answers_all_unhealthy);
        let NameServer { records, lists } = &mut self.servers[member as usize];
        lists.view(port, service, || {
            let own = records
                .iter()
                .filter(|record| services[record.0] == service);
            let all: Vec<(InstanceId, bool)> = own.map(|record| (record.0, *record.1)).collect();
            let is_any = all.iter().any(|record| record.1);
            let is_meant = |record: &&(InstanceId, bool)| record.1 || (answers_all && !is_any);
            let meant = all.iter().filter(is_meant);
            meant.map(|record| record.0).collect()
        })
    }

    /// A name server answers.
    pub(super) fn answer_from_zone(&mut self, port: &mut dyn Port, member: u32, asked: Question) {
        let view = self.view(port, member, asked.service);
        let ttl = match view.members.is_empty() {
            true => self.config.negative_ttl,
            false => self.config.ttl,
        };
        self.answer(port, member, asked, Some(Records { view, ttl }));
    }

    pub(super) fn answer(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        question: Question,
        records: Option<Records>,
    ) {
        let entry_count = records.as_ref().map_or(0, |r| r.view.members.len());
        let link = (self.member_node(member), self.asker_node(question.asker));
        let about = (ControlKind::PollReply, Some(question.service));
        let message = Message::Answer { question, records };
        self.send(port, link, about, entry_count, message);
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
        let own = &mut self.clients[client as usize];
        own.wish = Some(is_wanted);
        if own.is_running {
            self.send_update(port, client);
        }
    }

    /// An instance tells the registrar, until that has noted it.
    pub(super) fn send_update(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        let (Some(is_listed), Some((instance, service, _))) = (own.wish, own.instance) else {
            return;
        };
        let node = own.node;
        let patience = self.config.client.query_timeout;
        self.alarms
            .set(port, node, patience, Alarm::Register { client });
        let message = Message::Update {
            instance,
            is_listed,
        };
        let about = (ControlKind::Write, Some(service));
        self.send(port, (node, self.primary()), about, 1, message);
    }

    /// No process took its message.
    pub(super) fn register_later(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let node = port.scenario().topology.instance_node(instance);
        if let Some(client) = self.client_of[node.index()]
            && self.clients[client as usize].is_running
        {
            let wait = self.config.client.retry_interval;
            self.alarms
                .set(port, node, wait, Alarm::Register { client });
        }
    }

    pub(super) fn on_updated(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_listed: bool,
    ) {
        let node = port.scenario().topology.instance_node(instance);
        let Some(client) = self.client_of[node.index()] else {
            return;
        };
        let own = &mut self.clients[client as usize];
        if own.wish == Some(is_listed) {
            own.wish = None;
            self.alarms.cancel(port, node, Alarm::Register { client });
        }
    }

    /// The registrar notes a change, which holds after its delay.
    pub(super) fn note_update(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_listed: bool,
    ) {
        let (primary, service) = (self.primary(), self.services[instance]);
        let message = Message::Updated {
            instance,
            is_listed,
        };
        let to = port.scenario().topology.instance_node(instance);
        let about = (ControlKind::WriteReply, Some(service));
        self.send(port, (primary, to), about, 0, message);
        let is_noted = self.noted.insert(instance, is_listed) == Some(is_listed);
        if self.config.update_delay.is_zero() {
            self.apply_noted(port, instance);
        } else if !is_noted {
            let delay = self.config.update_delay;
            self.alarms
                .set(port, primary, delay, Alarm::Apply { instance });
        }
    }

    pub(super) fn apply_noted(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let Some(is_listed) = self.noted.remove(instance) else {
            return;
        };
        let is_known = self.servers[0].records.contains_key(instance);
        if is_listed == is_known {
            return;
        }
        port.set_suspected(instance, false);
        match is_listed {
            true => self.start_checks(port, instance),
            false => self.stop_checks(port, instance),
        }
        // Whoever is new is healthy until its checks say otherwise.
        self.change(port, instance, is_listed.then_some(true));
    }

    /// The zone changes, and the other name servers are told.
    pub(super) fn change(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        state: Option<bool>,
    ) {
        let service = self.services[instance];
        self.servers[0].set((instance, state), service);
        port.set_listed(instance, state == Some(true));
        for member in 1..self.servers.len() as u32 {
            let link = (self.primary(), self.member_node(member));
            let message = Message::Zone {
                records: Box::new([(instance, state)]),
                is_whole: false,
            };
            self.send(port, link, (ControlKind::Replication, None), 1, message);
        }
    }

    /// A name server asks the first one for the zone.
    pub(super) fn refresh(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.member_node(member);
        let interval = self.config.refresh_interval;
        self.alarms
            .set(port, node, interval, Alarm::Refresh { member });
        let about = (ControlKind::Replication, None);
        self.send(port, (node, self.primary()), about, 0, Message::Load);
    }

    pub(super) fn send_zone(&mut self, port: &mut dyn Port, to: NodeId) {
        let records = self.servers[0].records.iter();
        let records: Box<[Record]> = records.map(|r| (r.0, Some(*r.1))).collect();
        let (link, count) = ((self.primary(), to), records.len());
        let message = Message::Zone {
            records,
            is_whole: true,
        };
        self.send(port, link, (ControlKind::Replication, None), count, message);
    }

    pub(super) fn take_zone(&mut self, member: u32, records: &[Record], is_whole: bool) {
        let server = &mut self.servers[member as usize];
        if is_whole {
            let is_told = |instance: &InstanceId| records.iter().any(|r| r.0 == *instance);
            let known = server.records.keys();
            let gone: Vec<InstanceId> = known.filter(|instance| !is_told(instance)).collect();
            for instance in gone {
                server.set((instance, None), self.services[instance]);
            }
        }
        for record in records {
            server.set(*record, self.services[record.0]);
        }
    }
}
