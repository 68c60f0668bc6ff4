//! The snapshot in force, and its only publisher.

use std::{mem, sync::Arc};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    entry::Entry,
    served::{Mounting, Served},
    snapshot::Snapshot,
};
use crate::{
    access::Authenticator,
    config::{self, Config, Permission, Servers},
    openapi::{self, Document, OwnRoutes, Settings},
    upstream::{Session, Status},
};

/// The servers in force.
pub struct Registry {
    pub(super) settings: Arc<Settings>,
    pub(super) mounting: Mounting,
    own: OwnRoutes,
    current: ArcSwap<Snapshot>,
    /// Notified of each new snapshot.
    changes: watch::Sender<()>,
}

impl Registry {
    /// Returns a registry without servers. The root document describes the gateway's `own` routes.
    pub fn new(config: &Config, own: OwnRoutes, authenticator: Authenticator) -> Self {
        let settings = Settings {
            about: config.about.clone(),
            base: config.base.clone(),
            operation_ids: config.operation_ids,
        };
        let mounting = match config.servers {
            Servers::Single(_) => Mounting::Single,
            Servers::Many(_) => Mounting::Named,
        };
        Self {
            settings: Arc::new(settings),
            mounting,
            own,
            current: ArcSwap::from_pointee(Snapshot::new(authenticator)),
            changes: watch::Sender::new(()),
        }
    }

    /// What documents say and links carry.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One server at the root, or several under their names.
    pub fn mounting(&self) -> Mounting {
        self.mounting
    }

    /// The servers as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Waits until the first attempt to connect the server of `entry` has ended, or until `deadline`. Returns the entry
    /// that is in force then.
    pub async fn settled(&self, entry: Arc<Entry>, deadline: Instant) -> Arc<Entry> {
        if !entry.is_starting() {
            return entry;
        }
        let mut changes = self.changes.subscribe();
        let mut entry = entry;
        // A change before the subscription counts, too.
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

    /// Returns the document over all servers of `snapshot` that `permission` reaches.
    pub fn root_document(&self, snapshot: &Snapshot, permission: &Permission) -> Arc<Document> {
        let describe = || {
            let connected = snapshot.visible(permission).filter(|entry| entry.is_connected());
            Arc::new(openapi::root_document(connected.map(|entry| entry.name()), &self.own, &self.settings))
        };
        if permission.is_limited() { describe() } else { snapshot.root.get_or_init(describe).clone() }
    }

    /// Publishes the status of `session`, and what its server serves if it has connected. A session that was replaced
    /// publishes nothing.
    pub(super) fn publish(&self, session: &Session, status: &Status, served: Option<&Arc<Served>>) {
        let name = &session.config().name;
        if !self.snapshot().server(name).is_some_and(|entry| entry.session().is(session)) {
            return;
        }
        self.change(|new| {
            let entry = new.servers.get_mut(name).map(Arc::make_mut);
            if let Some(entry) = entry.filter(|entry| entry.session().is(session)) {
                let former = mem::replace(&mut entry.status, status.clone());
                if mem::discriminant(&former) != mem::discriminant(status) {
                    entry.since = Timestamp::now();
                }
                if served.is_some() {
                    entry.former = None;
                }
                // Documents stay up while a server reconnects.
                entry.served = served.cloned().or(entry.served.take());
            }
        });
    }

    /// Puts `access_rules` in force, and the servers called `names`, in this order: `added` ones, and those that are known.
    pub(super) fn set_servers(
        &self,
        access_rules: &config::AccessRules,
        names: &[&str],
        added: &[Arc<Entry>],
    ) {
        let former = self.snapshot().authenticator.clone();
        let authenticator = if former.config == *access_rules {
            former
        } else {
            Arc::new(Authenticator::new(access_rules.clone(), former.runtime.clone(), Some(&former)))
        };
        self.change(|new| {
            let known = |name: &&str| {
                let added = added.iter().find(|entry| entry.name() == *name);
                Some(((*name).to_owned(), added.or_else(|| new.servers.get(*name))?.clone()))
            };
            new.servers = names.iter().filter_map(known).collect();
            new.authenticator = authenticator.clone();
        });
    }

    /// Puts `entry` in the place of the server of the same name. Its session ends with its last call.
    pub(super) fn replace(&self, entry: &Entry) {
        self.change(|new| {
            let mut entry = entry.clone();
            if let Some(old) = new.servers.get(entry.name()).filter(|_| entry.served.is_none()) {
                entry.former = old.served.as_ref().or(old.former.as_ref()).cloned();
            }
            new.servers.insert(entry.name().to_owned(), Arc::new(entry));
        });
    }

    fn change(&self, change: impl Fn(&mut Snapshot)) {
        self.current.rcu(|old| {
            let mut new = Snapshot::successor(old);
            change(&mut new);
            new
        });
        self.changes.send_replace(());
    }
}
