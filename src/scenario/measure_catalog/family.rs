//! What families of measures have in common: their scopes, their units, their statistics.

use super::super::measure::{Measure, Unit};
use super::{MeasureInfo, Statistics};

pub(super) const REQUEST: &[&str] = &["client", "zone", "call", "class"];
pub(super) const RETURN: &[&str] = &["client", "zone", "call"];
pub(super) const CALL: &[&str] = &["client", "call"];
pub(super) const CALL_CLASS: &[&str] = &["client", "call", "class"];
pub(super) const WORK: &[&str] = &["service", "zone", "instance", "class"];
pub(super) const SERVER: &[&str] = &["service", "zone", "instance"];
pub(super) const DETECTOR: &[&str] = &["call", "client", "service"];
pub(super) const LIMIT: &[&str] = &["call", "client", "service"];
pub(super) const CONNECTED: &[&str] = &["call", "client", "service"];
pub(super) const CONNECTED_CLASS: &[&str] = &["call", "client", "service", "class"];
pub(super) const CACHE: &[&str] = &["call", "client", "service", "class"];
pub(super) const RING: &[&str] = &["call", "client", "service"];

pub(super) const fn single(
    measure: Measure,
    name: &'static str,
    unit: Unit,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        measure,
        name,
        unit,
        statistics: Statistics::Single,
        scopes,
        is_of_fault: false,
        can_exceed_one: false,
        definition,
    }
}

pub(super) const fn ratio(
    measure: Measure,
    name: &'static str,
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Ratio, REQUEST, definition)
}

pub(super) const fn by_call(
    measure: Measure,
    name: &'static str,
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Ratio, CALL, definition)
}

pub(super) const fn by_call_and_class(
    measure: Measure,
    name: &'static str,
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Ratio, CALL_CLASS, definition)
}

pub(super) const fn rate(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Rate, scopes, definition)
}

pub(super) const fn number(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    single(measure, name, Unit::Number, scopes, definition)
}

pub(super) const fn times(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::Distribution,
        ..single(measure, name, Unit::Time, scopes, definition)
    }
}

pub(super) const fn per_window(
    measure: Measure,
    name: &'static str,
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::PerWindow,
        ..single(measure, name, Unit::Time, RETURN, definition)
    }
}

pub(super) const fn balance(
    measure: Measure,
    name: &'static str,
    scopes: &'static [&'static str],
    definition: &'static str,
) -> MeasureInfo {
    MeasureInfo {
        statistics: Statistics::Balance,
        ..single(measure, name, Unit::Number, scopes, definition)
    }
}

pub(super) const fn of_fault(info: MeasureInfo) -> MeasureInfo {
    MeasureInfo {
        is_of_fault: true,
        ..info
    }
}

pub(super) const fn beyond_one(info: MeasureInfo) -> MeasureInfo {
    MeasureInfo {
        can_exceed_one: true,
        ..info
    }
}
