//! `--public-url`: where browsers and authorization servers reach the gateway from outside.

use serde_json::json;

use super::fixture::{Fixture, needs_login};

#[tokio::test]
async fn logins_come_back_to_the_public_url() {
    const PUBLIC: &str = "https://example.com/tools";
    let fixture = Fixture::http().await;
    let options = ["--public-url", PUBLIC, "--root-path", "/tools", "--api-key", "k", "--strict-auth"];
    let gateway = fixture.launch().options(options).start().await;
    let callback = format!("{PUBLIC}/oauth/callback");
    for path in ["/client-metadata.json", "/tools/client-metadata.json"] {
        let answer = gateway.get(path).await;
        let document = answer.json();
        assert_eq!(document["client_id"], format!("{PUBLIC}/client-metadata.json"), "{document}");
        let uris = json!([callback, "http://localhost:3030/callback"]);
        assert_eq!(document["redirect_uris"], uris, "{document}");
    }
    gateway.stop().await;

    let gateway = fixture.launch().options(["--public-url", PUBLIC, "--root-path", "/tools"]).start().await;
    let url = needs_login(&gateway).await;
    assert_eq!(url, format!("{PUBLIC}/oauth/guarded/login"));
    for path in ["/oauth/guarded/login", "/tools/oauth/guarded/login"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let location = reqwest::Url::parse(&answer.header("location").unwrap()).unwrap();
        let given = location.query_pairs().find(|(name, _)| name == "redirect_uri").map(|(_, uri)| uri);
        assert_eq!(given.as_deref(), Some(&*callback));
        let cookie = answer.header("set-cookie").expect("a cookie");
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute} is not in {cookie}");
        }
    }
    gateway.get("/tools/oauth/callback").await.page(400);
    gateway.stop().await;
}

/// A client id has to be an HTTPS URL.
#[tokio::test]
async fn there_is_no_document_without_https() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().options(["--public-url", "http://gateway.internal:8000"]).start().await;
    assert_eq!(gateway.get("/client-metadata.json").await.status, 404);
    assert_eq!(needs_login(&gateway).await, "http://gateway.internal:8000/oauth/guarded/login");
    gateway.stop().await;
}
