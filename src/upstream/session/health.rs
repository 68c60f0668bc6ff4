//! Whether calls succeed. A session may be connected while its calls fail one after another.
//!
//! Invariant: a call that succeeds, or that the server itself has answered, ends the trouble.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::watch;

use crate::{excerpt::sentence, upstream::protocol::error::CallError};

/// So many failures in a row are reported.
const TROUBLE: u32 = 3;

/// The outcome of a session's last calls.
pub(super) struct Health {
    failures: AtomicU32,
    /// Why the last call failed, while one after another does.
    trouble: watch::Sender<Option<String>>,
}

impl Default for Health {
    fn default() -> Self {
        Self { failures: AtomicU32::new(0), trouble: watch::Sender::new(None) }
    }
}

impl Health {
    /// Takes the outcome of a call.
    pub(super) fn note<T>(&self, outcome: &Result<T, CallError>) {
        let error = match outcome {
            // The session has done its part, or had none in it.
            Ok(_) | Err(CallError::Rpc(_) | CallError::InputRequired(_) | CallError::TooLarge(_)) => {
                if self.failures.load(Ordering::Relaxed) > 0 {
                    self.reset();
                }
                return;
            }
            Err(CallError::Unavailable { .. } | CallError::LoginNeeded(_)) => return,
            Err(error) => error,
        };
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= TROUBLE {
            let reason = sentence(format_args!("one call after another fails: {error}"));
            self.trouble.send_if_modified(|trouble| trouble.replace(reason).is_none());
        }
    }

    /// Forgets the failures: they say nothing about a new connection.
    pub(super) fn reset(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.trouble.send_if_modified(|trouble| trouble.take().is_some());
    }

    /// Why calls fail, as it changes.
    pub(super) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_are_trouble_and_an_answer_ends_it() {
        let health = Health::default();
        let trouble = health.trouble();
        let lost = || Err::<(), _>(CallError::Lost("gone".into()));
        for _ in 1..TROUBLE {
            health.note(&lost());
        }
        assert_eq!(*trouble.borrow(), None);
        health.note(&lost());
        assert_eq!(
            trouble.borrow().as_deref(),
            Some("one call after another fails: no answer came back, the tool may have run: gone")
        );
        health.note(&Ok(()));
        assert_eq!(*trouble.borrow(), None);
    }
}
