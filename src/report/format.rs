//! Numbers as people read them, with units.

use crate::chart::number;
use crate::scenario::measure::Unit;
use crate::time::SimDuration;

/// What stands where a number does not exist or is withheld.
pub const NOTHING: &str = "-";

/// `959,812`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 caller`, `12 callers`.
pub fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// `48.2 ms`: three significant digits in the largest unit that fits.
pub fn secs(value: f64) -> String {
    let scales = [
        (172_800.0, 86_400.0, "d"),
        (7_200.0, 3_600.0, "h"),
        (600.0, 60.0, "min"),
        (1.0, 1.0, "s"),
        (1e-3, 1e-3, "ms"),
        (1e-6, 1e-6, "µs"),
    ];
    let (_, length, unit) = scales
        .into_iter()
        .find(|(least, _, _)| *least <= value.abs())
        .unwrap_or((0.0, 1e-9, "ns"));
    match value {
        0.0 => "0 s".to_string(),
        _ => format!("{} {unit}", three_digits(value / length)),
    }
}

/// `60 s`, `8.125 s`, `0.0005 s`: an instant of the run, to the millisecond, or to the microsecond
/// before 0.1 s.
pub fn instant(value_secs: f64) -> String {
    let decimals = if value_secs < 0.1 { 6 } else { 3 };
    format!("{} s", trimmed(value_secs, decimals))
}

/// `12.5 s`, `20 min`, `3.56 h`: how long a window is, exactly where that is short.
pub fn span(value_secs: f64) -> String {
    match value_secs < 600.0 {
        true => instant(value_secs),
        false if value_secs % 3_600.0 == 0.0 => format!("{} h", trimmed(value_secs / 3_600.0, 0)),
        false if value_secs % 60.0 == 0.0 && value_secs < 7_200.0 => {
            format!("{} min", trimmed(value_secs / 60.0, 0))
        }
        false => secs(value_secs),
    }
}

/// `3 min`, `90 s`, `2.5 h`: a length that a scenario states.
pub fn length(value: SimDuration) -> String {
    let text = value.as_secs_f64();
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    match units.into_iter().find(|(secs, _)| text % secs == 0.0) {
        Some((secs, unit)) if 0.0 < text => format!("{} {unit}", trimmed(text / secs, 0)),
        _ => format!("{} s", trimmed(text, 9)),
    }
}

/// `98.97 %`: two decimals, or as many more as tell it from 0 and 100 %.
pub fn ratio(value: f64) -> String {
    number::percent(value)
}

/// `5,999 /s` or `0.0125 /s`.
pub fn rate(value: f64) -> String {
    format!("{} /s", number(value))
}

/// Three significant digits; whole numbers from 100 on, with separators.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !(100.0..1e15).contains(&size) {
        return three_digits(value);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", count((size + 0.5) as u64))
}

/// A number of the given kind; times are in seconds.
pub fn by_unit(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Time => secs(value),
        Unit::Ratio => ratio(value),
        Unit::Rate => rate(value),
        Unit::Number => number(value),
    }
}

/// An interval of numbers of the given kind: `48.1 ms to 49.9 ms`, `above 48.1 ms` where it has no
/// upper end.
pub fn interval(unit: Unit, (low, high): (f64, f64)) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} to {}", by_unit(unit, low), by_unit(unit, high)),
        (true, false) => format!("above {}", by_unit(unit, low)),
        (false, true) => format!("below {}", by_unit(unit, high)),
        (false, false) => NOTHING.to_string(),
    }
}

/// A half-width of a share, in points.
pub fn points(half_width: f64) -> String {
    let percent = half_width * 100.0;
    format!("{percent:.*}", decimals(percent))
}

/// `1.46 ± 0.02`, with the decimals that the half-width needs.
pub fn plus_minus(value: f64, half_width: f64) -> String {
    let places = decimals(half_width);
    format!("{value:.places$} \u{b1} {half_width:.places$}")
}

/// `1.46 (1.44 to 1.48)`: a value and the ends of its interval, which may lie unevenly about it.
pub fn with_ends(value: f64, low: f64, high: f64) -> String {
    let places = decimals((value - low).min(high - value));
    format!("{value:.places$} ({low:.places$} to {high:.places$})")
}

/// Decimals that show the first digit of a half-width, at least two.
fn decimals(half_width: f64) -> usize {
    let mut decimals = 2;
    let mut scaled = half_width * 100.0;
    while 0.0 < scaled && scaled < 0.95 && decimals < 8 {
        scaled *= 10.0;
        decimals += 1;
    }
    decimals
}

/// A number that may not exist.
pub fn optional<T>(value: Option<T>, format: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_string(), format)
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        _ if 99.95 <= size => 0,
        _ if 9.995 <= size => 1,
        _ if 0.1 <= size => 2,
        _ if 0.001 <= size => 4,
        _ => return format!("{value:.2e}"),
    };
    format!("{value:.decimals$}")
}

/// At most `decimals` decimals, without trailing zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(959_812), "959,812");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "caller"), "1 caller");
        assert_eq!(counted(4_000, "caller"), "4,000 callers");
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        assert_eq!(secs(0.0), "0 s");
        assert_eq!(secs(0.0482), "48.2 ms");
        assert_eq!(secs(0.121_4), "121 ms");
        assert_eq!(secs(13.4), "13.4 s");
        assert_eq!(secs(0.000_15), "150 µs");
        assert_eq!(secs(0.000_000_002), "2.00 ns");
        assert_eq!(secs(900.0), "15.0 min");
        assert_eq!(secs(200_000.0), "2.31 d");
    }

    #[test]
    fn lengths_and_instants_are_exact() {
        assert_eq!(length(SimDuration::from_secs(180)), "3 min");
        assert_eq!(length(SimDuration::from_secs(90)), "90 s");
        assert_eq!(length(SimDuration::from_ms(2_500)), "2.5 s");
        assert_eq!(instant(60.0), "60 s");
        assert_eq!(span(8.125), "8.125 s");
        assert_eq!(span(1_200.0), "20 min");
        assert_eq!(span(12_800.0), "3.56 h");
        assert_eq!(span(108_000.0), "30 h");
        assert_eq!(instant(8.125), "8.125 s");
    }

    #[test]
    fn ratios_near_the_ends_keep_the_digits_that_matter() {
        assert_eq!(ratio(1.0), "100 %");
        assert_eq!(ratio(0.0), "0 %");
        assert_eq!(ratio(1e-12), "0 %");
        assert_eq!(ratio(-1e-17), "0 %");
        assert_eq!(ratio(1.0 - 1e-14), "100 %");
        assert_eq!(ratio(0.9897), "98.97 %");
        assert_eq!(ratio(0.271), "27.10 %");
        assert_eq!(ratio(0.999_987), "99.9987 %");
        assert_eq!(ratio(0.000_012), "0.0012 %");
    }

    #[test]
    fn numbers_and_rates_are_short() {
        assert_eq!(number(1.44), "1.44");
        assert_eq!(number(5_999.4), "5,999");
        assert_eq!(rate(0.0125), "0.0125 /s");
        assert_eq!(by_unit(Unit::Time, 0.0482), "48.2 ms");
        assert_eq!(optional(None, secs), "-");
    }
}
