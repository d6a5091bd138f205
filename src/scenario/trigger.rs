//! When faults begin by what happens in a run, how they spread, and what replaces their victims.

use super::distribution::Distribution;
use super::fault::FaultConfig;
use super::selector::Selector;
use crate::id::{FaultId, ZoneId};
use crate::time::SimDuration;

/// What begins the windows of a fault that has no times of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// `after = "fault.x + 2s"`: every window of another fault.
    After(After),
    /// `when = "queue_depth > 500 for 5s"`: a condition on instances.
    When(Condition),
}

/// `after = "fault.x.end + 2s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The other fault.
    pub fault: FaultId,
    /// Counted from the end of its windows, not from their start.
    pub is_from_end: bool,
    /// From there to the start of the window that follows.
    pub delay: SimDuration,
}

/// `when = "queue_depth of service:web > 500 for 5s"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As written, for messages.
    pub text: String,
    /// What is compared.
    pub quantity: Quantity,
    /// The instances that it is taken over; None: those that the fault may act on.
    pub over: Option<Selector>,
    /// True where it must be above the limit, false where it must be below.
    pub is_above: bool,
    /// The limit, which itself does not count.
    pub limit: f64,
    /// How long it must hold without a break.
    pub hold: SimDuration,
    /// The fault may begin again after it ended, when the condition has held anew for `hold`.
    pub is_again: bool,
}

/// A number of some instances at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Attempts that wait in all their queues together.
    QueueDepth,
    /// Attempts that wait or hold a worker, together.
    InFlight,
    /// Busy workers / workers of the instances that are up; 0 where none is.
    Utilization,
}

/// `spread = { ratio = "30%", delay = "5s", among = "host" }`: others follow the targets.
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadConfig {
    /// Probability with which each of the others follows.
    pub ratio: f64,
    /// From the start of a window to the start of what follows; it ends with the window.
    pub delay: Distribution,
    /// Who the others are.
    pub among: SpreadAmong,
}

/// Instances that may follow a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpreadAmong {
    /// Those on its host.
    Host,
    /// Those of its group.
    Group,
    /// Those in its zone.
    Zone,
}

/// `replace = { after = "60s", identity = "new", zone = "b" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceConfig {
    /// From the start of a window to the replacement.
    pub after: SimDuration,
    /// What comes.
    pub identity: Identity,
}

/// What replaces a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The instance itself, started again.
    Keep,
    /// A new instance; the victim never comes back. `zone`: in a group of its service there, and
    /// not in its own.
    New { zone: Option<ZoneId> },
}

/// Whether only a run decides when the windows of a fault begin: it has a condition, or follows
/// a fault that has one, or the end of one that ends by itself.
pub fn is_dynamic(faults: &[FaultConfig], fault: FaultId) -> bool {
    match &faults[fault.index()].trigger {
        Some(Trigger::When(_)) => true,
        Some(Trigger::After(after)) => {
            let ends_by_itself = faults[after.fault.index()].kind.ends_by_itself();
            (after.is_from_end && ends_by_itself) || is_dynamic(faults, after.fault)
        }
        None => false,
    }
}

/// Whether only a run decides when the windows of a fault begin or end.
pub fn has_dynamic_windows(faults: &[FaultConfig], fault: FaultId) -> bool {
    faults[fault.index()].kind.ends_by_itself() || is_dynamic(faults, fault)
}
