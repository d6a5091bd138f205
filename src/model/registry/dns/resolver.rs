//! A resolver with a cache: one answer for all who ask while it lives.

use std::collections::BTreeMap;

use super::lookup::Lookup;
use super::message::{Asker, Question, Records};
use super::{Dns, View};
use crate::id::ServiceId;
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::first_tick;
use crate::time::{SimDuration, SimTime};

/// What a resolver knows of a name.
#[derive(Debug, Default)]
pub(super) struct Cached {
    pub lookup: Lookup,
    /// The last answer, and when it is too old.
    answer: Option<(View, SimTime)>,
    /// Those who wait for the next one.
    waiting: Vec<Question>,
}

/// A resolver.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    names: BTreeMap<ServiceId, Cached>,
}

impl Resolver {
    /// Its process died.
    pub fn forget(&mut self) {
        for cached in self.names.values_mut() {
            let number = cached.lookup.number + 1;
            *cached = Cached::default();
            cached.lookup.number = number;
        }
    }
}

impl Dns {
    pub(super) fn cached(&mut self, member: u32, service: ServiceId) -> &mut Cached {
        let place = member as usize - self.servers.len();
        self.resolvers[place].names.entry(service).or_default()
    }

    /// How long the answer of a member will live, if it is a resolver that has one.
    pub(super) fn cached_left(&self, member: u32, service: ServiceId) -> Option<SimDuration> {
        let place = (member as usize).checked_sub(self.servers.len())?;
        let cached = self.resolvers[place].names.get(&service)?;
        let answer = cached.answer.as_ref()?;
        Some(answer.1.since(SimTime::START))
    }

    /// The run begins: every resolver has all answers, at some point of their lives.
    pub(super) fn start_resolvers(&mut self, port: &mut dyn Port) {
        let first = self.servers.len() as u32;
        let mut services: Vec<ServiceId> = self.services.values().copied().collect();
        services.dedup();
        for member in first..self.nodes.len() as u32 {
            let node = self.member_node(member);
            if port.node(node).state != LifeState::Up {
                continue;
            }
            for service in services.clone() {
                let view = self.view(port, 0, service);
                let ttl = match view.members.is_empty() {
                    true => self.config.negative_ttl,
                    false => self.config.ttl,
                };
                let what = format!("dns.cache.{}", service.0);
                let rhythm = (ttl, self.config.client.phase);
                let left = first_tick(port, node, &what, rhythm);
                self.cached(member, service).answer = Some((view, SimTime::START + left));
            }
        }
    }

    /// A resolver answers from its cache, or asks first.
    pub(super) fn answer_from_cache(&mut self, port: &mut dyn Port, member: u32, asked: Question) {
        let now = port.now();
        let cached = self.cached(member, asked.service);
        match &cached.answer {
            Some((view, expires_at)) if now < *expires_at => {
                let records = Records {
                    view: View::clone(view),
                    ttl: expires_at.since(now),
                };
                self.answer(port, member, asked, Some(records));
            }
            _ => {
                cached.waiting.push(asked);
                if !cached.lookup.is_open {
                    self.begin_lookup(port, Asker::Resolver(member), asked.service);
                }
            }
        }
    }

    /// A name server answered.
    pub(super) fn keep_answer(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        service: ServiceId,
        records: Records,
    ) {
        let (now, node) = (port.now(), self.member_node(member));
        let alarm = super::Alarm::Resolve { member, service };
        self.alarms.cancel(port, node, alarm);
        let cached = self.cached(member, service);
        cached.answer = Some((View::clone(&records.view), now + records.ttl));
        self.answer_waiting(port, member, service, Some(&records));
    }

    /// No name server answered: an answer that is not too stale has to do.
    pub(super) fn fail_to_resolve(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        let (now, stale_max, ttl) = (port.now(), self.config.stale_max, self.config.stale_ttl);
        let cached = self.cached(member, service);
        let last = cached.answer.as_ref();
        let stale = last.filter(|answer| now < answer.1 + stale_max);
        let records = stale.map(|answer| Records {
            view: View::clone(&answer.0),
            ttl,
        });
        self.answer_waiting(port, member, service, records.as_ref());
    }

    fn answer_waiting(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        service: ServiceId,
        records: Option<&Records>,
    ) {
        let waiting = std::mem::take(&mut self.cached(member, service).waiting);
        for question in waiting {
            self.answer(port, member, question, records.cloned());
        }
    }
}
