//! The network: whether and when a message arrives.

use std::collections::VecDeque;

use super::link_fault::{LinkEffect, LinkFault};
use super::loss::{LossProcess, Losses};
use super::node::Node;
use super::sampler::Sampler;
use super::target::NodeSet;
use super::transmit::{Lane, Transmitters};
use crate::id::{ClassId, NodeId, ZoneId};
use crate::rng::{Purpose, Streams, UniformSource, mix};
use crate::scenario::fault::Traffic;
use crate::scenario::network::{LinkConfig, NetworkConfig, Transport};
use crate::time::{SimDuration, SimTime};

/// Transmissions of one message before `stream` gives up (Linux `tcp_retries2`).
const TRANSMISSION_COUNT_MAX: u32 = 16;
/// Longest retransmission timeout of `stream` (Linux `TCP_RTO_MAX`).
const RETRANSMISSION_TIMEOUT_MAX: SimDuration = SimDuration::from_secs(120);

/// Names the random numbers of one message.
#[derive(Clone, Copy, Debug)]
pub struct MessageKey {
    /// Whose message: a request's identity, or a pair of nodes.
    pub identity: u64,
    /// Which of its attempts, or the how-many-th message of the pair.
    pub number: u32,
    /// Which leg: 0 there, 1 back.
    pub leg: u32,
    /// The class of the request; none for other messages.
    pub class: ClassId,
    /// What the message is for, where a fault may hit only such; None: anything else.
    pub traffic: Option<Traffic>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives after `delay`. `is_held`: only because a broken link heals in the meantime.
    Deliver { delay: SimDuration, is_held: bool },
    /// It never arrives.
    Lost,
}

/// One kind of link: how long messages take and how they are lost.
#[derive(Debug)]
struct LinkClass {
    delay: Sampler,
    loss: LossProcess,
    lane: Option<Lane>,
}

/// Links that differ from their class.
#[derive(Debug)]
struct LinkOverride {
    from: NodeSet,
    to: NodeSet,
    is_symmetric: bool,
    delay: Option<Sampler>,
    loss: Option<LossProcess>,
    lane: Option<Lane>,
}

/// The network between all nodes.
#[derive(Debug)]
pub struct Network {
    /// What a lost packet and a dead process look like.
    pub transport: Transport,
    /// By node, in little room: every message asks.
    zones: Vec<ZoneId>,
    same_zone: LinkClass,
    cross_zone: LinkClass,
    overrides: Vec<LinkOverride>,
    /// Link faults under way, in the order in which they began.
    pub faults: VecDeque<LinkFault>,
    losses: Losses,
    transmitters: Transmitters,
    duplication_probability: f64,
    retransmission_timeout: SimDuration,
}

impl Network {
    /// The network of a scenario between `nodes`; `node_set` resolves selectors.
    pub fn new(
        config: &NetworkConfig,
        streams: &Streams,
        nodes: &[Node],
        node_set: impl Fn(&LinkConfig) -> (NodeSet, NodeSet),
    ) -> Self {
        let mut losses = Losses::new(streams);
        let mut transmitters = Transmitters::default();
        let same_zone = LinkClass {
            delay: Sampler::new(&config.same_zone),
            loss: losses.add(&config.loss, "network.same_zone"),
            lane: transmitters.add(config.same_zone_bandwidth),
        };
        let cross_zone = LinkClass {
            delay: Sampler::new(&config.cross_zone),
            loss: losses.add(&config.loss, "network.cross_zone"),
            lane: transmitters.add(config.cross_zone_bandwidth),
        };
        let overrides = config
            .links
            .iter()
            .map(|link| {
                let (from, to) = node_set(link);
                let path = format!("network.link.{}", link.name);
                LinkOverride {
                    from,
                    to,
                    is_symmetric: link.is_symmetric,
                    delay: link.delay.as_ref().map(Sampler::new),
                    loss: link.loss.as_ref().map(|loss| losses.add(loss, &path)),
                    lane: transmitters.add(link.bandwidth),
                }
            })
            .collect();
        Network {
            transport: config.transport,
            zones: nodes.iter().map(|node| node.zone).collect(),
            same_zone,
            cross_zone,
            overrides,
            faults: VecDeque::new(),
            losses,
            transmitters,
            duplication_probability: config.duplication_probability,
            retransmission_timeout: config.retransmission_timeout,
        }
    }

    /// A one-way delay between nodes of one zone.
    pub fn same_zone_delay(&self, draw: &mut impl UniformSource) -> SimDuration {
        self.same_zone.delay.sample(draw)
    }

    /// A delay that all messages within a zone, or else all between zones, have.
    pub fn constant_delay(&self) -> Option<SimDuration> {
        let between = || self.cross_zone.delay.constant();
        self.same_zone.delay.constant().or_else(between)
    }

    /// The loss process of a fault's window.
    pub fn add_loss(
        &mut self,
        loss: &crate::scenario::network::LossConfig,
        path: &str,
    ) -> LossProcess {
        self.losses.add(loss, path)
    }

    /// Sends a message from one node to another.
    #[inline(always)]
    pub fn send(
        &mut self,
        now: SimTime,
        streams: &Streams,
        nodes: &[Node],
        (from, to): (NodeId, NodeId),
        key: MessageKey,
    ) -> Verdict {
        if self.overrides.is_empty() && self.faults.is_empty() {
            let class = self.class((from, to));
            let is_lost = match class.loss {
                LossProcess::None => false,
                LossProcess::Bernoulli(probability) => {
                    loss_uniform(streams, key, 0) >= 1.0 - probability
                }
                LossProcess::GilbertElliott(_) => true,
            };
            if !is_lost {
                return deliver(sample(&class.delay, streams, key));
            }
        }
        let transport = self.transport;
        self.send_slowly((now, now), streams, nodes, (from, to), (key, transport))
    }

    /// How long a message of a protocol takes that uses packets, whatever the transport of calls;
    /// None if it is lost.
    #[inline]
    pub fn send_datagram(
        &mut self,
        now: SimTime,
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimDuration> {
        if self.overrides.is_empty() && self.faults.is_empty() {
            let class = self.class(link);
            let is_lost = match class.loss {
                LossProcess::None => Some(false),
                LossProcess::Bernoulli(probability) => {
                    Some(loss_uniform(streams, key, 0) >= 1.0 - probability)
                }
                LossProcess::GilbertElliott(_) => None,
            };
            if let Some(is_lost) = is_lost {
                return (!is_lost).then(|| sample(&class.delay, streams, key));
            }
        }
        self.send_packet(now, streams, nodes, link, key)
    }

    /// How long a message of a protocol takes that uses connections, whatever the transport of
    /// calls; None if it is given up.
    pub fn send_stream(
        &mut self,
        now: SimTime,
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimDuration> {
        self.send_again((now, now), streams, nodes, link, key)
    }

    /// How long after `sent_at` a message arrives that is retransmitted to a host which takes
    /// nothing before `deaf_until`; None if it is given up.
    pub fn send_again(
        &mut self,
        (sent_at, deaf_until): (SimTime, SimTime),
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimDuration> {
        let times = (sent_at, deaf_until);
        match self.send_slowly(times, streams, nodes, link, (key, Transport::Stream)) {
            Verdict::Deliver { delay, .. } => Some(delay),
            Verdict::Lost => None,
        }
    }

    /// Gives a message to the transmitter of the host that sends it. Returns the time until all of
    /// it is out: nothing where the link has no bandwidth.
    pub fn transmit(
        &mut self,
        now: SimTime,
        nodes: &[Node],
        (from, to): (NodeId, NodeId),
        byte_count: u64,
    ) -> SimDuration {
        let own = self.link_override((from, to), |link| link.lane.as_ref());
        let lane = own.copied().or(self.class((from, to)).lane);
        let host = nodes[from.index()].host;
        lane.map_or(SimDuration::ZERO, |lane| {
            self.transmitters.transmit(now, host, lane, byte_count)
        })
    }

    #[inline]
    fn class(&self, (from, to): (NodeId, NodeId)) -> &LinkClass {
        match self.zones[from.index()] == self.zones[to.index()] {
            true => &self.same_zone,
            false => &self.cross_zone,
        }
    }

    /// Any message, with everything that may happen to it. What arrives before `deaf_until` is
    /// lost.
    #[cold]
    fn send_slowly(
        &mut self,
        (now, deaf_until): (SimTime, SimTime),
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        (key, transport): (MessageKey, Transport),
    ) -> Verdict {
        let mut elapsed = SimDuration::ZERO;
        let mut timeout = self.retransmission_timeout;
        let mut is_held = false;
        for transmission in 0..TRANSMISSION_COUNT_MAX {
            let at = now + elapsed;
            let is_cut = self.holds_back(at, link, key);
            is_held |= is_cut;
            let is_deaf = at < deaf_until && at + self.delay(streams, link, key) < deaf_until;
            if !is_cut && !is_deaf && !self.loses(at, streams, nodes, link, key, transmission) {
                return match self.clogged_until(at, link, key) {
                    Some(SimTime::NEVER) => Verdict::Lost,
                    Some(until) => {
                        let delay = until.since(now) + self.delay(streams, link, key);
                        Verdict::Deliver {
                            delay,
                            is_held: true,
                        }
                    }
                    None => {
                        let delay = elapsed + self.delay(streams, link, key);
                        Verdict::Deliver { delay, is_held }
                    }
                };
            }
            if transport == Transport::Datagram {
                return Verdict::Lost;
            }
            elapsed += timeout;
            timeout = timeout.saturating_mul(2).min(RETRANSMISSION_TIMEOUT_MAX);
        }
        Verdict::Lost
    }

    /// How long one packet takes that nobody retransmits; None if it is lost.
    #[cold]
    pub fn send_packet(
        &mut self,
        now: SimTime,
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimDuration> {
        if self.holds_back(now, link, key) || self.loses(now, streams, nodes, link, key, 0) {
            return None;
        }
        let delay = self.delay(streams, link, key);
        match self.clogged_until(now, link, key) {
            Some(SimTime::NEVER) => None,
            Some(until) => Some(until.since(now) + delay),
            None => Some(delay),
        }
    }

    /// When a second copy of a message arrives, if there is one (`datagram` only).
    #[inline]
    pub fn duplicate(
        &mut self,
        now: SimTime,
        streams: &Streams,
        nodes: &[Node],
        link: (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimDuration> {
        if self.duplication_probability == 0.0 {
            return None;
        }
        let draw = streams
            .draw(Purpose::Duplication, key.identity, key.number, key.leg)
            .uniform();
        if draw >= self.duplication_probability {
            return None;
        }
        let copy = MessageKey {
            leg: key.leg + 2,
            ..key
        };
        match self.send(now, streams, nodes, link, copy) {
            Verdict::Deliver { delay, .. } => Some(delay),
            Verdict::Lost => None,
        }
    }

    /// Whether a partition holds back everything on a link.
    pub fn is_cut(&self, at: SimTime, link: (NodeId, NodeId)) -> bool {
        self.partitions(at, link).any(|fault| fault.only.is_none())
    }

    /// Whether a partition holds back a message.
    fn holds_back(&self, at: SimTime, link: (NodeId, NodeId), key: MessageKey) -> bool {
        self.partitions(at, link).any(|fault| fault.hits(key))
    }

    fn partitions(
        &self,
        at: SimTime,
        (from, to): (NodeId, NodeId),
    ) -> impl Iterator<Item = &LinkFault> {
        self.faults.iter().filter(move |fault| {
            matches!(fault.effect, LinkEffect::Partition)
                && at < fault.until
                && fault.covers(from, to)
        })
    }

    fn clogged_until(
        &self,
        at: SimTime,
        (from, to): (NodeId, NodeId),
        key: MessageKey,
    ) -> Option<SimTime> {
        self.faults
            .iter()
            .filter(|fault| matches!(fault.effect, LinkEffect::Clog) && fault.hits(key))
            .filter(|fault| at < fault.until && fault.covers(from, to))
            .map(|fault| fault.until)
            .max()
    }

    fn loses(
        &mut self,
        at: SimTime,
        streams: &Streams,
        nodes: &[Node],
        (from, to): (NodeId, NodeId),
        key: MessageKey,
        transmission: u32,
    ) -> bool {
        let pair = pair_hash(nodes, (from, to));
        let process = self.link_override((from, to), |link| link.loss.as_ref());
        let class = self.class((from, to));
        let process = *process.unwrap_or(&class.loss);
        let mut pass = 1.0 - self.losses.probability(process, at, pair);
        for fault in self.faults.iter().filter(|fault| at < fault.until) {
            if let LinkEffect::Loss(process) = fault.effect
                && fault.hits(key)
                && fault.covers(from, to)
            {
                pass *= 1.0 - self.losses.probability(process, at, pair);
            }
        }
        pass < 1.0 && loss_uniform(streams, key, transmission) >= pass
    }

    fn delay(
        &self,
        streams: &Streams,
        (from, to): (NodeId, NodeId),
        key: MessageKey,
    ) -> SimDuration {
        let class = self.class((from, to));
        let law = self.link_override((from, to), |link| link.delay.as_ref());
        let mut delay = sample(law.unwrap_or(&class.delay), streams, key);
        for fault in &self.faults {
            if let LinkEffect::Delay(law) = &fault.effect
                && fault.hits(key)
                && fault.covers(from, to)
            {
                let key = MessageKey {
                    identity: mix(key.identity) ^ fault.path_hash,
                    ..key
                };
                delay += sample(law, streams, key);
            }
        }
        delay
    }

    /// The last override of a link that says something about `what`.
    fn link_override<T>(
        &self,
        (from, to): (NodeId, NodeId),
        what: impl Fn(&LinkOverride) -> Option<&T>,
    ) -> Option<&T> {
        self.overrides
            .iter()
            .rev()
            .filter(|link| {
                (link.from.has(from) && link.to.has(to))
                    || (link.is_symmetric && link.from.has(to) && link.to.has(from))
            })
            .find_map(what)
    }
}

/// Decides whether a transmission of a message is lost.
#[inline]
fn loss_uniform(streams: &Streams, key: MessageKey, transmission: u32) -> f64 {
    let step = key.leg * TRANSMISSION_COUNT_MAX + transmission;
    streams
        .draw(Purpose::LinkLoss, key.identity, key.number, step)
        .uniform()
}

fn deliver(delay: SimDuration) -> Verdict {
    Verdict::Deliver {
        delay,
        is_held: false,
    }
}

#[inline(always)]
fn sample(law: &Sampler, streams: &Streams, key: MessageKey) -> SimDuration {
    if let Some(constant) = law.constant() {
        return constant;
    }
    law.sample(&mut streams.draw(Purpose::LinkDelay, key.identity, key.number, key.leg))
}

/// Names a pair of nodes, in one direction.
pub fn pair_hash(nodes: &[Node], (from, to): (NodeId, NodeId)) -> u64 {
    crate::rng::mix(nodes[from.index()].path_hash) ^ nodes[to.index()].path_hash
}
