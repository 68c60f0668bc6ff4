//! New tokens without a person: refreshed (RFC 6749 section 6), by client credentials (section 4.4), or imported from the
//! Python mcpo; and giving tokens up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::{
    credential::Credential,
    state::{Quarantined, TokenState},
};
use crate::{
    config::{ClientAuthMethod, Grant},
    oauth::{
        discovery::challenge::Challenge,
        discovery::search::Discovered,
        endpoint::EndpointError,
        error::{AuthError, unavailable, unfit},
        registration::{
            client::{Client, ClientOrigin},
            login_client,
        },
        server::ServerContext,
        storage::record::Record,
    },
};

/// How long refused tokens are quarantined; the time doubles if they are refused again.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

pub(crate) async fn renew(
    state: &mut TokenState,
    context: &ServerContext,
) -> Result<Arc<Credential>, AuthError> {
    match context.settings.grant {
        Grant::ClientCredentials => mint(state, context).await,
        Grant::AuthorizationCode => refresh(state, context, &Challenge::default()).await,
    }
}

/// Refreshes the tokens of a server that has answered with `challenge`, if it has.
pub(crate) async fn refresh(
    state: &mut TokenState,
    context: &ServerContext,
    challenge: &Challenge,
) -> Result<Arc<Credential>, AuthError> {
    let guarded = state.guarded(context, challenge.peer).await;
    let alone = context.alone().await?;
    match context.store().await?.load(&context.name, &context.url).await.map_err(unfit)? {
        // Another process may have been faster, and used up the refresh token that we know.
        Some(stored) => {
            if let Some(credential) = state.adopt(context, stored)?.filter(|new| !new.expired()) {
                return Ok(credential);
            }
        }
        None if state.stored.take().is_some() => {
            (state.record, state.legacy) = (None, None);
            return Err(context.dismiss("logged out by another process"));
        }
        None => {}
    }
    import_legacy(state, context);
    if state.tokens().is_none() {
        return Err(give_up(state, context, "no login yet").await);
    }
    let Some((record, refresh, granted)) = state.record.as_mut().and_then(|record| {
        let tokens = record.tokens.as_ref()?;
        let (refresh, granted) = (tokens.refresh.clone()?, tokens.scopes.clone());
        Some((record, refresh, granted))
    }) else {
        return Err(
            give_up(state, context, "the token is no longer good, and there is none to refresh it").await
        );
    };
    let client = context.with_secret(&record.client);
    let endpoint = context.token_endpoint(&guarded, &record.token_endpoint, &client, &record.resource);
    match endpoint.refresh(&refresh, granted.as_ref()).await {
        Ok(tokens) => {
            context.count_refresh();
            record.tokens = Some(tokens);
            keep(state, context).await
        }
        // The server has moved, and its authorization server may have.
        Err(EndpointError::Forbidden(_)) if state.found.is_none() => {
            drop(alone);
            state.discover(context, challenge).await?;
            Box::pin(self::refresh(state, context, challenge)).await
        }
        Err(error) => Err(refresh_failed(state, context, error).await),
    }
}

/// A refusal ends the tokens, however it is worded; `invalid_client` ends the client too. An answer that is neither
/// tokens nor a refusal may not be the authorization server's. What cannot be asked now may pass.
async fn refresh_failed(state: &mut TokenState, context: &ServerContext, error: EndpointError) -> AuthError {
    match error {
        EndpointError::Refused { error: ref name, .. } if name == "invalid_client" => {
            if context.settings.client.is_some() {
                return quarantine(
                    state,
                    context,
                    &format!("{error}; check client_id and what proves it in the config"),
                );
            }
            state.client = None;
            let reason = "the authorization server has forgotten this client";
            let error = give_up(state, context, reason).await;
            state.record = None;
            state.stored = None;
            if let Err(error) = context.forget().await {
                warn!(server = context.name, %error, "the forgotten client cannot be removed");
            }
            error
        }
        EndpointError::Refused { .. } => {
            info!(server = context.name, %error, "the token is not refreshed any more");
            give_up(state, context, "the authorization has ended or was revoked").await
        }
        EndpointError::Odd(_) => {
            quarantine(state, context, &format!("the token could not be refreshed: {error}"))
        }
        EndpointError::Unreachable(_) | EndpointError::Forbidden(_) | EndpointError::Unsigned(_) => {
            AuthError::Unavailable(format!("the token could not be refreshed: {error}"))
        }
    }
}

pub(crate) async fn mint(
    state: &mut TokenState,
    context: &ServerContext,
) -> Result<Arc<Credential>, AuthError> {
    let found = state
        .found
        .clone()
        .ok_or_else(|| AuthError::Unavailable("nothing is known of the authorization server yet".into()))?;
    let Some(client) = &context.settings.client else {
        return Err(unfit("grant_type client_credentials needs a client_id in the server's oauth block"));
    };
    let client = Client::configured(&found.server, client, None);
    let endpoint =
        context.token_endpoint(&found.guarded, &found.server.token_endpoint, &client, &found.resource);
    match endpoint.client_credentials(state.wanted.as_ref()).await {
        Ok(tokens) => {
            pin(state, context, &found, client).await;
            context.count_refresh();
            context.use_new(&tokens)
        }
        Err(error @ EndpointError::Unreachable(_)) => Err(AuthError::Unavailable(error.to_string())),
        Err(error) => Err(unfit(error)),
    }
}

/// Stores the record, and only then begins to use its token.
pub(crate) async fn keep(
    state: &mut TokenState,
    context: &ServerContext,
) -> Result<Arc<Credential>, AuthError> {
    let Some(record) = &state.record else {
        return Err(AuthError::Unavailable("there is no token to keep".into()));
    };
    if let Some(reason) = context.volatile() {
        warn!(server = context.name, reason, "the token is not kept: after a restart a login is needed");
    }
    // A token that cannot be kept is still better than none.
    match context.store().await?.save(record).await {
        Ok(()) => state.stored = record.tokens.as_ref().map(|tokens| tokens.access.clone()),
        Err(error) => {
            warn!(server = context.name, %error, "the token is not kept: after a restart a login is needed");
        }
    }
    let tokens = record.tokens.as_ref().ok_or_else(|| AuthError::Unavailable("there is no token".into()))?;
    context.use_new(tokens)
}

/// Remembers the authorization server of the configured client: its credentials never go to another one, even if the
/// MCP server names one.
async fn pin(state: &mut TokenState, context: &ServerContext, found: &Discovered, client: Client) {
    if state.record.is_none() {
        let record = context.record(found, client);
        if let Ok(store) = context.store().await
            && let Err(error) = store.save(&record).await
        {
            warn!(server = context.name, %error, "its authorization server cannot be remembered");
        }
        state.record = Some(record);
    }
}

/// Stops using tokens that the server refuses, without losing them: it may be the one that is at fault.
pub(crate) fn quarantine(state: &mut TokenState, context: &ServerContext, reason: &str) -> AuthError {
    let access = state.tokens().map(|tokens| tokens.access.clone());
    let recent = state.quarantined.as_ref().filter(|quarantined| quarantined.until.elapsed() < LONGEST_PAUSE);
    let pause = recent.map_or(FIRST_PAUSE, |quarantined| (quarantined.pause * 2).min(LONGEST_PAUSE));
    state.quarantined = access.map(|access| Quarantined { access, pause, until: Instant::now() + pause });
    context.dismiss(reason)
}

/// Gives the tokens up, in memory and in the store: a person has to log in. The caller holds the lock.
pub(crate) async fn give_up(state: &mut TokenState, context: &ServerContext, reason: &str) -> AuthError {
    if let Some(record) = &mut state.record
        && let Some(tokens) = record.tokens.take()
    {
        state.dead = Some(tokens.access);
        // mcpo's client may still hold, so the record stays.
        let kept = async { context.store().await?.save(record).await.map_err(unavailable) };
        if let Err(error) = kept.await {
            warn!(server = context.name, %error, "the token is no good, and cannot be removed");
        }
    }
    match login_client::check_open(state, context).await {
        Ok(()) => context.dismiss(reason),
        Err(error) => error,
    }
}

/// Imports the tokens of the Python mcpo, now that their authorization server is known.
fn import_legacy(state: &mut TokenState, context: &ServerContext) {
    if state.record.is_some() {
        return;
    }
    if let (Some(found), Some(legacy)) = (&state.found, state.legacy.take()) {
        info!(server = context.name, "took over the tokens of the Python mcpo");
        let client = Client {
            issuer: found.server.issuer.clone(),
            id: legacy.client_id,
            method: legacy.method.unwrap_or(match legacy.client_secret {
                Some(_) => ClientAuthMethod::Post,
                None => ClientAuthMethod::None,
            }),
            secret: legacy.client_secret,
            secret_expires: legacy.secret_expires,
            redirect_uri: legacy.redirect_uris.into_iter().next(),
            scopes: None,
            origin: ClientOrigin::Registered,
        };
        let tokens = legacy.tokens;
        state.record = Some(Record { tokens, ..context.record(found, client) });
    }
}
