//! Records in the system's keyring: Keychain Services on macOS, the Secret Service elsewhere.
//!
//! A keyring has no locks. The token folder's lock files stand in, which hold against all processes that share that
//! folder; without such a folder, a lock holds within this process only.
//!
//! Invariant: no call takes longer than [`DEADLINE`].

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use keyring::{Entry, Error};
use tracing::warn;

use super::{
    backend::{BackendError, Lock, RecordKey, StorageBackend},
    file::FileBackend,
    memory::Locks,
};

/// How long the keyring may take: it may ask a person to unlock it, or never answer at all.
const DEADLINE: Duration = Duration::from_secs(5);
/// The name under which entries are listed.
const SERVICE: &str = "mcpo";
const PLACE: &str = "the system's keyring";

/// Keeps records in the keyring.
pub(crate) struct KeyringBackend {
    turns: Turns,
    lock_files: Option<FileBackend>,
    locks: Locks,
}

impl KeyringBackend {
    /// Looks whether there is a keyring. Lock files go to `folder`.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, BackendError> {
        let turns = Turns::default();
        let status = || Entry::store_status().as_ref().map_err(ToString::to_string).copied();
        turns.run(DEADLINE, status).and_then(|found| found.map_err(|error| unusable(&error)))?;
        let lock_files = folder.and_then(|folder| {
            FileBackend::open(folder)
                .inspect_err(|error| warn!("{error}; do not start mcpo twice with this keyring until then"))
                .ok()
        });
        Ok(Self { turns, lock_files, locks: Locks::default() })
    }

    /// Calls `call` with the entry for `key`; `None` if there is no such entry.
    fn with_entry<T: Send + 'static>(
        &self,
        key: &RecordKey,
        call: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, BackendError> {
        let name = key.as_str().to_owned();
        match self.turns.run(DEADLINE, move || call(&Entry::new(SERVICE, &name)?))? {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(unusable(&error.to_string())),
        }
    }
}

impl StorageBackend for KeyringBackend {
    fn load(&self, key: &RecordKey) -> Result<Option<Vec<u8>>, BackendError> {
        self.with_entry(key, Entry::get_secret)
    }

    fn save(&self, key: &RecordKey, bytes: &[u8]) -> Result<(), BackendError> {
        let bytes = bytes.to_vec();
        self.with_entry(key, move |entry| entry.set_secret(&bytes)).map(|_| ())
    }

    fn remove(&self, key: &RecordKey) -> Result<(), BackendError> {
        self.with_entry(key, Entry::delete_credential).map(|_| ())
    }

    fn try_lock(&self, key: &RecordKey) -> Result<Option<Lock>, BackendError> {
        match &self.lock_files {
            Some(files) => files.try_lock(key),
            None => Ok(self.locks.try_lock(key)),
        }
    }

    fn describe(&self, key: &RecordKey) -> String {
        format!("{PLACE}, entry {} of {SERVICE}", key.as_str())
    }
}

fn unusable(reason: &str) -> BackendError {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let advice = "start and unlock it (GNOME Keyring, KWallet) and start mcpo again, or set \"storage_type\" to \"file\"";
    BackendError::at(PLACE, format_args!("cannot be used ({reason}); {advice}"))
}

/// Lets calls in one at a time, each on a thread of its own: a call that blocks cannot be taken back, only left
/// behind, and then it is the only one.
#[derive(Clone, Default)]
struct Turns(Arc<(Mutex<bool>, Condvar)>);

impl Turns {
    /// What `call` gives. After an error it may still be running.
    fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let end = Instant::now() + deadline;
        let silent = || {
            let message =
                format_args!("no answer within {} s; unlock it and try again", deadline.as_secs_f32());
            BackendError::at(PLACE, message)
        };
        let turn = self.take(deadline).ok_or_else(silent)?;
        let (sender, answer) = sync_channel(1);
        let work = move || {
            let _turn = turn;
            // The caller may have stopped waiting.
            let _ = sender.send(call());
        };
        thread::Builder::new()
            .name(SERVICE.into())
            .spawn(work)
            .map_err(|error| unusable(&error.to_string()))?;
        answer.recv_timeout(end.saturating_duration_since(Instant::now())).map_err(|error| match error {
            RecvTimeoutError::Timeout => silent(),
            RecvTimeoutError::Disconnected => unusable("the call was broken off"),
        })
    }

    fn take(&self, deadline: Duration) -> Option<Turn> {
        let (taken, given_back) = &*self.0;
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = given_back
            .wait_timeout_while(taken, deadline, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        (!std::mem::replace(&mut *taken, true)).then(|| Turn(self.clone()))
    }
}

/// The right to call; given back when dropped.
struct Turn(Turns);

impl Drop for Turn {
    fn drop(&mut self) {
        let (taken, given_back) = &*self.0.0;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use url::Url;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_silent_keyring_is_left_behind_and_blocks_nobody_for_long() {
        let turns = Turns::default();
        let (release, released) = channel::<()>();
        let blocked = turns.run(SHORT, move || released.recv()).unwrap_err().to_string();
        assert_eq!(blocked, "the system's keyring: no answer within 0.02 s; unlock it and try again");
        assert!(turns.run(SHORT, || ()).is_err(), "a second call beside one that blocks");
        drop(release);
        assert_eq!(turns.run(LONG, || 7).unwrap(), 7);
    }

    #[test]
    fn a_call_that_panics_is_an_error_and_gives_its_turn_back() {
        let turns = Turns::default();
        let error = turns.run(LONG, || panic!("from the keyring's library")).unwrap_err();
        assert!(error.to_string().contains("broken off"), "{error}");
        assert_eq!(turns.run(LONG, || 7).unwrap(), 7);
    }

    #[test]
    fn locks_hold_across_stores_that_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let key = RecordKey::new("one", &Url::parse("https://h/").unwrap());
        let store =
            |lock_files| KeyringBackend { turns: Turns::default(), lock_files, locks: Locks::default() };
        let shared = || store(Some(FileBackend::open(folder.path()).unwrap()));
        let lock = shared().try_lock(&key).unwrap();
        assert!(lock.is_some() && shared().try_lock(&key).unwrap().is_none());
        let alone = store(None);
        let lock = alone.try_lock(&key).unwrap();
        assert!(lock.is_some() && alone.try_lock(&key).unwrap().is_none());
    }
}
