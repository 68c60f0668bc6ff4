//! What is known of one server's authorization: its authorization server, its record, and what was tried of late.
//!
//! Owned by the authorizer, behind a mutex: only one task works on it, so that any number of callers share one refresh.
//! A lock in the token store does the same among processes.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tracing::{info, warn};

use super::{credential::Credential, response::Tokens};
use crate::{
    net::GuardedClient,
    oauth::{
        discovery::{
            challenge::Challenge,
            search::{self, Discovered},
        },
        error::{AuthError, unfit},
        registration::client::Client,
        scopes::Scopes,
        server::ServerContext,
        storage::{legacy_import::LegacyLogin, record::Record},
    },
    secret::{ExposeSecret, SecretString},
};

/// See the module.
#[derive(Default)]
pub(crate) struct TokenState {
    /// Found at the last refusal.
    pub(crate) found: Option<Arc<Discovered>>,
    /// As it stands in the store.
    pub(crate) record: Option<Record>,
    /// The tokens of the Python mcpo; imported once the authorization server is known.
    pub(crate) legacy: Option<LegacyLogin>,
    /// The client of a login that is not complete yet, for the next one if it never is.
    pub(crate) client: Option<Client>,
    /// Whether a login has begun since one came back last. An authorization server that has forgotten a client shows
    /// its own error page, and the browser does not come back; nor does it if the person closes the page.
    pub(crate) unreturned: bool,
    /// The authorization server that the MCP server names and the config overrules, as it was logged last.
    overruled: Option<String>,
    /// What the next login asks for.
    pub(crate) wanted: Option<Scopes>,
    /// The access token that the store had last. If it has no record any more, a person has logged out. If it still
    /// has this one and we have another, or if it never had one, it has not taken ours.
    pub(crate) stored: Option<SecretString>,
    /// The access token that was given up last: a copy of it in the store is not news.
    pub(crate) dead: Option<SecretString>,
    /// Tokens that the server refused, to be tried again.
    pub(crate) quarantined: Option<Quarantined>,
    /// When clients were registered of late.
    pub(crate) registrations: Vec<Instant>,
    pub(crate) step_ups: Vec<Instant>,
    /// The last transient failure, for callers that waited meanwhile.
    pub(crate) failure: Option<(Instant, AuthError)>,
}

/// An access token that is not used for a while.
pub(crate) struct Quarantined {
    pub(crate) access: SecretString,
    pub(crate) pause: Duration,
    pub(crate) until: Instant,
}

impl TokenState {
    /// Takes over what the store holds, if it is news.
    pub(crate) async fn recall(&mut self, context: &ServerContext) -> Result<(), AuthError> {
        let stored = context.store().await?.load(&context.name, &context.url).await.map_err(unfit)?;
        match stored {
            Some(record) => drop(self.adopt(context, record)?),
            None if self.record.is_none() => {
                self.legacy =
                    context.store().await?.legacy(&context.name, &context.url).await.map_err(unfit)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Takes `record` over from the store. Returns a credential if the record holds a new one that is still of use.
    pub(crate) fn adopt(
        &mut self,
        context: &ServerContext,
        record: Record,
    ) -> Result<Option<Arc<Credential>>, AuthError> {
        let moved = self.found.as_ref().is_some_and(|found| found.server.issuer != record.issuer);
        // Tokens of another client than the configured one cannot be renewed by it.
        let configured = context.settings.client.as_ref();
        if moved || configured.is_some_and(|client| client.id != record.client.id) {
            return Ok(None);
        }
        let is = |other: Option<&SecretString>, access: &SecretString| {
            other.is_some_and(|other| other.expose_secret() == access.expose_secret())
        };
        let own = self.tokens().map(|tokens| &tokens.access);
        let stale = match &record.tokens {
            Some(Tokens { access, .. }) => is(self.stored.as_ref(), access) && !is(own, access),
            None => self.stored.is_none(),
        };
        if own.is_some() && stale {
            return Ok(None);
        }
        let paused = self.quarantined.as_ref().filter(|quarantined| quarantined.until > Instant::now());
        let known = |access: &SecretString| {
            is(self.dead.as_ref(), access)
                || is(paused.map(|quarantined| &quarantined.access), access)
                || is(own, access) && context.has_credential()
        };
        let news = record.tokens.as_ref().filter(|tokens| !known(&tokens.access) && usable(tokens));
        let credential = news.map(|tokens| context.install(tokens)).transpose()?;
        self.stored = record.tokens.as_ref().map(|tokens| tokens.access.clone());
        self.record = Some(record);
        Ok(credential)
    }

    /// A failure that came after `since`: a caller that has waited since then need not try again.
    pub(crate) fn failure_since(&self, since: Instant) -> Option<AuthError> {
        self.failure.as_ref().filter(|(when, _)| *when >= since).map(|(_, error)| error.clone())
    }

    /// Looks for the authorization server, and forgets what belongs to a former one.
    pub(crate) async fn discover(
        &mut self,
        context: &ServerContext,
        challenge: &Challenge,
    ) -> Result<Arc<Discovered>, AuthError> {
        let base = context.settings.server_url.as_ref();
        let guarded = context.oauth.network().login(&context.url, challenge.peer);
        let found = search::discover(guarded, &context.url, base, challenge).await.map_err(|error| {
            let text = error.to_string();
            if error.is_transient() { AuthError::Unavailable(text) } else { AuthError::Unfit(text) }
        })?;
        let issuer = &found.server.issuer;
        if let Some(named) = found.overruled.as_ref().filter(|named| self.overruled.as_ref() != Some(named)) {
            warn!(
                server = context.name,
                named,
                issuer,
                "the server names another authorization server than server_url in its oauth block, which counts"
            );
            self.overruled = Some(named.clone());
        }
        if let (Some(_), Some(record)) = (&context.settings.client, &self.record)
            && record.issuer != *issuer
        {
            return Err(AuthError::Unfit(format!(
                "the authorization server is now {issuer}, and the configured client belongs to {}; if \
                 that is right, run: mcpo logout {}",
                record.issuer, context.name
            )));
        }
        if self.record.as_ref().is_some_and(|record| record.issuer != *issuer) {
            info!(server = context.name, issuer, "the server has moved to another authorization server");
            self.record = None;
            self.wanted = None;
        }
        if self.client.as_ref().is_some_and(|client| client.issuer != *issuer) {
            self.client = None;
        }
        let found = Arc::new(found);
        self.found = Some(found.clone());
        Ok(found)
    }

    /// The challenge's scopes, else what the config names, else what the resource names, else none
    /// (MCP 2025-11-25, Scope Selection Strategy).
    pub(crate) fn initial_scopes(&self, context: &ServerContext, challenge: &Challenge) -> Option<Scopes> {
        let configured = context.settings.client_metadata.get("scope").and_then(|scope| scope.as_str());
        let found = self.found.as_ref();
        challenge
            .scopes
            .clone()
            .or_else(|| configured.map(Scopes::parse))
            .or_else(|| found.and_then(|found| found.scopes.clone()))
    }

    /// The scopes that a login requests, with the one that asks for a refresh token (SEP-2207) if the server has it.
    pub(crate) fn scopes_to_ask(&self, context: &ServerContext) -> Option<Scopes> {
        const OFFLINE: &str = "offline_access";
        let asked = Some(self.asked_for()).filter(|asked| !asked.is_empty());
        let initial = || self.initial_scopes(context, &Challenge::default());
        let scopes = self.wanted.clone().or(asked).or_else(initial)?;
        let offered = self.found.as_ref().and_then(|found| found.server.scopes.as_ref());
        let offline = offered.is_some_and(|offered| offered.contains(OFFLINE));
        Some(if offline { scopes.union(&Scopes::parse(OFFLINE)) } else { scopes })
    }

    /// Returns the client for requests to this server's authorization server. As long as that was not looked for, the
    /// client goes by where the MCP server is, which has answered from `peer` or is asked.
    pub(crate) async fn guarded(&self, context: &ServerContext, peer: Option<IpAddr>) -> GuardedClient {
        if let Some(found) = &self.found {
            return found.guarded.clone();
        }
        let mut guarded = context.oauth.network().login(&context.url, peer);
        guarded.locate().await;
        guarded
    }

    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        self.record.as_ref().and_then(|record| record.tokens.as_ref())
    }

    /// Every scope that was granted or asked for.
    pub(crate) fn asked_for(&self) -> Scopes {
        let granted = self.tokens().and_then(|tokens| tokens.scopes.clone()).unwrap_or_default();
        let asked = self.record.as_ref().and_then(|record| record.requested_scopes.clone());
        let wanted = self.wanted.clone().unwrap_or_default();
        granted.union(&asked.unwrap_or_default()).union(&wanted)
    }
}

/// Whether tokens are good for anything: a call, or a refresh.
fn usable(tokens: &Tokens) -> bool {
    tokens.refresh.is_some() || tokens.expires_at.is_none_or(|expires| expires > SystemTime::now())
}
