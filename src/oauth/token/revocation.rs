//! What is kept of a server, for people: shown, and given up.

use std::time::SystemTime;

use tracing::warn;

use super::refresh;
use crate::oauth::{
    authorizer::Authorizer,
    error::{AuthError, unavailable},
    scopes::Scopes,
};

/// What is known of a server's tokens, without the tokens.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Who issued them.
    pub issuer: String,
    /// When the access token expires, where that is known.
    pub expires: Option<SystemTime>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// What was granted.
    pub scopes: Option<Scopes>,
}

impl Authorizer {
    /// What is kept of this server's tokens.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn kept(&self) -> Result<Option<Kept>, AuthError> {
        let shared = &self.shared;
        let record = shared.vault().await?.load(&shared.server, &shared.url).await.map_err(unavailable)?;
        Ok(record.and_then(|record| {
            let tokens = record.tokens?;
            Some(Kept {
                issuer: record.issuer,
                expires: tokens.expires_at,
                refreshable: tokens.refresh.is_some(),
                scopes: tokens.scopes,
            })
        }))
    }

    /// Removes what is kept, and revokes the tokens where the authorization server takes that (RFC 7009). Gives
    /// false where there was nothing.
    ///
    /// # Errors
    ///
    /// The store cannot be read or written.
    pub async fn log_out(&self) -> Result<bool, AuthError> {
        self.detached(|shared| async move {
            let mut ledger = shared.ledger.lock().await;
            let vault = shared.vault().await?;
            let _alone = vault.lock(&shared.server, &shared.url).await.map_err(unavailable)?;
            let record = vault.load(&shared.server, &shared.url).await.map_err(unavailable)?;
            let inherited = vault.inherited(&shared.server, &shared.url).await.map_err(unavailable)?;
            // Those of the Python mcpo are not taken over after that.
            shared.forget().await?;
            let Some((record, tokens)) = record.as_ref().and_then(|record| Some((record, record.tokens.as_ref()?)))
            else {
                return Ok(inherited.is_some());
            };
            if let Some(url) = &record.revocation_endpoint {
                let outbound = match ledger.outbound(&shared).await {
                    Ok(outbound) => outbound,
                    Err(error) => {
                        warn!(server = shared.server, %error, "the tokens could not be revoked; they are removed here");
                        return Ok(true);
                    }
                };
                let client = refresh::with_credential(&shared, &record.client);
                let endpoint =
                    refresh::endpoint(&shared, &outbound, &record.token_endpoint, &client, &record.resource);
                for token in tokens.refresh.iter().chain([&tokens.access]) {
                    if let Err(error) = endpoint.revoke(url, token).await {
                        warn!(server = shared.server, %error, "a token could not be revoked; it is removed here");
                    }
                }
            }
            Ok(true)
        })
        .await
    }
}
