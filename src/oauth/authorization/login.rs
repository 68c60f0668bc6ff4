//! A login from its start to its tokens (RFC 6749 section 4.1, RFC 7636).

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use oauth2::{CsrfToken, PkceCodeChallenge};
use tracing::warn;
use url::Url;

use super::{
    pending::{Login, Return, cookie_name},
    request::authorization_url,
};
use crate::{
    config::Grant,
    oauth::{
        authorizer::Authorizer,
        context::random_token,
        discovery::{challenge::Challenge, search::Discovered},
        endpoint::EndpointError,
        error::{AuthError, unavailable, unfit},
        registration::{
            client::{Client, ClientOrigin},
            obtain::{self, ClientError, Wanted},
        },
        server::Shared,
        storage::record::Record,
        token::{refresh, state::Ledger},
    },
};

/// How long a person may take.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(600);

/// How many clients are registered within that time for logins that nobody brings to an end.
const MOST_REGISTRATIONS: usize = 5;

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

impl Authorizer {
    /// Starts a login that comes back to `redirect_uri`.
    ///
    /// # Errors
    ///
    /// The authorization server cannot be found, or does not take us as a client.
    pub async fn begin(&self, redirect_uri: Url, waiting: Waiting) -> Result<Started, AuthError> {
        let authorizer = self.clone();
        self.detached(|shared| async move {
            let mut ledger = shared.ledger.lock().await;
            let (client, found) = ledger.prepare(&shared, &redirect_uri).await?;
            let scopes = ledger.scopes_to_ask(&shared);
            let endpoint = found.server.authorization_endpoint.as_ref();
            let endpoint = endpoint.ok_or_else(|| unfit("the authorization server takes no logins"))?;
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            let state = random_token();
            let cookie = Cookie { name: cookie_name(&state), value: random_token() };
            let url = authorization_url(
                endpoint,
                &client,
                scopes.as_ref(),
                (!shared.settings.without_resource).then_some(&found.resource),
                &shared.settings.authorization_params,
                CsrfToken::new(state.clone()),
                challenge,
            );
            let bond = (waiting == Waiting::Browser).then_some(cookie.value.as_str());
            let login = Login::new(authorizer, bond, verifier, client, found, scopes);
            shared.office.logins.insert(&state, login);
            Ok(Started { url, cookie })
        })
        .await
    }
}

/// Gets the tokens that a return is good for, and keeps them.
pub(in crate::oauth) async fn complete(
    shared: Arc<Shared>,
    login: Login,
    answer: Return,
) -> Result<(), AuthError> {
    let mut ledger = shared.ledger.lock().await;
    ledger.unreturned = false;
    let code = answer.code(&login.found)?;
    let _alone = shared.alone().await?;
    let outbound = ledger.outbound(&shared).await?;
    let found = &login.found;
    let endpoint =
        refresh::endpoint(&shared, &outbound, &found.server.token_endpoint, &login.client, &found.resource);
    let tokens = endpoint.exchange(&code, login.verifier, login.scopes.as_ref()).await;
    let tokens = tokens.map_err(|error| match error {
        EndpointError::Unreachable(_) => unavailable(error),
        error => unfit(error),
    })?;
    ledger.found = Some(login.found.clone());
    ledger.client = None;
    ledger.wanted = None;
    ledger.aside = None;
    shared.renew_ticket();
    ledger.record = Some(Record {
        tokens: Some(tokens),
        requested_scopes: login.scopes,
        ..refresh::record(&shared, &login.found, login.client)
    });
    ledger.keep(&shared).await?;
    shared.logins.send_replace(());
    Ok(())
}

impl Ledger {
    /// The client to log in as, and the authorization server; both are kept until the login is complete.
    async fn prepare(
        &mut self,
        shared: &Shared,
        redirect_uri: &Url,
    ) -> Result<(Client, Arc<Discovered>), AuthError> {
        let found = match self.found.clone() {
            Some(found) => found,
            None => self.discover(shared, &Challenge::default()).await?,
        };
        login_possible(&found, shared)?;
        // A client that did not bring the last login back may be forgotten there, or the person has closed the page.
        let lost = mem::replace(&mut self.unreturned, true);
        self.registrations.retain(|then| then.elapsed() < LOGIN_LIFETIME);
        let doubtful = lost && self.registrations.len() < MOST_REGISTRATIONS;
        if let Some(client) = self.known_client(shared, &found, redirect_uri)
            && !(doubtful && self.is_forgotten(shared, &found, &client).await)
        {
            return Ok((client, found));
        }
        let _alone = shared.alone().await?;
        self.registrations.push(Instant::now());
        let client = self.obtain(shared, &found, redirect_uri).await?;
        self.remember(shared, &found, client.clone()).await;
        Ok((client, found))
    }

    /// The client that an earlier login has left, where the next one may use it.
    pub(in crate::oauth) fn known_client(
        &self,
        shared: &Shared,
        found: &Discovered,
        redirect_uri: &Url,
    ) -> Option<Client> {
        // A configured client is built anew, as the config may have changed.
        if shared.settings.client.is_some() {
            return None;
        }
        let scopes = self.scopes_to_ask(shared);
        let kept = self.record.as_ref().map(|record| &record.client);
        let mut known = self.client.iter().chain(kept);
        known.find(|client| client.good_for(&found.server.issuer, redirect_uri, scopes.as_ref())).cloned()
    }

    async fn is_forgotten(&mut self, shared: &Shared, found: &Discovered, client: &Client) -> bool {
        let Ok(outbound) = self.outbound(shared).await else { return false };
        let url = &found.server.token_endpoint;
        client.origin == ClientOrigin::Registered
            && refresh::endpoint(shared, &outbound, url, client, &found.resource).forgot_client().await
    }

    /// Keeps a client for the logins to come, though this one be abandoned: here, and in the store, where that costs no
    /// tokens. For who holds the lock.
    pub(in crate::oauth) async fn remember(&mut self, shared: &Shared, found: &Discovered, client: Client) {
        self.client = Some(client.clone());
        if client.origin != ClientOrigin::Registered || self.tokens().is_some() || self.inherited.is_some() {
            return;
        }
        let kept = async {
            let vault = shared.vault().await?;
            match vault.load(&shared.server, &shared.url).await.map_err(unavailable)? {
                Some(Record { tokens: Some(_), .. }) => Ok(()),
                _ => vault.save(&refresh::record(shared, found, client)).await.map_err(unavailable),
            }
        };
        if let Err(error) = kept.await {
            warn!(server = shared.server, %error, "the registration is not kept: after a restart there is another");
        }
    }

    /// Becomes a client of the authorization server.
    pub(in crate::oauth) async fn obtain(
        &mut self,
        shared: &Shared,
        found: &Discovered,
        redirect_uri: &Url,
    ) -> Result<Client, AuthError> {
        let (scopes, document) = (self.scopes_to_ask(shared), shared.office.document());
        let wanted = Wanted {
            configured: shared.settings.client.as_ref(),
            document: document.as_ref(),
            redirect_uri,
            metadata: &shared.settings.client_metadata,
            scopes: scopes.as_ref(),
        };
        let outbound = self.outbound(shared).await?;
        obtain::obtain(&outbound, &found.server, &wanted).await.map_err(|error| match error {
            ClientError::Registration(EndpointError::Unreachable(_)) => unavailable(error),
            error => unfit(error),
        })
    }
}

/// Whether a person could log in at all.
pub(in crate::oauth) fn login_possible(found: &Discovered, shared: &Shared) -> Result<(), AuthError> {
    let server = &found.server;
    let unfit = |reason: &str| {
        let faults = server.faults.iter().map(|fault| format!("; {fault}"));
        Err(AuthError::Unfit(faults.fold(reason.to_owned(), |reason, fault| reason + &fault)))
    };
    if shared.settings.grant == Grant::ClientCredentials {
        return unfit("mcpo acts for itself here (grant_type client_credentials); nobody has to log in");
    }
    if server.authorization_endpoint.is_none() {
        return unfit(
            "the authorization server has no authorization endpoint; configure grant_type client_credentials",
        );
    }
    if !shared.settings.assume_pkce && !server.can_pkce() {
        return Err(AuthError::Unfit(format!(
            "{} does not list S256 in `code_challenge_methods_supported`: logins need PKCE; if its documentation says \
             that it has it all the same, put \"assume_pkce\": true into the server's oauth block",
            server.issuer
        )));
    }
    let document = server.client_id_metadata_document && shared.office.document().is_some();
    if shared.settings.client.is_none() && !document && server.registration_endpoint.is_none() {
        return unfit(
            "the authorization server registers no clients by itself; register one there by hand, and put its \
             client_id into the server's oauth block",
        );
    }
    Ok(())
}
