//! What can go wrong between mcpo and an upstream, told apart by what it means for the caller.

use std::time::Duration;

use super::message::RpcError;

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
    /// The request never reached the upstream.
    #[error("the request could not be sent: {0}")]
    NotSent(String),
    /// The request went out and no answer came back: the tool may have run.
    #[error("no answer came back, the tool may have run: {0}")]
    Lost(String),
    /// The server's deadline passed; the upstream was told to stop.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Deadline(Duration),
    /// The upstream asks for authorization.
    #[error("the server asks for authorization")]
    Unauthorized,
    /// The upstream answered with a JSON-RPC error.
    #[error("{}", .0.message)]
    Rpc(RpcError),
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
    Wire(#[from] WireError),
    /// The server answered, but not as an MCP server does.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// The tools could not be listed.
    #[error("cannot list the tools: {0}")]
    Listing(String),
    /// Nothing came in time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// Why a message did not get across.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WireError {
    /// It never reached the upstream.
    #[error("{0}")]
    NotSent(String),
    /// It may have reached the upstream.
    #[error("{0}")]
    Lost(String),
    /// The answer is larger than this many bytes.
    #[error("the answer is larger than {0} bytes (see --max-result-size)")]
    TooLarge(usize),
    /// The upstream asks for authorization (HTTP 401).
    #[error("the server asks for authorization (HTTP 401)")]
    Unauthorized,
    /// The upstream refused it with this HTTP status.
    #[error("the server answered HTTP {status}{}", detail(.body))]
    Refused {
        /// The status.
        status: u16,
        /// The body, or its beginning.
        body: String,
    },
}

/// As much of a refusal's body as helps, in one line.
fn detail(body: &str) -> String {
    const SHOWN: usize = 300;
    let text = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        _ if text.is_empty() => text,
        Some((end, _)) => format!(": {}…", &text[..end]),
        None => format!(": {text}"),
    }
}

impl From<WireError> for CallError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::NotSent(reason) => Self::NotSent(reason),
            WireError::Lost(reason) => Self::Lost(reason),
            WireError::Unauthorized => Self::Unauthorized,
            // 5xx may come from a proxy in front, after the tool has run; the others refuse before it.
            WireError::Refused { status: 500.., .. } | WireError::TooLarge(_) => {
                Self::Lost(error.to_string())
            }
            WireError::Refused { .. } => Self::NotSent(error.to_string()),
        }
    }
}
