//! What the block becomes. What it is refused for is tested through the binary, message by message.

use super::*;
use crate::{
    config::tests::{parse as parse_file, server},
    secret::ExposeSecret as _,
};

/// What the inside of the block becomes, without a warning.
fn oauth(inside: &str) -> OAuth {
    server(&format!(r#""url": "http://h", "oauth": {{{inside}}}"#)).oauth.expect("a block")
}

fn client(inside: &str) -> StaticClient {
    oauth(&format!(r#""client_id": "me", {inside}"#)).client.expect("a client")
}

/// The warnings of a file with this server, without their place.
fn warnings(server: &str) -> Vec<String> {
    let file = parse_file(&format!(r#"{{"mcpServers": {{"a": {{{server}}}}}}}"#));
    let place = "config.json:1: mcpServers.a.";
    file.warnings.iter().map(|warning| warning.strip_prefix(place).unwrap_or(warning).to_owned()).collect()
}

#[test]
fn it_may_be_empty() {
    let empty = oauth("");
    assert!(empty.server_url.is_none() && empty.callback_port.is_none() && empty.use_loopback.is_none());
    assert!(empty.client_metadata.is_empty() && empty.client.is_none());
    assert_eq!((empty.storage, empty.grant), (TokenStorage::File, Grant::AuthorizationCode));
    assert!(!empty.without_resource && !empty.assume_pkce);
    assert!(empty.authorization_params.is_empty() && empty.token_params.is_empty());
}

#[test]
fn every_key_counts() {
    let whole = oauth(
        r#""server_url": "https://auth.example.com", "storage_type": "memory", "callback_port": 4000,
           "use_loopback": false, "grant_type": "authorization_code",
           "client_metadata": {"client_name": "${TOKEN}", "n": [1, 2.5, null, true]}"#,
    );
    assert_eq!(whole.server_url.map(String::from).as_deref(), Some("https://auth.example.com/"));
    assert_eq!((whole.storage, whole.callback_port), (TokenStorage::Memory, Some(4000)));
    assert_eq!((whole.use_loopback, whole.grant), (Some(false), Grant::AuthorizationCode));
    let metadata = serde_json::json!({"client_name": "abc", "n": [1, 2.5, null, true]});
    assert_eq!(Value::from(whole.client_metadata), metadata);
    assert_eq!(oauth(r#""storage_type": "keyring""#).storage, TokenStorage::Keyring);
    assert_eq!(oauth(r#""storage_type": "file""#).storage, TokenStorage::File);
}

#[test]
fn requests_follow_the_authorization_server() {
    let told = oauth(
        r#""resource_parameter": false, "assume_pkce": true, "token_params": {"audience": "${TOKEN}"},
           "authorization_params": {"b": "2", "a": 1.50, "c": true, "none": null, "empty": ""}"#,
    );
    assert!(told.without_resource && told.assume_pkce);
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    assert_eq!(told.authorization_params, pairs(&[("b", "2"), ("a", "1.50"), ("c", "true")]));
    assert_eq!(told.token_params, pairs(&[("audience", "abc")]));
    assert!(!oauth(r#""resource_parameter": true"#).without_resource);
}

#[test]
fn metadata_keep_what_is_not_null() {
    let metadata = r#"{"redirect_uris": ["http://localhost:3030/callback"], "scope": "read write", "logo_uri": null,
                       "grant_types": ["authorization_code"], "token_endpoint_auth_method": "none", "x": {"y": null}}"#;
    let parsed = oauth(&format!(r#""client_metadata": {metadata}"#)).client_metadata;
    let mut expected: Map<String, Value> = serde_json::from_str(metadata).expect("JSON");
    expected.remove("logo_uri");
    assert_eq!(parsed, expected);
}

#[test]
fn a_client_has_a_secret_or_none() {
    let public = client(r#""token_endpoint_auth_method": "none""#);
    assert_eq!((public.id.as_str(), public.method), ("me", Some(ClientAuthMethod::None)));
    assert!(matches!(public.credential, ClientCredential::None));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("secret");
    std::fs::write(&file, "abc\n").expect("written");
    let from_file = format!(r#""client_secret_file": {:?}"#, file.to_str().expect("UTF-8"));
    for (given, method) in [
        (r#""client_secret": "${TOKEN}""#, None),
        (r#""client_secret": "abc", "token_endpoint_auth_method": null"#, None),
        (
            r#""client_secret": "abc", "token_endpoint_auth_method": "client_secret_basic""#,
            Some(ClientAuthMethod::Basic),
        ),
        (
            r#""client_secret": "abc", "token_endpoint_auth_method": "client_secret_post""#,
            Some(ClientAuthMethod::Post),
        ),
        (from_file.as_str(), None),
    ] {
        let client = client(given);
        let ClientCredential::Secret(secret) = client.credential else { panic!("{given}: no secret") };
        assert_eq!((secret.expose_secret(), client.method), ("abc", method), "{given}");
    }
}

#[test]
fn a_client_has_a_key_from_text_or_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("key.pem");
    let pem = rcgen::KeyPair::generate().expect("a P-256 key").serialize_pem();
    std::fs::write(&file, &pem).expect("written");
    let typed = format!(r#""private_key": {}, "key_id": "k1""#, Value::from(pem));
    let from_file = format!(r#""private_key_file": {:?}, "key_id": "k1""#, file.to_str().expect("UTF-8"));
    for given in [typed, from_file] {
        let given = format!(
            r#"{given}, "signing_algorithm": "ES256", "token_endpoint_auth_method": "private_key_jwt""#
        );
        let client = client(&given);
        assert_eq!(client.method, Some(ClientAuthMethod::PrivateKeyJwt));
        let ClientCredential::Key(key) = client.credential else { panic!("no key") };
        assert_eq!((key.algorithm, key.id.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("k1")));
    }
}

#[test]
fn a_gateway_may_act_for_itself() {
    let grant = r#""grant_type": "client_credentials""#;
    let oauth = oauth(&format!(r#""client_id": "me", "client_secret": "abc", {grant}"#));
    assert_eq!(oauth.grant, Grant::ClientCredentials);
    let idle = format!(
        r#""url": "http://h", "oauth": {{"client_id": "me", "client_secret": "abc", {grant}, "callback_port": 1, "use_loopback": true, "assume_pkce": true, "authorization_params": {{}}}}"#
    );
    let why = "has no effect with grant_type \"client_credentials\", which asks nobody to log in";
    let keys = ["callback_port", "use_loopback", "assume_pkce", "authorization_params"];
    assert_eq!(warnings(&idle), keys.map(|key| format!("oauth.{key}: {why}")));
}

#[test]
fn a_command_needs_no_login_and_a_header_gives_way() {
    let command = r#""command": "x", "oauth": {"storage_type": 5}"#;
    assert_eq!(warnings(command), ["oauth: has no effect on a server with \"command\""]);
    let file = parse_file(&format!(r#"{{"mcpServers": {{"a": {{{command}}}}}}}"#));
    assert!(file.servers[0].oauth.is_none());
    let url = r#""url": "http://h", "oauth": {}, "headers""#;
    let replaced = "oauth: once there is a token, it replaces the Authorization in \"headers\"";
    assert_eq!(warnings(&format!(r#"{url}: {{"authorization": "Bearer x"}}"#)), [replaced]);
    assert_eq!(warnings(&format!(r#"{url}: {{"X-Api-Key": "x"}}"#)), [""; 0]);
}

#[test]
fn no_secret_shows_when_a_client_is_printed() {
    let printed = format!("{:?}", client(r#""client_secret": "hunter2""#));
    assert!(!printed.contains("hunter2"), "{printed}");
}
