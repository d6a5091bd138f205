//! Failure detectors that a calling side owns. The registry's own detector is its leases.
//!
//! `pairs` keeps them in step with the lists; `ping` asks, `push` listens. Who listens judges by
//! one of the state machines, which know neither the network nor the queue.

mod arrival_estimate;
mod bertier;
mod chen_nfd_e;
mod chen_nfd_s;
mod fixed_timeout;
pub mod health;
mod judge;
pub mod pairs;
mod phi_akka;
mod phi_cassandra;
mod phi_paper;
pub mod ping;
pub mod push;
mod window;
