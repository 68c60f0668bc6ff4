//! Top-level `properties` for clients that look nowhere else.
//!
//! Open WebUI, and the model providers behind it, read a tool's arguments from `properties` alone. A schema whose
//! properties stand in a `oneOf` or behind a `$ref` gets them repeated at the top, in words that allow nothing
//! more and nothing less than before.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::form::Schema;

/// How far branches within branches are looked into.
const DEEPEST: usize = 8;

/// Properties found in branches, each with what is known of it.
type Found = IndexMap<String, Vec<Value>>;

impl Schema {
    /// The same schema, with every property of its top level under `properties`.
    pub fn with_properties_exposed(&self) -> Self {
        let here = self.root();
        if here.contains_key("properties") && here.contains_key("type") && !here.contains_key("$ref") {
            return self.clone();
        }
        let mut exposed = self.with_root_as_part();
        let mut root = exposed.without_reference();
        // Beside these, naming a property would allow it.
        let closed = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|keyword| root.contains_key(*keyword));
        if !closed {
            let mut found = Found::new();
            exposed.collect(&root, &mut found, 0);
            let properties = root.entry("properties").or_insert_with(|| json!({}));
            if let Some(properties) = properties.as_object_mut() {
                for (name, schemas) in found {
                    properties.entry(name).or_insert_with(|| union(schemas));
                }
            }
        }
        root.entry("type").or_insert_with(|| json!("object"));
        root.entry("properties").or_insert_with(|| json!({}));
        exposed.root = Value::Object(root);
        exposed
    }

    /// The root, with what its `$ref` leads to in its place.
    fn without_reference(&self) -> Map<String, Value> {
        let mut root = self.root().clone();
        for _ in 0..DEEPEST {
            let Some(Value::String(reference)) = root.get("$ref") else {
                break;
            };
            let Some(target) =
                self.resolve(reference).and_then(Value::as_object).filter(|_| reference != "#")
            else {
                break;
            };
            if target.keys().any(|keyword| root.contains_key(keyword) && keyword != "$ref") {
                // Both say something about the same: both count.
                let reference = root.remove("$ref").unwrap_or_default();
                let all = root.entry("allOf").or_insert_with(|| json!([]));
                if let Some(all) = all.as_array_mut() {
                    all.push(json!({ "$ref": reference }));
                }
                break;
            }
            root.remove("$ref");
            root.extend(target.clone());
        }
        root
    }

    /// Finds the properties of the branches of `schema`.
    fn collect(&self, schema: &Map<String, Value>, found: &mut Found, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let branches = |keyword: &str| -> Vec<Map<String, Value>> {
            let list = schema.get(keyword).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(|branch| self.open(branch)).collect()
        };
        for part in branches("allOf") {
            for (name, property) in properties(&part) {
                found.entry(name.clone()).or_default().push(property.clone());
            }
            self.collect(&part, found, depth + 1);
        }
        for keyword in ["anyOf", "oneOf"] {
            let branches = branches(keyword);
            let mut alternatives = Found::new();
            for branch in &branches {
                for (name, property) in properties(branch) {
                    alternatives.entry(name.clone()).or_default().push(property.clone());
                }
                self.collect(branch, &mut alternatives, depth + 1);
            }
            for (name, schemas) in alternatives {
                // Only where every branch has its say is a value bound to one of these.
                let bound = branches.iter().all(|branch| {
                    properties(branch).any(|(other, _)| *other == name)
                        || branch.get("additionalProperties") == Some(&Value::Bool(false))
                });
                let known = if bound { schemas } else { vec![remarks(&schemas)] };
                found.entry(name).or_default().extend(known);
            }
        }
    }

    /// A branch without its reference.
    fn open(&self, branch: &Value) -> Option<Map<String, Value>> {
        let object = branch.as_object()?;
        match object.get("$ref").and_then(Value::as_str) {
            Some(reference) if object.len() == 1 => self.resolve(reference)?.as_object().cloned(),
            _ => Some(object.clone()),
        }
    }
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// What may be said of a property that some branches know nothing of.
fn remarks(schemas: &[Value]) -> Value {
    let said = |keyword: &str| {
        schemas.iter().find_map(|schema| Some((keyword.to_owned(), schema.get(keyword)?.clone())))
    };
    Value::Object(["title", "description"].into_iter().filter_map(said).collect())
}

fn union(schemas: Vec<Value>) -> Value {
    let mut different: Vec<Value> = Vec::new();
    for schema in schemas {
        if !different.contains(&schema) {
            different.push(schema);
        }
    }
    match <[Value; 1]>::try_from(different) {
        Ok([only]) => only,
        Err(several) => json!({ "anyOf": several }),
    }
}
