//! One server's authorization, as its transport sees it: the credential that goes with a request, and what follows
//! from a refusal.
//!
//! Whatever talks to the authorization server does so under the ledger's lock and runs to its end, whoever hangs up
//! meanwhile: any number of callers share one refresh, and a rotated token is never lost.

use std::{
    convert::Infallible,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwapOption;
use subtle::ConstantTimeEq as _;
use tokio::{
    sync::{Mutex, OnceCell, watch},
    time::sleep,
};
use tracing::warn;
use url::Url;

use super::{
    context::Office,
    discovery::challenge::Challenge,
    error::{AuthError, LoginNeeded},
    server::{Shared, Standing},
    token::{credential::Credential, state::Wish},
};
use crate::config::{self, TokenStorage};

/// How often the store is looked into for a login that another process has made, or for tokens that were set aside.
const LOOK: Duration = Duration::from_secs(2);
const LOOK_INTO_KEYRING: Duration = Duration::from_secs(30);
/// The waits after renewals that failed.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// A handle on one server's authorization; clones share it.
#[derive(Clone)]
pub struct Authorizer {
    pub(super) shared: Arc<Shared>,
}

impl Authorizer {
    /// An authorizer for `server` at `url`. Where its tokens cannot be kept as the config wants, it says so as soon
    /// as it is asked for anything.
    pub fn new(server: &str, url: &Url, settings: Option<config::OAuth>, office: Arc<Office>) -> Self {
        let shared = Shared {
            server: server.to_owned(),
            url: url.clone(),
            explicit: settings.is_some(),
            settings: settings.unwrap_or_default(),
            vault: OnceCell::new(),
            volatile: OnceLock::new(),
            ticket: ArcSwapOption::new(office.ticket().map(Arc::new)),
            office,
            current: ArcSwapOption::empty(),
            standing: watch::Sender::new(Standing::NotAsked),
            refreshes: AtomicU64::new(0),
            logins: watch::Sender::new(()),
            ledger: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes up what earlier runs have kept.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read.
    pub async fn recall(&self) -> Result<(), AuthError> {
        self.detached(|shared| async move { shared.ledger.lock().await.recall(&shared).await }).await
    }

    /// What to send with a request: nothing as long as the server has not asked.
    ///
    /// # Errors
    ///
    /// A login is needed, or the token has expired and could not be renewed.
    pub async fn credential(&self) -> Result<Option<Arc<Credential>>, AuthError> {
        match self.shared.current.load_full() {
            Some(credential) if !credential.expired() => Ok(Some(credential)),
            expired @ Some(_) => self.ask(expired, Wish::Renewal).await.map(Some),
            None => match self.login_needed() {
                Some(login) => Err(AuthError::LoginNeeded(login)),
                None => Ok(None),
            },
        }
    }

    /// What was last good to send, whatever it is worth now.
    pub fn latest(&self) -> Option<Arc<Credential>> {
        self.shared.current.load_full()
    }

    /// After a 401 to a request that carried `used`: gives what to try again with. `attempt` says how
    /// often this very request was refused before.
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
        self.ask(used, Wish::Refused { challenge, attempt }).await
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
        self.ask(used, Wish::MoreScopes(challenge)).await
    }

    /// How many tokens were got without a person.
    pub fn refreshes(&self) -> u64 {
        self.shared.refreshes.load(Relaxed)
    }

    /// Whether a login is wanted, now and as it changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.shared.standing.subscribe()
    }

    /// The login that is wanted, if one is.
    pub fn login_needed(&self) -> Option<Box<LoginNeeded>> {
        self.shared.standing.borrow().reason().map(|reason| self.shared.login(reason))
    }

    /// Resolves when a person has logged in, here, after it was first polled.
    pub async fn new_login(&self) {
        // It fails only where the sender is gone, and that is held here.
        let _ = self.shared.logins.subscribe().changed().await;
    }

    /// Renews tokens ahead of their end, for as long as it is polled.
    pub async fn keep_fresh(&self) -> Infallible {
        let mut standing = self.shared.standing.subscribe();
        let mut retry = FIRST_RETRY;
        loop {
            standing.mark_unchanged();
            let latest = self.latest();
            let renew = latest.as_ref().and_then(|credential| credential.renew);
            let wait = renew.map(|renew| renew.duration_since(SystemTime::now()).unwrap_or_default());
            tokio::select! {
                _ = standing.changed() => retry = FIRST_RETRY,
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {
                    let renewed = self.ask(latest, Wish::Renewal).await;
                    if let Err(AuthError::Unavailable(reason) | AuthError::Unfit(reason)) = renewed {
                        warn!(server = self.shared.server, reason, "the token could not be renewed");
                        sleep(retry).await;
                        retry = (retry * 2).min(LONGEST_RETRY);
                    }
                }
            }
        }
    }

    /// Waits until there is a token, be it that another process has fetched it.
    pub async fn authorized(&self) {
        let look = match self.shared.settings.storage {
            TokenStorage::File | TokenStorage::Memory => LOOK,
            TokenStorage::Keyring => LOOK_INTO_KEYRING,
        };
        let mut standing = self.shared.standing.subscribe();
        loop {
            if *standing.borrow_and_update() == Standing::Authorized {
                return;
            }
            tokio::select! {
                _ = standing.changed() => {}
                () = sleep(look) => {
                    // What cannot be read was told when it was met first.
                    let _ = self.recall().await;
                }
            }
        }
    }

    /// Where a person starts a login, for logs and pages.
    pub fn login_url(&self) -> Url {
        self.shared.office.login(&self.shared.server)
    }

    /// The port of a loopback callback, where the config wants one and browsers are on this machine.
    pub fn callback_port(&self) -> Option<u16> {
        let settings = &self.shared.settings;
        let local = settings.use_loopback != Some(false) && self.shared.office.settings.public_url.is_none();
        settings.callback_port.filter(|_| local)
    }

    /// Whether the client is registered as it is needed, so that its redirect URI may be any.
    pub fn registers_itself(&self) -> bool {
        self.shared.settings.client.is_none()
    }

    /// Whether `ticket` is the one that this server's callers were given.
    pub fn admits(&self, ticket: &str) -> bool {
        let own = self.shared.ticket.load();
        own.as_ref().is_some_and(|own| own.as_bytes().ct_eq(ticket.as_bytes()).into())
    }

    /// A credential other than `used`, by what others have found out meanwhile or by asking for it.
    async fn ask(&self, used: Option<Arc<Credential>>, wish: Wish) -> Result<Arc<Credential>, AuthError> {
        let since = Instant::now();
        let work = self.detached(move |shared| async move {
            let mut ledger = shared.ledger.lock().await;
            if let Some(answer) = shared.answered_meanwhile(used.as_ref()) {
                return answer;
            }
            match ledger.failure_since(since) {
                Some(error) => Err(error),
                None => ledger.grant(&shared, wish).await,
            }
        });
        // It is rare and large, and would make every request's future large.
        Box::pin(work).await
    }

    /// Runs `work` to its end, even where the caller hangs up.
    pub(super) async fn detached<T: Send + 'static, F>(
        &self,
        work: impl FnOnce(Arc<Shared>) -> F,
    ) -> Result<T, AuthError>
    where
        F: Future<Output = Result<T, AuthError>> + Send + 'static,
    {
        let work = work(self.shared.clone());
        let stopping = || AuthError::Unavailable("mcpo is being stopped".to_owned());
        self.shared.office.finish(work).await.unwrap_or_else(|| Err(stopping()))
    }
}
