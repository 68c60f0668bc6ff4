//! Handles to the rest of the gateway for handlers and layers, shared by all workers.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use tokio_util::sync::CancellationToken;

use super::{
    client::Front,
    handlers::{health::Lifecycle, login::LoginServices},
    loopback::Loopbacks,
    observability::Observability,
};
use crate::{
    config::{Config, Limits},
    oauth::Context,
    registry::Registry,
};

/// The handles, which clones share.
#[derive(Clone)]
pub struct Services {
    /// The registry of current servers.
    pub registry: Data<Registry>,
    /// The audit log and the tracer that record calls.
    pub observability: Data<Observability>,
    /// The limits of requests.
    pub limits: Data<Limits>,
    /// The trusted proxies, accepted hosts and TLS in front of the gateway.
    pub front: Data<Front>,
    pub(super) logins: Data<LoginServices>,
    pub(super) lifecycle: Data<Lifecycle>,
}

impl Services {
    /// Collects the handles of a gateway.
    pub fn new(
        config: &Config,
        registry: Arc<Registry>,
        oauth: Arc<Context>,
        observability: Arc<Observability>,
        front: Front,
        draining: CancellationToken,
    ) -> Self {
        let loopbacks = Loopbacks::new(oauth.clone(), registry.clone());
        Self {
            registry: registry.into(),
            observability: observability.into(),
            limits: Data::new(config.limits),
            front: Data::new(front),
            logins: Data::new(LoginServices { oauth, loopbacks }),
            lifecycle: Data::new(Lifecycle { readiness: config.readiness, draining }),
        }
    }

    /// Provides the handles to the handlers and layers of an application.
    pub(super) fn provide(self, config: &mut ServiceConfig) {
        config
            .app_data(self.registry)
            .app_data(self.observability)
            .app_data(self.limits)
            .app_data(self.front)
            .app_data(self.logins)
            .app_data(self.lifecycle);
    }
}
