//! Round numbers, and how ticks and counts are written.

/// Seconds with the unit that keeps the number short: `20 ms`. Meant for round values.
pub fn time(secs: f64) -> String {
    let (unit_secs, unit) = match secs.abs() {
        size if size < 0.999e-6 => (1e-9, "ns"),
        size if size < 0.999e-3 => (1e-6, "µs"),
        size if size < 0.999 => (1e-3, "ms"),
        _ => (1.0, "s"),
    };
    let number = secs / unit_secs;
    format!("{} {unit}", plain(number, leading_digit(number)))
}

/// A number with as many decimals as `step` needs and a mark between thousands.
pub fn plain(value: f64, step: f64) -> String {
    let (value, step, suffix) = match value.abs().max(step) {
        size if 0.0 < size && size < 1e-4 * 0.999 => return tiny(value, step),
        size if size < 1e6 => (value, step, ""),
        size if size < 1e9 => (value / 1e6, step / 1e6, " M"),
        size if size < 1e15 => (value / 1e9, step / 1e9, " G"),
        _ => return format!("{value:e}"),
    };
    let mut decimals = 0;
    let mut rest = step;
    while decimals < 9 && 1e-6 < (rest - (rest + 0.5).floor()).abs() / rest.abs().max(1e-12) {
        rest *= 10.0;
        decimals += 1;
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_negative = value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let sign = if is_negative { "−" } else { "" };
    format!("{sign}{}{fraction}{suffix}", grouped(whole))
}

/// A number that would have many zeros: `2e−5`, with as many digits as `step` needs.
fn tiny(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_string();
    }
    let exponent = |value: f64| libm::log10(value * 1.000_001).floor();
    let digits = (exponent(value.abs()) - exponent(step)).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$e}").replace('-', "−")
}

/// `98.97 %`: two decimals, or as many more as tell it from 0 and 100 %.
pub fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let distance = percent.abs().min((100.0 - percent).abs());
    // Eight decimals do not tell less than this from the ends; the sum has no negative zero.
    if distance < 5e-9 {
        return format!("{:.0} %", percent.round() + 0.0);
    }
    let mut decimals = 2;
    let mut scaled = distance * 100.0;
    while scaled < 10.0 && decimals < 8 {
        scaled *= 10.0;
        decimals += 1;
    }
    format!("{percent:.decimals$} %")
}

/// A count with a mark between thousands.
pub fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// The smallest of 1, 2, 5 times a power of ten that divides `range` into at most `count` parts.
pub fn nice_step(range: f64, count: f64) -> f64 {
    round_to_125(range / count, true)
}

/// The next 1, 2 or 5 times a power of ten at or beyond `value`.
pub fn round_to_125(value: f64, is_up: bool) -> f64 {
    let exponent = libm::log10(value).floor() as i32;
    let candidates = (exponent - 1..=exponent + 1)
        .flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| digit * power_of_ten(exponent)));
    // One part in 10^9 is room for rounding.
    let beyond: Vec<f64> = candidates
        .filter(|c| {
            if is_up {
                value <= c * (1.0 + 1e-9)
            } else {
                c * (1.0 - 1e-9) <= value
            }
        })
        .collect();
    let nearest = if is_up { beyond.first() } else { beyond.last() };
    nearest.copied().unwrap_or(value)
}

/// Ten to a whole power, correctly rounded for |exponent| <= 22.
pub fn power_of_ten(exponent: i32) -> f64 {
    let power = (0..exponent.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
    if exponent < 0 { 1.0 / power } else { power }
}

/// Puts a comma between thousands.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The power of ten of the leading digit.
fn leading_digit(value: f64) -> f64 {
    if value == 0.0 {
        1.0
    } else {
        power_of_ten(libm::log10(value.abs() * 1.000_001).floor() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        assert_eq!(plain(1_234_567.0, 1.0), "1.234567 M");
        assert_eq!(plain(-1_500.0, 500.0), "−1,500");
        assert_eq!(plain(2_000_000.0, 500_000.0), "2.0 M");
        assert_eq!(plain(0.25, 0.05), "0.25");
        assert_eq!(plain(0.000_1, 0.000_1), "0.0001");
        assert_eq!(plain(0.000_01, 0.000_01), "1e−5");
        assert_eq!(plain(1e-11, 1e-11), "1e−11");
        assert_eq!(plain(1.2e-5, 2e-6), "1.2e−5");
        assert_eq!(plain(0.0, 2e-6), "0");
        assert_eq!(time(0.02), "20 ms");
        assert_eq!(time(1.0), "1 s");
    }
}
