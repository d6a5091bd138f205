use super::style::Console;
use super::{CliError, Exit};
pub fn run(_c: &mut Console) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
