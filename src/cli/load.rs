//! Loading.
use super::CliError;
use super::args::RunArgs;
use super::style::Console;
use crate::report::files::ScenarioOrigin;
use crate::scenario::Scenario;

pub const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");

pub struct Loaded {
    pub scenario: Scenario,
    pub origin: ScenarioOrigin,
}

pub fn for_run(_args: &RunArgs, _console: &mut Console) -> Result<Loaded, CliError> {
    Err(CliError::Usage("not wired".into()))
}
pub fn for_verify(
    _path: &std::path::Path,
    _limits: &super::args::LimitArgs,
    _console: &mut Console,
) -> Result<Loaded, CliError> {
    Err(CliError::Usage("not wired".into()))
}
