//! Balancing strategies: one file each. The table of names is [`build`].

mod keyed;
mod least_in_flight;
mod pick_first;
mod random;
mod ring;
mod round_robin;
mod smooth_weighted_round_robin;
mod sticky;
pub mod tables;
mod weighted_random;

use std::sync::Arc;

use super::in_flight::InFlight;
use super::observation::AttemptOutcome;
use super::view::{Member, ViewSnapshot};
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::rng::Draw;
use crate::scenario::balancer::BalancerConfig;
use crate::time::SimTime;
use tables::Tables;

/// Chooses an instance for an attempt and learns from how attempts end. Every calling side has its
/// own.
pub trait Balancer {
    /// Takes over a new list of candidates. State about instances that stay must survive.
    fn on_view(&mut self, view: &Arc<ViewSnapshot>);

    /// Returns `None` only when there are no candidates.
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId>;

    /// Called once for every pick, when the attempt ends, however it ends.
    fn on_outcome(&mut self, _end: &AttemptEnd) {}

    /// Called when a connection to `instance` is lost or could not be opened, or, gracefully, is
    /// about to be closed by the instance.
    fn on_disconnected(&mut self, _instance: InstanceId, _is_graceful: bool) {}
}

/// How an attempt ended, for the balancer that picked its instance.
#[derive(Clone, Copy, Debug)]
pub struct AttemptEnd {
    /// The instance.
    pub instance: InstanceId,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// When it was sent.
    pub sent_at: SimTime,
    /// When it ended.
    pub ended_at: SimTime,
}

/// What a balancer is allowed to see: what its calling side knows. It gets no access to the
/// instances themselves, so it cannot cheat.
pub struct PickContext<'a> {
    /// The time.
    pub now: SimTime,
    /// The key of the request.
    pub key: u64,
    /// Instances that the call has tried and would rather avoid, ascending. A balancer that finds
    /// nothing else picks among them.
    pub tried: &'a [InstanceId],
    /// Attempts in flight from this calling side.
    pub in_flight: &'a InFlight,
    /// Uniform numbers that belong to this attempt alone.
    pub draw: Draw,
    /// Rings and tables, shared by all calling sides with equal candidates.
    pub tables: &'a mut Tables,
}

/// The one place where a name in a scenario turns into behaviour.
pub fn build(config: &BalancerConfig) -> Box<dyn Balancer> {
    match config {
        BalancerConfig::Random => Box::new(random::Random::default()),
        BalancerConfig::RoundRobin => Box::new(round_robin::RoundRobin::default()),
        BalancerConfig::WeightedRandom => Box::new(weighted_random::WeightedRandom::default()),
        BalancerConfig::SmoothWeightedRoundRobin => {
            Box::new(smooth_weighted_round_robin::SmoothWeightedRoundRobin::default())
        }
        BalancerConfig::LeastInFlight {
            choice_count,
            replacement,
        } => Box::new(least_in_flight::LeastInFlight::new(
            *choice_count,
            *replacement,
        )),
        BalancerConfig::Ring {
            virtual_node_count,
            hash,
            hash_seed,
        } => Box::new(ring::RingBalancer::new(RingRule::Hashed {
            virtual_node_count: *virtual_node_count,
            function: *hash,
            seed: *hash_seed,
        })),
        BalancerConfig::Keyed(config) => keyed::build(config),
        BalancerConfig::PickFirst {
            shuffle,
            has_connections,
        } => Box::new(pick_first::PickFirst::new(*shuffle, *has_connections)),
        BalancerConfig::Sticky {
            fallback,
            session_count_max,
        } => Box::new(sticky::Sticky::new(build(fallback), *session_count_max)),
    }
}

/// The candidates that a pick may choose from: all members, or those not yet tried if there are
/// any.
struct Eligible<'a> {
    members: &'a [Member],
    /// Places of the members to avoid, ascending.
    avoided: Vec<usize>,
}

impl<'a> Eligible<'a> {
    /// Leaves out the tried members, unless that leaves none.
    fn new(view: &'a ViewSnapshot, tried: &[InstanceId]) -> Self {
        let mut avoided: Vec<usize> = tried.iter().filter_map(|i| view.position(*i)).collect();
        if avoided.len() == view.members.len() {
            avoided.clear();
        }
        Eligible {
            members: &view.members,
            avoided,
        }
    }

    /// How many there are.
    fn count(&self) -> u32 {
        u32::try_from(self.members.len() - self.avoided.len()).expect("instances fit in 32 bits")
    }

    /// The place among all members of the `rank`-th eligible one.
    fn place(&self, rank: u32) -> usize {
        let mut place = rank as usize;
        for avoided in &self.avoided {
            if *avoided > place {
                break;
            }
            place += 1;
        }
        place
    }

    /// The `rank`-th eligible member.
    fn member(&self, rank: u32) -> &'a Member {
        &self.members[self.place(rank)]
    }

    /// Whether the member at `place` is left out.
    fn avoids(&self, place: usize) -> bool {
        self.avoided.binary_search(&place).is_ok()
    }
}
