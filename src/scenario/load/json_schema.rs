//! The JSON Schema (draft-07) of scenario files, for editors.

use serde_json::{Map, Value, json};

use super::schema::{Default, Key, Kind, ROOT, Shorthand, TableSpec, Variant};
use super::tree::parse_static;

/// The schema of a scenario file. What a key may hold is said of every file; which keys are
/// required only of those that extend no other.
pub fn json_schema() -> Value {
    let mut parts = Definitions::default();
    let mut root = object(&ROOT, None, &mut parts);
    let mut wholes = Definitions {
        is_whole: true,
        ..Definitions::default()
    };
    let whole = object(&ROOT, None, &mut wholes);
    let mut described = parts.described;
    described.extend(wholes.described);
    let head = root
        .as_object_mut()
        .expect("an object is described by an object");
    head.insert(
        "$schema".into(),
        "http://json-schema.org/draft-07/schema#".into(),
    );
    head.insert("title".into(), "Stormglass scenario".into());
    head.insert("if".into(), json!({ "required": ["extends"] }));
    head.insert("else".into(), whole);
    head.insert("definitions".into(), Value::Object(described));
    root
}

/// Kinds of tables that are referred to.
#[derive(Default)]
struct Definitions {
    /// Whether tables have all their required keys, and nothing is said but that.
    is_whole: bool,
    named: Vec<(&'static TableSpec, String)>,
    described: Map<String, Value>,
}

impl Definitions {
    /// The name of a kind of table, if it was met before.
    fn name(&self, spec: &'static TableSpec) -> Option<String> {
        let mut named = self.named.iter();
        named
            .find(|(other, _)| std::ptr::eq(*other, spec))
            .map(|(_, name)| name.clone())
    }

    /// A name that no other kind of table has: what it is called, and a number from the second one
    /// on that is called so.
    fn take_name(&mut self, spec: &'static TableSpec) -> String {
        let same = self
            .named
            .iter()
            .filter(|(other, _)| other.what == spec.what);
        let number = match same.count() {
            0 => String::new(),
            count => format!("-{}", count + 1),
        };
        let whole = if self.is_whole { "whole " } else { "" };
        let name = format!("{whole}{}{number}", spec.what);
        self.named.push((spec, name.clone()));
        self.described.insert(name.clone(), Value::Null);
        name
    }
}

/// A reference to a kind of table, which is described when it is met first.
fn reference(spec: &'static TableSpec, definitions: &mut Definitions) -> Value {
    let name = definitions.name(spec).unwrap_or_else(|| {
        // Taken first, since a kind of table may hold itself.
        let name = definitions.take_name(spec);
        let described = table(spec, definitions);
        definitions.described.insert(name.clone(), described);
        name
    });
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A kind of table with its variants and its shorthand.
fn table(spec: &'static TableSpec, definitions: &mut Definitions) -> Value {
    let mut choices: Vec<Value> = match spec.variants.is_empty() {
        true => vec![object(spec, None, definitions)],
        false => spec
            .variants
            .iter()
            .map(|variant| object(spec, Some(variant), definitions))
            .collect(),
    };
    match spec.shorthand {
        Some(Shorthand::Tag) => {
            let names: Vec<&str> = spec.variants.iter().map(|variant| variant.name).collect();
            choices.push(json!({ "enum": names }));
        }
        Some(Shorthand::Key { variant, key }) => {
            let key = spec.key(spec.variant(variant), key);
            choices.push(kind(
                key.expect("a shorthand stands for a key").kind,
                definitions,
            ));
        }
        None => {}
    }
    match choices.len() {
        1 => choices.remove(0),
        _ if definitions.is_whole => json!({ "oneOf": choices }),
        // Without its tag, a table may fit several.
        _ => json!({ "description": spec.doc, "anyOf": choices }),
    }
}

fn object(
    spec: &'static TableSpec,
    variant: Option<&'static Variant>,
    definitions: &mut Definitions,
) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let (Some(tag), Some(variant)) = (&spec.tag, variant) {
        let described = match definitions.is_whole {
            true => json!({ "const": variant.name }),
            false => json!({ "const": variant.name, "description": variant.doc }),
        };
        properties.insert(tag.key.into(), described);
        if tag.default != Some(variant.name) {
            required.push(tag.key);
        }
    }
    for key in spec.keys_of(variant) {
        properties.insert(key.name.into(), property(key, definitions));
        if matches!(key.default, Default::Required) {
            required.push(key.name);
        }
    }
    let mut described = Map::new();
    described.insert("type".into(), "object".into());
    if !definitions.is_whole {
        let doc = variant.map_or(spec.doc, |variant| variant.doc);
        described.insert("description".into(), doc.into());
    }
    described.insert("properties".into(), Value::Object(properties));
    if definitions.is_whole {
        described.insert("required".into(), json!(required));
    }
    described.insert("additionalProperties".into(), false.into());
    Value::Object(described)
}

fn property(key: &'static Key, definitions: &mut Definitions) -> Value {
    let mut described = kind(key.kind, definitions);
    if definitions.is_whole {
        return described;
    }
    if described.get("$ref").is_some() {
        // Draft 7 ignores what stands beside a reference.
        described = json!({ "allOf": [described] });
    }
    let map = described
        .as_object_mut()
        .expect("a kind is described by an object");
    let mut description = key.doc.to_string();
    if let Some(condition) = key.only_if {
        description.push_str(&format!(" Only with {}.", condition.text()));
    }
    match key.default {
        Default::Toml(text) => {
            let value = to_json(&parse_static(text));
            map.insert("default".into(), value);
        }
        Default::Computed(words) | Default::Inherited(words) => {
            description.push_str(&format!(" Default: {words}."))
        }
        Default::Required | Default::Absent | Default::Nested => {}
    }
    map.insert("description".into(), description.into());
    described
}

const DURATION: &str = r"^\s*[0-9_]*(\.[0-9_]*)?\s*(ns|us|µs|ms|s|m|h|d)$";
const RATE: &str = r"^.*/\s*(ns|us|ms|s|m|h|d|day)\s*$";
const SIZE: &str = r"^\s*[0-9._eE+-]+\s*[KMGT]?i?B\s*$";
const BANDWIDTH: &str = r"^\s*[0-9._eE+-]+\s*([KMGT]?i?B|[kMGT]?bit)/s\s*$";
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

fn kind(kind_of: Kind, definitions: &mut Definitions) -> Value {
    match kind_of {
        Kind::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Kind::Rate { .. } => json!({ "type": "string", "pattern": RATE }),
        Kind::Size => json!({ "type": "string", "pattern": SIZE }),
        Kind::Bandwidth => json!({ "type": "string", "pattern": BANDWIDTH }),
        Kind::Ratio => json!({ "oneOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^[0-9._eE+-]+%?$" },
        ] }),
        Kind::Multiple { min, max } => json!({ "oneOf": [
            { "type": "number", "minimum": min, "maximum": max },
            { "type": "string", "pattern": "^[0-9._eE+-]+%?$" },
        ] }),
        Kind::Drift => json!({ "oneOf": [
            { "type": "number", "minimum": -0.5, "maximum": 0.5 },
            { "type": "string", "pattern": "^[0-9._eE+-]+(%|ppm)?$" },
        ] }),
        Kind::Count { min, max } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Kind::Limit { max } => json!({ "oneOf": [
            { "type": "integer", "minimum": 0, "maximum": max },
            { "const": "unlimited" },
        ] }),
        Kind::Amount { max } => json!({ "oneOf": [
            { "type": "integer", "minimum": 0, "maximum": max },
            { "type": "string", "pattern": "^[0-9._eE+-]+%$" },
        ] }),
        Kind::Number { min, above, max } => {
            let bound = if above { "exclusiveMinimum" } else { "minimum" };
            json!({ "type": "number", bound: min, "maximum": max })
        }
        Kind::Text | Kind::Selector | Kind::File | Kind::Phase | Kind::Warmup => {
            json!({ "type": "string" })
        }
        Kind::Name => json!({ "type": "string", "pattern": NAME }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::List(item) => json!({ "type": "array", "items": kind(*item, definitions) }),
        Kind::Table(spec) => reference(spec, definitions),
        Kind::Named(spec) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": reference(spec, definitions),
        }),
        Kind::Assertions => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "type": "string" },
        }),
        Kind::Variants => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "type": "object" },
        }),
        Kind::Values => json!({ "type": "array", "minItems": 1 }),
    }
}

fn to_json(tree: &super::tree::Tree) -> Value {
    use super::tree::Value as Toml;
    match &tree.value {
        Toml::Str(text) => json!(text),
        Toml::Int(number) => json!(i64::try_from(*number).expect("defaults are small")),
        Toml::Float(number) => json!(number),
        Toml::Bool(value) => json!(value),
        Toml::Array(items) => Value::Array(items.iter().map(to_json).collect()),
        Toml::Table(_) | Toml::Datetime(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{parse_bandwidth, parse_rate, parse_size};
    use crate::scenario::load::schema::{ACCEPT, CONNECTION};
    use crate::time::SimDuration;

    /// Whether a text is a value of the kind that has this pattern.
    fn is_read(pattern: &str, text: &str) -> bool {
        match pattern {
            DURATION => text.parse::<SimDuration>().is_ok(),
            RATE => parse_rate(text).is_ok(),
            SIZE => parse_size(text).is_ok(),
            BANDWIDTH => parse_bandwidth(text).is_ok(),
            _ => true,
        }
    }

    /// Adds the defaults below `value` that cannot be read, and returns how many were looked at.
    fn look(value: &Value, refused: &mut Vec<String>) -> usize {
        let below: Vec<&Value> = match value {
            Value::Object(map) => map.values().collect(),
            Value::Array(list) => list.iter().collect(),
            _ => return 0,
        };
        let mut count = below.into_iter().map(|below| look(below, refused)).sum();
        let described = value["allOf"].get(0).unwrap_or(value);
        if let (Some(pattern), Some(text)) =
            (described["pattern"].as_str(), value["default"].as_str())
        {
            count += 1;
            if !is_read(pattern, text) {
                refused.push(text.to_string());
            }
        }
        count
    }

    #[test]
    fn tables_that_are_called_alike_are_described_apart() {
        let mut definitions = Definitions::default();
        let keys: Vec<Vec<String>> = [&CONNECTION, &ACCEPT, &CONNECTION]
            .map(|spec| {
                let place = reference(spec, &mut definitions);
                let name = place["$ref"].as_str().and_then(|it| it.rsplit('/').next());
                let described = &definitions.described[name.expect("a name")];
                let keys = described["properties"].as_object().expect("a table").keys();
                keys.cloned().collect()
            })
            .into();
        assert!(keys[0].contains(&"connect_timeout".to_string()));
        assert!(!keys[1].contains(&"connect_timeout".to_string()));
        assert_eq!(keys[0], keys[2]);
        assert_eq!(definitions.named.len(), definitions.described.len());
    }

    #[test]
    fn defaults_can_be_read() {
        let mut refused = Vec::new();
        let count = look(&json_schema(), &mut refused);
        assert!(100 < count, "{count} defaults with a unit");
        assert_eq!(refused, [""; 0]);
    }
}
