//! Why somebody is not let in.

use std::time::Duration;

/// Challenges every scheme that is accepted. A browser answers to `Basic` with a dialog.
pub(super) const ANY_SCHEME: &str = "Bearer, Basic";
/// Challenges the one that programs use.
pub(super) const BEARER: &str = "Bearer";

/// Why somebody is not let in.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::http) enum Denial {
    /// A credential is missing or of the wrong kind.
    #[error("{message}")]
    Unauthorized {
        /// What is wrong.
        message: &'static str,
        /// The schemes that are accepted (RFC 9110 section 11.6.1).
        challenge: &'static str,
    },
    /// A key that opens nothing.
    #[error("{0}")]
    WrongKey(&'static str),
    /// The credential is good, but not for this.
    #[error("this key or token does not open that, or there is no such thing")]
    Withheld,
    /// Too many requests.
    #[error("too many requests; the limit is {limit}, come again in {} s", retry_after.as_secs_f32().ceil())]
    Limited {
        /// The rate that is allowed.
        limit: String,
        /// When the next would be let in.
        retry_after: Duration,
    },
}
