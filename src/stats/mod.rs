//! What numbers mean: pure functions on slices, without a type of this project. Sums run in the
//! order of the slice, so that equal slices give equal bits.

pub mod batch;
pub mod binomial;
pub mod chi_squared;
pub mod contrast;
pub mod holm;
pub mod interval;
#[cfg(test)]
pub mod kolmogorov;
pub mod moments;
pub mod poisson;
pub mod quantile;
pub mod section;
pub mod share;
mod special;
pub mod warmup;
