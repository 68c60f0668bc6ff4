//! What can go wrong between mcpo and an upstream, by what it means for the caller.

use std::{borrow::Cow, time::Duration};

use super::{excerpt::Excerpt, human_duration::HumanDuration, json_rpc::reply::RpcError};
use crate::{
    held::Full,
    oauth::{AuthError, LoginNeeded},
    secret::redact,
};

/// When to ask again while an authorization server does not answer.
const AUTHORIZATION_RETRY: Duration = Duration::from_secs(5);

/// The largest message that is taken while no call waits for its result, in bytes.
pub(crate) const LARGEST_WITHOUT_CALL: usize = 16 << 20;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no connection at the moment; nothing was sent.
    #[error("{reason}")]
    Unavailable {
        /// Why, in a sentence.
        reason: String,
        /// When it may be worth asking again.
        retry_after: Duration,
    },
    /// The request never reached the upstream: the connection was gone, or the session forgotten.
    #[error("the request could not be sent: {0}")]
    NotSent(String),
    /// The upstream refused the request before the tool ran.
    #[error("the server did not take the request: {0}")]
    Refused(String),
    /// The request went out and no answer came back: the tool may have run.
    #[error("no answer came back, the tool may have run: {0}")]
    Lost(String),
    /// The answer is larger than this many bytes.
    #[error("the tool has run, but {}", TransportError::TooLarge(*.0))]
    TooLarge(usize),
    /// There is no room for the answer.
    #[error("the tool has run, but {}", TransportError::NoRoom(*.0))]
    NoRoom(Full),
    /// The deadline passed. The server was sent a cancellation, unless the call was still queued.
    #[error("no answer within {}", HumanDuration(*.0))]
    Deadline(Duration),
    /// A person has to log in to the upstream; the tool has not run.
    #[error("the server needs authorization: {}", .0.reason)]
    LoginNeeded(Box<LoginNeeded>),
    /// The server asks for this input, which a gateway cannot give.
    #[error("the tool asks for {0}, and nobody is here to answer")]
    InputRequired(String),
    /// The upstream answered with a JSON-RPC error.
    #[error("{}", .0.message)]
    Rpc(RpcError),
}

impl CallError {
    /// The same without secrets, as far as it has words of others.
    pub(crate) fn redacted(mut self) -> Self {
        if let Self::Unavailable { reason: text, .. }
        | Self::NotSent(text)
        | Self::Refused(text)
        | Self::Lost(text)
        | Self::InputRequired(text) = &mut self
            && let Cow::Owned(redacted) = redact(text)
        {
            *text = redacted;
        }
        self
    }

    /// Whether the same request may go out once more: it never reached the tool, or a further run changes nothing.
    pub(crate) fn may_go_again(&self, repeatable: bool) -> bool {
        match self {
            Self::NotSent(_) => true,
            Self::Lost(_) => repeatable,
            _ => false,
        }
    }
}

/// Why a connection could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// The program could not be started.
    #[error("cannot start `{program}`: {reason}")]
    Spawn {
        /// As configured.
        program: String,
        /// The system's reason.
        reason: String,
    },
    /// The server could not be reached, or the connection broke while it was being made.
    #[error("{0}")]
    Transport(#[from] TransportError),
    /// The server answered, but not as an MCP server does.
    #[error("the handshake failed: {}", Excerpt(.0))]
    Handshake(String),
    /// The server refused the handshake.
    #[error("the handshake failed: the server answered with an error: {}", Excerpt(message))]
    Refused {
        /// Its words.
        message: String,
        /// What it says beside them, as JSON.
        data: String,
    },
    /// The tools could not be listed.
    #[error("cannot list the tools: {}", Excerpt(reason))]
    Listing {
        /// Of the server's error, if it sent one.
        code: Option<i64>,
        /// Why, in its words.
        reason: String,
    },
    /// Nothing came in time.
    #[error("no answer within {}", HumanDuration(*.0))]
    Timeout(Duration),
}

impl ConnectError {
    /// The login that a person has to make first, if that is why.
    pub fn login_needed(&self) -> Option<&LoginNeeded> {
        match self {
            Self::Transport(TransportError::Authorization(AuthError::LoginNeeded(login))) => Some(login),
            _ => None,
        }
    }
}

/// Why a message did not get across.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// It never reached the upstream.
    #[error("{0}")]
    NotSent(String),
    /// It may have reached the upstream.
    #[error("{0}")]
    Lost(String),
    /// The upstream took it and answered with nothing, or with what is no message.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer is larger than this many bytes.
    #[error("the answer is larger than {} bytes{}", .0, why(*.0))]
    TooLarge(usize),
    /// There is no room for the answer.
    #[error("there is no room for its answer: {0}")]
    NoRoom(#[from] Full),
    /// The upstream refused the configured credentials (HTTP 401).
    #[error("the server refuses the configured credentials (HTTP 401); check its headers in the config")]
    Unauthorized,
    /// The upstream refused a request with a caller's own headers (HTTP 401).
    #[error("the server refuses this caller's forwarded headers (HTTP 401)")]
    CallerUnauthorized,
    /// There is no token that the upstream would take.
    #[error(transparent)]
    Authorization(#[from] AuthError),
    /// The upstream refused it with this HTTP status.
    #[error("the server answered HTTP {status}{}", detail(.body))]
    Refused {
        /// The status.
        status: u16,
        /// The body, or its beginning.
        body: String,
    },
}

impl TransportError {
    /// Whether a proxy says that it cannot reach the server (RFC 9110 section 15.6.3 to 15.6.5; 52x and 530 are
    /// Cloudflare's). Any other 5xx may be the server's own word.
    pub(crate) fn says_unreachable(&self) -> bool {
        matches!(self, Self::Refused { status: 502..=504 | 520..=526 | 530, .. })
    }
}

/// Where the limit of a message comes from.
fn why(limit: usize) -> &'static str {
    if limit == LARGEST_WITHOUT_CALL {
        ", and only the result of a call may be"
    } else {
        " (see --max-result-size)"
    }
}

/// As much of a refusal's body as helps.
fn detail(body: &str) -> String {
    if body.trim().is_empty() { String::new() } else { format!(": {}", Excerpt(body)) }
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotSent(reason) => Self::NotSent(reason),
            TransportError::Lost(reason) | TransportError::NoAnswer(reason) => Self::Lost(reason),
            TransportError::TooLarge(limit) => Self::TooLarge(limit),
            TransportError::NoRoom(full) => Self::NoRoom(full),
            TransportError::Authorization(AuthError::LoginNeeded(login)) => Self::LoginNeeded(login),
            TransportError::Authorization(AuthError::Unavailable(reason)) => {
                Self::Unavailable { reason, retry_after: AUTHORIZATION_RETRY }
            }
            // 5xx may come from a proxy in front, after the tool has run; the others refuse before it.
            TransportError::Refused { status: 500.., .. } => Self::Lost(error.to_string()),
            TransportError::Refused { .. }
            | TransportError::Unauthorized
            | TransportError::CallerUnauthorized
            | TransportError::Authorization(_) => Self::Refused(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TransportError;

    fn refused(status: u16, body: &str) -> TransportError {
        TransportError::Refused { status, body: body.to_owned() }
    }

    #[test]
    fn a_servers_own_fault_is_no_proxys() {
        for status in [502, 503, 504, 522] {
            assert!(refused(status, "").says_unreachable(), "{status}");
        }
        for status in [429, 500, 501, 511] {
            assert!(!refused(status, "").says_unreachable(), "{status}");
        }
    }
}
