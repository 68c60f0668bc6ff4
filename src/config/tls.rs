//! The certificate and key to serve with, loaded and found to fit each other before anything listens.

use std::sync::Arc;

use rustls::{
    CertificateError, InconsistentKeys, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};

use sha2::{Digest as _, Sha256};

use super::{error::ConfigError, options::Given};

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Tls {
    /// What to serve with.
    pub config: Arc<ServerConfig>,
    /// Tells another certificate or key from this one.
    pub digest: [u8; 32],
}

/// TLS 1.2 and newer, no client certificates. The protocols above it (ALPN) are the HTTP server's matter.
pub(super) fn load(certificate: &Given, key: &Given) -> Result<Tls, ConfigError> {
    let chain = chain(certificate)?;
    let private = private_key(key)?;
    let mut digest = Sha256::new();
    chain.iter().for_each(|certificate| digest.update(certificate));
    digest.update(private.secret_der());
    // The provider is named, as a process-wide default depends on what else is linked in.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => key.error(format_args!(
                "the key in {} does not fit the certificate in {}; give the one it was made with",
                key.value, certificate.value
            )),
            rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => {
                certificate.error(format_args!("the certificate in {} is malformed", certificate.value))
            }
            error => key.error(format_args!("the key in {} cannot be used: {error}", key.value)),
        })?;
    Ok(Tls { config: Arc::new(config), digest: digest.finalize().into() })
}

fn chain(given: &Given) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let chain =
        CertificateDer::pem_slice_iter(&given.read()?).collect::<Result<Vec<_>, _>>().map_err(|error| {
            given.error(format_args!("{} is not valid PEM: {}", given.value, pem_reason(&error)))
        })?;
    if chain.is_empty() {
        return Err(given.error(format_args!(
            "no certificate in {}; it should hold a block that starts with -----BEGIN CERTIFICATE-----",
            given.value
        )));
    }
    Ok(chain)
}

fn private_key(given: &Given) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_slice(&given.read()?).map_err(|error| match error {
        pem::Error::NoItemsFound => given.error(format_args!(
            "no private key in {}; it should hold an unencrypted block that starts with -----BEGIN PRIVATE KEY-----",
            given.value
        )),
        error => given.error(format_args!("{} is not valid PEM: {}", given.value, pem_reason(&error))),
    })
}

/// The library's own text may quote the file, which holds a key.
fn pem_reason(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a block is never ended",
        pem::Error::IllegalSectionStart { .. } => "the first line of a block is malformed",
        pem::Error::Base64Decode(_) => "a block is not base64",
        _ => "it cannot be decoded",
    }
}
