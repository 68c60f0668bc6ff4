//! The store over real folders.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::secret::{ExposeSecret as _, SecretString};

const KEY: &str = "a key of more than sixteen bytes";

fn url() -> Url {
    Url::parse("https://mcp.example.com/mcp").unwrap()
}

fn record(server: &str, access: &str) -> Record {
    let json = json!({
        "version": 1, "server": server, "url": url(), "resource": url(), "issuer": "https://auth",
        "token_endpoint": "https://auth/token",
        "client": {
            "issuer": "https://auth", "client_id": "c1", "token_endpoint_auth_method": "none",
            "origin": "registered",
        },
        "tokens": {"access_token": access},
    });
    Record::from_json(json.to_string().as_bytes()).unwrap()
}

fn store(storage: TokenStorage, folder: &TempDir, key: Option<&str>) -> TokenStore {
    let (token_dir, token_key) = (Some(folder.path().to_owned()), key.map(SecretString::from));
    TokenStore::open(&storage, &LoginSettings { token_dir, token_key, ..LoginSettings::default() })
        .unwrap_or_else(|e| panic!("{e}"))
}

fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

async fn access(store: &TokenStore, server: &str) -> Result<Option<String>, TokenStoreError> {
    let record = store.load(server, &url()).await?;
    Ok(record.and_then(|record| record.tokens).map(|tokens| tokens.access.expose_secret().to_owned()))
}

#[tokio::test]
async fn keeps_records_plain_sealed_and_in_memory() {
    for (storage, key) in [
        (TokenStorage::File, None),
        (TokenStorage::File, Some(KEY)),
        (TokenStorage::Memory, None),
        (TokenStorage::Memory, Some(KEY)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = store(storage, &folder, key);
        assert_eq!(access(&store, "notes").await.unwrap(), None);
        store.save(&record("notes", "first")).await.unwrap();
        store.clone().save(&record("notes", "second")).await.unwrap();
        assert_eq!(access(&store, "notes").await.unwrap().as_deref(), Some("second"));
        assert_eq!(access(&store, "other").await.unwrap(), None);
        for file in files(folder.path(), "json") {
            let text = fs::read_to_string(file).unwrap();
            assert_eq!(text.contains("second"), key.is_none(), "{text}");
        }
        store.remove("notes", &url()).await.unwrap();
        assert_eq!(access(&store, "notes").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_record_is_for_its_server_and_url_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(TokenStorage::File, &folder, None);
    store.save(&record("notes", "secret")).await.unwrap();
    let other = Url::parse("https://evil.example.com/mcp").unwrap();
    assert!(store.load("notes", &other).await.unwrap().is_none());
    // Neither does a file that was copied to where the other's record would be.
    let moved = folder.path().join(format!("{}.json", RecordKey::new("notes", &other).as_str()));
    fs::copy(&files(folder.path(), "json")[0], moved).unwrap();
    assert!(store.load("notes", &other).await.unwrap().is_none());
}

#[tokio::test]
async fn what_does_not_open_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = store(TokenStorage::File, &folder, Some(KEY));
    sealed.save(&record("one", "1")).await.unwrap();
    let path = files(folder.path(), "json").remove(0).display().to_string();
    let fails = async |store: &TokenStore, server: &str| access(store, server).await.unwrap_err();

    let error = fails(&store(TokenStorage::File, &folder, None), "one").await;
    assert_eq!(error, TokenStoreError::Encryption(path.clone(), EncryptionError::NoKey));
    let error = fails(&store(TokenStorage::File, &folder, Some("another key of the user")), "one").await;
    assert_eq!(error, TokenStoreError::Encryption(path.clone(), EncryptionError::WrongKey));
    let swapped = folder.path().join(format!("{}.json", RecordKey::new("two", &url()).as_str()));
    fs::copy(&path, &swapped).unwrap();
    let error = fails(&sealed, "two").await;
    assert_eq!(error, TokenStoreError::Encryption(swapped.display().to_string(), EncryptionError::WrongKey));
    for broken in ["", "garbage", r#"{"version": 2}"#] {
        fs::write(&path, broken).unwrap();
        let error = fails(&sealed, "one").await.to_string();
        assert!(error.starts_with(&path) && error.lines().count() == 1, "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), broken, "left as it was");
    }
}

#[tokio::test]
async fn a_plain_record_is_taken_and_sealed_at_the_next_save() {
    let folder = tempfile::tempdir().unwrap();
    store(TokenStorage::File, &folder, None).save(&record("notes", "plain")).await.unwrap();
    let sealed = store(TokenStorage::File, &folder, Some(KEY));
    let found = sealed.load("notes", &url()).await.unwrap().expect("the plain record");
    sealed.save(&found).await.unwrap();
    let text = fs::read_to_string(&files(folder.path(), "json")[0]).unwrap();
    assert!(text.contains("aes-256-gcm") && !text.contains("notes"), "{text}");
    assert_eq!(access(&sealed, "notes").await.unwrap().as_deref(), Some("plain"));
}

#[tokio::test]
async fn a_lock_is_waited_for_and_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    for storage in [TokenStorage::File, TokenStorage::Memory] {
        let store = store(storage, &folder, None);
        let key = RecordKey::new("notes", &url());
        let held = store.lock("notes", &url()).await.unwrap();
        let error = store.lock_within(Duration::from_millis(20), key).await.unwrap_err();
        assert!(matches!(error, TokenStoreError::Locked { .. }), "{error}");
        let url = url();
        let (next, ()) = tokio::join!(store.lock("notes", &url), async { drop(held) });
        next.unwrap();
    }
}

#[tokio::test]
async fn files_of_the_python_mcpo_count_until_anything_is_kept() {
    let client = r#"{"client_id": "c1", "redirect_uris": []}"#;
    let removed = async |store: &TokenStore| store.remove("notes", &url()).await;
    let saved = async |store: &TokenStore| store.save(&record("notes", "mine")).await;
    for save in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("4358b500_client.json"), client).unwrap();
        let store = store(TokenStorage::File, &folder, None);
        assert!(store.legacy("notes", &url()).await.unwrap().is_some());
        if save {
            saved(&store).await.unwrap();
        } else {
            removed(&store).await.unwrap();
        }
        let moved = Url::parse("https://elsewhere.example.com/").unwrap();
        assert!(store.legacy("notes", &moved).await.unwrap().is_none());
    }
}

#[test]
fn what_cannot_be_opened_is_said() {
    let error =
        |logins| TokenStore::open(&TokenStorage::File, &logins).err().map(|error| error.to_string()).unwrap();
    assert!(error(LoginSettings::default()).contains("--token-dir"));
    let folder = tempfile::tempdir().unwrap();
    let token_dir = Some(folder.path().to_owned());
    let short =
        error(LoginSettings { token_dir, token_key: Some("short".into()), ..LoginSettings::default() });
    assert!(short.starts_with("--token-key: shorter than 16 bytes"), "{short}");
}
