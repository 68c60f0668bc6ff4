//! Whether opening a session anew helps.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::upstream::protocol::error::CallError;

/// How many new sessions in a row have refused what the former one had refused. The server means it then, and new
/// sessions are made less often.
#[derive(Default)]
pub(super) struct Renewals {
    fruitless: AtomicU32,
}

impl Renewals {
    const SHORTEST: Duration = Duration::from_secs(2);
    /// 2 s doubled so often are a minute.
    const MOST_DOUBLINGS: u32 = 5;

    /// Takes the outcome of a call that was sent again in a new session.
    pub(super) fn note<T>(&self, outcome: &Result<T, CallError>) {
        match outcome {
            Err(CallError::Refused(_) | CallError::Lost(_)) => {
                self.fruitless.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => self.fruitless.store(0, Ordering::Relaxed),
        }
    }

    /// For how long a new session is not doubted.
    pub(super) fn patience(&self) -> Duration {
        Self::SHORTEST * (1 << self.fruitless.load(Ordering::Relaxed).min(Self::MOST_DOUBLINGS))
    }

    /// The same, but zero while new sessions help.
    pub(super) fn fruitless_patience(&self) -> Duration {
        if self.fruitless.load(Ordering::Relaxed) == 0 { Duration::ZERO } else { self.patience() }
    }
}
