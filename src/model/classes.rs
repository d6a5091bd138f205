//! Classes of requests: how a request gets its class, and what follows from it.

use super::network::{MessageKey, Verdict};
use super::observation::{Observation, Observer};
use super::request::Attempt;
use super::sampler::{KeySampler, Sampler, SizeSampler};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{ClassId, ClientId, NodeId, ServiceId};
use crate::rng::{Purpose, Streams, UniformSource};
use crate::scenario::Scenario;
use crate::scenario::class::{ClassConfig, Classes};
use crate::scenario::client::Workload;
use crate::time::SimDuration;

/// What the draw of a class is for.
const STEP_CLASS: u32 = 0;
const STEP_DEADLINE: u32 = 1;

/// The laws of all classes, compiled.
#[derive(Debug)]
pub struct ClassLaws {
    /// By client; empty for a client without classes.
    clients: Vec<ClientClasses>,
    /// By class.
    laws: Vec<Laws>,
}

/// The classes of a client.
#[derive(Debug)]
struct ClientClasses {
    /// The classes, each with the sum of the shares up to it.
    shares: Vec<(f64, ClassId)>,
    /// The classes that the rows of its trace refer to.
    of_trace: Vec<ClassId>,
}

#[derive(Debug)]
struct Laws {
    service_time: Option<(ServiceId, Sampler)>,
    wait_time: Option<Sampler>,
    keys: Option<KeySampler>,
    deadline: Option<Sampler>,
    request_size: Option<SizeSampler>,
    reply_size: Option<SizeSampler>,
}

impl ClassLaws {
    /// The laws of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let classes = &scenario.classes;
        let all = [ClassId::NONE].into_iter().chain(classes.ids());
        ClassLaws {
            clients: (0..scenario.clients.len())
                .map(|index| ClientClasses::new(scenario, ClientId::from_index(index)))
                .collect(),
            laws: all.map(|class| Laws::new(classes.get(class))).collect(),
        }
    }

    /// The law of the service demand of a class at a service, if it has one of its own.
    #[inline]
    pub fn service_time(&self, class: ClassId, service: ServiceId) -> Option<&Sampler> {
        let (of_service, law) = self.laws[class.index()].service_time.as_ref()?;
        (*of_service == service).then_some(law)
    }

    /// The law of the part of that demand that needs no core: None where the class has no law of
    /// its own there, or no such part.
    pub fn wait_time(&self, class: ClassId, service: ServiceId) -> Option<Option<&Sampler>> {
        let laws = &self.laws[class.index()];
        self.service_time(class, service)?;
        Some(laws.wait_time.as_ref())
    }

    /// The law of the keys of a class, if it has one of its own.
    #[inline]
    pub fn keys(&self, class: ClassId) -> Option<&KeySampler> {
        self.laws[class.index()].keys.as_ref()
    }

    /// The bytes of a message of a class. All attempts of a request carry the same.
    fn draw_size(&self, class: ClassId, streams: &Streams, identity: u64, leg: Leg) -> u64 {
        let laws = &self.laws[class.index()];
        let law = match leg {
            Leg::There => laws.request_size,
            Leg::Back => laws.reply_size,
        };
        law.map_or(0, |law| {
            law.sample(&mut streams.draw(Purpose::MessageSize, identity, 0, leg as u32))
        })
    }
}

impl ClientClasses {
    fn new(scenario: &Scenario, client: ClientId) -> Self {
        let classes: &Classes = &scenario.classes;
        let mut below = 0.0;
        let shares = classes.of(client).map(|class| {
            below += classes.get(class).share;
            (below, class)
        });
        let shares: Vec<(f64, ClassId)> = shares.collect();
        let of_name = |name: &String| {
            let path = format!("{}.{name}", scenario.clients[client.index()].name);
            let mut of_client = classes.of(client);
            of_client
                .find(|class| classes.get(*class).path == path)
                .expect("the classes of a trace are those of its client")
        };
        let of_trace = match &scenario.clients[client.index()].workload {
            Workload::Trace(trace) => trace.class_names.iter().map(of_name).collect(),
            Workload::Open { .. } | Workload::Closed { .. } => Vec::new(),
        };
        ClientClasses { shares, of_trace }
    }
}

impl Laws {
    fn new(config: &ClassConfig) -> Self {
        let of_service = config.service_time.as_ref();
        Laws {
            service_time: of_service.map(|(service, law)| (*service, Sampler::new(law))),
            wait_time: config.wait_time.as_ref().map(Sampler::new),
            keys: config.keys.as_ref().map(KeySampler::new),
            deadline: config.deadline.as_ref().map(Sampler::new),
            request_size: config.request_size.map(SizeSampler::new),
            reply_size: config.reply_size.map(SizeSampler::new),
        }
    }
}

/// Which way a message of an attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    /// To the instance.
    There = 0,
    /// Back to the caller, with a good reply.
    Back = 1,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The class of the request `identity` of a client, by its row of the trace or by share.
    #[inline(always)]
    pub(super) fn draw_class(&self, client: ClientId, identity: u64, source: u32) -> ClassId {
        if O::IS_BARE {
            return ClassId::NONE;
        }
        match self.classes.clients[client.index()].shares.last() {
            Some((_, last)) => self.draw_class_but(*last, client, identity, source),
            None => ClassId::NONE,
        }
    }

    #[inline(never)]
    fn draw_class_but(
        &self,
        last: ClassId,
        client: ClientId,
        identity: u64,
        source: u32,
    ) -> ClassId {
        let of_client = &self.classes.clients[client.index()];
        let row = self.trace_row(source);
        if let Some(place) = row.and_then(|row| row.class.checked_sub(1)) {
            return of_client.of_trace[place as usize];
        }
        let mut draw = self
            .streams
            .draw(Purpose::RequestClass, identity, 0, STEP_CLASS);
        let u = draw.uniform();
        let drawn = of_client.shares.iter().find(|(below, _)| u < *below);
        // The last class takes what rounding leaves.
        drawn.map_or(last, |(_, class)| *class)
    }

    /// The time that a request of a class has from its arrival, on the clock of its caller; None
    /// for ever.
    pub(super) fn draw_deadline(&self, class: ClassId, identity: u64) -> Option<SimDuration> {
        if O::IS_BARE {
            return None;
        }
        let law = self.classes.laws[class.index()].deadline.as_ref()?;
        let mut draw = self
            .streams
            .draw(Purpose::RequestClass, identity, 0, STEP_DEADLINE);
        Some(law.sample(&mut draw))
    }

    /// The class of the request that an attempt belongs to, also when its caller has given up.
    #[inline]
    pub(super) fn attempt_class(&self, slot: u32) -> ClassId {
        match O::IS_BARE {
            true => ClassId::NONE,
            false => self.attempts[slot].class,
        }
    }

    /// What the scenario says of a class: its priority, whether it is idempotent, and so on.
    #[inline]
    pub(super) fn class_config(&self, class: ClassId) -> &ClassConfig {
        self.scenario.classes.get(class)
    }

    /// Sends a message of an attempt. One with a size first takes its turn at the transmitter of
    /// its host.
    #[inline]
    pub(super) fn send_message(
        &mut self,
        slot: u32,
        link: (NodeId, NodeId),
        key: MessageKey,
        leg: Leg,
    ) -> Verdict {
        match self.attempt_class(slot) {
            ClassId::NONE => self.send(link, key),
            class => self.send_of_class(slot, class, link, key, leg),
        }
    }

    #[inline(never)]
    fn send_of_class(
        &mut self,
        slot: u32,
        class: ClassId,
        link: (NodeId, NodeId),
        key: MessageKey,
        leg: Leg,
    ) -> Verdict {
        let Attempt {
            identity, caller, ..
        } = self.attempts[slot];
        let byte_count = self.classes.draw_size(class, &self.streams, identity, leg);
        if byte_count == 0 {
            return self.send(link, key);
        }
        self.observe(Observation::BytesSent {
            edge: self.callers[caller.index()].edge,
            class,
            byte_count,
        });
        let now = self.now();
        let until_out = self.network.transmit(now, &self.nodes, link, byte_count);
        let sent = self
            .network
            .send(now + until_out, &self.streams, &self.nodes, link, key);
        match sent {
            Verdict::Deliver { delay, is_held } => Verdict::Deliver {
                delay: until_out + delay,
                is_held,
            },
            Verdict::Lost => Verdict::Lost,
        }
    }
}
