//! `Mcp-Param-*`: arguments that a stateless request repeats in headers, for proxies that route it.
//!
//! A tool asks for it with `x-mcp-header` on a property (MCP 2026-07-28, SEP-2243).

use http::{HeaderName, HeaderValue, header::InvalidHeaderValue};
use serde_json::{Map, Value, value::RawValue};

/// The annotated properties of one tool: where each stands, as a JSON pointer, and its header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ParamHeaders(Vec<(String, HeaderName)>);

impl ParamHeaders {
    /// Reads the annotations of an input schema.
    ///
    /// # Errors
    ///
    /// An annotation that no client may follow, in a sentence.
    pub(crate) fn read(schema: &Map<String, Value>) -> Result<Self, String> {
        let mut headers = Self::default();
        headers.collect(schema, "")?;
        Ok(headers)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The headers of a call with these arguments; an argument that is not there has none.
    pub(crate) fn of(&self, arguments: &RawValue) -> Vec<(HeaderName, HeaderValue)> {
        let Ok(arguments) = serde_json::from_str::<Value>(arguments.get()) else {
            return vec![];
        };
        let header = |(pointer, name): &(String, HeaderName)| {
            let text = match arguments.pointer(pointer)? {
                Value::String(text) => text.clone(),
                value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
                _ => return None,
            };
            Some((name.clone(), header_value(&text).ok()?))
        };
        self.0.iter().filter_map(header).collect()
    }

    fn collect(&mut self, schema: &Map<String, Value>, pointer: &str) -> Result<(), String> {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let Some(property) = property.as_object() else {
                continue;
            };
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            if let Some(annotation) = property.get("x-mcp-header") {
                self.add(annotation, property, &pointer)?;
            }
            self.collect(property, &pointer)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        annotation: &Value,
        property: &Map<String, Value>,
        pointer: &str,
    ) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("x-mcp-header of {pointer} {what}"));
        let Some(suffix) = annotation.as_str().filter(|suffix| !suffix.is_empty()) else {
            return wrong("is not a name");
        };
        let Ok(header) = HeaderName::try_from(format!("mcp-param-{suffix}")) else {
            return wrong("is not a name that a header can have");
        };
        if self.0.iter().any(|(_, other)| *other == header) {
            return wrong("stands twice");
        }
        if !matches!(property.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
            return wrong("is on a property that is no string, integer or boolean");
        }
        self.0.push((pointer.to_owned(), header));
        Ok(())
    }
}

/// What is not plain ASCII travels as `=?base64?…?=`.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && text.trim_matches([' ', '\t']) == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    if plain { text.parse() } else { format!("=?base64?{}?=", BASE64_STANDARD.encode(text)).parse() }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn read(properties: &Value) -> Result<ParamHeaders, String> {
        ParamHeaders::read(json!({ "properties": properties }).as_object().unwrap())
    }

    #[test]
    fn arguments_become_headers() {
        let headers = read(&json!({
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "properties": { "n/m": { "type": "integer", "x-mcp-header": "Count" } } },
            "plain": { "type": "string" },
        }))
        .unwrap();
        let arguments =
            to_raw_value(&json!({ "region": "日本", "deep": { "n/m": 5 }, "plain": "x" })).unwrap();
        let text: Vec<_> = headers
            .of(&arguments)
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(text, ["mcp-param-region: =?base64?5pel5pys?=", "mcp-param-count: 5"]);
        assert!(headers.of(&to_raw_value(&json!({ "region": null })).unwrap()).is_empty());
    }

    #[test]
    fn annotations_that_cannot_be_followed_are_named() {
        for (wrong, what) in [
            (json!({ "a": { "type": "string", "x-mcp-header": 1 } }), "is not a name"),
            (json!({ "a": { "type": "string", "x-mcp-header": "" } }), "is not a name"),
            (
                json!({ "a": { "type": "string", "x-mcp-header": "a b" } }),
                "is not a name that a header can have",
            ),
            (
                json!({ "a": { "type": "number", "x-mcp-header": "A" } }),
                "is on a property that is no string, integer or boolean",
            ),
        ] {
            assert_eq!(read(&wrong), Err(format!("x-mcp-header of /a {what}")));
        }
        let twice = json!({ "a": { "type": "string", "x-mcp-header": "A" }, "b": { "type": "string", "x-mcp-header": "a" } });
        assert_eq!(read(&twice), Err("x-mcp-header of /b stands twice".to_owned()));
    }
}
