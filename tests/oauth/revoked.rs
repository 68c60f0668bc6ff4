//! What a running gateway answers when the authorization server takes things back or is away, and how it recovers.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::fixture::{
    Fixture, answered, asks_for_login, before_callback, echoes, log_in, needs_login, works,
};
use crate::support::browser::Browser;

/// A revoked access token costs a refresh, and the caller sees nothing of it.
#[tokio::test]
async fn a_revoked_access_token_is_renewed() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        let gateway = fixture.logged_in().await;
        for round in 1..=3 {
            fixture.authorization.revoke_access().await;
            join_all((0..8).map(|_| echoes(&gateway, "hi"))).await;
            assert_eq!(fixture.authorization.count("refresh_token ok").await, round);
        }
        assert_eq!(fixture.authorization.count("logins granted").await, 1);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_asks_for_a_login() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        let gateway = fixture.logged_in().await;
        fixture.authorization.revoke_access().await;
        fixture.authorization.revoke_refresh().await;
        let answers = join_all((0..8).map(|_| answered(&gateway))).await;
        answers.iter().for_each(|answer| drop(asks_for_login(answer)));
        asks_for_login(&answered(&gateway).await);
        let counts = fixture.authorization.counts().await;
        assert_eq!(
            counts["refresh_token invalid_grant"], 1,
            "a refused token is not tried again: {counts:?}"
        );

        log_in(&gateway).await;
        assert_eq!(fixture.authorization.count("registrations").await, 1, "the client is still known");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_forgotten_client_is_registered_anew() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        let gateway = fixture.logged_in().await;
        fixture.authorization.revoke_access().await;
        fixture.authorization.forget_clients().await;
        asks_for_login(&answered(&gateway).await);
        log_in(&gateway).await;
        let counts = fixture.authorization.counts().await;
        assert_eq!((counts["registrations"], counts["logins granted"]), (2, 2), "{counts:?}");
        gateway.stop().await;
    }
}

/// The same before the first login: the gateway cannot know that its client is gone, but a second try must succeed.
#[tokio::test]
async fn a_client_forgotten_before_the_login_is_registered_anew() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let url = needs_login(&gateway).await;
    let left = Browser::new().follow(&url, |url| url.path() == "/auth").await;
    assert!(left.is_err(), "{left:?}");
    fixture.authorization.forget_clients().await;
    let first = Browser::new().open(&url).await;
    if first.status != 200 {
        log_in(&gateway).await;
    }
    works(&gateway).await;
    gateway.stop().await;
}

/// While it is down living tokens serve, expired ones give an error and no hang; afterwards all is well again.
#[tokio::test]
async fn an_authorization_server_that_is_down_for_a_while() {
    let down = Duration::from_secs(if crate::support::long() { 20 } else { 5 });
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        let gateway = fixture.logged_in().await;
        fixture.authorization.down().await;
        echoes(&gateway, "the token lives").await;
        fixture.authorization.revoke_access().await;
        let start = Instant::now();
        let mut refused = 0;
        while start.elapsed() < down {
            let answers = join_all((0..4).map(|_| answered(&gateway))).await;
            for answer in answers {
                assert!(matches!(answer.status, 502..=504), "{answer:?}");
                answer.error(answer.status);
                refused += 1;
            }
        }
        assert!(refused >= 4, "{refused}");
        fixture.authorization.up().await;
        works(&gateway).await;
        assert_eq!(fixture.authorization.count("logins granted").await, 1);
        gateway.stop().await;
    }
}

/// A login while it is down is a page that says so; afterwards a login succeeds.
#[tokio::test]
async fn a_login_while_the_authorization_server_is_down() {
    let fixture = Fixture::http().await;
    fixture.authorization.down().await;
    let gateway = fixture.launch().start().await;
    let answer = gateway.get("/oauth/guarded/login").await;
    assert!(answer.status >= 500, "{answer:?}");
    fixture.authorization.up().await;
    log_in(&gateway).await;
    gateway.stop().await;
}

/// It goes away between the login page and the callback: an error page, and the next login succeeds.
#[tokio::test]
async fn an_authorization_server_that_goes_down_during_a_login() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    let (mut browser, callback) = before_callback(&gateway).await;
    fixture.authorization.down().await;
    let page = browser.open(callback.as_str()).await;
    assert!(page.status >= 500, "{page:?}");
    page.page(page.status);
    fixture.authorization.up().await;
    log_in(&gateway).await;
    gateway.stop().await;
}
