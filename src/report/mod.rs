//! How results are shown: files and text. Computes nothing.

pub mod files;
pub mod format;
pub mod manifest;
pub mod run_dir;
pub mod series;
pub mod summary;
pub mod terminal;
pub mod terminal_fault;
