//! What is kept of a server's tokens: shown to people, and revoked (RFC 7009).

use std::time::SystemTime;

use tracing::warn;
use url::Url;

use super::state::TokenState;
use crate::{
    oauth::{
        discovery::challenge::Challenge,
        endpoint::EndpointError,
        error::{AuthError, unavailable},
        scopes::Scopes,
        server::ServerContext,
        storage::record::Record,
    },
    secret::SecretString,
};

/// What is known of a server's tokens, without the tokens.
#[derive(Debug, Clone)]
pub struct TokenInfo {
    /// The authorization server that issued them.
    pub issuer: String,
    /// When the access token expires, if that is known.
    pub expires: Option<SystemTime>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// The granted scopes.
    pub scopes: Option<Scopes>,
}

/// What is kept of this server's tokens.
pub(crate) async fn info(context: &ServerContext) -> Result<Option<TokenInfo>, AuthError> {
    let record = context.store().await?.load(&context.name, &context.url).await.map_err(unavailable)?;
    Ok(record.and_then(|record| {
        let tokens = record.tokens?;
        Some(TokenInfo {
            issuer: record.issuer,
            expires: tokens.expires_at,
            refreshable: tokens.refresh.is_some(),
            scopes: tokens.scopes,
        })
    }))
}

/// Removes what is kept, and revokes the tokens if the authorization server takes that. Returns false if nothing was
/// kept.
pub(crate) async fn log_out(state: &mut TokenState, context: &ServerContext) -> Result<bool, AuthError> {
    let store = context.store().await?;
    let _alone = store.lock(&context.name, &context.url).await.map_err(unavailable)?;
    let record = store.load(&context.name, &context.url).await.map_err(unavailable)?;
    let legacy = store.legacy(&context.name, &context.url).await.map_err(unavailable)?;
    // Those of the Python mcpo are not taken over after that.
    context.forget().await?;
    let Some((record, tokens)) = record.as_ref().and_then(|record| Some((record, record.tokens.as_ref()?)))
    else {
        return Ok(legacy.is_some());
    };
    let Some(url) = &record.revocation_endpoint else { return Ok(true) };
    for token in tokens.refresh.iter().chain([&tokens.access]) {
        let mut revoked = revoke(state, context, record, url, token).await;
        // Only an answer of the server itself shows that it is inside.
        if matches!(revoked, Err(EndpointError::Forbidden(_)))
            && state.found.is_none()
            && state.discover(context, &Challenge::default()).await.is_ok()
        {
            revoked = revoke(state, context, record, url, token).await;
        }
        if let Err(error) = revoked {
            warn!(server = context.name, %error, "a token could not be revoked; it is removed here");
        }
    }
    Ok(true)
}

async fn revoke(
    state: &TokenState,
    context: &ServerContext,
    record: &Record,
    url: &Url,
    token: &SecretString,
) -> Result<(), EndpointError> {
    let (guarded, client) = (state.guarded(context, None).await, context.with_secret(&record.client));
    context
        .token_endpoint(&guarded, &record.token_endpoint, &client, &record.resource)
        .revoke(url, token)
        .await
}
