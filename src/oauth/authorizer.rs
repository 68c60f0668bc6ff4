//! One server's authorization, as its transport sees it: the credential that goes with a request, and the answer to a
//! refusal.
//!
//! Every exchange with the authorization server happens under the state's mutex and runs to its end, even if its caller
//! hangs up: any number of callers share one refresh, and a rotated token is never lost.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use subtle::ConstantTimeEq as _;
use tokio::{
    sync::{Mutex, watch},
    time::sleep,
};
use tracing::warn;
use url::Url;

use super::{
    authorization::{
        login::{self, Started, Waiting},
        pending::PendingAuthorization,
        response::AuthorizationResponse,
    },
    context::Context,
    discovery::challenge::Challenge,
    error::{AuthError, LoginNeeded},
    server::ServerContext,
    status::AuthorizationStatus,
    token::{
        credential::Credential,
        request::{self, TokenRequest},
        revocation::{self, TokenInfo},
        state::TokenState,
    },
};
use crate::config::{self, TokenStorage};

/// How often the store is read for a login that another process has made, or for tokens that were quarantined.
const LOOK: Duration = Duration::from_secs(2);
const LOOK_INTO_KEYRING: Duration = Duration::from_secs(30);
/// The waits after renewals that failed.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// A handle on one server's authorization; clones share it.
#[derive(Clone)]
pub struct Authorizer(Arc<Inner>);

struct Inner {
    context: ServerContext,
    state: Mutex<TokenState>,
}

impl Authorizer {
    /// An authorizer for `server` at `url`. If its tokens cannot be kept as the config wants, every method says so.
    pub fn new(server: &str, url: &Url, settings: Option<config::OAuth>, context: Arc<Context>) -> Self {
        let context = ServerContext::new(server, url, settings, context);
        Self(Arc::new(Inner { context, state: Mutex::default() }))
    }

    /// Takes over what earlier runs have stored.
    ///
    /// # Errors
    ///
    /// The token store cannot be read.
    pub async fn recall(&self) -> Result<(), AuthError> {
        self.detached(async move |inner| inner.state.lock().await.recall(&inner.context).await).await
    }

    /// What to send with a request; `None` as long as the server has not asked for authorization.
    ///
    /// # Errors
    ///
    /// A login is needed, or the token has expired and could not be renewed.
    pub async fn credential(&self) -> Result<Option<Arc<Credential>>, AuthError> {
        match self.0.context.current.load_full() {
            Some(credential) if !credential.expired() => Ok(Some(credential)),
            expired @ Some(_) => self.ask(expired, TokenRequest::Renewal).await.map(Some),
            None => match self.login_needed() {
                Some(login) => Err(AuthError::LoginNeeded(login)),
                None => Ok(None),
            },
        }
    }

    /// The credential that was used last, even if it has expired.
    pub fn latest(&self) -> Option<Arc<Credential>> {
        self.0.context.current.load_full()
    }

    /// After a 401 to a request that carried `used`: returns what to try again with. `attempt` says how often this very
    /// request was refused before.
    ///
    /// # Errors
    ///
    /// A login is needed, or no token could be had.
    pub async fn refused(
        &self,
        used: Option<Arc<Credential>>,
        challenge: Challenge,
        attempt: u32,
    ) -> Result<Arc<Credential>, AuthError> {
        self.ask(used, TokenRequest::Refused { challenge, attempt }).await
    }

    /// After a 403 that asks for more scopes than `used` has (MCP 2025-11-25, Step-Up Authorization Flow).
    ///
    /// # Errors
    ///
    /// A login is needed, or asking for more is pointless.
    pub async fn step_up(
        &self,
        used: Option<Arc<Credential>>,
        challenge: Challenge,
    ) -> Result<Arc<Credential>, AuthError> {
        self.ask(used, TokenRequest::MoreScopes(challenge)).await
    }

    /// How many tokens were obtained without a person.
    pub fn refreshes(&self) -> u64 {
        self.0.context.refreshes.load(Relaxed)
    }

    /// Whether a login is needed, now and as it changes.
    pub fn status(&self) -> watch::Receiver<AuthorizationStatus> {
        self.0.context.status.subscribe()
    }

    /// The login that is needed; `None` if none is.
    pub fn login_needed(&self) -> Option<Box<LoginNeeded>> {
        self.0.context.status.borrow().reason().map(|reason| self.0.context.login(reason))
    }

    /// Resolves when a person has logged in through this process, after it was first polled.
    pub async fn new_login(&self) {
        // It fails only if the sender is gone, and that is held here.
        let _ = self.0.context.logins.subscribe().changed().await;
    }

    /// Renews tokens before they expire, for as long as it is polled.
    pub async fn keep_fresh(&self) -> Infallible {
        let mut status = self.0.context.status.subscribe();
        let mut retry = FIRST_RETRY;
        loop {
            status.mark_unchanged();
            let latest = self.latest();
            let renew = latest.as_ref().and_then(|credential| credential.renew);
            let wait = renew.map(|renew| renew.duration_since(SystemTime::now()).unwrap_or_default());
            tokio::select! {
                _ = status.changed() => retry = FIRST_RETRY,
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {
                    let renewed = self.ask(latest, TokenRequest::Renewal).await;
                    if let Err(AuthError::Unavailable(reason) | AuthError::Unfit(reason)) = renewed {
                        warn!(server = self.0.context.name, reason, "the token could not be renewed");
                        sleep(retry).await;
                        retry = (retry * 2).min(LONGEST_RETRY);
                    }
                }
            }
        }
    }

    /// Waits until there is a token, even if another process has obtained it.
    pub async fn authorized(&self) {
        let look = match self.0.context.settings.storage {
            TokenStorage::File | TokenStorage::Memory => LOOK,
            TokenStorage::Keyring => LOOK_INTO_KEYRING,
        };
        let mut status = self.0.context.status.subscribe();
        loop {
            if *status.borrow_and_update() == AuthorizationStatus::Authorized {
                return;
            }
            tokio::select! {
                _ = status.changed() => {}
                () = sleep(look) => {
                    // What cannot be read was reported when it was met first.
                    let _ = self.recall().await;
                }
            }
        }
    }

    /// Where a person starts a login, for logs and pages.
    pub fn login_url(&self) -> Url {
        self.0.context.login_page()
    }

    /// The port of a loopback callback, if the config wants one and browsers are on this machine.
    pub fn callback_port(&self) -> Option<u16> {
        let settings = &self.0.context.settings;
        let local =
            settings.use_loopback != Some(false) && self.0.context.oauth.settings.public_url.is_none();
        settings.callback_port.filter(|_| local)
    }

    /// Whether the client is registered as it is needed, so that its redirect URI may be any.
    pub fn registers_itself(&self) -> bool {
        self.0.context.settings.client.is_none()
    }

    /// Whether `ticket` is the one that this server's callers were given.
    pub fn admits(&self, ticket: &str) -> bool {
        let own = self.0.context.ticket.load();
        own.as_ref().is_some_and(|own| own.as_bytes().ct_eq(ticket.as_bytes()).into())
    }

    /// Starts a login that comes back to `redirect_uri`.
    ///
    /// # Errors
    ///
    /// The authorization server cannot be found, or does not take us as a client.
    pub async fn begin(&self, redirect_uri: Url, waiting: Waiting) -> Result<Started, AuthError> {
        self.detached(async move |inner| {
            let mut state = inner.state.lock().await;
            login::begin(&mut state, &inner.context, &redirect_uri, waiting).await
        })
        .await
    }

    /// Gets the tokens that a return is good for, and keeps them.
    pub(super) async fn complete(
        &self,
        authorization: PendingAuthorization,
        response: AuthorizationResponse,
    ) -> Result<(), AuthError> {
        self.detached(async move |inner| {
            let mut state = inner.state.lock().await;
            login::complete(&mut state, &inner.context, authorization, response).await
        })
        .await
    }

    /// What is kept of this server's tokens.
    ///
    /// # Errors
    ///
    /// The token store cannot be read.
    pub async fn token_info(&self) -> Result<Option<TokenInfo>, AuthError> {
        revocation::info(&self.0.context).await
    }

    /// Removes what is kept, and revokes the tokens if the authorization server takes that (RFC 7009). Returns false if
    /// nothing was kept.
    ///
    /// # Errors
    ///
    /// The token store cannot be read or written.
    pub async fn log_out(&self) -> Result<bool, AuthError> {
        self.detached(async move |inner| {
            let state = inner.state.lock().await;
            revocation::log_out(&state, &inner.context).await
        })
        .await
    }

    /// A credential other than `used`: one that another caller has obtained meanwhile, or a new one.
    async fn ask(
        &self,
        used: Option<Arc<Credential>>,
        request: TokenRequest,
    ) -> Result<Arc<Credential>, AuthError> {
        let since = Instant::now();
        let work = self.detached(async move |inner| {
            let (mut state, context) = (inner.state.lock().await, &inner.context);
            if let Some(answer) = context.answered_meanwhile(used.as_ref()) {
                return answer;
            }
            match state.failure_since(since) {
                Some(error) => Err(error),
                None => request::answer(&mut state, context, request).await,
            }
        });
        // It is rare and large, and would make every request's future large.
        Box::pin(work).await
    }

    /// Runs `work` to its end, even if the caller hangs up.
    async fn detached<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T, AuthError>
    where
        F: Future<Output = Result<T, AuthError>> + Send + 'static,
    {
        let work = work(self.0.clone());
        let stopping = || AuthError::Unavailable("mcpo is being stopped".to_owned());
        self.0.context.oauth.finish(work).await.unwrap_or_else(|| Err(stopping()))
    }
}
