//! The error responses that every operation may return.

use serde_json::{Value, json};

use crate::catalogue::Components;

/// Adds the schemas of the error bodies.
pub(super) fn add_errors(components: &mut Components) {
    components.add_plain(
        "HTTPValidationError",
        json!({
            "properties": {
                "detail": {
                    "items": { "$ref": "#/components/schemas/ValidationError" },
                    "type": "array",
                    "title": "Detail",
                },
            },
            "type": "object",
            "title": "HTTPValidationError",
        }),
    );
    components.add_plain(
        "ValidationError",
        json!({
            "properties": {
                "loc": {
                    "items": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                    "type": "array",
                    "title": "Location",
                },
                "msg": { "type": "string", "title": "Message" },
                "type": { "type": "string", "title": "Error Type" },
                "input": { "title": "Input" },
                "ctx": { "type": "object", "title": "Context" },
            },
            "type": "object",
            "required": ["loc", "msg", "type"],
            "title": "ValidationError",
        }),
    );
    components.add_plain(
        "HTTPError",
        json!({
            "properties": {
                "detail": { "type": "string", "title": "Detail" },
                "hint": { "type": "string", "title": "Hint" },
            },
            "type": "object",
            "required": ["detail"],
            "title": "HTTPError",
        }),
    );
    components.add_plain(
        "ToolError",
        json!({
            "properties": {
                "detail": {
                    "properties": {
                        "message": { "type": "string", "title": "Message" },
                        "data": { "title": "Data" },
                        "authorization_url": { "type": "string", "title": "Authorization URL" },
                    },
                    "type": "object",
                    "required": ["message"],
                    "title": "Detail",
                },
            },
            "type": "object",
            "required": ["detail"],
            "title": "ToolError",
        }),
    );
}

/// Returns the error responses of an operation.
pub(super) fn error_responses() -> Value {
    let response = |description: &str, schemas: &[&str]| {
        let references: Vec<Value> =
            schemas.iter().map(|name| json!({ "$ref": format!("#/components/schemas/{name}") })).collect();
        let schema = match references.as_slice() {
            [one] => one.clone(),
            several => json!({ "anyOf": several }),
        };
        json!({ "description": description, "content": { "application/json": { "schema": schema } } })
    };
    json!({
        "400": response("The request is malformed, or the server behind found it so", &["HTTPError", "ToolError"]),
        "401": response("A key or token is missing or no good, or the server behind asks for a login", &["HTTPError", "ToolError"]),
        "403": response("The key is wrong, or does not open this tool", &["HTTPError"]),
        "404": response("No such tool", &["HTTPError", "ToolError"]),
        "408": response("The body took too long to arrive", &["HTTPError"]),
        "413": response("The body is too large", &["HTTPError"]),
        "421": response("The gateway does not answer to this host", &["HTTPError"]),
        "422": response("Validation Error", &["HTTPValidationError", "ToolError"]),
        "429": response("Too many requests", &["HTTPError"]),
        "431": response("The headers are too large", &["HTTPError"]),
        "500": response("The tool failed", &["ToolError"]),
        "502": response("The server behind could not be reached, or did not answer", &["ToolError"]),
        "503": response("The server behind is not connected, or tokens cannot be checked, at the moment", &["HTTPError", "ToolError"]),
        "504": response("The server behind did not answer in time", &["ToolError"]),
    })
}
