//! The values of an axis of a sweep, as a list or as a range: `100ms..10s/7 log`.

use toml::de::DeValue;

use super::tree::toml_string;
use crate::quantity;
use crate::rng::math;
use crate::scenario::sweep::constraint::{Constraint, Operand, RELATIONS};
use crate::scenario::sweep::{Axis, AxisUnit, AxisValue, VALUE_COUNT_MAX};
use crate::time::SimDuration;

/// An axis of values in TOML, in order; at least one.
pub fn axis(name: &str, path: &str, values: Vec<String>) -> Axis {
    let quantities: Vec<Option<(AxisUnit, f64)>> = values.iter().map(|v| of_toml(v)).collect();
    let unit = match quantities.first() {
        Some(Some((unit, _))) => *unit,
        _ => AxisUnit::Text,
    };
    let is_same = |quantity: &Option<(AxisUnit, f64)>| quantity.is_some_and(|q| q.0 == unit);
    let unit = match quantities.iter().all(is_same) {
        true => unit,
        false => AxisUnit::Text,
    };
    let pairs = values.into_iter().zip(quantities);
    Axis {
        name: name.to_string(),
        path: path.to_string(),
        values: pairs
            .map(|(toml, quantity)| AxisValue {
                toml,
                number: quantity.filter(|_| unit != AxisUnit::Text).map(|q| q.1),
            })
            .collect(),
        unit,
    }
}

/// A value of the command line in TOML: what is no TOML is a text.
pub fn toml_of(text: &str) -> String {
    match DeValue::parse(text) {
        Ok(_) => text.trim().to_string(),
        Err(_) => toml_string(text.trim()),
    }
}

/// Whether a text is meant as a range.
pub fn is_range(text: &str) -> bool {
    text.contains("..") && !text.starts_with(['"', '\'', '{', '['])
}

/// The values of `START..END/STEPS` or `START..END/STEPS log` in TOML, both ends as written, those
/// between them with six digits.
pub fn range_values(text: &str) -> Result<Vec<String>, String> {
    let form = "write START..END/STEPS linear, or log: 100ms..10s/7 log";
    let (body, is_log) = match text.trim().rsplit_once(char::is_whitespace) {
        Some((body, "log")) => (body, true),
        Some((body, "linear")) => (body, false),
        Some((_, word)) if word.chars().all(char::is_alphabetic) => {
            return Err(format!("unknown scale `{word}`; {form}"));
        }
        _ => (text, false),
    };
    let parts = body.split_once("..").and_then(|(start, rest)| {
        let (end, steps) = rest.rsplit_once('/')?;
        Some((start.trim(), end.trim(), steps.trim()))
    });
    let (start, end, steps) = parts.ok_or(format!("not a range; {form}"))?;
    let count = steps.parse::<usize>().ok();
    let count = count.filter(|count| (2..=VALUE_COUNT_MAX).contains(count));
    let count = count.ok_or(format!(
        "`{steps}` steps; from 2 to {VALUE_COUNT_MAX} are possible"
    ))?;
    let ends = (of_text(start), of_text(end));
    let ((unit, low), (_, high)) = match ends {
        (Some(low), Some(high)) if low.0 == high.0 => (low, high),
        (Some(_), Some(_)) => return Err(format!("`{start}` and `{end}` have different units")),
        (None, _) => return Err(format!("`{start}` is no quantity; {form}")),
        (_, None) => return Err(format!("`{end}` is no quantity; {form}")),
    };
    if is_log && (low <= 0.0 || high <= 0.0) {
        return Err("a logarithmic range lies above zero".to_string());
    }
    let scale = (unit_text(start), is_whole(start) && is_whole(end));
    let between = (1..count - 1).map(|step| {
        let part = step as f64 / (count - 1) as f64;
        let value = match is_log {
            true => math::exp(math::ln(low) * (1.0 - part) + math::ln(high) * part),
            false => low + (high - low) * part,
        };
        written(value, unit, scale)
    });
    let mut values = vec![quoted(start, unit)];
    values.extend(between);
    values.push(quoted(end, unit));
    values.dedup();
    Ok(values)
}

/// A quantity in TOML times a factor, with six digits and its unit, or the next whole number where
/// that would be the same one; None of what is none.
pub fn scaled(toml: &str, factor: f64) -> Option<String> {
    let scaled = between(toml, toml, factor, factor)?;
    let whole = toml.parse::<u64>().ok().filter(|_| scaled == toml);
    Some(match whole {
        Some(whole) if 1.0 < factor => (whole + 1).to_string(),
        Some(whole) if factor < 1.0 && 1 < whole => (whole - 1).to_string(),
        _ => scaled,
    })
}

/// What lies `part` of the way from one quantity to another, times a factor, in the unit of the
/// first; None unless both are quantities of one kind.
fn between(start: &str, end: &str, part: f64, factor: f64) -> Option<String> {
    let (unit, low) = of_toml(start)?;
    let (_, high) = of_toml(end).filter(|(other, _)| *other == unit)?;
    let text = plain(start);
    let scale = (unit_text(text), is_whole(text) && is_whole(plain(end)));
    let value = match start == end {
        true => low * factor,
        false => low + (high - low) * part,
    };
    Some(written(value, unit, scale))
}

/// The middle of two quantities; None where nothing lies between them, or they are none.
pub fn middle(start: &str, end: &str) -> Option<String> {
    let middle = between(start, end, 0.5, 1.0)?;
    (middle != start && middle != end).then_some(middle)
}

/// A TOML value without the quotes of a text.
fn plain(toml: &str) -> &str {
    toml.trim_matches(['"', '\''])
}

/// The unit as it is written after a number: `ms`.
fn unit_text(text: &str) -> &str {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_');
    text.trim_start_matches(is_number)
}

fn is_whole(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// A value with the unit in which the range begins.
fn written(value: f64, unit: AxisUnit, (suffix, is_whole): (&str, bool)) -> String {
    if is_whole {
        return format!("{}", value.round());
    }
    // The base unit of the suffix is what a number 1 with it stands for.
    let one = of_text(&format!("1{suffix}")).map_or(1.0, |(_, one)| one);
    let rounded: f64 = format!("{:.5e}", value / one)
        .parse()
        .expect("it was just written");
    quoted(&format!("{rounded}{suffix}"), unit)
}

fn quoted(text: &str, unit: AxisUnit) -> String {
    match unit {
        AxisUnit::Plain if !text.ends_with('%') => text.to_string(),
        _ => toml_string(text),
    }
}

/// What a value in TOML says in its base unit.
fn of_toml(toml: &str) -> Option<(AxisUnit, f64)> {
    match DeValue::parse(toml).ok()?.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) => {
            let number = quantity::parse_number(toml).ok()?;
            Some((AxisUnit::Plain, number))
        }
        DeValue::String(text) => of_text(text).filter(|_| text.contains(|c: char| !is_digit(c))),
        _ => None,
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+')
}

/// What a quantity says in its base unit.
fn of_text(text: &str) -> Option<(AxisUnit, f64)> {
    if let Ok(length) = text.parse::<SimDuration>() {
        return Some((AxisUnit::Secs, length.as_secs_f64()));
    }
    if let Ok(bytes) = quantity::parse_size(text) {
        return Some((AxisUnit::Bytes, bytes as f64));
    }
    if let Ok(bandwidth) = quantity::parse_bandwidth(text) {
        return Some((AxisUnit::BytesPerSec, bandwidth));
    }
    if let Ok(rate) = quantity::parse_rate(text) {
        return Some((AxisUnit::PerSec, rate));
    }
    if let Some(percent) = text.strip_suffix('%') {
        return Some((AxisUnit::Plain, quantity::parse_percent(percent).ok()?));
    }
    let number = quantity::parse_number(text).ok()?;
    Some((AxisUnit::Plain, number))
}

/// Reads `timeout >= 3 * interval`, where names are those of axes, their paths or the ends of
/// these.
pub fn constraint(text: &str, axes: &[Axis]) -> Result<Constraint, String> {
    let found = RELATIONS.iter().filter_map(|(sign, relation)| {
        let at = text.find(sign)?;
        Some((at, sign.len(), *relation))
    });
    // Of signs at one place the longer one stands first in the list.
    let found = found.reduce(|best, next| if next.0 < best.0 { next } else { best });
    let (at, length, relation) = found.ok_or("no comparison; write timeout >= 3 * interval")?;
    let constraint = Constraint {
        text: text.to_string(),
        left: operand(text[..at].trim(), axes)?,
        relation,
        right: operand(text[at + length..].trim(), axes)?,
    };
    match constraint.mistake(axes) {
        None => Ok(constraint),
        Some(mistake) => Err(mistake),
    }
}

fn operand(text: &str, axes: &[Axis]) -> Result<Operand, String> {
    let ((of_factor, factor), name) = match text.split_once('*') {
        Some((factor, name)) => {
            let factor = factor.trim();
            let known = of_text(factor).ok_or_else(|| format!("`{factor}` is no quantity"))?;
            (known, name.trim())
        }
        None => ((AxisUnit::Plain, 1.0), text),
    };
    if let Some(axis) = axis_named(name, axes) {
        let unit = match (of_factor, axes[axis].unit) {
            (AxisUnit::Plain, unit) => unit,
            (unit, AxisUnit::Plain) => unit,
            _ => return Err(format!("`{text}` multiplies two units")),
        };
        return Ok(Operand::Axis { axis, factor, unit });
    }
    if name == text {
        if let Some((unit, number)) = of_text(text) {
            let text = text.to_string();
            return Ok(Operand::Number { number, unit, text });
        }
        let inner = text.strip_prefix(['"', '\'']);
        if let Some(inner) = inner.and_then(|inner| inner.strip_suffix(['"', '\''])) {
            return Ok(Operand::Text(inner.to_string()));
        }
    }
    let names: Vec<&str> = axes.iter().map(|axis| axis.name.as_str()).collect();
    Err(format!(
        "`{name}` is no axis and no quantity; the axes are {}",
        names.join(", ")
    ))
}

/// The axis of this name or path, or the only one whose name ends so.
fn axis_named(name: &str, axes: &[Axis]) -> Option<usize> {
    let is_it = |axis: &Axis| axis.name == name || axis.path == name;
    let ends_so = |axis: &Axis| axis.name.rsplit('.').next() == Some(name);
    axes.iter().position(is_it).or_else(|| {
        let only = axes.iter().filter(|axis| ends_so(axis)).count() == 1;
        only.then(|| axes.iter().position(ends_so)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Vec<String> {
        range_values(text).expect(text)
    }

    #[test]
    fn a_linear_range_has_equal_steps() {
        assert_eq!(range("1..4/4"), ["1", "2", "3", "4"]);
        assert_eq!(range("0.1..0.3/3 linear"), ["0.1", "0.2", "0.3"]);
        assert_eq!(range("10%..50%/3"), ["\"10%\"", "\"30%\"", "\"50%\""]);
        assert_eq!(range("4KiB..8KiB/3"), ["\"4KiB\"", "\"6KiB\"", "\"8KiB\""]);
    }

    #[test]
    fn a_logarithmic_range_has_equal_ratios() {
        // Two values a decade: the square root of ten is 3.16228.
        assert_eq!(
            range("100ms..10s/5 log"),
            [
                "\"100ms\"",
                "\"316.228ms\"",
                "\"1000ms\"",
                "\"3162.28ms\"",
                "\"10s\""
            ]
        );
        assert_eq!(range("100/s..10000/s/3 log")[1], "\"1000/s\"");
    }

    #[test]
    fn a_whole_number_is_scaled_by_one_at_least() {
        let both = |toml| [0.8, 1.2].map(|factor| scaled(toml, factor).expect("a quantity"));
        assert_eq!(both("2"), ["1", "3"]);
        assert_eq!(both("1"), ["1", "2"]);
        assert_eq!(both("10"), ["8", "12"]);
        assert_eq!(both("\"10ms\""), ["\"8ms\"", "\"12ms\""]);
        assert_eq!(scaled("\"web\"", 0.8), None);
    }

    #[test]
    fn whole_numbers_stay_whole_and_are_not_repeated() {
        assert_eq!(range("1..8/4 log"), ["1", "2", "4", "8"]);
        assert_eq!(range("1..3/9"), ["1", "2", "3"]);
    }

    #[test]
    fn a_range_goes_down_as_well() {
        assert_eq!(range("3s..1s/3"), ["\"3s\"", "\"2s\"", "\"1s\""]);
    }

    #[test]
    fn quantities_are_scaled_and_halved_in_their_unit() {
        assert_eq!(scaled("\"5ms\"", 1.2), Some("\"6ms\"".to_string()));
        assert_eq!(scaled("10", 0.8), Some("8".to_string()));
        assert_eq!(scaled("2.5", 0.8), Some("2".to_string()));
        assert_eq!(scaled("\"random\"", 0.8), None);
        assert_eq!(middle("\"5ms\"", "\"9ms\""), Some("\"7ms\"".to_string()));
        assert_eq!(middle("\"1s\"", "\"500ms\""), Some("\"0.75s\"".to_string()));
        assert_eq!(middle("3", "4"), None);
        assert_eq!(middle("\"1s\"", "4"), None);
    }

    #[test]
    fn what_is_no_range_is_refused_with_its_form() {
        for (text, start) in [
            ("1..2", "not a range; write"),
            ("1..2/1", "`1` steps"),
            ("1s..2/3", "`1s` and `2` have different units"),
            ("0..2/3 log", "a logarithmic range"),
            ("1..2/3 cubic", "unknown scale `cubic`"),
            ("low..high/3", "`low` is no quantity"),
        ] {
            let error = range_values(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }

    #[test]
    fn axes_know_their_unit_unless_values_differ() {
        let unit = |values: &[&str]| {
            let values = values.iter().map(|v| toml_of(v)).collect();
            let axis = axis("x", "a.b", values);
            (axis.unit, axis.values[0].number)
        };
        assert_eq!(unit(&["250ms", "1s"]), (AxisUnit::Secs, Some(0.25)));
        assert_eq!(unit(&["90/m"]), (AxisUnit::PerSec, Some(1.5)));
        assert_eq!(unit(&["1", "2.5", "5%"]), (AxisUnit::Plain, Some(1.0)));
        assert_eq!(unit(&["1", "unlimited"]), (AxisUnit::Text, None));
        assert_eq!(unit(&["random"]), (AxisUnit::Text, None));
        assert_eq!(unit(&["1s", "1"]), (AxisUnit::Text, None));
        assert_eq!(unit(&["\"7\"", "\"8\""]), (AxisUnit::Text, None));
    }

    #[test]
    fn constraints_compare_axes_with_axes_and_quantities() {
        let axes = [
            axis("interval", "a.interval", range("100ms..300ms/3")),
            axis("timeout", "a.timeout", range("300ms..900ms/3")),
            axis(
                "policy",
                "a.policy",
                vec![toml_of("random"), toml_of("ring")],
            ),
        ];
        let holds = |text: &str, places: [usize; 3]| {
            let point: Vec<&AxisValue> = (0..3).map(|a| &axes[a].values[places[a]]).collect();
            constraint(text, &axes).expect(text).holds(&point)
        };
        assert!(holds("timeout >= 3 * interval", [0, 0, 0]));
        assert!(!holds("timeout > 3 * interval", [0, 0, 0]));
        assert!(holds("a.timeout<=900ms", [0, 2, 0]));
        assert!(holds("policy != \"ring\"", [0, 0, 0]));
        assert!(!holds("policy != 'ring'", [0, 0, 1]));
        for (text, problem) in [
            ("timeout", "no comparison; write timeout >= 3 * interval"),
            ("policy > 1s", "`policy` has values without an order"),
            ("1s < 2s", "no axis stands in it"),
            (
                "delay < 2s",
                "`delay` is no axis and no quantity; the axes are interval, timeout, policy",
            ),
        ] {
            assert_eq!(constraint(text, &axes).expect_err(text), problem);
        }
    }

    #[test]
    fn a_factor_with_a_unit_relates_a_rate_to_a_count() {
        let rates = ["80/s", "120/s", "200/s"].map(toml_of).to_vec();
        let axes = [
            axis("rate", "a.rate", rates),
            axis("workers", "a.workers", range("1..2/2")),
        ];
        let holds = |places: [usize; 2]| {
            let point: Vec<&AxisValue> = (0..2).map(|a| &axes[a].values[places[a]]).collect();
            let read = constraint("rate <= 90/s * workers", &axes).expect("two rates");
            read.holds(&point)
        };
        assert!(holds([0, 0]) && !holds([1, 0]) && holds([1, 1]) && !holds([2, 1]));
        let problem = |text| constraint(text, &axes).expect_err("wrong");
        assert_eq!(
            problem("rate < 90 * workers"),
            "`rate` and `workers` have different units; a factor may have one, like \
             `90/s * workers`"
        );
        assert_eq!(
            problem("rate < 9/s * rate"),
            "`9/s * rate` multiplies two units"
        );
    }

    #[test]
    fn a_quantity_is_compared_with_values_of_its_unit() {
        let axes = [
            axis("n", "a.n", range("10..20/2")),
            axis("t", "a.t", range("50ms..100ms/2")),
            axis("share", "a.share", range("10%..50%/2")),
            axis("limit", "a.limit", vec![toml_of("1"), toml_of("none")]),
        ];
        for text in [
            "n >= 15",
            "t >= 0.1s",
            "share < 20%",
            "share < 0.2",
            "limit != \"1\"",
        ] {
            assert!(constraint(text, &axes).is_ok(), "{text}");
        }
        for (text, problem) in [
            (
                "n >= 15s",
                "`n` and `15s` have different units; it has values like 10",
            ),
            (
                "1500% <= n",
                "`n` and `1500%` have different units; it has values like 10",
            ),
            (
                "t >= 75",
                "`t` and `75` have different units; it has values like 50ms",
            ),
            (
                "limit != 1",
                "the values of `limit` have no common unit; write \"1\" in quotes",
            ),
        ] {
            assert_eq!(constraint(text, &axes).expect_err(text), problem);
        }
    }

    #[test]
    fn the_end_of_a_path_names_an_axis_where_no_other_ends_so() {
        let numbers = || range("1..3/3");
        let of_path = |path| axis(path, path, numbers());
        let axes = ["client.shop.count", "service.a.count", "service.a.workers"].map(of_path);
        let read = |text| constraint(text, &axes).map(|constraint| constraint.left);
        let workers = Operand::Axis {
            axis: 2,
            factor: 1.0,
            unit: AxisUnit::Plain,
        };
        assert_eq!(read("workers > 1"), Ok(workers));
        assert!(read("count > 1").is_err());
    }
}
