//! What numbers mean: pure functions on slices, without a type of this project. Sums run in the
//! order of the slice, so that equal slices give equal bits.

pub mod chi_squared;
pub mod interval;
pub mod moments;
pub mod quantile;
mod special;
