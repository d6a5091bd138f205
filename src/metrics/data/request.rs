//! Requests of clients, by phase and by client.

use serde::Serialize;

use super::class::ClassMetrics;
use super::distribution::{CurvePoint, DurationStats};

/// Requests of all clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RequestMetrics {
    /// The whole measured window, the steady rest, then before, during, after and outside every
    /// fault.
    pub phases: Vec<PhaseMetrics>,
    /// Every client over the whole measured window.
    pub clients: Vec<ClientMetrics>,
    /// Every class over the whole measured window; empty where no client has classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassMetrics>,
    /// Share of windows with arrivals whose success ratio reached the objective.
    pub window_availability_ratio: Option<f64>,
}

/// Part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseKind {
    /// The whole measured window.
    Whole,
    /// Measured, outside every fault and its recovery.
    Steady,
    /// Before the first window of a fault.
    Before,
    /// In a window of a fault.
    During,
    /// After the first window of a fault and in none of its windows.
    After,
    /// In no window of a fault.
    Outside,
}

/// Requests that arrived in one part of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseMetrics {
    /// Which part.
    pub kind: PhaseKind,
    /// Of which fault; None for `whole` and `steady`.
    pub fault: Option<String>,
    /// `whole run`, `steady`, `during rack-b`.
    pub label: String,
    /// The requests.
    pub stats: RequestStats,
    /// Latency of successes by percentile, from p0 to the highest percentile that is not withheld,
    /// spaced for a nines axis.
    pub latency_curve: Vec<CurvePoint>,
}

/// Requests of one client.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientMetrics {
    /// Its name.
    pub client: String,
    /// The requests of the measured window.
    pub stats: RequestStats,
}

/// Requests that arrived in one part of the run, counted at their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RequestStats {
    /// Length of that part.
    pub duration_secs: f64,
    /// Requests that arrived.
    pub arrived_count: u64,
    /// Requests that succeeded within their deadline.
    pub succeeded_count: u64,
    /// Requests that ended in an error.
    pub failed_count: u64,
    /// Requests whose time ran out.
    pub timed_out_count: u64,
    /// Requests that were turned away: by a full queue or a limit, or by the caller itself.
    pub rejected_count: u64,
    /// Requests without an outcome at the end of the run.
    pub in_flight_count: u64,
    /// Calls that began in that part: the first one of a request as it arrives, the next one as the
    /// one before succeeds.
    pub call_count: u64,
    /// Attempts sent for requests in that part.
    pub attempt_count: u64,
    /// Of these, attempts after the first one of their call.
    pub retry_count: u64,
    /// Succeeded over arrived; None where nothing arrived.
    pub success_ratio: Option<f64>,
    /// Arrivals per second.
    pub request_rate_rps: Option<f64>,
    /// Successes per second.
    pub goodput_rps: Option<f64>,
    /// Attempts sent over calls that began.
    pub amplification_ratio: Option<f64>,
    /// Latency of the successes: intended arrival to outcome, with 3 significant digits.
    pub latency: DurationStats,
}
