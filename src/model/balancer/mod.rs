//! Balancing strategies: one file each. The table of names is [`build`].
//!
//! A strategy of your own implements [`Balancer`] and runs with
//! [`simulate_with`](super::simulate_with) in place of what a scenario says. This one stays with
//! an instance until an attempt fails, then goes on to the next:
//!
//! ```
//! use std::sync::Arc;
//! use stormglass::id::InstanceId;
//! use stormglass::model::balancer::{AttemptEnd, Balancer, PickContext};
//! use stormglass::model::observation::{AttemptOutcome, NoObserver};
//! use stormglass::model::view::ViewSnapshot;
//! use stormglass::model::{SimOptions, simulate_with};
//! use stormglass::scenario::load::{LoadInput, load};
//!
//! #[derive(Default)]
//! struct WinStay {
//!     view: Option<Arc<ViewSnapshot>>,
//!     place: usize,
//! }
//!
//! impl Balancer for WinStay {
//!     fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
//!         self.view = Some(Arc::clone(view));
//!     }
//!
//!     fn pick(&mut self, _: &mut PickContext<'_>) -> Option<InstanceId> {
//!         let members = &self.view.as_ref()?.members;
//!         Some(members.get(self.place % members.len().max(1))?.instance)
//!     }
//!
//!     fn on_outcome(&mut self, end: &AttemptEnd) {
//!         self.place += usize::from(end.outcome != AttemptOutcome::Success);
//!     }
//! }
//!
//! let text = r#"
//!     schema = 1
//!     duration = "10s"
//!     service.web = { service_time = "5ms", group.a.count = 4 }
//!     client.shop.arrivals = { process = "poisson", rate = "100/s" }
//!     client.shop.call.web = { deadline = "1s" }
//! "#;
//! let scenario = load(&LoadInput::text("mine", text)).scenario.expect("no mistakes");
//! let options = SimOptions { seed: 1, event_count_max: 1_000_000 };
//! let end = simulate_with(&scenario, options, &mut NoObserver, &|call| {
//!     (call.path == "client.shop.call.web").then(|| Box::<WinStay>::default() as _)
//! })?;
//! assert_eq!(end.in_flight_count, 0);
//! # Ok::<(), stormglass::model::SimError>(())
//! ```
//!
//! A strategy that needs timers, messages to instances or their load reports says so in
//! [`Balancer::needs`]; see [`control`]. A name that scenarios may use takes a variant of
//! `BalancerConfig`, one of the schema, its reader and an arm in [`build`].

pub mod compose;
pub mod control;
mod feedback;
#[cfg(test)]
mod fixture;
mod keyed;
mod least_in_flight;
mod load;
mod per_member;
mod per_thread;
mod pick_first;
#[cfg(test)]
mod properties_tests;
mod random;
mod ring;
mod round_robin;
mod smooth_weighted_round_robin;
mod sticky;
pub mod tables;
pub mod weighted;
mod weighted_random;

use std::sync::Arc;

use super::in_flight::InFlight;
use super::observation::AttemptOutcome;
use super::view::{Member, ViewSnapshot};
use crate::hash::ring_rule::RingRule;
use crate::id::{InstanceId, ZoneId};
use crate::rng::Draw;
use crate::scenario::balancer::BalancerConfig;
use crate::time::SimTime;
use compose::{Change, Composed, site::Seat, site::Site};
use control::{ControlContext, Message, Needs, Orders, TrueQueues};
use tables::Tables;

/// Chooses an instance for an attempt and learns from how attempts end. Every calling side has its
/// own. A wrapper passes on every call to the strategy inside.
pub trait Balancer {
    /// What it needs beyond picks and outcomes; always the same.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Called once, when the calling side starts and after the first view, if it needs anything.
    fn on_start(&mut self, _ctx: &mut ControlContext<'_>) {}

    /// Called at an instant that was asked for, or before it.
    fn on_timer(&mut self, _ctx: &mut ControlContext<'_>) {}

    /// Called when a message of an instance arrives.
    fn on_message(&mut self, _ctx: &mut ControlContext<'_>, _from: InstanceId, _message: &Message) {
    }

    /// Takes over a new list of candidates. State about instances that stay must survive.
    fn on_view(&mut self, view: &Arc<ViewSnapshot>);

    /// The same for who must know more of it than its candidates.
    fn on_update(&mut self, update: &mut ViewUpdate<'_>) {
        self.on_view(update.candidates);
    }

    /// Returns `None` only when there are no candidates.
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId>;

    /// Called once for every pick, when the attempt ends, however it ends.
    fn on_outcome(&mut self, _end: &AttemptEnd) {}

    /// Called when a connection to `instance` is lost or could not be opened, or, gracefully, is
    /// about to be closed by the instance.
    fn on_disconnected(&mut self, _instance: InstanceId, _is_graceful: bool) {}

    /// Called when the calling side, which reconnects by itself, is connected to `instance` again.
    fn on_reconnected(&mut self, _instance: InstanceId) {}

    /// Moves into `into` which instances were left out, or taken back, because of how attempts
    /// ended since it was asked last.
    fn take_changes(&mut self, _into: &mut Vec<Change>) {}
}

/// A new list of a calling side, or new suspicions of its own detector.
pub struct ViewUpdate<'a> {
    /// The time.
    pub now: SimTime,
    /// The list of the registry.
    pub listed: &'a Arc<ViewSnapshot>,
    /// The list without what the calling side's own detector suspects.
    pub candidates: &'a Arc<ViewSnapshot>,
    /// When the process of each instance began, by id; None: before the run. It may be empty.
    pub started_at: &'a [Option<SimTime>],
    /// Lists, rings and tables that calling sides share.
    pub tables: &'a mut Tables,
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
    /// Whether it failed and its call may try again, by the rules of the call: after what, how
    /// often, until when, and what may be sent twice. A budget may still deny it.
    pub is_retriable: bool,
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
    /// What the balancer asks for.
    pub orders: &'a mut Orders,
    /// The thread that took the request, of a process whose threads pick for themselves.
    pub thread: u32,
    /// For the one strategy that is a bound and no real one.
    pub true_queues: TrueQueues<'a>,
}

/// The one place where a name in a scenario turns into behaviour.
pub fn build(config: &BalancerConfig) -> Box<dyn Balancer> {
    match config {
        BalancerConfig::Random => Box::new(random::Random::default()),
        BalancerConfig::RoundRobin {
            random_start,
            random_restart,
        } => Box::new(round_robin::RoundRobin::new(*random_start, *random_restart)),
        BalancerConfig::WeightedRandom { method } => {
            Box::new(weighted_random::WeightedRandom::new(*method))
        }
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
        BalancerConfig::Feedback(config) => feedback::build(config),
        BalancerConfig::PickFirst {
            shuffle,
            has_connections,
        } => Box::new(pick_first::PickFirst::new(*shuffle, *has_connections)),
        BalancerConfig::Sticky {
            fallback,
            session_count_max,
        } => Box::new(sticky::Sticky::new(build(fallback), *session_count_max)),
        BalancerConfig::Weighted(config) => weighted::build(config),
        BalancerConfig::Load(config) => load::build(config),
        BalancerConfig::PerThread {
            thread_count,
            strategy,
        } => Box::new(per_thread::PerThread::new(
            (0..*thread_count).map(|_| build(strategy)).collect(),
        )),
        BalancerConfig::Composed(composed) => Box::new(Composed::new(Seat {
            site: Arc::new(Site::alone((**composed).clone())),
            index: 0,
            zone: ZoneId(0),
            draw: Draw::new(0),
        })),
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
