//! An instance: its queue, its workers and how fast it works.

use super::request::NIL;
use super::sharing::Sharing;
use crate::id::ServiceId;

/// One server process. The attempts in its queue are linked through their slots.
#[derive(Debug)]
pub struct Instance {
    /// Its service.
    pub service: ServiceId,
    /// Requests that it serves at once.
    pub worker_count: u32,
    /// Workers that serve, or hold a request whose call is under way.
    pub busy_count: u32,
    /// Attempts in the queue.
    pub waiting_count: u32,
    /// First in the queue.
    pub waiting_first: u32,
    /// Last in the queue.
    pub waiting_last: u32,
    /// Error faults that act on it.
    pub error_fault_count: u16,
    /// It is leaving and renews no lease.
    pub is_leaving: bool,
    /// Work done per second by an idle worker, without faults.
    pub speed: f64,
    /// Product of the factors of the slow faults that act on it; 1 for none.
    pub slow_factor: f64,
    /// Weight by which callers see it.
    pub weight: f64,
    /// Under processor sharing: how the running ones share the workers.
    pub sharing: Option<Box<Sharing>>,
}

// An idle instance takes this, a node, a lease and its heartbeat: well below 256 bytes.
const _: () = assert!(size_of::<Instance>() <= 96);

impl Instance {
    /// An idle instance.
    pub fn new(service: ServiceId, worker_count: u32, speed: f64, weight: f64) -> Self {
        Instance {
            service,
            worker_count,
            busy_count: 0,
            waiting_count: 0,
            waiting_first: NIL,
            waiting_last: NIL,
            error_fault_count: 0,
            is_leaving: false,
            speed,
            slow_factor: 1.0,
            weight,
            sharing: None,
        }
    }

    /// Work done per second by a worker that is not shared.
    #[inline]
    pub fn rate(&self) -> f64 {
        self.speed / self.slow_factor
    }
}
