//! Gives every request its context and id, and strips the root path.
//!
//! `X-Request-Id` identifies a request in its response, in the log and, if the client sent it, at the client.
//! Invariant: an id holds only visible ASCII characters, so it can neither break nor forge a line of the log.

use std::rc::Rc;

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Uri,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use tracing::{Instrument as _, error_span, field::Empty};

use crate::{
    http::{
        client::{ClientInfo, Front},
        context::RequestContext,
        path,
    },
    registry::Registry,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is accepted from a client, in characters.
const LONGEST: usize = 128;

/// Gives a request its context. It loads the registry's snapshot, once for each request.
pub(in crate::http) async fn context<B: MessageBody>(
    registry: Data<Registry>,
    front: Data<Front>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let given = request.headers().get(REQUEST_ID).filter(|id| is_sane(id.as_bytes())).cloned();
    let id = given.unwrap_or_else(fresh);
    let client = ClientInfo::of(&front, &request);
    let root = &registry.settings().base.root;
    let root = if root.is_empty() { &client.prefix } else { root };
    let original_path = strip(&mut request, root);
    let context = RequestContext::new(id.clone(), client, original_path, registry);
    // The span has the highest level, so that it encloses lines of any level.
    let span = error_span!("request", id = %context.id(), caller = Empty);
    request.extensions_mut().insert(Rc::new(context));
    let mut response = next.call(request).instrument(span).await?;
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

/// Strips the root path, and returns the original path; `None` if there was nothing to strip.
///
/// Every route thus works directly, behind a proxy that strips the root path, and behind one that does not.
fn strip(request: &mut ServiceRequest, root: &str) -> Option<String> {
    if root.is_empty() {
        return None;
    }
    let stripped = path::without_prefix(request.path(), root)?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // The authority of an absolute target stays: the host of the request is judged by it.
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(format!("{stripped}{query}").parse().ok()?);
    let uri = Uri::from_parts(parts).ok()?;
    let original = request.path().to_owned();
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    Some(original)
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Returns a random id, rather than a counted one, so that several gateways can share a log.
fn fresh() -> HeaderValue {
    // The digits of a number are always valid in a header.
    HeaderValue::from(fastrand::u64(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_ids_are_taken_over() {
        let longest = "x".repeat(LONGEST);
        for sane in ["a", "0af7651916cd43dd", "{6ba7b810-9dad}", &longest] {
            assert!(is_sane(sane.as_bytes()), "{sane}");
        }
        let too_long = "x".repeat(LONGEST + 1);
        for wrong in ["", "a b", "a\tb", "\u{1b}[31m", "\u{e9}", &too_long] {
            assert!(!is_sane(wrong.as_bytes()), "{wrong}");
        }
    }
}
