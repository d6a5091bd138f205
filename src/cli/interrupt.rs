//! Ctrl-C and SIGTERM end a run between two events, so that nothing is left half-written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

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
