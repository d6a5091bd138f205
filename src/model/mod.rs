//! The system under study.

pub mod observation;
pub mod sampler;
pub mod view;
