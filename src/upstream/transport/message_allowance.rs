//! How much a server may send unasked: requests, notifications, answers that nobody waits for, and noise.
//!
//! Owner: the inbound messages of a connection. Invariant: what exceeds the allowance is waited for before more is read, so
//! that a flood costs a small share of one core, and its own server's speed.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The time that one message takes up: 2,000 a second.
const MESSAGE: Duration = Duration::from_micros(500);
/// The size that counts as a message more, in bytes: 2 MiB a second.
const SIZE: usize = 1 << 10;
/// How much may come at once: 50,000 messages.
const BURST: Duration = Duration::from_secs(25);
/// The longest wait. A ping that waits behind it is still answered in time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// An allowance that fills up with time: the "generic cell rate algorithm".
pub(super) struct MessageAllowance {
    start: Instant,
    /// Up to when all that came is paid for, in nanoseconds after the start.
    paid: AtomicU64,
}

impl MessageAllowance {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), paid: AtomicU64::new(0) }
    }

    /// Charges a message of this size.
    pub(super) fn charge(&self, bytes: usize) {
        let now = self.now();
        let cost = nanoseconds(MESSAGE) * (1 + bytes as u64 / SIZE as u64);
        let most = now + nanoseconds(BURST + LONGEST_WAIT);
        let _ = self.paid.fetch_update(Relaxed, Relaxed, |paid| Some((paid.max(now) + cost).min(most)));
    }

    /// How long to wait before more is read; `None` within the allowance.
    pub(super) fn wait(&self) -> Option<Duration> {
        let paid = self.paid.load(Relaxed);
        if paid == 0 {
            return None;
        }
        let wait = Duration::from_nanos(paid.saturating_sub(self.now())).saturating_sub(BURST);
        (!wait.is_zero()).then_some(wait)
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }
}

/// Enough for 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_a_flood_waits() {
        let allowance = MessageAllowance::new();
        for _ in 0..49_000 {
            allowance.charge(100);
        }
        assert_eq!(allowance.wait(), None);
        for _ in 0..60_000 {
            allowance.charge(100);
        }
        let wait = allowance.wait().expect("a wait");
        assert!(wait > Duration::from_millis(500) && wait <= LONGEST_WAIT, "{wait:?}");
    }

    #[test]
    fn size_counts_and_no_wait_is_endless() {
        let allowance = MessageAllowance::new();
        allowance.charge(40 << 20);
        assert_eq!(allowance.wait(), None);
        allowance.charge(1 << 30);
        let wait = allowance.wait().expect("a wait");
        assert!(wait > LONGEST_WAIT / 2 && wait <= LONGEST_WAIT, "{wait:?}");
    }
}
