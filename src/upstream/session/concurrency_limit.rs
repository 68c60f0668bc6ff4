//! How many calls of one server run at once, and how many more wait for their turn.

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, Instant, timeout_at},
};

use crate::{config::Bounds, upstream::protocol::error::CallError};

/// When a call that found no room may come again.
const RETRY: Duration = Duration::from_secs(1);

/// Lets calls in, in their order.
pub(super) struct ConcurrencyLimit {
    bounds: Bounds,
    running: Semaphore,
    /// Places to wait in.
    waiting: Semaphore,
}

impl ConcurrencyLimit {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let [running, waiting] =
            [bounds.concurrent.get(), bounds.queued].map(|count| Semaphore::new(count as usize));
        Self { bounds: *bounds, running, waiting }
    }

    /// How many calls run now.
    pub(super) fn running(&self) -> usize {
        (self.bounds.concurrent.get() as usize).saturating_sub(self.running.available_permits())
    }

    /// How many calls wait for their turn now.
    pub(super) fn queued(&self) -> usize {
        (self.bounds.queued as usize).saturating_sub(self.waiting.available_permits())
    }

    /// The right to run until it is dropped.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, CallError> {
        if let Ok(permit) = self.running.try_acquire() {
            return Ok(permit);
        }
        let busy = |reason: &str| CallError::Unavailable { reason: reason.to_owned(), retry_after: RETRY };
        let _place = self.waiting.try_acquire().map_err(|_| busy("too many calls wait for the server"))?;
        match timeout_at(deadline, self.running.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(busy("the calls before this one took too long")),
        }
    }
}
