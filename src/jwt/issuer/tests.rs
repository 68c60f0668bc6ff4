//! Issuers that are elsewhere, ill or not what they say, on loopback.

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::stub::{Stub, redirect, response};

const OPENID: &str = "GET /a/.well-known/openid-configuration";
const OAUTH: &str = "GET /.well-known/oauth-authorization-server/a";

/// What comes of asking an issuer `/a` that answers so; `ORIGIN` becomes its origin.
async fn ask(answers: &[(&'static str, String)]) -> (Result<Published, String>, Vec<String>) {
    let answers = answers.to_vec();
    let stub = Stub::serve(move |origin, request| {
        let answer = answers.iter().find(|(known, _)| *known == request);
        answer.map_or_else(|| response(404, ""), |(_, answer)| answer.replace("ORIGIN", origin))
    })
    .await;
    let issuer = IssuerClient::new(
        config::IssuerIdentifier::parse(stub.url("/a").as_str()).unwrap(),
        &ForwardProxy::default(),
    );
    (issuer.keys().await, stub.asked())
}

fn metadata(issuer: &str, jwks_uri: &str) -> String {
    response(200, &json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string())
}

fn right() -> String {
    metadata("ORIGIN/a", "ORIGIN/jwks")
}

/// Why the keys cannot be had where the JWK set is answered so.
async fn failure(jwks: String) -> String {
    ask(&[(OPENID, right()), ("GET /jwks", jwks)]).await.0.expect_err("no keys")
}

#[test]
fn metadata_have_two_places() {
    let places = |issuer: &str| places(&Url::parse(issuer).unwrap()).map(String::from);
    for slash in ["", "/"] {
        assert_eq!(
            places(&format!("https://h{slash}")),
            [
                "https://h/.well-known/openid-configuration",
                "https://h/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(
            places(&format!("https://h/a/b{slash}")),
            [
                "https://h/a/b/.well-known/openid-configuration",
                "https://h/.well-known/oauth-authorization-server/a/b",
            ]
        );
    }
}

#[tokio::test]
async fn keys_are_found_in_either_place() {
    let jwks = response(200, r#"{"keys":[]}"#);
    for place in [OPENID, OAUTH] {
        let (keys, asked) = ask(&[(place, right()), ("GET /jwks", jwks.clone())]).await;
        assert_eq!(keys.unwrap().lifetime, LIFETIME);
        assert_eq!(asked.last().map(String::as_str), Some("GET /jwks"));
    }
    let moved = [(OPENID, redirect("/moved")), ("GET /moved", right()), ("GET /jwks", jwks)];
    assert!(ask(&moved).await.0.is_ok());
}

#[tokio::test]
async fn metadata_of_another_issuer_lead_nowhere() {
    for (metadata, expected) in [
        (metadata("ORIGIN/a/", "ORIGIN/jwks"), "give --jwt-issuer as it is there"),
        (metadata("ORIGIN", "ORIGIN/jwks"), "its `issuer` is"),
        (metadata("ORIGIN/a", "http://id.example.com/jwks"), "keys need https"),
        (metadata("ORIGIN/a", "file:///etc/passwd"), "keys need https"),
        (metadata("ORIGIN/a", "/jwks"), "its `jwks_uri` is no URL"),
        (response(200, r#"{"issuer":"ORIGIN/a"}"#), "it has no `jwks_uri`"),
        (response(200, "[]"), "it is no metadata"),
        (response(200, "<html>"), "it is not JSON"),
        (response(500, ""), "HTTP 500"),
        (redirect("http://127.0.0.1:9/"), "redirects to http://127.0.0.1:9"),
        (redirect("/a/.well-known/openid-configuration"), "redirects more than 3 times"),
    ] {
        let (keys, asked) = ask(&[(OPENID, metadata)]).await;
        let error = keys.unwrap_err();
        assert!(error.contains(expected) && error.contains("HTTP 404"), "{error}");
        assert!(!asked.contains(&"GET /jwks".to_owned()));
    }
}

#[tokio::test]
async fn ill_key_sets_are_refused() {
    for (jwks, expected) in [
        (response(200, &" ".repeat(262_145)), "more than 262144 bytes"),
        (response(200, "keys"), "it is not JSON"),
        (response(200, r#"{"keys":{}}"#), "it is no JWK set"),
        (response(404, r#"{"keys":[]}"#), "HTTP 404"),
        (redirect("http://localhost:9/jwks"), "redirects to http://localhost:9"),
        (String::new(), "/jwks: "),
    ] {
        let error = failure(jwks).await;
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_that_hangs_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let issuer =
        IssuerClient::new(config::IssuerIdentifier::parse(&issuer).unwrap(), &ForwardProxy::default());
    let answer = timeout(WHOLE * 2, issuer.keys()).await.expect("it is left");
    assert_eq!(answer.unwrap_err(), "no answer within 10 s");
}

#[test]
fn keys_are_fresh_for_as_long_as_their_issuer_says_within_bounds() {
    for (line, expected) in [
        ("", LIFETIME),
        ("public", LIFETIME),
        ("public, max-age=7200, must-revalidate", Duration::from_secs(7200)),
        ("Max-Age=7200", Duration::from_secs(7200)),
        ("max-age=0", SHORTEST),
        ("no-store", SHORTEST),
        ("max-age=31536000", LONGEST),
        ("max-age=soon", LIFETIME),
    ] {
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, line.parse().unwrap())]);
        assert_eq!(lifetime(&headers), expected, "{line}");
    }
    assert_eq!(lifetime(&HeaderMap::new()), LIFETIME);
}
