//! A child process and its group: what `npx` and `uvx` start ends with them.
//!
//! Invariant: when a [`Group`] is gone, so is every process in it, however it went.

use std::{
    collections::BTreeSet,
    io,
    process::ExitStatus,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long what a child has written before its end may still trickle in.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a child may take after its stdin has closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// The groups that live; nothing once no more may be started.
static LIVING: Mutex<Option<BTreeSet<Pid>>> = Mutex::new(Some(BTreeSet::new()));

fn living() -> MutexGuard<'static, Option<BTreeSet<Pid>>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every group at once, and lets none be started from now on: for a process that is about to end and waits for
/// none of its tasks.
pub fn kill_groups() {
    for group in living().take().into_iter().flatten() {
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// A process group led by our child.
pub(super) struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    /// Starts `command` as the leader of a new group.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut living = living();
        let groups = living.as_mut().ok_or_else(|| io::Error::other("mcpo is ending"))?;
        let leader = command.process_group(0).spawn()?;
        let id = leader.id().and_then(|id| i32::try_from(id).ok()).ok_or(io::ErrorKind::NotFound)?;
        let id = Pid::from_raw(id);
        groups.insert(id);
        Ok(Self { leader, id })
    }

    pub(super) fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// Waits for the leader's own exit.
    pub(super) async fn exit(&mut self) -> io::Result<ExitStatus> {
        self.leader.wait().await
    }

    /// Ends the group: politely at first (its stdin must be closed by now), then SIGTERM, then SIGKILL.
    pub(super) async fn end(mut self) {
        let _ = timeout(GRACE, self.leader.wait()).await;
        if self.signal(Signal::SIGTERM) {
            self.gone_within(GRACE).await;
        }
        // What is left is killed by `drop`; the leader is reaped here.
        self.signal(Signal::SIGKILL);
        let _ = timeout(GRACE, self.leader.wait()).await;
    }

    /// Signals the whole group; returns false if no process is left in it.
    fn signal(&self, signal: Signal) -> bool {
        killpg(self.id, signal) != Err(Errno::ESRCH)
    }

    async fn gone_within(&mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            // Reaps the leader, which would count as a member for as long as it is a zombie.
            let _ = self.leader.try_wait();
            if killpg(self.id, None) == Err(Errno::ESRCH) {
                return;
            }
            // The system tells a parent of its children's exits only, not of its grandchildren's.
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(groups) = living().as_mut() {
            groups.remove(&self.id);
        }
    }
}
