//! Logins in a browser: how they go well, and every way in which they do not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::fixture::{
    ECHO, Fixture, asks_for_login, before_callback, echoes, log_in, needs_login, with, works,
};
use crate::support::browser::Browser;

/// From the first call to a connected server, over both transports.
#[tokio::test]
async fn a_login_connects_the_server() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        let gateway = fixture.launch().start().await;
        let url = needs_login(&gateway).await;
        assert!(url.ends_with("/oauth/guarded/login"), "{url}");
        assert_eq!(gateway.get("/guarded/openapi.json").await.status, 503);
        assert_eq!(gateway.get("/readyz").await.status, 503);

        let mut browser = Browser::new();
        browser.open(&url).await.page(200);
        let document = gateway.document("/guarded").await;
        assert!(document["paths"]["/echo"].is_object(), "{document}");
        echoes(&gateway, "hi").await;
        assert_eq!(gateway.result("/guarded/add", &json!({ "a": 2, "b": 3 })).await, 5);

        let asked =
            browser.visited.iter().find(|url| url.path() == "/auth").expect("an authorization request");
        let parameter = |name: &str| {
            let value = asked.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            value.unwrap_or_else(|| panic!("no {name} in {asked}"))
        };
        assert_eq!(parameter("response_type"), "code");
        assert_eq!(parameter("code_challenge_method"), "S256");
        assert!(
            [fixture.authorization.mcp(), fixture.authorization.sse()].contains(&parameter("resource")),
            "{asked}"
        );
        let counts = fixture.authorization.counts().await;
        assert_eq!((counts["registrations"], counts["authorization_code ok"]), (1, 1), "{counts:?}");
        gateway.stop().await;
    }
}

/// Who needs to log in is told so at once.
#[tokio::test]
async fn the_answer_without_a_login_takes_no_time() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    needs_login(&gateway).await;
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        asks_for_login(&gateway.call(ECHO, &json!({ "message": "hi" })).await);
        fastest = fastest.min(start.elapsed());
    }
    // The fastest, for the machine may be busy with other tests.
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_denied_login_says_so() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    fixture.authorization.deny_next_login().await;
    let page = Browser::new().open(&needs_login(&gateway).await).await;
    assert!((400..500).contains(&page.status), "{page:?}");
    assert!(page.page(page.status).to_lowercase().contains("denied"), "{page:?}");
    log_in(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_abandoned_login_is_no_hindrance() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    for path in ["/auth", "/interaction/"] {
        let url = needs_login(&gateway).await;
        let left = Browser::new().follow(&url, |url| url.path().starts_with(path)).await;
        assert!(left.is_err(), "{left:?}");
    }
    let (_, _) = before_callback(&gateway).await;
    log_in(&gateway).await;
    assert_eq!(fixture.authorization.count("authorization_code ok").await, 1);
    gateway.stop().await;
}

/// What does not belong to a login of this browser gets a 400 and no token.
#[tokio::test]
async fn wrong_callbacks_are_refused() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let wrong = [
        ("state", Some("made-up")),
        ("state", Some("")),
        ("state", None),
        ("iss", Some("http://127.0.0.1:1")),
        ("iss", None),
        ("code", None),
    ];
    for (name, value) in wrong {
        let (mut browser, callback) = before_callback(&gateway).await;
        browser.open(&with(&callback, name, value)).await.page(400);
    }
    let (_, callback) = before_callback(&gateway).await;
    Browser::new().open(callback.as_str()).await.page(400);
    let (mut other, _) = before_callback(&gateway).await;
    other.open(callback.as_str()).await.page(400);
    assert_eq!(fixture.authorization.count("authorization_code ok").await, 0, "no code was taken");

    let (mut browser, callback) = before_callback(&gateway).await;
    browser.open(callback.as_str()).await.page(200);
    works(&gateway).await;
    browser.open(callback.as_str()).await.page(400);
    echoes(&gateway, "still here").await;
    assert_eq!(fixture.authorization.count("authorization_code ok").await, 1);
    gateway.stop().await;
}

/// A code that the authorization server does not take is an answer too.
#[tokio::test]
async fn a_wrong_code_is_an_error_page() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let (mut browser, callback) = before_callback(&gateway).await;
    let page = browser.open(&with(&callback, "code", Some("made-up"))).await;
    assert!(page.status >= 400, "{page:?}");
    page.page(page.status);
    log_in(&gateway).await;
    gateway.stop().await;
}

/// Two people begin a login at the same time; both end it, in either order.
#[tokio::test]
async fn two_browsers_at_once() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let (mut first, to_first) = before_callback(&gateway).await;
    let (mut second, to_second) = before_callback(&gateway).await;
    second.open(to_second.as_str()).await.page(200);
    first.open(to_first.as_str()).await.page(200);
    works(&gateway).await;

    fixture.authorization.revoke_access().await;
    fixture.authorization.revoke_refresh().await;
    let ((mut first, to_first), (mut second, to_second)) =
        tokio::join!(before_callback(&gateway), before_callback(&gateway));
    let pages = tokio::join!(first.open(to_first.as_str()), second.open(to_second.as_str()));
    pages.0.page(200);
    pages.1.page(200);
    works(&gateway).await;
    gateway.stop().await;
}

/// One browser with two tabs is two logins as well.
#[tokio::test]
async fn two_tabs_at_once() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let url = needs_login(&gateway).await;
    let mut browser = Browser::new();
    let mut tabs = Vec::new();
    for _ in 0..2 {
        tabs.push(browser.follow(&url, |url| url.path() == "/oauth/callback").await.expect_err("a callback"));
    }
    for callback in tabs {
        browser.open(callback.as_str()).await.page(200);
    }
    works(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn there_is_no_login_where_there_is_no_server() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    assert_eq!(gateway.get("/oauth/nosuch/login").await.status, 404);
    gateway.stop().await;
}
