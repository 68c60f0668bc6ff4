//! Token stores that cannot be used, and token files that cannot be read.

use std::{fs, os::unix::fs::symlink, time::Duration};

use serde_json::json;

use super::{
    fixture::{Fixture, answered, echoes, log_in, needs_login},
    store::{KEY, token_files},
};
use crate::support::{Gateway, parts, wait::within};

/// What is wrong with the only server is told by its calls; another server works.
async fn unfit(gateway: &Gateway, hint: &str) {
    // A keyring may take five seconds to be found missing.
    within(Duration::from_secs(6), &format!("the answer names {hint:?}"), async || {
        let answer = answered(gateway).await;
        assert!(matches!(answer.status, 502 | 503), "{answer:?}\nlog:\n{}", gateway.log());
        let message = answer.error(answer.status);
        message.contains(hint).then_some(())
    })
    .await;
}

#[tokio::test]
async fn memory_leaves_nothing_on_disk() {
    let oauth = json!({ "storage_type": "memory" });
    let fixture = Fixture::of(
        |authorization| json!({ "type": "streamable-http", "url": authorization.mcp(), "oauth": oauth }),
    )
    .await;
    let gateway = fixture.logged_in().await;
    fixture.authorization.revoke_access().await;
    echoes(&gateway, "after a refresh").await;
    gateway.stop().await;
    assert_eq!(fs::read_dir(fixture.tokens()).unwrap().count(), 0);
    let gateway = fixture.launch().start().await;
    needs_login(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_missing_keyring_is_told_and_holds_up_nobody() {
    let fixture = Fixture::http().await;
    let oauth = json!({ "storage_type": "keyring" });
    let guarded = json!({ "type": "streamable-http", "url": fixture.authorization.mcp(), "oauth": oauth });
    let servers = json!({ "guarded": guarded, "fake": parts::fake(&[]) });
    let folder = fixture.tokens().to_str().expect("UTF-8");
    let nowhere = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")];
    let launch = Gateway::config(&servers).options(["--token-dir", folder]).environment(nowhere);
    let gateway = launch.start().await;
    unfit(&gateway, "the system's keyring").await;
    gateway.document("/fake").await;
    gateway.stop().await;
}

/// A token that cannot be kept is still good for as long as the gateway runs.
#[tokio::test]
async fn a_folder_that_takes_nothing_costs_the_login_at_the_next_start() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch_in(std::path::Path::new("/dev/null/tokens")).start().await;
    log_in(&gateway).await;
    assert!(gateway.stop().await.contains("the token is not kept"));

    // The folder goes away under a gateway that runs.
    let folder = fixture.tokens().join("gone");
    let gateway = fixture.launch_in(&folder).start().await;
    needs_login(&gateway).await;
    fs::remove_dir_all(&folder).expect("it is there");
    symlink("/nonexistent", &folder).expect("a link");
    log_in(&gateway).await;
    for _ in 0..2 {
        fixture.authorization.revoke_access().await;
        echoes(&gateway, "after a refresh").await;
    }
    assert!(gateway.stop().await.contains("the token is not kept"));
}

/// What cannot be read is told with the file's name, and touched by nobody.
#[tokio::test]
async fn a_token_file_that_cannot_be_read_is_named() {
    let fixture = Fixture::http().await;
    fixture.logged_in().await.stop().await;
    let [(file, json)] = &token_files(fixture.tokens())[..] else { panic!("not one file") };
    let whole = json.to_string();
    let mut later = json.clone();
    later["version"] = json!(2);
    for (content, hint) in [
        ("garbage", "not a token file of mcpo"),
        (&whole[..whole.len() / 2], "not a token file of mcpo"),
        ("", "empty, though it should hold tokens"),
        (&later.to_string(), "version 2 of the format"),
    ] {
        fs::write(file, content).expect("a file");
        let gateway = fixture.launch().start().await;
        unfit(&gateway, hint).await;
        unfit(&gateway, &file.display().to_string()).await;
        gateway.stop().await;
        assert_eq!(fs::read_to_string(file).expect("still there"), content);
    }
    fs::write(file, whole).expect("a file");

    fixture.launch().options(["--token-key", KEY]).ready().await.stop().await;
}

#[tokio::test]
async fn a_wrong_key_is_told() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().options(["--token-key", KEY]).start().await;
    log_in(&gateway).await;
    gateway.stop().await;
    for (options, hint) in [
        (&["--token-key", "another-key-of-some-length"][..], "cannot be decrypted"),
        (&[], "give the key with"),
    ] {
        let gateway = fixture.launch().options(options.iter().copied()).start().await;
        unfit(&gateway, hint).await;
        gateway.stop().await;
    }
}
