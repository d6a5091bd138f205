//! The command line, through the real binary.

mod detectors;
mod files;
mod run;
mod strategies;
mod support;
mod verbs;
