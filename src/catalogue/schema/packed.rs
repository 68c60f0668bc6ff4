//! A schema as text, between its uses: a tree of values takes ten times the memory.

use serde_json::Value;

use super::form::Schema;

/// A schema as text.
#[derive(Debug)]
pub struct PackedSchema(Box<str>);

impl Schema {
    /// Packs the schema.
    pub fn pack(&self) -> PackedSchema {
        PackedSchema(self.to_value().to_string().into())
    }
}

impl PackedSchema {
    /// Returns the schema that was packed.
    pub fn unpack(&self) -> Schema {
        let Ok(mut root) = serde_json::from_str::<Value>(&self.0) else {
            return Schema::any_object();
        };
        let parts = root.as_object_mut().and_then(|root| root.remove("$defs"));
        let parts = match parts {
            Some(Value::Object(parts)) => parts.into_iter().collect(),
            _ => Default::default(),
        };
        Schema { root, parts }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        for schema in [
            json!({ "type": "object", "properties": { "a": { "$ref": "#/definitions/b" } },
                    "definitions": { "b": { "enum": [1.5, "x", null], "items": { "$ref": "#" } } } }),
            json!({}),
            json!(false),
        ] {
            let (schema, _) = Schema::translate(&schema).unwrap();
            assert_eq!(schema.pack().unpack().to_value(), schema.to_value());
        }
    }
}
