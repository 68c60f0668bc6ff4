//! What is counted of one tool's calls: made with the server's offer, and living in it.
//!
//! Invariants: counting takes no lock and no memory; a call that has begun is counted once, however it ends.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::error::ApiError;
use crate::upstream::CallError;

/// The histogram's upper bounds, in seconds: from a tool that only computes to one that runs into its deadline.
pub(super) const BOUNDS: [f64; 15] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// How a call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    ToolError,
    Invalid,
    Unauthorized,
    Unavailable,
    NotSent,
    Lost,
    Deadline,
    InputRequired,
    RpcError,
    BadResult,
    Cancelled,
}

impl Outcome {
    /// All of them, in the order of their declaration.
    pub(super) const ALL: [Self; 12] = [
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
    pub(super) fn name(self) -> &'static str {
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

    /// What an answer amounts to.
    pub(super) fn of<T>(answer: &Result<T, ApiError>) -> Self {
        match answer {
            Ok(_) => Self::Ok,
            Err(ApiError::Tool(_)) => Self::ToolError,
            Err(ApiError::BadResult(_)) => Self::BadResult,
            Err(ApiError::Call(error)) => match error {
                CallError::Unavailable { .. } => Self::Unavailable,
                CallError::NotSent(_) | CallError::Refused(_) => Self::NotSent,
                CallError::Lost(_) | CallError::TooLarge(_) => Self::Lost,
                CallError::Deadline(_) => Self::Deadline,
                CallError::LoginNeeded(_) => Self::Unauthorized,
                CallError::InputRequired(_) => Self::InputRequired,
                CallError::Rpc(_) => Self::RpcError,
            },
            // The others are told of the request, before anything is sent.
            Err(_) => Self::Invalid,
        }
    }
}

/// The numbers of one tool.
#[derive(Debug, Default)]
pub(super) struct Meter {
    in_flight: AtomicU64,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    /// How many calls took this long, beyond the bound before; the last has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Meter {
    /// Counts a call that begins.
    pub(super) fn begin(&self) -> Running<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        Running { meter: self, since: Instant::now(), outcome: Outcome::Cancelled }
    }

    /// The calls that have begun and not ended.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// How many calls have ended so.
    pub(super) fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Relaxed)
    }

    /// How many calls have ended.
    pub(super) fn total(&self) -> u64 {
        Outcome::ALL.into_iter().map(|outcome| self.ended(outcome)).sum()
    }

    /// How many calls fell between each bound and the one before, the last without a bound.
    pub(super) fn buckets(&self) -> [u64; BOUNDS.len() + 1] {
        std::array::from_fn(|index| self.buckets[index].load(Relaxed))
    }

    /// The time that all calls took together.
    pub(super) fn time(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Relaxed))
    }

    fn end(&self, outcome: Outcome, took: Duration) {
        let seconds = took.as_secs_f64();
        self.buckets[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Relaxed);
        self.microseconds.fetch_add(took.as_micros().try_into().unwrap_or(u64::MAX), Relaxed);
        self.outcomes[outcome as usize].fetch_add(1, Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A call under way: cancelled, where it is dropped before it has ended.
pub(super) struct Running<'a> {
    meter: &'a Meter,
    since: Instant,
    outcome: Outcome,
}

impl Running<'_> {
    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.meter.end(self.outcome, self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_once_however_it_ends() {
        let meter = Meter::default();
        let (first, second) = (meter.begin(), meter.begin());
        assert_eq!((meter.in_flight(), meter.total()), (2, 0));
        first.end(Outcome::ToolError);
        drop(second);
        assert_eq!((meter.in_flight(), meter.total()), (0, 2));
        assert_eq!((meter.ended(Outcome::ToolError), meter.ended(Outcome::Cancelled)), (1, 1));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let meter = Meter::default();
        for millis in [0, 5, 6, 300_000, 300_001] {
            meter.end(Outcome::Ok, Duration::from_millis(millis));
        }
        let buckets = meter.buckets();
        assert_eq!((buckets[0], buckets[1], buckets[14], buckets[15]), (2, 1, 1, 1));
        assert_eq!(meter.time(), Duration::from_millis(600_012));
    }

    #[test]
    fn outcomes_stand_where_they_are_counted() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "{}", outcome.name());
        }
    }
}
