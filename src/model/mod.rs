//! The system under study: what happens. Facts leave it as [`observation::Observation`]s.

mod arrivals;
mod autoscale;
pub mod balancer;
mod bare;
mod build;
mod cache;
mod caller;
mod classes;
mod composition;
mod connection;
mod control_kind;
mod cpu;
mod detector;
mod event;
mod exchange;
mod fault;
mod fault_node;
pub mod fault_plan;
mod footprint;
mod gossip;
pub mod in_flight;
mod instance;
mod life;
mod link_fault;
mod loss;
mod network;
mod node;
pub mod observation;
mod probe;
mod queueing;
mod reaction;
mod rebuild;
mod registry;
mod replace;
mod request;
mod rollout;
pub mod sampler;
mod serve;
mod serve_async;
mod serve_queue;
mod serve_shared;
mod server;
mod sharing;
mod target;
mod transmit;
pub mod view;
mod waiting;
mod watch;
mod workload;
mod world;

use std::ops::ControlFlow;

pub use self::bare::is_bare;

use self::balancer::Balancer;
use self::bare::Bare;
use self::event::Event;
use self::exchange::MakeBalancer;
use self::fault_plan::{PlannedWindow, TooManyWindows};
use self::observation::{Observer, RunEnd, Tell, Told};
use self::world::World;
use crate::engine::{Guard, Heap, PendingSet, Stop, Wheel};
use crate::rng::Streams;
use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::time::SimTime;

/// Handled events between two calls of the progress function, at least.
const PROGRESS_EVENT_COUNT: u64 = 1 << 16;
/// Events that one instant may have, for each node and calling side there is.
const INSTANT_EVENTS_PER_ENTITY: u64 = 8;

/// How a scenario is run.
#[derive(Clone, Copy, Debug)]
pub struct SimOptions {
    /// The seed.
    pub seed: u64,
    /// Handled events after which the run ends with an error.
    pub event_count_max: u64,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Simulated time.
    pub now: SimTime,
    /// Handled events.
    pub event_count: u64,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// The progress function asked for it.
    #[error("interrupted")]
    Interrupted,
    /// More events than allowed.
    #[error(
        "more than {limit} events, reached at {at}; most of them are {culprit}; raise \
         --max-events or shorten the run"
    )]
    TooManyEvents {
        /// The limit.
        limit: u64,
        /// When it was reached.
        at: SimTime,
        /// The most frequent kind of event.
        culprit: &'static str,
    },
    /// Time does not move on.
    #[error("{count} events at {at} without an end; most of them are {culprit}")]
    EndlessInstant {
        /// The instant.
        at: SimTime,
        /// Events so far.
        count: u64,
        /// The most frequent kind of event.
        culprit: &'static str,
    },
    /// The fault plan is too large.
    #[error(transparent)]
    TooManyWindows(#[from] TooManyWindows),
}

/// The fault plan of a run: it depends on the scenario and the seed alone.
///
/// # Errors
///
/// If it has too many windows.
pub fn fault_plan(scenario: &Scenario, seed: u64) -> Result<Vec<PlannedWindow>, TooManyWindows> {
    fault_plan::plan(scenario, &node::build_nodes(scenario), &Streams::new(seed))
}

/// Runs a scenario to its end: the duration, then the drain.
///
/// # Errors
///
/// If `progress` breaks off, or a limit is reached.
pub fn simulate<O: Observer>(
    scenario: &Scenario,
    options: SimOptions,
    observer: &mut O,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RunEnd, SimError> {
    run::<O, Wheel>(scenario, options, observer, progress, None)
}

/// The same run as [`simulate`], faster where the scenario uses none of what few scenarios use:
/// the code of such runs is compiled apart, so every type of observer costs that of two runs.
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_fast<O: Observer>(
    scenario: &Scenario,
    options: SimOptions,
    observer: &mut O,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RunEnd, SimError> {
    if is_bare(scenario) {
        return run::<Bare<O>, Wheel>(scenario, options, &mut Bare(observer), progress, None);
    }
    simulate(scenario, options, observer, progress)
}

/// Runs a scenario with balancers of the user's own: `make` is asked for the balancer of every
/// calling side, once at the start and again whenever its process starts again; where it returns
/// None the call has the balancer that the scenario says. See [`balancer`] for an example.
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_with<O: Observer>(
    scenario: &Scenario,
    options: SimOptions,
    observer: &mut O,
    make: &dyn Fn(&EdgeConfig) -> Option<Box<dyn Balancer>>,
) -> Result<RunEnd, SimError> {
    let mut go_on = |_| ControlFlow::Continue(());
    run::<O, Wheel>(scenario, options, observer, &mut go_on, Some(make))
}

/// The same run with a plain binary heap as its queue: the oracle of [`simulate`].
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_with_heap<O: Observer>(
    scenario: &Scenario,
    options: SimOptions,
    observer: &mut O,
) -> Result<RunEnd, SimError> {
    let mut go_on = |_| ControlFlow::Continue(());
    run::<O, Heap>(scenario, options, observer, &mut go_on, None)
}

/// The same run as [`simulate`] with an observer that is a function. It is compiled with the
/// library, and not again for each type of observer.
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_told(
    scenario: &Scenario,
    options: SimOptions,
    tell: &mut Tell<'_>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RunEnd, SimError> {
    run::<Told, Wheel>(scenario, options, &mut Told(tell), progress, None)
}

/// The same run as [`simulate_with_heap`] with an observer that is a function.
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_told_with_heap(
    scenario: &Scenario,
    options: SimOptions,
    tell: &mut Tell<'_>,
) -> Result<RunEnd, SimError> {
    let mut go_on = |_| ControlFlow::Continue(());
    run::<Told, Heap>(scenario, options, &mut Told(tell), &mut go_on, None)
}

fn run<O: Observer, S: PendingSet>(
    scenario: &Scenario,
    options: SimOptions,
    observer: &mut O,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    make: MakeBalancer<'_>,
) -> Result<RunEnd, SimError> {
    let mut world = World::<O, S>::build(scenario, options.seed, observer, make)?;
    let horizon = SimTime::START + scenario.duration;
    let end = horizon + scenario.drain;
    let topology = &scenario.topology;
    let entity_count = u64::from(topology.node_count()) + u64::from(topology.caller_count());
    let instant_max =
        crate::engine::guard::INSTANT_EVENT_COUNT_MAX.max(entity_count * INSTANT_EVENTS_PER_ENTITY);
    let mut guard = Guard::new(options.event_count_max, instant_max);
    let mut progress_at = PROGRESS_EVENT_COUNT;
    while let Some((at, sequence, event)) = world.queue.pop() {
        if at >= horizon && (at >= end || world.is_done()) {
            break;
        }
        if guard.count() {
            guard.look(at, event.kind()).map_err(stopped)?;
            if progress_at <= guard.event_count() {
                progress_at = guard.event_count() + PROGRESS_EVENT_COUNT;
                tell_progress(at, &guard, progress)?;
            }
        }
        world.handle(sequence, event);
        if !O::IS_BARE && world.is_noting {
            world.settle();
        }
    }
    Ok(RunEnd {
        digest: world.digest.finish(),
        event_count: world.digest.event_count(),
        ended_at: world.digest.last_at().max(horizon),
        in_flight_count: world.in_flight_count,
    })
}

fn tell_progress(
    now: SimTime,
    guard: &Guard,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), SimError> {
    let event_count = guard.event_count();
    match progress(Progress { now, event_count }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(SimError::Interrupted),
    }
}

fn stopped(stop: Stop) -> SimError {
    match stop {
        Stop::TooManyEvents {
            limit,
            at,
            kind_counts,
        } => SimError::TooManyEvents {
            limit,
            at,
            culprit: culprit(&kind_counts),
        },
        Stop::EndlessInstant {
            at,
            count,
            kind_counts,
        } => SimError::EndlessInstant {
            at,
            count,
            culprit: culprit(&kind_counts),
        },
    }
}

/// The name of the kind that comes first.
fn culprit(kind_counts: &[(u8, u64)]) -> &'static str {
    Event::kind_name(kind_counts.first().map_or(u8::MAX, |(kind, _)| *kind))
}
