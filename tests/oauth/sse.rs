//! OAuth on HTTP+SSE, where one stream outlives many tokens.

use super::fixture::{Fixture, answered, asks_for_login, echoes, log_in};

/// The stream that was opened with the first token goes on; each message carries a token that is good.
#[tokio::test]
async fn tokens_are_renewed_under_an_open_stream() {
    let fixture = Fixture::sse().await;
    fixture.authorization.life(2).await;
    let gateway = fixture.logged_in().await;
    for round in 1..=3 {
        fixture.authorization.until("refresh_token ok", round).await;
        echoes(&gateway, "still here").await;
    }
    fixture.authorization.life(3600).await;
    fixture.authorization.revoke_access().await;
    echoes(&gateway, "after a revocation").await;
    let counts = fixture.authorization.counts().await;
    assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_ended_authorization_asks_for_a_login() {
    let fixture = Fixture::sse().await;
    fixture.authorization.life(2).await;
    let gateway = fixture.logged_in().await;
    fixture.authorization.revoke_refresh().await;
    fixture.authorization.expired().await;
    asks_for_login(&answered(&gateway).await);
    fixture.authorization.life(3600).await;
    log_in(&gateway).await;
    gateway.stop().await;
}
