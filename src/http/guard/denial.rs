//! Why somebody is not let in.

use std::{borrow::Cow, time::Duration};

use crate::jwt::Refusal;

/// Why somebody is not let in.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::http) enum Denial {
    /// A credential is missing or of the wrong kind.
    #[error("{message}")]
    Unauthorized {
        /// What is wrong.
        message: &'static str,
        /// The schemes that are accepted (RFC 9110 section 11.6.1), a line for each: Chromium reads one in a line.
        challenges: Vec<Cow<'static, str>>,
    },
    /// A key that opens nothing.
    #[error("{0}")]
    WrongKey(&'static str),
    /// A token that opens nothing.
    #[error("{refusal}")]
    BadToken {
        /// Why.
        refusal: Refusal,
        /// What is accepted (RFC 6750 section 3).
        challenge: String,
    },
    /// A good token with nothing in it that opens something.
    #[error("the token is good, but opens nothing here")]
    NoScope {
        /// What would (RFC 6750 section 3.1).
        challenge: String,
    },
    /// Nobody can say now whether a token is good.
    #[error("tokens cannot be checked now")]
    Unchecked {
        /// When it may be worth to try again.
        retry_after: Duration,
    },
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
