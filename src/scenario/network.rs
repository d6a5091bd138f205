//! What a scenario may say about the network.

use super::distribution::Distribution;
use super::selector::Selector;
use crate::time::SimDuration;

/// The network between all nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// What a lost packet and a dead process look like.
    pub transport: Transport,
    /// One-way delay between nodes of one zone.
    pub same_zone: Distribution,
    /// One-way delay between nodes of different zones.
    pub cross_zone: Distribution,
    /// Bytes per second that a host sends within its zone. None: as many as it has.
    pub same_zone_bandwidth: Option<f64>,
    /// Bytes per second that a host sends to other zones. None: as many as it has.
    pub cross_zone_bandwidth: Option<f64>,
    /// Loss of every link that no override names.
    pub loss: LossConfig,
    /// Probability that a message is delivered a second time (`datagram` only).
    pub duplication_probability: f64,
    /// First retransmission timeout of `stream`; doubles with every further loss.
    pub retransmission_timeout: SimDuration,
    /// `[network.link.NAME]`: in order of the file; the last one that matches wins.
    pub links: Vec<LinkConfig>,
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A lost packet costs a retransmission timeout with back-off; a crashed process answers with
    /// a reset, a lost host or a partition with silence.
    Stream,
    /// A lost packet is lost; nobody answers for a dead process.
    Datagram,
}

/// The law of message loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossConfig {
    /// Every message is lost with this probability, independently.
    Bernoulli { probability: f64 },
    /// Two states, good and bad, in continuous time (decision D17).
    GilbertElliott {
        /// Mean sojourn in the good state.
        good_mean: SimDuration,
        /// Mean sojourn in the bad state.
        bad_mean: SimDuration,
        /// Loss probability in the good state.
        good_probability: f64,
        /// Loss probability in the bad state.
        bad_probability: f64,
        /// One chain for each pair of nodes instead of one for each link class.
        per_link: bool,
    },
}

/// Overrides for the links from one set of nodes to another.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// `network.link.NAME`.
    pub name: String,
    /// The sending side.
    pub from: Selector,
    /// The receiving side.
    pub to: Selector,
    /// Whether the override holds in both directions.
    pub is_symmetric: bool,
    /// One-way delay, if overridden.
    pub delay: Option<Distribution>,
    /// Loss, if overridden.
    pub loss: Option<LossConfig>,
    /// Bytes per second that each sending host has for these links, if overridden.
    pub bandwidth: Option<f64>,
}
