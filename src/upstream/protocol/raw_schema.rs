//! A schema as its server sent it: text, which takes a fraction of the memory of its values.

use serde_json::{Map, Value, value::RawValue};

/// The most values that a schema may have, members and items at any depth. Each takes a hundred bytes or more, in each
/// of the copies that a compiler makes.
const MOST_VALUES: usize = 20_000;

/// The text of a JSON object.
#[derive(Debug, Clone)]
pub struct RawSchema(Box<RawValue>);

impl RawSchema {
    /// Takes a text; `None` if it is no object.
    pub fn new(raw: &RawValue) -> Option<Self> {
        raw.get().starts_with('{').then(|| Self(raw.to_owned()))
    }

    /// The schema that allows any object.
    pub fn any_object() -> Self {
        // The text is JSON.
        Self(RawValue::from_string(r#"{"type":"object"}"#.to_owned()).unwrap_or_default())
    }

    /// Parses it.
    ///
    /// # Errors
    ///
    /// Why it cannot be parsed, in words: it is too large, or nested too deeply.
    pub fn parse(&self) -> Result<Map<String, Value>, String> {
        match most_values(self.0.get()) {
            count if count > MOST_VALUES => {
                Err(format!("it has {count} values, and a schema may have {MOST_VALUES}"))
            }
            _ => serde_json::from_str(self.0.get()).map_err(|error| error.to_string()),
        }
    }
}

impl PartialEq for RawSchema {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// How many values a JSON text has at most, itself included, counted without parsing it: each is the first of an array
/// or object, or follows a comma.
pub fn most_values(json: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_without_parsing() {
        for (json, count) in
            [("1", 1), ("[]", 2), ("[1,2]", 3), (r#"{"a":[1,{"b":","}],"c":"\"[,"}"#, 6), (r#"["\\",1]"#, 3)]
        {
            assert_eq!(most_values(json), count, "{json}");
        }
    }

    #[test]
    fn a_schema_is_measured_before_it_is_parsed() {
        let schema = |items: usize| {
            let text = format!(r#"{{"enum":[{}]}}"#, vec!["1"; items].join(","));
            RawSchema::new(&RawValue::from_string(text).unwrap()).unwrap()
        };
        assert_eq!(schema(3).parse().unwrap()["enum"].as_array().unwrap().len(), 3);
        assert_eq!(schema(30_000).parse().unwrap_err(), "it has 30002 values, and a schema may have 20000");
        assert!(RawSchema::new(&RawValue::from_string("[]".to_owned()).unwrap()).is_none());
        assert!(RawSchema::any_object().parse().is_ok());
    }
}
