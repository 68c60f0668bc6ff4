//! Secrets as types: redacted wherever they could be printed, compared in constant time.
//!
//! Imports nothing of the project, so that every room may use it.

use std::fmt;

pub use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// An API key, kept only as its SHA-256 digest: the key itself cannot leak from here.
#[derive(Clone)]
pub struct ApiKey([u8; 32]);

impl ApiKey {
    /// Digests `key`; nothing of it is kept. Keys are equal where their digests are; the time that takes tells nothing
    /// of where they differ.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// The key that has this SHA-256 digest.
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

/// Whether two secrets are the same. The time taken tells nothing of where they differ.
pub fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}
