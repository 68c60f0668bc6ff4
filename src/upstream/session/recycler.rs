//! Starts a program anew although nothing is wrong with it: it was idle for long, or has become old.
//!
//! Invariant: no call is interrupted. A connection that is chosen takes no further request, and what comes meanwhile waits
//! for the next one.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::connection::handle::ConnectionHandle;
use crate::config::{Recycling, Upstream};

/// How long a request that is no call, such as a ping, is given to end before the next look.
const SHORTLY: Duration = Duration::from_millis(100);

/// The calls of a program, and when it is started anew.
pub(super) struct Recycler {
    rules: Recycling,
    activity: Mutex<Activity>,
    /// Notified when no call is under way any more.
    quiet: Notify,
}

struct Activity {
    calls: usize,
    /// When the last call began or ended; `None` if the program that runs has had none.
    last: Option<Instant>,
}

/// A call under way.
pub(super) struct InUse<'a>(&'a Recycler);

impl Recycler {
    /// `None` for a server that is never started anew.
    pub(super) fn new(upstream: &Upstream) -> Option<Self> {
        let Upstream::Stdio(stdio) = upstream else { return None };
        let rules = stdio.recycling;
        (rules != Recycling::default()).then(|| Self {
            rules,
            activity: Mutex::new(Activity { calls: 0, last: None }),
            quiet: Notify::new(),
        })
    }

    /// A call begins; it ends when the guard is dropped.
    pub(super) fn enter(&self) -> InUse<'_> {
        let mut activity = self.lock();
        activity.calls += 1;
        activity.last = Some(Instant::now());
        InUse(self)
    }

    /// Resolves with the reason once the program behind `handle`, which has just started, is to be started anew, but not
    /// before `soonest`. From then on `handle` takes no request.
    pub(super) async fn due(&self, handle: &ConnectionHandle, soonest: Instant) -> &'static str {
        let started = Instant::now();
        self.lock().last = None;
        loop {
            let Some((time, reason)) = self.next(started) else {
                // Only a call can make it idle.
                self.quiet.notified().await;
                continue;
            };
            sleep_until(time.max(soonest)).await;
            while self.lock().calls > 0 {
                self.quiet.notified().await;
            }
            if self.next(started).is_none_or(|(time, _)| time > Instant::now()) {
                continue;
            }
            if handle.retire_now() {
                return reason;
            }
            sleep_until(Instant::now() + SHORTLY).await;
        }
    }

    /// When it is to be started anew, as things are, and why.
    fn next(&self, started: Instant) -> Option<(Instant, &'static str)> {
        let idle =
            self.rules.idle.and_then(|idle| Some((self.lock().last? + idle, "it was idle for maxIdle")));
        let age = self.rules.age.map(|age| (started + age, "it has reached maxAge"));
        idle.into_iter().chain(age).min_by_key(|(time, _)| *time)
    }

    fn lock(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let mut activity = self.0.lock();
        activity.calls -= 1;
        activity.last = Some(Instant::now());
        if activity.calls == 0 {
            self.0.quiet.notify_one();
        }
    }
}
