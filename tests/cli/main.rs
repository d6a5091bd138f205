//! The command line, through the real binary.

mod chart;
mod compare;
mod detectors;
mod files;
mod run;
mod strategies;
mod support;
mod sweep;
mod sweep_shards;
mod verbs;
