//! Types for secrets, which are redacted when printed and compared in constant time.
//!
//! Imports no other module of the project, so that all modules may use it.

use std::fmt;

pub use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// An API key, kept only as its SHA-256 digest, so that the key itself cannot leak.
#[derive(Clone)]
pub struct ApiKey([u8; 32]);

impl ApiKey {
    /// Digests `key` without keeping it.
    ///
    /// Keys are equal if their digests are. The time of a comparison does not reveal where they differ.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Returns the key with this SHA-256 digest.
    pub fn of_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// Whether two secrets are equal.
///
/// The time of the comparison does not reveal where they differ.
pub fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}
