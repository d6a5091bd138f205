//! The warnings that a scenario can draw, each with its code.

/// What a scenario is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningCode {
    /// W01: more work arrives than the workers can do.
    Overload,
    /// W02: a lease or ping timeout is not longer than its interval.
    TimeoutWithinInterval,
    /// W03: a fault begins after the run or in its warm-up, or ends after it.
    FaultOutsideRun,
    /// W04: an expectation names a percentile that has too few samples.
    TooFewSamples,
    /// W05: an expectation cannot fail, or cannot hold.
    EmptyExpectation,
    /// W06: a fault begins at a multiple of an aligned period.
    AlignedFault,
    /// W07: setting a tag dropped keys of the old variant.
    DroppedKeys,
    /// W08: nothing is expected.
    NoExpectation,
    /// W09: something is defined and never used.
    Unused,
    /// W10: a key is set where it does nothing.
    NoEffect,
    /// W11: a call waits for ever for a message that is lost.
    EndlessCall,
    /// W12: a number is valid and probably not what is meant.
    UnlikelyNumber,
}

impl WarningCode {
    /// The code that is printed.
    pub fn name(self) -> &'static str {
        match self {
            WarningCode::Overload => "W01",
            WarningCode::TimeoutWithinInterval => "W02",
            WarningCode::FaultOutsideRun => "W03",
            WarningCode::TooFewSamples => "W04",
            WarningCode::EmptyExpectation => "W05",
            WarningCode::AlignedFault => "W06",
            WarningCode::DroppedKeys => "W07",
            WarningCode::NoExpectation => "W08",
            WarningCode::Unused => "W09",
            WarningCode::NoEffect => "W10",
            WarningCode::EndlessCall => "W11",
            WarningCode::UnlikelyNumber => "W12",
        }
    }
}
