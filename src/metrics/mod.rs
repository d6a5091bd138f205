//! What was seen in one run.
//!
//! [`data`] holds the numbers as plain data. `Recorder`, an observer of the model, makes them, and
//! [`evaluate`] reads one number of them or judges an expectation.

pub mod attempts;
mod balance;
pub mod cache;
pub mod class;
pub mod class_caller;
pub mod class_cpu;
pub mod class_load;
mod class_local;
pub mod connection;
pub mod control;
pub mod convergence;
pub mod data;
pub mod detection;
mod detection_cell;
pub mod detector;
pub mod edge_window;
pub mod evaluate;
pub mod exclusion;
#[cfg(test)]
mod exit_tests;
mod finish;
pub mod flow;
pub mod headcount;
pub mod histogram;
pub mod instance;
pub mod lengths;
pub mod level;
pub mod life;
pub mod member;
pub mod membership;
mod observe;
mod observe_fault;
mod observe_flow;
mod observe_request;
mod observe_server;
mod overlap;
mod passive;
pub mod phase;
mod pooled;
mod presence;
pub mod recorder;
pub mod replication;
pub mod request;
pub mod resilience;
pub mod ring;
pub mod rollout;
pub mod sample;
pub mod selection;
pub mod server;
pub mod service;
pub mod share_return;
pub mod steady;
pub mod table;
pub mod timeline;
pub mod window;
pub mod window_level;

#[cfg(test)]
mod belief_tests;
#[cfg(test)]
mod facts;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod recorder_tests;
