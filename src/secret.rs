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
    /// Digests `key`; nothing of the text is kept.
    pub fn new(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Whether `presented` is this key. The time taken tells nothing of where the two differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.0.ct_eq(&presented).into()
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
