//! The configuration in effect, and its replacement by another one.

use std::sync::Arc;

use tracing::{info, warn};

use super::certificate::ReloadableCertificate;
use crate::{
    config::{Config, Tls},
    http::Observability,
    registry::{Plan, Reconciler},
};

/// The configuration in effect, and the parts that change with it.
pub(super) struct RunningConfig {
    pub(super) config: Config,
    /// The certificate for handshakes; `None` without HTTPS.
    pub(super) certificate: Option<ReloadableCertificate>,
    pub(super) observability: Arc<Observability>,
    pub(super) reconciler: Reconciler,
}

impl RunningConfig {
    /// Starts all servers concurrently.
    pub(super) fn start(&self) {
        self.reconciler.start_added(&Plan::initial(&self.config), &self.config);
    }

    /// Whether callers need a credential.
    pub(super) fn is_closed(&self) -> bool {
        self.config.access_rules.is_closed()
    }

    /// Replaces the configuration, and only restarts servers whose configuration differs.
    pub(super) async fn adopt(&mut self, config: Config) {
        let plan = Plan::between(&self.config, &config);
        for warning in &config.warnings {
            warn!("{warning}");
        }
        for remark in config.remarks.iter().filter(|remark| !self.config.remarks.contains(remark)) {
            info!("{remark}");
        }
        if !plan.needs_restart.is_empty() {
            warn!("changed, but used only from the next start on: {}", plan.needs_restart.join(", "));
        }
        info!("configuration read again: {}", plan.summary());
        if plan.recertified {
            self.certify(config.listen.tls.as_ref());
        }
        let (listen, logins) = (self.config.listen.clone(), self.config.logins.clone());
        self.config = Config { listen, logins, ..config };
        if !plan.is_empty() {
            self.reconciler.apply(&plan, &self.config).await;
        }
    }

    /// Switches to the certificate of `tls` if it is a different one.
    pub(super) fn renew(&mut self, tls: Option<&Tls>) {
        let digest = |tls: &Tls| tls.certificate.digest;
        if self.config.listen.tls.as_ref().map(digest) != tls.map(digest) {
            self.certify(tls);
            info!("the certificate was renewed");
        }
    }

    fn certify(&mut self, tls: Option<&Tls>) {
        if let (Some(in_force), Some(known), Some(new)) =
            (&self.certificate, &mut self.config.listen.tls, tls)
        {
            in_force.replace(&new.certificate);
            known.certificate = new.certificate.clone();
        }
    }
}
