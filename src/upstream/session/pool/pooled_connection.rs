//! One connection of one identity, as its callers see it: opening, open, failed or ended.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    excerpt::sentence,
    upstream::{
        protocol::error::{CallError, ConnectError, TransportError},
        session::connection::handle::ConnectionHandle,
    },
};

/// How long a failed attempt answers the calls that follow it.
pub(crate) const RETRY: Duration = Duration::from_millis(500);

/// One connection of one identity.
pub(crate) struct PooledConnection {
    pub(crate) state: watch::Sender<PooledState>,
    usage: Mutex<Usage>,
    pub(crate) stop: CancellationToken,
}

pub(crate) enum PooledState {
    Opening,
    Open(Arc<ConnectionHandle>),
    Failed(ConnectError),
    Ended,
}

struct Usage {
    calls: usize,
    /// When the last of them began or ended.
    last: Instant,
}

/// The right to use a connection: it is not closed for being idle.
pub(crate) struct Lease(pub(crate) Arc<PooledConnection>);

impl PooledConnection {
    pub(super) fn new(stop: CancellationToken) -> Self {
        let usage = Mutex::new(Usage { calls: 0, last: Instant::now() });
        Self { state: watch::Sender::new(PooledState::Opening), usage, stop }
    }

    /// Waits for the connection.
    pub(crate) async fn settled(&self) -> Result<Arc<ConnectionHandle>, CallError> {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| !matches!(state, PooledState::Opening)).await.as_deref() {
            Ok(PooledState::Open(handle)) => Ok(handle.clone()),
            Ok(PooledState::Failed(error)) => Err(refusal(error)),
            Ok(PooledState::Opening | PooledState::Ended) | Err(_) => {
                Err(unavailable("the connection has just ended"))
            }
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        match &*self.state.borrow() {
            PooledState::Open(handle) => handle.inbound.is_open(),
            PooledState::Opening | PooledState::Failed(_) => true,
            PooledState::Ended => false,
        }
    }

    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        self.use_by(|calls| calls + 1);
        Lease(self.clone())
    }

    /// Since when it is unused; `None` while it is in use.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        (usage.calls == 0).then_some(usage.last)
    }

    fn use_by(&self, change: impl FnOnce(usize) -> usize) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        *usage = Usage { calls: change(usage.calls), last: Instant::now() };
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.use_by(|calls| calls - 1);
    }
}

/// There is no connection now.
pub(crate) fn unavailable(reason: impl Into<String>) -> CallError {
    CallError::Unavailable { reason: reason.into(), retry_after: RETRY }
}

/// Why a caller has no connection. Only what the server says about this very caller is permanent.
fn refusal(error: &ConnectError) -> CallError {
    match error {
        ConnectError::Transport(
            TransportError::CallerUnauthorized | TransportError::Refused { status: 400..=499, .. },
        ) => CallError::Refused(sentence(error)),
        _ => match error.login_needed() {
            Some(login) => CallError::LoginNeeded(Box::new(login.clone())),
            None => unavailable(sentence(error)),
        },
    }
}
