//! What handlers and layers are given: handles on the other rooms, shared by all workers.

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

/// The handles. Clones share them.
#[derive(Clone)]
pub struct Services {
    /// The servers in force.
    pub registry: Data<Registry>,
    /// What records calls.
    pub observability: Data<Observability>,
    /// Bounds on requests.
    pub limits: Data<Limits>,
    /// What stands between clients and the gateway.
    pub front: Data<Front>,
    pub(super) logins: Data<LoginServices>,
    pub(super) lifecycle: Data<Lifecycle>,
}

impl Services {
    /// Gathers the handles of a gateway.
    pub fn new(
        config: &Config,
        registry: Arc<Registry>,
        oauth: Arc<Context>,
        observability: Arc<Observability>,
        front: Front,
        draining: CancellationToken,
    ) -> Self {
        let loopbacks = Loopbacks::new(oauth.clone());
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
