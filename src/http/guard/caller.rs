//! Somebody who was let in.

use std::sync::Arc;

use crate::config::Permission;

/// Who sent a request, and what that one may do.
#[derive(Debug, Clone)]
pub(in crate::http) struct Caller {
    /// Nothing where nobody is asked.
    name: Option<Arc<str>>,
    pub(in crate::http) permission: Permission,
}

impl Caller {
    /// Somebody without a name: no credential is asked for.
    pub(super) const ANYBODY: Self = Self { name: None, permission: Permission::FULL };

    pub(super) fn new(name: Arc<str>, permission: Permission) -> Self {
        Self { name: Some(name), permission }
    }

    /// What logs call the caller: a key's name, or who a token was issued to.
    pub(in crate::http) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
