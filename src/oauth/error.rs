//! Why a request has no authorization.

use std::fmt;

use url::Url;

/// Why there is no token to send, or why the one that was sent does not do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// A person has to log in.
    #[error("{}", .0.reason)]
    LoginNeeded(Box<LoginNeeded>),
    /// Something did not answer, or not sensibly; it is worth trying again.
    #[error("{0}")]
    Unavailable(String),
    /// Neither a login nor waiting helps; the text says what does.
    #[error("{0}")]
    Unfit(String),
}

/// A login that a person has to make.
#[derive(Debug, Clone)]
pub struct LoginNeeded {
    /// Why, in a sentence.
    pub reason: String,
    /// Where the login starts, for callers: it may hold a ticket, so it is not for logs.
    pub url: Url,
    /// The same without a ticket.
    pub page: Url,
}

pub(super) fn unfit(error: impl fmt::Display) -> AuthError {
    AuthError::Unfit(error.to_string())
}

pub(super) fn unavailable(error: impl fmt::Display) -> AuthError {
    AuthError::Unavailable(error.to_string())
}
