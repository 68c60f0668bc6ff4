//! Which redirect URIs are in use, and for whom.

use tokio::time::timeout;

use super::*;
use crate::{
    config::{ClientAuthMethod, ForwardProxy},
    net::Network,
    oauth::{
        discovery::{challenge::Challenge, search::discover},
        registration::client::ClientOrigin,
    },
    stub::{Stub, response},
};

const SOON: Duration = Duration::from_secs(10);

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A login that comes back to `redirect_uri` within `time`, for the browser with this cookie.
async fn login(redirect_uri: &Url, cookie: Option<&str>, time: Duration) -> PendingAuthorization {
    let stub = Stub::serve(|_, _| response(404, "")).await;
    let guarded = Network::new(ForwardProxy::default()).login(&stub.origin, None);
    let found = discover(guarded, &stub.origin, None, &Challenge::default()).await.unwrap();
    PendingAuthorization {
        server: "one".to_owned(),
        url: stub.origin.clone(),
        settings: config::OAuth::default(),
        verifier: PkceCodeVerifier::new("v".repeat(43)),
        client: Client {
            issuer: found.server.issuer.clone(),
            id: "id".to_owned(),
            secret: None,
            secret_expires: None,
            method: ClientAuthMethod::None,
            redirect_uri: Some(redirect_uri.clone()),
            scopes: None,
            origin: ClientOrigin::Registered,
        },
        found: Arc::new(found),
        scopes: None,
        cookie: cookie.map(digest),
        ends: Instant::now() + time,
    }
}

#[tokio::test]
async fn a_redirect_uri_is_in_use_from_the_start_of_a_login_to_its_end() {
    let (table, uri, other) = (PendingAuthorizations::default(), url("http://a/cb"), url("http://b/cb"));
    let unused = || timeout(SOON, table.unused(&uri));
    unused().await.expect("no login is pending");
    let (one, two) = (table.start(&uri), table.start(&uri));
    drop(one);
    assert!(!table.is_unused(&uri) && table.is_unused(&other));
    table.insert("state", login(&uri, None, LOGIN_LIFETIME).await);
    drop(two);
    assert!(!table.is_unused(&uri));
    let end = async { table.take("state", std::iter::empty()).map(|taken| taken.server) };
    let (unused, taken) = tokio::join!(unused(), end);
    assert!(unused.is_ok() && taken == Ok("one".to_owned()));
    assert!(table.take("state", std::iter::empty()).is_err(), "a state is good for one return");
}

/// A wait ends even if the login ended before the wait began.
#[tokio::test]
async fn an_end_is_never_missed() {
    let (table, uri) = (PendingAuthorizations::default(), url("http://a/cb"));
    for _ in 0..100 {
        let starting = table.start(&uri);
        let end = tokio::task::spawn_blocking(move || drop(starting));
        timeout(SOON, table.unused(&uri)).await.expect("the login has ended");
        end.await.unwrap();
    }
}

#[tokio::test]
async fn a_login_that_expires_leaves_its_redirect_uri() {
    let (table, uri) = (PendingAuthorizations::default(), url("http://a/cb"));
    table.insert("state", login(&uri, None, Duration::from_millis(50)).await);
    assert!(!table.is_unused(&uri));
    timeout(SOON, table.unused(&uri)).await.expect("the login has expired");
    assert!(table.take("state", std::iter::empty()).is_err());
}

#[tokio::test]
async fn only_its_own_browser_takes_a_login() {
    let (table, uri) = (PendingAuthorizations::default(), url("http://a/cb"));
    table.insert("state", login(&uri, Some("mine"), LOGIN_LIFETIME).await);
    let name = cookie_name("state");
    let take = |cookies: &[(&str, &str)]| table.take("state", cookies.iter().copied()).map(drop);
    assert!(take(&[]).unwrap_err().contains("another browser"));
    assert!(take(&[(&name, "other"), ("mcpo_login_x", "mine")]).unwrap_err().contains("another browser"));
    take(&[("x", "y"), (&name, "mine")]).expect("its own browser may still come");
}
