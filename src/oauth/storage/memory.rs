//! Records that end with this process.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::backend::{BackendError, Lock, RecordKey, StorageBackend};

/// Keeps records in memory.
#[derive(Default)]
pub(crate) struct MemoryBackend {
    records: Mutex<HashMap<RecordKey, Vec<u8>>>,
    locks: Locks,
}

impl StorageBackend for MemoryBackend {
    fn load(&self, key: &RecordKey) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(whole(&self.records).get(key).cloned())
    }

    fn save(&self, key: &RecordKey, bytes: &[u8]) -> Result<(), BackendError> {
        whole(&self.records).insert(key.clone(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, key: &RecordKey) -> Result<(), BackendError> {
        whole(&self.records).remove(key);
        Ok(())
    }

    fn try_lock(&self, key: &RecordKey) -> Result<Option<Lock>, BackendError> {
        Ok(self.locks.try_lock(key))
    }

    fn describe(&self, key: &RecordKey) -> String {
        format!("memory, {}", key.as_str())
    }
}

/// Locks that hold within this process.
#[derive(Clone, Default)]
pub(crate) struct Locks(Arc<Mutex<HashSet<RecordKey>>>);

impl Locks {
    /// As [`StorageBackend::try_lock`].
    pub(crate) fn try_lock(&self, key: &RecordKey) -> Option<Lock> {
        whole(&self.0)
            .insert(key.clone())
            .then(|| Lock::new(LockedKey { locks: self.clone(), key: key.clone() }))
    }
}

/// Gives its lock back when dropped.
struct LockedKey {
    locks: Locks,
    key: RecordKey,
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        whole(&self.locks.0).remove(&self.key);
    }
}

/// No code panics while it holds one of these, so a poisoned one is still whole.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn keeps_forgets_and_locks_by_key() {
        let url = Url::parse("https://h/").unwrap();
        let (one, other) = (RecordKey::new("one", &url), RecordKey::new("other", &url));
        let store = MemoryBackend::default();
        store.save(&one, b"first").unwrap();
        store.save(&one, b"second").unwrap();
        assert_eq!(store.load(&one).unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(store.load(&other).unwrap(), None);
        store.remove(&one).unwrap();
        assert_eq!(store.load(&one).unwrap(), None);

        let lock = store.try_lock(&one).unwrap().expect("nobody has it");
        assert!(store.try_lock(&one).unwrap().is_none());
        assert!(store.try_lock(&other).unwrap().is_some());
        drop(lock);
        assert!(store.try_lock(&one).unwrap().is_some());
    }
}
