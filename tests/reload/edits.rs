//! Edits of the file, as editors, links and Kubernetes make them.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;

use super::fixture::{becomes, named, under_load, write};
use crate::support::Gateway;
use crate::support::observe::{count, hang_up, told};

fn text(name: &str) -> String {
    json!({ "mcpServers": { "fake": named(name) } }).to_string()
}

/// In place, by renaming another file over it, and by removing it first: each edit is followed.
#[tokio::test]
async fn every_way_to_save_is_seen() {
    let gateway = Gateway::config(&json!({ "fake": named("a") })).options(["--hot-reload"]).ready().await;
    let (file, other) = (gateway.file("config.json"), gateway.file("other"));
    under_load(&gateway, &["fake"], async {
        fs::write(&file, text("b")).unwrap();
        becomes(&gateway, "fake", "b").await;
        fs::write(&other, text("c")).unwrap();
        fs::rename(&other, &file).unwrap();
        becomes(&gateway, "fake", "c").await;
        fs::remove_file(&file).unwrap();
        told(&gateway, "stays as it was: --config: cannot read", 0).await;
        fs::write(&file, text("d")).unwrap();
        becomes(&gateway, "fake", "d").await;
    })
    .await;
    gateway.stop().await;
}

/// A ConfigMap: the file is a link to a link to a folder, and the second link is swapped.
#[tokio::test]
async fn a_config_map_is_followed() {
    let gateway = Gateway::config(&json!({ "fake": named("a") })).options(["--hot-reload"]).ready().await;
    let put = |folder: &str, name: &str| {
        fs::create_dir(gateway.file(folder)).unwrap();
        fs::write(gateway.file(folder).join("config.json"), text(name)).unwrap();
        symlink(folder, gateway.file("..data_tmp")).unwrap();
        fs::rename(gateway.file("..data_tmp"), gateway.file("..data")).unwrap();
    };
    put("..1", "b");
    symlink("..data/config.json", gateway.file("link")).unwrap();
    fs::rename(gateway.file("link"), gateway.file("config.json")).unwrap();
    becomes(&gateway, "fake", "b").await;
    for (folder, old, name) in [("..2", "..1", "c"), ("..3", "..2", "d")] {
        put(folder, name);
        fs::remove_dir_all(gateway.file(old)).unwrap();
        becomes(&gateway, "fake", name).await;
    }
    gateway.stop().await;
}

/// A link into another folder: the file there is edited.
#[tokio::test]
async fn a_file_behind_a_link_is_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let gateway = Gateway::config(&json!({ "fake": named("a") })).options(["--hot-reload"]).ready().await;
    let file = elsewhere.path().join("real.json");
    fs::write(&file, text("b")).unwrap();
    fs::remove_file(gateway.file("config.json")).unwrap();
    symlink(&file, gateway.file("config.json")).unwrap();
    becomes(&gateway, "fake", "b").await;
    fs::write(&file, text("c")).unwrap();
    becomes(&gateway, "fake", "c").await;
    gateway.stop().await;
}

/// A broken edit changes nothing and is told with line and key; so is the next good one.
#[tokio::test]
async fn a_broken_edit_changes_nothing() {
    let gateway = Gateway::config(&json!({ "fake": named("a") })).options(["--hot-reload"]).ready().await;
    let file = gateway.file("config.json");
    under_load(&gateway, &["fake"], async {
        fs::write(&file, "{\n  \"mcpServers\": {\n    \"fake\": { \"command\": 5 }\n  }\n}").unwrap();
        told(&gateway, "stays as it was", 0).await;
        let log = gateway.log();
        assert!(log.contains("config.json:3: mcpServers.fake.command: "), "{log}");
        becomes(&gateway, "fake", "a").await;
        fs::write(&file, text("b")).unwrap();
        becomes(&gateway, "fake", "b").await;
    })
    .await;
    gateway.stop().await;
}

/// Without `--hot-reload` an edit waits for SIGHUP; a reload that changes nothing says so.
#[tokio::test]
async fn sighup_works_without_the_option() {
    let gateway = Gateway::config(&json!({ "fake": named("a") })).ready().await;
    hang_up(&gateway).await;
    told(&gateway, "configuration read again: 1 left alone", 0).await;
    write(&gateway, &json!({ "fake": named("b") }));
    becomes(&gateway, "fake", "a").await;
    assert_eq!(count(&gateway, "configuration read again"), 1);
    hang_up(&gateway).await;
    becomes(&gateway, "fake", "b").await;
    gateway.stop().await;
}
