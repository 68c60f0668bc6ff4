//! Processes whose parents have died become children of the gateway: of process 1 anyway, and elsewhere since it asks for
//! them. It reaps them, and kills those that a killed shim has left behind.
//!
//! Invariant: what tokio has started is left to tokio.

use std::time::Duration;

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
    living::{expect_orphans, living, orphans_expected, take_expectation},
    processes,
};

/// How long the ends of processes are gathered before anybody looks.
const GATHER: Duration = Duration::from_millis(50);

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
        if stat.is_zombie && !is_ours {
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
