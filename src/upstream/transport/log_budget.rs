//! How much of what a server says, without being asked, goes into the log: its stderr, and output that is no message.
//!
//! Invariant: one connection of a server has at most [`BURST`] lines at once, and then [`LINES`] lines and [`BYTES`] a
//! second, logged. The rest is dropped and counted, and the log tells that once in a while.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

use crate::bounds::Bound;

/// How many lines and bytes a second are logged.
const LINES: f64 = 200.0;
const BYTES: f64 = 65_536.0;
/// For how many seconds' worth a server may save up, for what programs write when they start or fail.
const BURST: f64 = 5.0;
/// How long nothing is logged once the budget is spent, so that some lines in a row are, rather than one here and there.
const MUTE: Duration = Duration::from_secs(1);
/// The shortest time between two lines that tell of dropped ones.
const TOLD: Duration = Duration::from_secs(10);

/// The budget of one connection.
pub(super) struct LogBudget(Mutex<Budget>);

struct Budget {
    lines: f64,
    bytes: f64,
    /// When the two were right.
    at: Instant,
    muted: Option<Instant>,
    dropped: u64,
    told: Option<Instant>,
}

impl LogBudget {
    pub(super) fn new() -> Self {
        let (lines, bytes) = (LINES * BURST, BYTES * BURST);
        Self(Mutex::new(Budget { lines, bytes, at: Instant::now(), muted: None, dropped: 0, told: None }))
    }

    /// Whether a line of so many bytes may be logged for `server`. If it may not, it counts as dropped.
    pub(super) fn admits(&self, server: &str, bytes: usize) -> bool {
        let (admitted, dropped) = self.budget().spend(Instant::now(), bytes);
        tell(server, dropped);
        admitted
    }

    /// Counts lines that were passed over.
    pub(super) fn drop_lines(&self, lines: u64) {
        self.budget().drop_lines(lines);
    }

    /// How long nothing is logged from now on, once the budget is spent.
    pub(super) fn muted(&self) -> Option<Instant> {
        self.budget().muted
    }

    /// Tells of what was dropped last.
    pub(super) fn end(&self, server: &str) {
        let dropped = mem::take(&mut self.budget().dropped);
        tell(server, dropped);
    }

    /// No code panics while it holds the lock, so the numbers are whole even if the lock is poisoned.
    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budget {
    /// Whether a line is admitted, and how many dropped ones are to be told of.
    fn spend(&mut self, now: Instant, bytes: usize) -> (bool, u64) {
        if self.take(now, bytes) {
            (true, self.due(now))
        } else {
            self.drop_lines(1);
            (false, 0)
        }
    }

    fn take(&mut self, now: Instant, bytes: usize) -> bool {
        if self.muted.is_some_and(|end| now < end) {
            return false;
        }
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.lines = (self.lines + passed * LINES).min(LINES * BURST);
        self.bytes = (self.bytes + passed * BYTES).min(BYTES * BURST);
        (self.at, self.muted) = (now, None);
        #[expect(clippy::cast_precision_loss, reason = "a line is short")]
        let (lines, bytes) = (self.lines - 1.0, self.bytes - bytes as f64);
        if lines < 0.0 || bytes < 0.0 {
            self.muted = Some(now + MUTE);
            return false;
        }
        (self.lines, self.bytes) = (lines, bytes);
        true
    }

    fn drop_lines(&mut self, lines: u64) {
        Bound::ServerLog.hit();
        self.dropped += lines;
    }

    /// How many dropped lines are to be told now.
    fn due(&mut self, now: Instant) -> u64 {
        if self.dropped == 0 || self.told.is_some_and(|told| now < told + TOLD) {
            return 0;
        }
        self.told = Some(now);
        mem::take(&mut self.dropped)
    }
}

fn tell(server: &str, dropped: u64) {
    if dropped > 0 {
        warn!(
            server,
            lines = dropped,
            "lines of the server are not logged: it writes more than {LINES} lines or 64 KiB a second"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_logged_at_a_rate_and_counted() {
        let budget = LogBudget::new();
        let mut budget = budget.budget();
        let mut now = budget.at;
        let flood = |budget: &mut Budget, now, bytes| {
            let spent: Vec<_> = (0..100_000).map(|_| budget.spend(now, bytes)).collect();
            let admitted = spent.iter().filter(|(admitted, _)| *admitted).count();
            (admitted, spent.iter().map(|(_, dropped)| dropped).sum::<u64>())
        };
        assert_eq!(flood(&mut budget, now, 1), (1000, 0), "the burst");
        now += MUTE;
        assert_eq!(flood(&mut budget, now, 1), (200, 99_000));
        now += MUTE;
        assert_eq!(flood(&mut budget, now, 1), (200, 0), "it was told a second ago");
        now += MUTE * 3600;
        assert_eq!(flood(&mut budget, now, 4096), (80, 199_600), "bytes count as well");
        assert_eq!((budget.dropped, budget.muted), (99_920, Some(now + MUTE)));
    }

    #[test]
    fn who_writes_little_loses_nothing() {
        let budget = LogBudget::new();
        let mut budget = budget.budget();
        let start = budget.at;
        for line in 0..10_000 {
            assert_eq!(budget.spend(start + Duration::from_millis(5) * line, 100), (true, 0));
        }
    }
}
