//! Records in a storage backend, encrypted if a key is given.
//!
//! Backends may block, so they are called off the async workers. A call whose future is dropped, or whose time is up,
//! still runs to its end there: a record is saved whole or not at all.
//!
//! Invariant: a record is returned only for the server and the URL that it was kept for.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};
use url::Url;

use super::{
    backend::{BackendError, Lock, RecordKey, StorageBackend},
    encryption::{self, Encryption, EncryptionError},
    file::FileBackend,
    keyring::KeyringBackend,
    legacy_import::{self, LegacyLogin},
    memory::MemoryBackend,
    record::{Record, RecordError},
};
use crate::config::{LoginSettings, TokenStorage};

/// How long a backend may take. A keyring gives up before that.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a lock is waited for: as long as one exchange with an authorization server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a lock is tried: no system notifies when one is released.
const INTERVAL: Duration = Duration::from_millis(50);

/// Where records are kept; clones share it.
#[derive(Clone)]
pub(crate) struct TokenStore {
    backend: Arc<dyn StorageBackend>,
    encryption: Option<Arc<Encryption>>,
    /// Where the Python mcpo may have left tokens.
    legacy: Option<Arc<Path>>,
}

/// Why a record cannot be had or kept: where, why, and what to do, in one line without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenStoreError {
    /// The store cannot be used.
    #[error("{0}")]
    Backend(#[from] BackendError),
    /// There is no place for files.
    #[error("nowhere to keep tokens, as there is no home folder; give a folder with --token-dir")]
    NoFolder,
    /// The user's key cannot be used.
    #[error("--token-key: {0}")]
    Key(EncryptionError),
    /// The record cannot be decrypted or encrypted.
    #[error("{0}: {1}")]
    Encryption(String, EncryptionError),
    /// What is kept is no record.
    #[error("{0}: {1}")]
    Record(String, RecordError),
    /// The store takes too long.
    #[error("{place}: no answer within {} s; see whether the disk that it is on works", DEADLINE.as_secs())]
    Timeout {
        /// Where the record is.
        place: String,
    },
    /// Another process holds the lock.
    #[error("{place}: another login or refresh has held it for {} s; try again, or end the mcpo that hangs", .waited.as_secs_f32())]
    Locked {
        /// Where the record is.
        place: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The call broke off; only a fault in mcpo does that, or its end.
    #[error("{0}: the call broke off")]
    Broken(String),
}

impl TokenStore {
    /// Opens the store of this kind, with the folder and the key of `logins`. May block, a keyring for some seconds.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, there is no keyring, or the key is too short.
    pub(crate) fn open(storage: &TokenStorage, logins: &LoginSettings) -> Result<Self, TokenStoreError> {
        let folder = logins.token_dir.as_deref();
        let (backend, legacy): (Arc<dyn StorageBackend>, _) = match storage {
            TokenStorage::File => {
                (Arc::new(FileBackend::open(folder.ok_or(TokenStoreError::NoFolder)?)?), folder)
            }
            TokenStorage::Memory => (Arc::new(MemoryBackend::default()), None),
            TokenStorage::Keyring => (Arc::new(KeyringBackend::open(folder)?), folder),
        };
        let encryption =
            logins.token_key.as_ref().map(Encryption::new).transpose().map_err(TokenStoreError::Key)?;
        Ok(Self { backend, encryption: encryption.map(Arc::new), legacy: legacy.map(Arc::from) })
    }

    /// The record of this server; `None` if there is none for this very URL.
    ///
    /// # Errors
    ///
    /// The store fails, or what it holds cannot be read.
    pub(crate) async fn load(&self, server: &str, url: &Url) -> Result<Option<Record>, TokenStoreError> {
        let (server, url) = (server.to_owned(), url.clone());
        self.call(RecordKey::new(&server, &url), move |store, key| {
            let Some(bytes) = store.backend.load(key)? else {
                return Ok(None);
            };
            let record = store.read(key, bytes)?;
            Ok((record.server == server && record.url == url).then_some(record))
        })
        .await
    }

    /// What the Python mcpo knows of this server, if [`load`](Self::load) finds nothing; `None` once
    /// anything was saved or removed for this server, whatever its URL.
    ///
    /// # Errors
    ///
    /// Its files cannot be read.
    pub(crate) async fn legacy(
        &self,
        server: &str,
        url: &Url,
    ) -> Result<Option<LegacyLogin>, TokenStoreError> {
        let name = server.to_owned();
        self.call(RecordKey::new(server, url), move |store, _| match &store.legacy {
            Some(folder) => Ok(legacy_import::find(folder, &name)?),
            None => Ok(None),
        })
        .await
    }

    /// Keeps `record` in place of what was kept for its server and URL.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub(crate) async fn save(&self, record: &Record) -> Result<(), TokenStoreError> {
        let record = record.clone();
        self.call(RecordKey::new(&record.server, &record.url), move |store, key| {
            let mut bytes = record
                .to_json()
                .map_err(|error| TokenStoreError::Record(store.backend.describe(key), error))?;
            if let Some(encryption) = &store.encryption {
                bytes = encryption
                    .encrypt(key.as_str(), bytes)
                    .map_err(|error| store.encryption_error(key, error))?;
            }
            store.backend.save(key, &bytes)?;
            store.retire(&record.server)
        })
        .await
    }

    /// Removes the record of this server, if there is one.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub(crate) async fn remove(&self, server: &str, url: &Url) -> Result<(), TokenStoreError> {
        let name = server.to_owned();
        self.call(RecordKey::new(server, url), move |store, key| {
            store.backend.remove(key)?;
            store.retire(&name)
        })
        .await
    }

    /// Locks the record of this server against all other processes; waits up to 30 s.
    ///
    /// # Errors
    ///
    /// The store fails, or another process holds the lock all that time.
    pub(crate) async fn lock(&self, server: &str, url: &Url) -> Result<Lock, TokenStoreError> {
        self.lock_within(PATIENCE, RecordKey::new(server, url)).await
    }

    async fn lock_within(&self, patience: Duration, key: RecordKey) -> Result<Lock, TokenStoreError> {
        let attempts = async {
            loop {
                if let Some(lock) =
                    self.call(key.clone(), |store, key| Ok(store.backend.try_lock(key)?)).await?
                {
                    return Ok(lock);
                }
                sleep(INTERVAL).await;
            }
        };
        let locked = || TokenStoreError::Locked { place: self.backend.describe(&key), waited: patience };
        timeout(patience, attempts).await.unwrap_or_else(|_| Err(locked()))
    }

    /// Does `work` on a thread that may block.
    async fn call<T: Send + 'static>(
        &self,
        key: RecordKey,
        work: impl FnOnce(&Self, &RecordKey) -> Result<T, TokenStoreError> + Send + 'static,
    ) -> Result<T, TokenStoreError> {
        let place = self.backend.describe(&key);
        let store = self.clone();
        match timeout(DEADLINE, spawn_blocking(move || work(&store, &key))).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(TokenStoreError::Broken(place)),
            Err(_) => Err(TokenStoreError::Timeout { place }),
        }
    }

    fn read(&self, key: &RecordKey, bytes: Vec<u8>) -> Result<Record, TokenStoreError> {
        let plain = encryption::decrypt(self.encryption.as_deref(), key.as_str(), bytes)
            .map_err(|error| self.encryption_error(key, error))?;
        Record::from_json(&plain).map_err(|error| TokenStoreError::Record(self.backend.describe(key), error))
    }

    fn encryption_error(&self, key: &RecordKey, error: EncryptionError) -> TokenStoreError {
        TokenStoreError::Encryption(self.backend.describe(key), error)
    }

    fn retire(&self, server: &str) -> Result<(), TokenStoreError> {
        match &self.legacy {
            Some(folder) => Ok(legacy_import::retire(folder, server)?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
