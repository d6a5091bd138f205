//! The clock, the queue and the timers of one run. This layer has never heard of RPC.
//!
//! Events are totally ordered by `(time, sequence)`, where the sequence number is drawn when an
//! event is pushed or a timer is set; see [`EventQueue`]. A cancelled timer is never handled:
//! timers of one constant length live in [`Lanes`], those that are mostly cancelled in
//! [`Deadlines`], all others in a [`TimerTable`] or a [`Timer`].

pub mod deadline;
pub mod dense;
pub mod digest;
pub mod fifo;
pub mod guard;
pub mod heap;
pub mod key;
pub mod lane;
pub mod line;
pub mod queue;
pub mod slab;
pub mod timer;
pub mod wheel;

pub use deadline::Deadlines;
pub use dense::{Dense, DenseMap};
pub use digest::Digest;
pub use guard::{Guard, Stop};
pub use heap::Heap;
pub use key::{Key, NEVER_NS};
pub use lane::{Fired, Lanes};
pub use line::Line;
pub use queue::{EventQueue, Packed, PendingSet};
pub use slab::Slab;
pub use timer::{Timer, TimerId, TimerTable};
pub use wheel::Wheel;
