//! The command line, through the real binary.

mod files;
mod run;
mod support;
mod verbs;
