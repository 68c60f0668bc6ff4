//! Discovery against a server on loopback that is both MCP server and authorization server.

use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::{
    config::ForwardProxy,
    net::Network,
    stub::{Stub, redirect, response},
};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Serves these responses, in which `ORIGIN` stands for the server's own, and 404 elsewhere.
async fn serve<const N: usize>(pages: [(&str, String); N]) -> Stub {
    let pages = HashMap::from(pages.map(|(path, page)| (format!("GET {path}"), page)));
    Stub::serve(move |origin, request| match pages.get(request) {
        Some(page) => page.replace("ORIGIN", origin),
        None => response(404, ""),
    })
    .await
}

fn resource(resource: &str, issuers: &[&str]) -> String {
    let metadata =
        json!({"resource": resource, "authorization_servers": issuers, "scopes_supported": ["a", "b"]});
    response(200, &metadata.to_string())
}

fn server(issuer: &str) -> String {
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": "ORIGIN/oauth/authorize",
        "token_endpoint": "ORIGIN/oauth/token",
        "code_challenge_methods_supported": ["S256"],
    });
    response(200, &metadata.to_string())
}

async fn discover_at(
    stub: &Stub,
    base: Option<&str>,
    named: Option<&str>,
) -> Result<Discovered, DiscoveryError> {
    let guarded = Network::new(ForwardProxy::default()).login(&stub.origin, None);
    let challenge = Challenge { resource_metadata: named.map(|path| stub.url(path)), ..Challenge::default() };
    let base = base.map(|path| stub.url(path));
    discover(guarded, &stub.url("/mcp"), base.as_ref(), &challenge).await
}

/// The paths that were asked for, in order; a request that is broken off may be sent again.
fn asked(stub: &Stub) -> Vec<String> {
    let mut paths: Vec<_> = stub.asked().iter().map(|request| request.replace("GET ", "")).collect();
    paths.dedup();
    paths
}

fn origin(stub: &Stub) -> String {
    stub.origin.origin().ascii_serialization()
}

#[tokio::test]
async fn the_challenge_names_the_metadata() {
    let stub = serve([
        ("/custom.json", resource("ORIGIN/mcp", &["ORIGIN/tenant1"])),
        ("/tenant1/.well-known/openid-configuration", server("ORIGIN/tenant1")),
    ])
    .await;
    let found = discover_at(&stub, None, Some("/custom.json")).await.unwrap();
    assert_eq!(found.resource, format!("{}/mcp", origin(&stub)));
    assert_eq!(found.scopes, Some(Scopes::parse("a b")));
    assert_eq!(found.server.issuer, format!("{}/tenant1", origin(&stub)));
    assert_eq!(found.server.token_endpoint, stub.url("/oauth/token"));
    let order = [
        "/custom.json",
        &format!("{SERVER}/tenant1"),
        &format!("{OPENID}/tenant1"),
        &format!("/tenant1{OPENID}"),
    ];
    assert_eq!(asked(&stub), order);
}

#[tokio::test]
async fn a_failing_candidate_does_not_end_the_search() {
    let stub = serve([
        ("/custom.json", response(503, "")),
        (&format!("{RESOURCE}/mcp"), response(200, "<html>")),
        (RESOURCE, resource("ORIGIN", &["ORIGIN/down", "no URL", "ORIGIN"])),
        (&format!("{SERVER}/down"), response(500, "{}")),
        (&format!("{OPENID}/down"), String::new()),
        (SERVER, response(200, "[1]")),
        (OPENID, server("ORIGIN")),
    ])
    .await;
    let found = discover_at(&stub, None, Some("/custom.json")).await.unwrap();
    assert_eq!((found.resource, found.server.issuer), (origin(&stub), origin(&stub)));
    let order = [
        "/custom.json",
        &format!("{RESOURCE}/mcp"),
        RESOURCE,
        &format!("{SERVER}/down"),
        &format!("{OPENID}/down"),
        &format!("/down{OPENID}"),
        SERVER,
        OPENID,
    ];
    assert_eq!(asked(&stub), order);
}

#[tokio::test]
async fn metadata_of_another_resource_end_it() {
    let stub = serve([
        (&format!("{RESOURCE}/mcp"), resource("https://evil.example.com/mcp", &["ORIGIN"])),
        (SERVER, server("ORIGIN")),
    ])
    .await;
    let error = discover_at(&stub, None, None).await.unwrap_err();
    let expected = format!("{}{RESOURCE}/mcp describes \"https://evil.example.com/mcp\"", origin(&stub));
    assert!(error.to_string().starts_with(&expected) && !error.is_transient(), "{error}");
    assert_eq!(asked(&stub), [format!("{RESOURCE}/mcp")]);
}

#[tokio::test]
async fn metadata_of_another_issuer_are_not_used() {
    let stub = serve([
        (RESOURCE, resource("ORIGIN", &["ORIGIN"])),
        (SERVER, server("https://attacker.example.com")),
        (OPENID, server("ORIGIN/")),
    ])
    .await;
    // The slash of an empty path makes no other issuer.
    assert_eq!(discover_at(&stub, None, None).await.unwrap().server.issuer, stub.origin.as_str());

    let stub = serve([(SERVER, server("https://attacker.example.com"))]).await;
    let error = discover_at(&stub, None, None).await.unwrap_err();
    assert!(error.to_string().contains("its `issuer` is \"https://attacker.example.com\""), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn without_metadata_the_origin_is_the_authorization_server() {
    let stub = serve([(SERVER, server("ORIGIN"))]).await;
    let found = discover_at(&stub, None, None).await.unwrap();
    assert_eq!(found.resource, stub.url("/mcp").as_str());
    assert_eq!(found.server.authorization_endpoint, Some(stub.url("/oauth/authorize")));
    assert_eq!(asked(&stub), [&format!("{RESOURCE}/mcp"), RESOURCE, SERVER]);

    let stub = serve([]).await;
    let found = discover_at(&stub, None, None).await.unwrap();
    assert_eq!(found.server.issuer, origin(&stub));
    assert_eq!(found.server.authorization_endpoint, Some(stub.url("/authorize")));
    assert_eq!(found.server.token_endpoint, stub.url("/token"));
    assert_eq!(found.server.registration_endpoint, Some(stub.url("/register")));
    assert!(found.server.can_pkce());
}

#[tokio::test]
async fn the_configured_server_counts_whatever_is_named() {
    let other = serve([(&format!("{SERVER}/base"), server("ORIGIN/base"))]).await;
    let base = other.url("/base");
    for (named, overruled) in [(&[][..], false), (&["ORIGIN", "ORIGIN/x"], true), (&[base.as_str()], false)] {
        let stub = serve([(RESOURCE, resource("ORIGIN", named)), (SERVER, server("ORIGIN"))]).await;
        let found = discover_at(&stub, Some(base.as_str()), None).await.unwrap();
        assert_eq!(found.server.issuer, base.as_str(), "{named:?}");
        assert_eq!(found.scopes, Some(Scopes::parse("a b")));
        assert_eq!(found.overruled, overruled.then(|| origin(&stub)), "{named:?}");
    }
    // People paste the address of its metadata, too.
    for pasted in ["/base/.well-known/openid-configuration".to_owned(), format!("{SERVER}/base")] {
        let stub = serve([]).await;
        let found = discover_at(&stub, Some(other.url(&pasted).as_str()), None).await.unwrap();
        assert_eq!(found.server.issuer, base.as_str(), "{pasted}");
    }
    // Nor does the issuer at the root of its host stand in for it.
    for page in [response(503, ""), response(404, "")] {
        let host = serve([(SERVER, server("ORIGIN")), (&format!("{SERVER}/base"), page)]).await;
        let stub = serve([(RESOURCE, resource("ORIGIN", &[]))]).await;
        assert!(discover_at(&stub, Some(host.url("/base").as_str()), None).await.is_err());
    }
    // What was configured and cannot be had is not replaced by what a stranger names.
    let stub = serve([(RESOURCE, resource("ORIGIN", &["ORIGIN"])), (SERVER, server("ORIGIN"))]).await;
    let error = discover_at(&stub, Some("http://127.0.0.1:1/base"), None).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

/// As the Python mcpo wants it configured.
#[tokio::test]
async fn the_mcp_server_itself_counts_where_none_is_named() {
    let other = serve([(SERVER, server("ORIGIN"))]).await;
    let elsewhere = origin(&other);
    for base in ["/", "/mcp"] {
        let stub = serve([(RESOURCE, resource("ORIGIN", &[&elsewhere])), (SERVER, server("ORIGIN"))]).await;
        let found = discover_at(&stub, Some(base), None).await.unwrap();
        assert_eq!((found.server.issuer, found.overruled), (elsewhere.clone(), None), "{base}");
        let stub = serve([(RESOURCE, resource("ORIGIN", &[])), (SERVER, server("ORIGIN"))]).await;
        let found = discover_at(&stub, Some(base), None).await.unwrap();
        assert_eq!(found.server.issuer, origin(&stub), "{base}");
    }
}

#[tokio::test]
async fn nothing_is_guessed_where_something_may_be() {
    for page in [response(503, ""), response(429, ""), String::new()] {
        let stub = serve([(&format!("{RESOURCE}/mcp"), page)]).await;
        let error = discover_at(&stub, None, None).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
    let large = response(200, &"x".repeat(300 << 10));
    for page in [large, redirect("http://127.0.0.1:1/x"), response(200, "{}")] {
        let stub = serve([(&format!("{RESOURCE}/mcp"), page)]).await;
        let error = discover_at(&stub, None, None).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn the_error_names_every_candidate_in_one_line() {
    let issuers = ["ORIGIN/a?secret", "b\nad\u{1b}[1m", "ORIGIN/c", "ORIGIN/one-too-many"];
    let stub = serve([
        (RESOURCE, resource("ORIGIN", &issuers)),
        (&format!("{SERVER}/c"), redirect("https://elsewhere.example/x?secret")),
    ])
    .await;
    let error = discover_at(&stub, None, None).await.unwrap_err().to_string();
    let origin = origin(&stub);
    let expected = [
        format!("no authorization server found: {origin}{RESOURCE}/mcp: HTTP 404"),
        format!("{origin}{SERVER}/a: HTTP 404"),
        format!("{origin}{OPENID}/a: HTTP 404"),
        format!("{origin}/a{OPENID}: HTTP 404"),
        "bad[1m: it is no URL: relative URL without a base".into(),
        format!("{origin}{SERVER}/c: {origin} may not be asked: it redirects to https://elsewhere.example"),
        format!("{origin}{OPENID}/c: HTTP 404"),
        format!("{origin}/c{OPENID}: HTTP 404"),
    ];
    assert_eq!(error, expected.join("; "));
}

#[test]
fn well_known_uris_go_between_host_and_path() {
    let url = |text: &str| Url::parse(text).unwrap();
    let of_resource = |text: &str| resource_candidates(&url(text), &Challenge::default());
    let path = url(&format!("https://h.example{RESOURCE}/a/b"));
    let with_query = url(&format!("{path}?c=d"));
    let root = url(&format!("https://h.example{RESOURCE}"));
    assert_eq!(of_resource("https://h.example/a/b"), [path, root.clone()]);
    assert_eq!(of_resource("https://h.example/a/b/?c=d"), [with_query, root.clone()]);
    assert_eq!(of_resource("https://h.example/"), [root]);
    let of_server =
        |text: &str| server_candidates(&url(text)).into_iter().map(String::from).collect::<Vec<_>>();
    let at = |path: &str| format!("https://a.example{path}");
    assert_eq!(of_server("https://a.example/"), [at(SERVER), at(OPENID)]);
    let with_path = [at(&format!("{SERVER}/t")), at(&format!("{OPENID}/t")), at(&format!("/t{OPENID}"))];
    assert_eq!(of_server("https://a.example/t/"), with_path);
}

#[test]
fn a_resource_is_named_without_its_query() {
    for (resource, named) in [
        ("https://h.example/mcp?api_key=1", "https://h.example/mcp"),
        ("https://h.example/?api_key=1", "https://h.example"),
        ("https://h.example?api_key=1", "https://h.example"),
        ("https://h.example/a/?b=/c?d", "https://h.example/a/"),
        ("https://h.example/mcp/", "https://h.example/mcp/"),
        ("https://h.example/", "https://h.example/"),
    ] {
        assert_eq!(without_query(resource), named);
    }
}
