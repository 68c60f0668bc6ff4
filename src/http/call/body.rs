//! Reads a call's arguments from its request.

use std::{rc::Rc, time::Duration};

use actix_web::{
    HttpRequest,
    http::header,
    web::{BytesMut, Payload},
};
use futures_util::StreamExt;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::{Instant, timeout_at};

use super::json_error;
use crate::{
    catalogue::{Arguments, Violation},
    http::{connection::ClientConnection, error::ApiError},
};

/// How long a body of any size may take.
const GRACE: Duration = Duration::from_secs(10);
/// How many bytes must arrive for each second beyond that.
const SLOWEST: f64 = 4096.0;

/// Reads the whole body, until `latest`: a body that comes after the call's deadline would be in vain. `take` is told how
/// much of it there is.
///
/// # Errors
///
/// The body is larger than `limit` bytes, has no room, arrives too slowly, is incomplete or is not UTF-8.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
    mut take: impl FnMut(usize) -> Result<(), ApiError>,
    latest: Instant,
) -> Result<String, ApiError> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    // The length is only a claim: what cannot be held is not read, but nothing is held for what may never come.
    take(length.unwrap_or(0))?;
    take(0)?;
    let _reading = request.conn_data::<Rc<ClientConnection>>().map(ClientConnection::begin_body);
    // For the same reason, no more than 1 MiB is reserved.
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(1 << 20));
    let start = Instant::now();
    loop {
        let deadline = start + GRACE + Duration::from_secs_f64(body.len() as f64 / SLOWEST);
        let next = timeout_at(deadline.min(latest), payload.next()).await.map_err(|_| ApiError::Slow)?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| ApiError::Incomplete)?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        take(body.len() + chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body.into()).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let position = String::from_utf8_lossy(valid).chars().count();
        ApiError::Invalid(vec![Violation::not_json(position, "Invalid UTF-8")])
    })
}

/// Parses the arguments in `body` as FastAPI does, which takes a body without a JSON content type for a string.
pub(super) fn parse<'a>(
    request: &HttpRequest,
    body: &'a str,
    arguments: &Arguments,
) -> Result<&'a RawValue, ApiError> {
    if body.is_empty() {
        return nothing(arguments);
    }
    if !is_json(request) {
        let text = to_raw_value(body).unwrap_or_default();
        return Err(ApiError::Invalid(vec![Violation::not_declared_json(text)]));
    }
    let raw: &RawValue = serde_json::from_str(body).map_err(|_| {
        let (position, reason) = json_error::explain(body);
        ApiError::Invalid(vec![Violation::not_json(position, reason)])
    })?;
    if raw.get() == "null" && !arguments.are_strict() { nothing(arguments) } else { Ok(raw) }
}

/// Returns the empty arguments of a call without a body.
fn nothing<'a>(arguments: &Arguments) -> Result<&'a RawValue, ApiError> {
    match serde_json::from_str("{}") {
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
