//! What belongs to the authorization of one server beside its token state: its configuration, its token store, and what
//! requests read without waiting, the current credential and the status.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{OnceCell, watch},
    task::spawn_blocking,
};
use tracing::{info, warn};
use url::Url;

use super::{
    context::Context,
    discovery::search::{Discovered, without_query},
    error::{AuthError, LoginNeeded, unavailable},
    registration::client::{Client, ClientOrigin},
    status::AuthorizationStatus,
    storage::{
        backend::Lock,
        record::{Record, Version},
        token_store::{TokenStore, TokenStoreError},
    },
    token::{credential::Credential, endpoint::TokenEndpoint, response::Tokens},
};
use crate::{
    config::{self, ClientCredential, StaticClient, TokenStorage},
    net::GuardedClient,
    secret::{ExposeSecret as _, KnownSecrets, SecretString, redact},
};

/// How many tokens before the one in use are not shown either.
const FORMER_TOKENS: usize = 3;

/// See the module.
pub(super) struct ServerContext {
    pub(super) name: String,
    /// The MCP server's own URL: tokens go there only.
    pub(super) url: Url,
    pub(super) settings: config::OAuth,
    pub(super) oauth: Arc<Context>,
    /// Whether the config has an `oauth` block for the server.
    explicit: bool,
    /// Opened when it is first needed, as a keyring may take its time; or why it cannot be.
    store: OnceCell<Result<TokenStore, String>>,
    /// Why tokens are kept in memory alone although the config does not ask for that.
    volatile: OnceLock<String>,
    /// Part of the login URLs that callers are given, if the gateway has a key.
    pub(super) ticket: ArcSwapOption<String>,
    pub(super) current: ArcSwapOption<Credential>,
    pub(super) status: watch::Sender<AuthorizationStatus>,
    /// How many tokens were obtained without a person.
    pub(super) refreshes: AtomicU64,
    /// Changes when a person has logged in.
    pub(super) logins: watch::Sender<()>,
    /// The tokens in use, and those before them: answers to what was sent with one may come late.
    known: Mutex<VecDeque<KnownSecrets>>,
}

impl ServerContext {
    pub(super) fn new(name: &str, url: &Url, settings: Option<config::OAuth>, oauth: Arc<Context>) -> Self {
        Self {
            name: name.to_owned(),
            url: url.clone(),
            explicit: settings.is_some(),
            settings: settings.unwrap_or_default(),
            store: OnceCell::new(),
            volatile: OnceLock::new(),
            ticket: ArcSwapOption::new(oauth.ticket().map(Arc::new)),
            oauth,
            current: ArcSwapOption::empty(),
            status: watch::Sender::new(AuthorizationStatus::NotAsked),
            refreshes: AtomicU64::new(0),
            logins: watch::Sender::new(()),
            known: Mutex::default(),
        }
    }

    pub(super) async fn store(&self) -> Result<&TokenStore, AuthError> {
        let store = self.store.get_or_init(|| async {
            let (storage, logins) = (self.settings.storage, self.oauth.settings.clone());
            let open = move |storage| TokenStore::open(&storage, &logins).map_err(|error| error.to_string());
            let memory = open.clone();
            let opened = spawn_blocking(move || open(storage)).await;
            match opened.unwrap_or_else(|_| Err("the token store cannot be opened".to_owned())) {
                // Most servers need no login, and without one nothing has to be stored.
                Err(reason) if !self.explicit => {
                    let _ = self.volatile.set(reason);
                    memory(TokenStorage::Memory)
                }
                opened => opened,
            }
        });
        store.await.as_ref().map_err(|reason| AuthError::Unfit(reason.clone()))
    }

    /// Locks the stored record against other processes. `None` if the store cannot lock: that is no reason to lose a
    /// token.
    pub(super) async fn alone(&self) -> Result<Option<Lock>, AuthError> {
        match self.store().await?.lock(&self.name, &self.url).await {
            Ok(lock) => Ok(Some(lock)),
            Err(error @ TokenStoreError::Locked { .. }) => Err(unavailable(error)),
            Err(error) => {
                warn!(server = self.name, %error, "the token store cannot be locked");
                Ok(None)
            }
        }
    }

    /// Removes what is stored.
    pub(super) async fn forget(&self) -> Result<(), AuthError> {
        self.store().await?.remove(&self.name, &self.url).await.map_err(unavailable)
    }

    /// Invalidates the login URLs that were given out.
    pub(super) fn renew_ticket(&self) {
        self.ticket.store(self.oauth.ticket().map(Arc::new));
    }

    /// Why tokens will not survive a restart; `None` if they do, or if the config asks for that.
    pub(super) fn volatile(&self) -> Option<&str> {
        self.volatile.get().map(String::as_str)
    }

    pub(super) fn has_credential(&self) -> bool {
        self.current.load().is_some()
    }

    /// What another caller has found out while this one, refused with `used`, waited for the state.
    pub(super) fn answered_meanwhile(
        &self,
        used: Option<&Arc<Credential>>,
    ) -> Option<Result<Arc<Credential>, AuthError>> {
        match self.current.load_full() {
            Some(current) => {
                let same = used.is_some_and(|used| Arc::ptr_eq(used, &current));
                (!same).then_some(Ok(current))
            }
            None => self.status.borrow().reason().map(|reason| Err(self.login_needed(reason))),
        }
    }

    /// Begins to use `tokens`.
    pub(super) fn install(&self, tokens: &Tokens) -> Result<Arc<Credential>, AuthError> {
        let secrets = [Some(&tokens.access), tokens.refresh.as_ref()].into_iter().flatten();
        self.keep_known(KnownSecrets::of(secrets.map(SecretString::expose_secret)));
        let credential = Credential::new(tokens)
            .map(Arc::new)
            .ok_or_else(|| AuthError::Unfit("the access token holds characters that no header may".into()))?;
        self.current.store(Some(credential.clone()));
        self.status.send_replace(AuthorizationStatus::Authorized);
        Ok(credential)
    }

    fn keep_known(&self, tokens: KnownSecrets) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(FORMER_TOKENS);
        known.push_front(tokens);
    }

    /// Stops using the token: a person has to log in.
    pub(super) fn dismiss(&self, reason: &str) -> AuthError {
        let reason = &*redact(reason);
        self.current.store(None);
        let asked = AuthorizationStatus::LoginNeeded(reason.to_owned());
        if self.status.send_replace(asked.clone()) != asked {
            let login = self.login(reason);
            info!(server = self.name, reason, "needs authorization: log in at {}", login.page);
            self.oauth.present(&login);
        }
        self.login_needed(reason)
    }

    pub(super) fn login_needed(&self, reason: &str) -> AuthError {
        AuthError::LoginNeeded(self.login(reason))
    }

    /// Where a person starts a login.
    pub(super) fn login_page(&self) -> Url {
        self.oauth.login(&self.name)
    }

    pub(super) fn login(&self, reason: &str) -> Box<LoginNeeded> {
        let page = self.login_page();
        let mut url = page.clone();
        if let Some(ticket) = self.ticket.load().as_deref() {
            url.query_pairs_mut().append_pair("ticket", ticket);
        }
        Box::new(LoginNeeded { reason: redact(reason).into_owned(), url, page })
    }

    /// Begins to use `tokens` that were obtained just now.
    pub(super) fn use_new(&self, tokens: &Tokens) -> Result<Arc<Credential>, AuthError> {
        let credential = self.install(tokens)?;
        match credential.lifetime() {
            Some(left) => info!(server = self.name, "got a token, good for {} s", left.as_secs_f64().round()),
            None => info!(server = self.name, "got a token"),
        }
        Ok(credential)
    }

    pub(super) fn count_refresh(&self) {
        self.refreshes.fetch_add(1, Relaxed);
    }

    /// A configured client with its secret, which stands in the config and not in the record.
    pub(super) fn with_secret(&self, client: &Client) -> Client {
        let mut client = client.clone();
        if let Some(StaticClient { credential: ClientCredential::Secret(secret), .. }) = &self.settings.client
        {
            client.secret = Some(secret.clone());
        }
        client
    }

    /// A record of `client`, without tokens so far.
    pub(super) fn record(&self, found: &Discovered, client: Client) -> Record {
        Record {
            version: Version,
            server: self.name.clone(),
            url: self.url.clone(),
            resource: found.resource.clone(),
            issuer: found.server.issuer.clone(),
            token_endpoint: found.server.token_endpoint.clone(),
            revocation_endpoint: found.server.revocation_endpoint.clone(),
            requested_scopes: None,
            client: match client.origin {
                ClientOrigin::Configured => Client { secret: None, ..client },
                ClientOrigin::MetadataDocument | ClientOrigin::Registered => client,
            },
            tokens: None,
        }
    }

    /// The token endpoint at `url`, for `client` and for tokens of `resource`, as configured.
    pub(super) fn token_endpoint<'a>(
        &'a self,
        guarded: &'a GuardedClient,
        url: &'a Url,
        client: &'a Client,
        resource: &'a str,
    ) -> TokenEndpoint<'a> {
        let key = match self.settings.client.as_ref().map(|client| &client.credential) {
            Some(ClientCredential::Key(key)) => Some(key),
            Some(ClientCredential::None | ClientCredential::Secret(_)) | None => None,
        };
        let resource = (!self.settings.without_resource).then(|| without_query(resource));
        TokenEndpoint { guarded, url, client, key, resource, more: &self.settings.token_params }
    }
}
