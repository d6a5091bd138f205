//! Results as people read them: files, pictures, pages and the way numbers are written. Computes
//! nothing.

pub mod files;
pub mod format;
pub mod html;
pub mod manifest;
pub mod run_dir;
pub mod series;
pub mod summary;
pub mod terminal;
pub mod terminal_fault;
pub mod text;
