//! An authenticated caller.

use std::sync::Arc;

use crate::config::Permission;

/// The caller of a request, and what it may do.
#[derive(Debug, Clone)]
pub struct Caller {
    /// `None` without authentication.
    name: Option<Arc<str>>,
    /// What it may call and see.
    pub permission: Permission,
}

impl Caller {
    /// The caller of a gateway without authentication.
    pub(super) const ANONYMOUS: Self = Self { name: None, permission: Permission::FULL };

    pub(super) fn new(name: Arc<str>, permission: Permission) -> Self {
        Self { name: Some(name), permission }
    }

    /// The caller's name in logs: that of its key, or `token:` and the subject of its token.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
