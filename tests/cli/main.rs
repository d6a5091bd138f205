//! The command line, through the real binary.

mod compare;
mod files;
mod run;
mod strategies;
mod support;
mod verbs;
