//! Becoming a client, against a server on loopback.

use serde_json::{Map, Value, json};
use url::Url;

use super::*;
use crate::{
    config::{ClientCredential, ForwardProxy, SigningKey, StaticClient},
    net::Network,
    oauth::{endpoint::EndpointError, scopes::Scopes},
    secret::ExposeSecret as _,
    stub::{Received, WebServer},
};

const REDIRECT: &str = "http://127.0.0.1:8000/oauth/callback";

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A server that lists these methods.
fn server(methods: &[&str]) -> AuthorizationServer {
    AuthorizationServer {
        issuer: "https://auth.example".to_owned(),
        authorization_endpoint: None,
        token_endpoint: url("https://auth.example/token"),
        registration_endpoint: None,
        revocation_endpoint: None,
        scopes: None,
        auth_methods: methods.iter().map(|&method| method.to_owned()).collect(),
        code_challenge_methods: vec![],
        client_id_metadata_document: false,
        iss_parameter: false,
        presumed: false,
        faults: vec![],
    }
}

/// Registers at a server that lists these methods and answers with this.
async fn register(
    methods: &[&str],
    metadata: Value,
    status: u16,
    answer: &str,
) -> (Result<Client, ClientError>, Received) {
    let web = WebServer::bind().await;
    let guarded = Network::new(ForwardProxy::default()).login(&web.url, None);
    let server = AuthorizationServer { registration_endpoint: Some(web.url.clone()), ..server(methods) };
    let metadata = metadata.as_object().cloned().unwrap();
    let (redirect_uri, scopes) = (url(REDIRECT), Scopes::parse("a b"));
    let wanted = Wanted {
        configured: None,
        document: None,
        redirect_uri: &redirect_uri,
        metadata: &metadata,
        scopes: Some(&scopes),
    };
    tokio::join!(obtain(&guarded, &server, &wanted), web.answer(status, answer))
}

#[tokio::test]
async fn a_registration_says_what_mcpo_is() {
    let (client, received) = register(&["none"], json!({}), 201, r#"{"client_id":"id-1"}"#).await;
    assert_eq!(received.target, "POST /endpoint");
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(
        serde_json::from_str::<Value>(&received.body).unwrap(),
        json!({
            "client_name": "mcpo",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": "native",
            "scope": "a b",
            "token_endpoint_auth_method": "none",
            "redirect_uris": [REDIRECT],
        })
    );
    let client = client.unwrap();
    assert_eq!((client.issuer.as_str(), client.id.as_str()), ("https://auth.example", "id-1"));
    assert_eq!((client.method, client.origin), (ClientAuthMethod::None, ClientOrigin::Registered));
    assert_eq!(client.redirect_uri, Some(url(REDIRECT)));
}

#[tokio::test]
async fn a_registration_follows_the_configured_metadata() {
    let metadata = json!({
        "client_name": "Tools",
        "scope": "c",
        "token_endpoint_auth_method": "client_secret_post",
        "redirect_uris": ["https://other.example/cb"],
    });
    let answer = r#"{"client_id":"id-1","client_secret":"s3cret"}"#;
    let (client, received) = register(&[], metadata, 200, answer).await;
    let sent: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!((&sent["client_name"], &sent["scope"]), (&json!("Tools"), &json!("c")));
    assert_eq!(sent["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!(sent["redirect_uris"], json!([REDIRECT, "https://other.example/cb"]));
    assert_eq!(client.unwrap().method, ClientAuthMethod::Post);
}

#[tokio::test]
async fn the_plainest_method_is_asked_for_and_the_answer_decides() {
    use ClientAuthMethod::{Basic, None, Post};
    let id = r#"{"client_id":"i"}"#;
    let secret = r#"{"client_id":"i","client_secret":"s"}"#;
    let post = r#"{"client_id":"i","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}"#;
    let public = r#"{"client_id":"i","client_secret":"s","token_endpoint_auth_method":"none"}"#;
    let (none, basic_name, post_name) = ("none", "client_secret_basic", "client_secret_post");
    let cases: [(&[&str], &str, &str, ClientAuthMethod); 9] = [
        (&[post_name, basic_name, none], none, id, None),
        (&[post_name, basic_name], basic_name, secret, Basic),
        (&["tls_client_auth", post_name], post_name, secret, Post),
        (&[], none, id, None),
        (&[], none, secret, Basic),
        (&[none], none, secret, None),
        (&[none], none, post, Post),
        (&[basic_name], basic_name, public, None),
        (&[basic_name], basic_name, id, None),
    ];
    for (listed, asked, answer, method) in cases {
        let (client, received) = register(listed, json!({}), 201, answer).await;
        let sent: Value = serde_json::from_str(&received.body).unwrap();
        assert_eq!(sent["token_endpoint_auth_method"], asked, "{listed:?}");
        let client = client.unwrap();
        assert_eq!(client.method, method, "{listed:?} {answer}");
        assert_eq!(client.secret.is_some(), method != None, "{listed:?} {answer}");
    }
}

#[tokio::test]
async fn a_secret_may_expire() {
    for (form, expires) in
        [("0", None), ("1700000000", Some(1_700_000_000)), ("\"5\"", Some(5)), ("null", None)]
    {
        let answer =
            format!(r#"{{"client_id":"i","client_secret":"s3cret","client_secret_expires_at":{form}}}"#);
        let client = register(&["client_secret_basic"], json!({}), 201, &answer).await.0.unwrap();
        assert_eq!(client.secret_expires, expires, "{form}");
        assert_eq!(client.secret.as_ref().unwrap().expose_secret(), "s3cret");
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_registration_may_fail() {
    let error = async |status, answer| register(&["none"], json!({}), status, answer).await.0.unwrap_err();
    let refused = error(400, r#"{"error":"invalid_redirect_uri","error_description":"no loopback"}"#).await;
    assert_eq!(
        refused.to_string(),
        "the client registration failed: the authorization server refused: invalid_redirect_uri (no loopback)"
    );
    let busy = error(503, "").await;
    assert_eq!(busy, ClientError::Registration(EndpointError::Unreachable("HTTP 503".to_owned())));
    for answer in ["{}", "", "<html>", r#"{"client_id":""}"#] {
        assert_eq!(error(201, answer).await, ClientError::NoId, "{answer}");
    }
    let jwt = r#"{"client_id":"i","token_endpoint_auth_method":"private_key_jwt\n"}"#;
    assert_eq!(error(201, jwt).await, ClientError::Method("private_key_jwt".to_owned()));
}

/// Becomes a client of `server` where nothing may be sent.
async fn without_asking(server: &AuthorizationServer, wanted: &Wanted<'_>) -> Result<Client, ClientError> {
    // Nobody listens there, so asking would fail otherwise.
    let nowhere = WebServer::bind().await.url;
    let server = AuthorizationServer {
        registration_endpoint: server.registration_endpoint.as_ref().map(|_| nowhere.clone()),
        ..server.clone()
    };
    obtain(&Network::new(ForwardProxy::default()).login(&nowhere, None), &server, wanted).await
}

#[tokio::test]
async fn configured_comes_before_document_before_registration() {
    let configured =
        StaticClient { id: "by hand".to_owned(), credential: ClientCredential::None, method: None };
    let (redirect_uri, metadata) = (url(REDIRECT), Map::new());
    let document = url("https://gate.example/oauth/client.json");
    let plain = url("http://gate.example/oauth/client.json");
    let mut server = server(&["none"]);
    server.registration_endpoint = Some(url("https://auth.example/register"));
    server.client_id_metadata_document = true;
    let wanted = |configured, document| Wanted {
        configured,
        document,
        redirect_uri: &redirect_uri,
        metadata: &metadata,
        scopes: None,
    };
    let client = without_asking(&server, &wanted(Some(&configured), Some(&document))).await.unwrap();
    assert_eq!((client.id.as_str(), client.origin), ("by hand", ClientOrigin::Configured));
    let client = without_asking(&server, &wanted(None, Some(&document))).await.unwrap();
    assert_eq!((client.id.as_str(), client.origin), (document.as_str(), ClientOrigin::MetadataDocument));
    assert_eq!(client.method, ClientAuthMethod::None);
    let error = without_asking(&server, &wanted(None, Some(&plain))).await.unwrap_err();
    assert!(matches!(error, ClientError::Registration(_)), "{error}");
    server.client_id_metadata_document = false;
    let error = without_asking(&server, &wanted(None, Some(&document))).await.unwrap_err();
    assert!(matches!(error, ClientError::Registration(_)), "{error}");
    server.registration_endpoint = None;
    let error = without_asking(&server, &wanted(None, Some(&document))).await.unwrap_err().to_string();
    assert!(error.starts_with("https://auth.example registers no clients itself"), "{error}");
    assert!(!error.contains("--public-url"), "{error}");
    server.client_id_metadata_document = true;
    let error = without_asking(&server, &wanted(None, None)).await.unwrap_err().to_string();
    assert!(error.contains("--public-url"), "{error}");
}

#[tokio::test]
async fn what_a_registered_client_cannot_do_is_not_asked_for() {
    let (redirect_uri, metadata) = (url(REDIRECT), Map::new());
    let mut server = server(&["private_key_jwt", "tls_client_auth"]);
    server.registration_endpoint = Some(url("https://auth.example/register"));
    let wanted = |metadata| Wanted {
        configured: None,
        document: None,
        redirect_uri: &redirect_uri,
        metadata,
        scopes: None,
    };
    let error = without_asking(&server, &wanted(&metadata)).await.unwrap_err();
    assert_eq!(error, ClientError::Method("private_key_jwt, tls_client_auth".to_owned()));
    let metadata = Map::from_iter([("token_endpoint_auth_method".to_owned(), json!("private_key_jwt"))]);
    let error = without_asking(&server, &wanted(&metadata)).await.unwrap_err();
    assert_eq!(error, ClientError::Method("private_key_jwt".to_owned()));
}

#[test]
fn a_configured_client_authenticates_as_it_and_the_server_can() {
    use ClientAuthMethod::{Basic, None as Public, Post, PrivateKeyJwt};
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = || ClientCredential::Key(SigningKey::from_pem(pem.as_bytes(), None, None).unwrap());
    let secret = || ClientCredential::Secret("s3cret".into());
    let both: &[&str] = &["client_secret_post", "client_secret_basic"];
    let cases = [
        (secret(), None, both, Basic),
        (secret(), None, &["client_secret_post"], Post),
        (secret(), None, &[], Basic),
        (secret(), Some(Post), both, Post),
        (ClientCredential::None, None, both, Public),
        (key(), None, both, PrivateKeyJwt),
    ];
    for (credential, method, listed, expected) in cases {
        let client = StaticClient { id: "by hand".to_owned(), credential, method };
        let client = Client::configured(&server(listed), &client, None);
        assert_eq!(client.method, expected, "{listed:?}");
        assert_eq!(client.secret.is_some(), matches!(expected, Basic | Post));
        assert_eq!((client.redirect_uri, client.issuer.as_str()), (None, "https://auth.example"));
    }
}
