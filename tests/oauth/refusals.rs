//! What a refresh is answered: a refusal asks for a login, in whatever words; what may pass asks for nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use serde_json::json;

use super::{
    fake::{Fake, Reply},
    fixture::{answered, asks_for_login, log_in, works},
};
use crate::support::{Gateway, eventually};

/// A gateway that is logged in to a server whose access token has ended. Refreshes are answered so as long as
/// the flag is set; an empty status breaks the connection.
async fn ended(
    status: u16,
    body: &'static str,
    oauth: serde_json::Value,
) -> (Fake, Gateway, Arc<AtomicBool>) {
    let ill = Arc::new(AtomicBool::new(true));
    let is_ill = ill.clone();
    let fake = Fake::start(move |ask, reply| {
        if ask.is_grant("refresh_token") && is_ill.load(Relaxed) { Reply::new(status, body) } else { reply }
    })
    .await;
    let gateway = Gateway::config(&json!({ "guarded": fake.config(&oauth) })).start().await;
    log_in(&gateway).await;
    fake.revoke_access();
    (fake, gateway, ill)
}

#[tokio::test]
async fn a_refusal_asks_for_a_login() {
    for (status, body) in [
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#),
        (403, r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#),
        (401, r#"{"error":"invalid_token"}"#),
        (400, r#"{"error":"INVALID_GRANT"}"#),
        (
            400,
            r#"{"error":"invalid_request","error_description":"AADSTS9002313: malformed","error_codes":[9002313]}"#,
        ),
        (400, r#"{"error":"interaction_required","suberror":"consent_required"}"#),
        // Atlassian
        (403, r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#),
        (400, r#"{"error":"access_denied"}"#),
        (401, r#"{"error":"deleted_client"}"#),
        // Okta's own interfaces
        (401, r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorCauses":[]}"#),
        (400, r#"{"error":{"message":"ended","type":"OAuthException","code":190}}"#),
        (400, r#"{"errors":[{"message":"no"}]}"#),
        (400, "{}"),
        (400, "[]"),
        (403, "null"),
        (400, ""),
        (400, "no such token"),
        (403, "<html>Forbidden</html>"),
        (401, "error=bad_refresh_token"),
        // GitHub and Slack
        (200, "error=bad_refresh_token&error_description=The+refresh+token+is+incorrect"),
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
        (200, r#"{"error":{"code":"invalid_grant"}}"#),
        // Neither tokens nor a refusal.
        (200, "<html>Sign in</html>"),
        (200, "{}"),
        (204, ""),
        (302, ""),
        (404, "not here"),
        (405, "{}"),
        (410, ""),
        (422, r#"{"detail":"no"}"#),
    ] {
        let (fake, gateway, ill) = ended(status, body, json!({})).await;
        let answer = answered(&gateway).await;
        assert_eq!(answer.status, 401, "{status} {body}: {answer:?}\nlog:\n{}", gateway.log());
        asks_for_login(&answer);
        asks_for_login(&answered(&gateway).await);
        ill.store(false, Relaxed);
        log_in(&gateway).await;
        assert_eq!(fake.asked("/register").len(), 1, "{status} {body}: the client is still known");
        gateway.stop().await;
    }
}

/// Where the config names the client, a login does not mend it, but it is what callers can be told.
#[tokio::test]
async fn a_refused_client_asks_for_a_login_and_names_the_config() {
    let oauth = json!({ "client_id": "me", "client_secret": "s3cret" });
    let (_fake, gateway, _) = ended(401, r#"{"error":"invalid_client"}"#, oauth).await;
    let answer = answered(&gateway).await;
    asks_for_login(&answer);
    assert!(answer.error(401).contains("check client_id"), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_may_pass_leaves_the_token_alone() {
    for (status, body) in [
        (500, r#"{"error":"invalid_grant"}"#),
        (502, "<html>Bad Gateway</html>"),
        (503, ""),
        (504, ""),
        (520, "{}"),
        (429, r#"{"error":"invalid_grant"}"#),
        (408, ""),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":"server_error"}"#),
        (400, "error=slow_down"),
        (200, r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let (fake, gateway, ill) = ended(status, body, json!({})).await;
        let answer = answered(&gateway).await;
        answer.error(503);
        assert!(answer.header("retry-after").is_some(), "{status} {body}: {answer:?}");
        ill.store(false, Relaxed);
        works(&gateway).await;
        assert_eq!(fake.asked("/authorize").len(), 1, "{status} {body}: nobody had to log in");
        gateway.stop().await;
    }
}

/// An answer that was not the authorization server's costs no token: it is tried again.
#[tokio::test]
async fn an_odd_answer_is_no_end() {
    let (fake, gateway, ill) = ended(404, "default backend - 404", json!({})).await;
    asks_for_login(&answered(&gateway).await);
    ill.store(false, Relaxed);
    eventually("the token is tried again", async || {
        let answer = answered(&gateway).await;
        assert!(matches!(answer.status, 200 | 401 | 503), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(fake.asked("/authorize").len(), 1, "nobody had to log in");
    gateway.stop().await;
}
