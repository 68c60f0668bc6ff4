//! What these tests share: the two servers, a token folder that outlives gateways, and how a person logs in.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Url;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Answer, Gateway, authorization::AuthorizationServer, browser::Browser, eventually, launch::Launch,
};

/// Where the tool `echo` of the only server is.
pub(super) const ECHO: &str = "/guarded/echo";

/// How long any answer may take, however ill the authorization server is: nothing ever hangs.
pub(super) const ANSWERED: Duration = Duration::from_secs(20);

/// The servers, and a folder for the tokens of one gateway after the other.
pub(super) struct Fixture {
    pub(super) authorization: AuthorizationServer,
    server: Value,
    tokens: TempDir,
}

impl Fixture {
    /// With the MCP server over streamable HTTP.
    pub(super) async fn http() -> Self {
        Self::of(|authorization| json!({ "type": "streamable-http", "url": authorization.mcp() })).await
    }

    /// With the MCP server over HTTP+SSE.
    pub(super) async fn sse() -> Self {
        Self::of(|authorization| json!({ "type": "sse", "url": authorization.sse() })).await
    }

    /// With that which `server` makes of the URLs as the config's only server.
    pub(super) async fn of(server: impl Fn(&AuthorizationServer) -> Value) -> Self {
        Self::before(AuthorizationServer::start().await, server)
    }

    /// The same with servers that are there already.
    pub(super) fn before(
        authorization: AuthorizationServer,
        server: impl Fn(&AuthorizationServer) -> Value,
    ) -> Self {
        let server = server(&authorization);
        Self { authorization, server, tokens: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The token folder.
    pub(super) fn tokens(&self) -> &Path {
        self.tokens.path()
    }

    /// A gateway before this server, with the token folder.
    pub(super) fn launch(&self) -> Launch {
        self.launch_in(self.tokens())
    }

    /// The same with another token folder.
    pub(super) fn launch_in(&self, folder: &Path) -> Launch {
        let folder = folder.to_str().expect("UTF-8");
        Gateway::config(&json!({ "guarded": self.server })).options(["--token-dir", folder])
    }

    /// A gateway that somebody has logged in.
    pub(super) async fn logged_in(&self) -> Gateway {
        let gateway = self.launch().start().await;
        log_in(&gateway).await;
        gateway
    }
}

/// The URL that a call names which cannot go on without a login.
#[track_caller]
pub(super) fn asks_for_login(answer: &Answer) -> String {
    answer.error(401);
    let body = answer.json();
    let url = body["detail"]["authorization_url"].as_str();
    url.unwrap_or_else(|| panic!("no authorization_url in {body}")).to_owned()
}

/// Waits until the gateway has found out that it needs a login, and gives the URL that it names.
pub(super) async fn needs_login(gateway: &Gateway) -> String {
    needs_login_to(gateway, "guarded").await
}

/// The same for any server that has a tool `echo`.
pub(super) async fn needs_login_to(gateway: &Gateway, server: &str) -> String {
    eventually(&format!("a call to {server} asks for a login"), async || {
        let answer = gateway.call(&format!("/{server}/echo"), &json!({ "message": "?" })).await;
        // Until then it connects.
        assert!(matches!(answer.status, 401 | 503), "{answer:?}\nlog:\n{}", gateway.log());
        (answer.status == 401).then(|| asks_for_login(&answer))
    })
    .await
}

/// Logs in with a new browser and waits until the server is connected.
pub(super) async fn log_in(gateway: &Gateway) {
    log_in_to(gateway, "guarded").await;
}

/// The same for any server that has a tool `echo`.
pub(super) async fn log_in_to(gateway: &Gateway, server: &str) {
    let url = needs_login_to(gateway, server).await;
    let mut browser = Browser::new();
    let page = browser.open(&url).await;
    assert_eq!(page.status, 200, "{server}: {page:?}\nlog:\n{}", gateway.log());
    connects(gateway, server).await;
}

/// Waits until the server is connected without a login, and calls it.
pub(super) async fn works(gateway: &Gateway) {
    connects(gateway, "guarded").await;
    echoes(gateway, "again").await;
}

async fn connects(gateway: &Gateway, server: &str) {
    eventually("the server is connected", async || {
        let answer = gateway.call(&format!("/{server}/echo"), &json!({ "message": "!" })).await;
        assert!(matches!(answer.status, 200 | 503), "{server}: {answer:?}\nlog:\n{}", gateway.log());
        (answer.status == 200).then_some(())
    })
    .await;
}

/// Calls a tool, which must work at once.
pub(super) async fn echoes(gateway: &Gateway, message: &str) {
    assert_eq!(gateway.result(ECHO, &json!({ "message": message })).await, format!("Echo: {message}"));
}

/// Calls a tool and gives its answer, whatever it is; it never takes long.
pub(super) async fn answered(gateway: &Gateway) -> Answer {
    let start = Instant::now();
    let answer = gateway.call(ECHO, &json!({ "message": "any" })).await;
    assert!(start.elapsed() < ANSWERED, "{:?} for {answer:?}", start.elapsed());
    answer
}

/// A browser that has gone through the login until just before the gateway's callback, and that address.
pub(super) async fn before_callback(gateway: &Gateway) -> (Browser, Url) {
    let url = needs_login(gateway).await;
    let mut browser = Browser::new();
    let callback = match browser.follow(&url, |url| url.path() == "/oauth/callback").await {
        Err(callback) => callback,
        Ok(page) => panic!("no callback: {page:?}"),
    };
    (browser, callback)
}

/// The same address with another value of a parameter, or without it.
pub(super) fn with(url: &Url, name: &str, value: Option<&str>) -> String {
    let mut changed = url.clone();
    let kept = url.query_pairs().filter(|(key, _)| key != name);
    changed.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    changed.into()
}
