//! `stormglass completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use super::style::Console;
use super::{CliError, Exit};

/// Prints the completion script of a shell.
pub fn run(shell: Shell, console: &mut Console) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "stormglass", &mut script);
    console.out().write_all(&script)?;
    Ok(Exit::Done)
}
