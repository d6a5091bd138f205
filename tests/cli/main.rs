//! The command line, through the real binary.

mod compare;
mod compare_sources;
mod detectors;
mod files;
mod run;
mod strategies;
mod support;
mod verbs;
