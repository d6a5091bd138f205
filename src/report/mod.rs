//! How results are shown: files and text. Computes nothing.

pub mod manifest;
pub mod run_dir;
