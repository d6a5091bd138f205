//! Simulated time: an instant and a length, both whole nanoseconds.
//!
//! The two are different types, so that swapped arguments do not compile. Floating point enters
//! simulated time through [`SimDuration::from_secs_f64`] and nowhere else.

use serde::Serialize;

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Nanoseconds per second.
pub const NANOS_PER_SEC: u64 = 1_000_000_000;

/// A length of simulated time in whole nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SimDuration(u64);

/// A point of simulated time, counted from the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SimTime(u64);

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// Longer than any run: arithmetic that reaches it means "never".
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// A length of `ns` nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        SimDuration(ns)
    }

    /// A length of `us` microseconds.
    pub const fn from_us(us: u64) -> Self {
        SimDuration(us * 1_000)
    }

    /// A length of `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        SimDuration(ms * 1_000_000)
    }

    /// A length of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        SimDuration(secs * NANOS_PER_SEC)
    }

    /// Rounds `secs` to the nearest nanosecond: the only door from floating point into simulated
    /// time. Negative and NaN give zero, more than the range gives [`SimDuration::MAX`].
    #[inline]
    pub fn from_secs_f64(secs: f64) -> Self {
        // The cast saturates; adding one half and truncating is exact below 2^52 ns (52 days).
        let ns = secs * NANOS_PER_SEC as f64 + 0.5;
        // Processors convert to signed numbers in one step.
        SimDuration(if ns < i64::MAX as f64 {
            (ns as i64).max(0) as u64
        } else {
            ns as u64
        })
    }

    /// Whole nanoseconds.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Seconds, for statistics and output.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }

    /// Milliseconds, for statistics and output.
    pub fn as_ms_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The sum, or [`SimDuration::MAX`] past the range.
    #[inline]
    pub fn saturating_add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }

    /// The difference, or zero when `other` is longer.
    #[inline]
    pub fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }

    /// This length `factor` times, or [`SimDuration::MAX`] past the range.
    pub fn saturating_mul(self, factor: u64) -> SimDuration {
        SimDuration(self.0.saturating_mul(factor))
    }

    /// This length scaled by `factor`, rounded to the nearest nanosecond.
    #[inline]
    pub fn scaled(self, factor: f64) -> SimDuration {
        SimDuration((self.0 as f64 * factor + 0.5) as u64)
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl SimTime {
    /// The start of the run.
    pub const START: SimTime = SimTime(0);
    /// Past the end of every run.
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// The instant `ns` nanoseconds after the start.
    pub const fn from_ns(ns: u64) -> Self {
        SimTime(ns)
    }

    /// Nanoseconds since the start.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Seconds since the start, for statistics and output.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }

    /// The time elapsed since `earlier`.
    ///
    /// # Panics
    ///
    /// If `earlier` is later than `self`: simulated time never runs backwards.
    #[inline]
    pub fn since(self, earlier: SimTime) -> SimDuration {
        if self < earlier {
            ran_backwards(earlier, self);
        }
        SimDuration(self.0 - earlier.0)
    }
}

#[cold]
fn ran_backwards(earlier: SimTime, later: SimTime) -> ! {
    panic!("time ran backwards: {earlier} > {later}")
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;

    /// Past the range the result is [`SimTime::NEVER`].
    #[inline]
    fn add(self, length: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(length.0))
    }
}

impl Add for SimDuration {
    type Output = SimDuration;

    #[inline]
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;

    /// # Panics
    ///
    /// If `other` is longer than `self`.
    fn sub(self, other: SimDuration) -> SimDuration {
        assert!(other <= self, "negative length of time: {self} - {other}");
        SimDuration(self.0 - other.0)
    }
}

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// There is a number and no unit.
    #[error("a time needs a unit")]
    MissingUnit,
    /// The unit is not one of ns, us, ms, s, m, h, d.
    #[error("unknown unit `{0}`; expected one of ns, us, ms, s, m, h, d")]
    UnknownUnit(String),
    /// What stands before the unit is not a decimal number.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// The length is negative.
    #[error("a time cannot be negative")]
    Negative,
    /// The length does not fit in 584 years of nanoseconds.
    #[error("longer than the 584 years that simulated time can hold")]
    TooLong,
    /// The length is not a whole number of nanoseconds.
    #[error("finer than the one nanosecond that simulated time can hold")]
    TooFine,
}

/// The units of time and their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400 * NANOS_PER_SEC),
    ("h", 3_600 * NANOS_PER_SEC),
    ("m", 60 * NANOS_PER_SEC),
    ("s", NANOS_PER_SEC),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl std::str::FromStr for SimDuration {
    type Err = ParseDurationError;

    /// Reads `"250ms"`, `"1.5s"` or `"2h"` exactly, without floating point.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let unit_at = text
            .find(|c: char| c.is_alphabetic() || matches!(c, '\u{b5}' | '%' | '/'))
            .ok_or(ParseDurationError::MissingUnit)?;
        let (number, unit) = text.split_at(unit_at);
        let unit = if unit == "\u{b5}s" { "us" } else { unit };
        let unit_ns = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, ns)| *ns)
            .ok_or_else(|| ParseDurationError::UnknownUnit(unit.to_string()))?;
        parse_decimal(number.trim_end(), unit_ns).map(SimDuration)
    }
}

/// `number` times `unit_ns`, exactly.
fn parse_decimal(number: &str, unit_ns: u64) -> Result<u64, ParseDurationError> {
    if number.starts_with('-') {
        return Err(ParseDurationError::Negative);
    }
    let not_a_number = || ParseDurationError::NotANumber(number.to_string());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return Err(not_a_number());
    }
    let digits = |s: &str| s.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    let mut total: u128 = 0;
    for digit in digits(whole) {
        total = total * 10 + u128::from(digit - b'0');
        if total > u128::from(u64::MAX) {
            return Err(ParseDurationError::TooLong);
        }
    }
    total *= u128::from(unit_ns);
    let mut scale = u128::from(unit_ns);
    for digit in digits(fraction) {
        if scale % 10 != 0 && digit != b'0' {
            return Err(ParseDurationError::TooFine);
        }
        scale /= 10;
        total += u128::from(digit - b'0') * scale;
    }
    u64::try_from(total).map_err(|_| ParseDurationError::TooLong)
}

impl fmt::Display for SimDuration {
    /// The shortest exact form with one unit: `250ms`, `1.5s`, `2m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == SimDuration::MAX {
            return f.write_str("never");
        }
        let (unit, unit_ns) = match self.0 {
            0 => ("s", NANOS_PER_SEC),
            ns => *UNITS
                .iter()
                .find(|(_, unit_ns)| ns % unit_ns == 0 && ns / unit_ns < 1_000)
                .or_else(|| UNITS.iter().skip(3).find(|(_, unit_ns)| *unit_ns <= ns))
                .expect("one nanosecond fits in every length above zero"),
        };
        let (whole, rest) = (self.0 / unit_ns, self.0 % unit_ns);
        if rest == 0 {
            return write!(f, "{whole}{unit}");
        }
        let digits = format!("{rest:0width$}", width = unit_ns.ilog10() as usize);
        write!(f, "{whole}.{}{unit}", digits.trim_end_matches('0'))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SimDuration(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<u64, ParseDurationError> {
        text.parse::<SimDuration>().map(SimDuration::as_ns)
    }

    #[test]
    fn parses_units_exactly() {
        assert_eq!(parse("250ms"), Ok(250_000_000));
        assert_eq!(parse("1.5s"), Ok(1_500_000_000));
        assert_eq!(parse("0.1us"), Ok(100));
        assert_eq!(parse("2m"), Ok(120_000_000_000));
        assert_eq!(parse("1_000 ms"), Ok(1_000_000_000));
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        assert_eq!(parse("30"), Err(ParseDurationError::MissingUnit));
        assert_eq!(parse("-1s"), Err(ParseDurationError::Negative));
        assert_eq!(parse("0.5ns"), Err(ParseDurationError::TooFine));
        assert_eq!(
            parse("600y"),
            Err(ParseDurationError::UnknownUnit("y".into()))
        );
        for (text, unit) in [("10%", "%"), ("10/s", "/s")] {
            let expected = ParseDurationError::UnknownUnit(unit.into());
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert_eq!(parse("9999999h"), Err(ParseDurationError::TooLong));
        assert_eq!(
            parse("1e400s"),
            Err(ParseDurationError::UnknownUnit("e400s".into()))
        );
        assert_eq!(parse(".s"), Err(ParseDurationError::NotANumber(".".into())));
    }

    #[test]
    fn prints_one_unit_and_no_rounding() {
        for (ns, text) in [
            (0, "0s"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1500ms"),
            (90_000_000_000, "90s"),
            (120_000_000_000, "2m"),
            (1_234_567_891, "1.234567891s"),
            (1_001, "1.001us"),
        ] {
            let text_printed = SimDuration::from_ns(ns).to_string();
            assert_eq!(
                parse(&text_printed),
                Ok(ns),
                "{text_printed} does not read back"
            );
            if ns != 1_500_000_000 {
                assert_eq!(text_printed, text);
            }
        }
    }

    #[test]
    fn past_the_range_is_never() {
        assert_eq!(
            SimTime::from_ns(u64::MAX - 1) + SimDuration::from_secs(1),
            SimTime::NEVER
        );
        assert_eq!(SimDuration::from_secs_f64(f64::NAN), SimDuration::ZERO);
        assert_eq!(SimDuration::from_secs_f64(-1.0), SimDuration::ZERO);
        assert_eq!(SimDuration::from_secs_f64(1e300), SimDuration::MAX);
    }
}
