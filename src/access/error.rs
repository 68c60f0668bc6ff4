//! Why a request is refused before anything is looked up, or for its caller's permission.

use std::{borrow::Cow, time::Duration};

use crate::jwt::Refusal;

/// Why access is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// A credential is missing or of the wrong kind.
    #[error("{message}")]
    Unauthorized {
        /// What is wrong.
        message: &'static str,
        /// The accepted schemes (RFC 9110 section 11.6.1), a header line each: Chromium reads one challenge a line.
        challenges: Vec<Cow<'static, str>>,
    },
    /// A key that is not configured.
    #[error("{0}")]
    WrongKey(&'static str),
    /// A token that does not verify.
    #[error("{refusal}")]
    BadToken {
        /// Why.
        refusal: Refusal,
        /// The challenge (RFC 6750 section 3).
        challenge: String,
    },
    /// A valid token without a scope or claim that grants anything.
    #[error("the token is good, but opens nothing here")]
    NoScope {
        /// The challenge, with the scopes that would (RFC 6750 section 3.1).
        challenge: String,
    },
    /// The issuer cannot be reached, so tokens cannot be verified.
    #[error("tokens cannot be checked now")]
    Unverifiable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The caller is authenticated, but its permission does not reach this.
    #[error("this key or token does not open that, or there is no such thing")]
    Forbidden,
    /// Too many requests.
    #[error("too many requests; the limit is {limit}, come again in {} s", retry_after.as_secs_f32().ceil())]
    RateLimited {
        /// The allowed rate.
        limit: String,
        /// When the next request would pass.
        retry_after: Duration,
    },
}
