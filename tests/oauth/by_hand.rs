//! The servers of these tests, tried by a client without mcpo: what they grant, rotate, revoke and refuse.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;

use crate::support::{
    Gateway,
    authorization::{AuthorizationServer, Hold},
    browser::Browser,
};

pub(super) const CALLBACK: &str = "http://localhost:1/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

/// A public client of the authorization server.
pub(super) struct ByHand<'a> {
    server: &'a AuthorizationServer,
    http: Client,
    pub(super) id: String,
    resource: String,
}

impl<'a> ByHand<'a> {
    pub(super) async fn register(server: &'a AuthorizationServer, resource: String) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        let client = json!({
            "redirect_uris": [CALLBACK],
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        let answer = http.post(format!("{}/reg", server.issuer())).json(&client).send().await.unwrap();
        let client: Value = answer.json().await.unwrap();
        Self { server, http, id: client["client_id"].as_str().expect("a client").to_owned(), resource }
    }

    /// Logs in and gives the address of the callback.
    pub(super) async fn authorize(&self) -> Url {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut url = Url::parse(&format!("{}/auth", self.server.issuer())).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", CALLBACK),
            ("state", "a-state"),
            ("scope", "mcp offline_access"),
            ("prompt", "consent"),
            ("resource", &self.resource),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let stopped = Browser::new().follow(url.as_str(), |url| url.path() == "/callback").await;
        stopped.expect_err("a callback")
    }

    async fn token(&self, parameters: &[(&str, &str)]) -> Value {
        let common = [("client_id", &*self.id), ("resource", &self.resource)];
        let body = Serializer::new(String::new()).extend_pairs(common).extend_pairs(parameters).finish();
        let request = self.http.post(format!("{}/token", self.server.issuer())).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(super) async fn exchange(&self, callback: &Url) -> Value {
        let code = parameter(callback, "code").unwrap_or_else(|| panic!("no code in {callback}"));
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(&exchange).await
    }

    async fn refresh(&self, tokens: &Value) -> Value {
        let refresh = tokens["refresh_token"].as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    /// What the MCP server says to a token.
    async fn status(&self, tokens: &Value) -> u16 {
        let request = self.http.get(&self.resource).bearer_auth(tokens["access_token"].as_str().unwrap());
        request.header("accept", "text/event-stream").send().await.unwrap().status().as_u16()
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn tokens_are_granted_rotated_and_revoked() {
    let server = AuthorizationServer::start().await;
    server.life(7).await;
    let client = ByHand::register(&server, server.sse()).await;
    let callback = client.authorize().await;
    assert_eq!(parameter(&callback, "state").as_deref(), Some("a-state"));
    assert_eq!(parameter(&callback, "iss").as_deref(), Some(server.issuer()));
    let first = client.exchange(&callback).await;
    assert_eq!((&first["expires_in"], client.status(&first).await), (&json!(7), 200), "{first}");

    let second = client.refresh(&first).await;
    assert_ne!(second["refresh_token"], first["refresh_token"], "refresh tokens rotate");
    server.revoke_access().await;
    assert_eq!(client.status(&second).await, 401);
    let third = client.refresh(&second).await;
    assert_eq!(client.status(&third).await, 200);
    assert_eq!(client.refresh(&first).await["error"], "invalid_grant", "a spent one ends all");
    assert_eq!(client.refresh(&third).await["error"], "invalid_grant");

    let secrets = server.secrets().await;
    let code = parameter(&callback, "code").unwrap();
    let seen = [&first["access_token"], &third["refresh_token"]].map(|token| token.as_str().unwrap());
    for secret in seen.into_iter().chain([VERIFIER, &code]) {
        assert!(secrets.iter().any(|known| known == secret), "{secret} is not in {secrets:?}");
    }
    assert_eq!(server.issued().await.len(), 3);
    assert_eq!(server.count("refresh_token invalid_grant").await, 2);
}

#[tokio::test]
async fn tokens_expire() {
    let server = AuthorizationServer::start().await;
    server.life(1).await;
    let client = ByHand::register(&server, server.sse()).await;
    let tokens = client.exchange(&client.authorize().await).await;
    server.expired().await;
    assert_eq!(client.status(&tokens).await, 401);
    assert_eq!(client.refresh(&tokens).await["expires_in"], 1);
}

#[tokio::test]
async fn what_is_told_happens() {
    let server = AuthorizationServer::start().await;
    let client = ByHand::register(&server, server.mcp()).await;
    server.deny_next_login().await;
    assert_eq!(parameter(&client.authorize().await, "error").as_deref(), Some("access_denied"));
    let tokens = client.exchange(&client.authorize().await).await;

    server.hold(Hold::Arrived).await;
    tokio::select! {
        answer = client.refresh(&tokens) => panic!("it should be kept: {answer}"),
        () = server.until("held arrived", 1) => {}
    }
    server.until("token abandoned", 1).await;
    server.release().await;
    let tokens = client.refresh(&tokens).await;
    assert!(tokens["access_token"].is_string(), "an abandoned request was never heard: {tokens}");

    server.down().await;
    let refused = client.http.get(server.issuer()).send().await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    server.up().await;
    server.revoke_refresh().await;
    assert_eq!(client.refresh(&tokens).await["error"], "invalid_grant");
    server.forget_clients().await;
    assert_eq!(client.refresh(&tokens).await["error"], "invalid_client");
    assert_eq!(server.count("registrations").await, 1);
}

/// The MCP server works behind a gateway that is given a token, over both transports.
#[tokio::test]
async fn a_given_token_opens_the_server() {
    let server = AuthorizationServer::start().await;
    for (kind, url) in [("streamable-http", server.mcp()), ("sse", server.sse())] {
        let client = ByHand::register(&server, url.clone()).await;
        let tokens = client.exchange(&client.authorize().await).await;
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let config = json!({ "type": kind, "url": url, "headers": { "Authorization": bearer } });
        let gateway = Gateway::config(&json!({ "guarded": config })).ready().await;
        assert_eq!(gateway.result("/guarded/echo", &json!({ "message": "hi" })).await, "Echo: hi");
        assert_eq!(gateway.result("/guarded/add", &json!({ "a": 2, "b": 3 })).await, 5, "{kind}");
        gateway.stop().await;
    }
    assert_eq!(server.count("call echo").await, 2);
}
