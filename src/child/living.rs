//! The shims that live, and whether one was killed.
//!
//! Owner: the process. Nothing is started while the lock is held, so that each child of ours is either known or an orphan.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::Notify;

/// Each shim, and whether it keeps its program already; nothing once no more may be started.
static LIVING: Mutex<Option<Shims>> = Mutex::new(Some(BTreeMap::new()));

type Shims = BTreeMap<Pid, bool>;

/// Whether a shim was killed, so that what it kept may be among our children.
static ORPHANED: AtomicBool = AtomicBool::new(false);
static LOOK: Notify = Notify::const_new();

/// The shims that live.
pub(super) fn living() -> MutexGuard<'static, Option<Shims>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a shim kill its program. One that does not keep it yet would die itself: it ends the program when its pipe ends.
pub(super) fn kill_through(shim: Pid, keeps: bool) {
    if keeps {
        let _ = kill(shim, Signal::SIGTERM);
    }
}

/// Kills every program at once, and lets none be started from now on.
pub(super) fn kill_programs() {
    for (shim, keeps) in living().take().into_iter().flatten() {
        kill_through(shim, keeps);
    }
}

/// A shim was killed: children of ours that we do not know are killed, until none is left.
pub(super) fn expect_orphans() {
    ORPHANED.store(true, Relaxed);
    LOOK.notify_one();
}

/// Resolves when orphans are expected.
pub(super) async fn orphans_expected() {
    LOOK.notified().await;
}

/// Whether orphans are expected.
pub(super) fn are_orphans_expected() -> bool {
    ORPHANED.load(Relaxed)
}

/// The same; asked once for each time that they are.
pub(super) fn take_expectation() -> bool {
    ORPHANED.swap(false, Relaxed)
}
