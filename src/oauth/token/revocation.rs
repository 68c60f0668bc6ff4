//! What is kept of a server's tokens: shown to people, and revoked (RFC 7009).

use std::time::SystemTime;

use tracing::warn;

use super::state::TokenState;
use crate::oauth::{
    error::{AuthError, unavailable},
    scopes::Scopes,
    server::ServerContext,
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
pub(crate) async fn log_out(state: &TokenState, context: &ServerContext) -> Result<bool, AuthError> {
    let store = context.store().await?;
    let alone = store.lock(&context.name, &context.url).await.map_err(unavailable)?;
    let record = store.load(&context.name, &context.url).await.map_err(unavailable)?;
    let legacy = store.legacy(&context.name, &context.url).await.map_err(unavailable)?;
    // Those of the Python mcpo are not taken over after that.
    context.forget().await?;
    drop(alone);
    let Some((record, tokens)) = record.as_ref().and_then(|record| Some((record, record.tokens.as_ref()?)))
    else {
        return Ok(legacy.is_some());
    };
    let Some(url) = &record.revocation_endpoint else { return Ok(true) };
    let (guarded, client) = (state.guarded(context, None).await, context.with_secret(&record.client));
    let endpoint = context.token_endpoint(&guarded, &record.token_endpoint, &client, &record.resource);
    for token in tokens.refresh.iter().chain([&tokens.access]) {
        if let Err(error) = endpoint.revoke(url, token).await {
            warn!(server = context.name, %error, "a token could not be revoked; it is removed here");
        }
    }
    Ok(true)
}
