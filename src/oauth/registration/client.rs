//! mcpo as a client of an authorization server (RFC 6749 section 2).
//!
//! Invariant: a client has a secret exactly if its method uses one.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use url::Url;

use super::auth_method;
use crate::{
    config::{ClientAuthMethod, ClientCredential, StaticClient},
    oauth::{discovery::metadata::AuthorizationServer, endpoint::EndpointError, scopes::Scopes},
    secret::SecretString,
};

/// A client of one authorization server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The issuer that knows this client; credentials never go to another.
    pub issuer: String,
    /// `client_id`
    pub id: String,
    /// `client_secret`
    pub secret: Option<SecretString>,
    /// `client_secret_expires_at`, in seconds since 1970; `None` if it never does.
    pub secret_expires: Option<u64>,
    /// How it authenticates at the token endpoint.
    pub method: ClientAuthMethod,
    /// Where logins come back to; nothing for client credentials.
    pub redirect_uri: Option<Url>,
    /// What logins were to ask for when it registered itself; `None` if that does not matter.
    pub scopes: Option<Scopes>,
    /// How it came to be.
    pub origin: ClientOrigin,
}

/// How a client came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientOrigin {
    /// It stands in the config file.
    Configured,
    /// Its `client_id` is the URL of our client-id metadata document.
    MetadataDocument,
    /// Dynamic client registration (RFC 7591).
    Registered,
}

/// What to become a client with.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// A client that was registered by hand.
    pub configured: Option<&'a StaticClient>,
    /// Where our client-id metadata document is served.
    pub document: Option<&'a Url>,
    /// Where logins come back to.
    pub redirect_uri: &'a Url,
    /// `oauth.client_metadata`
    pub metadata: &'a Map<String, Value>,
    /// What will be asked for.
    pub scopes: Option<&'a Scopes>,
}

/// Why mcpo is no client of an authorization server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// The server offers no way.
    #[error(
        "{issuer} registers no clients itself; register one there and put its client_id into the server's oauth block{}",
        if *.documents { ", or set --public-url to an https URL that the authorization server can reach" } else { "" }
    )]
    NoRegistration {
        /// The server.
        issuer: String,
        /// Whether it would take a client-id metadata document.
        documents: bool,
    },
    /// The server or the configuration wants another method than a registered client can have.
    #[error(
        "a client that registers itself cannot authenticate with {0}; it can with none, client_secret_basic or client_secret_post"
    )]
    Method(String),
    /// The answer to the registration names no client.
    #[error("the answer to the client registration has no client_id")]
    NoId,
    /// The registration endpoint gave nothing.
    #[error("the client registration failed: {0}")]
    Registration(#[from] EndpointError),
}

impl Client {
    /// A client that was registered by hand, authenticating as configured, else as its credential and `server`
    /// allow.
    pub(crate) fn configured(
        server: &AuthorizationServer,
        client: &StaticClient,
        redirect_uri: Option<&Url>,
    ) -> Self {
        let (usual, secret) = match &client.credential {
            ClientCredential::None => (ClientAuthMethod::None, None),
            ClientCredential::Secret(secret) => (auth_method::with_secret(server), Some(secret.clone())),
            ClientCredential::Key(_) => (ClientAuthMethod::PrivateKeyJwt, None),
        };
        Self {
            issuer: server.issuer.clone(),
            id: client.id.clone(),
            secret,
            secret_expires: None,
            scopes: None,
            method: client.method.unwrap_or(usual),
            redirect_uri: redirect_uri.cloned(),
            origin: ClientOrigin::Configured,
        }
    }

    /// Whether a login at `issuer` that asks for `scopes` and comes back to `redirect_uri` may use it.
    pub(crate) fn good_for(&self, issuer: &str, redirect_uri: &Url, scopes: Option<&Scopes>) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let registered = |scopes| self.scopes.as_ref().is_none_or(|registered| registered.covers(scopes));
        self.issuer == issuer
            && self.redirect_uri.as_ref() == Some(redirect_uri)
            && scopes.is_none_or(registered)
            && self.secret_expires.is_none_or(|expires| expires > now)
    }
}
