//! OAuth on HTTP+SSE, where one stream outlives many tokens.

use super::bed::{Bed, answered, asks_for_login, echoes, log_in};

/// The stream that was opened with the first token goes on; each message carries a token that is good.
#[tokio::test]
async fn tokens_are_renewed_under_an_open_stream() {
    let bed = Bed::sse().await;
    bed.authorization.life(2).await;
    let gateway = bed.logged_in().await;
    for round in 1..=3 {
        bed.authorization.until("refresh_token ok", round).await;
        echoes(&gateway, "still here").await;
    }
    bed.authorization.life(3600).await;
    bed.authorization.revoke_access().await;
    echoes(&gateway, "after a revocation").await;
    let counts = bed.authorization.counts().await;
    assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_ended_authorization_asks_for_a_login() {
    let bed = Bed::sse().await;
    bed.authorization.life(2).await;
    let gateway = bed.logged_in().await;
    bed.authorization.revoke_refresh().await;
    bed.authorization.expired().await;
    asks_for_login(&answered(&gateway).await);
    bed.authorization.life(3600).await;
    log_in(&gateway).await;
    gateway.stop().await;
}
