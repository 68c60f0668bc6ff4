//! Processes whose parents have died become children of the gateway: of process 1 anyway, and elsewhere since it asks for
//! them. It reaps them, and kills those that a killed shim has left behind.
//!
//! Invariant: what tokio has started is left to tokio.

use std::{thread, time::Duration};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::{Pid, getsid},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    living::{
        are_orphans_expected, expect_orphans, kill_programs, living, orphans_expected, take_expectation,
    },
    processes,
};

/// How long the ends of processes are gathered before anybody looks.
const GATHER: Duration = Duration::from_millis(50);

/// The process that all orphans of a container come to.
const INIT: Pid = Pid::from_raw(1);
/// How often those that are left at the end are looked for, and after which time again.
const MOST_LOOKS: u32 = 50;
const AGAIN: Duration = Duration::from_millis(20);

/// Reaps and kills orphans until `stop`.
pub async fn keep_sweeping(stop: CancellationToken) {
    if let Err(error) = prctl::set_child_subreaper(true) {
        warn!(%error, "processes that lose their parents cannot be kept");
    }
    let mut ends = match signal(SignalKind::child()) {
        Ok(ends) => ends,
        Err(error) => return warn!(%error, "processes that lose their parents are not reaped"),
    };
    loop {
        tokio::select! {
            _ = ends.recv() => {}
            () = orphans_expected() => {}
            () = stop.cancelled() => return,
        }
        sleep(GATHER).await;
        let _ = spawn_blocking(sweep).await;
    }
}

/// Kills every program at once, and lets none be started from now on: for a process that is about to end and waits for
/// none of its tasks.
pub fn kill_all() {
    for _ in 0..MOST_LOOKS {
        if !are_orphans_expected() {
            break;
        }
        sweep();
        // No task is left that another could be for.
        thread::sleep(AGAIN);
    }
    kill_programs();
}

fn sweep() {
    // Nothing is started meanwhile, so that each of our children is either known or an orphan.
    let living = living();
    let Some(shims) = living.as_ref() else { return };
    let own_session = getsid(None).ok();
    let (expected, mut left) = (take_expectation(), false);
    for stat in processes::all() {
        if stat.parent != Pid::this() || shims.contains_key(&stat.pid) {
            continue;
        }
        // Descendants of shims are of other sessions, and nobody can enter ours: what is in it was started by us, such as
        // a browser.
        let is_ours = Some(stat.session) == own_session;
        // Process 1 starts no browser, but has children of its own session that others have started.
        if stat.is_zombie && (!is_ours || Pid::this() == INIT) {
            let _ = waitpid(stat.pid, Some(WaitPidFlag::WNOHANG));
        } else if expected && !is_ours {
            let _ = kill(stat.pid, Signal::SIGKILL);
            left = true;
        }
    }
    if left {
        // Their children are ours next.
        expect_orphans();
    }
}
