//! Becoming a client: as configured, by a client-id metadata document, or by registration.

use super::{
    client::{Client, ClientError, ClientOrigin, Wanted},
    dynamic,
};
use crate::{config::ClientAuthMethod, net::GuardedClient, oauth::discovery::metadata::AuthorizationServer};

/// Becomes a client of `server`, in the order of the MCP specification: as configured, else by our client-id
/// metadata document, else by registration.
///
/// # Errors
///
/// See [`ClientError`].
pub(crate) async fn obtain(
    guarded: &GuardedClient,
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
    dynamic::register(guarded, server, endpoint, wanted).await
}

#[cfg(test)]
mod tests;
