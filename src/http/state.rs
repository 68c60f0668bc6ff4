//! What every request looks at: one immutable snapshot of the catalogue, and the gateway's fixed settings.

use std::sync::Arc;

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::loopback::Loopbacks;
use crate::{
    catalogue,
    config::Guard,
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
    connected: bool,
}

/// What a connected server offers.
pub struct Offer {
    /// Its tools.
    pub catalogue: catalogue::Server,
    /// Its document.
    pub document: Arc<Document>,
}

impl Gateway {
    /// A gateway whose servers have yet to connect.
    pub fn new(
        guard: Guard,
        settings: Settings,
        max_body: usize,
        office: Arc<Office>,
        mounting: Mounting,
        sessions: Vec<Session>,
    ) -> Self {
        let own = OwnRoutes::new(super::health::document());
        let root = Arc::new(openapi::root_document(std::iter::empty(), &own, &settings));
        let entry = |session: Session| {
            let name = session.config().name.clone();
            (name, Entry { session, offer: None, connected: false })
        };
        let servers = sessions.into_iter().map(entry).collect();
        let snapshot = ArcSwap::from_pointee(Snapshot { servers, root });
        let loopbacks = Loopbacks::new(office.clone());
        let draining = CancellationToken::new();
        Self { guard, settings, max_body, office, loopbacks, mounting, draining, snapshot, own }
    }

    /// The catalogue as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Builds what `listing` offers. Compiles and serialises: not for an HTTP worker.
    pub fn offer(&self, session: &Session, listing: &Listing) -> Offer {
        let catalogue = catalogue::Server::new(session.config(), listing, self.settings.operation_ids);
        let mount = (self.mounting == Mounting::Named).then_some(session.config().name.as_str());
        let document = Arc::new(openapi::server_document(&catalogue, mount, &self.settings));
        Offer { catalogue, document }
    }

    /// Publishes that a server has connected with `offer`, or is no longer connected.
    pub fn publish(&self, server: &str, offer: Option<&Arc<Offer>>) {
        self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            if let Some(entry) = new.servers.get_mut(server) {
                entry.connected = offer.is_some();
                // Documents stay up while a server reconnects.
                entry.offer = offer.cloned().or(entry.offer.take());
            }
            let connected =
                new.servers.iter().filter(|(_, entry)| entry.connected).map(|(name, _)| name.as_str());
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

    /// All servers' sessions, by name.
    pub fn sessions(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.servers.iter().map(|(name, entry)| (name.as_str(), &entry.session))
    }

    /// Whether any server is connected.
    pub fn ready(&self) -> bool {
        self.servers.values().any(|entry| entry.connected)
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
}

/// Keeps `gateway` in step with one session until that is stopped.
pub async fn follow(gateway: Arc<Gateway>, session: Session) {
    let mut statuses = session.status();
    loop {
        let status = statuses.borrow_and_update().clone();
        let name = &session.config().name;
        match status {
            Status::Ready(listing) => {
                let (building, session) = (gateway.clone(), session.clone());
                let build = tokio::task::spawn_blocking(move || building.offer(&session, &listing));
                match build.await {
                    Ok(offer) => gateway.publish(name, Some(&Arc::new(offer))),
                    Err(error) => error!(server = name, %error, "its tools cannot be documented"),
                }
            }
            Status::Down { .. } | Status::NeedsAuthorization(_) => gateway.publish(name, None),
            Status::Connecting => {}
            Status::Stopped => return,
        }
        if statuses.changed().await.is_err() {
            return;
        }
    }
}
