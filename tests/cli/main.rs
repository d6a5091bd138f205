//! The command line, through the real binary.

mod chart;
mod compare;
mod compare_sources;
mod detectors;
mod files;
mod overwrite;
mod proxies;
mod registries;
mod report_size;
mod run;
mod statistics;
mod strategies;
mod study;
mod support;
mod sweep;
mod sweep_report;
mod sweep_shards;
mod trace;
mod verbs;
