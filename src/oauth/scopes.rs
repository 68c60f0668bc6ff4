//! Sets of scopes (RFC 6749 section 3.3).

use indexmap::IndexSet;

/// Scope tokens, each once, in the order of their first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(IndexSet<String>);
