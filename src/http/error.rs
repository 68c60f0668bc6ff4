//! Every error that a client can see, and the only place that maps errors to statuses.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;
use serde_json::value::RawValue;

use paperclip::actix::api_v2_errors;

use crate::{
    access::AccessError,
    catalogue::Violation,
    held::Full,
    registry::CallOutcome,
    upstream::{CallError, RpcError},
};

/// When there may be room again: by then, clients that do not read are given up, and others have read.
const ROOM_RETRY: Duration = Duration::from_secs(5);

/// The reason why a request has no result.
///
/// For documented routes, paperclip lists the refusals.
#[api_v2_errors(401, description = "It needs the API key", 403, description = "The API key is wrong")]
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// There is no such route, server or tool.
    #[error("Not Found")]
    NotFound,
    /// There is no such route, server or tool, and this hint says what was probably meant.
    #[error("Not Found")]
    Misspelt(String),
    /// The route exists, but only for these methods.
    #[error("Method Not Allowed")]
    MethodNotAllowed(&'static str),
    /// Access is refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The request comes from a web page whose origin is not allowed.
    #[error("Disallowed CORS origin")]
    ForeignOrigin,
    /// It comes from a foreign web page, with rights that its browser has rather than the page.
    #[error(
        "Disallowed CORS origin: a page of another origin may call only with a key as Bearer, or if its origin is listed \
         in --cors-allow-origins"
    )]
    AmbientCredential,
    /// The request names a host that the gateway does not accept.
    #[error(
        "mcpo listens on this machine alone and does not answer to this Host; if a reverse proxy passes it on, start \
         mcpo with --public-url"
    )]
    Misdirected,
    /// The body is larger than this many bytes.
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    /// The headers to forward are too many or too large.
    #[error("{0}")]
    HeadersTooLarge(String),
    /// The value of the header of this name cannot be forwarded.
    #[error("the value of {0} holds a character that no header may")]
    BadHeader(String),
    /// The body did not arrive completely.
    #[error("the request body did not arrive whole")]
    Incomplete,
    /// The body arrived too slowly.
    #[error("the request body came too slowly")]
    Slow,
    /// There is no room for the body or the response.
    #[error("{0}")]
    NoRoom(Full),
    /// The arguments violate the tool's schema.
    #[error("the arguments do not fit the tool")]
    Invalid(Vec<Violation>),
    /// The tool reported this error.
    #[error("{0}")]
    Tool(String),
    /// The server's response is not a valid result.
    #[error("the server's answer cannot be read: {0}")]
    BadResult(String),
    /// The call was not begun, because its line in the audit log could not be written.
    #[error("calls are refused while the audit log cannot be written: {reason}")]
    Unrecordable {
        /// Why.
        reason: String,
        /// When it may be worth asking again.
        retry_after: Duration,
    },
    /// The call has ended, and its line in the audit log could not be written in time.
    #[error(
        "the tool may have run, but what came of it could not be written to the audit log in time, so it is not told"
    )]
    Unrecorded,
    /// The call ended without a result.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Misspelt(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Access(AccessError::Unauthorized { .. } | AccessError::BadToken { .. })
            | Self::Call(CallError::LoginNeeded(_)) => StatusCode::UNAUTHORIZED,
            Self::Access(AccessError::WrongKey(_) | AccessError::Forbidden | AccessError::NoScope { .. }) => {
                StatusCode::FORBIDDEN
            }
            Self::Access(AccessError::RateLimited { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::ForeignOrigin | Self::AmbientCredential => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadersTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Incomplete | Self::BadHeader(_) => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Tool(_) | Self::Call(CallError::InputRequired(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadResult(_)
            | Self::Call(
                CallError::NotSent(_)
                | CallError::Refused(_)
                | CallError::Lost(_)
                | CallError::TooLarge(_)
                | CallError::NoRoom(_),
            ) => StatusCode::BAD_GATEWAY,
            Self::Access(AccessError::Unverifiable { .. })
            | Self::Unrecordable { .. }
            | Self::Unrecorded
            | Self::NoRoom(_)
            | Self::Call(CallError::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Call(CallError::Deadline(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Call(CallError::Rpc(error)) => rpc_status(error.code),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::MethodNotAllowed(allowed) => drop(response.insert_header((header::ALLOW, *allowed))),
            Self::Access(AccessError::Unauthorized { challenges, .. }) => {
                for challenge in challenges {
                    response.append_header((header::WWW_AUTHENTICATE, &**challenge));
                }
            }
            Self::Access(AccessError::BadToken { challenge, .. } | AccessError::NoScope { challenge }) => {
                response.insert_header((header::WWW_AUTHENTICATE, challenge.as_str()));
            }
            _ => {}
        }
        if let Some(later) = self.retry_after() {
            let seconds = later.as_secs_f32().ceil().max(1.0);
            if let Ok(seconds) = HeaderValue::try_from(format!("{seconds:.0}")) {
                response.insert_header((header::RETRY_AFTER, seconds));
            }
        }
        match self {
            Self::Misspelt(hint) => response.json(Hinted { detail: &self.to_string(), hint }),
            Self::Invalid(violations) => response.json(Detail { detail: violations }),
            Self::Call(CallError::Rpc(RpcError { message, data, .. })) => {
                response.json(Detail { detail: MessageDetail { message, data: data.as_deref() } })
            }
            Self::Call(error @ CallError::LoginNeeded(login)) => {
                let message = error.to_string();
                response.json(Detail {
                    detail: LoginDetail { message: &message, authorization_url: login.url.as_str() },
                })
            }
            Self::Tool(_)
            | Self::BadResult(_)
            | Self::Unrecordable { .. }
            | Self::Unrecorded
            | Self::Call(_) => {
                response.json(Detail { detail: MessageDetail { message: &self.to_string(), data: None } })
            }
            _ => response.json(Detail { detail: self.to_string() }),
        }
    }
}

impl ApiError {
    /// Returns the error behind `response`; `None` if it is not an error response.
    pub(super) fn of<B>(response: &ServiceResponse<B>) -> Option<&Self> {
        response.response().error()?.as_error()
    }

    /// Returns when the request may be sent again, if it is worth it.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(CallError::Unavailable { retry_after, .. })
            | Self::Unrecordable { retry_after, .. }
            | Self::Access(
                AccessError::RateLimited { retry_after, .. } | AccessError::Unverifiable { retry_after },
            ) => Some(*retry_after),
            Self::NoRoom(_) => Some(ROOM_RETRY),
            _ => None,
        }
    }

    /// Returns the outcome of a call that ended with this error.
    pub(super) fn outcome(&self) -> CallOutcome {
        match self {
            Self::Tool(_) => CallOutcome::ToolError,
            Self::BadResult(_) => CallOutcome::BadResult,
            Self::Call(error) => match error {
                CallError::Unavailable { .. } => CallOutcome::Unavailable,
                CallError::NotSent(_) | CallError::Refused(_) => CallOutcome::NotSent,
                CallError::Lost(_) | CallError::TooLarge(_) | CallError::NoRoom(_) => CallOutcome::Lost,
                CallError::Deadline(_) => CallOutcome::Deadline,
                CallError::LoginNeeded(_) => CallOutcome::Unauthorized,
                CallError::InputRequired(_) => CallOutcome::InputRequired,
                CallError::Rpc(_) => CallOutcome::RpcError,
            },
            // All other errors concern the request, so nothing was sent.
            _ => CallOutcome::Invalid,
        }
    }

    /// Returns the error as a sentence for a person at a browser.
    pub(super) fn for_people(&self) -> String {
        match self {
            Self::NotFound => "There is nothing at this address.".into(),
            Self::Misspelt(hint) => hint.clone(),
            Self::MethodNotAllowed("POST") => {
                "This is a tool's address. It is called with POST; its server's documentation has a form for that."
                    .into()
            }
            Self::MethodNotAllowed(allowed) => format!("This address can be asked with {allowed} alone."),
            error => error.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

#[derive(Serialize)]
struct Hinted<'a> {
    detail: &'a str,
    hint: &'a str,
}

#[derive(Serialize)]
struct MessageDetail<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct LoginDetail<'a> {
    message: &'a str,
    authorization_url: &'a str,
}

/// Maps JSON-RPC's reserved codes (JSON-RPC 2.0 section 5.1) to statuses as the Python mcpo does.
fn rpc_status(code: i64) -> StatusCode {
    match code {
        -32602 => StatusCode::UNPROCESSABLE_ENTITY,
        -32601 => StatusCode::NOT_FOUND,
        -32600 | -32700 => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Refusal, oauth::LoginNeeded};

    #[test]
    fn each_error_has_its_status() {
        let rpc = |code| CallError::Rpc(RpcError { code, message: "m".into(), data: None });
        let unavailable =
            CallError::Unavailable { reason: "r".into(), retry_after: Duration::from_millis(1200) };
        let limited =
            AccessError::RateLimited { limit: "1 in 1 s".into(), retry_after: Duration::from_millis(1200) };
        let url = || "http://localhost/oauth/s/login".parse().unwrap();
        let login = Box::new(LoginNeeded { reason: "r".into(), url: url(), page: url() });
        let table: Vec<(ApiError, u16)> = vec![
            (ApiError::NotFound, 404),
            (ApiError::Misspelt("m".into()), 404),
            (ApiError::MethodNotAllowed("POST"), 405),
            (AccessError::Unauthorized { message: "m", challenges: vec!["Bearer".into()] }.into(), 401),
            (AccessError::WrongKey("m").into(), 403),
            (AccessError::BadToken { refusal: Refusal::Expired, challenge: "Bearer".into() }.into(), 401),
            (AccessError::NoScope { challenge: "Bearer".into() }.into(), 403),
            (AccessError::Unverifiable { retry_after: Duration::from_millis(1200) }.into(), 503),
            (AccessError::Forbidden.into(), 403),
            (limited.into(), 429),
            (ApiError::ForeignOrigin, 403),
            (ApiError::AmbientCredential, 403),
            (ApiError::Misdirected, 421),
            (ApiError::TooLarge(1), 413),
            (ApiError::HeadersTooLarge("m".into()), 431),
            (ApiError::BadHeader("m".into()), 400),
            (ApiError::Incomplete, 400),
            (ApiError::Slow, 408),
            (ApiError::Invalid(vec![]), 422),
            (ApiError::Tool("m".into()), 500),
            (ApiError::BadResult("m".into()), 502),
            (ApiError::Unrecordable { reason: "m".into(), retry_after: Duration::from_millis(1200) }, 503),
            (unavailable.into(), 503),
            (CallError::NotSent("m".into()).into(), 502),
            (CallError::Refused("m".into()).into(), 502),
            (CallError::Lost("m".into()).into(), 502),
            (CallError::TooLarge(1).into(), 502),
            (CallError::Deadline(Duration::from_secs(1)).into(), 504),
            (CallError::LoginNeeded(login).into(), 401),
            (CallError::InputRequired("m".into()).into(), 500),
            (rpc(-32602).into(), 422),
            (rpc(-32601).into(), 404),
            (rpc(-32600).into(), 400),
            (rpc(-32700).into(), 400),
            (rpc(-32000).into(), 500),
        ];
        for (error, status) in table {
            let response = error.error_response();
            assert_eq!(response.status().as_u16(), status, "{error:?}");
            if [429, 503].contains(&status) {
                assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
            }
        }
        // Asked again, the tool might run twice.
        let unrecorded = ApiError::Unrecorded.error_response();
        assert_eq!(
            (unrecorded.status().as_u16(), unrecorded.headers().get(header::RETRY_AFTER)),
            (503, None)
        );
    }
}
