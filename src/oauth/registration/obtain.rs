//! Becoming a client: as configured, by a client-id metadata document, or by registration.

use serde_json::{Map, Value};
use url::Url;

use super::{
    client::{Client, ClientOrigin},
    dynamic,
};
use crate::{
    config::{ClientAuthMethod, StaticClient},
    oauth::{
        discovery::metadata::AuthorizationServer, endpoint::EndpointError, outbound::Outbound, scopes::Scopes,
    },
};

/// What to become a client with.
#[derive(Debug)]
pub(in crate::oauth) struct Wanted<'a> {
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
pub(in crate::oauth) enum ClientError {
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

/// Becomes a client of `server`, in the order of the MCP specification: as configured, else by our client-id
/// metadata document, else by registration.
///
/// # Errors
///
/// See [`ClientError`].
pub(in crate::oauth) async fn obtain(
    outbound: &Outbound,
    server: &AuthorizationServer,
    wanted: &Wanted<'_>,
) -> Result<Client, ClientError> {
    if let Some(client) = wanted.configured {
        return Ok(Client::configured(server, client, Some(wanted.redirect_uri)));
    }
    let document =
        wanted.document.filter(|url| server.client_id_metadata_document && url.scheme() == "https");
    if let Some(url) = document {
        return Ok(Client {
            issuer: server.issuer.clone(),
            id: url.to_string(),
            secret: None,
            secret_expires: None,
            scopes: None,
            method: ClientAuthMethod::None,
            redirect_uri: Some(wanted.redirect_uri.clone()),
            origin: ClientOrigin::MetadataDocument,
        });
    }
    let endpoint = server.registration_endpoint.as_ref().ok_or_else(|| ClientError::NoRegistration {
        issuer: server.issuer.clone(),
        documents: server.client_id_metadata_document,
    })?;
    dynamic::register(outbound, server, endpoint, wanted).await
}

#[cfg(test)]
mod tests;
