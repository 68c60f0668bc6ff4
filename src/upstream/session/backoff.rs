//! When a session connects again: after waits that double, sooner if a caller waits, and never so often that a crashing
//! program keeps the machine busy.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A connection that held for this long was a good one: the waits start anew.
const SETTLED: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);

/// The times of a session's attempts to connect.
pub(super) struct Backoff {
    /// The next wait, before it is spread.
    wait: Duration,
    /// When the last attempt ended, well or not.
    ended: Instant,
    /// The attempts of the last minute; kept only if they are bounded.
    starts: VecDeque<Instant>,
    /// How many a minute may hold.
    most: Option<NonZeroU32>,
}

impl Backoff {
    /// `most` bounds how many attempts start within a minute.
    pub(super) fn new(most: Option<NonZeroU32>, now: Instant) -> Self {
        Self { wait: FIRST_WAIT, ended: now, starts: VecDeque::new(), most }
    }

    /// An attempt begins.
    pub(super) fn start(&mut self, now: Instant) {
        let Some(most) = self.most else { return };
        if self.starts.len() == most.get() as usize {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
    }

    /// The attempt has ended, well or not.
    pub(super) fn end(&mut self, now: Instant) {
        self.ended = now;
    }

    /// Starts again with the shortest wait.
    pub(super) fn reset(&mut self) {
        self.wait = FIRST_WAIT;
    }

    /// When the next attempt starts, unless a caller needs it sooner. Waits double, and are spread so that servers that
    /// fell together do not come back together.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        if now >= self.ended + SETTLED {
            self.reset();
        }
        let wait = self.wait.mul_f64(fastrand::f64().mul_add(0.4, 0.8));
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        (now + wait).max(self.soonest())
    }

    /// The soonest that a caller may have the next attempt.
    pub(super) fn soonest(&self) -> Instant {
        let rested = self.ended + FIRST_WAIT;
        let full = self.most.is_some_and(|most| self.starts.len() == most.get() as usize);
        match self.starts.front() {
            Some(first) if full => rested.max(*first + MINUTE),
            _ => rested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_start_anew() {
        let now = Instant::now();
        let mut backoff = Backoff::new(None, now);
        let mut expected = FIRST_WAIT;
        for _ in 0..10 {
            backoff.start(now);
            backoff.end(now);
            let wait = backoff.next(now) - now;
            assert!(wait >= FIRST_WAIT && wait >= expected.mul_f64(0.8), "{wait:?}");
            assert!(wait <= expected.mul_f64(1.2), "{wait:?}");
            expected = (expected * 2).min(LONGEST_WAIT);
        }
        let later = now + SETTLED;
        assert!(backoff.next(later) - later <= FIRST_WAIT.mul_f64(1.2));
    }

    #[test]
    fn a_minute_holds_no_more_attempts_than_allowed() {
        let first = Instant::now();
        let mut backoff = Backoff::new(NonZeroU32::new(2), first);
        let mut attempt = |after: u64| {
            let now = first + Duration::from_secs(after);
            backoff.start(now);
            backoff.end(now);
            (backoff.soonest() - first, backoff.next(now) - first)
        };
        assert_eq!(attempt(0).0, FIRST_WAIT);
        assert_eq!(attempt(10), (MINUTE, MINUTE));
        assert_eq!(attempt(61).0, Duration::from_secs(70));
        assert_eq!(attempt(180).0, Duration::from_secs(180) + FIRST_WAIT);
    }
}
