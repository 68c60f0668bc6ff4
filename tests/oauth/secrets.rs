//! No token, code, verifier or secret in any log, at the finest level, nor in any answer.

use reqwest::{Method, Url};
use serde_json::json;

use super::{
    fixture::{Fixture, answered, before_callback, echoes, needs_login, with, works},
    store::KEY,
};
use crate::support::{Gateway, browser::Browser, wire};

/// All that was said to anybody but the authorization server and the MCP server.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    async fn call(&mut self, gateway: &Gateway) {
        let answer = answered(gateway).await;
        self.0.push(format!("{:?} {}", answer.headers, answer.body));
    }

    async fn page(&mut self, browser: &mut Browser, url: &str) -> u16 {
        let page = browser.open(url).await;
        self.0.push(page.body);
        page.status
    }

    async fn log(&mut self, gateway: Gateway) {
        let log = gateway.stop().await;
        self.0.push(log);
    }
}

/// Through a login, a refresh, a restart and all that can go wrong with them. The client has a secret too.
#[tokio::test]
async fn nothing_secret_is_said() {
    let client = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let oauth = json!({ "client_metadata": client });
    let fixture = Fixture::of(
        |authorization| json!({ "type": "streamable-http", "url": authorization.mcp(), "oauth": oauth }),
    )
    .await;
    let trace = || fixture.launch().options(["--log-level", "trace", "--token-key", KEY]);
    let mut said = Said::default();
    let mut cookies = Vec::new();

    let gateway = trace().start().await;
    for (name, value) in
        [("state", Some("made-up")), ("iss", Some("http://127.0.0.1:1")), ("code", Some("made-up"))]
    {
        let (mut browser, callback) = before_callback(&gateway).await;
        cookies.extend(gateway_cookies(&browser, &callback));
        assert!(said.page(&mut browser, &with(&callback, name, value)).await >= 400);
    }
    let (mut browser, callback) = before_callback(&gateway).await;
    cookies.extend(gateway_cookies(&browser, &callback));
    let stranger = said.page(&mut Browser::new(), callback.as_str()).await;
    assert_eq!((stranger, said.page(&mut browser, callback.as_str()).await), (400, 200));
    works(&gateway).await;
    assert_eq!(said.page(&mut browser, callback.as_str()).await, 400);

    fixture.authorization.revoke_access().await;
    echoes(&gateway, "after a refresh").await;
    said.log(gateway).await;

    fixture.authorization.revoke_access().await;
    let gateway = trace().ready().await;
    works(&gateway).await;
    fixture.authorization.revoke_access().await;
    fixture.authorization.down().await;
    said.call(&gateway).await;
    fixture.authorization.up().await;
    fixture.authorization.revoke_refresh().await;
    needs_login(&gateway).await;
    said.call(&gateway).await;
    let denied = needs_login(&gateway).await;
    fixture.authorization.deny_next_login().await;
    assert!(said.page(&mut Browser::new(), &denied).await >= 400);
    for path in ["/", "/openapi.json", "/guarded/openapi.json", "/readyz", "/healthz"] {
        said.0.push(gateway.send(gateway.request(Method::GET, path)).await.body);
    }
    said.log(gateway).await;

    let counts = fixture.authorization.counts().await;
    assert!(counts["refresh_token ok"] >= 2 && counts["refresh_token invalid_grant"] >= 1, "{counts:?}");
    let secrets = fixture.authorization.secrets().await;
    // Two secrets of the client and its Basic credentials, a code, its verifier, three pairs of tokens.
    assert!(secrets.len() >= 11, "{secrets:?}");
    for secret in secrets.iter().chain(&cookies).map(String::as_str).chain([KEY]) {
        for form in [secret.to_owned(), wire::encoded(secret)] {
            let found = said.0.iter().find(|text| text.contains(&form));
            assert_eq!(found, None, "it says {form}");
        }
    }
}

/// The values of what the gateway has asked a browser to keep.
fn gateway_cookies(browser: &Browser, callback: &Url) -> Vec<String> {
    let cookies = browser.cookies(callback.host_str().expect("a host"));
    assert!(!cookies.is_empty(), "a login is bound to its browser by a cookie");
    cookies.into_iter().filter_map(|cookie| Some(cookie.split_once('=')?.1.to_owned())).collect()
}
