//! Storage backends: files, the system's keyring, or this process alone.
//!
//! Backends are synchronous, as file systems and keyrings are; the token store calls them off the async workers. They
//! handle bytes only; the token store parses and encrypts.
//!
//! Invariant: a reader gets the whole of what was saved last or the whole of what was saved before it.

use std::fmt::{self, Display, Write as _};

use sha2::{Digest, Sha256};
use url::Url;

/// How much of a server's name its [`RecordKey`] shows.
const SHOWN: usize = 40;

/// A place for records.
pub(crate) trait StorageBackend: Send + Sync {
    /// What was saved last.
    fn load(&self, key: &RecordKey) -> Result<Option<Vec<u8>>, BackendError>;

    /// Keeps `bytes` in place of what was there.
    fn save(&self, key: &RecordKey, bytes: &[u8]) -> Result<(), BackendError>;

    /// Removes what was saved, if anything was.
    fn remove(&self, key: &RecordKey) -> Result<(), BackendError>;

    /// Takes the lock; `None` if it is taken already. It guards no single call of this trait, but a whole exchange: load,
    /// ask the authorization server, save.
    fn try_lock(&self, key: &RecordKey) -> Result<Option<Lock>, BackendError>;

    /// Where the record is, for messages.
    fn describe(&self, key: &RecordKey) -> String;
}

/// The name of a record: something to read of the server's name, and 8 hex digits that tell servers apart whose
/// names read the same, or that have moved to another URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RecordKey(String);

impl RecordKey {
    /// The key of the server of this name at this URL.
    pub(crate) fn new(server: &str, url: &Url) -> Self {
        // Lower case, since some file systems take `A` and `a` for one.
        let words: Vec<_> =
            server.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let mut name = words.join("-").to_ascii_lowercase();
        name.truncate(SHOWN);
        if name.is_empty() {
            name.push_str("server");
        }
        name.push('-');
        let digest =
            Sha256::new().chain_update(server).chain_update([0]).chain_update(url.as_str()).finalize();
        for byte in &digest[..4] {
            // Writing to a string never fails.
            let _ = write!(name, "{byte:02x}");
        }
        Self(name)
    }

    /// The key as text: letters, digits and hyphens.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sole right to change a record; given back when dropped.
pub(crate) struct Lock {
    _held: Box<dyn Send + Sync>,
}

impl Lock {
    /// A lock that lasts as long as `held` lives.
    pub(super) fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// A store that cannot be used: where, why, and what to do, in one line without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BackendError(String);

impl BackendError {
    /// An error at a place, such as a path.
    pub(crate) fn at(place: impl Display, message: impl Display) -> Self {
        Self(format!("{place}: {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(server: &str, url: &str) -> String {
        RecordKey::new(server, &Url::parse(url).unwrap()).as_str().to_owned()
    }

    #[test]
    fn keys_are_readable_and_tell_servers_apart() {
        let plain = key("My Server", "https://mcp.example.com/");
        assert!(plain.starts_with("my-server-") && plain.len() == "my-server-".len() + 8, "{plain}");
        assert_eq!(plain, key("My Server", "https://mcp.example.com/"));
        assert_ne!(plain, key("my-server", "https://mcp.example.com/"));
        assert_ne!(plain, key("My Server", "https://mcp.example.com/other"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder_or_is_too_long() {
        for name in ["../../etc/passwd", "", "..", "名前", "a\0b", &"x".repeat(5000)] {
            let key = key(name, "https://h/");
            assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{key}");
            assert!(!key.starts_with('-') && key.len() <= SHOWN + 9, "{key}");
        }
    }
}
