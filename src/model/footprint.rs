//! What a request in flight takes, counted in records and asserted.
//!
//! With every feature on, a request whose first attempt is under way takes 192 bytes. Timers and
//! events come on top, as they do in a plain run: the link of the attempt's timeout (24), or its
//! own timer where a deadline cuts it short (8), and 16 for each event in the queue. So does what
//! only some requests have: a retry its parts of the latency (56) and the list of what it tried,
//! a call that ended its share of the waiting of its owner (24), a cancellation its record (16).

use super::cache::MARK_BYTES;
use super::caller::{breakdown, family, resilience};
use super::connection::STREAM_BYTES;
use super::request::{Attempt, Request};
use crate::engine::Timer;
use crate::time::SimTime;

/// A request: itself, its parts of the latency, its place among the calls of an attempt, its list
/// of attempts, its hedge, its marks at the gate.
const REQUEST_BYTES: usize = size_of::<Request>()
    + breakdown::REQUEST_BYTES
    + family::MEMBER_BYTES
    + family::OWNER_BYTES
    + size_of::<Timer>()
    + resilience::REQUEST_BYTES;

/// An attempt: itself, what its instance waited for, its place among the attempts of its request,
/// its list of calls, the deadline that it carries, the levels that limits saw, its place on a
/// connection, what the cache of its instance said.
const ATTEMPT_BYTES: usize = size_of::<Attempt>()
    + breakdown::ATTEMPT_BYTES
    + family::MEMBER_BYTES
    + family::OWNER_BYTES
    + size_of::<SimTime>()
    + resilience::ATTEMPT_BYTES
    + STREAM_BYTES
    + MARK_BYTES;

const _: () = assert!(REQUEST_BYTES + ATTEMPT_BYTES <= 192);
