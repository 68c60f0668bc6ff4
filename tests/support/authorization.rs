//! A real authorization server in front of a real MCP server: `oauth/authorization_server.mjs`, and its commands.

use std::collections::HashMap;

use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::process::Child;

use super::{node, wait::DEADLINE};

/// Where they listen.
#[derive(Deserialize)]
struct Urls {
    issuer: String,
    mcp: String,
    admin: String,
}

/// Both servers, ended when dropped.
pub(crate) struct AuthorizationServer {
    urls: Urls,
    client: Client,
    _child: Child,
}

/// Where a token request is kept.
#[derive(Clone, Copy)]
pub(crate) enum Hold {
    /// It has arrived and nothing was done about it. If its client goes away, nothing ever will be.
    Arrived,
    /// The new tokens are issued and the old refresh token is spent, but the answer is not sent.
    Processed,
}

impl AuthorizationServer {
    /// Access tokens live for an hour until told otherwise.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same, with the MCP server under this name of 127.0.0.1. Its metadata is where its challenges say alone.
    pub(crate) async fn named(host: &str) -> Self {
        Self::with(&[host]).await
    }

    async fn with(arguments: &[&str]) -> Self {
        let (child, urls) = node::start("oauth/authorization_server.mjs", arguments).await;
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().expect("an HTTP client");
        Self { urls, client, _child: child }
    }

    /// Its issuer identifier, which is its origin.
    pub(crate) fn issuer(&self) -> &str {
        &self.urls.issuer
    }

    /// The MCP server over streamable HTTP.
    pub(crate) fn mcp(&self) -> String {
        format!("{}/mcp", self.urls.mcp)
    }

    /// The MCP server over HTTP+SSE.
    pub(crate) fn sse(&self) -> String {
        format!("{}/sse", self.urls.mcp)
    }

    /// How often each thing has happened: `registrations`, `logins granted`, `logins denied`, `token arrived`,
    /// `token answered`, `held arrived`, `held processed`, `call echo`, and a token request by its grant type and
    /// outcome, `refresh_token ok`, `authorization_code invalid_grant`.
    pub(crate) async fn counts(&self) -> HashMap<String, u32> {
        self.ask("counts").await
    }

    /// How often this has happened.
    pub(crate) async fn count(&self, name: &str) -> u32 {
        self.counts().await.get(name).copied().unwrap_or_default()
    }

    /// Waits until this has happened at least so many times.
    pub(crate) async fn until(&self, name: &str, least: u32) {
        self.tell(&format!("until?name={name}&least={least}")).await;
    }

    /// When access tokens were issued, in milliseconds.
    pub(crate) async fn issued(&self) -> Vec<f64> {
        self.ask("issued").await
    }

    /// Every token, code, verifier and client secret that went over the wire.
    pub(crate) async fn secrets(&self) -> Vec<String> {
        self.ask("secrets").await
    }

    /// Revokes all access tokens.
    pub(crate) async fn revoke_access(&self) {
        self.tell("revoke-access").await;
    }

    /// Revokes all refresh tokens.
    pub(crate) async fn revoke_refresh(&self) {
        self.tell("revoke-refresh").await;
    }

    /// Knows none of its clients any more.
    pub(crate) async fn forget_clients(&self) {
        self.tell("forget-clients").await;
    }

    /// The person says no at the next login page.
    pub(crate) async fn deny_next_login(&self) {
        self.tell("deny-next-login").await;
    }

    /// How long access tokens live from now on, in seconds.
    pub(crate) async fn life(&self, seconds: u32) {
        self.tell(&format!("ttl?seconds={seconds}")).await;
    }

    /// Closes its port; the MCP server works on.
    pub(crate) async fn down(&self) {
        self.tell("down").await;
    }

    /// Waits until no access token lives any more.
    pub(crate) async fn expired(&self) {
        self.tell("expired").await;
    }

    /// Opens its port again.
    pub(crate) async fn up(&self) {
        self.tell("up").await;
    }

    /// Keeps the next token request there; [`Self::until`] `held arrived` tells when it is.
    pub(crate) async fn hold(&self, at: Hold) {
        let at = match at {
            Hold::Arrived => "arrived",
            Hold::Processed => "processed",
        };
        self.tell(&format!("hold?at={at}")).await;
    }

    /// Lets a kept request go on.
    pub(crate) async fn release(&self) {
        self.tell("release").await;
    }

    async fn tell(&self, command: &str) {
        let _: serde_json::Value = self.ask(command).await;
    }

    async fn ask<T: DeserializeOwned>(&self, question: &str) -> T {
        let url = format!("{}/{question}", self.urls.admin);
        let answer = self.client.get(url).send().await.expect("it answers");
        answer.json().await.unwrap_or_else(|error| panic!("{question}: {error}"))
    }
}
