//! The one watch on a session: logs its states, builds what it serves, and publishes both.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use tracing::{error, info, warn};

use super::{current::Registry, served::Served};
use crate::upstream::{Listing, Session, Status, Tool};

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
        while let Some((status, served)) = self.next().await {
            self.registry.publish(&self.session, &status, served.as_ref());
            if matches!(status, Status::Stopped) {
                return;
            }
        }
    }

    /// Waits until the first attempt to connect has ended, but no longer than `limit`. Returns the status and what the
    /// server serves, and publishes nothing.
    pub(super) async fn settled(&mut self, limit: Duration) -> (Status, Option<Arc<Served>>) {
        let ended = async {
            loop {
                match self.next().await {
                    Some((Status::Connecting, _)) => {}
                    Some(ended) => return ended,
                    None => return (Status::Stopped, None),
                }
            }
        };
        let ended = timeout(limit, ended).await;
        ended.unwrap_or_else(|_| {
            // The status that was being worked on is still to be published.
            self.statuses.mark_changed();
            (Status::Connecting, None)
        })
    }

    /// Returns the next status, with what the server serves if its tools are new; `None` once the session is gone.
    async fn next(&mut self) -> Option<(Status, Option<Arc<Served>>)> {
        loop {
            self.statuses.changed().await.ok()?;
            let status = self.statuses.borrow_and_update().clone();
            self.log(&status);
            let is_new = |listing: &&Arc<Listing>| {
                !self.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, listing))
            };
            let Some(listing) = status.listing().filter(is_new).cloned() else {
                return Some((status, None));
            };
            if let Some(served) = self.build(listing.clone()).await {
                self.known = Some(listing);
                return Some((status, Some(served)));
            }
        }
    }

    /// Builds what the server serves, off the HTTP workers; `None` if that fails.
    async fn build(&self, listing: Arc<Listing>) -> Option<Arc<Served>> {
        let (registry, session) = (self.registry.clone(), self.session.clone());
        let served = spawn_blocking(move || {
            let (config, snapshot) = (session.config(), registry.snapshot());
            let former = snapshot.server(&config.name).and_then(|entry| entry.latest());
            let secured = snapshot.authenticator.config.is_closed();
            let (settings, former) = (registry.settings.clone(), former.map(Arc::as_ref));
            Served::new(config, &listing, settings, registry.mounting, secured, former)
        });
        let failed =
            |error| error!(server = self.session.config().name, %error, "its tools cannot be documented");
        served.await.map(Arc::new).map_err(failed).ok()
    }

    fn log(&mut self, status: &Status) {
        let config = self.session.config();
        let (server, page) = (&config.name, &self.page);
        match status {
            Status::Connecting => info!(server, "connecting"),
            Status::Failing(_, reason) => warn!(server, reason, "calls fail one after another"),
            Status::Ready(listing) if !self.was_connected => {
                let served = |tool: &&Tool| config.tools.allows(&tool.name);
                info!(server, tools = listing.tools.iter().filter(served).count(), "ready at {page}");
            }
            // The session itself logs the reason, and which tools have changed.
            Status::Down { .. } | Status::NeedsAuthorization(_) | Status::Ready(_) | Status::Stopped => {}
        }
        self.was_connected = status.listing().is_some();
    }
}
