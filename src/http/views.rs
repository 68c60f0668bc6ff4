//! The document of one server as different callers see it: each one only the tools that it may call.
//!
//! Invariant: a view is built once and kept with the server's offer, as long as there are not too many.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{config::Permission, openapi::Document};

/// How many views are kept: one for each kind of key, or of token.
const MOST: usize = 64;

/// What a document depends on beside the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    /// What the reader may call.
    pub(super) permission: Permission,
    /// Whether calls need a credential.
    pub(super) secured: bool,
}

/// The views that were asked for so far.
#[derive(Default)]
pub(super) struct Views(Mutex<Vec<(View, Arc<Document>)>>);

impl Views {
    /// The document in this view, where it was built before.
    pub(super) fn get(&self, view: &View) -> Option<Arc<Document>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| known == view).map(|(_, document)| document.clone())
    }

    /// Keeps a document.
    pub(super) fn put(&self, view: View, document: &Arc<Document>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST {
            known.clear();
        }
        known.push((view, document.clone()));
    }
}
