//! What is known of one server's authorization, and what is done with the authorization server.
//!
//! Owned by the authorizer, behind its lock: whoever works on it is alone, so that there is one refresh for any
//! number of callers. A lock in the store does the same among processes.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tracing::{info, warn};

use super::{credential::Credential, response::Tokens};
use crate::{
    config::Grant,
    oauth::{
        discovery::{
            challenge::Challenge,
            search::{self, Discovered},
        },
        error::{AuthError, unavailable, unfit},
        outbound::Outbound,
        registration::client::Client,
        scopes::Scopes,
        server::Shared,
        storage::{legacy_import::Inherited, record::Record},
    },
    secret::{ExposeSecret, SecretString},
};

/// How often one request may be refused for a token that has just ended; then none is good.
const HOPEFUL: u32 = 2;
const REFUSES: &str = "the server refuses one new token after another";
/// How many more scopes a server may ask for within [`STEP_UP_WINDOW`], one time after another.
const MOST_STEP_UPS: usize = 3;
const STEP_UP_WINDOW: Duration = Duration::from_secs(600);

/// What a caller wants of the authorization server.
pub(in crate::oauth) enum Wish {
    /// A new token for one that ends.
    Renewal,
    /// A token in place of one that got a 401.
    Refused {
        challenge: Challenge,
        /// How often this request was refused before.
        attempt: u32,
    },
    /// A token with more scopes, after a 403 `insufficient_scope`.
    MoreScopes(Challenge),
}

/// See the module.
#[derive(Default)]
pub(in crate::oauth) struct Ledger {
    outbound: Option<Outbound>,
    /// Found at the last refusal.
    pub(in crate::oauth) found: Option<Arc<Discovered>>,
    /// As it stands in the store.
    pub(in crate::oauth) record: Option<Record>,
    /// Left behind by the Python mcpo; taken over once the authorization server is known.
    pub(in crate::oauth) inherited: Option<Inherited>,
    /// The client of a login that is not complete yet, for the next one if it never is.
    pub(in crate::oauth) client: Option<Client>,
    /// Whether a login has begun since one came back last. An authorization server that has forgotten a client shows
    /// its own error page and sends nobody back; so does nobody who closes the page.
    pub(in crate::oauth) unreturned: bool,
    /// The authorization server that the MCP server names in vain, as it was told last.
    overruled: Option<String>,
    /// What the next login asks for.
    pub(in crate::oauth) wanted: Option<Scopes>,
    /// The access token that the store had last. If it has no record any more, somebody has logged out; if it still has
    /// this one and we another, or none and never had one, it has not taken ours.
    pub(in crate::oauth) stored: Option<SecretString>,
    /// The access token that was given up last: a copy of it in the store is no news.
    pub(in crate::oauth) dead: Option<SecretString>,
    /// Tokens that the server refused, to be tried again.
    pub(in crate::oauth) aside: Option<Aside>,
    /// When clients were registered of late.
    pub(in crate::oauth) registrations: Vec<Instant>,
    step_ups: Vec<Instant>,
    /// The last failure that another try may not have, for those who waited meanwhile.
    failure: Option<(Instant, AuthError)>,
}

/// An access token that is not used for a while.
pub(in crate::oauth) struct Aside {
    pub(in crate::oauth) access: SecretString,
    pub(in crate::oauth) pause: Duration,
    pub(in crate::oauth) until: Instant,
}

impl Ledger {
    /// Takes up what is kept, where it is news.
    pub(in crate::oauth) async fn recall(&mut self, shared: &Shared) -> Result<(), AuthError> {
        let stored = shared.vault().await?.load(&shared.server, &shared.url).await.map_err(unfit)?;
        match stored {
            Some(record) => drop(self.adopt(shared, record)?),
            None if self.record.is_none() => {
                self.inherited =
                    shared.vault().await?.inherited(&shared.server, &shared.url).await.map_err(unfit)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Takes `record` over from the store; gives a credential where it holds one that is news and still good for
    /// something.
    pub(in crate::oauth) fn adopt(
        &mut self,
        shared: &Shared,
        record: Record,
    ) -> Result<Option<Arc<Credential>>, AuthError> {
        let moved = self.found.as_ref().is_some_and(|found| found.server.issuer != record.issuer);
        // Tokens of another client than the configured one cannot be renewed by it.
        let configured = shared.settings.client.as_ref();
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
        let paused = self.aside.as_ref().filter(|aside| aside.until > Instant::now());
        let known = |access: &SecretString| {
            is(self.dead.as_ref(), access)
                || is(paused.map(|aside| &aside.access), access)
                || is(own, access) && shared.has_credential()
        };
        let news = record.tokens.as_ref().filter(|tokens| !known(&tokens.access) && usable(tokens));
        let credential = news.map(|tokens| shared.install(tokens)).transpose()?;
        self.stored = record.tokens.as_ref().map(|tokens| tokens.access.clone());
        self.record = Some(record);
        Ok(credential)
    }

    /// Does what a caller wants.
    pub(in crate::oauth) async fn grant(
        &mut self,
        shared: &Shared,
        wish: Wish,
    ) -> Result<Arc<Credential>, AuthError> {
        let answer = match wish {
            Wish::Renewal => self.renew(shared).await,
            Wish::Refused { challenge, attempt } => self.refused(shared, challenge, attempt).await,
            Wish::MoreScopes(challenge) => self.step_up(shared, challenge).await,
        };
        if let Err(error @ AuthError::Unavailable(_)) = &answer {
            self.failure = Some((Instant::now(), error.clone()));
        }
        answer
    }

    /// A failure that came after `since`: whoever has waited all the time need not try again.
    pub(in crate::oauth) fn failure_since(&self, since: Instant) -> Option<AuthError> {
        self.failure.as_ref().filter(|(when, _)| *when >= since).map(|(_, error)| error.clone())
    }

    /// After a 401. What is stored may be newer; else the token is renewed, else a login is needed.
    async fn refused(
        &mut self,
        shared: &Shared,
        challenge: Challenge,
        attempt: u32,
    ) -> Result<Arc<Credential>, AuthError> {
        // The authorization server that is known is asked first: only if it does not help need it be looked for anew.
        let ended = match attempt {
            0 if self.tokens().is_some_and(|tokens| tokens.refresh.is_some()) => {
                match self.refresh(shared).await {
                    Err(error @ AuthError::LoginNeeded(_)) => Some(error),
                    done => return done,
                }
            }
            _ => None,
        };
        match (self.discover(shared, &challenge).await, &ended) {
            (Err(_), Some(ended)) => return Err(ended.clone()),
            (found, _) => found?,
        };
        // What was asked for once is asked for again (SEP-2350).
        let had = self.asked_for();
        self.wanted = if had.is_empty() {
            self.initial_scopes(shared, &challenge)
        } else {
            Some(had.union(&challenge.scopes.unwrap_or_default()))
        };
        if shared.settings.grant == Grant::ClientCredentials {
            return if attempt >= HOPEFUL {
                Err(AuthError::Unavailable(REFUSES.into()))
            } else {
                self.mint(shared).await
            };
        }
        if attempt >= HOPEFUL {
            return Err(self.set_aside(shared, REFUSES));
        }
        match ended {
            Some(error) => Err(error),
            None => self.refresh(shared).await,
        }
    }

    /// After a 403 `insufficient_scope`: what was granted stays asked for.
    async fn step_up(&mut self, shared: &Shared, challenge: Challenge) -> Result<Arc<Credential>, AuthError> {
        let more = challenge.scopes.clone().unwrap_or_default();
        if more.is_empty() {
            return Err(AuthError::Unfit("the server wants more rights and does not say which scope".into()));
        }
        let text = format!("the server wants more rights (scope {more})");
        let pending = self.wanted.clone().filter(|wanted| wanted.covers(&more));
        if let (Some(_), Grant::AuthorizationCode) = (pending, shared.settings.grant) {
            return Err(shared.login_needed(&text));
        }
        let had = self.asked_for();
        if had.covers(&more) {
            return Err(AuthError::Unfit(format!(
                "{text}, but they were asked for already; ask its operator"
            )));
        }
        self.step_ups.retain(|then| then.elapsed() < STEP_UP_WINDOW);
        if self.step_ups.len() >= MOST_STEP_UPS {
            return Err(AuthError::Unfit(format!(
                "{text}, again and again; it is asked for no more for now"
            )));
        }
        if self.found.is_none() {
            self.discover(shared, &challenge).await?;
        }
        self.wanted = Some(had.union(&more));
        self.step_ups.push(Instant::now());
        if shared.settings.grant == Grant::ClientCredentials {
            return self.mint(shared).await;
        }
        info!(server = shared.server, "{text}: log in again at {}", shared.office.login(&shared.server));
        Err(shared.login_needed(&text))
    }

    /// Asks where the authorization server is; what belongs to a former one is forgotten.
    pub(in crate::oauth) async fn discover(
        &mut self,
        shared: &Shared,
        challenge: &Challenge,
    ) -> Result<Arc<Discovered>, AuthError> {
        let base = shared.settings.server_url.as_ref();
        let outbound = self.outbound(shared).await?;
        let found = search::discover(&outbound, &shared.url, base, challenge).await.map_err(|error| {
            let text = error.to_string();
            if error.is_transient() { AuthError::Unavailable(text) } else { AuthError::Unfit(text) }
        })?;
        let issuer = &found.server.issuer;
        if let Some(named) = found.overruled.as_ref().filter(|named| self.overruled.as_ref() != Some(named)) {
            warn!(
                server = shared.server,
                named,
                issuer,
                "the server names another authorization server than server_url in its oauth block, which counts"
            );
            self.overruled = Some(named.clone());
        }
        if let (Some(_), Some(record)) = (&shared.settings.client, &self.record)
            && record.issuer != *issuer
        {
            return Err(AuthError::Unfit(format!(
                "the authorization server is now {issuer}, and the configured client belongs to {}; if \
                 that is right, run: mcpo logout {}",
                record.issuer, shared.server
            )));
        }
        if self.record.as_ref().is_some_and(|record| record.issuer != *issuer) {
            info!(server = shared.server, issuer, "the server has moved to another authorization server");
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
    fn initial_scopes(&self, shared: &Shared, challenge: &Challenge) -> Option<Scopes> {
        let configured = shared.settings.client_metadata.get("scope").and_then(|scope| scope.as_str());
        let found = self.found.as_ref();
        challenge
            .scopes
            .clone()
            .or_else(|| configured.map(Scopes::parse))
            .or_else(|| found.and_then(|found| found.scopes.clone()))
    }

    /// What a login asks for. A refresh token is worth asking for where that takes a scope (SEP-2207).
    pub(in crate::oauth) fn scopes_to_ask(&self, shared: &Shared) -> Option<Scopes> {
        const OFFLINE: &str = "offline_access";
        let asked = Some(self.asked_for()).filter(|asked| !asked.is_empty());
        let initial = || self.initial_scopes(shared, &Challenge::default());
        let scopes = self.wanted.clone().or(asked).or_else(initial)?;
        let offered = self.found.as_ref().and_then(|found| found.server.scopes.as_ref());
        let offline = offered.is_some_and(|offered| offered.contains(OFFLINE));
        Some(if offline { scopes.union(&Scopes::parse(OFFLINE)) } else { scopes })
    }

    /// The way out to this server's authorization server.
    pub(in crate::oauth) async fn outbound(&mut self, shared: &Shared) -> Result<Outbound, AuthError> {
        if let Some(outbound) = &self.outbound {
            return Ok(outbound.clone());
        }
        let outbound = Outbound::towards(&shared.url, shared.office.proxy()).await.map_err(unavailable)?;
        Ok(self.outbound.insert(outbound).clone())
    }

    pub(in crate::oauth) fn tokens(&self) -> Option<&Tokens> {
        self.record.as_ref().and_then(|record| record.tokens.as_ref())
    }

    /// Every scope that was granted or asked for.
    fn asked_for(&self) -> Scopes {
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
