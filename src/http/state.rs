//! What every request looks at: one immutable snapshot of the catalogue, and the gateway's fixed settings.
//!
//! Invariant: a request sees the snapshot before a change or the one after it, never a mixture.

use std::{mem, sync::Arc};

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};

use super::{
    guard::Gatekeeper,
    insight::Insight,
    loopback::Loopbacks,
    offer::{self, Offer},
};
use crate::{
    config::{self, Config, Permission, Readiness, Servers},
    oauth::Office,
    openapi::{self, Document, OwnRoutes, Settings},
    upstream::{Listing, Session, Status},
};

/// Shared by all workers; lives as long as the gateway.
pub struct Gateway {
    /// What documents say and links carry.
    pub settings: Settings,
    /// The largest body a call may have, in bytes.
    pub max_body: usize,
    /// The logins to servers.
    pub office: Arc<Office>,
    /// What makes the gateway ready.
    pub readiness: Readiness,
    /// How it can be watched.
    pub insight: Insight,
    /// Loopback ports that logins come back to.
    pub(super) loopbacks: Loopbacks,
    /// One server at the root, or several under their names.
    pub mounting: Mounting,
    /// Cancelled once the gateway was told to stop: it is no longer ready.
    pub draining: CancellationToken,
    snapshot: ArcSwap<Snapshot>,
    /// Told of each change of the snapshot.
    changes: watch::Sender<()>,
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
    /// Who may call.
    pub(super) guard: Arc<Gatekeeper>,
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
    /// What the server that it replaced offered, until it offers something itself: calls are counted on.
    former: Option<Arc<Offer>>,
    /// Told of as long as a request or a snapshot can lead to the session.
    _lease: TaskTrackerToken,
}

impl Gateway {
    /// The gateway that `config` describes, still without servers.
    pub fn new(config: &Config, office: Arc<Office>, insight: Insight) -> Self {
        let settings = Settings {
            about: config.about.clone(),
            base: config.base.clone(),
            operation_ids: config.operation_ids,
        };
        let mounting = match config.servers {
            Servers::Single(_) => Mounting::Single,
            Servers::Many(_) => Mounting::Named,
        };
        let own = OwnRoutes::new(super::health::document());
        let root = Arc::new(openapi::root_document(std::iter::empty(), &own, &settings));
        let guard = Arc::new(Gatekeeper::new(config.guard.clone(), None, &office));
        Self {
            settings,
            max_body: config.limits.body,
            insight,
            loopbacks: Loopbacks::new(office.clone()),
            office,
            readiness: config.readiness,
            mounting,
            draining: CancellationToken::new(),
            snapshot: ArcSwap::from_pointee(Snapshot { guard, servers: IndexMap::new(), root }),
            changes: watch::Sender::new(()),
            own,
        }
    }

    /// The catalogue as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Publishes what `session` is doing, and what its server offers where it has connected. One that was replaced says
    /// nothing any more.
    pub fn publish(&self, session: &Session, status: &Status, offer: Option<&Arc<Offer>>) {
        self.change(|new| {
            let entry = new.servers.get_mut(&session.config().name);
            if let Some(entry) = entry.filter(|entry| entry.session.is(session)) {
                let former = mem::replace(&mut entry.status, status.clone());
                if mem::discriminant(&former) != mem::discriminant(status) {
                    entry.since = Timestamp::now();
                }
                if offer.is_some() {
                    entry.former = None;
                }
                // Documents stay up while a server reconnects.
                entry.offer = offer.cloned().or(entry.offer.take());
            }
        });
    }

    /// Puts `guard` in force, and the servers called `names`, in this order: `added` ones, and those that are known.
    pub fn adopt(&self, guard: config::Guard, names: &[&str], added: &[Entry]) {
        self.office.set_guarded(guard.is_closed());
        let former = self.snapshot().guard.clone();
        // One that stays as it is remembers what it has counted.
        let guard = if former.config == guard {
            former
        } else {
            Arc::new(Gatekeeper::new(guard, Some(&former), &self.office))
        };
        self.change(|new| {
            let known = |name: &&str| {
                let added = added.iter().find(|entry| entry.name() == *name);
                Some(((*name).to_owned(), added.or_else(|| new.servers.get(*name))?.clone()))
            };
            new.servers = names.iter().filter_map(known).collect();
            new.guard = guard.clone();
        });
    }

    /// Has `entry` take the place of the server of the same name.
    pub fn replace(&self, entry: &Entry) {
        self.change(|new| {
            let mut entry = entry.clone();
            if let Some(old) = new.servers.get(entry.name()).filter(|_| entry.offer.is_none()) {
                entry.former = old.offer.as_ref().or(old.former.as_ref()).cloned();
            }
            new.servers.insert(entry.name().to_owned(), entry);
        });
    }

    fn change(&self, change: impl Fn(&mut Snapshot)) {
        self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            change(&mut new);
            self.describe(&mut new);
            new
        });
        self.changes.send_replace(());
    }

    /// The entry that stands in the place of `entry` once the first attempt to connect its server has ended, or at
    /// `deadline`.
    pub(super) async fn settled(&self, entry: &Entry, deadline: Instant) -> Entry {
        let mut changes = self.changes.subscribe();
        let mut entry = entry.clone();
        // What has changed before the subscription is looked at first.
        changes.mark_changed();
        while entry.is_starting() {
            let late = timeout_at(deadline, changes.changed()).await.is_err();
            match self.snapshot().server(entry.name()) {
                Some(now) => entry = now.clone(),
                None => break,
            }
            if late {
                break;
            }
        }
        entry
    }

    /// The catalogue as a caller of this permission sees it: without the servers that are withheld.
    pub(super) fn seen_with(&self, permission: &Permission) -> Arc<Snapshot> {
        let snapshot = self.snapshot();
        if !permission.is_limited() {
            return snapshot;
        }
        let mut seen = Snapshot::clone(&snapshot);
        seen.servers.retain(|name, _| permission.reaches(name));
        Arc::new(seen)
    }

    /// The document over all servers, as a caller of this permission sees it.
    pub(super) fn root_document(&self, permission: &Permission) -> Arc<Document> {
        let seen = self.seen_with(permission);
        if permission.is_limited() {
            let mut seen = Snapshot::clone(&seen);
            self.describe(&mut seen);
            return seen.root;
        }
        seen.root.clone()
    }

    /// Writes the root document of a catalogue.
    fn describe(&self, snapshot: &mut Snapshot) {
        let connected =
            snapshot.servers.iter().filter(|(_, entry)| entry.is_connected()).map(|(name, _)| name.as_str());
        snapshot.root = Arc::new(openapi::root_document(connected, &self.own, &self.settings));
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
    /// An entry for `session`, which does what `status` says. `lease` is held as long as anything can still come to the
    /// session by way of this entry or a clone of it.
    pub fn new(session: Session, status: Status, offer: Option<Arc<Offer>>, lease: TaskTrackerToken) -> Self {
        Self { session, offer, status, since: Timestamp::now(), former: None, _lease: lease }
    }

    fn name(&self) -> &str {
        &self.session.config().name
    }

    /// What it offers, or what the server that it replaced has offered.
    pub(super) fn latest(&self) -> Option<&Offer> {
        self.offer.as_deref().or(self.former.as_deref())
    }

    /// What the server offers.
    ///
    /// # Errors
    ///
    /// The reason, where it has never been connected.
    pub fn offer(&self) -> Result<&Arc<Offer>, crate::upstream::CallError> {
        self.offer.as_ref().ok_or_else(|| self.session.unavailable())
    }

    /// Whether the first attempt to connect is under way, so that it pays to wait for it.
    pub(super) fn is_starting(&self) -> bool {
        self.offer.is_none() && matches!(self.status, Status::Connecting)
    }

    fn is_connected(&self) -> bool {
        self.status.listing().is_some()
    }

    fn is_ready(&self) -> bool {
        matches!(self.status, Status::Ready(_))
    }
}

/// Keeps `gateway` in step with one session until that is stopped, from the next change that `statuses` shows.
pub async fn follow(gateway: Arc<Gateway>, session: Session, mut statuses: watch::Receiver<Status>) {
    let mut known: Option<Arc<Listing>> = None;
    while statuses.changed().await.is_ok() {
        let status = statuses.borrow_and_update().clone();
        let is_new =
            |listing: &&Arc<Listing>| !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, listing));
        match status.listing().filter(is_new) {
            Some(listing) => {
                if let Some(offer) = offer::build(&gateway, &session, listing.clone()).await {
                    gateway.publish(&session, &status, Some(&offer));
                    known = Some(listing.clone());
                }
            }
            None => gateway.publish(&session, &status, None),
        }
        if matches!(status, Status::Stopped) {
            return;
        }
    }
}
