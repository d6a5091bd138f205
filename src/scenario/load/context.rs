//! What every reader shares: the texts, the errors so far, the limits and the input files.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::inputs::Inputs;
use super::source::{Origin, Sources};
use super::warning::WarningCode;

/// What every reader shares.
pub struct Context<'a> {
    /// The texts.
    pub sources: &'a Sources,
    /// What is wrong so far.
    pub diagnostics: &'a mut Diagnostics,
    /// The CSV files that the scenario names.
    pub inputs: &'a mut Inputs,
    /// The places of the measures that are asked for besides `[expect]`.
    pub asked: &'a [Origin],
}

impl Context<'_> {
    /// Takes note of an error.
    pub fn error(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.error(diagnostic);
    }

    /// Takes note of a warning.
    pub fn warn(&mut self, code: WarningCode, diagnostic: Diagnostic) {
        self.diagnostics.warn(code, diagnostic);
    }

    /// Errors so far: relations between values are checked only where each is right by itself.
    pub fn error_count(&self) -> usize {
        self.diagnostics.error_count()
    }
}
