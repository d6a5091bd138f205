//! The `stormglass` command.

use std::process::ExitCode;

use stormglass::cli;

fn main() -> ExitCode {
    let args = cli::Args::from_command_line();
    cli::run(&args).into()
}
