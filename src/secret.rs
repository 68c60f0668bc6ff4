//! Types for secrets, which are redacted when printed and compared in constant time, and the secrets that are taken out
//! of what others say.
//!
//! Imports no other module of the project, so that all modules may use it.

mod decoded;
mod known;

use std::fmt;

pub use known::{KnownSecrets, MASK, SHORTEST, redact, redact_json};

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

/// Whether a variable, a header or a parameter of this name holds a secret, as far as a name can tell.
pub fn is_telling(name: &str) -> bool {
    const WORDS: [&str; 23] = [
        "accesskey",
        "apikey",
        "auth",
        "authkey",
        "authorization",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "dsn",
        "jwt",
        "key",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "pat",
        "privatekey",
        "pwd",
        "secret",
        "secretkey",
        "signature",
        "token",
    ];
    /// Says where or what a secret is.
    const ABOUT: [&str; 23] = [
        "algorithm",
        "audience",
        "dir",
        "enabled",
        "endpoint",
        "expiry",
        "file",
        "header",
        "host",
        "issuer",
        "limit",
        "method",
        "mode",
        "name",
        "path",
        "port",
        "prefix",
        "provider",
        "sock",
        "ttl",
        "type",
        "uri",
        "url",
    ];
    let words: Vec<String> = words(name).collect();
    let is_about = words.last().is_some_and(|last| ABOUT.contains(&last.as_str()));
    // `PWD` alone is where a program runs.
    let is_folder = words == ["pwd"] || words == ["oldpwd"];
    let ends = |word: &String| {
        ["apikey", "password", "secret", "token"]
            .iter()
            .any(|end| word.len() > end.len() && word.ends_with(end))
    };
    !is_about && !is_folder && words.iter().any(|word| WORDS.contains(&word.as_str()) || ends(word))
}

/// The words of a name in lower case: `X-Api-Key`, `API_KEY` and `apiKey` have `api` and `key`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            spaced.push(' ');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        spaced.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::is_telling;

    #[test]
    fn names_tell_what_is_secret() {
        for name in [
            "GITHUB_TOKEN",
            "X-Api-Key",
            "apiKey",
            "accessToken",
            "DBPASSWORD",
            "Authorization",
            "client_secret",
            "DB_PWD",
            "TOKEN_2",
            "AWS_ACCESS_KEY_ID",
        ] {
            assert!(is_telling(name), "{name}");
        }
        for name in
            ["HOME", "PWD", "PATH", "MAX_TOKENS", "KEYBOARD", "SSH_AUTH_SOCK", "TOKEN_URL", "X-User", ""]
        {
            assert!(!is_telling(name), "{name}");
        }
    }
}
