//! Counters and histograms by scope and phase, from which any measure is put together.

/// The tables of one run.
#[derive(Clone, Debug, Default)]
pub struct Tables {}
