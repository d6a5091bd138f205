//! Many points of a scenario, each run with the same seeds.

pub mod execute;
pub mod objective;
pub mod paired;
pub mod pareto;
pub mod points;
pub mod summary;
