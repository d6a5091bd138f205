//! Rates, ratios and sizes as a scenario writes them: `"2000/s"`, `"0.1%"`, `"4KiB"`.
//!
//! Every value that leaves this file is finite and in range.

/// Why a text is not the quantity that was expected. The message says what was expected, `fix`
/// what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseQuantityError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

/// The units of rates and their length in seconds.
const RATE_UNITS: [(&str, f64); 5] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
];

/// The units of sizes in bytes.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The largest rate: one in a nanosecond.
pub const RATE_PER_SEC_MAX: f64 = 1e9;

/// Reads `"2000/s"`, `"2/ms"`, `"90/m"`, `"5/h"` or `"1/d"` as a number per second, above 0, at
/// most [`RATE_PER_SEC_MAX`].
pub fn parse_rate(text: &str) -> Result<f64, ParseQuantityError> {
    let (number, unit) = text.split_once('/').ok_or_else(|| no_rate(text))?;
    let unit_secs = match unit.trim() {
        "h" => 3_600.0,
        "d" | "day" => 86_400.0,
        unit => RATE_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, secs)| *secs)
            .ok_or_else(|| no_rate(text))?,
    };
    let number = parse_number(number).map_err(|error| match no_rate(text) {
        // `1000 req/s`.
        known if known.fix.starts_with("write") => known,
        _ => error,
    })?;
    let rate = number / unit_secs;
    if (0.0..=RATE_PER_SEC_MAX).contains(&rate) {
        return Ok(rate);
    }
    Err(error(
        "a rate lies between 0 and 1e9 per second".into(),
        "expected a rate like \"2000/s\"".into(),
    ))
}

/// What others write after a number that is meant per second, without spaces.
const PER_SECOND: [&str; 9] = [
    "",
    "rps",
    "qps",
    "tps",
    "/sec",
    "/second",
    "req/s",
    "requests/s",
    "persecond",
];

/// Why a text is no rate.
fn no_rate(text: &str) -> ParseQuantityError {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+');
    let (number, rest) = text.split_at(text.find(|c| !is_number(c)).unwrap_or(text.len()));
    let unit: String = rest.split_whitespace().collect();
    if let Err(error) = parse_number(number) {
        return match number.is_empty() {
            true => self::error(
                format!("`{text}` is not a rate"),
                "expected a rate like \"2000/s\"".into(),
            ),
            false => error,
        };
    }
    let fix = match PER_SECOND.contains(&unit.to_lowercase().as_str()) {
        true => format!("write \"{number}/s\""),
        false if unit.starts_with('/') => {
            "expected one of /ns, /us, /ms, /s, /m, /h, /d".to_string()
        }
        false => "expected a rate like \"2000/s\"".to_string(),
    };
    match unit.is_empty() {
        true => error("a rate needs a unit".into(), fix),
        false => error(format!("unknown unit `{unit}` of a rate"), fix),
    }
}

/// Reads `"0.1%"` or `"0.001"` as a share between 0 and 1.
pub fn parse_ratio(text: &str) -> Result<f64, ParseQuantityError> {
    match text.trim().strip_suffix('%') {
        Some(percent) => check_ratio(parse_percent(percent)?),
        None => check_ratio(parse_number(text)?),
    }
}

/// Reads the number before a `%` as a share: `99.9` is 0.999, which a division by 100 would miss.
pub fn parse_percent(text: &str) -> Result<f64, ParseQuantityError> {
    parse_number(text).map(share_of_percent)
}

/// The share that is closest to so many hundredths.
fn share_of_percent(percent: f64) -> f64 {
    let hundredths = format!("{percent}e-2");
    hundredths
        .parse()
        .expect("a number with an exponent is one")
}

/// A share between 0 and 1, or why it is none.
pub fn check_ratio(ratio: f64) -> Result<f64, ParseQuantityError> {
    if (0.0..=1.0).contains(&ratio) {
        // Turns -0 into 0.
        return Ok(ratio + 0.0);
    }
    Err(error(
        "a ratio lies between 0 and 1".into(),
        "expected a share like \"0.1%\" or 0.001".into(),
    ))
}

/// Reads `"4KiB"` or `"1.5MB"` as whole bytes.
pub fn parse_size(text: &str) -> Result<u64, ParseQuantityError> {
    let text = text.trim();
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(|| {
            error(
                "a size needs a unit".into(),
                format!("write \"{text}B\" or \"{text}KiB\""),
            )
        })?;
    let (number, unit) = text.split_at(unit_at);
    let unit_bytes = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, bytes)| *bytes)
        .ok_or_else(|| {
            error(
                format!("unknown unit `{unit}` of a size"),
                "expected one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB".into(),
            )
        })?;
    let bytes = parse_number(number)? * unit_bytes as f64;
    if (0.0..=9.007_199_254_740_992e15).contains(&bytes) {
        return Ok(bytes as u64);
    }
    Err(error(
        "a size lies between 0 and 8 PiB".into(),
        "expected a size like \"4KiB\"".into(),
    ))
}

/// The units of bandwidths besides those of sizes, in bytes.
const BIT_UNITS: [(&str, f64); 5] = [
    ("bit", 0.125),
    ("kbit", 125.0),
    ("Mbit", 125e3),
    ("Gbit", 125e6),
    ("Tbit", 125e9),
];

/// The largest bandwidth, in bytes per second.
const BYTES_PER_SEC_MAX: f64 = 1e15;

/// Reads `"1Gbit/s"` or `"100MB/s"` as bytes per second, at least 1 and at most 10^15.
pub fn parse_bandwidth(text: &str) -> Result<f64, ParseQuantityError> {
    let text = text.trim();
    let amount = text.strip_suffix("/s").ok_or_else(|| {
        error(
            "a bandwidth needs a unit".into(),
            "expected a bandwidth like \"1Gbit/s\" or \"100MB/s\"".into(),
        )
    })?;
    let unit_at = amount.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = amount.split_at(unit_at.unwrap_or(amount.len()));
    let sizes = SIZE_UNITS
        .iter()
        .map(|(name, bytes)| (*name, *bytes as f64));
    let unit_bytes = sizes
        .chain(BIT_UNITS)
        .find(|(name, _)| *name == unit.trim())
        .map(|(_, bytes)| bytes)
        .ok_or_else(|| {
            error(
                format!("unknown unit `{unit}/s` of a bandwidth"),
                "expected one of bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, or a size like MB/s".into(),
            )
        })?;
    let bytes_per_sec = parse_number(number)? * unit_bytes;
    if (1.0..=BYTES_PER_SEC_MAX).contains(&bytes_per_sec) {
        return Ok(bytes_per_sec);
    }
    Err(error(
        "a bandwidth lies between 1 B/s and 1000 TB/s".into(),
        "expected a bandwidth like \"1Gbit/s\"".into(),
    ))
}

/// A finite decimal number.
pub fn parse_number(text: &str) -> Result<f64, ParseQuantityError> {
    let text = text.trim();
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let is_decimal = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    match digits.parse::<f64>() {
        Ok(number) if is_decimal && number.is_finite() => Ok(number),
        _ => Err(error(
            format!("`{text}` is not a finite number"),
            "expected a number like 2000 or 0.5".into(),
        )),
    }
}

fn error(message: String, fix: String) -> ParseQuantityError {
    ParseQuantityError { message, fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_per_any_unit() {
        assert_eq!(parse_rate("2000/s"), Ok(2000.0));
        assert_eq!(parse_rate("2/ms"), Ok(2000.0));
        assert_eq!(parse_rate("90/m"), Ok(1.5));
        assert_eq!(parse_rate("36_00 / h"), Ok(1.0));
        assert_eq!(parse_rate("86400/d"), Ok(1.0));
        assert_eq!(parse_rate("1/day"), parse_rate("1/d"));
    }

    #[test]
    fn refuses_rates_that_cannot_be() {
        assert_eq!(parse_rate("0/s"), Ok(0.0));
        for text in ["-1/s", "nan/s", "inf/s", "1e400/s", "2/ns", "/s", "5/y"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        let missing = parse_rate("2000").unwrap_err();
        assert_eq!(missing.message, "a rate needs a unit");
        assert_eq!(missing.fix, "write \"2000/s\"");
    }

    #[test]
    fn what_is_meant_per_second_is_written_so() {
        for text in [
            "1000 rps",
            "1000QPS",
            "1000/sec",
            "1000 req/s",
            "1000",
            "1000 per second",
        ] {
            let error = parse_rate(text).expect_err(text);
            assert_eq!(error.fix, "write \"1000/s\"", "{text}");
        }
        for (text, message) in [
            ("90%", "unknown unit `%` of a rate"),
            ("5/y", "unknown unit `/y` of a rate"),
            ("1,000/s", "`1,000` is not a finite number"),
            ("fast", "`fast` is not a rate"),
            ("1.2.3/s", "`1.2.3` is not a finite number"),
        ] {
            let error = parse_rate(text).expect_err(text);
            assert_eq!(error.message, message);
            assert!(error.fix.starts_with("expected"), "{}", error.fix);
        }
    }

    #[test]
    fn a_percentage_is_the_share_closest_to_it() {
        for hundredths in 0..=10_000u32 {
            let text = format!("{}.{:02}%", hundredths / 100, hundredths % 100);
            let share = f64::from(hundredths) / 10_000.0;
            assert_eq!(parse_ratio(&text), Ok(share), "{text}");
        }
    }

    #[test]
    fn reads_ratios_with_and_without_percent() {
        assert_eq!(parse_ratio("0.1%"), Ok(0.001));
        assert_eq!(parse_ratio("0.25"), Ok(0.25));
        assert_eq!(parse_ratio("100%"), Ok(1.0));
        for text in ["101%", "-0.1", "NaN", "1.5", "%", "half"] {
            assert!(parse_ratio(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_bandwidths_in_bits_and_bytes() {
        assert_eq!(parse_bandwidth("1Gbit/s"), Ok(125e6));
        assert_eq!(parse_bandwidth("100 MB/s"), Ok(1e8));
        assert_eq!(parse_bandwidth("8kbit/s"), Ok(1_000.0));
        assert_eq!(parse_bandwidth("1.5KiB/s"), Ok(1_536.0));
        for text in [
            "1Gbit", "1", "/s", "1/s", "0MB/s", "1bit/s", "-1MB/s", "1e30TB/s", "1Mb/s", "nan B/s",
        ] {
            assert!(parse_bandwidth(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_sizes_in_binary_and_decimal_units() {
        assert_eq!(parse_size("4KiB"), Ok(4_096));
        assert_eq!(parse_size("1.5MB"), Ok(1_500_000));
        assert_eq!(parse_size("0 B"), Ok(0));
        for text in ["4", "4kb", "-1B", "1e300GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
