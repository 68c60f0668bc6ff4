//! Whether a refusal means that the server no longer knows the session.
//!
//! A restarted server says so in many ways: the specification's 404, another status, a 401 before it looks at anything
//! else, or 200 with an error. So a refusal by a session that has worked is doubted first: the session is opened anew,
//! and only a refusal by the new session is believed.
//!
//! Invariant: a request is sent again only if the refusal proves that it did not run.

use super::inbound::Inbound;
use crate::upstream::protocol::{
    error::TransportError,
    excerpt::Excerpt,
    json_rpc::reply::{RawReply, RpcError},
};

/// What a refusal means for a session that has worked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is about the request alone.
    OfTheRequest,
    /// The session may be lost; the request may have run.
    Doubtful,
    /// The session may be lost; the request has not run.
    NeverRan,
}

/// Takes the outcome of a request. If it casts doubt on the session, `inbound` marks the session as stale. If it also
/// proves that the request did not run, it becomes [`TransportError::NotSent`]. `status` is that of the HTTP answer.
pub(super) fn settle(
    outcome: Result<RawReply, TransportError>,
    status: Option<u16>,
    inbound: &Inbound,
) -> Result<RawReply, TransportError> {
    let verdict = match &outcome {
        Ok(Ok(_)) => Verdict::OfTheRequest,
        Ok(Err(error)) => of_an_error(error, status.unwrap_or(200)),
        Err(TransportError::Refused { status, body }) => of_a_refusal(*status, body),
        Err(TransportError::NoAnswer(_)) => Verdict::Doubtful,
        Err(_) => Verdict::OfTheRequest,
    };
    if verdict == Verdict::OfTheRequest {
        return outcome;
    }
    let reason = match &outcome {
        Ok(Err(error)) => Excerpt(&error.message).to_string(),
        Ok(Ok(_)) => String::new(),
        Err(error) => error.to_string(),
    };
    let reason = format!("the session is no longer accepted: {reason}");
    inbound.mark_stale(&reason);
    if verdict == Verdict::NeverRan { Err(TransportError::NotSent(reason)) } else { outcome }
}

/// A refusal by HTTP status.
fn of_a_refusal(status: u16, body: &str) -> Verdict {
    match status {
        // It took too long, is too large, or comes too often: that is no matter of sessions.
        408 | 413 | 414 | 429 | 431 => Verdict::OfTheRequest,
        // What servers say before they look at a request.
        400 | 401 | 403 | 404 | 410 | 422 => Verdict::NeverRan,
        _ if denies_session(body) => Verdict::NeverRan,
        _ if speaks_of_session(body) => Verdict::Doubtful,
        // A proxy that cannot reach the server says nothing of its session.
        502..=504 | 520..=526 | 530 => Verdict::OfTheRequest,
        _ => Verdict::Doubtful,
    }
}

/// A JSON-RPC error in answer to a request, under this HTTP status.
fn of_an_error(error: &RpcError, status: u16) -> Verdict {
    // Of the transport: invalid request, and those that implementations choose for themselves. All others are the
    // server's answers to what it has understood.
    let of_the_transport = matches!(error.code, -32_600 | -32_002..=-32_000);
    match &error.message {
        text if of_the_transport && denies_session(text) => Verdict::NeverRan,
        _ if of_the_transport && matches!(status, 400 | 401 | 403 | 404 | 410 | 422) => Verdict::NeverRan,
        text if error.code != -32_602 && speaks_of_session(text) => Verdict::Doubtful,
        _ => Verdict::OfTheRequest,
    }
}

fn speaks_of_session(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["session", "initialize", "transport"].iter().any(|word| text.contains(word))
}

/// Whether a text says that there is no such session, so that nothing can have run in it. A long text is a page or a
/// stack trace, whose words prove nothing.
fn denies_session(text: &str) -> bool {
    const LONGEST: usize = 300;
    const DENIALS: [&str; 16] = [
        "session not found",
        "session was not found",
        "session does not exist",
        "session doesn't exist",
        "session id not found",
        "session id is required",
        "session-id header is required",
        "session is required",
        "no valid session",
        "no such session",
        "invalid session",
        "unknown session",
        "missing session",
        "not initialized",
        "uninitialized",
        "no transport found",
    ];
    let text = text.to_ascii_lowercase();
    text.len() <= LONGEST && DENIALS.iter().any(|denial| text.contains(denial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_doubted_by_what_they_prove() {
        for (status, body, verdict) in [
            (404, "Not Found", Verdict::NeverRan),
            (400, "", Verdict::NeverRan),
            (401, "Unauthorized", Verdict::NeverRan),
            (403, "{\"error\":\"Invalid session\"}", Verdict::NeverRan),
            (410, "Gone", Verdict::NeverRan),
            (422, "Expected initialize request", Verdict::NeverRan),
            (500, "Error POSTing to endpoint (HTTP 400): No valid session ID provided", Verdict::NeverRan),
            (503, "unknown session", Verdict::NeverRan),
            (500, "session gone", Verdict::Doubtful),
            (500, "", Verdict::Doubtful),
            (409, "conflict", Verdict::Doubtful),
            (
                500,
                "Error: order not found\n at StreamableHTTPServerTransport.handleRequest",
                Verdict::Doubtful,
            ),
            (502, "Bad Gateway", Verdict::OfTheRequest),
            (503, "", Verdict::OfTheRequest),
            (413, "", Verdict::OfTheRequest),
            (429, "too many sessions", Verdict::OfTheRequest),
        ] {
            assert_eq!(of_a_refusal(status, body), verdict, "{status} {body}");
        }
    }

    #[test]
    fn errors_are_doubted_where_they_speak_of_the_session() {
        for (status, code, message, verdict) in [
            (200, -32_001, "Session not found", Verdict::NeverRan),
            (200, -32_600, "Invalid Request: Server not initialized", Verdict::NeverRan),
            (400, -32_000, "Bad Request", Verdict::NeverRan),
            (200, -32_603, "the session is gone", Verdict::Doubtful),
            (200, -32_000, "the engine is on fire", Verdict::OfTheRequest),
            (200, -32_000, "Stripe checkout session: customer required", Verdict::Doubtful),
            (400, -32_602, "Invalid arguments: no session_id", Verdict::OfTheRequest),
            (200, 7, "boom", Verdict::OfTheRequest),
        ] {
            let error = RpcError { code, message: message.into(), data: None };
            assert_eq!(of_an_error(&error, status), verdict, "{status} {code} {message}");
        }
    }
}
