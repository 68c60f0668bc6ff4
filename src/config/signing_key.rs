//! A private key for signed client assertions, with the algorithm that it signs with.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey};

/// A private key, read from PEM.
#[derive(Clone)]
pub struct SigningKey {
    /// The key.
    pub key: EncodingKey,
    /// What the key can sign with.
    pub algorithm: Algorithm,
    /// `kid`, where the authorization server knows several keys of the client.
    pub id: Option<String>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}
