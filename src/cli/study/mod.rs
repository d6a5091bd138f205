//! Studies of few points with many replications: `optimize` and `sensitivity`.

pub mod args;
mod directory;
mod goal;
mod lab;
pub mod optimize;
pub mod sensitivity;
