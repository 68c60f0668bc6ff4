//! Converts a tool's result into a response body, without dropping anything or parsing again what is already JSON.
//!
//! Servers send results in more forms than the specification has. Whatever content can be recognized becomes the body.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{
    catalogue::{Output, Shape, Tool},
    config::ResultStyle,
    http::error::ApiError,
    upstream::{error_words, well_formed},
};

/// The members of a result that are not for callers or are handled separately.
const KNOWN: [&str; 5] = ["content", "structuredContent", "isError", "resultType", "_meta"];

/// `CallToolResult` (MCP 2025-11-25, Tools), parsed no deeper than needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    structured_content: Option<&'a RawValue>,
    /// The entire result, in the compatibility form of MCP 2024-10-07.
    #[serde(borrow, default)]
    tool_result: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(borrow, default)]
    result_type: Option<Cow<'a, str>>,
}

/// The members that determine how a content item is rendered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentItem<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    /// Kept as raw JSON, so that it is not decoded and encoded again.
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource: Option<EmbeddedResource<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct EmbeddedResource<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    blob: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    mime_type: Option<Cow<'a, str>>,
}

/// Returns the response body for the result `raw`.
///
/// # Errors
///
/// The tool reported an error, or its result is not valid.
pub(super) fn body(tool: &Tool, style: ResultStyle, raw: &RawValue) -> Result<String, ApiError> {
    let result = ToolResult::read(raw)?;
    let content = result.content.map(items).transpose()?;
    if result.is_error == Some(true) {
        let text = error_text(&content.unwrap_or_default(), || result.beside_content(raw));
        // Tools often report the request that failed, with its secrets.
        return Err(ApiError::Tool(error_words(&text)));
    }
    // Without content, the Python mcpo has no body to be compatible with.
    let auto = style == ResultStyle::Auto || content.is_none();
    let content = content.unwrap_or_default();
    if let Some(structured) = result.structured_content.filter(|_| auto)
        && let Some(body) = structured_body(tool, structured, &content)
    {
        return Ok(body);
    }
    match &content[..] {
        [] => Ok(result.beside_content(raw).filter(|_| auto).unwrap_or("[]").to_owned()),
        [only] => Ok(render(only).into_owned()),
        several => {
            let all: Vec<_> = several.iter().map(|item| render(item)).collect();
            Ok(format!("[{}]", all.join(",")))
        }
    }
}

impl<'a> ToolResult<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, ApiError> {
        let result: Self = object(raw)?.ok_or_else(|| unreadable("it is no JSON object"))?;
        // Any other type is invalid, and a result without one is complete (MCP 2026-07-28, ResultType).
        if let Some(kind) = result.result_type.as_ref().filter(|kind| **kind != "complete") {
            return Err(unreadable(&format!("its resultType `{kind}` is none that mcpo knows")));
        }
        let inner = result.tool_result.filter(|_| result.content.is_none());
        match inner.map(object::<Self>).transpose()?.flatten() {
            Some(inner) if inner.content.is_some() => {
                Ok(Self { is_error: inner.is_error.max(result.is_error), ..inner })
            }
            _ => Ok(result),
        }
    }

    /// Returns what the result holds apart from `content`; `None` if nothing.
    fn beside_content(&self, raw: &'a RawValue) -> Option<&'a str> {
        let members: BTreeMap<Cow<'_, str>, IgnoredAny> = object(raw).ok().flatten().unwrap_or_default();
        let said = self.tool_result.or(self.structured_content);
        said.or(members.keys().any(|name| !KNOWN.contains(&&**name)).then_some(raw)).map(RawValue::get)
    }
}

/// The error of a result that cannot be read, whose words may be the server's.
fn unreadable(words: &str) -> ApiError {
    ApiError::BadResult(error_words(words))
}

/// Parses `raw` as an object; `None` if it is something else, because serde would read an array as the list of members.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<Option<T>, ApiError> {
    let object = raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()));
    object.transpose().map_err(|error| unreadable(&error.to_string()))
}

/// Returns the content items, also if there is a single item instead of an array.
fn items(content: &RawValue) -> Result<Vec<&RawValue>, ApiError> {
    if !content.get().starts_with('[') {
        return Ok(vec![content]);
    }
    serde_json::from_str(content.get()).map_err(|error| unreadable(&error.to_string()))
}

/// Returns the structured content as the body if it is the result and the content only its text; else `None`.
fn structured_body(tool: &Tool, structured: &RawValue, content: &[&RawValue]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
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
    let whole = structured.get().to_owned();
    Some(match (output.shape, object(structured).ok().flatten()) {
        (Shape::Whole, _) | (_, None) => whole,
        (Shape::Wrapped, Some(Wrapped { result })) => result.get().to_owned(),
        (Shape::WrappedText, Some(Wrapped { result })) => {
            let json = json_in(result).filter(|json| json.starts_with(['{', '[']));
            json.unwrap_or_else(|| result.get().to_owned())
        }
    })
}

fn read(item: &RawValue) -> Option<ContentItem<'_>> {
    object(item).ok().flatten()
}

/// Renders one content item as JSON.
///
/// A bare string is text. An item that is of an unknown kind, or malformed, passes unchanged.
fn render(raw: &RawValue) -> Cow<'_, str> {
    let Some(item) = read(raw) else {
        return json_or_string(raw);
    };
    let resource = item.resource.unwrap_or_default();
    match (&*item.kind, item.text, item.data, resource.text, resource.blob) {
        ("text", Some(text), ..) => json_or_string(text),
        ("image", _, Some(data), ..) => data_uri(item.mime_type.as_deref(), "image/png", &data),
        ("audio", _, Some(data), ..) => data_uri(item.mime_type.as_deref(), "audio/wav", &data),
        ("resource", _, _, Some(text), None) => text.get().into(),
        ("resource", _, _, None, Some(blob)) => {
            data_uri(resource.mime_type.as_deref(), "application/octet-stream", &blob)
        }
        _ => raw.get().into(),
    }
}

/// Returns the JSON that a text holds; if it holds none, returns `text` itself.
fn json_or_string(text: &RawValue) -> Cow<'_, str> {
    json_in(text).map_or_else(|| text.get().into(), Cow::Owned)
}

/// Returns the JSON inside the JSON string `text`; `None` if there is none.
fn json_in(text: &RawValue) -> Option<String> {
    let text: Cow<'_, str> = serde_json::from_str(text.get()).ok()?;
    let json: &RawValue = serde_json::from_str(&text).ok()?;
    Some(well_formed(json.get()).into_owned())
}

fn data_uri<'a>(mime_type: Option<&str>, default: &str, data: &str) -> Cow<'a, str> {
    let uri = format!("data:{};base64,{data}", mime_type.unwrap_or(default));
    serde_json::Value::String(uri).to_string().into()
}

fn error_text<'a>(content: &[&RawValue], otherwise: impl FnOnce() -> Option<&'a str>) -> String {
    let words = |raw: &RawValue| {
        let text = read(raw).map_or(Some(raw), |item| item.text);
        text.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or_else(|| raw.get().to_owned())
    };
    match content {
        [] => otherwise().unwrap_or("the tool failed and did not say why").to_owned(),
        said => said.iter().map(|item| words(item)).collect::<Vec<String>>().join("\n"),
    }
}
