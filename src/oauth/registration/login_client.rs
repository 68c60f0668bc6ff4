//! The client that a login to one server uses: one that an earlier login has left, or a new one.

use std::{mem, sync::Arc, time::Instant};

use tracing::warn;
use url::Url;

use super::{
    client::{Client, ClientError, ClientOrigin, Wanted},
    obtain::obtain,
};
use crate::{
    config::Grant,
    oauth::{
        authorization::pending::LOGIN_LIFETIME,
        discovery::{challenge::Challenge, search::Discovered},
        endpoint::EndpointError,
        error::{AuthError, unavailable, unfit},
        server::ServerContext,
        storage::record::Record,
        token::state::TokenState,
    },
};

/// How many clients are registered within [`LOGIN_LIFETIME`] for logins that are never completed.
const MOST_REGISTRATIONS: usize = 5;

/// The client to log in as, and the authorization server; both are kept until the login is complete.
pub(crate) async fn prepare(
    state: &mut TokenState,
    context: &ServerContext,
    redirect_uri: &Url,
) -> Result<(Client, Arc<Discovered>), AuthError> {
    let found = match state.found.clone() {
        Some(found) => found,
        None => state.discover(context, &Challenge::default()).await?,
    };
    login_possible(&found, context)?;
    // A client that did not bring the last login back may be forgotten there, or the person has closed the page.
    let lost = mem::replace(&mut state.unreturned, true);
    state.registrations.retain(|then| then.elapsed() < LOGIN_LIFETIME);
    let doubtful = lost && state.registrations.len() < MOST_REGISTRATIONS;
    if let Some(client) = known(state, context, &found, redirect_uri)
        && !(doubtful && is_forgotten(context, &found, &client).await)
    {
        return Ok((client, found));
    }
    let _alone = context.alone().await?;
    state.registrations.push(Instant::now());
    let client = new_client(state, context, &found, redirect_uri).await?;
    remember(state, context, &found, client.clone()).await;
    Ok((client, found))
}

/// Checks that a person could log in. Many servers answer 401 and do not support OAuth: if nothing is published, only a
/// registration shows that there is an authorization server.
pub(crate) async fn check_open(state: &mut TokenState, context: &ServerContext) -> Result<(), AuthError> {
    let Some(found) = state.found.clone() else { return Ok(()) };
    login_possible(&found, context)?;
    let redirect_uri = context.oauth.callback();
    if found.server.presumed
        && context.settings.client.is_none()
        && known(state, context, &found, &redirect_uri).is_none()
    {
        let client = new_client(state, context, &found, &redirect_uri).await.map_err(|error| match error {
            AuthError::Unfit(reason) => AuthError::Unfit(format!(
                "the server answers 401 and offers no login ({reason}); if it wants a key, put it into the \
                 server's headers"
            )),
            error => error,
        })?;
        remember(state, context, &found, client).await;
    }
    Ok(())
}

/// The client of an earlier login, if the next one may use it.
fn known(
    state: &TokenState,
    context: &ServerContext,
    found: &Discovered,
    redirect_uri: &Url,
) -> Option<Client> {
    // A configured client is built anew, as the config may have changed.
    if context.settings.client.is_some() {
        return None;
    }
    let scopes = state.scopes_to_ask(context);
    let kept = state.record.as_ref().map(|record| &record.client);
    let mut known = state.client.iter().chain(kept);
    known.find(|client| client.good_for(&found.server.issuer, redirect_uri, scopes.as_ref())).cloned()
}

async fn is_forgotten(context: &ServerContext, found: &Discovered, client: &Client) -> bool {
    let url = &found.server.token_endpoint;
    client.origin == ClientOrigin::Registered
        && context.token_endpoint(&found.guarded, url, client, &found.resource).forgot_client().await
}

/// Keeps a client for later logins, even if this one is abandoned: in memory, and in the store if that overwrites no
/// tokens. The caller holds the lock.
async fn remember(state: &mut TokenState, context: &ServerContext, found: &Discovered, client: Client) {
    state.client = Some(client.clone());
    if client.origin != ClientOrigin::Registered || state.tokens().is_some() || state.legacy.is_some() {
        return;
    }
    let kept = async {
        let store = context.store().await?;
        match store.load(&context.name, &context.url).await.map_err(unavailable)? {
            Some(Record { tokens: Some(_), .. }) => Ok(()),
            _ => store.save(&context.record(found, client)).await.map_err(unavailable),
        }
    };
    if let Err(error) = kept.await {
        warn!(server = context.name, %error, "the registration is not kept: after a restart there is another");
    }
}

/// Becomes a client of the authorization server.
async fn new_client(
    state: &TokenState,
    context: &ServerContext,
    found: &Discovered,
    redirect_uri: &Url,
) -> Result<Client, AuthError> {
    let (scopes, document) = (state.scopes_to_ask(context), context.oauth.document());
    let wanted = Wanted {
        configured: context.settings.client.as_ref(),
        document: document.as_ref(),
        redirect_uri,
        metadata: &context.settings.client_metadata,
        scopes: scopes.as_ref(),
    };
    obtain(&found.guarded, &found.server, &wanted).await.map_err(|error| match error {
        ClientError::Registration(EndpointError::Unreachable(_)) => unavailable(error),
        error => unfit(error),
    })
}

/// Whether a person could log in at all.
fn login_possible(found: &Discovered, context: &ServerContext) -> Result<(), AuthError> {
    let server = &found.server;
    let unfit = |reason: &str| {
        let faults = server.faults.iter().map(|fault| format!("; {fault}"));
        Err(AuthError::Unfit(faults.fold(reason.to_owned(), |reason, fault| reason + &fault)))
    };
    if context.settings.grant == Grant::ClientCredentials {
        return unfit("mcpo acts for itself here (grant_type client_credentials); nobody has to log in");
    }
    if server.authorization_endpoint.is_none() {
        return unfit(
            "the authorization server has no authorization endpoint; configure grant_type client_credentials",
        );
    }
    if !context.settings.assume_pkce && !server.can_pkce() {
        return Err(AuthError::Unfit(format!(
            "{} does not list S256 in `code_challenge_methods_supported`: logins need PKCE; if its documentation says \
             that it has it all the same, put \"assume_pkce\": true into the server's oauth block",
            server.issuer
        )));
    }
    let document = server.client_id_metadata_document && context.oauth.document().is_some();
    if context.settings.client.is_none() && !document && server.registration_endpoint.is_none() {
        return unfit(
            "the authorization server registers no clients by itself; register one there by hand, and put its \
             client_id into the server's oauth block",
        );
    }
    Ok(())
}
