//! JSON Schema as upstreams send it to OpenAPI 3.1 components, meaning kept.
//!
//! A schema that an upstream names (`$defs`, `definitions`, or any place that a `$ref` points to) becomes a
//! component of its own, because OpenAPI tools follow references into `components/schemas` and few elsewhere.
//! Every other keyword stays where it is. Invariant: after [`Components::add`] no reference leads outside the
//! components, and none was fetched.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The `components/schemas` of one document.
#[derive(Debug, Default)]
pub struct Components {
    schemas: Map<String, Value>,
}

/// Keywords whose value is a schema, a list of schemas, or a map from names to schemas.
const SCHEMA: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LIST: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const MAP: [&str; 4] = ["dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Replaced by components, or without meaning inside an OpenAPI document.
const LEFT_OUT: [&str; 5] = ["$defs", "definitions", "$schema", "$id", "$anchor"];

impl Components {
    /// Adds `schema` under `name`, or one like it, and everything that it refers to. Returns a reference to it.
    pub fn add(&mut self, name: &str, schema: &Value) -> Value {
        self.add_part(name, schema, "")
    }

    /// Adds the part of `schema` at a JSON pointer; a part that is not there allows everything.
    pub fn add_part(&mut self, name: &str, schema: &Value, pointer: &str) -> Value {
        let part = schema.pointer(pointer).unwrap_or(&Value::Bool(true));
        let base = sanitize(name);
        let mut placing =
            Placing { root: schema, base: base.clone(), placed: HashMap::new(), components: self };
        reference(&placing.place(pointer, &base, part))
    }

    /// Adds a schema that refers to nothing.
    pub fn add_plain(&mut self, name: &str, schema: Value) {
        self.schemas.insert(name.to_owned(), schema);
    }

    /// All of them, by name.
    pub fn into_schemas(mut self) -> Value {
        self.schemas.sort_keys();
        Value::Object(self.schemas)
    }

    fn free_name(&self, wished: &str) -> String {
        let numbered = (2..).map(|copy| format!("{wished}_{copy}"));
        let mut names = std::iter::once(wished.to_owned()).chain(numbered);
        names.find(|name| !self.schemas.contains_key(name)).unwrap_or_default()
    }
}

/// One schema on its way into the components.
struct Placing<'a, 'c> {
    root: &'a Value,
    base: String,
    /// The component of each place referred to so far, by JSON pointer.
    placed: HashMap<String, String>,
    components: &'c mut Components,
}

impl Placing<'_, '_> {
    fn place(&mut self, pointer: &str, wished: &str, schema: &Value) -> String {
        let name = self.components.free_name(wished);
        // Known before it is translated, so that a recursive schema finds itself.
        self.placed.insert(pointer.to_owned(), name.clone());
        self.components.schemas.insert(name.clone(), Value::Null);
        let schema = self.translate(schema);
        self.components.schemas.insert(name.clone(), schema);
        name
    }

    fn translate(&mut self, schema: &Value) -> Value {
        let Some(object) = schema.as_object() else {
            return schema.clone();
        };
        let mut translated = Map::with_capacity(object.len());
        for (keyword, value) in object {
            let keyword = keyword.as_str();
            if LEFT_OUT.contains(&keyword) {
                continue;
            }
            let value = match value {
                Value::String(target) if keyword == "$ref" => match self.resolve(target) {
                    Some(name) => Value::String(pointer_to(&name)),
                    // A schema that leads nowhere allows everything.
                    None => continue,
                },
                Value::Object(_) if SCHEMA.contains(&keyword) => self.translate(value),
                Value::Array(schemas) if LIST.contains(&keyword) => {
                    schemas.iter().map(|schema| self.translate(schema)).collect()
                }
                Value::Object(schemas) if MAP.contains(&keyword) => {
                    schemas.iter().map(|(name, schema)| (name.clone(), self.translate(schema))).collect()
                }
                value => value.clone(),
            };
            translated.insert(keyword.to_owned(), value);
        }
        Value::Object(translated)
    }

    /// The component that a reference leads to. References to elsewhere are never followed.
    fn resolve(&mut self, target: &str) -> Option<String> {
        let fragment = percent_decode_str(target.strip_prefix('#')?).decode_utf8().ok()?.into_owned();
        let (pointer, schema) = match fragment.strip_prefix('/') {
            Some(_) => (fragment.clone(), self.root.pointer(&fragment)?),
            None if fragment.is_empty() => (fragment.clone(), self.root),
            None => find_anchor(self.root, &fragment, String::new())?,
        };
        if let Some(name) = self.placed.get(&pointer) {
            return Some(name.clone());
        }
        let words = pointer.split('/').filter(|word| !["", "$defs", "definitions"].contains(word));
        let wished: Vec<String> = std::iter::once(self.base.clone()).chain(words.map(sanitize)).collect();
        Some(self.place(&pointer, &wished.join("_"), schema))
    }
}

/// Where `$anchor` (2019-09 on) or an `$id` that is a bare fragment (draft-06, draft-07) stands.
fn find_anchor<'a>(schema: &'a Value, anchor: &str, pointer: String) -> Option<(String, &'a Value)> {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match schema {
        Value::Object(object) => {
            let named = |key: &str| object.get(key).and_then(Value::as_str);
            let by_id = named("$id").and_then(|id| id.strip_prefix('#'));
            if named("$anchor") == Some(anchor) || by_id == Some(anchor) {
                return Some((pointer, schema));
            }
            object.iter().find_map(|(key, value)| find_anchor(value, anchor, below(key)))
        }
        Value::Array(items) => {
            let mut numbered = items.iter().enumerate();
            numbered.find_map(|(index, value)| find_anchor(value, anchor, below(&index.to_string())))
        }
        _ => None,
    }
}

/// A component's name may hold `[A-Za-z0-9._-]` only (OpenAPI 3.1.1 section 4.8.7).
fn sanitize(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

fn pointer_to(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn reference(name: &str) -> Value {
    json!({ "$ref": pointer_to(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hoists_what_is_referred_to_and_keeps_the_rest() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "tree": { "$ref": "#/definitions/node", "description": "sibling" },
                "again": { "$ref": "#/properties/tree" },
                "$ref": { "type": "string", "enum": ["#/definitions/node"] },
                "far": { "$ref": "https://example.com/schema.json", "title": "kept" },
                "anchored": { "$ref": "#leaf" },
            },
            "default": { "$ref": "#/not/a/reference" },
            "definitions": {
                "node": { "type": "object", "properties": { "next": { "$ref": "#/definitions/node" } } },
                "leaf node": { "$anchor": "leaf", "const": 1 },
            },
        });
        let mut components = Components::default();
        assert_eq!(
            components.add("t_form_model", &schema),
            json!({ "$ref": "#/components/schemas/t_form_model" })
        );
        let node = "#/components/schemas/t_form_model_node";
        let expected = json!({
            "t_form_model": {
                "type": "object",
                "properties": {
                    "tree": { "$ref": node, "description": "sibling" },
                    "again": { "$ref": "#/components/schemas/t_form_model_properties_tree" },
                    "$ref": { "type": "string", "enum": ["#/definitions/node"] },
                    "far": { "title": "kept" },
                    "anchored": { "$ref": "#/components/schemas/t_form_model_leaf_node" },
                },
                "default": { "$ref": "#/not/a/reference" },
            },
            "t_form_model_leaf_node": { "const": 1 },
            "t_form_model_node": { "type": "object", "properties": { "next": { "$ref": node } } },
            "t_form_model_properties_tree": { "$ref": node, "description": "sibling" },
        });
        assert_eq!(components.into_schemas(), expected);
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let mut components = Components::default();
        components.add("a b", &json!({ "$ref": "#" }));
        let second = components.add("a/b", &json!({ "$ref": "#" }));
        assert_eq!(second, json!({ "$ref": "#/components/schemas/a_b_2" }));
        let loops = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(components.into_schemas(), json!({ "a_b": loops("a_b"), "a_b_2": loops("a_b_2") }));
    }
}
