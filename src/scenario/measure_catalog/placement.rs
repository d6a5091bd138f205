//! The measures of where keys and picks go, and what a change moves.

use super::super::measure::{Measure, Unit};
use super::family::{CALL, RING, balance, number, of_fault, ratio, single};
use super::{MeasureInfo, Statistics};

/// They stand where rings are in the catalog.
pub const PLACEMENT_MEASURES: [MeasureInfo; 13] = [
    of_fault(MeasureInfo {
        scopes: RING,
        ..ratio(
            Measure::MovedKeyRatio,
            "moved_key_ratio",
            "Share of the hash space whose instance changes with the membership, by exact arcs.",
        )
    }),
    of_fault(MeasureInfo {
        scopes: RING,
        ..ratio(
            Measure::MovedRequestRatio,
            "moved_request_ratio",
            "Share of the requests whose instance changes with the membership: moved keys weighted \
             by their popularity.",
        )
    }),
    balance(
        Measure::Ownership,
        "ownership",
        RING,
        "Share of the hash space per instance, relative to its weight.",
    ),
    of_fault(balance(
        Measure::LoadAfterChange,
        "load_after_change",
        RING,
        "Requests per instance after the membership changed, relative to its weight.",
    )),
    MeasureInfo {
        scopes: CALL,
        statistics: Statistics::Deviation,
        ..ratio(
            Measure::SelectionError,
            "selection_error",
            "Share of the picks per instance against its share of the weight: largest absolute \
             and relative deviation, and the p-value of Pearson's chi-squared test.",
        )
    },
    MeasureInfo {
        scopes: CALL,
        statistics: Statistics::Prefix,
        ..number(
            Measure::Smoothness,
            "smoothness",
            CALL,
            "max: largest deviation, over all prefixes of a caller's picks, of an instance's count \
             from its share. burst_max: longest run of picks of one instance.",
        )
    },
    of_fault(single(
        Measure::SelectionConvergenceTime,
        "selection_convergence_time",
        Unit::Time,
        CALL,
        "Start of a change of weights to the first of five windows in a row in which every \
         instance has the share of the picks that its new weight promises, within four binomial \
         standard errors and one pick. Windows are as wide as those of the series and begin with \
         the change; new weights are the last ones of its first window. Infinite where the picks \
         never follow.",
    )),
    of_fault(single(
        Measure::ShareReturnTime,
        "share_return_time",
        Unit::Time,
        CALL,
        "End of a fault's first window to the first of five windows in a row in which the \
         instances that it hit get, together, at least the share of the attempts that they had \
         until it began, less four binomial standard errors and one attempt. Windows are as wide \
         as those of the series and begin with the end of the fault. Infinite where they do not \
         before the next window of the fault or the end of the run.",
    )),
    of_fault(MeasureInfo {
        scopes: RING,
        ..ratio(
            Measure::NeedlessMoveRatio,
            "needless_move_ratio",
            "Share of the hash space that moved from an instance that stayed, with no less weight, \
             to another that was there before and has no more weight. The rest of \
             `moved_key_ratio` had to move; it is as exact.",
        )
    }),
    number(
        Measure::UnderReplicatedKeySecs,
        "under_replicated_key_secs",
        DATA,
        "Keys of the service's `data` with fewer copies than `replicas`, times seconds, over the \
         whole run, warm-up included. A key whose last copy is lost is not counted any more. By \
         exact arcs; a copy of an arc counts when it is complete.",
    ),
    number(
        Measure::MovedBytes,
        "moved_bytes",
        DATA,
        "Bytes of the service's `data` that were copied from one instance to another, over the \
         whole run, in copies that were completed.",
    ),
    number(
        Measure::LostKeyCount,
        "lost_key_count",
        DATA,
        "Keys of the service's `data` whose last copy was lost, over the whole run: their share of \
         the ring, by exact arcs, times `keys`.",
    ),
    MeasureInfo {
        statistics: Statistics::PerWindow,
        ..single(
            Measure::FullReplicationTime,
            "full_replication_time",
            Unit::Time,
            DATA,
            "From the moment when some key of the service's `data` has too few copies until all \
             that are not lost have enough; without a word, the first of these times. Infinite \
             where that is not reached within the run.",
        )
    },
];

const DATA: &[&str] = &["service"];
