//! `stormglass schema`.

use super::style::Console;
use super::{CliError, Exit};
use crate::scenario::load::json_schema::json_schema;

/// Prints the JSON Schema of scenario files.
pub fn run(console: &mut Console) -> Result<Exit, CliError> {
    writeln!(console.out(), "{:#}", json_schema())?;
    Ok(Exit::Done)
}
