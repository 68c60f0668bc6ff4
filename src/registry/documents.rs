//! The document cache of one server: callers see only the tools that they may call.
//!
//! Invariant: at most [`CAPACITY`] documents are kept, one for each view.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{config::Permission, openapi::Document};

/// How many documents are kept: one for each kind of key, or of token.
const CAPACITY: usize = 64;

/// What a document depends on besides the server's tools.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What the reader may call.
    pub permission: Permission,
    /// Whether calls need a credential.
    pub secured: bool,
}

/// The documents that were asked for so far.
#[derive(Default)]
pub(super) struct DocumentCache(Mutex<Vec<(View, Arc<Document>)>>);

impl DocumentCache {
    /// Returns the document in this view if it is kept.
    pub(super) fn get(&self, view: &View) -> Option<Arc<Document>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| known == view).map(|(_, document)| document.clone())
    }

    /// Keeps a document, unless another one was kept in this view meanwhile. Returns the one that is kept.
    pub(super) fn put(&self, view: View, document: Arc<Document>) -> Arc<Document> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, earlier)) = known.iter().find(|(known, _)| *known == view) {
            return earlier.clone();
        }
        if known.len() == CAPACITY {
            known.clear();
        }
        known.push((view, document.clone()));
        document
    }
}
