//! The token endpoint (RFC 6749 section 3.2).

use std::time::SystemTime;

use super::scopes::Scopes;
use crate::secret::SecretString;

/// What a token endpoint gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token, a Bearer token (RFC 6750).
    pub access: SecretString,
    /// The refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token expires, where the server says so.
    pub expires_at: Option<SystemTime>,
    /// What was granted, where the server says so.
    pub scopes: Option<Scopes>,
}
