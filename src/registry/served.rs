//! What one connected server serves: its tools, their metrics, and its documents.

use std::sync::Arc;

use super::{
    documents::{DocumentCache, View},
    metrics::ToolMetrics,
};
use crate::{
    catalogue::{self, Tool},
    config::{self, Permission},
    openapi::{self, Document, Settings},
    upstream::Listing,
};

/// Where the routes of servers are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounting {
    /// `/{tool}`.
    Single,
    /// `/{server}/{tool}`.
    Named,
}

/// What a connected server serves.
pub struct Served {
    /// The server's name.
    name: String,
    /// Its tools.
    pub catalogue: catalogue::ServerCatalogue,
    /// Its title in documents and on pages.
    pub title: String,
    settings: Arc<Settings>,
    mounting: Mounting,
    documents: DocumentCache,
    /// Of each tool, in the catalogue's order.
    metrics: Vec<Arc<ToolMetrics>>,
}

impl Served {
    /// Builds what the server serves with the tools of `listing`. A tool that `former` had keeps its counts. Compiles and
    /// serialises: not for an HTTP worker.
    pub(super) fn new(
        server: &config::Server,
        listing: &Listing,
        settings: Arc<Settings>,
        mounting: Mounting,
        secured: bool,
        former: Option<&Self>,
    ) -> Self {
        let catalogue = catalogue::ServerCatalogue::new(server, listing, settings.operation_ids);
        let known =
            |tool: &String| former.and_then(|former| former.metrics(tool)).cloned().unwrap_or_default();
        let metrics = catalogue.tools.keys().map(known).collect();
        let (name, documents) = (server.name.clone(), DocumentCache::default());
        let mut served =
            Self { name, catalogue, title: String::new(), settings, mounting, documents, metrics };
        let view = View { permission: Permission::FULL, secured };
        served.title.clone_from(&served.document(view).title);
        served
    }

    /// Returns the document in this view if it was built before.
    pub fn known_document(&self, view: &View) -> Option<Arc<Document>> {
        self.documents.get(view)
    }

    /// Returns the document in this view. May serialise: not for an HTTP worker.
    pub fn document(&self, view: View) -> Arc<Document> {
        if let Some(known) = self.documents.get(&view) {
            return known;
        }
        let mount = (self.mounting == Mounting::Named).then_some(self.name.as_str());
        let shown = |tool: &Tool| view.permission.allows(&self.name, &tool.name, tool.read_only);
        let document = openapi::server_document(&self.catalogue, mount, &self.settings, view.secured, shown);
        self.documents.put(view, Arc::new(document))
    }

    /// Returns a tool and its metrics.
    pub fn tool(&self, name: &str) -> Option<(&Tool, &ToolMetrics)> {
        let (index, _, tool) = self.catalogue.tools.get_full(name)?;
        Some((tool, &self.metrics[index]))
    }

    /// The tools that a caller of this permission may call, each with its metrics.
    pub fn visible(&self, permission: &Permission) -> impl Iterator<Item = (&Tool, &ToolMetrics)> {
        let tools = self.catalogue.tools.values().zip(self.metrics.iter().map(Arc::as_ref));
        tools.filter(|(tool, _)| permission.allows(&self.name, &tool.name, tool.read_only))
    }

    fn metrics(&self, tool: &str) -> Option<&Arc<ToolMetrics>> {
        self.metrics.get(self.catalogue.tools.get_index_of(tool)?)
    }
}
