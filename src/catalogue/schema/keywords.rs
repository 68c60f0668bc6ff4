//! Which keywords hold schemas, and which values a keyword may have.

use serde_json::{Map, Value};

/// The kind of value that a keyword of JSON Schema 2020-12 has.
pub(super) enum Holds {
    /// A schema.
    Schema,
    /// An array of schemas.
    List,
    /// A map from names to schemas.
    Map,
    /// No schema.
    Data,
}

pub(super) fn holds(keyword: &str) -> Holds {
    match keyword {
        "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "items"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::List,
        "dependentSchemas" | "patternProperties" | "properties" => Holds::Map,
        _ => Holds::Data,
    }
}

/// Calls `visit` with every direct subschema of an object schema, and its keyword.
pub(super) fn for_each_below<'a>(schema: &'a Map<String, Value>, visit: &mut impl FnMut(&'a str, &'a Value)) {
    for (keyword, value) in schema {
        match (holds(keyword), value) {
            (Holds::Schema, _) => visit(keyword, value),
            (Holds::List, Value::Array(schemas)) => schemas.iter().for_each(|schema| {
                visit(keyword, schema);
            }),
            (Holds::Map, Value::Object(schemas)) => schemas.values().for_each(|schema| {
                visit(keyword, schema);
            }),
            _ => {}
        }
    }
}

/// How much a value weighs: one for each value in it, and for each forty bytes of text.
pub(super) fn weight(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len() / 40,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() / 40 + weight(value)).sum(),
        _ => 0,
    }
}

/// Calls `visit` with a schema and all below it, as far as they are objects.
pub(super) fn for_each_object<'a>(schema: &'a Value, visit: &mut dyn FnMut(&'a Map<String, Value>)) {
    if let Some(object) = schema.as_object() {
        visit(object);
        for_each_below(object, &mut |_, schema| for_each_object(schema, visit));
    }
}

/// Calls `visit` with every reference in a schema.
pub(super) fn for_each_reference<'a>(schema: &'a Value, visit: &mut impl FnMut(&'a str)) {
    let Some(object) = schema.as_object() else {
        return;
    };
    if let Some(Value::String(reference)) = object.get("$ref") {
        visit(reference);
    }
    // The closure below cannot be generic over itself, so it goes through a trait object.
    let mut visit: &mut dyn FnMut(&'a str) = visit;
    for_each_below(object, &mut |_, schema| for_each_reference(schema, &mut visit));
}

/// Returns the same schema with every direct subschema replaced.
pub(super) fn map_below(
    schema: &Map<String, Value>,
    replace: &mut impl FnMut(&str, &Value) -> Value,
) -> Map<String, Value> {
    let mut replaced = Map::with_capacity(schema.len());
    for (keyword, value) in schema {
        let value = match (holds(keyword), value) {
            (Holds::Schema, _) => replace(keyword, value),
            (Holds::List, Value::Array(schemas)) => {
                schemas.iter().map(|schema| replace(keyword, schema)).collect()
            }
            (Holds::Map, Value::Object(schemas)) => {
                schemas.iter().map(|(name, schema)| (name.clone(), replace(keyword, schema))).collect()
            }
            _ => value.clone(),
        };
        replaced.insert(keyword.clone(), value);
    }
    replaced
}

/// Returns the same schema with every reference replaced.
pub(super) fn map_references(schema: &Value, replace: &mut dyn FnMut(&str) -> String) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut replaced = map_below(object, &mut |_, schema| map_references(schema, replace));
    if let Some(Value::String(reference)) = replaced.get_mut("$ref") {
        *reference = replace(reference);
    }
    Value::Object(replaced)
}

/// Whether the value of a keyword that holds no schema is valid.
///
/// Unknown keywords may have any value.
pub(super) fn is_well_formed(keyword: &str, value: &Value) -> bool {
    match keyword {
        "type" => match value {
            Value::String(name) => is_type(name),
            Value::Array(names) => {
                !names.is_empty() && names.iter().all(|name| name.as_str().is_some_and(is_type))
            }
            _ => false,
        },
        "required" => is_list_of_strings(value),
        "dependentRequired" => value.as_object().is_some_and(|map| map.values().all(is_list_of_strings)),
        "enum" | "examples" => value.is_array(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => {
            value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0)
        }
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => value.is_boolean(),
        "$ref" | "pattern" | "format" | "title" | "description" | "$comment" | "contentEncoding"
        | "contentMediaType" => value.is_string(),
        _ => true,
    }
}

fn is_type(name: &str) -> bool {
    ["array", "boolean", "integer", "null", "number", "object", "string"].contains(&name)
}

fn is_list_of_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}
