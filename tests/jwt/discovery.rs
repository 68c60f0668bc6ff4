//! How a client learns who issues tokens: from a challenge to the metadata (RFC 9728 section 5), to the issuer itself.

use serde_json::json;

use super::{AUDIENCE, KEY, call, get, issuer::Issuer, launch};
use crate::support::{Answer, Gateway, eventually};

/// It has the form of a token.
const FORGED: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln";

/// Where the challenge says the metadata are.
fn metadata_url(answer: &Answer) -> String {
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenge = answer.challenge();
    challenge.resource_metadata.expect("resource_metadata").to_string()
}

/// Follows the challenge of a refused call; `outside` is what clients see where the gateway has its own address.
async fn follow(gateway: &Gateway, issuer: &Issuer, outside: Option<&str>) {
    let answers = [gateway.call("/notes/read", &json!({})).await, call(gateway, "/notes/read", FORGED).await];
    for url in answers.iter().map(metadata_url) {
        let outside = outside.unwrap_or(gateway.base());
        let path = url.strip_prefix(outside).unwrap_or_else(|| panic!("{url} is not below {outside}"));
        let metadata = gateway.get(path).await.json();
        assert_eq!(metadata["authorization_servers"], json!([issuer.identifier()]), "{metadata}");
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]), "{metadata}");
        // The resource is the gateway, as the address of the metadata has it.
        let resource = metadata["resource"].as_str().unwrap();
        assert_eq!(url, format!("{resource}/.well-known/oauth-protected-resource"));
        // Who knows the resource alone looks here (section 3.1).
        let path = resource.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        let found = gateway.get(&format!("/.well-known/oauth-protected-resource{path}")).await;
        found.is(200, &metadata);
    }
}

#[tokio::test]
async fn a_challenge_leads_to_the_issuer() {
    let issuer = Issuer::start().await;
    for (options, outside) in [
        (&[][..], None),
        (&["--strict-auth"], None),
        (&["--strict-auth", "--root-path", "/tools"], None),
        (&["--public-url", "https://example.com"], Some("https://example.com")),
        (&["--public-url", "https://example.com/tools", "--strict-auth"], Some("https://example.com/tools")),
        (
            &["--public-url", "https://example.com/tools", "--root-path", "/tools", "--strict-auth"],
            Some("https://example.com"),
        ),
    ] {
        let gateway = launch(&issuer, &json!({})).options(options.iter().copied()).ready().await;
        follow(&gateway, &issuer, outside).await;
        gateway.stop().await;
    }
}

/// The scopes that open something are told, so that a client can ask for them.
#[tokio::test]
async fn the_metadata_name_the_scopes() {
    let issuer = Issuer::start().await;
    let gateway = launch(&issuer, &json!({ "grants": { "tools:list": { "readOnly": true } } })).ready().await;
    let metadata = gateway.get("/.well-known/oauth-protected-resource").await.json();
    assert_eq!(metadata["scopes_supported"], json!(["tools:list"]), "{metadata}");
    gateway.stop().await;
}

/// It is not the caller's fault, and keys need no issuer.
#[tokio::test]
async fn an_issuer_that_is_down_at_the_start_costs_tokens_alone() {
    let issuer = Issuer::start().await;
    let token = issuer.token(AUDIENCE, "").await;
    issuer.down().await;
    let gateway = launch(&issuer, &json!({})).ready().await;
    let refused = call(&gateway, "/notes/read", &token).await;
    refused.is(503, &json!({ "detail": "tokens cannot be checked now" }));
    let wait: u32 = refused.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    assert_eq!(call(&gateway, "/notes/read", KEY).await.status, 200);
    assert_eq!(get(&gateway, "/notes/openapi.json", KEY).await.status, 200);
    issuer.up().await;
    eventually("the token opens", async || {
        let status = call(&gateway, "/notes/read", &token).await.status;
        assert!([200, 503].contains(&status), "{status}");
        (status == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}
