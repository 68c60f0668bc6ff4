//! One tool as an operation.

use serde_json::{Value, json};

use super::components::error_responses;
use crate::catalogue::{Components, Tool, title_case};

/// The `post` operation of `tool`; its schemas go into `components`.
pub(super) fn post(tool: &Tool, secured: bool, components: &mut Components) -> Value {
    let mut operation = json!({ "summary": title_case(&tool.name) });
    if let Some(description) = &tool.description {
        operation["description"] = json!(description);
    }
    operation["operationId"] = json!(tool.operation_id);
    if !tool.arguments.is_empty() {
        let schema = components.add(&format!("{}_form_model", tool.name), tool.arguments.schema());
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": schema } }, "required": true });
    }
    let mut responses = json!({ "200": {
        "description": "Successful Response",
        "content": { "application/json": { "schema": result_schema(tool, components) } },
    }});
    if let (Some(responses), Value::Object(errors)) = (responses.as_object_mut(), error_responses()) {
        responses.extend(errors);
    }
    operation["responses"] = responses;
    if secured {
        operation["security"] = json!([{ "HTTPBearer": [] }]);
    }
    operation
}

fn result_schema(tool: &Tool, components: &mut Components) -> Value {
    let Some(output) = &tool.output else {
        // Content items are whatever the tool makes them.
        return json!({});
    };
    // A wrapped result's body is the single value inside.
    let part = if output.wrapped { "/properties/result" } else { "" };
    components.add_part(&format!("{}_response_model", tool.name), &output.schema, part)
}
