//! What one connected server offers: its tools, its documents, and what counts its calls.

use std::sync::Arc;

use tracing::error;

use super::{
    meter::Meter,
    state::{Entry, Gateway, Mounting},
    views::{View, Views},
};
use crate::{
    catalogue::{self, Tool},
    config::Permission,
    openapi::{self, Document},
    upstream::{Listing, Session},
};

/// What a connected server offers.
pub struct Offer {
    /// The server's name.
    name: String,
    /// Its tools.
    pub catalogue: catalogue::Server,
    /// What its documents and pages call it.
    pub(super) title: String,
    /// Its document, as each caller sees it.
    views: Views,
    /// For each tool, in the catalogue's order.
    meters: Vec<Arc<Meter>>,
}

impl Offer {
    /// Builds what `listing` offers. Compiles and serialises: not for an HTTP worker. A tool that the server had
    /// before is counted on.
    fn new(gateway: &Gateway, session: &Session, listing: &Listing) -> Self {
        let catalogue = catalogue::Server::new(session.config(), listing, gateway.settings.operation_ids);
        let snapshot = gateway.snapshot();
        let former = snapshot.server(&session.config().name).and_then(Entry::latest);
        let meter = |tool: &String| former.and_then(|former| former.meter(tool)).cloned().unwrap_or_default();
        let meters = catalogue.tools.keys().map(meter).collect();
        let name = session.config().name.clone();
        let mut offer = Self { name, catalogue, title: String::new(), views: Views::default(), meters };
        offer.title.clone_from(&offer.document(gateway, snapshot.guard.view(Permission::FULL)).title);
        offer
    }

    /// The document in this view, where it need not be built.
    pub(super) fn known_document(&self, view: &View) -> Option<Arc<Document>> {
        self.views.get(view)
    }

    /// The document in this view. May serialise: not for an HTTP worker.
    pub(super) fn document(&self, gateway: &Gateway, view: View) -> Arc<Document> {
        if let Some(known) = self.views.get(&view) {
            return known;
        }
        let mount = (gateway.mounting == Mounting::Named).then_some(self.name.as_str());
        let shown = |tool: &Tool| view.permission.allows(&self.name, &tool.name, tool.read_only);
        let document =
            openapi::server_document(&self.catalogue, mount, &gateway.settings, view.secured, shown);
        let document = Arc::new(document);
        self.views.put(view, &document);
        document
    }

    /// A tool, and what counts its calls.
    pub(super) fn tool(&self, name: &str) -> Option<(&Tool, &Meter)> {
        let (index, _, tool) = self.catalogue.tools.get_full(name)?;
        Some((tool, &self.meters[index]))
    }

    /// The tools that a caller of this permission may call, each with what counts its calls.
    pub(super) fn shown(&self, permission: &Permission) -> impl Iterator<Item = (&Tool, &Meter)> {
        let tools = self.catalogue.tools.values().zip(self.meters.iter().map(Arc::as_ref));
        tools.filter(|(tool, _)| permission.allows(&self.name, &tool.name, tool.read_only))
    }

    fn meter(&self, tool: &str) -> Option<&Arc<Meter>> {
        self.meters.get(self.catalogue.tools.get_index_of(tool)?)
    }
}

/// What `listing` offers, built off the HTTP workers; nothing where that fails.
pub async fn build(gateway: &Arc<Gateway>, session: &Session, listing: Arc<Listing>) -> Option<Arc<Offer>> {
    let (building, built) = (gateway.clone(), session.clone());
    let offer = tokio::task::spawn_blocking(move || Offer::new(&building, &built, &listing)).await;
    offer
        .map(Arc::new)
        .inspect_err(|error| error!(server = session.config().name, %error, "its tools cannot be documented"))
        .ok()
}
