//! `X-Request-Id`: one name for a request in its answer, in the log and, where the caller gave it, with the caller.
//!
//! Invariant: an id holds visible ASCII characters alone, so it can neither break nor forge a line of the log.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use tracing::{Instrument as _, error_span, field::Empty};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// The request's id, kept with it.
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id's text.
    pub(super) fn as_str(&self) -> &str {
        // What is sane is ASCII.
        self.0.to_str().unwrap_or_default()
    }
}

/// Puts the request's id on its answer and on every line that is logged on the way to it.
pub(super) async fn apply<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let given = request.headers().get(REQUEST_ID).filter(|id| is_sane(id.as_bytes())).cloned();
    let id = given.unwrap_or_else(fresh);
    // Of the highest level, so that a line of any level is inside.
    let span = error_span!("request", id = %String::from_utf8_lossy(id.as_bytes()), caller = Empty);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.call(request).instrument(span).await?;
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Random rather than counted, so that ids of several gateways can share one log.
fn fresh() -> HeaderValue {
    // A number's digits are always a header's value.
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
