//! The command line, through the real binary.

mod files;
mod run;
mod strategies;
mod support;
mod verbs;
