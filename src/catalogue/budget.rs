//! Decides whether a value can be validated against a schema in reasonable time.
//!
//! Two branches that both refer back to the schema double the work with each level of the value, and each level uses
//! stack. A running validator cannot be stopped, so its steps are counted beforehand, those of patterns of values aside.

use serde_json::{Map, Value};

use super::schema::Schema;

/// The most levels of a value, since each may use as many stack frames as the schema is deep.
const DEEPEST: usize = 32;
/// The most schemas that a validator may be evaluating at once, since each uses stack.
const MOST_FRAMES: usize = 400;

/// Whether validation takes no more steps than `limit`.
pub(super) fn allows(schema: &Schema, value: &Value, limit: usize) -> bool {
    let mut count = Count { schema, limit, steps: 0, frames: 0, path: 0 };
    schema.resolve("#").is_none_or(|root| count.walk(root, value, 0).is_some())
}

struct Count<'a> {
    schema: &'a Schema,
    limit: usize,
    steps: usize,
    /// How many nested schemas the walk is in now, as a validator would be.
    frames: usize,
    /// How many bytes of names lead to the value. An error repeats them.
    path: usize,
}

impl Count<'_> {
    /// Returns `None` if a limit is exceeded.
    fn walk(&mut self, schema: &Value, value: &Value, depth: usize) -> Option<()> {
        self.frames += 1;
        let end = self.walk_in(schema, value, depth);
        self.frames -= 1;
        end
    }

    fn walk_in(&mut self, schema: &Value, value: &Value, depth: usize) -> Option<()> {
        self.steps = self.steps.saturating_add(1 + self.path / 40);
        if self.steps > self.limit || self.frames > MOST_FRAMES || depth > DEEPEST {
            return None;
        }
        let Some(object) = schema.as_object() else {
            return Some(());
        };
        if let Some(Value::String(reference)) = object.get("$ref")
            && let Some(target) = self.schema.resolve(reference)
        {
            self.walk(target, value, depth)?;
        }
        if !may_be(object, value) {
            return Some(());
        }
        // To see what was evaluated, a validator looks again at all that applies to the value, at each level.
        let again = object.contains_key("unevaluatedProperties") || object.contains_key("unevaluatedItems");
        for _ in 0..=usize::from(again) {
            self.walk_keywords(object, value, depth)?;
        }
        Some(())
    }

    fn walk_keywords(&mut self, object: &Map<String, Value>, value: &Value, depth: usize) -> Option<()> {
        for (keyword, below) in object {
            self.steps = self.steps.saturating_add(own_steps(keyword, below, value, self.limit));
            match (keyword.as_str(), below) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    // A validator may copy the value for each branch to report its error.
                    self.steps =
                        self.steps.saturating_add(schemas.len().saturating_mul(size(value, self.limit)));
                    schemas.iter().try_for_each(|schema| self.walk(schema, value, depth))?;
                }
                ("not" | "if" | "then" | "else", schema) => self.walk(schema, value, depth)?,
                ("dependentSchemas", Value::Object(schemas)) => {
                    schemas.values().try_for_each(|schema| self.walk(schema, value, depth))?;
                }
                (keyword, below) => self.walk_members(keyword, below, value, depth + 1)?,
            }
        }
        Some(())
    }

    fn walk_members(&mut self, keyword: &str, below: &Value, value: &Value, depth: usize) -> Option<()> {
        match (keyword, below, value) {
            ("properties", Value::Object(schemas), Value::Object(members)) => {
                let both =
                    members.iter().filter_map(|(name, member)| Some((schemas.get(name)?, name, member)));
                both.into_iter()
                    .try_for_each(|(schema, name, member)| self.walk_member(schema, name, member, depth))
            }
            ("patternProperties", Value::Object(schemas), Value::Object(members)) => {
                schemas.values().try_for_each(|schema| {
                    members
                        .iter()
                        .try_for_each(|(name, member)| self.walk_member(schema, name, member, depth))
                })
            }
            ("propertyNames", schema, Value::Object(members)) => {
                members.keys().try_for_each(|name| self.walk(schema, &Value::String(name.clone()), depth))
            }
            ("additionalProperties" | "unevaluatedProperties", schema, Value::Object(members)) => {
                members.iter().try_for_each(|(name, member)| self.walk_member(schema, name, member, depth))
            }
            ("prefixItems", Value::Array(schemas), Value::Array(items)) => {
                schemas.iter().zip(items).try_for_each(|(schema, item)| self.walk(schema, item, depth))
            }
            ("items" | "contains" | "unevaluatedItems", schema, Value::Array(items)) => {
                items.iter().try_for_each(|item| self.walk(schema, item, depth))
            }
            _ => Some(()),
        }
    }

    fn walk_member(&mut self, schema: &Value, name: &str, member: &Value, depth: usize) -> Option<()> {
        self.path += name.len();
        let end = self.walk(schema, member, depth);
        self.path -= name.len();
        end
    }
}

/// The steps that a keyword takes for a value, its subschemas aside.
fn own_steps(keyword: &str, below: &Value, value: &Value, limit: usize) -> usize {
    match (keyword, below, value) {
        ("enum", Value::Array(options), _) => options.len(),
        ("required", Value::Array(names), Value::Object(_)) => names.len(),
        ("properties", Value::Object(schemas), Value::Object(_)) => schemas.len(),
        ("dependentRequired", Value::Object(all), Value::Object(_)) => {
            all.values().filter_map(Value::as_array).map(Vec::len).sum()
        }
        ("uniqueItems", _, Value::Array(_)) => size(value, limit),
        ("patternProperties", Value::Object(schemas), Value::Object(members)) => {
            // Each name is matched with each pattern, up to a hundred states at a time.
            let names: usize = members.keys().map(|name| name.len() + 1).sum();
            schemas.len().saturating_mul(names)
        }
        _ => 0,
    }
}

/// Returns the number of values in `value`, itself included, and stops counting at `limit`.
fn size(value: &Value, limit: usize) -> usize {
    let below = |sum: usize, value: &Value| if sum < limit { sum + size(value, limit - sum) } else { sum };
    match value {
        Value::Array(items) => items.iter().fold(1, below),
        Value::Object(members) => members.values().fold(1, below),
        _ => 1,
    }
}

/// Whether the schema's `type` allows the value; if not, a validator skips the other keywords.
fn may_be(schema: &Map<String, Value>, value: &Value) -> bool {
    let is = |name: &Value| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(_) => name == "number" || name == "integer",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(is),
        Some(name) => is(name),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MOST: usize = 200_000;

    #[test]
    fn doubling_is_stopped_and_trees_are_not() {
        let deep = |levels: usize| (0..levels).fold(json!({}), |value, _| json!({ "x": value }));
        let like = json!({ "properties": { "x": { "$ref": "#" } } });
        let (doubling, _) = Schema::translate(&json!({ "anyOf": [like, like] })).unwrap();
        assert!(allows(&doubling, &deep(5), MOST));
        assert!(!allows(&doubling, &deep(25), MOST));
        let (list, _) = Schema::translate(&like).unwrap();
        assert!(allows(&list, &deep(30), MOST));
        assert!(!allows(&list, &deep(40), MOST));
        let (tree, _) = Schema::translate(&json!({ "anyOf": [
            { "type": "object", "additionalProperties": { "$ref": "#" } },
            { "type": "array", "items": { "$ref": "#" } },
            { "type": ["string", "number", "boolean", "null"] },
        ]}))
        .unwrap();
        let wide: Vec<Value> = (0..5_000).map(|n| json!({ "n": n })).collect();
        assert!(allows(&tree, &json!(wide), MOST));
    }

    #[test]
    fn what_one_keyword_costs_is_counted() {
        let members =
            |count: usize| json!((0..count).map(|n| (format!("n{n}"), json!(n))).collect::<Map<_, _>>());
        let options: Vec<usize> = (0..1_000).collect();
        let patterns: Map<String, Value> = (0..100).map(|n| (format!("^{n}x"), json!({}))).collect();
        // Each level of `unevaluatedProperties` looks again at all below it.
        let again =
            (0..40).fold(json!({}), |schema, _| json!({ "allOf": [schema], "unevaluatedProperties": {} }));
        for (schema, value) in [
            (json!({ "items": { "enum": options } }), json!(options)),
            (json!({ "patternProperties": patterns }), members(1_000)),
            (json!({ "propertyNames": { "anyOf": vec![json!({ "const": "a" }); 500] } }), members(1_000)),
            (json!({ "items": { "required": vec!["a"; 1_000] } }), json!(vec![json!({}); 1_000])),
            (again, json!({ "a": 1 })),
            (
                json!({ "additionalProperties": { "items": {} } }),
                json!({ "k".repeat(100_000): vec![0; 200] }),
            ),
        ] {
            let (schema, _) = Schema::translate(&schema).unwrap();
            assert!(!allows(&schema, &value, MOST), "{schema:?}");
            assert!(allows(&schema, &json!({}), MOST) || schema.root().contains_key("allOf"));
        }
    }
}
