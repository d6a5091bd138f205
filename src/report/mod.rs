//! How results are shown: files, pages, pictures and text. Computes nothing.

pub mod change_text;
pub mod comparison;
pub mod comparison_files;
pub mod comparison_text;
pub mod files;
mod flow;
pub mod format;
pub mod hgrm;
pub mod html;
mod html_data;
pub mod junit;
pub mod manifest;
pub mod markdown;
mod members;
pub mod offered;
pub mod page;
pub mod pictures;
pub mod place;
mod replay;
pub mod run_dir;
mod script;
pub mod series;
pub mod story_text;
pub mod study;
pub mod study_page;
pub mod summary;
pub mod sweep;
pub mod terminal;
pub mod terminal_class;
mod terminal_edge;
pub mod terminal_fault;
pub mod terminal_means;

#[cfg(test)]
mod fixture;
