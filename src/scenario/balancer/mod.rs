//! What a scenario may say about balancing.

pub mod feedback;
pub mod keyed;
pub mod load;
pub mod weighted;
pub mod wrappers;

use feedback::FeedbackConfig;
use keyed::KeyedConfig;
use load::LoadConfig;
use weighted::{DrawMethod, WeightedConfig};
use wrappers::ComposedConfig;

pub use crate::hash::function::Function as RingHash;
use crate::hash::placement::PlacementRule;
use crate::hash::ring_rule::RingRule;

/// A balancing strategy and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum BalancerConfig {
    /// Uniform over the candidates.
    Random,
    /// One after the other, in order of path.
    RoundRobin {
        /// Whether each caller draws where it begins, instead of with the first.
        random_start: bool,
        /// Whether it draws again when the candidates or the state of a connection change.
        random_restart: bool,
    },
    /// In proportion to the weights, independently.
    WeightedRandom {
        /// How an instance is found.
        method: DrawMethod,
    },
    /// In proportion to the weights, spread evenly (the nginx rule).
    SmoothWeightedRoundRobin,
    /// The candidate with the fewest requests in flight from this caller.
    LeastInFlight {
        /// How many candidates are sampled; None looks at all.
        choice_count: Option<u32>,
        /// Whether one candidate may be sampled twice.
        replacement: bool,
    },
    /// Consistent hashing of the request's key.
    Ring {
        /// Entries on the ring for an instance of weight 1.
        virtual_node_count: u32,
        /// The hash function of points and keys.
        hash: RingHash,
        /// Seed of the hash function.
        hash_seed: u64,
    },
    /// A strategy by key other than `ring`.
    Keyed(KeyedConfig),
    /// A session key stays with its server until that server is gone.
    Sticky {
        /// Picks the server of a new session.
        fallback: Box<BalancerConfig>,
        /// Sessions that one caller remembers; the least recently used one is forgotten.
        session_count_max: u32,
    },
    /// A strategy that instances tell about themselves.
    Feedback(FeedbackConfig),
    /// One instance until the connection to it, or an attempt, fails.
    PickFirst {
        /// Whether the first one is drawn and not that of the first path.
        shuffle: bool,
        /// Whether connections tell when to leave it; otherwise attempts do.
        has_connections: bool,
    },
    /// By weight.
    Weighted(WeightedConfig),
    /// By load.
    Load(LoadConfig),
    /// A strategy with wrappers around it.
    Composed(Box<ComposedConfig>),
    /// Threads of one process that each pick with a strategy of their own (Envoy).
    PerThread {
        /// How many there are.
        thread_count: u32,
        /// What each of them has.
        strategy: Box<BalancerConfig>,
    },
}

impl BalancerConfig {
    /// How it places keys, if it balances by key; wrappers around it are left out.
    pub fn placement_rule(&self) -> Option<PlacementRule> {
        match *self.strategy() {
            BalancerConfig::Ring {
                virtual_node_count,
                hash,
                hash_seed,
            } => Some(PlacementRule::Ring(RingRule::Hashed {
                virtual_node_count,
                function: hash,
                seed: hash_seed,
            })),
            BalancerConfig::Keyed(config) => Some(config.placement_rule()),
            _ => None,
        }
    }

    /// The strategy that instances tell about themselves, also where another one wraps it.
    pub fn feedback(&self) -> Option<&FeedbackConfig> {
        match self {
            BalancerConfig::Feedback(config) => Some(config),
            BalancerConfig::Sticky { fallback, .. } => fallback.feedback(),
            BalancerConfig::Composed(composed) => composed.strategy.feedback(),
            BalancerConfig::PerThread { strategy, .. } => strategy.feedback(),
            BalancerConfig::Random
            | BalancerConfig::RoundRobin { .. }
            | BalancerConfig::WeightedRandom { .. }
            | BalancerConfig::Weighted(_)
            | BalancerConfig::Load(_)
            | BalancerConfig::SmoothWeightedRoundRobin
            | BalancerConfig::LeastInFlight { .. }
            | BalancerConfig::Ring { .. }
            | BalancerConfig::Keyed(_)
            | BalancerConfig::PickFirst { .. } => None,
        }
    }

    /// Whether each pick is drawn for itself, so that the chi-squared test fits.
    pub fn is_independent(&self) -> bool {
        matches!(
            self,
            BalancerConfig::Random
                | BalancerConfig::WeightedRandom { .. }
                | BalancerConfig::Weighted(
                    WeightedConfig::DubboRandom(_) | WeightedConfig::NaiveWeightedRandom
                )
                | BalancerConfig::Load(LoadConfig::EnvoyRandom)
        )
    }

    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            BalancerConfig::Random => "random",
            BalancerConfig::RoundRobin { .. } => "round_robin",
            BalancerConfig::WeightedRandom { .. } => "weighted_random",
            BalancerConfig::SmoothWeightedRoundRobin => "smooth_weighted_round_robin",
            BalancerConfig::LeastInFlight { .. } => "least_in_flight",
            BalancerConfig::Ring { .. } => "ring",
            BalancerConfig::Keyed(config) => config.name(),
            BalancerConfig::Sticky { .. } => "sticky",
            BalancerConfig::Feedback(config) => config.name(),
            BalancerConfig::PickFirst { .. } => "pick_first",
            BalancerConfig::Weighted(config) => config.name(),
            BalancerConfig::Load(config) => config.name(),
            BalancerConfig::Composed(composed) => composed.strategy.name(),
            BalancerConfig::PerThread { strategy, .. } => strategy.name(),
        }
    }

    /// The strategy itself, without what stands around it.
    pub fn strategy(&self) -> &BalancerConfig {
        match self {
            BalancerConfig::Composed(composed) => composed.strategy.strategy(),
            BalancerConfig::PerThread { strategy, .. } => strategy,
            plain => plain,
        }
    }

    /// The strategy inside its wrappers, to change it.
    pub fn strategy_mut(&mut self) -> &mut BalancerConfig {
        match self {
            BalancerConfig::Composed(composed) => &mut composed.strategy,
            plain => plain,
        }
    }

    /// What stands around the strategy.
    pub fn composed(&self) -> Option<&ComposedConfig> {
        match self {
            BalancerConfig::Composed(composed) => Some(composed),
            _ => None,
        }
    }

    /// Whether the request's key alone decides.
    pub fn is_by_key(&self) -> bool {
        let strategy = self.strategy();
        matches!(
            strategy,
            BalancerConfig::Ring { .. } | BalancerConfig::Keyed(_)
        )
    }
}
