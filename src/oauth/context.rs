//! What the authorizers of all servers share: the gateway's own addresses, the pending authorizations, and the tasks
//! that outlive their callers.

use std::{
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicBool, Ordering},
};

use oauth2::CsrfToken;
use serde_json::{Map, json};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    authorization::{browser, pending::PendingAuthorizations},
    error::LoginNeeded,
    registration::client_metadata,
};
use crate::{
    config::{self, ForwardProxy},
    net::Network,
};

/// The path of our client-id metadata document, below the gateway's public URL.
pub const DOCUMENT_PATH: &str = "/client-metadata.json";
/// The path that logins come back to, below the gateway's public URL.
pub const CALLBACK_PATH: &str = "/oauth/callback";
/// The port of loopback callbacks if the config names none, as the Python mcpo has it.
pub const DEFAULT_CALLBACK_PORT: u16 = 3030;

/// Shared by all authorizers.
pub struct Context {
    pub(super) settings: config::LoginSettings,
    proxy: ForwardProxy,
    network: Network,
    /// Where browsers reach the gateway, without a trailing slash.
    base: Url,
    /// Whether starting a login takes a key or a ticket.
    guarded: AtomicBool,
    pending: PendingAuthorizations,
    tasks: TaskTracker,
    stop: CancellationToken,
    runtime: Handle,
}

impl Context {
    /// A context of the gateway that browsers reach at `base` unless its public URL says otherwise. Its tasks run on
    /// this runtime and end after `stop`.
    pub fn new(
        settings: config::LoginSettings,
        proxy: ForwardProxy,
        base: Url,
        guarded: bool,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let base = settings.public_url.clone().unwrap_or(base);
        let guarded = AtomicBool::new(guarded);
        Self {
            settings,
            network: Network::new(proxy.clone()),
            proxy,
            base,
            guarded,
            pending: PendingAuthorizations::default(),
            tasks,
            stop,
            runtime: Handle::current(),
        }
    }

    /// Changes whether starting a login takes a key or a ticket.
    pub fn set_guarded(&self, guarded: bool) {
        self.guarded.store(guarded, Ordering::Relaxed);
    }

    /// Where browsers and clients reach the gateway.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The forward proxy that requests go by.
    pub fn proxy(&self) -> &ForwardProxy {
        &self.proxy
    }

    /// The connections of logins.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// The application's tasks.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Cancelled when the gateway stops.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs `work` until it ends, which it does soon after the gateway has been stopped.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    /// Has a browser on this machine open `url`.
    pub fn open(&self, url: Url) {
        if let Some(program) = self.settings.browser.clone() {
            let stop = self.stop.clone();
            self.spawn(async move {
                stop.run_until_cancelled(browser::open(&program, &url)).await;
            });
        }
    }

    /// Opens a browser for a login that is needed, if a person has started mcpo at this machine.
    pub(super) fn present(&self, login: &LoginNeeded) {
        if self.settings.public_url.is_none() && io::stderr().is_terminal() {
            // Not the one with the ticket: programs' arguments are there for all to see.
            self.open(login.page.clone());
        }
    }

    /// The client-id metadata document, if the gateway has a public HTTPS URL.
    pub fn metadata(&self) -> Option<serde_json::Value> {
        // Logins from the command line come back to loopback, whose port is ignored (RFC 8252 section 7.3).
        let loopback = format!("http://localhost:{DEFAULT_CALLBACK_PORT}/callback");
        let given = Map::from_iter([("redirect_uris".to_owned(), json!([loopback]))]);
        Some(client_metadata::document(&self.document()?, &self.callback(), &given))
    }

    /// The logins that have not come back yet.
    pub fn pending(&self) -> &PendingAuthorizations {
        &self.pending
    }

    /// Where logins come back to when they use the gateway's own port.
    pub fn callback(&self) -> Url {
        below(&self.base, CALLBACK_PATH)
    }

    /// The URL of our client-id metadata document, which is a client id only if it is public and HTTPS.
    pub(super) fn document(&self) -> Option<Url> {
        let public = self.settings.public_url.as_ref().filter(|url| url.scheme() == "https")?;
        Some(below(public, DOCUMENT_PATH))
    }

    /// Where a login to `server` starts.
    pub(super) fn login(&self, server: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["oauth", server, "login"]);
        }
        url
    }

    pub(super) fn ticket(&self) -> Option<String> {
        self.guarded.load(Ordering::Relaxed).then(random_token)
    }

    /// Runs `work` to its end, even if the caller goes away.
    pub(super) async fn finish<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Option<Result<T, E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        // It fails only if the work panicked or the runtime is gone.
        self.tasks.spawn_on(work, &self.runtime).await.ok()
    }
}

/// 256 random bits, as text that URLs and headers may hold.
pub(super) fn random_token() -> String {
    CsrfToken::new_random_len(32).into_secret()
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}
