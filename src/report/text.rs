//! How numbers are written for people: in the terminal, in reports and in titles of charts.

use crate::time::SimDuration;

/// What stands for a number that does not exist.
pub const NONE: &str = "–";

/// A count with a mark between thousands: `959,812`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 instance`, `12 instances`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A share in per cent: `98.97 %`. It gets more decimals where two would make it 0 or 100 per cent
/// without being so.
pub fn percent(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NONE.to_string();
    }
    let value = ratio * 100.0;
    let mut decimals = 2;
    let is_whole = ratio == 0.0 || ratio == 1.0;
    while !is_whole && decimals < 6 {
        let text = format!("{value:.decimals$}");
        let rounded: f64 = text.parse().expect("a printed number parses");
        if rounded != 0.0 && rounded != 100.0 {
            break;
        }
        decimals += 1;
    }
    let text = format!("{value:.decimals$} %");
    if is_whole {
        format!("{value:.0} %")
    } else {
        text
    }
}

/// A length of time with three significant digits: `48.2 ms`, `13.4 s`.
pub fn time(secs: f64) -> String {
    if !secs.is_finite() {
        return NONE.to_string();
    }
    let size = secs.abs();
    // The borders are where three digits round up to the next unit.
    let (unit_secs, unit) = if size == 0.0 {
        return "0 s".to_string();
    } else if size < 0.999_5e-6 {
        (1e-9, "ns")
    } else if size < 0.999_5e-3 {
        (1e-6, "µs")
    } else if size < 0.999_5 {
        (1e-3, "ms")
    } else {
        (1.0, "s")
    };
    format!("{} {unit}", three_digits(secs / unit_secs))
}

/// A length of the clock: `3 min`, `1 h 30 min`, `2.5 s`.
pub fn duration(length: SimDuration) -> String {
    let secs = length.as_secs_f64();
    if secs < 120.0 {
        return time(secs).replace(".00 ", " ").replace(".0 ", " ");
    }
    let whole = length.as_ns() / 1_000_000_000;
    let parts = [
        (whole / 86_400, "d"),
        (whole % 86_400 / 3_600, "h"),
        (whole % 3_600 / 60, "min"),
        (whole % 60, "s"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|part| 0 < part.0)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    parts.join(" ")
}

/// A rate with three significant digits or a whole number: `1,999 /s`.
pub fn rate(per_sec: f64) -> String {
    if per_sec.is_finite() {
        format!("{} /s", three_digits(per_sec))
    } else {
        NONE.to_string()
    }
}

/// A plain number with three significant digits; whole from 100 on.
pub fn number(value: f64) -> String {
    if value.is_finite() {
        three_digits(value)
    } else {
        NONE.to_string()
    }
}

/// Writes a number that may not exist.
pub fn or_none(value: Option<f64>, write: impl Fn(f64) -> String) -> String {
    value.map_or(NONE.to_string(), write)
}

/// The digest of a run: 16 hexadecimal digits.
pub fn digest(digest: u64) -> String {
    format!("{digest:016x}")
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "−" } else { "" };
    // The borders are where rounding adds a digit.
    if size == 0.0 {
        "0".to_string()
    } else if 1e15 <= size {
        format!("{sign}{size:.2e}")
    } else if 99.95 <= size {
        format!("{sign}{}", count((size + 0.5) as u64))
    } else if 9.995 <= size {
        format!("{sign}{size:.1}")
    } else if 0.995 <= size {
        format!("{sign}{size:.2}")
    } else if 1e-4 <= size {
        let decimals = 3 + [0.0995, 0.009_95, 0.000_995]
            .iter()
            .filter(|b| size < **b)
            .count();
        format!("{sign}{size:.decimals$}")
    } else {
        format!("{sign}{size:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_marks_between_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(959_812), "959,812");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(counted(1, "instance"), "1 instance");
        assert_eq!(counted(4_000, "caller"), "4,000 callers");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(0.9897), "98.97 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.999_996), "99.9996 %");
        assert_eq!(percent(0.000_012), "0.001 %");
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        assert_eq!(time(0.0482), "48.2 ms");
        assert_eq!(time(0.121_4), "121 ms");
        assert_eq!(time(13.4), "13.4 s");
        assert_eq!(time(0.999_9), "1.00 s");
        assert_eq!(time(0.000_002_5), "2.50 µs");
        assert_eq!(time(0.0), "0 s");
        assert_eq!(time(f64::NAN), "–");
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(duration(SimDuration::from_secs(180)), "3 min");
        assert_eq!(duration(SimDuration::from_secs(5_400)), "1 h 30 min");
        assert_eq!(duration(SimDuration::from_ms(2_500)), "2.50 s");
        assert_eq!(duration(SimDuration::from_secs(60)), "60 s");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(rate(1_999.4), "1,999 /s");
        assert_eq!(number(1.436), "1.44");
        assert_eq!(number(-27.14), "−27.1");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(0.052_34), "0.0523");
        assert_eq!(number(0.999_9), "1.00");
    }
}
