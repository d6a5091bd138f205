//! Values of keys, each checked for its type, its unit and its range.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::source::Origin;
use super::suggest::{did_you_mean, one_of};
use super::tree::{Tree, Value};
use crate::quantity::{self, ParseQuantityError};
use crate::scenario::registry::Phase;
use crate::scenario::rollout::Amount;
use crate::time::{ParseDurationError, SimDuration};

/// The longest time that a scenario may name (a run lasts at most two years).
pub const DURATION_MAX: SimDuration = SimDuration::from_secs(2 * 366 * 86_400);

/// A length of time up to [`DURATION_MAX`].
pub fn duration(ctx: &mut Context, tree: &Tree, allows_zero: bool) -> Option<SimDuration> {
    let text = match &tree.value {
        Value::Str(text) => text,
        Value::Int(_) | Value::Float(_) => {
            let number = tree.to_inline_toml();
            ctx.error(Diagnostic::new("a time needs a unit").at(
                tree.origin,
                format!("write \"{number}s\" or \"{number}ms\""),
            ));
            return None;
        }
        _ => return wrong_type(ctx, tree, "a time like \"250ms\""),
    };
    match text.parse::<SimDuration>() {
        Ok(length) if length.is_zero() && !allows_zero => refuse(
            ctx,
            tree,
            "a time that cannot be zero",
            "expected a time above zero",
        ),
        Ok(length) if DURATION_MAX < length => refuse(
            ctx,
            tree,
            "a time longer than two years",
            "the longest time is 732d",
        ),
        Ok(length) => Some(length),
        Err(ParseDurationError::MissingUnit) => {
            let text = text.trim();
            let fix = match text.is_empty() || text.parse::<f64>().is_err() {
                true => "expected a time like \"250ms\"".to_string(),
                false => format!("write \"{text}s\" or \"{text}ms\""),
            };
            refuse(ctx, tree, "a time needs a unit", &fix)
        }
        Err(error) => refuse(
            ctx,
            tree,
            &error.to_string(),
            "expected a time like \"250ms\"",
        ),
    }
}

/// A number per second; zero only where `zero` says so.
pub fn rate(ctx: &mut Context, tree: &Tree, zero: bool) -> Option<f64> {
    match &tree.value {
        Value::Str(text) => {
            let rate = quantity_or_error(ctx, tree, quantity::parse_rate(text))?;
            match zero || 0.0 < rate {
                true => Some(rate),
                false => refuse(
                    ctx,
                    tree,
                    "a rate above 0 is needed",
                    "write \"1/s\" or another",
                ),
            }
        }
        Value::Int(_) | Value::Float(_) => {
            let fix = format!("write \"{}/s\"", tree.to_inline_toml());
            refuse(ctx, tree, "a rate needs a unit", &fix)
        }
        _ => wrong_type(ctx, tree, "a rate like \"2000/s\""),
    }
}

/// A size in bytes.
pub fn size(ctx: &mut Context, tree: &Tree) -> Option<f64> {
    match &tree.value {
        Value::Str(text) => {
            let bytes = quantity::parse_size(text).map(|bytes| bytes as f64);
            quantity_or_error(ctx, tree, bytes)
        }
        Value::Int(_) | Value::Float(_) => {
            let fix = format!("write \"{}B\"", tree.to_inline_toml());
            refuse(ctx, tree, "a size needs a unit", &fix)
        }
        _ => wrong_type(ctx, tree, "a size like \"4KiB\""),
    }
}

/// A number of bytes per second.
pub fn bandwidth(ctx: &mut Context, tree: &Tree) -> Option<f64> {
    match &tree.value {
        Value::Str(text) => quantity_or_error(ctx, tree, quantity::parse_bandwidth(text)),
        Value::Int(_) | Value::Float(_) => {
            let fix = format!("write \"{}MB/s\"", tree.to_inline_toml());
            refuse(ctx, tree, "a bandwidth needs a unit", &fix)
        }
        _ => wrong_type(ctx, tree, "a bandwidth like \"1Gbit/s\""),
    }
}

/// A share from 0 to 1.
pub fn ratio(ctx: &mut Context, tree: &Tree) -> Option<f64> {
    let ratio = match &tree.value {
        Value::Str(text) => quantity::parse_ratio(text),
        Value::Int(number) => quantity::check_ratio(*number as f64),
        Value::Float(number) => quantity::check_ratio(*number),
        _ => return wrong_type(ctx, tree, "a ratio like \"0.1%\" or 0.001"),
    };
    quantity_or_error(ctx, tree, ratio)
}

/// A ratio that may exceed 1, from `min` to `max`.
pub fn multiple(ctx: &mut Context, tree: &Tree, min: f64, max: f64) -> Option<f64> {
    let expected = format!("expected a ratio from {min} to {max} like \"20%\" or 0.2");
    let ratio = match &tree.value {
        Value::Str(text) => match text.trim().strip_suffix('%') {
            Some(percent) => quantity::parse_percent(percent),
            None => quantity::parse_number(text),
        },
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        _ => return wrong_type(ctx, tree, "a ratio like \"20%\" or 0.2"),
    };
    let ratio = quantity_or_error(ctx, tree, ratio)?;
    match (min..=max).contains(&ratio) {
        true => Some(ratio + 0.0),
        false => refuse(ctx, tree, "a ratio out of range", &expected),
    }
}

/// A ratio of either sign, at most one half.
pub fn drift(ctx: &mut Context, tree: &Tree) -> Option<f64> {
    const EXPECTED: &str = "a ratio from -0.5 to 0.5 like \"50ppm\"";
    let drift = match &tree.value {
        Value::Str(text) => {
            let (number, scale) = match (text.strip_suffix("ppm"), text.strip_suffix('%')) {
                (Some(number), _) => (number, 1e6),
                (None, Some(number)) => (number, 100.0),
                (None, None) => (text.as_str(), 1.0),
            };
            quantity_or_error(ctx, tree, quantity::parse_number(number))? / scale
        }
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return wrong_type(ctx, tree, EXPECTED),
    };
    if (-0.5..=0.5).contains(&drift) {
        return Some(drift);
    }
    refuse(
        ctx,
        tree,
        "a clock drift out of range",
        &format!("expected {EXPECTED}"),
    )
}

/// A finite number from `min` (`is_above`: not `min` itself) to `max`.
pub fn number(ctx: &mut Context, tree: &Tree, min: f64, is_above: bool, max: f64) -> Option<f64> {
    let number = match &tree.value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return wrong_type(ctx, tree, "a number"),
    };
    let is_low = if is_above {
        number <= min
    } else {
        number < min
    };
    if number.is_nan() || is_low || max < number {
        let from = if is_above { "above" } else { "from" };
        return refuse(
            ctx,
            tree,
            "a number out of range",
            &format!("expected a number {from} {min} up to {max}"),
        );
    }
    Some(number + 0.0)
}

/// A whole number from `min` to `max`.
pub fn count(ctx: &mut Context, tree: &Tree, min: u64, max: u64) -> Option<u64> {
    let expected = match min == max {
        true => format!("{min}"),
        false => format!("a whole number from {min} to {max}"),
    };
    let number = match tree.value {
        Value::Int(number) => number,
        Value::Float(number) if !number.is_finite() => {
            return refuse(
                ctx,
                tree,
                "a number out of range",
                &format!("expected {expected}"),
            );
        }
        _ => return wrong_type(ctx, tree, &expected),
    };
    match u64::try_from(number) {
        Ok(number) if (min..=max).contains(&number) => Some(number),
        _ => refuse(
            ctx,
            tree,
            "a number out of range",
            &format!("expected {expected}"),
        ),
    }
}

/// A whole number from 0 to `max`, or a share like `"25%"`.
pub fn amount(ctx: &mut Context, tree: &Tree, max: u64) -> Option<Amount> {
    match &tree.value {
        Value::Str(text) if text.trim().ends_with('%') => {
            quantity_or_error(ctx, tree, quantity::parse_ratio(text)).map(Amount::Share)
        }
        Value::Int(_) => {
            let count = count(ctx, tree, 0, max)?;
            u32::try_from(count).ok().map(Amount::Count)
        }
        _ => wrong_type(ctx, tree, "a whole number, or a share like \"25%\""),
    }
}

/// `true` or `false`.
pub fn bool(ctx: &mut Context, tree: &Tree) -> Option<bool> {
    match tree.value {
        Value::Bool(value) => Some(value),
        _ => wrong_type(ctx, tree, "true or false"),
    }
}

/// A text.
pub fn text(ctx: &mut Context, tree: &Tree) -> Option<String> {
    match &tree.value {
        Value::Str(text) => Some(text.clone()),
        _ => wrong_type(ctx, tree, "a string"),
    }
}

/// The items of an array.
pub fn array<'t>(ctx: &mut Context, tree: &'t Tree) -> Option<&'t [Tree]> {
    match &tree.value {
        Value::Array(items) => Some(items),
        _ => wrong_type(ctx, tree, "an array"),
    }
}

/// One of `words`.
pub fn choice(
    ctx: &mut Context,
    tree: &Tree,
    words: &'static [&'static str],
) -> Option<&'static str> {
    let text = text(ctx, tree)?;
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Some(word);
    }
    let names = || words.iter().copied();
    ctx.error(
        Diagnostic::new(format!("unknown value `{text}`"))
            .at(tree.origin, one_of(names()))
            .help_if(did_you_mean(&text, names())),
    );
    None
}

/// A well-formed name.
pub fn name(ctx: &mut Context, tree: &Tree) -> Option<String> {
    let text = text(ctx, tree)?;
    check_name(ctx, &text, tree.origin).then_some(text)
}

/// `"random"`, `"aligned"` or a length of time.
pub fn phase(ctx: &mut Context, tree: &Tree) -> Option<Phase> {
    match tree.as_str() {
        Some("random") => Some(Phase::Random),
        Some("aligned") => Some(Phase::Aligned),
        Some(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => refuse(
            ctx,
            tree,
            &format!("unknown phase `{text}`"),
            "expected \"random\", \"aligned\" or a time like \"250ms\"",
        ),
        _ => duration(ctx, tree, true).map(Phase::At),
    }
}

/// A warm-up: its length and whether it is to be found before the run.
pub fn warmup(ctx: &mut Context, tree: &Tree) -> Option<(SimDuration, bool)> {
    match tree.as_str() {
        Some("auto") => Some((SimDuration::ZERO, true)),
        Some(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => refuse(
            ctx,
            tree,
            &format!("unknown warm-up `{text}`"),
            "expected \"auto\" or a time like \"10s\"",
        ),
        _ => duration(ctx, tree, true).map(|length| (length, false)),
    }
}

/// Whether a text is a name; reports it if not.
pub fn check_name(ctx: &mut Context, text: &str, origin: Origin) -> bool {
    let is_name = is_name(text);
    if !is_name {
        let shown: String = text.chars().take(80).collect();
        ctx.error(
            Diagnostic::new(format!("`{shown}` is not a name"))
                .at(origin, "expected letters, digits, - and _, at most 64"),
        );
    }
    is_name
}

/// Whether a text is `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
pub fn is_name(text: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() <= 64
        && text.bytes().all(is_inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn quantity_or_error(
    ctx: &mut Context,
    tree: &Tree,
    result: Result<f64, ParseQuantityError>,
) -> Option<f64> {
    match result {
        Ok(number) => Some(number),
        Err(error) => refuse(ctx, tree, &error.message, &error.fix),
    }
}

fn wrong_type<T>(ctx: &mut Context, tree: &Tree, expected: &str) -> Option<T> {
    let title = format!("wrong type: {}", tree.kind_name());
    refuse(ctx, tree, &title, &format!("expected {expected}"))
}

fn refuse<T>(ctx: &mut Context, tree: &Tree, title: &str, label: &str) -> Option<T> {
    ctx.error(Diagnostic::new(title).at(tree.origin, label));
    None
}
