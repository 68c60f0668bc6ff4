//! Records as they are written and read.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;
use crate::{config::ClientAuthMethod, oauth::registration::client::ClientOrigin, secret::SecretString};

fn whole() -> Value {
    json!({
        "version": 1,
        "server": "notes",
        "url": "https://mcp.example.com/mcp",
        "resource": "https://mcp.example.com/mcp",
        "issuer": "https://auth.example.com",
        "token_endpoint": "https://auth.example.com/token",
        "revocation_endpoint": "https://auth.example.com/revoke",
        "requested_scopes": "read offline_access",
        "client": {
            "issuer": "https://auth.example.com",
            "client_id": "c1",
            "client_secret": "hush",
            "client_secret_expires_at": 1_900_000_000,
            "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uri": "http://localhost:8000/oauth/callback",
            "scope": "read",
            "origin": "registered",
        },
        "tokens": {
            "access_token": "open sesame",
            "refresh_token": "again",
            "expires_at_ms": 1_800_000_000_123_u64,
            "scope": "read",
        },
    })
}

fn read(json: &Value) -> Result<Record, RecordError> {
    Record::from_json(&serde_json::to_vec(json).unwrap())
}

fn written(record: &Record) -> Value {
    serde_json::from_slice(&record.to_json().unwrap()).unwrap()
}

#[test]
fn a_record_is_written_as_it_is_read() {
    let record = read(&whole()).unwrap();
    assert_eq!(record.client.method, ClientAuthMethod::Basic);
    assert_eq!(record.client.origin, ClientOrigin::Registered);
    assert_eq!(record.client.secret.as_ref().map(SecretString::expose_secret), Some("hush"));
    let tokens = record.tokens.as_ref().unwrap();
    assert_eq!(tokens.access.expose_secret(), "open sesame");
    let expires = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
    assert_eq!(tokens.expires_at, Some(expires));
    assert_eq!(tokens.scopes, Some(Scopes::parse("read")));
    assert_eq!(record.requested_scopes, Some(Scopes::parse("read offline_access")));
    assert_eq!(written(&record), whole());
}

#[test]
fn what_is_not_known_is_null_and_may_be_missing() {
    let mut json = whole();
    for key in ["revocation_endpoint", "requested_scopes", "tokens"] {
        json[key] = Value::Null;
    }
    for key in ["client_secret", "client_secret_expires_at", "redirect_uri", "scope"] {
        json["client"][key] = Value::Null;
    }
    assert_eq!(written(&read(&json).unwrap()), json);
    let mut short = whole();
    for (object, keys) in [
        ("/client", &["client_secret", "client_secret_expires_at", "redirect_uri", "scope"][..]),
        ("/tokens", &["refresh_token", "expires_at_ms", "scope"]),
        ("", &["revocation_endpoint", "requested_scopes", "tokens"]),
    ] {
        let object = short.pointer_mut(object).and_then(Value::as_object_mut).unwrap();
        keys.iter().for_each(|key| drop(object.remove(*key)));
    }
    assert_eq!(written(&read(&short).unwrap()), json);
}

#[test]
fn methods_and_origins_have_their_registered_names() {
    for method in ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] {
        for origin in ["configured", "metadata_document", "registered"] {
            let mut json = whole();
            json["client"]["token_endpoint_auth_method"] = method.into();
            json["client"]["origin"] = origin.into();
            assert_eq!(written(&read(&json).unwrap()), json);
        }
    }
}

#[test]
fn what_cannot_be_read_is_said_without_what_it_holds() {
    assert_eq!(Record::from_json(b" \n").unwrap_err(), RecordError::Empty);
    let mut later = whole();
    later["version"] = 2.into();
    later["client"] = "another shape".into();
    assert_eq!(read(&later).unwrap_err(), RecordError::Version(2));
    let text = whole().to_string();
    let mut odd = whole();
    odd["tokens"]["expires_at_ms"] = "open sesame".into();
    let odd = odd.to_string();
    for broken in [&text[..text.len() / 2], "garbage", "[]", "{}", "\0\0\0", "\"open sesame\"", &odd] {
        let error = Record::from_json(broken.as_bytes()).unwrap_err();
        assert!(matches!(error, RecordError::Malformed(_)), "{broken}: {error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
    assert!(!format!("{:?}", read(&whole()).unwrap()).contains("sesame"));
}
