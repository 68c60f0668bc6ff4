//! What is known of a request: made once by the outermost layer, kept with the request, read by all that follow.

use std::{
    cell::{Cell, OnceCell},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
};

use actix_web::{HttpMessage, http::header::HeaderValue};

use super::{client::ClientInfo, error::ApiError};
use crate::{
    access::{AccessError, Authenticator, Caller},
    config::Permission,
    registry::Snapshot,
};

/// What is known of a request.
pub(super) struct RequestContext {
    /// Visible ASCII characters alone.
    id: HeaderValue,
    /// Where the request comes from.
    pub(super) client: ClientInfo,
    /// The path as the client sent it, if the root path was taken off.
    pub(super) original_path: Option<String>,
    /// The authentication of the snapshot.
    pub(super) authenticator: Arc<Authenticator>,
    /// Set by the authentication.
    caller: OnceCell<Result<Caller, AccessError>>,
    /// Taken by the handler, so that a call that takes long keeps no other server's session.
    snapshot: Cell<Option<Arc<Snapshot>>>,
}

impl RequestContext {
    pub(super) fn new(
        id: HeaderValue,
        client: ClientInfo,
        original_path: Option<String>,
        snapshot: Arc<Snapshot>,
    ) -> Self {
        let authenticator = snapshot.authenticator.clone();
        let snapshot = Cell::new(Some(snapshot));
        Self { id, client, original_path, authenticator, caller: OnceCell::new(), snapshot }
    }

    /// Returns the context of a request.
    pub(super) fn of(request: &impl HttpMessage) -> Rc<Self> {
        let context = request.extensions().get::<Rc<Self>>().cloned();
        context.unwrap_or_else(|| unreachable!("the outermost layer gives every request a context"))
    }

    /// The request's id.
    pub(super) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// The client's address.
    pub(super) fn address(&self) -> IpAddr {
        self.client.address
    }

    /// Takes the snapshot out. Only the handler does so, once.
    pub(super) fn take_snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.take().unwrap_or_else(|| unreachable!("only the handler takes the snapshot, once"))
    }

    /// Keeps the outcome of the authentication.
    pub(super) fn authenticated(&self, caller: Result<Caller, AccessError>) {
        // It is set once: one layer authenticates.
        let _ = self.caller.set(caller);
    }

    /// The caller's name in logs, if it has one.
    pub(super) fn caller_name(&self) -> Option<&str> {
        self.caller.get()?.as_ref().ok()?.name()
    }

    /// Returns the permission of an authenticated caller.
    ///
    /// # Errors
    ///
    /// The credential is missing or wrong.
    pub(super) fn require_caller(&self) -> Result<&Permission, ApiError> {
        match self.caller.get() {
            Some(Ok(caller)) => Ok(&caller.permission),
            Some(Err(error)) => Err(ApiError::Access(error.clone())),
            None => Err(ApiError::NotFound),
        }
    }

    /// The same for a browser, where a person can type the credential.
    ///
    /// # Errors
    ///
    /// As of [`Self::require_caller`].
    pub(super) fn require_caller_at_browser(&self) -> Result<&Permission, ApiError> {
        self.require_caller().map_err(|error| match error {
            ApiError::Access(AccessError::Unauthorized { message, .. }) => {
                AccessError::Unauthorized { message, challenges: self.authenticator.challenges(true) }.into()
            }
            error => error,
        })
    }

    /// Returns what the caller may see: everything if documents are open and it showed no valid credential.
    pub(super) fn permission(&self) -> &Permission {
        match self.caller.get() {
            Some(Ok(caller)) => &caller.permission,
            _ => &Permission::FULL,
        }
    }
}
