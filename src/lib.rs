//! Stormglass: a deterministic discrete-event simulator of RPC high availability.
//!
//! ```text
//!            scenarios/*.toml                                seeds
//!                  |                                           |
//!   time  rng  id  quantity  hash  stats   <- base: no project module used but each other
//!                  |
//!              scenario               <- what may be asked     (mirrors model/)
//!                  |
//!               engine                <- clock, queue, digest  (has never heard of RPC)
//!                  |
//!                model                <- what happens          (emits Observations)
//!                  |
//!               metrics               <- what was seen         (one run)
//!                  |
//!                trace                <- single requests       (followed through one run)
//!                  |
//!             experiment              <- many runs             (the only place with threads)
//!                  |
//!           chart  ->  report         <- how it is shown       (computes nothing)
//!                  |
//!                 cli                 <- who asks              (the only place that prints)
//! ```
//!
//! [`model::balancer`] shows how to run a balancing strategy of your own.

pub mod hash;
pub mod id;
pub mod quantity;
pub mod rng;
pub mod stats;
pub mod time;

pub mod scenario;

pub mod engine;

pub mod model;

pub mod metrics;

pub mod trace;

pub mod experiment;

pub mod chart;

pub mod report;

pub mod cli;

#[cfg(test)]
mod oracle;
