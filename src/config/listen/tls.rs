//! TLS for HTTPS: a certificate and its key, checked to match before anything listens, and the authorities that issue
//! clients' certificates.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, InconsistentKeys, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};

use crate::config::{ConfigError, Options, RawOption};

/// The settings of HTTPS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate.
    pub certificate: Certificate,
    /// Which clients may connect; `None` if all may.
    pub clients: Option<Clients>,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The chain and the key.
    pub pair: Arc<CertifiedKey>,
    /// Differs if the certificate or the key differs.
    pub digest: [u8; 32],
    /// The files that it was read from.
    pub files: [PathBuf; 2],
}

/// Clients with a certificate of these authorities.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Verifies a client's certificate.
    pub verifier: Arc<dyn ClientCertVerifier>,
    /// Differs if the authorities differ.
    pub digest: [u8; 32],
}

impl Tls {
    /// Reads the files that the options name; `None` if HTTP is served.
    pub fn of_options(options: &Options) -> Result<Option<Self>, ConfigError> {
        match (&options.ssl_certfile, &options.ssl_keyfile, &options.ssl_client_ca) {
            (Some(certificate), Some(key), authorities) => Ok(Some(Self {
                certificate: Certificate::load(certificate, key)?,
                clients: authorities.as_ref().map(Clients::load).transpose()?,
            })),
            (Some(given), None, _) => {
                Err(given.error("a certificate needs its key; give --ssl-keyfile as well"))
            }
            (None, Some(given), _) => {
                Err(given.error("a key needs its certificate; give --ssl-certfile as well"))
            }
            (None, None, Some(given)) => Err(given.error(
                "only HTTPS knows certificates of clients; give --ssl-certfile and --ssl-keyfile as well",
            )),
            (None, None, None) => Ok(None),
        }
    }
}

impl Certificate {
    fn load(certificate: &RawOption, key: &RawOption) -> Result<Self, ConfigError> {
        let chain = chain(certificate)?;
        let private = private_key(key)?;
        let digest = digest(chain.iter().map(AsRef::as_ref).chain([private.secret_der()]));
        let pair =
            CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|error| {
                match error {
                    rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                        key.error(format_args!(
                            "the key in {} does not fit the certificate in {}; give the one it was made with",
                            key.value, certificate.value
                        ))
                    }
                    rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => certificate
                        .error(format_args!("the certificate in {} is malformed", certificate.value)),
                    error => key.error(format_args!("the key in {} cannot be used: {error}", key.value)),
                }
            })?;
        let files = [certificate, key].map(|given| PathBuf::from(&given.value));
        Ok(Self { pair: Arc::new(pair), digest, files })
    }
}

impl Clients {
    fn load(given: &RawOption) -> Result<Self, ConfigError> {
        let authorities = chain(given)?;
        let digest = digest(authorities.iter().map(AsRef::as_ref));
        let malformed = || given.error(format_args!("a certificate in {} is malformed", given.value));
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|_| malformed())?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self { verifier: verifier.map_err(|_| malformed())?, digest })
    }
}

fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    parts.fold(Sha256::new(), Sha256::chain_update).finalize().into()
}

fn chain(given: &RawOption) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
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

fn private_key(given: &RawOption) -> Result<PrivateKeyDer<'static>, ConfigError> {
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
