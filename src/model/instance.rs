//! An instance: its queue, its workers and how fast it works.

use super::cpu::Cpu;
use super::request::NIL;
use super::sharing::Sharing;
use super::waiting::Waiting;
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
    /// Attempts that wait for asynchronous calls and hold no worker.
    pub free_count: u32,
    /// Attempts in the queue.
    pub waiting_count: u32,
    /// First in the queue.
    pub waiting_first: u32,
    /// Last in the queue.
    pub waiting_last: u32,
    /// Nothing but its speed decides how long work takes, and nothing but its queue what waits:
    /// it shares nothing, warms up at no time, has no rules, limits, deadlines, or connections.
    pub is_plain: bool,
    /// It takes no new connections, and no attempts that none carries.
    pub is_closing: bool,
    /// Error faults that act on it.
    pub error_fault_count: u16,
    /// Work done per second by an idle worker, without faults.
    pub speed: f64,
    /// Product of the factors of the slow faults that act on it; 1 for none.
    pub slow_factor: f64,
    /// Weight by which callers see it.
    pub weight: f64,
    /// Under processor sharing: how the running ones share the workers.
    pub sharing: Option<Box<Sharing>>,
    /// Where its work shares cores: its CPU.
    pub cpu: Option<Box<Cpu>>,
    /// Where its queue has rules of its own: what waits. The links of attempts are then unused.
    pub waiting: Option<Box<Waiting>>,
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
            free_count: 0,
            waiting_count: 0,
            waiting_first: NIL,
            waiting_last: NIL,
            is_plain: false,
            is_closing: false,
            error_fault_count: 0,
            speed,
            slow_factor: 1.0,
            weight,
            sharing: None,
            cpu: None,
            waiting: None,
        }
    }

    /// What its work shares: the workers under processor sharing, or its CPU.
    pub fn shared(&self) -> Option<&Sharing> {
        let of_cpu = || self.cpu.as_ref().map(|cpu| &cpu.sharing);
        self.sharing.as_deref().or_else(of_cpu)
    }

    /// The same, to change it.
    pub fn shared_mut(&mut self) -> Option<&mut Sharing> {
        match &mut self.sharing {
            Some(sharing) => Some(sharing),
            None => self.cpu.as_mut().map(|cpu| &mut cpu.sharing),
        }
    }

    /// Work done per second by a worker that is not shared.
    #[inline]
    pub fn rate(&self) -> f64 {
        self.speed / self.slow_factor
    }
}
