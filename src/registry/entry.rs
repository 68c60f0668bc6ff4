//! One server in force, and the lease on its session.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::served::Served;
use crate::upstream::{CallError, Session, Status};

/// A configured server at one moment. Holding an entry keeps its session alive, and no other server's.
#[derive(Clone)]
pub struct Entry {
    session: Session,
    /// Ends the session when the last entry that leads to it is dropped.
    _lease: Arc<DropGuard>,
    /// The state of its session, as far as it is published.
    pub status: Status,
    /// When the state began.
    pub since: Timestamp,
    /// What it served when it was last connected.
    pub(super) served: Option<Arc<Served>>,
    /// What the server that it replaced served, until it serves something itself: its counts continue.
    pub(super) former: Option<Arc<Served>>,
}

impl Entry {
    /// An entry for a `session` that has just been started, and which `stop` ends.
    pub(super) fn new(session: Session, stop: CancellationToken) -> Self {
        let lease = Arc::new(stop.drop_guard());
        let (status, since) = (Status::Connecting, Timestamp::now());
        Self { session, _lease: lease, status, since, served: None, former: None }
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        &self.session().config().name
    }

    /// Its session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What it served when it was last connected; `None` if it never was.
    pub fn last_served(&self) -> Option<&Arc<Served>> {
        self.served.as_ref()
    }

    /// What the server serves.
    ///
    /// # Errors
    ///
    /// The reason why it was never connected.
    pub fn served(&self) -> Result<&Arc<Served>, CallError> {
        self.served.as_ref().ok_or_else(|| self.session().unavailable())
    }

    /// What it serves, or what the server that it replaced served.
    pub(super) fn latest(&self) -> Option<&Arc<Served>> {
        self.served.as_ref().or(self.former.as_ref())
    }

    /// Whether the first attempt to connect is under way, so that it pays to wait for it.
    pub fn is_starting(&self) -> bool {
        self.served.is_none() && matches!(self.status, Status::Connecting)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.status.listing().is_some()
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.status, Status::Ready(_))
    }
}
