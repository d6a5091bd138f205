//! Which instances a call edge picked, against their weights.

use serde::Serialize;

/// One call edge, over the measured window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeMetrics {
    /// `client.shop.call.web`.
    pub edge: String,
    /// The service that is called.
    pub service: String,
    /// Attempts sent.
    pub attempt_count: u64,
    /// Attempts after the first one of their call.
    pub retry_count: u64,
    /// Attempts sent to an instance that was down.
    pub wasted_attempt_count: u64,
    /// Calls that ended, by outcome.
    pub calls: CallCounts,
    /// The picks against the weights.
    pub selection: SelectionStats,
    /// Every instance of the service with a pick or an expectation, up to the 500 most picked.
    pub shares: Vec<InstanceShare>,
}

/// Calls by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// Good replies in time.
    pub succeeded_count: u64,
    /// Errors.
    pub failed_count: u64,
    /// Time ran out.
    pub timed_out_count: u64,
    /// Turned away: by a full queue or a limit, or by the caller itself.
    pub rejected_count: u64,
}

/// How well the picks follow the weights. The expected number of picks of an instance is the sum of
/// `weight / total weight` over all picks, in the view that the caller held at the pick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SelectionStats {
    /// Picks.
    pub pick_count: u64,
    /// Largest `|share - expected share|`.
    pub deviation_absolute_max: Option<f64>,
    /// Largest `|share / expected share - 1|` over instances with an expectation.
    pub deviation_relative_max: Option<f64>,
    /// Pearson's statistic.
    pub chi_squared: Option<f64>,
    /// Instances with an expectation, minus one.
    pub degrees_of_freedom: u64,
    /// P-value of the statistic; None where an expectation is below 5 picks, and where picks are
    /// not independent: by their strategy, or because retries avoid the instances that were tried
    /// or a breaker or a limit leaves instances out.
    pub chi_squared_p: Option<f64>,
    /// Largest `|picks - expected picks|` of an instance over all beginnings of the sequence of one
    /// caller in one view, in picks.
    pub prefix_deviation_max: Option<f64>,
    /// Callers whose sequences were followed for the prefix deviation.
    pub prefix_caller_count: u64,
    /// Longest run of picks of one instance by one caller.
    pub burst_max: u64,
}

/// One instance's share of the picks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceShare {
    /// Its place in the tables of the run.
    pub instance: u32,
    /// `web/a/3`.
    pub name: String,
    /// Picks.
    pub pick_count: u64,
    /// Share of all picks of the edge.
    pub share_ratio: f64,
    /// Share that the weights promise.
    pub expected_ratio: f64,
    /// Largest `|picks - expected picks|` over all beginnings of the sequence of one followed
    /// caller in one view, in picks.
    #[serde(skip)]
    pub prefix_deviation_max: f64,
    /// Longest run of picks of it by one caller.
    #[serde(skip)]
    pub burst_max: u64,
}
