//! How the command speaks: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};

use super::args::{ColorWhen, VoiceArgs};

/// Marks what is good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Marks what is bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Marks what is doubtful.
pub const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// Marks headings.
pub const HEADING: Style = Style::new().bold();
/// Marks what may be skipped.
pub const FAINT: Style = Style::new().dimmed();

/// Standard output and standard error, with the colors and the talkativeness asked for.
#[derive(Debug)]
pub struct Console {
    out: BufWriter<PipeTolerant<AutoStream<io::Stdout>>>,
    err: PipeTolerant<AutoStream<io::Stderr>>,
    is_quiet: bool,
    is_verbose: bool,
}

impl Console {
    /// Speaks as the flags say.
    pub fn new(voice: &VoiceArgs) -> Self {
        let choice = match voice.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::AlwaysAnsi,
            ColorWhen::Never => ColorChoice::Never,
        };
        Console {
            out: BufWriter::new(PipeTolerant::new(AutoStream::new(io::stdout(), choice))),
            err: PipeTolerant::new(AutoStream::new(io::stderr(), choice)),
            is_quiet: voice.quiet,
            is_verbose: voice.verbose,
        }
    }

    /// Standard output, buffered. A reader that went away is no error.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Whether standard error shows ANSI colors.
    pub fn is_err_colored(&self) -> bool {
        self.err.inner.current_choice() != ColorChoice::Never
    }

    /// Whether progress belongs on standard error, and whether it is a terminal.
    pub fn progress_mode(&self) -> ProgressMode {
        match (self.is_quiet, io::stderr().is_terminal()) {
            (true, _) => ProgressMode::Silent,
            (false, true) => ProgressMode::Bar,
            (false, false) => ProgressMode::Lines,
        }
    }

    /// Says what went wrong.
    pub fn error(&mut self, message: impl Display) {
        self.say(format_args!("{BAD}error{BAD:#}: {message}"));
    }

    /// Says what the reader should know, unless silence was asked for.
    pub fn note(&mut self, message: impl Display) {
        if !self.is_quiet {
            self.say(message);
        }
    }

    /// Says what only the curious want to know.
    pub fn detail(&mut self, message: impl Display) {
        if self.is_verbose {
            self.say(message);
        }
    }

    /// Writes a line to standard error, after what was said before on standard output.
    pub fn say(&mut self, message: impl Display) {
        // Standard error has nowhere to report its own failure; what standard output does not
        // take stays in the buffer, and the flush at the end reports it.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{message}");
    }
}

/// Standard output for bytes that are no text. A reader that went away is no error.
pub fn raw_out() -> impl Write {
    PipeTolerant::new(io::stdout().lock())
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// Not at all.
    Silent,
    /// As a bar on a terminal.
    Bar,
    /// As a line from time to time.
    Lines,
}

/// A writer that goes on into nothing when its reader is gone, as under `| head`.
#[derive(Debug)]
struct PipeTolerant<W> {
    inner: W,
    is_closed: bool,
}

impl<W: Write> PipeTolerant<W> {
    fn new(inner: W) -> Self {
        PipeTolerant {
            inner,
            is_closed: false,
        }
    }

    fn tolerate<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for PipeTolerant<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.tolerate(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.tolerate(result, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut out = PipeTolerant::new(Closed);
        out.write_all(b"results").expect("tolerated");
        out.flush().expect("tolerated");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut out = PipeTolerant::new(Full);
        let error = out.write_all(b"results").expect_err("not tolerated");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
