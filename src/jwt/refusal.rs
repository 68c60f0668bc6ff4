//! Why a token does not open the gateway.

use std::time::Duration;

/// Why a token is refused, or cannot be judged.
///
/// The texts may be shown to the sender of the token, as an `error_description` (RFC 6750 section 3): they are printable
/// ASCII without quotes and backslashes, and say nothing about the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read, or its header asks for what no access token needs.
    #[error("the token is malformed, or is no access token")]
    Malformed,
    /// No asymmetric signature that is known here, or not one that its key is for.
    #[error("the token is signed with an algorithm that is not accepted")]
    UnsupportedAlgorithm,
    /// Also if a token that names no key fits none.
    #[error("the token is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// Its key did not sign it.
    #[error("the signature of the token is wrong")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is yet to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is another.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// `aud` holds none of ours.
    #[error("the token is meant for another audience")]
    WrongAudience,
    /// The claim is not there, or not of its type.
    #[error("the token lacks a proper claim {0}")]
    MissingClaim(&'static str),
    /// The issuer's keys cannot be had, so that nothing can be said of the token.
    #[error("tokens cannot be checked now, because the keys of their issuer cannot be had")]
    Unavailable {
        /// For the log: it names the issuer.
        reason: String,
        /// When it may be worth to try again.
        retry_after: Duration,
    },
}
