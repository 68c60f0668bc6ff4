//! The context of a request: created once by a layer of its own, stored with the request, read by all later layers and
//! handlers.

use std::{
    cell::{Cell, OnceCell},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
};

use actix_web::{HttpMessage, http::header::HeaderValue, web::Data};

use super::{client::ClientInfo, error::ApiError};
use crate::{
    access::{self, AccessError, Authenticator, Caller},
    config::Permission,
    held::Holder,
    registry::{Registry, Snapshot},
};

/// The context of a request.
pub(super) struct RequestContext {
    /// The request's id, which holds only visible ASCII characters.
    id: HeaderValue,
    /// The client's address and the URL that it used.
    pub(super) client: ClientInfo,
    /// The path as the client sent it; `None` if no root path was stripped.
    pub(super) original_path: Option<String>,
    /// The authenticator of the snapshot.
    pub(super) authenticator: Arc<Authenticator>,
    /// Set by the authentication layer.
    caller: OnceCell<Result<Caller, AccessError>>,
    /// Taken by the handler, so that a long call does not keep the sessions of other servers alive.
    snapshot: Cell<Option<Arc<Snapshot>>>,
    registry: Data<Registry>,
}

impl RequestContext {
    pub(super) fn new(
        id: HeaderValue,
        client: ClientInfo,
        original_path: Option<String>,
        registry: Data<Registry>,
    ) -> Self {
        let snapshot = registry.snapshot();
        let authenticator = snapshot.authenticator.clone();
        let snapshot = Cell::new(Some(snapshot));
        Self { id, client, original_path, authenticator, caller: OnceCell::new(), registry, snapshot }
    }

    pub(super) fn of(request: &impl HttpMessage) -> Rc<Self> {
        let context = request.extensions().get::<Rc<Self>>().cloned();
        context.unwrap_or_else(|| unreachable!("a layer gives every request a context"))
    }

    pub(super) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    pub(super) fn address(&self) -> IpAddr {
        self.client.address
    }

    /// Who holds what is read from the client, and what it has not taken yet.
    pub(super) fn holder(&self) -> Arc<Holder> {
        Holder::clients(access::network(self.address()))
    }

    /// Takes the snapshot: the handler does so once. After that it returns the one in force.
    pub(super) fn take_snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.take().unwrap_or_else(|| self.registry.snapshot())
    }

    /// Stores the outcome of the authentication.
    pub(super) fn authenticated(&self, caller: Result<Caller, AccessError>) {
        // It cannot be set already, because only one layer authenticates.
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
    /// The credential is missing or invalid.
    pub(super) fn require_caller(&self) -> Result<&Permission, ApiError> {
        match self.caller.get() {
            Some(Ok(caller)) => Ok(&caller.permission),
            Some(Err(error)) => Err(ApiError::Access(error.clone())),
            None => Err(ApiError::NotFound),
        }
    }

    /// Whether the caller may see what servers say: it has shown a credential, or none is needed.
    pub(super) fn is_caller(&self) -> bool {
        matches!(self.caller.get(), Some(Ok(_)))
    }

    /// Like [`Self::require_caller`], but an error asks the browser to prompt for the credential.
    ///
    /// # Errors
    ///
    /// The credential is missing or invalid.
    pub(super) fn require_caller_at_browser(&self) -> Result<&Permission, ApiError> {
        self.require_caller().map_err(|error| match error {
            ApiError::Access(AccessError::Unauthorized { message, .. }) => {
                AccessError::Unauthorized { message, challenges: self.authenticator.challenges(true) }.into()
            }
            error => error,
        })
    }

    /// Returns the caller's permission, which is full if documents are open and the caller has no valid credential.
    pub(super) fn permission(&self) -> &Permission {
        match self.caller.get() {
            Some(Ok(caller)) => &caller.permission,
            _ => &Permission::FULL,
        }
    }
}
