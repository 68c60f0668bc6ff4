//! A login from its start to its tokens (RFC 6749 section 4.1, RFC 7636).

use oauth2::{CsrfToken, PkceCodeChallenge};
use tokio::time::Instant;
use url::Url;

use super::{
    pending::{LOGIN_LIFETIME, PendingAuthorization, cookie_name, digest},
    request::authorization_url,
    response::AuthorizationResponse,
};
use crate::oauth::{
    context::random_token,
    endpoint::EndpointError,
    error::{AuthError, unavailable, unfit},
    registration::login_client,
    server::ServerContext,
    storage::record::Record,
    token::{refresh, state::TokenState},
};

/// A login that has begun.
pub struct Started {
    /// Where the browser goes now.
    pub url: Url,
    /// The cookie that has to come back with it.
    pub cookie: Cookie,
}

/// Binds a login to the browser that started it.
pub struct Cookie {
    /// Its own for each login, so that one browser may have several open.
    pub name: String,
    /// Random.
    pub value: String,
}

/// Who waits for the return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A browser, which keeps a cookie.
    Browser,
    /// A person at a terminal.
    Terminal,
}

/// Starts a login that comes back to `redirect_uri`.
pub(crate) async fn begin(
    state: &mut TokenState,
    context: &ServerContext,
    redirect_uri: &Url,
    waiting: Waiting,
) -> Result<Started, AuthError> {
    let (client, found) = login_client::prepare(state, context, redirect_uri).await?;
    let scopes = state.scopes_to_ask(context);
    let endpoint = found.server.authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| unfit("the authorization server takes no logins"))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let state = random_token();
    let cookie = Cookie { name: cookie_name(&state), value: random_token() };
    let url = authorization_url(
        endpoint,
        &client,
        scopes.as_ref(),
        (!context.settings.without_resource).then_some(&found.resource),
        &context.settings.authorization_params,
        CsrfToken::new(state.clone()),
        challenge,
    );
    let authorization = PendingAuthorization {
        server: context.name.clone(),
        url: context.url.clone(),
        settings: context.settings.clone(),
        verifier,
        client,
        found,
        scopes,
        cookie: (waiting == Waiting::Browser).then(|| digest(&cookie.value)),
        ends: Instant::now() + LOGIN_LIFETIME,
    };
    context.oauth.pending().insert(&state, authorization);
    Ok(Started { url, cookie })
}

/// Exchanges the code of `response` for tokens, and keeps them.
pub(crate) async fn complete(
    state: &mut TokenState,
    context: &ServerContext,
    authorization: PendingAuthorization,
    response: AuthorizationResponse,
) -> Result<(), AuthError> {
    state.unreturned = false;
    let PendingAuthorization { url, settings, verifier, client, found, scopes, .. } = authorization;
    if url != context.url || settings != context.settings {
        return Err(unfit("the server's configuration has changed since this login was started"));
    }
    let code = response.code(&found)?;
    let _alone = context.alone().await?;
    let endpoint =
        context.token_endpoint(&found.guarded, &found.server.token_endpoint, &client, &found.resource);
    let tokens = endpoint.exchange(&code, verifier, scopes.as_ref()).await;
    let tokens = tokens.map_err(|error| match error {
        EndpointError::Unreachable(_) => unavailable(error),
        error => unfit(error),
    })?;
    let record = context.record(&found, client);
    state.found = Some(found);
    state.client = None;
    state.wanted = None;
    state.quarantined = None;
    context.renew_ticket();
    state.record = Some(Record { tokens: Some(tokens), requested_scopes: scopes, ..record });
    refresh::keep(state, context).await?;
    context.logins.send_replace(());
    Ok(())
}
