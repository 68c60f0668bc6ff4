//! What every request looks at: one immutable snapshot of the catalogue, and the gateway's fixed settings.

use std::{mem, sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{loopback::Loopbacks, meter::Meter};
use crate::{
    catalogue::{self, Tool},
    config::{Guard, Readiness},
    oauth::Office,
    openapi::{self, Document, OwnRoutes, Settings},
    upstream::{Listing, Session, Status},
};

/// Shared by all workers; lives as long as the gateway.
pub struct Gateway {
    /// Who may call.
    pub guard: Guard,
    /// What documents say and links carry.
    pub settings: Settings,
    /// The largest body a call may have, in bytes.
    pub max_body: usize,
    /// The logins to servers.
    pub office: Arc<Office>,
    /// What makes the gateway ready.
    pub readiness: Readiness,
    /// Since when it runs.
    pub(super) started: Instant,
    /// Loopback ports that logins come back to.
    pub(super) loopbacks: Loopbacks,
    /// One server at the root, or several under their names.
    pub mounting: Mounting,
    /// Cancelled once the gateway was told to stop: it is no longer ready.
    pub draining: CancellationToken,
    snapshot: ArcSwap<Snapshot>,
    own: OwnRoutes,
}

/// Where servers' routes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounting {
    /// `/{tool}`.
    Single,
    /// `/{server}/{tool}`.
    Named,
}

/// The catalogue at one moment.
#[derive(Clone)]
pub struct Snapshot {
    servers: IndexMap<String, Entry>,
    root: Arc<Document>,
}

/// One configured server.
#[derive(Clone)]
pub struct Entry {
    /// Its session.
    pub session: Session,
    /// What it offered when it was last connected.
    pub offer: Option<Arc<Offer>>,
    /// What it is doing, as far as it is published.
    pub(super) status: Status,
    /// Since when.
    pub(super) since: Timestamp,
}

/// What a connected server offers.
pub struct Offer {
    /// Its tools.
    pub catalogue: catalogue::Server,
    /// Its document.
    pub document: Arc<Document>,
    /// For each tool, in the catalogue's order.
    meters: Vec<Arc<Meter>>,
}

impl Gateway {
    /// A gateway whose servers have yet to connect.
    pub fn new(
        guard: Guard,
        settings: Settings,
        max_body: usize,
        office: Arc<Office>,
        readiness: Readiness,
        mounting: Mounting,
        sessions: Vec<Session>,
    ) -> Self {
        let own = OwnRoutes::new(super::health::document());
        let root = Arc::new(openapi::root_document(std::iter::empty(), &own, &settings));
        let entry = |session: Session| {
            let name = session.config().name.clone();
            (name, Entry { session, offer: None, status: Status::Connecting, since: Timestamp::now() })
        };
        let servers = sessions.into_iter().map(entry).collect();
        let snapshot = ArcSwap::from_pointee(Snapshot { servers, root });
        let loopbacks = Loopbacks::new(office.clone());
        let (started, draining) = (Instant::now(), CancellationToken::new());
        Self {
            guard,
            settings,
            max_body,
            office,
            readiness,
            started,
            loopbacks,
            mounting,
            draining,
            snapshot,
            own,
        }
    }

    /// The catalogue as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Builds what `listing` offers. Compiles and serialises: not for an HTTP worker. A tool that the server had
    /// before is counted on.
    pub fn offer(&self, session: &Session, listing: &Listing) -> Offer {
        let catalogue = catalogue::Server::new(session.config(), listing, self.settings.operation_ids);
        let mount = (self.mounting == Mounting::Named).then_some(session.config().name.as_str());
        let document = Arc::new(openapi::server_document(&catalogue, mount, &self.settings));
        let snapshot = self.snapshot();
        let former = snapshot.server(&session.config().name).and_then(|entry| entry.offer.as_deref());
        let meter = |tool: &String| former.and_then(|former| former.meter(tool)).cloned().unwrap_or_default();
        let meters = catalogue.tools.keys().map(meter).collect();
        Offer { catalogue, document, meters }
    }

    /// Publishes what a server is doing, and what it offers where it has connected.
    pub fn publish(&self, server: &str, status: &Status, offer: Option<&Arc<Offer>>) {
        self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            if let Some(entry) = new.servers.get_mut(server) {
                let former = mem::replace(&mut entry.status, status.clone());
                if mem::discriminant(&former) != mem::discriminant(status) {
                    entry.since = Timestamp::now();
                }
                // Documents stay up while a server reconnects.
                entry.offer = offer.cloned().or(entry.offer.take());
            }
            let connected =
                new.servers.iter().filter(|(_, entry)| entry.is_ready()).map(|(name, _)| name.as_str());
            new.root = Arc::new(openapi::root_document(connected, &self.own, &self.settings));
            new
        });
    }
}

impl Snapshot {
    /// The server mounted at `name`.
    pub fn server(&self, name: &str) -> Option<&Entry> {
        self.servers.get(name)
    }

    /// The only server, in single mode.
    pub fn only(&self) -> Option<&Entry> {
        self.servers.first().map(|(_, entry)| entry)
    }

    /// The document over all servers.
    pub fn root(&self) -> &Arc<Document> {
        &self.root
    }

    /// All servers by name.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.servers.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// Whether enough servers are connected.
    pub fn ready(&self, wanted: Readiness) -> bool {
        let mut servers = self.servers.values();
        match wanted {
            Readiness::Any => servers.any(Entry::is_ready),
            Readiness::All => servers.all(Entry::is_ready),
        }
    }
}

impl Entry {
    /// What the server offers.
    ///
    /// # Errors
    ///
    /// The reason, where it has never been connected.
    pub fn offer(&self) -> Result<&Arc<Offer>, crate::upstream::CallError> {
        self.offer.as_ref().ok_or_else(|| self.session.unavailable())
    }

    fn is_ready(&self) -> bool {
        matches!(self.status, Status::Ready(_))
    }
}

impl Offer {
    /// A tool, and what counts its calls.
    pub(super) fn tool(&self, name: &str) -> Option<(&Tool, &Meter)> {
        let (index, _, tool) = self.catalogue.tools.get_full(name)?;
        Some((tool, &self.meters[index]))
    }

    /// What counts the calls of each tool, by its name.
    pub(super) fn meters(&self) -> impl Iterator<Item = (&str, &Meter)> {
        self.catalogue.tools.keys().map(String::as_str).zip(self.meters.iter().map(Arc::as_ref))
    }

    fn meter(&self, tool: &str) -> Option<&Arc<Meter>> {
        self.meters.get(self.catalogue.tools.get_index_of(tool)?)
    }
}

/// Keeps `gateway` in step with one session until that is stopped.
pub async fn follow(gateway: Arc<Gateway>, session: Session) {
    let mut statuses = session.status();
    loop {
        let status = statuses.borrow_and_update().clone();
        let name = &session.config().name;
        match &status {
            Status::Ready(listing) => {
                let listing = listing.clone();
                let (building, session) = (gateway.clone(), session.clone());
                let build = tokio::task::spawn_blocking(move || building.offer(&session, &listing));
                match build.await {
                    Ok(offer) => gateway.publish(name, &status, Some(&Arc::new(offer))),
                    Err(error) => error!(server = name, %error, "its tools cannot be documented"),
                }
            }
            Status::Connecting | Status::Down { .. } | Status::NeedsAuthorization(_) => {
                gateway.publish(name, &status, None);
            }
            Status::Stopped => return gateway.publish(name, &status, None),
        }
        if statuses.changed().await.is_err() {
            return;
        }
    }
}
