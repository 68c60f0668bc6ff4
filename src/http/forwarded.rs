//! The headers of a request that travel on with its call, picked as the config wants and checked.

use std::collections::HashSet;

use actix_web::http::header::{CONNECTION, HeaderMap};
use http::{HeaderName, HeaderValue};
use tracing::debug;

use super::error::ApiError;
use crate::{
    oauth::Authorizer,
    upstream::{Forwarded, Session},
};

/// No caller needs more to say who it is.
const MOST_HEADERS: usize = 32;
/// Of names and values, in bytes.
const MOST_BYTES: usize = 8 << 10;

/// What of `headers` is forwarded to the server of `session`. Where the gateway is `guarded`, `Authorization` is its own,
/// whatever it was when the session began.
///
/// # Errors
///
/// It is too much, or a value is one that no header may have.
pub(super) fn of(
    session: &Session,
    headers: &HeaderMap,
    guarded: impl FnOnce() -> bool,
) -> Result<Option<Forwarded>, ApiError> {
    let config = session.config();
    let Some(forwarding) = &config.forwarding else { return Ok(None) };
    let hops = hop_by_hop(headers);
    let authorized = session.authorizer().and_then(Authorizer::latest).is_some() || guarded();
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
        // The two come from different versions of one crate.
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

/// What `Connection` names ends here (RFC 9110 section 7.6.1).
fn hop_by_hop(headers: &HeaderMap) -> HashSet<String> {
    let lists = headers.get_all(CONNECTION).filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}
