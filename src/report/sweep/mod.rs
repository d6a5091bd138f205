//! Sweeps: the plan, the records of runs and the tables that are made of them.

mod evidence_text;
mod maps;
pub mod page;
pub mod pictures;
pub mod plan_file;
pub mod records;
pub mod shard;
pub mod tables;
pub mod text;
