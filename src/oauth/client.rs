//! Who mcpo is to an authorization server.

use url::Url;

use crate::{config::ClientAuthMethod, secret::SecretString};

/// A client of one authorization server.
#[derive(Debug, Clone)]
pub struct Client {
    /// The issuer that knows this client; credentials never go to another.
    pub issuer: String,
    /// `client_id`
    pub id: String,
    /// `client_secret`
    pub secret: Option<SecretString>,
    /// `client_secret_expires_at`, in seconds since 1970; nothing where it never does.
    pub secret_expires: Option<u64>,
    /// How it authenticates at the token endpoint.
    pub method: ClientAuthMethod,
    /// Where logins come back to; nothing for client credentials.
    pub redirect_uri: Option<Url>,
    /// How it came to be.
    pub origin: ClientOrigin,
}

/// How a client came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// It stands in the config file.
    Configured,
    /// Its `client_id` is the URL of our client-id metadata document.
    MetadataDocument,
    /// Dynamic client registration (RFC 7591).
    Registered,
}
