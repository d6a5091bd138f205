//! `stormglass man`.

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::Args;
use super::style::Console;
use super::{CliError, Exit};

/// Prints the manual page of the command or of one verb.
pub fn run(verb: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    let mut command = Args::command();
    command.build();
    if let Some(verb) = verb {
        command = command
            .find_subcommand(verb)
            .cloned()
            .ok_or_else(|| CliError::Usage(format!("there is no verb `{verb}`")))?
            .version(env!("CARGO_PKG_VERSION"));
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    console.out().write_all(&page)?;
    Ok(Exit::Done)
}
