//! `stormglass why RUN_DIR --change FAULT`.

use super::again::Again;
use super::interrupt::Interrupt;
use super::look_args::{ChangeFormat, WhyArgs};
use super::style::Console;
use super::{CliError, Exit};
use crate::id::FaultId;
use crate::report::change_text::change_text;
use crate::report::format;
use crate::trace::change::ChangeTrace;

/// Runs the scenario of a run directory again and tells how one window of a fault travelled.
pub fn run(args: &WhyArgs, name: &str, console: &mut Console) -> Result<Exit, CliError> {
    let again = Again::open(&args.run_dir, args.replication, &args.limits, console)?;
    let interrupt = Interrupt::listen()?;
    let faults = &again.loaded.scenario.faults;
    let bare = name.strip_prefix("fault.").unwrap_or(name);
    let Some(place) = faults.iter().position(|fault| fault.name == bare) else {
        let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
        return Err(CliError::Usage(match names.is_empty() {
            true => format!("the scenario has no fault, so none is called `{bare}`"),
            false => format!(
                "no fault is called `{bare}`; there are {}",
                names.join(", ")
            ),
        }));
    };
    let fault = FaultId::from_index(place);
    let mut trace = ChangeTrace::new(&again.loaded.scenario, fault, args.window);
    again.run(&interrupt, &mut trace, console)?;
    let begun = trace.begun_count();
    let Some(change) = trace.into_change() else {
        return Err(CliError::Usage(format!(
            "fault `{bare}` has {} in this run, counted from 0",
            format::counted(u64::from(begun), "window")
        )));
    };
    match args.format {
        ChangeFormat::Text => write!(console.out(), "{}", change_text(&change))?,
        ChangeFormat::Json => {
            let text = serde_json::to_string_pretty(&change).expect("plain data is JSON");
            writeln!(console.out(), "{text}")?;
        }
    }
    Ok(Exit::Done)
}
