//! The one watch on a session: logs its states, builds what it serves, and publishes both.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use tracing::{error, info, warn};

use super::{current::Registry, served::Served};
use crate::upstream::{Listing, Session, Status, ToolDefinition};

/// The tools of a server could not be documented.
struct Undocumented;

/// Watches one session.
pub(super) struct SessionWatch {
    registry: Arc<Registry>,
    session: Session,
    statuses: watch::Receiver<Status>,
    /// The page of the server, for the log.
    page: String,
    /// The tools that were built last.
    known: Option<Arc<Listing>>,
    was_connected: bool,
}

impl SessionWatch {
    /// Watches `session` from its current status on.
    pub(super) fn new(registry: Arc<Registry>, session: Session, page: String) -> Self {
        let mut statuses = session.status();
        statuses.mark_changed();
        Self { registry, session, statuses, page, known: None, was_connected: false }
    }

    /// Publishes each status until the session ends.
    pub(super) async fn run(mut self) {
        while self.statuses.changed().await.is_ok() {
            let status = self.statuses.borrow_and_update().clone();
            self.log(&status);
            if let Ok(served) = self.serve(&status).await {
                self.registry.publish(&self.session, &status, served.as_ref());
            }
            if matches!(status, Status::Stopped) {
                return;
            }
        }
    }

    /// Waits until the first attempt to connect has ended, but no longer than `limit`. Returns the status and what the
    /// server serves, and publishes nothing.
    pub(super) async fn first_attempt(&mut self, limit: Duration) -> (Status, Option<Arc<Served>>) {
        self.log(&Status::Connecting);
        let ended = self.statuses.wait_for(|status| !matches!(status, Status::Connecting));
        let ended = timeout(limit, ended).await.ok().and_then(|status| Some(status.ok()?.clone()));
        let Some(status) = ended else { return (Status::Connecting, None) };
        self.log(&status);
        match self.serve(&status).await {
            Ok(served) => (status, served),
            Err(Undocumented) => (Status::Connecting, None),
        }
    }

    /// Builds what the server serves, off the HTTP workers; `None` if its tools are known, as after
    /// most reconnects, or it is not connected.
    async fn serve(&mut self, status: &Status) -> Result<Option<Arc<Served>>, Undocumented> {
        let same =
            |known: &Arc<Listing>, listing: &Arc<Listing>| Arc::ptr_eq(known, listing) || known == listing;
        let is_new = |listing: &&Arc<Listing>| !self.known.as_ref().is_some_and(|known| same(known, listing));
        let Some(listing) = status.listing().filter(is_new).cloned() else { return Ok(None) };
        let (registry, session, new) = (self.registry.clone(), self.session.clone(), listing.clone());
        let (former, secured) = {
            let snapshot = registry.snapshot();
            let former = snapshot.server(&session.config().name).and_then(|entry| entry.latest());
            (former.cloned(), snapshot.authenticator.config.is_closed())
        };
        let served = spawn_blocking(move || {
            let settings = registry.settings.clone();
            Served::new(session.config(), &new, settings, registry.mounting, secured, former.as_deref())
        });
        let served = served.await.map_err(|error| {
            error!(server = self.session.config().name, %error, "its tools cannot be documented");
            Undocumented
        })?;
        self.known = Some(listing);
        Ok(Some(Arc::new(served)))
    }

    fn log(&mut self, status: &Status) {
        let config = self.session.config();
        let (server, page) = (&config.name, &self.page);
        match status {
            Status::Connecting => info!(server, "connecting"),
            Status::Failing(_, reason) => warn!(server, reason, "calls fail one after another"),
            Status::Ready(listing) if !self.was_connected => {
                let served = |tool: &&ToolDefinition| config.tools.allows(&tool.name);
                info!(server, tools = listing.tools.iter().filter(served).count(), "ready at {page}");
            }
            // The session itself logs the reason, and which tools have changed.
            Status::Down { .. } | Status::NeedsAuthorization(_) | Status::Ready(_) | Status::Stopped => {}
        }
        self.was_connected = status.listing().is_some();
    }
}
