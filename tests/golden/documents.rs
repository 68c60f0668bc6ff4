//! A recorded OpenAPI document against today's, which may hold more but nothing else.

use serde_json::Value;

/// Asserts that all that was recorded is there and equal.
pub(crate) fn compare(recorded: &Value, actual: &Value) {
    for key in ["openapi", "info", "servers"] {
        assert_eq!(recorded[key], actual[key], "{key}");
    }
    for (path, operations) in recorded["paths"].as_object().expect("paths") {
        for (method, recorded) in operations.as_object().expect("operations") {
            let actual = &actual["paths"][path][method];
            let of = format!("{method} {path}");
            for key in ["operationId", "summary", "description", "security"] {
                assert_eq!(recorded[key], actual[key], "{key} of {of}");
            }
            assert_eq!(
                recorded["requestBody"].is_null(),
                actual["requestBody"].is_null(),
                "requestBody of {of}"
            );
            for status in recorded["responses"].as_array().expect("statuses") {
                let status = status.as_str().expect("a status");
                assert!(actual["responses"][status].is_object(), "response {status} of {of}");
            }
        }
    }
}
