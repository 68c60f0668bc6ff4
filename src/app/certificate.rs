//! The reloadable TLS certificate, which can be replaced while connections are served.
//!
//! A handshake uses either the old certificate or the new one. Open connections are not affected.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use crate::config::{Certificate, Tls};

/// The certificate used for handshakes.
#[derive(Debug, Clone)]
pub(super) struct ReloadableCertificate(Arc<ArcSwap<CertifiedKey>>);

impl ReloadableCertificate {
    pub(super) fn new(certificate: &Certificate) -> Self {
        Self(Arc::new(ArcSwap::new(certificate.pair.clone())))
    }

    /// Replaces the certificate from the next handshake on.
    pub(super) fn replace(&self, certificate: &Certificate) {
        self.0.store(certificate.pair.clone());
    }

    /// Builds the server configuration for HTTP/1.1 over TLS 1.2 and newer.
    ///
    /// # Errors
    ///
    /// The linked cryptography provider supports neither version.
    pub(super) fn server_config(&self, tls: &Tls) -> Result<ServerConfig, rustls::Error> {
        let clients = tls.clients.as_ref().map(|clients| clients.verifier.clone());
        // The provider is explicit, because the process-wide default depends on what else is linked in.
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients.unwrap_or_else(WebPkiClientVerifier::no_client_auth))
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for ReloadableCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}
