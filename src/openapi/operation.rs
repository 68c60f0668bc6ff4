//! A tool as an OpenAPI operation.

use serde_json::{Value, json};

use super::components::error_responses;
use crate::catalogue::{Components, Remarks, Shape, Tool, title_case};

/// Builds the `post` operation of `tool` and adds its schemas to `components`.
pub(super) fn post(tool: &Tool, secured: bool, components: &mut Components) -> Value {
    let mut operation = json!({ "summary": title_case(&tool.name) });
    if let Some(description) = &tool.description {
        operation["description"] = json!(description);
    }
    operation["operationId"] = json!(tool.operation_id);
    let Remarks { title, annotations, icons } = &tool.remarks;
    let title = title.as_ref().map(|title| json!(title));
    for (key, remark) in [("x-mcp-title", &title), ("x-mcp-annotations", annotations), ("x-mcp-icons", icons)]
    {
        if let Some(remark) = remark {
            operation[key] = remark.clone();
        }
    }
    if !tool.arguments.is_empty() {
        let schema = tool.arguments.schema().with_properties_exposed();
        let schema = components.add(&format!("{}_form_model", tool.name), &schema);
        let required = !tool.arguments.may_be_left_out();
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": schema } }, "required": required });
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
        // Without an output schema, content items may have any form.
        return json!({});
    };
    let name = format!("{}_response_model", tool.name);
    // If the SDK wrapped the result, the body is the inner value.
    let value = || output.schema().part("/properties/result");
    match output.shape {
        Shape::Whole => components.add(&name, &output.schema()),
        Shape::Wrapped => components.add(&name, &value()),
        Shape::WrappedText => json!({ "anyOf": [
            components.add(&name, &value()),
            { "type": "object" },
            { "type": "array", "items": {} },
        ] }),
    }
}
