//! Top-level `properties`, for clients that read nothing else.
//!
//! Open WebUI and the model providers behind it read a tool's arguments only from `properties`. If a schema has its
//! properties in a `oneOf` or behind a `$ref`, they are repeated at the top level, without changing which values the
//! schema allows.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{form::Schema, keywords};

/// The deepest nesting of branches that is searched.
const DEEPEST: usize = 8;

/// Properties found in branches, each with its schemas.
type Found = IndexMap<String, Vec<Value>>;

/// How much the branches and their properties may weigh. References may lead to the same one again and again.
const HEAVIEST: usize = 20_000;

impl Schema {
    /// Returns the same schema, with every top-level property under `properties`.
    pub fn with_properties_exposed(&self) -> Self {
        let here = self.root();
        if here.contains_key("properties") && here.contains_key("type") && !here.contains_key("$ref") {
            return self.clone();
        }
        let mut exposed = self.with_root_as_part();
        let mut root = exposed.without_reference();
        // Beside these keywords, declaring a property would allow it.
        let closed = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|keyword| root.contains_key(*keyword));
        if !closed {
            let (mut found, mut left) = (Found::new(), HEAVIEST);
            if exposed.collect(&root, &mut found, 0, &mut left).is_none() {
                // A part of the branches would say that no other values are allowed.
                found.clear();
            }
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

    /// Returns the root with its `$ref` replaced by the target.
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
                // Root and target have a keyword in common, and both must apply.
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

    /// Collects the properties of the branches of `schema`; `None` if they weigh more than what is `left`.
    fn collect<'a>(
        &'a self,
        schema: &'a Map<String, Value>,
        found: &mut Found,
        depth: usize,
        left: &mut usize,
    ) -> Option<()> {
        if depth > DEEPEST {
            return Some(());
        }
        let branches = |keyword: &str| -> Vec<&'a Map<String, Value>> {
            let list = schema.get(keyword).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(|branch| self.open(branch)).collect()
        };
        for part in branches("allOf") {
            take(left, part)?;
            for (name, property) in properties(part) {
                found.entry(name.clone()).or_default().push(property.clone());
            }
            self.collect(part, found, depth + 1, left)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            let branches = branches(keyword);
            let mut alternatives = Found::new();
            for branch in &branches {
                take(left, branch)?;
                for (name, property) in properties(branch) {
                    alternatives.entry(name.clone()).or_default().push(property.clone());
                }
                self.collect(branch, &mut alternatives, depth + 1, left)?;
            }
            for (name, schemas) in alternatives {
                // The value is limited to these schemas only if every branch constrains the property.
                let bound = branches.iter().all(|branch| {
                    properties(branch).any(|(other, _)| *other == name)
                        || branch.get("additionalProperties") == Some(&Value::Bool(false))
                });
                let known = if bound { schemas } else { vec![remarks(&schemas)] };
                found.entry(name).or_default().extend(known);
            }
        }
        Some(())
    }

    /// Returns a branch, or its target if it is only a reference.
    fn open<'a>(&'a self, branch: &'a Value) -> Option<&'a Map<String, Value>> {
        let object = branch.as_object()?;
        match object.get("$ref").and_then(Value::as_str) {
            Some(reference) if object.len() == 1 => self.resolve(reference)?.as_object(),
            _ => Some(object),
        }
    }
}

/// Takes a branch, with its properties, from what is left.
fn take(left: &mut usize, branch: &Map<String, Value>) -> Option<()> {
    let weight = 1 + properties(branch).map(|(_, property)| keywords::weight(property)).sum::<usize>();
    *left = left.checked_sub(weight)?;
    Some(())
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Returns the annotations of a property that some branches do not constrain.
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
