//! How a calling side protects itself and the services that it calls.
//!
//! The order is that of Retry(CircuitBreaker(Throttle(Limit(Bulkhead(attempt))))): an attempt that
//! any of them turns away is not sent, ends at once as rejected and counts among the attempts of
//! its call. What is turned away behind the breaker counts there as a failure, as in Hystrix and
//! resilience4j.

mod breaker;
mod breaker_envoy;
mod breaker_hystrix;
mod breaker_resilience4j;
mod breakers;
mod budget;
mod bulkhead;
mod feedback;
mod gate;
mod limit;
mod limit_aimd;
mod limit_gradient2;
mod limit_vegas;
mod overflow;
mod place;
mod retry_gate;
mod rolling;
mod server_limit;
mod throttle;

pub(in crate::model) use gate::with_shut;

use breakers::Breakers;
use budget::Budget;
use bulkhead::Bulkhead;
use limit::Limit;
use throttle::Throttle;

use crate::engine::Slab;
use crate::id::CallerId;
use crate::scenario::Scenario;
use crate::scenario::resilience::ResilienceConfig;
use crate::time::SimTime;

/// What one calling side keeps. A process that dies loses it.
pub struct Resilience {
    /// Attempts under way.
    in_flight_count: u32,
    /// Retries that wait out a back-off or are under way.
    retry_count: u32,
    budget: Option<Budget>,
    breakers: Option<Breakers>,
    bulkhead: Option<Bulkhead>,
    throttle: Option<Throttle>,
    limit: Option<Limit>,
}

impl Resilience {
    fn new(config: &ResilienceConfig, now: SimTime, coin: &dyn Fn(u32) -> f64) -> Self {
        Resilience {
            in_flight_count: 0,
            retry_count: 0,
            budget: config.budget.map(|config| Budget::new(&config, now)),
            breakers: config.breaker.map(Breakers::new),
            bulkhead: config.has_line().then(Bulkhead::default),
            throttle: config.throttle.map(|config| Throttle::new(&config, now)),
            limit: config.limit.map(|config| Limit::new(&config, coin)),
        }
    }

    /// Attempts that wait at the caller.
    fn waiting_count(&self) -> u32 {
        self.bulkhead.as_ref().map_or(0, Bulkhead::waiting_count)
    }
}

/// What the world keeps for all of them.
pub(in crate::model) struct Gates {
    /// Whether the scenario asks for anything of this at all.
    pub is_used: bool,
    waits: Slab<Wait>,
    /// What is known of a request, by its slot.
    marks: Vec<Marks>,
    /// Attempts that were under way at its caller when an attempt was sent, itself included, by
    /// its slot.
    sent_levels: Vec<u32>,
    /// Attempts that were at its instance when an attempt came, itself included, by its slot.
    arrival_levels: Vec<u32>,
    /// By instance; made with the first attempt.
    server_limits: Vec<Option<Box<Limit>>>,
}

impl Gates {
    /// Those of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let has_limit = scenario.services.iter().any(|s| s.limit.is_some());
        let instance_count = scenario.topology.instance_count() as usize;
        let mut server_limits = Vec::new();
        if has_limit {
            server_limits.resize_with(instance_count, || None);
        }
        Gates {
            is_used: has_limit || scenario.edges.iter().any(|edge| edge.resilience.is_some()),
            waits: Slab::new(),
            marks: Vec::new(),
            sent_levels: Vec::new(),
            arrival_levels: Vec::new(),
            server_limits,
        }
    }
}

/// A request that waits for a place in the bulkhead of its caller.
#[derive(Clone, Copy, Debug)]
struct Wait {
    request: u32,
    caller: CallerId,
    /// Sequence number of the event that ends it.
    sequence: u64,
    /// A place is promised: the event is that of going on.
    is_promised: bool,
}

/// What the gate knows of a request: flags, and above them how many of its attempts wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks(u16);

/// What the gate keeps of a request in flight.
pub const REQUEST_BYTES: usize = size_of::<Marks>();

/// What limits keep of an attempt: the level at its caller and that at its instance.
pub const ATTEMPT_BYTES: usize = 2 * size_of::<u32>();

impl Marks {
    /// Its retry counts among those under way.
    const RETRIES: Marks = Marks(1);
    /// It has a place.
    const HAS_PLACE: Marks = Marks(2);
    /// Its last attempt was not sent.
    const UNSENT: Marks = Marks(4);
    /// It is not tried again.
    const IS_FINAL: Marks = Marks(8);
    /// One of its attempts waits for a place.
    const ONE_WAIT: Marks = Marks(16);

    fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }

    fn wait_count(self) -> u16 {
        self.0 / Marks::ONE_WAIT.0
    }
}

/// The entry of a slot, which is made if there is none.
fn entry<T: Clone + Default>(table: &mut Vec<T>, slot: u32) -> &mut T {
    let place = slot as usize;
    if table.len() <= place {
        table.resize(place + 1, T::default());
    }
    &mut table[place]
}
