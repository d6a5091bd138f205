//! Laws of sizes in bytes, as a scenario states them.

/// The law of the size of a message, in bytes. Valid by construction: every mean is positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeLaw {
    /// Always the same.
    Constant { bytes: f64 },
    /// Uniform on `[min, max]`.
    Uniform { min_bytes: f64, max_bytes: f64 },
    /// Exponential.
    Exponential { mean_bytes: f64 },
    /// `exp(mu + sigma Z)` bytes with a standard normal `Z`.
    LogNormal { mu_log_bytes: f64, sigma: f64 },
    /// Pareto with tail index `shape`, truncated to `[min, max]`.
    BoundedPareto {
        min_bytes: f64,
        max_bytes: f64,
        shape: f64,
    },
}
