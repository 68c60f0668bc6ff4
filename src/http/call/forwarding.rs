//! Header forwarding: selects the request headers that the configuration forwards with a call, and checks them.

use std::collections::HashSet;

use actix_web::http::header::{CONNECTION, HeaderMap};
use http::{HeaderName, HeaderValue};
use tracing::debug;

use crate::{
    http::error::ApiError,
    oauth::Authorizer,
    upstream::{Forwarded, Session},
};

/// The most headers that are forwarded.
const MOST_HEADERS: usize = 32;
/// The most bytes of their names and values.
const MOST_BYTES: usize = 8 << 10;

/// Returns the headers to forward to the server of `session`; `None` if there are none.
///
/// If the gateway is `guarded`, `Authorization` holds the gateway's own credential and is not forwarded.
///
/// # Errors
///
/// The headers are too many or too large, or a value is not valid in a header.
pub(super) fn of(
    session: &Session,
    headers: &HeaderMap,
    guarded: bool,
) -> Result<Option<Forwarded>, ApiError> {
    let config = session.config();
    let Some(forwarding) = &config.forwarding else { return Ok(None) };
    let hops = hop_by_hop(headers);
    let authorized = session.authorizer().and_then(Authorizer::latest).is_some() || guarded;
    let withheld = |name: &str| hops.contains(name) || (authorized && name == "authorization");
    let mut picked = http::HeaderMap::new();
    let mut bytes = 0;
    for (name, value) in headers {
        if !forwarding.forwards(name.as_str()) || withheld(name.as_str()) {
            continue;
        }
        bytes += name.as_str().len() + value.len();
        if picked.len() == MOST_HEADERS || bytes > MOST_BYTES {
            return Err(ApiError::HeadersTooLarge(format!(
                "more than {MOST_HEADERS} headers or {MOST_BYTES} bytes of them are to be forwarded"
            )));
        }
        // Actix uses another version of the `http` crate, so the types differ.
        let same = HeaderName::from_bytes(name.as_str().as_bytes()).ok();
        let same = same.zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, value) = same.ok_or_else(|| ApiError::BadHeader(name.to_string()))?;
        picked.append(name, value);
    }
    if forwarding.debug {
        let names: Vec<&str> = picked.keys().map(HeaderName::as_str).collect();
        debug!(server = config.name, ?names, "forwarded headers");
    }
    Ok(Forwarded::new(picked))
}

/// Returns the names that `Connection` lists, which must not be forwarded (RFC 9110 section 7.6.1).
fn hop_by_hop(headers: &HeaderMap) -> HashSet<String> {
    let lists = headers.get_all(CONNECTION).filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}
