//! Records that end with this process.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::backend::{Key, Lock, Store, StoreError};

/// Keeps records in memory.
#[derive(Default)]
pub(in crate::oauth) struct MemoryStore {
    records: Mutex<HashMap<Key, Vec<u8>>>,
    locks: Locks,
}

impl Store for MemoryStore {
    fn load(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(whole(&self.records).get(key).cloned())
    }

    fn save(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        whole(&self.records).insert(key.clone(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, key: &Key) -> Result<(), StoreError> {
        whole(&self.records).remove(key);
        Ok(())
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Lock>, StoreError> {
        Ok(self.locks.try_lock(key))
    }

    fn describe(&self, key: &Key) -> String {
        format!("memory, {}", key.as_str())
    }
}

/// Locks that hold within this process.
#[derive(Clone, Default)]
pub(in crate::oauth) struct Locks(Arc<Mutex<HashSet<Key>>>);

impl Locks {
    /// As [`Store::try_lock`].
    pub(in crate::oauth) fn try_lock(&self, key: &Key) -> Option<Lock> {
        whole(&self.0).insert(key.clone()).then(|| Lock::new(Held { locks: self.clone(), key: key.clone() }))
    }
}

/// Gives its lock back when dropped.
struct Held {
    locks: Locks,
    key: Key,
}

impl Drop for Held {
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
        let (one, other) = (Key::new("one", &url), Key::new("other", &url));
        let store = MemoryStore::default();
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
