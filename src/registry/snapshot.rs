//! The servers and the authentication at one moment.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use super::entry::Entry;
use crate::{
    access::Authenticator,
    config::{Permission, Readiness},
    openapi::Document,
};

/// The servers and the authentication at one moment. To hold one keeps the sessions of all its servers: let go of it
/// before anything that takes long.
pub struct Snapshot {
    /// Who may call.
    pub authenticator: Arc<Authenticator>,
    pub(super) servers: IndexMap<String, Arc<Entry>>,
    /// The document over all servers, once it was asked for.
    pub(super) root: OnceLock<Arc<Document>>,
}

impl Snapshot {
    pub(super) fn new(authenticator: Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator), servers: IndexMap::new(), root: OnceLock::new() }
    }

    /// Returns the same servers, to be changed.
    pub(super) fn successor(&self) -> Self {
        Self {
            authenticator: self.authenticator.clone(),
            servers: self.servers.clone(),
            root: OnceLock::new(),
        }
    }

    /// The server of this name.
    pub fn server(&self, name: &str) -> Option<&Arc<Entry>> {
        self.servers.get(name)
    }

    /// The first server: in single mode the only one.
    pub fn first(&self) -> Option<&Arc<Entry>> {
        self.servers.first().map(|(_, entry)| entry)
    }

    /// All servers, in the order of the configuration.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.servers.values()
    }

    /// The servers that a caller of this permission can reach.
    pub fn visible(&self, permission: &Permission) -> impl Iterator<Item = &Arc<Entry>> {
        self.servers().filter(|entry| permission.reaches(entry.name()))
    }

    /// Whether enough servers are connected.
    pub fn is_ready(&self, wanted: Readiness) -> bool {
        let mut servers = self.servers();
        match wanted {
            Readiness::Any => servers.any(|entry| entry.is_ready()),
            Readiness::All => servers.all(|entry| entry.is_ready()),
        }
    }
}
