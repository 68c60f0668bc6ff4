//! The metrics of one tool.
//!
//! Invariants: counting takes no lock and no allocation; a call that has begun is counted once, however it ends.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The upper bounds of the histogram's buckets, in seconds.
pub const BOUNDS: [f64; 15] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// With a result.
    Ok,
    /// With an error of the tool's own.
    ToolError,
    /// The request was refused before anything was sent.
    Invalid,
    /// The server needs a login.
    Unauthorized,
    /// The server is not connected.
    Unavailable,
    /// The call was never sent, or the server refused it.
    NotSent,
    /// The connection ended under the call, which may have run.
    Lost,
    /// The deadline passed.
    Deadline,
    /// The server asked for input that a gateway cannot give.
    InputRequired,
    /// With a JSON-RPC error.
    RpcError,
    /// With a result that cannot be read.
    BadResult,
    /// The caller hung up.
    Cancelled,
}

impl CallOutcome {
    /// All outcomes, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::ToolError,
        Self::Invalid,
        Self::Unauthorized,
        Self::Unavailable,
        Self::NotSent,
        Self::Lost,
        Self::Deadline,
        Self::InputRequired,
        Self::RpcError,
        Self::BadResult,
        Self::Cancelled,
    ];

    /// Its name as a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Invalid => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "unavailable",
            Self::NotSent => "not_sent",
            Self::Lost => "lost",
            Self::Deadline => "deadline",
            Self::InputRequired => "input_required",
            Self::RpcError => "rpc_error",
            Self::BadResult => "bad_result",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Counts the calls of one tool.
#[derive(Debug, Default)]
pub struct ToolMetrics {
    in_flight: AtomicU64,
    outcomes: [AtomicU64; CallOutcome::ALL.len()],
    /// How many calls fell between each bound and the one before; the last bucket has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl ToolMetrics {
    /// Counts a call that begins. It counts as cancelled if the timer is dropped before it is ended.
    pub fn begin(&self) -> CallTimer<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        CallTimer { metrics: self, since: Instant::now(), outcome: CallOutcome::Cancelled }
    }

    /// How many calls are under way.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// How many calls ended with this outcome.
    pub fn ended(&self, outcome: CallOutcome) -> u64 {
        self.outcomes[outcome as usize].load(Relaxed)
    }

    /// How many calls have ended.
    pub fn total(&self) -> u64 {
        CallOutcome::ALL.into_iter().map(|outcome| self.ended(outcome)).sum()
    }

    /// How many calls fell between each bound and the one before, the last without a bound.
    pub fn buckets(&self) -> [u64; BOUNDS.len() + 1] {
        std::array::from_fn(|index| self.buckets[index].load(Relaxed))
    }

    /// The time that all calls took together.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Relaxed))
    }

    fn end(&self, outcome: CallOutcome, took: Duration) {
        let seconds = took.as_secs_f64();
        self.buckets[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Relaxed);
        self.microseconds.fetch_add(took.as_micros().try_into().unwrap_or(u64::MAX), Relaxed);
        self.outcomes[outcome as usize].fetch_add(1, Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A call under way.
pub struct CallTimer<'a> {
    metrics: &'a ToolMetrics,
    since: Instant,
    outcome: CallOutcome,
}

impl CallTimer<'_> {
    /// Ends the call.
    pub fn end(mut self, outcome: CallOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for CallTimer<'_> {
    fn drop(&mut self) {
        self.metrics.end(self.outcome, self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_once_however_it_ends() {
        let metrics = ToolMetrics::default();
        let (first, second) = (metrics.begin(), metrics.begin());
        assert_eq!((metrics.in_flight(), metrics.total()), (2, 0));
        first.end(CallOutcome::ToolError);
        drop(second);
        assert_eq!((metrics.in_flight(), metrics.total()), (0, 2));
        assert_eq!((metrics.ended(CallOutcome::ToolError), metrics.ended(CallOutcome::Cancelled)), (1, 1));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let metrics = ToolMetrics::default();
        for millis in [0, 5, 6, 300_000, 300_001] {
            metrics.end(CallOutcome::Ok, Duration::from_millis(millis));
        }
        let buckets = metrics.buckets();
        assert_eq!((buckets[0], buckets[1], buckets[14], buckets[15]), (2, 1, 1, 1));
        assert_eq!(metrics.time(), Duration::from_millis(600_012));
    }

    #[test]
    fn outcomes_stand_where_they_are_counted() {
        for (index, outcome) in CallOutcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "{}", outcome.name());
        }
    }
}
