//! A real issuer of JWT access tokens: `jwt/issuer.mjs`, and its commands.

use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::process::Child;

use crate::support::{node, wait::DEADLINE};

/// Where it listens.
#[derive(Deserialize)]
struct Urls {
    issuer: String,
    admin: String,
}

/// The key that it signs with.
#[derive(Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) pem: String,
}

/// The issuer, ended when dropped.
pub(crate) struct Issuer {
    urls: Urls,
    client: Client,
    _child: Child,
}

impl Issuer {
    /// Publishes one key.
    pub(crate) async fn start() -> Self {
        let (child, urls) = node::start("jwt/issuer.mjs", &[]).await;
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().expect("an HTTP client");
        Self { urls, client, _child: child }
    }

    /// Its issuer identifier, which is its origin.
    pub(crate) fn identifier(&self) -> &str {
        &self.urls.issuer
    }

    /// A token of the client `caller` for this audience and scope (`tools:call`, `tools:list`, both or none).
    pub(crate) async fn token(&self, audience: &str, scope: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("resource", audience), ("scope", scope)];
        let form = form.into_iter().filter(|(_, value)| !value.is_empty());
        let body = reqwest::Url::parse_with_params("form:", form).expect("a form");
        let request = self
            .client
            .post(format!("{}/token", self.urls.issuer))
            .basic_auth("caller", Some("a-secret-of-the-client-caller"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        let answer: Value = request.send().await.expect("it answers").json().await.expect("JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Signs with a new key from now on; the former ones stay published.
    pub(crate) async fn rotate(&self) {
        self.tell("rotate").await;
    }

    /// Publishes only the newest key.
    pub(crate) async fn retire(&self) {
        self.tell("retire").await;
    }

    /// Closes its port.
    pub(crate) async fn down(&self) {
        self.tell("down").await;
    }

    /// Opens its port again.
    pub(crate) async fn up(&self) {
        self.tell("up").await;
    }

    /// How often its keys were asked for.
    pub(crate) async fn fetches(&self) -> u32 {
        self.ask("fetches").await
    }

    /// What it signs with now, so that a token can have one fault alone.
    pub(crate) async fn key(&self) -> Key {
        self.ask("key").await
    }

    /// Publishes a symmetric key beside the others from now on, and gives it as a JWK.
    pub(crate) async fn leak(&self) -> Value {
        self.ask("leak").await
    }

    /// The keys that it publishes, as a JWK set.
    pub(crate) async fn published(&self) -> Value {
        let answer = self.client.get(format!("{}/jwks", self.urls.issuer)).send().await;
        answer.expect("it answers").json().await.expect("JSON")
    }

    async fn tell(&self, command: &str) {
        let _: Value = self.ask(command).await;
    }

    async fn ask<T: DeserializeOwned>(&self, question: &str) -> T {
        let url = format!("{}/{question}", self.urls.admin);
        let answer = self.client.get(url).send().await.expect("it answers");
        answer.json().await.unwrap_or_else(|error| panic!("{question}: {error}"))
    }
}
