//! Signals that must leave nothing half-written: Ctrl-C and SIGTERM end a run between two events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A file that grows beyond the limit of the shell (`ulimit -f`) is an error of its writer, who
/// clears up, and not the end of the process. Where that cannot be had, the process ends.
#[cfg(unix)]
pub fn survive_large_files() {
    use signal_hook::consts::SIGXFSZ;
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Other systems have no such signal.
#[cfg(not(unix))]
pub fn survive_large_files() {}

/// Says whether the user asked to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    is_raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes over the signals. Before this call they end the process at once, which is right
    /// while nothing has been written.
    pub fn listen() -> Result<Self, ctrlc::Error> {
        // A process has one handler; whoever asks again hears it too.
        static LISTENING: OnceLock<Interrupt> = OnceLock::new();
        if let Some(interrupt) = LISTENING.get() {
            return Ok(interrupt.clone());
        }
        let is_raised = Arc::new(AtomicBool::new(false));
        let handle = Arc::clone(&is_raised);
        ctrlc::set_handler(move || handle.store(true, Ordering::Relaxed))?;
        Ok(LISTENING.get_or_init(|| Interrupt { is_raised }).clone())
    }

    /// Whether a signal has come.
    pub fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Relaxed)
    }
}
