//! Reads a call's arguments out of its request.

use actix_web::{
    HttpRequest,
    http::header,
    web::{BytesMut, Payload},
};
use futures_util::StreamExt;
use serde_json::value::RawValue;

use super::{error::ApiError, json_error};
use crate::catalogue::{Arguments, Violation};

/// The largest body a call may have, in bytes.
pub(super) const LARGEST: usize = 64 << 20;

/// Reads the whole body, unless it is too large.
pub(super) async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Vec<u8>, ApiError> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > LARGEST) {
        return Err(ApiError::TooLarge(LARGEST));
    }
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::Incomplete)?;
        if body.len() + chunk.len() > LARGEST {
            return Err(ApiError::TooLarge(LARGEST));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Reads `body` as JSON, as FastAPI does: whatever is not declared to be JSON is a string.
pub(super) fn parse(
    request: &HttpRequest,
    body: Vec<u8>,
    arguments: &Arguments,
) -> Result<Box<RawValue>, ApiError> {
    let text = String::from_utf8(body).map_err(|error| {
        let position =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).chars().count();
        ApiError::Invalid(vec![Violation::not_json(position, "Invalid UTF-8")])
    })?;
    if text.trim_ascii().is_empty() {
        return nothing(arguments);
    }
    if !is_json(request) {
        return Err(ApiError::Invalid(vec![Violation::not_an_object(text.into())]));
    }
    let raw = RawValue::from_string(text.clone()).map_err(|_| {
        let (position, reason) = json_error::explain(&text);
        ApiError::Invalid(vec![Violation::not_json(position, reason)])
    })?;
    if raw.get() == "null" { nothing(arguments) } else { Ok(raw) }
}

/// No body: a call without arguments, where the tool needs none.
fn nothing(arguments: &Arguments) -> Result<Box<RawValue>, ApiError> {
    match RawValue::from_string("{}".into()) {
        Ok(raw) if arguments.may_be_left_out() => Ok(raw),
        _ => Err(ApiError::Invalid(vec![Violation::missing_body()])),
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return true;
    };
    let value = value.to_str().unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}
