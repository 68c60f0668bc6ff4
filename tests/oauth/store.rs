//! The token folder: shared by gateways, closed to others, sealed where a key is given.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use serde_json::Value;

use super::{
    fixture::{Fixture, echoes, log_in, needs_login, works},
    refresh::one_refresh_an_expiry,
};

/// A key as `openssl rand -base64 32` makes it.
pub(super) const KEY: &str = "3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";

/// The token files of a folder; none is half written.
pub(super) fn token_files(folder: &Path) -> Vec<(PathBuf, Value)> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a token file is text");
            let json = serde_json::from_str(&text);
            let json =
                json.unwrap_or_else(|error| panic!("{} is half written: {error}\n{text}", path.display()));
            (path, json)
        })
        .collect()
}

/// Both rotate the same refresh token 20 times, at the same moments: none is lost, none is used twice.
#[tokio::test]
async fn two_gateways_share_a_folder() {
    const ROTATIONS: u32 = 20;
    let fixture = Fixture::http().await;
    let life = 2;
    if crate::support::long() {
        fixture.authorization.life(life).await;
    }
    let first = fixture.logged_in().await;
    let second = fixture.launch().ready().await;
    while fixture.authorization.count("refresh_token ok").await < ROTATIONS {
        if !crate::support::long() {
            fixture.authorization.revoke_access().await;
        }
        let callers = [&first, &second].into_iter().cycle().take(8);
        join_all(callers.map(|gateway| echoes(gateway, "hi"))).await;
    }
    let counts = fixture.authorization.counts().await;
    assert_eq!(counts["token arrived"], counts["refresh_token ok"] + 1, "{counts:?}");
    assert_eq!(counts["logins granted"], 1, "{counts:?}");
    if crate::support::long() {
        one_refresh_an_expiry(&fixture, life).await;
    } else {
        assert_eq!(counts["refresh_token ok"], ROTATIONS, "each revocation costs one refresh: {counts:?}");
    }
    first.stop().await;
    second.stop().await;

    let third = fixture.launch().ready().await;
    works(&third).await;
    third.stop().await;
    assert_eq!(fixture.authorization.count("logins granted").await, 1, "the last token was kept");
}

/// A login at one gateway is found by the other where it needs it next.
#[tokio::test]
async fn a_login_serves_both_gateways() {
    let fixture = Fixture::http().await;
    let second = fixture.launch().start().await;
    needs_login(&second).await;
    let first = fixture.logged_in().await;
    first.stop().await;
    second.stop().await;
    let second = fixture.launch().ready().await;
    works(&second).await;
    second.stop().await;
    assert_eq!(fixture.authorization.count("logins granted").await, 1);
}

#[tokio::test]
async fn token_files_are_closed_to_others() {
    let fixture = Fixture::http().await;
    let folder = fixture.tokens().join("not/yet/there");
    let gateway = fixture.launch_in(&folder).start().await;
    log_in(&gateway).await;
    gateway.stop().await;
    let files = token_files(&folder);
    let [(file, _)] = &files[..] else { panic!("not one file: {files:?}") };
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("guarded-"), "{name}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file), mode(&folder)), (0o600, 0o700), "of {name} and its folder");
}

/// With a key no secret lies in the folder, and without the key the file is of no use.
#[tokio::test]
async fn token_files_are_sealed_with_a_key() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().options(["--token-key", KEY]).start().await;
    log_in(&gateway).await;
    gateway.stop().await;
    let secrets = fixture.authorization.secrets().await;
    for (file, json) in token_files(fixture.tokens()) {
        let found = secrets.iter().find(|secret| json.to_string().contains(*secret));
        assert_eq!(found, None, "in {}", file.display());
    }
    let gateway = fixture.launch().options(["--token-key", KEY]).ready().await;
    works(&gateway).await;
    gateway.stop().await;
    assert_eq!(fixture.authorization.count("logins granted").await, 1);
}
