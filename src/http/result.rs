//! A tool's result as a response body. Nothing of it is dropped, and what is JSON already is not parsed anew.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::ApiError;
use crate::{
    catalogue::{Output, Tool},
    config::ResultStyle,
};

/// `CallToolResult` (MCP 2025-11-25, Tools), opened no deeper than needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    structured_content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(borrow, default)]
    result_type: Option<Cow<'a, str>>,
}

/// The members that tell a content item's kind. All else of the item is left alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    /// Kept as the JSON string that it is.
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource: Option<Resource<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    blob: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    mime_type: Option<Cow<'a, str>>,
}

/// The response body for `raw`.
///
/// # Errors
///
/// The tool's own error, or a result that is none.
pub(super) fn body(tool: &Tool, style: ResultStyle, raw: &RawValue) -> Result<String, ApiError> {
    let result: ToolResult<'_> =
        serde_json::from_str(raw.get()).map_err(|error| ApiError::BadResult(error.to_string()))?;
    // MCP 2026-07-28, ResultType: any other is invalid; without one, a result is complete.
    if let Some(kind) = result.result_type.filter(|kind| kind != "complete") {
        return Err(ApiError::BadResult(format!("its resultType `{kind}` is none that mcpo knows")));
    }
    let content = result.content.unwrap_or_default();
    if result.is_error == Some(true) {
        return Err(ApiError::Tool(error_text(&content)));
    }
    if let Some(structured) = result.structured_content.filter(|_| style == ResultStyle::Auto)
        && let Some(body) = structured_body(tool, structured, &content)
    {
        return Ok(body);
    }
    let mut items = content.iter().map(|item| render(item));
    match (items.next(), items.next()) {
        (None, _) => Ok("[]".into()),
        (Some(only), None) => Ok(only.into_owned()),
        (Some(first), Some(second)) => {
            let rest: Vec<_> = items.collect();
            let all: Vec<&str> = [&first, &second].into_iter().chain(&rest).map(AsRef::as_ref).collect();
            Ok(format!("[{}]", all.join(",")))
        }
    }
}

/// Structured content, where it is the result and the content no more than its text.
fn structured_body(tool: &Tool, structured: &RawValue, content: &[&RawValue]) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        result: &'a RawValue,
    }
    if content.is_empty() && tool.output.is_none() {
        return Some(structured.get().to_owned());
    }
    let output: &Output = tool.output.as_ref()?;
    let only_text = content.iter().all(|item| read(item).is_some_and(|item| item.kind == "text"));
    if !only_text {
        return None;
    }
    if output.wrapped
        && let Ok(Wrapped { result }) = serde_json::from_str(structured.get())
    {
        return Some(result.get().to_owned());
    }
    Some(structured.get().to_owned())
}

fn read(item: &RawValue) -> Option<Item<'_>> {
    serde_json::from_str(item.get()).ok()
}

/// One content item as JSON. An item of a kind that is not known, or not as its kind should be, passes whole.
fn render(raw: &RawValue) -> Cow<'_, str> {
    let whole = Cow::Borrowed(raw.get());
    let Some(item) = read(raw) else {
        return whole;
    };
    let resource = item.resource.unwrap_or_default();
    match (&*item.kind, item.text, item.data, resource.text, resource.blob) {
        ("text", Some(text), ..) => json_or_string(text),
        ("image", _, Some(data), ..) => data_uri(item.mime_type.as_deref(), "image/png", &data),
        ("audio", _, Some(data), ..) => data_uri(item.mime_type.as_deref(), "audio/wav", &data),
        ("resource", _, _, Some(text), _) => text.get().into(),
        ("resource", _, _, None, Some(blob)) => {
            data_uri(resource.mime_type.as_deref(), "application/octet-stream", &blob)
        }
        _ => whole,
    }
}

/// Text that is JSON stands for that JSON; other text is a string.
fn json_or_string(text: &RawValue) -> Cow<'_, str> {
    let Ok(decoded) = serde_json::from_str::<Cow<'_, str>>(text.get()) else {
        return text.get().into();
    };
    match serde_json::from_str::<&RawValue>(&decoded) {
        Ok(json) => json.get().to_owned().into(),
        Err(_) => text.get().into(),
    }
}

fn data_uri<'a>(mime_type: Option<&str>, default: &str, data: &str) -> Cow<'a, str> {
    let uri = format!("data:{};base64,{data}", mime_type.unwrap_or(default));
    serde_json::Value::String(uri).to_string().into()
}

fn error_text(content: &[&RawValue]) -> String {
    let texts: Vec<String> = content
        .iter()
        .map(|raw| {
            let text = read(raw).and_then(|item| serde_json::from_str(item.text?.get()).ok());
            text.unwrap_or_else(|| raw.get().to_owned())
        })
        .collect();
    if texts.is_empty() { "the tool failed and did not say why".into() } else { texts.join("\n") }
}
