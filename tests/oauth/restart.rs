//! What was granted outlives the gateway.

use super::bed::{Bed, answered, log_in, needs_login, works};

#[tokio::test]
async fn a_restart_before_the_expiry_needs_no_login() {
    for bed in [Bed::http().await, Bed::sse().await] {
        bed.logged_in().await.stop().await;
        let gateway = bed.launch().ready().await;
        works(&gateway).await;
        gateway.stop().await;
        let counts = bed.authorization.counts().await;
        assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
        assert_eq!(counts["token arrived"], 1, "the old access token serves on: {counts:?}");
    }
}

#[tokio::test]
async fn a_restart_after_the_expiry_needs_no_login() {
    for bed in [Bed::http().await, Bed::sse().await] {
        bed.authorization.life(2).await;
        bed.logged_in().await.stop().await;
        bed.authorization.expired().await;
        bed.authorization.life(3600).await;
        let before = bed.authorization.count("token arrived").await;
        let gateway = bed.launch().ready().await;
        works(&gateway).await;
        gateway.stop().await;
        let counts = bed.authorization.counts().await;
        assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
        assert_eq!(counts["token arrived"], before + 1, "{counts:?}");
    }
}

/// Started while there is no authorization server, it works as soon as there is.
#[tokio::test]
async fn a_restart_without_the_authorization_server_waits_for_it() {
    let bed = Bed::http().await;
    bed.logged_in().await.stop().await;
    bed.authorization.revoke_access().await;
    bed.authorization.down().await;
    let gateway = bed.launch().start().await;
    let answer = answered(&gateway).await;
    assert!(matches!(answer.status, 502..=504), "{answer:?}\nlog:\n{}", gateway.log());
    answer.error(answer.status);
    bed.authorization.up().await;
    works(&gateway).await;
    assert_eq!(bed.authorization.count("logins granted").await, 1);
    gateway.stop().await;
}

/// What was revoked meanwhile asks for a login.
#[tokio::test]
async fn a_restart_after_a_revocation_asks_for_a_login() {
    let bed = Bed::http().await;
    bed.logged_in().await.stop().await;
    bed.authorization.revoke_access().await;
    bed.authorization.revoke_refresh().await;
    let gateway = bed.launch().start().await;
    needs_login(&gateway).await;
    log_in(&gateway).await;
    gateway.stop().await;
}
