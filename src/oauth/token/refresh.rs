//! New tokens for old ones, without a person: refreshed, minted, inherited; and giving them up.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tracing::{info, warn};
use url::Url;

use super::{
    credential::Credential,
    endpoint::TokenEndpoint,
    state::{Aside, Ledger},
};
use crate::{
    config::{ClientAuthMethod, ClientCredential, Grant, StaticClient},
    oauth::{
        authorization::login::login_possible,
        discovery::search::Discovered,
        endpoint::EndpointError,
        error::{AuthError, unavailable, unfit},
        outbound::Outbound,
        registration::client::{Client, ClientOrigin},
        server::Shared,
        storage::record::{Record, Version},
    },
};

/// How long tokens are set aside that were refused, one time after another.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

impl Ledger {
    pub(in crate::oauth) async fn renew(&mut self, shared: &Shared) -> Result<Arc<Credential>, AuthError> {
        match shared.settings.grant {
            Grant::ClientCredentials => self.mint(shared).await,
            Grant::AuthorizationCode => self.refresh(shared).await,
        }
    }

    pub(in crate::oauth) async fn refresh(&mut self, shared: &Shared) -> Result<Arc<Credential>, AuthError> {
        let _alone = shared.alone().await?;
        match shared.vault().await?.load(&shared.server, &shared.url).await.map_err(unfit)? {
            // Another process may have been faster, and has burnt the refresh token that we know.
            Some(stored) => {
                if let Some(credential) = self.adopt(shared, stored)?.filter(|new| !new.expired()) {
                    return Ok(credential);
                }
            }
            None if self.stored.take().is_some() => {
                (self.record, self.inherited) = (None, None);
                return Err(shared.dismiss("somebody has logged out"));
            }
            None => {}
        }
        self.inherit(shared);
        let outbound = self.outbound(shared).await?;
        if self.tokens().is_none() {
            return Err(self.give_up(shared, "nobody has logged in yet").await);
        }
        let Some((record, refresh, granted)) = self.record.as_mut().and_then(|record| {
            let tokens = record.tokens.as_ref()?;
            let (refresh, granted) = (tokens.refresh.clone()?, tokens.scopes.clone());
            Some((record, refresh, granted))
        }) else {
            return Err(self
                .give_up(shared, "the token is no longer good, and there is none to refresh it")
                .await);
        };
        let client = with_credential(shared, &record.client);
        let endpoint = endpoint(shared, &outbound, &record.token_endpoint, &client, &record.resource);
        match endpoint.refresh(&refresh, granted.as_ref()).await {
            Ok(tokens) => {
                shared.refreshes.fetch_add(1, Relaxed);
                record.tokens = Some(tokens);
                self.keep(shared).await
            }
            Err(error) => Err(self.refresh_failed(shared, error).await),
        }
    }

    /// A refusal ends the tokens, however it is worded; `invalid_client` ends the client too. An answer that is neither
    /// tokens nor a refusal may not be the authorization server's. What cannot be asked now may pass.
    async fn refresh_failed(&mut self, shared: &Shared, error: EndpointError) -> AuthError {
        match error {
            EndpointError::Refused { error: ref name, .. } if name == "invalid_client" => {
                if shared.settings.client.is_some() {
                    return self.set_aside(
                        shared,
                        &format!("{error}; check client_id and what proves it in the config"),
                    );
                }
                self.client = None;
                let reason = "the authorization server has forgotten this client";
                let error = self.give_up(shared, reason).await;
                self.record = None;
                self.stored = None;
                if let Err(error) = shared.forget().await {
                    warn!(server = shared.server, %error, "the forgotten client cannot be removed");
                }
                error
            }
            EndpointError::Refused { .. } => {
                info!(server = shared.server, %error, "the token is not refreshed any more");
                self.give_up(shared, "the authorization has ended or was revoked").await
            }
            EndpointError::Odd(_) => {
                self.set_aside(shared, &format!("the token could not be refreshed: {error}"))
            }
            EndpointError::Unreachable(_) | EndpointError::Forbidden(_) | EndpointError::Unsigned(_) => {
                AuthError::Unavailable(format!("the token could not be refreshed: {error}"))
            }
        }
    }

    pub(in crate::oauth) async fn mint(&mut self, shared: &Shared) -> Result<Arc<Credential>, AuthError> {
        let found = self.found.clone().ok_or_else(|| {
            AuthError::Unavailable("nothing is known of the authorization server yet".into())
        })?;
        let Some(client) = &shared.settings.client else {
            return Err(unfit("grant_type client_credentials needs a client_id in the server's oauth block"));
        };
        let client = Client::configured(&found.server, client, None);
        let outbound = self.outbound(shared).await?;
        let endpoint = endpoint(shared, &outbound, &found.server.token_endpoint, &client, &found.resource);
        match endpoint.client_credentials(self.wanted.as_ref()).await {
            Ok(tokens) => {
                self.pin(shared, &found, client).await;
                shared.refreshes.fetch_add(1, Relaxed);
                let credential = shared.install(&tokens)?;
                told(shared, &credential);
                Ok(credential)
            }
            Err(error @ EndpointError::Unreachable(_)) => Err(AuthError::Unavailable(error.to_string())),
            Err(error) => Err(unfit(error)),
        }
    }

    /// Stores the record, and only then begins to use its token.
    pub(in crate::oauth) async fn keep(&mut self, shared: &Shared) -> Result<Arc<Credential>, AuthError> {
        let Some(record) = &self.record else {
            return Err(AuthError::Unavailable("there is no token to keep".into()));
        };
        if let Some(reason) = shared.volatile() {
            warn!(server = shared.server, reason, "the token is not kept: after a restart a login is needed");
        }
        // A token that cannot be kept is still better than none.
        match shared.vault().await?.save(record).await {
            Ok(()) => self.stored = record.tokens.as_ref().map(|tokens| tokens.access.clone()),
            Err(error) => {
                warn!(server = shared.server, %error, "the token is not kept: after a restart a login is needed");
            }
        }
        let tokens =
            record.tokens.as_ref().ok_or_else(|| AuthError::Unavailable("there is no token".into()))?;
        let credential = shared.install(tokens)?;
        told(shared, &credential);
        Ok(credential)
    }

    /// Remembers whose client the configured one is: its credentials never go to another authorization server, though
    /// the MCP server names one.
    async fn pin(&mut self, shared: &Shared, found: &Discovered, client: Client) {
        if self.record.is_none() {
            let record = record(shared, found, client);
            if let Ok(vault) = shared.vault().await
                && let Err(error) = vault.save(&record).await
            {
                warn!(server = shared.server, %error, "its authorization server cannot be remembered");
            }
            self.record = Some(record);
        }
    }

    /// Stops using tokens that the server refuses, without losing them: it may be the one that is at fault.
    pub(in crate::oauth) fn set_aside(&mut self, shared: &Shared, reason: &str) -> AuthError {
        let access = self.tokens().map(|tokens| tokens.access.clone());
        let recent = self.aside.as_ref().filter(|aside| aside.until.elapsed() < LONGEST_PAUSE);
        let pause = recent.map_or(FIRST_PAUSE, |aside| (aside.pause * 2).min(LONGEST_PAUSE));
        self.aside = access.map(|access| Aside { access, pause, until: Instant::now() + pause });
        shared.dismiss(reason)
    }

    /// Gives the tokens up, here and in the store: a person has to log in. For who holds the lock.
    pub(in crate::oauth) async fn give_up(&mut self, shared: &Shared, reason: &str) -> AuthError {
        if let Some(record) = &mut self.record
            && let Some(tokens) = record.tokens.take()
        {
            self.dead = Some(tokens.access);
            if let Err(error) = forget_tokens(shared, record).await {
                warn!(server = shared.server, %error, "the token is no good, and cannot be removed");
            }
        }
        match self.login_open(shared).await {
            Ok(()) => shared.dismiss(reason),
            Err(error) => error,
        }
    }

    /// Whether a person could log in. Many servers answer 401 and know nothing of OAuth: where nothing is published,
    /// only a registration shows that there is an authorization server.
    async fn login_open(&mut self, shared: &Shared) -> Result<(), AuthError> {
        let Some(found) = self.found.clone() else { return Ok(()) };
        login_possible(&found, shared)?;
        let redirect_uri = shared.office.callback();
        if found.server.presumed
            && shared.settings.client.is_none()
            && self.known_client(shared, &found, &redirect_uri).is_none()
        {
            let client = self.obtain(shared, &found, &redirect_uri).await.map_err(|error| match error {
                AuthError::Unfit(reason) => AuthError::Unfit(format!(
                    "the server answers 401 and offers no login ({reason}); if it wants a key, put it into the \
                     server's headers"
                )),
                error => error,
            })?;
            self.remember(shared, &found, client).await;
        }
        Ok(())
    }

    /// Takes over what the Python mcpo has left, now that its authorization server is known.
    fn inherit(&mut self, shared: &Shared) {
        if self.record.is_some() {
            return;
        }
        if let (Some(found), Some(inherited)) = (&self.found, self.inherited.take()) {
            info!(server = shared.server, "took over the tokens of the Python mcpo");
            let client = Client {
                issuer: found.server.issuer.clone(),
                id: inherited.client_id,
                method: inherited.method.unwrap_or(match inherited.client_secret {
                    Some(_) => ClientAuthMethod::Post,
                    None => ClientAuthMethod::None,
                }),
                secret: inherited.client_secret,
                secret_expires: inherited.secret_expires,
                redirect_uri: inherited.redirect_uris.into_iter().next(),
                scopes: None,
                origin: ClientOrigin::Registered,
            };
            let tokens = inherited.tokens;
            self.record = Some(Record { tokens, ..record(shared, found, client) });
        }
    }
}

fn told(shared: &Shared, credential: &Credential) {
    match credential.lifetime() {
        Some(left) => info!(server = shared.server, "got a token, good for {} s", left.as_secs_f64().round()),
        None => info!(server = shared.server, "got a token"),
    }
}

/// Keeps `record` without its tokens: who mcpo is to the server may still hold.
async fn forget_tokens(shared: &Shared, record: &Record) -> Result<(), AuthError> {
    shared.vault().await?.save(record).await.map_err(unavailable)
}

/// A configured client with its secret, which stands in the config and not in the record.
pub(in crate::oauth) fn with_credential(shared: &Shared, client: &Client) -> Client {
    let mut client = client.clone();
    if let Some(StaticClient { credential: ClientCredential::Secret(secret), .. }) = &shared.settings.client {
        client.secret = Some(secret.clone());
    }
    client
}

/// A record of `client`, without tokens so far.
pub(in crate::oauth) fn record(shared: &Shared, found: &Discovered, client: Client) -> Record {
    Record {
        version: Version,
        server: shared.server.clone(),
        url: shared.url.clone(),
        resource: found.resource.clone(),
        issuer: found.server.issuer.clone(),
        token_endpoint: found.server.token_endpoint.clone(),
        revocation_endpoint: found.server.revocation_endpoint.clone(),
        client: match client.origin {
            ClientOrigin::Configured => Client { secret: None, ..client },
            ClientOrigin::MetadataDocument | ClientOrigin::Registered => client,
        },
        tokens: None,
        requested_scopes: None,
    }
}

/// The token endpoint at `url` as `client` asks it for tokens of `resource`, in the way that is configured.
pub(in crate::oauth) fn endpoint<'a>(
    shared: &'a Shared,
    outbound: &'a Outbound,
    url: &'a Url,
    client: &'a Client,
    resource: &'a str,
) -> TokenEndpoint<'a> {
    let key = match shared.settings.client.as_ref().map(|client| &client.credential) {
        Some(ClientCredential::Key(key)) => Some(key),
        Some(ClientCredential::None | ClientCredential::Secret(_)) | None => None,
    };
    let resource = (!shared.settings.without_resource).then_some(resource);
    TokenEndpoint { outbound, url, client, key, resource, more: &shared.settings.token_params }
}
