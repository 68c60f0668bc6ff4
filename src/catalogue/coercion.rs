//! Coerces arguments that are invalid as sent but whose intent is clear, by the rules of pydantic's lax mode.
//!
//! A string becomes the number or boolean that it spells, and `true` becomes 1. An explicit null is removed if its
//! property is optional and does not allow null. Undeclared properties are removed if the schema forbids them. `5.0` is
//! a valid integer, but servers in typed languages reject it, so it becomes 5. Nothing else changes, and the result is
//! validated again, so coercion never makes a call worse.

use std::cell::Cell;

use serde_json::{Map, Number, Value};

use super::schema::Schema;

/// The most references followed on one path, which ends recursion in a recursive schema.
const DEEPEST: usize = 64;
/// Without this limit, branches that refer back to their own schema would double the work with each level.
const MOST_STEPS: usize = 100_000;

/// Coerces `value` in place, as far as the schema determines the result.
///
/// If the value is `valid`, only floats that are whole numbers are rewritten.
pub(super) fn mend(schema: &Schema, value: &mut Value, valid: bool) {
    if let Some(root) = schema.resolve("#") {
        Mender { schema, valid, steps: Cell::new(0) }.mend(root, value, 0);
    }
}

struct Mender<'a> {
    schema: &'a Schema,
    valid: bool,
    steps: Cell<usize>,
}

impl<'a> Mender<'a> {
    fn mend(&self, schema: &'a Value, value: &mut Value, depth: usize) {
        self.steps.set(self.steps.get() + 1);
        let within = depth < DEEPEST && self.steps.get() < MOST_STEPS;
        let Some(schema) = self.resolve(schema).filter(|_| within) else {
            return;
        };
        for part in branches(schema, "allOf") {
            self.mend(part, value, depth + 1);
        }
        for keyword in ["anyOf", "oneOf"] {
            self.mend_by_branch(branches(schema, keyword), value, depth);
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|wanted| is(value, wanted)) {
            if let Some(mended) = types.iter().find_map(|wanted| convert(value, wanted)) {
                *value = mended;
            }
            return;
        }
        match value {
            Value::Number(number) if types.contains(&"integer") && !types.contains(&"number") => {
                if let Some(whole) = whole(number) {
                    *number = whole;
                }
            }
            Value::Object(object) => self.mend_object(schema, object, depth),
            Value::Array(items) => self.mend_array(schema, items, depth),
            _ => {}
        }
    }

    /// Coerces `value` by the one branch that fits it.
    ///
    /// That is the only branch that allows the value's type, or the first of several whose required and constant
    /// properties match. If none allows the type, it is the first branch to which the value can be converted.
    fn mend_by_branch(&self, branches: &'a [Value], value: &mut Value, depth: usize) {
        let takes = |branch: &&'a Value, value: &Value| {
            let types = self.resolve(branch).map(types).unwrap_or_default();
            types.is_empty() || types.iter().any(|wanted| is(value, wanted))
        };
        let candidates: Vec<&'a Value> = branches.iter().filter(|branch| takes(branch, value)).collect();
        match candidates.as_slice() {
            [] => {}
            [only] => return self.mend(only, value, depth + 1),
            several => {
                if let Some(branch) = several.iter().find(|branch| self.fits(branch, value)) {
                    self.mend(branch, value, depth + 1);
                }
                return;
            }
        }
        for branch in branches {
            let mut candidate = value.clone();
            self.mend(branch, &mut candidate, depth + 1);
            if takes(&branch, &candidate) {
                *value = candidate;
                return;
            }
        }
    }

    /// Whether an object has the properties that the schema requires, and no others if the schema forbids them.
    ///
    /// Every other value fits.
    fn fits(&self, schema: &'a Value, value: &Value) -> bool {
        let (Some(schema), Some(members)) = (self.resolve(schema), value.as_object()) else {
            return true;
        };
        let declared = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let complete =
            required.into_iter().flatten().all(|name| name.as_str().is_some_and(|n| members.contains_key(n)));
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        complete
            && members.iter().all(|(name, member)| match declared.and_then(|declared| declared.get(name)) {
                Some(property) => self.resolve(property).is_none_or(|property| {
                    property.get("const").is_none_or(|wanted| wanted == member)
                        && property
                            .get("enum")
                            .and_then(Value::as_array)
                            .is_none_or(|all| all.contains(member))
                }),
                None => !closed,
            })
    }

    fn mend_object(&self, schema: &'a Map<String, Value>, object: &mut Map<String, Value>, depth: usize) {
        let declared = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        if !self.valid {
            self.leave_out(schema, object);
        }
        for (name, value) in object {
            if let Some(schema) = declared.and_then(|declared| declared.get(name)).or(others) {
                self.mend(schema, value, depth + 1);
            }
        }
    }

    /// Removes nulls and undeclared properties that the schema does not allow.
    fn leave_out(&self, schema: &'a Map<String, Value>, object: &mut Map<String, Value>) {
        let empty = Map::new();
        let declared = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
        object.retain(|name, value| match declared.unwrap_or(&empty).get(name) {
            Some(property) => !value.is_null() || is_required(name) || self.allows_null(property, 0),
            None => true,
        });
        let others = schema.get("additionalProperties");
        if others == Some(&Value::Bool(false)) && !schema.contains_key("patternProperties") {
            object.retain(|name, _| declared.is_some_and(|declared| declared.contains_key(name)));
        }
    }

    fn mend_array(&self, schema: &'a Map<String, Value>, items: &mut [Value], depth: usize) {
        let prefix = branches(schema, "prefixItems");
        let rest = schema.get("items").filter(|items| items.is_object());
        for (index, item) in items.iter_mut().enumerate() {
            if let Some(schema) = prefix.get(index).or(rest) {
                self.mend(schema, item, depth + 1);
            }
        }
    }

    fn allows_null(&self, schema: &'a Value, depth: usize) -> bool {
        let Some(schema) = self.resolve(schema).filter(|_| depth < DEEPEST) else {
            return true;
        };
        let any = |keyword| {
            let branches = branches(schema, keyword);
            branches.is_empty() || branches.iter().any(|branch| self.allows_null(branch, depth + 1))
        };
        let types = types(schema);
        (types.is_empty() || types.contains(&"null"))
            && schema.get("const").is_none_or(Value::is_null)
            && schema.get("enum").and_then(Value::as_array).is_none_or(|all| all.contains(&Value::Null))
            && any("anyOf")
            && any("oneOf")
            && branches(schema, "allOf").iter().all(|part| self.allows_null(part, depth + 1))
    }

    /// Follows references to the schema they end at; `None` if it is a boolean schema or cannot be reached.
    fn resolve(&self, mut schema: &'a Value) -> Option<&'a Map<String, Value>> {
        for _ in 0..DEEPEST {
            let object = schema.as_object()?;
            match object.get("$ref").and_then(Value::as_str) {
                Some(reference) => schema = self.schema.resolve(reference)?,
                None => return Some(object),
            }
        }
        None
    }
}

fn branches<'a>(schema: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    schema.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match (value, wanted) {
        (Value::Number(number), "integer") => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        (Value::Null, "null")
        | (Value::Bool(_), "boolean")
        | (Value::Number(_), "number")
        | (Value::String(_), "string")
        | (Value::Array(_), "array")
        | (Value::Object(_), "object") => true,
        _ => false,
    }
}

/// Converts `value` to the wanted type as pydantic would; `None` if pydantic would reject it.
fn convert(value: &Value, wanted: &str) -> Option<Value> {
    match (value, wanted) {
        (Value::String(text), "number") => number(text),
        (Value::String(text), "integer") => number(text).filter(|number| is(number, "integer")),
        (Value::String(text), "boolean") => truth(text),
        (Value::Number(number), "boolean") => truth(&number.to_string()),
        (Value::Bool(truth), "number" | "integer") => Some(Value::from(u8::from(*truth))),
        _ => None,
    }
}

/// Whether `value` contains a whole number that is written as a float, such as `5.0`.
pub(super) fn has_whole_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => whole(number).is_some(),
        Value::Array(items) => items.iter().any(has_whole_float),
        Value::Object(object) => object.values().any(has_whole_float),
        _ => false,
    }
}

/// Returns `5` for `5.0`; `None` if the conversion would lose precision.
fn whole(number: &Number) -> Option<Number> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let float =
        number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT)?;
    Some(Number::from(float as i64))
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<Number>().ok().map(Value::Number)
}

fn truth(text: &str) -> Option<Value> {
    let text = text.to_ascii_lowercase();
    if ["true", "t", "yes", "y", "on", "1", "1.0"].contains(&text.as_str()) {
        Some(Value::Bool(true))
    } else if ["false", "f", "no", "n", "off", "0", "0.0"].contains(&text.as_str()) {
        Some(Value::Bool(false))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn mends(schema: &Value, sent: Value, wanted: &Value) {
        let mut value = sent;
        mend(&Schema::translate(schema).unwrap().0, &mut value, false);
        assert_eq!(&value, wanted);
    }

    #[test]
    fn reads_numbers_and_truth_values_out_of_text() {
        let schema = json!({ "properties": {
            "n": { "type": "number" }, "i": { "type": "integer" }, "b": { "type": "boolean" },
            "s": { "type": "string" }, "u": { "type": ["integer", "null"] },
        }});
        mends(&schema, json!({ "n": "1.5", "i": " 5", "b": "Yes" }), &json!({ "n": 1.5, "i": 5, "b": true }));
        mends(
            &schema,
            json!({ "i": "5.5", "b": "maybe", "s": 5 }),
            &json!({ "i": "5.5", "b": "maybe", "s": 5 }),
        );
        mends(&schema, json!({ "u": "7", "b": 0 }), &json!({ "u": 7, "b": false }));
        mends(&schema, json!({ "n": "NaN" }), &json!({ "n": "NaN" }));
        mends(&schema, json!({ "n": 5.0, "i": 5.0, "u": -0.0 }), &json!({ "n": 5.0, "i": 5, "u": 0 }));
    }

    #[test]
    fn leaves_out_nulls_and_strangers_that_are_not_allowed() {
        let schema = json!({
            "properties": { "a": { "type": "string" }, "b": { "type": "string" },
                            "c": { "anyOf": [{ "type": "string" }, { "type": "null" }] } },
            "required": ["b"], "additionalProperties": false,
        });
        let sent = json!({ "a": null, "b": null, "c": null, "d": 1 });
        mends(&schema, sent, &json!({ "b": null, "c": null }));
    }

    #[test]
    fn only_the_branch_that_is_meant_is_followed() {
        let closed = |kind: &str, name: &str| {
            json!({ "type": "object", "properties": { "kind": { "const": kind }, name: { "type": "integer" } },
                    "required": ["kind"], "additionalProperties": false })
        };
        let schema = json!({ "properties": { "v": { "anyOf": [closed("a", "m"), closed("b", "n")] } } });
        mends(&schema, json!({ "v": { "kind": "b", "n": "5" } }), &json!({ "v": { "kind": "b", "n": 5 } }));
        mends(&schema, json!({ "v": { "kind": "b", "n": 5.0 } }), &json!({ "v": { "kind": "b", "n": 5 } }));
        mends(&schema, json!({ "v": { "kind": "c", "n": "5" } }), &json!({ "v": { "kind": "c", "n": "5" } }));
    }

    #[test]
    fn follows_references_and_branches_without_end() {
        let schema = json!({
            "$ref": "#/$defs/node",
            "$defs": { "node": { "properties": {
                "size": { "oneOf": [{ "type": "boolean" }, { "type": "integer" }] },
                "next": { "$ref": "#/$defs/node" },
            } } },
        });
        mends(
            &schema,
            json!({ "next": { "next": { "size": "3" } } }),
            &json!({ "next": { "next": { "size": 3 } } }),
        );
        mends(&json!({ "$ref": "#" }), json!({ "a": 1 }), &json!({ "a": 1 }));
    }
}
