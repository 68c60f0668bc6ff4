//! What the handles on one server's authorization share: where it stands, and the token in use.

use std::sync::{Arc, OnceLock, atomic::AtomicU64};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Mutex, OnceCell, watch},
    task::spawn_blocking,
};
use tracing::{info, warn};
use url::Url;

use super::{
    context::Office,
    error::{AuthError, LoginNeeded, unavailable},
    storage::{
        backend::Lock,
        token_store::{Vault, VaultError},
    },
    token::{credential::Credential, response::Tokens, state::Ledger},
};
use crate::config::{self, TokenStorage};

/// Whether the server wants a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It never asked.
    NotAsked,
    /// There is a token, as far as is known a good one.
    Authorized,
    /// A person has to log in, for this reason.
    LoginNeeded(String),
}

impl Standing {
    /// Why a login is wanted, if one is.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::LoginNeeded(reason) => Some(reason),
            Self::NotAsked | Self::Authorized => None,
        }
    }
}

pub(super) struct Shared {
    pub(super) server: String,
    /// The MCP server's own URL: tokens go there only.
    pub(super) url: Url,
    pub(super) settings: config::OAuth,
    pub(super) office: Arc<Office>,
    /// Opened when it is first needed, as a keyring may take its time; or why it cannot be.
    pub(super) vault: OnceCell<Result<Vault, String>>,
    /// Whether the config has an `oauth` block for the server.
    pub(super) explicit: bool,
    /// Why tokens are kept in memory alone, where nobody asked for that.
    pub(super) volatile: OnceLock<String>,
    /// Rides on login URLs that callers are given, where the gateway has a key.
    pub(super) ticket: ArcSwapOption<String>,
    pub(super) current: ArcSwapOption<Credential>,
    pub(super) standing: watch::Sender<Standing>,
    /// Tokens that were got without a person.
    pub(super) refreshes: AtomicU64,
    /// Told when a person has logged in.
    pub(super) logins: watch::Sender<()>,
    pub(super) ledger: Mutex<Ledger>,
}

impl Shared {
    pub(super) async fn vault(&self) -> Result<&Vault, AuthError> {
        let vault = self.vault.get_or_init(|| async {
            let (storage, logins) = (self.settings.storage, self.office.settings.clone());
            let open = move |storage| Vault::open(&storage, &logins).map_err(|error| error.to_string());
            let memory = open.clone();
            let opened = spawn_blocking(move || open(storage)).await;
            match opened.unwrap_or_else(|_| Err("the token store cannot be opened".to_owned())) {
                // Most servers want no login, so this is no matter as long as nobody logs in.
                Err(reason) if !self.explicit => {
                    let _ = self.volatile.set(reason);
                    memory(TokenStorage::Memory)
                }
                opened => opened,
            }
        });
        vault.await.as_ref().map_err(|reason| AuthError::Unfit(reason.clone()))
    }

    /// The sole right to change what is stored. A store that fails is no reason to lose a token; one that somebody else
    /// holds is.
    pub(super) async fn alone(&self) -> Result<Option<Lock>, AuthError> {
        match self.vault().await?.lock(&self.server, &self.url).await {
            Ok(lock) => Ok(Some(lock)),
            Err(error @ VaultError::Locked { .. }) => Err(unavailable(error)),
            Err(error) => {
                warn!(server = self.server, %error, "the token store cannot be locked");
                Ok(None)
            }
        }
    }

    /// Removes what is stored.
    pub(super) async fn forget(&self) -> Result<(), AuthError> {
        self.vault().await?.remove(&self.server, &self.url).await.map_err(unavailable)
    }

    /// Makes login URLs that were given out worthless.
    pub(super) fn renew_ticket(&self) {
        self.ticket.store(self.office.ticket().map(Arc::new));
    }

    /// Why tokens will not survive a restart, if so and if nobody asked for that.
    pub(super) fn volatile(&self) -> Option<&str> {
        self.volatile.get().map(String::as_str)
    }

    pub(super) fn has_credential(&self) -> bool {
        self.current.load().is_some()
    }

    /// What another caller has found out while this one, refused with `used`, waited for the ledger.
    pub(super) fn answered_meanwhile(
        &self,
        used: Option<&Arc<Credential>>,
    ) -> Option<Result<Arc<Credential>, AuthError>> {
        match self.current.load_full() {
            Some(current) => {
                let same = used.is_some_and(|used| Arc::ptr_eq(used, &current));
                (!same).then_some(Ok(current))
            }
            None => self.standing.borrow().reason().map(|reason| Err(self.login_needed(reason))),
        }
    }

    /// Begins to use `tokens`.
    pub(super) fn install(&self, tokens: &Tokens) -> Result<Arc<Credential>, AuthError> {
        let credential = Credential::new(tokens)
            .map(Arc::new)
            .ok_or_else(|| AuthError::Unfit("the access token holds characters that no header may".into()))?;
        self.current.store(Some(credential.clone()));
        self.standing.send_replace(Standing::Authorized);
        Ok(credential)
    }

    /// Stops using the token: a person has to log in.
    pub(super) fn dismiss(&self, reason: &str) -> AuthError {
        self.current.store(None);
        let asked = Standing::LoginNeeded(reason.to_owned());
        if self.standing.send_replace(asked.clone()) != asked {
            let login = self.login(reason);
            info!(server = self.server, reason, "needs authorization: log in at {}", login.page);
            self.office.present(&login);
        }
        self.login_needed(reason)
    }

    pub(super) fn login_needed(&self, reason: &str) -> AuthError {
        AuthError::LoginNeeded(self.login(reason))
    }

    pub(super) fn login(&self, reason: &str) -> Box<LoginNeeded> {
        let page = self.office.login(&self.server);
        let mut url = page.clone();
        if let Some(ticket) = self.ticket.load().as_deref() {
            url.query_pairs_mut().append_pair("ticket", ticket);
        }
        Box::new(LoginNeeded { reason: reason.to_owned(), url, page })
    }
}
