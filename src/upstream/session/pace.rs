//! The pace at which a server's changed tools are listed anew: at once, unless the server announces changes faster than
//! it is worth listing them.
//!
//! Invariant: a change is listed after at most [`LONGEST`].

use std::time::Duration;

use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// When tools were listed, and may be again.
pub(super) struct Pace {
    last: Option<Instant>,
    /// How long after the last list the next one may follow.
    wait: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { last: None, wait: SHORTEST }
    }

    /// When the tools are to be listed for a change that was announced `now`. A server that comes too early waits longer
    /// the next time, one that does not waits less.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let earliest = self.last.map_or(now, |last| last + self.wait);
        let next = if now < earliest {
            self.wait = (self.wait * 2).min(LONGEST);
            earliest
        } else {
            self.wait = (self.wait / 2).max(SHORTEST);
            now
        };
        self.last = Some(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_paced_and_a_single_change_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new();
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let next = pace.next(now);
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 30, 30]);
        for _ in 0..5 {
            now += LONGEST;
            assert_eq!(pace.next(now), now);
        }
        assert_eq!(pace.next(now), now + SHORTEST, "a quiet server is trusted again");
    }
}
