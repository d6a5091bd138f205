//! The system under study.

pub mod observation;
pub mod view;
