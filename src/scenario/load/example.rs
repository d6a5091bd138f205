//! What a table could look like where something else stands.

use super::schema::{Default, Key, Kind, TableSpec};
use super::tree::{Tree, Value, toml_string};
use crate::quantity;
use crate::time::SimDuration;

/// A table of a kind in TOML: with a value at the first key that takes one like it, and with the
/// keys that are required, or with the first key.
pub fn table_like(tree: &Tree, spec: &'static TableSpec) -> String {
    let tag = spec.tag.as_ref();
    let variant = match tag.and_then(|tag| tag.default) {
        Some(name) => spec.variant(name),
        None => spec.variants.first(),
    };
    let mut pairs = Vec::new();
    if let (Some(tag), Some(variant)) = (tag.filter(|tag| tag.default.is_none()), variant) {
        pairs.push(format!("{} = {}", tag.key, toml_string(variant.name)));
    }
    let meant = spec.keys_of(variant).find(|key| takes(key, tree));
    for key in spec.keys_of(variant) {
        if meant.is_some_and(|meant| meant.name == key.name) {
            pairs.push(format!("{} = {}", key.name, tree.to_inline_toml()));
        } else if matches!(key.default, Default::Required) {
            pairs.push(format!("{} = {}", key.name, example(key)));
        }
    }
    if pairs.is_empty() {
        let first = spec.keys_of(variant).next();
        pairs.extend(first.map(|key| format!("{} = {}", key.name, example(key))));
    }
    format!("{{ {} }}", pairs.join(", "))
}

/// Whether a key takes a value like this one.
fn takes(key: &Key, tree: &Tree) -> bool {
    if key.only_if.is_some() {
        return false;
    }
    match (key.kind, &tree.value) {
        (Kind::Duration { .. }, Value::Str(text)) => text.parse::<SimDuration>().is_ok(),
        (Kind::Rate { .. }, Value::Str(text)) => quantity::parse_rate(text).is_ok(),
        (Kind::Size, Value::Str(text)) => quantity::parse_size(text).is_ok(),
        (Kind::Ratio, Value::Str(text)) => quantity::parse_ratio(text).is_ok(),
        (Kind::Ratio, Value::Float(number)) => quantity::check_ratio(*number).is_ok(),
        (Kind::Choice(words), Value::Str(text)) => words.contains(&text.as_str()),
        (Kind::Bool, Value::Bool(_)) => true,
        (Kind::Count { min, max }, Value::Int(number)) => {
            u64::try_from(*number).is_ok_and(|number| (min..=max).contains(&number))
        }
        (Kind::Limit { max } | Kind::Amount { max }, Value::Int(number)) => {
            u64::try_from(*number).is_ok_and(|number| number <= max)
        }
        _ => false,
    }
}

/// A value that a key takes: its default, or a usual one.
fn example(key: &Key) -> String {
    if let Default::Toml(text) = key.default {
        return text.to_string();
    }
    match key.kind {
        Kind::Duration { .. } | Kind::Phase | Kind::Warmup => "\"100ms\"".to_string(),
        Kind::Rate { .. } => "\"100/s\"".to_string(),
        Kind::Size => "\"1KiB\"".to_string(),
        Kind::Bandwidth => "\"1Gbit/s\"".to_string(),
        Kind::Ratio | Kind::Multiple { .. } | Kind::Drift => "\"10%\"".to_string(),
        Kind::Count { min, max } => 1_000.clamp(min, max).to_string(),
        Kind::Limit { max } => 100.min(max).to_string(),
        Kind::Amount { max } => 1.min(max).to_string(),
        Kind::Number { min, max, .. } => 1f64.clamp(min, max).to_string(),
        Kind::Choice(words) => toml_string(words[0]),
        Kind::Bool => "true".to_string(),
        Kind::List(_) | Kind::Values => "[...]".to_string(),
        Kind::Table(_) | Kind::Named(_) | Kind::Assertions | Kind::Variants => {
            "{ ... }".to_string()
        }
        Kind::Text | Kind::Name | Kind::File | Kind::Selector => "\"...\"".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::{BACKOFF, CALL_CACHE, QUEUE, RETRY};
    use super::super::tree::parse_static;
    use super::*;

    #[test]
    fn a_value_stands_where_its_like_is_taken() {
        let like = |text, spec| table_like(&parse_static(text), spec);
        assert_eq!(like("2", &RETRY), "{ attempt_count_max = 2 }");
        assert_eq!(like("100", &QUEUE), "{ limit = 100 }");
        assert_eq!(like("\"10ms\"", &BACKOFF), "{ min = \"10ms\" }");
        assert!(like("true", &CALL_CACHE).starts_with("{ capacity = "));
    }
}
