//! The measures of returns to the steady band after faults.

use super::super::measure::Measure;
use super::MeasureInfo;
use super::family::{of_fault, per_window};

/// They stand where members are in the catalog.
pub const RETURN_MEASURES: [MeasureInfo; 2] = [
    of_fault(per_window(
        Measure::MitigationTime,
        "mitigation_time",
        "Start of a fault to the first of five windows in a row back in the steady band: success \
         ratio >= steady - 0.1 points, p99 <= 1.25 x steady, or no worse than one of a hundred \
         steady windows. Windows are those of the series. Where the fault bites later, they \
         follow the first window that left the band (by more than chance explains in so many) \
         before its end, or before the last attempt to an instance that it took down or had \
         leave. A service that never left the band was back after 0 s. Windows without arrivals \
         are passed over; where fewer than five are left and none is out of the band, the time is \
         not told. What leaves the band once another fault began is not put down to this one; of \
         faults that overlap, or begin before the return from another, the report says that they \
         are not told apart.",
    )),
    of_fault(per_window(
        Measure::RecoveryTime,
        "recovery_time",
        "End of a fault to the first of five windows in a row back in the steady band, as for \
         mitigation_time; they follow the first window after the end that left the band while \
         attempts still went to instances that the fault took down or had leave. Where faults \
         overlap it tells when the service was back from all of them.",
    )),
];
