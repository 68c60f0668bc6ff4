//! The token files of the Python mcpo are taken over, once.

use std::fs;

use md5::{Digest, Md5};
use serde_json::json;

use super::{
    by_hand::{ByHand, CALLBACK},
    commands::Desk,
    fixture::{Fixture, needs_login, works},
    store::token_files,
};

/// Logs in by hand and writes what the Python mcpo would keep of it, as pydantic dumps it.
async fn leave_behind(fixture: &Fixture) {
    let client = ByHand::register(&fixture.authorization, fixture.authorization.mcp()).await;
    let tokens = client.exchange(&client.authorize().await).await;
    let information = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "scope": null,
        "client_name": "MCPO Client for guarded", "client_uri": null, "logo_uri": null, "contacts": null,
        "tos_uri": null, "policy_uri": null, "jwks_uri": null, "jwks": null, "software_id": null,
        "software_version": null, "client_id": client.id, "client_secret": null,
        "client_id_issued_at": 1_760_000_000, "client_secret_expires_at": null,
    });
    let kept = json!({
        "access_token": tokens["access_token"], "token_type": "Bearer", "expires_in": tokens["expires_in"],
        "scope": tokens["scope"], "refresh_token": tokens["refresh_token"],
    });
    let hash: String = Md5::digest("guarded")[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    for (name, content) in [("client", information), ("tokens", kept)] {
        fs::write(fixture.tokens().join(format!("{hash}_{name}.json")), content.to_string()).expect("a file");
    }
}

/// How many token files are mcpo's own.
fn own_files(fixture: &Fixture) -> usize {
    let files = token_files(fixture.tokens());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().filter(|(path, _)| name(path).starts_with("guarded-")).count()
}

#[tokio::test]
async fn a_login_of_the_python_mcpo_is_taken_over() {
    let fixture = Fixture::http().await;
    leave_behind(&fixture).await;
    let gateway = fixture.launch().ready().await;
    works(&gateway).await;
    gateway.stop().await;
    assert_eq!(own_files(&fixture), 1);
    let gateway = fixture.launch().ready().await;
    works(&gateway).await;
    gateway.stop().await;
    let counts = fixture.authorization.counts().await;
    assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "only those by hand: {counts:?}");
}

/// It was taken over or not: who logs out is logged out.
#[tokio::test]
async fn a_logout_ends_what_was_left_behind() {
    for taken_over in [true, false] {
        let fixture = Fixture::http().await;
        leave_behind(&fixture).await;
        if taken_over {
            fixture.launch().ready().await.stop().await;
        }
        Desk::new(&fixture).run(&["logout"]).await.well("logged out of guarded");
        let gateway = fixture.launch().start().await;
        needs_login(&gateway).await;
        gateway.stop().await;
        assert_eq!(fixture.authorization.count("refresh_token ok").await, u32::from(taken_over));
    }
}
