//! `stormglass init`: commented scenarios to start from.

use std::fs::File;
use std::io::{self, Write};

use clap::ValueEnum;

use super::args::InitArgs;
use super::style::Console;
use super::{CliError, Exit};

/// The questions that one may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// One server of four crashes: who notices, and what is lost?
    Quickstart,
    /// Which heartbeat interval and timeout, under loss and pauses?
    Heartbeat,
    /// Which balancing strategy, with one slow server?
    Balancing,
    /// How many keys move when a server of a hash ring is lost?
    Ring,
}

impl Template {
    /// All of them.
    pub const ALL: [Template; 4] = [
        Template::Quickstart,
        Template::Heartbeat,
        Template::Balancing,
        Template::Ring,
    ];

    fn name(self) -> &'static str {
        match self {
            Template::Quickstart => "quickstart",
            Template::Heartbeat => "heartbeat",
            Template::Balancing => "balancing",
            Template::Ring => "ring",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Template::Quickstart => super::load::QUICKSTART,
            Template::Heartbeat => include_str!("templates/heartbeat.toml"),
            Template::Balancing => include_str!("templates/balancing.toml"),
            Template::Ring => include_str!("templates/ring.toml"),
        }
    }
}

/// Writes a template to a new file in the current directory.
pub fn run(args: &InitArgs, console: &mut Console) -> Result<Exit, CliError> {
    let file_name = format!("{}.toml", args.template.name());
    write_new(&file_name, args.template.text()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::Usage(format!("{file_name}: exists already and is left as it is"))
        }
        _ => CliError::File {
            path: file_name.clone(),
            source,
        },
    })?;
    writeln!(console.out(), "{file_name}")?;
    console.note(format_args!("run it with: stormglass run {file_name}"));
    Ok(Exit::Done)
}

/// Writes a file that must not exist. A failure leaves none.
fn write_new(file_name: &str, text: &str) -> io::Result<()> {
    let mut file = File::create_new(file_name)?;
    let result = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if result.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(file_name);
    }
    result
}
