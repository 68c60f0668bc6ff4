//! With an API key: who may start a login, and who is told what.

use reqwest::Method;
use serde_json::json;

use super::fixture::{ECHO, Fixture, asks_for_login};
use crate::support::{Answer, Gateway, browser::Browser, eventually};

const KEY: &str = "open-sesame";

/// Asks with the key.
async fn with_key(gateway: &Gateway, method: Method, path: &str) -> Answer {
    gateway.send(gateway.request(method, path).bearer_auth(KEY)).await
}

/// The URL that a caller with the key is given.
async fn login_url(gateway: &Gateway) -> String {
    eventually("a call asks for a login", async || {
        let call = gateway.request(Method::POST, ECHO).bearer_auth(KEY).json(&json!({ "message": "?" }));
        let answer = gateway.send(call).await;
        (answer.status == 401).then(|| asks_for_login(&answer))
    })
    .await
}

#[tokio::test]
async fn a_login_needs_the_key_or_a_ticket() {
    let fixture = Fixture::http().await;
    for more in [&[][..], &["--strict-auth"]] {
        let options = ["--api-key", KEY].iter().chain(more).copied();
        let gateway = fixture.launch().options(options).start().await;
        let url = login_url(&gateway).await;
        let (page, ticket) = url.split_once("?ticket=").expect("a ticket");
        let path = "/oauth/guarded/login";
        assert!(page.ends_with(path), "{url}");

        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").unwrap().contains("Basic"), "{answer:?}");
        for wrong in ["made-up", ""] {
            assert_eq!(gateway.get(&format!("{path}?ticket={wrong}")).await.status, 401);
        }
        assert_eq!(with_key(&gateway, Method::GET, path).await.status, 302);
        let basic = gateway.request(Method::GET, path).basic_auth("any", Some(KEY));
        assert_eq!(gateway.send(basic).await.status, 302);
        assert_eq!(gateway.get(&format!("{path}?ticket={ticket}")).await.status, 302);

        assert_eq!(gateway.get("/oauth/nosuch/login").await.status, 401, "a stranger learns no names");
        assert_eq!(with_key(&gateway, Method::GET, "/oauth/nosuch/login").await.status, 404);
        let open = gateway.get(&format!("/oauth/nosuch/login?ticket={ticket}")).await;
        assert_eq!(open.status, 401, "a ticket is for one server");

        // Only GET starts a login.
        let head = gateway.send(gateway.request(Method::HEAD, path)).await;
        assert!(matches!(head.status, 401 | 404 | 405) && head.header("location").is_none(), "{head:?}");
        let post = gateway.send(gateway.request(Method::POST, path)).await;
        assert_eq!(post.status, 401, "{post:?}");
        assert_eq!(with_key(&gateway, Method::POST, path).await.status, 405);

        // What comes back has no key.
        gateway.get("/oauth/callback").await.page(400);
        assert_eq!(gateway.get("/client-metadata.json").await.status, 404);
        gateway.stop().await;
    }
    // Nobody logged in above.
    let gateway = fixture.launch().options(["--api-key", KEY, "--strict-auth"]).start().await;
    Browser::new().open(&login_url(&gateway).await).await.page(200);
    eventually("the server is connected", async || {
        (with_key(&gateway, Method::GET, "/guarded/openapi.json").await.status == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_ticket_is_only_for_who_has_the_key() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().options(["--api-key", KEY]).start().await;
    let url = login_url(&gateway).await;
    let (page, ticket) = url.split_once("?ticket=").expect("a ticket");
    for (path, status) in
        [("/guarded/openapi.json", 503), ("/guarded/docs", 503), (ECHO, 503), ("/readyz", 503)]
    {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let said = format!("{:?} {}", answer.headers, answer.body);
        assert!(!said.contains("ticket") && !said.contains(ticket), "{path}: {said}");
        assert_eq!(said.contains(page), path != "/readyz", "{path}: {said}");
    }
    for path in ["/openapi.json", "/docs", "/oauth/callback"] {
        assert!(!gateway.get(path).await.body.contains(ticket), "{path}");
    }
    let log = gateway.stop().await;
    assert!(log.contains(page) && !log.contains(ticket), "{log}");
}

#[tokio::test]
async fn readiness_is_open_and_the_status_is_not() {
    let fixture = Fixture::http().await;
    for more in [&[][..], &["--strict-auth"]] {
        let options = ["--api-key", KEY].iter().chain(more).copied();
        let gateway = fixture.launch().options(options).start().await;
        let url = login_url(&gateway).await;
        gateway.get("/readyz").await.is(503, &json!({ "status": "not ready" }));
        let refused = gateway.get("/status").await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(!refused.body.contains("guarded"), "{refused:?}");
        let answer = with_key(&gateway, Method::GET, "/status").await;
        let body = answer.json();
        let [server] = &body["servers"].as_array().expect("servers")[..] else { panic!("{body}") };
        assert_eq!((answer.status, &server["name"]), (200, &json!("guarded")), "{body}");
        assert_eq!(server["state"], "needs authorization", "{body}");
        assert_eq!(server["authorization_url"], url, "{body}");
        gateway.stop().await;
    }
}
