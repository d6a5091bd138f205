//! What was seen in one run.
//!
//! [`data`] holds the numbers as plain data. `Recorder`, an observer of the model, makes them, and
//! [`evaluate`] reads one number of them or judges an expectation.

pub mod control;
pub mod data;
pub mod evaluate;
pub mod table;
