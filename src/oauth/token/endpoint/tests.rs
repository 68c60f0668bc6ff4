//! Each grant and each way to authenticate, as they are on the wire.

use std::collections::HashMap;

use super::*;
use crate::{
    config::ForwardProxy,
    net::Network,
    oauth::registration::client::ClientOrigin,
    stub::{Received, WebServer},
};

const TOKEN: &str = r#"{"access_token":"at-1","expires_in":60}"#;

/// A server, and a client of it.
struct Case {
    server: WebServer,
    guarded: GuardedClient,
    client: Client,
    key: Option<SigningKey>,
}

impl Case {
    async fn new(method: ClientAuthMethod, secret: Option<&str>) -> Self {
        let server = WebServer::bind().await;
        let guarded = Network::new(ForwardProxy::default()).login(&server.url, None);
        let client = Client {
            issuer: "https://auth.example".to_owned(),
            id: "our id".to_owned(),
            secret: secret.map(SecretString::from),
            secret_expires: None,
            scopes: None,
            method,
            redirect_uri: Some("http://127.0.0.1:1/cb?a=b".parse().unwrap()),
            origin: ClientOrigin::Registered,
        };
        Self { server, guarded, client, key: None }
    }

    fn endpoint(&self) -> TokenEndpoint<'_> {
        TokenEndpoint {
            guarded: &self.guarded,
            url: &self.server.url,
            client: &self.client,
            key: self.key.as_ref(),
            resource: Some("https://mcp.example/mcp"),
            more: &[],
        }
    }

    /// A refresh with the token `rt-0`, answered with this.
    async fn refresh(&self, status: u16, body: &str) -> (Result<Tokens, EndpointError>, Received) {
        let token = SecretString::from("rt-0");
        let granted = Scopes::parse("a b");
        let endpoint = self.endpoint();
        tokio::join!(endpoint.refresh(&token, Some(&granted)), self.server.answer(status, body))
    }
}

/// The form of a request, which must be a POST of one.
fn form(received: &Received) -> HashMap<String, String> {
    assert_eq!(received.target, "POST /endpoint");
    assert_eq!(received.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(received.headers["accept"], "application/json");
    let pairs: Vec<_> = form_urlencoded::parse(received.body.as_bytes()).into_owned().collect();
    let form: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(form.len(), pairs.len(), "a parameter stands twice: {}", received.body);
    form
}

/// The form that these pairs make.
fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> HashMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[tokio::test]
async fn a_code_is_exchanged_with_verifier_redirect_and_resource() {
    let case = Case::new(ClientAuthMethod::None, None).await;
    let (code, requested) = (SecretString::from("c0de"), Scopes::parse("a"));
    let endpoint = case.endpoint();
    let exchange = endpoint.exchange(&code, PkceCodeVerifier::new("verif1er".to_owned()), Some(&requested));
    let before = SystemTime::now();
    let (tokens, received) = tokio::join!(exchange, case.server.answer(201, TOKEN));
    let tokens = tokens.unwrap();
    assert_eq!(tokens.access.expose_secret(), "at-1");
    assert_eq!((tokens.refresh.is_none(), tokens.scopes), (true, Some(requested)));
    let expires_in = tokens.expires_at.unwrap().duration_since(before).unwrap().as_secs();
    assert!((60..70).contains(&expires_in), "{expires_in}");
    let expected = pairs([
        ("grant_type", "authorization_code"),
        ("code", "c0de"),
        ("code_verifier", "verif1er"),
        ("client_id", "our id"),
        ("redirect_uri", "http://127.0.0.1:1/cb?a=b"),
        ("resource", "https://mcp.example/mcp"),
    ]);
    assert_eq!(form(&received), expected);
    assert!(!received.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_refresh_keeps_what_the_answer_leaves_out() {
    let case = Case::new(ClientAuthMethod::None, None).await;
    let (tokens, received) = case.refresh(200, TOKEN).await;
    let tokens = tokens.unwrap();
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "rt-0");
    assert_eq!(tokens.scopes, Some(Scopes::parse("a b")));
    let expected = pairs([
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt-0"),
        ("client_id", "our id"),
        ("resource", "https://mcp.example/mcp"),
    ]);
    assert_eq!(form(&received), expected);
    let rotated = r#"{"access_token":"at-2","refresh_token":"rt-2","scope":"a"}"#;
    let tokens = case.refresh(200, rotated).await.0.unwrap();
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "rt-2");
    assert_eq!((tokens.scopes, tokens.expires_at), (Some(Scopes::parse("a")), None));
}

#[tokio::test]
async fn basic_sends_both_halves_form_encoded() {
    let case = Case::new(ClientAuthMethod::Basic, Some("p:ä %+")).await;
    let (tokens, received) = case.refresh(200, TOKEN).await;
    tokens.unwrap();
    // RFC 6749 section 2.3.1 and appendix B
    let expected = format!("Basic {}", STANDARD.encode("our+id:p%3A%C3%A4+%25%2B"));
    assert_eq!(received.headers["authorization"], expected.as_str());
    let form = form(&received);
    assert!(!form.contains_key("client_id") && !form.contains_key("client_secret"), "{}", received.body);
}

#[tokio::test]
async fn post_sends_the_secret_in_the_form() {
    let case = Case::new(ClientAuthMethod::Post, Some("p:ä %+")).await;
    let (tokens, received) = case.refresh(200, TOKEN).await;
    tokens.unwrap();
    let form = form(&received);
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("our id", "p:ä %+"));
    assert!(!received.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_key_signs_an_assertion_for_the_issuer() {
    let mut case = Case::new(ClientAuthMethod::PrivateKeyJwt, None).await;
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    case.key = Some(SigningKey::from_pem(pem.as_bytes(), None, None).unwrap());
    let scopes = Scopes::parse("a b");
    let endpoint = case.endpoint();
    let (tokens, received) =
        tokio::join!(endpoint.client_credentials(Some(&scopes)), case.server.answer(200, TOKEN));
    assert_eq!(tokens.unwrap().scopes, Some(scopes));
    let mut form = form(&received);
    let assertion = form.remove("client_assertion").unwrap();
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&assertion).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&"our id".into(), &"our id".into()));
    assert_eq!(claims["aud"], "https://auth.example");
    let expected = pairs([
        ("grant_type", "client_credentials"),
        ("scope", "a b"),
        ("client_id", "our id"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("resource", "https://mcp.example/mcp"),
    ]);
    assert_eq!(form, expected);
}

#[tokio::test]
async fn without_its_key_nothing_is_sent() {
    let case = Case::new(ClientAuthMethod::PrivateKeyJwt, None).await;
    let error = case.endpoint().client_credentials(None).await.unwrap_err();
    assert_eq!(error, EndpointError::Unsigned("no private key is configured".to_owned()));
}

#[tokio::test]
async fn a_token_is_revoked_over_http_too() {
    let case = Case::new(ClientAuthMethod::Post, Some("s3cret")).await;
    let token = SecretString::from("rt-0");
    let endpoint = case.endpoint();
    let (revoked, received) =
        tokio::join!(endpoint.revoke(&case.server.url, &token), case.server.answer(200, ""));
    assert_eq!(revoked, Ok(()));
    let expected = pairs([("token", "rt-0"), ("client_id", "our id"), ("client_secret", "s3cret")]);
    assert_eq!(form(&received), expected);
    let refusal = r#"{"error":"unsupported_token_type"}"#;
    let (revoked, _) =
        tokio::join!(endpoint.revoke(&case.server.url, &token), case.server.answer(400, refusal));
    assert_eq!(revoked.unwrap_err().error(), Some("unsupported_token_type"));
}

#[tokio::test]
async fn answers_without_tokens_are_told_apart() {
    let case = Case::new(ClientAuthMethod::None, None).await;
    let error = async |status, body| case.refresh(status, body).await.0.unwrap_err();
    let refused = error(400, r#"{"error":"invalid_grant","error_description":"spent"}"#).await;
    assert_eq!(refused.error(), Some("invalid_grant"));
    assert_eq!(error(401, r#"{"error":"invalid_client"}"#).await.error(), Some("invalid_client"));
    assert_eq!(error(503, "busy").await, EndpointError::Unreachable("HTTP 503".to_owned()));
    let invalid = |detail: &str| {
        let what = "the authorization server's answer is no token response";
        EndpointError::Odd(format!("{what}: {detail}"))
    };
    assert_eq!(error(200, "{}").await, invalid("it has no access_token"));
    assert_eq!(error(200, "<html>").await, invalid("it has no access_token"));
    assert_eq!(error(200, "").await, invalid("it has no access_token"));
    let mac = r#"{"access_token":"at-1","token_type":"mac"}"#;
    assert_eq!(error(200, mac).await, invalid("its token_type is \"mac\"; mcpo can use Bearer alone"));
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_worth_trying_again() {
    let Case { server, guarded, client, .. } = Case::new(ClientAuthMethod::None, None).await;
    let url = server.url.clone();
    drop(server);
    let endpoint =
        TokenEndpoint { guarded: &guarded, url: &url, client: &client, key: None, resource: None, more: &[] };
    let error = endpoint.client_credentials(None).await.unwrap_err();
    assert!(matches!(error, EndpointError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn secrets_are_in_no_error_and_no_debug_text() {
    let mut case = Case::new(ClientAuthMethod::Post, Some("s3cret")).await;
    case.key = Some(
        SigningKey::from_pem(rcgen::KeyPair::generate().unwrap().serialize_pem().as_bytes(), None, None)
            .unwrap(),
    );
    let quoting = r#"{"error":"bad s3cret","error_description":"rt-0 is unknown, s3cret is wrong"}"#;
    let error = case.refresh(400, quoting).await.0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the authorization server refused: bad [redacted] ([redacted] is unknown, [redacted] is wrong)"
    );
    let answer = r#"{"access_token":"at-s3cret","refresh_token":"rt-s3cret","token_type":5}"#;
    let tokens = case.refresh(200, answer).await.0.unwrap();
    let broken = case.refresh(200, r#"{"access_token":"at-s3cret"#).await.0.unwrap_err();
    for text in [
        format!("{error:?}"),
        format!("{broken:?} {broken}"),
        format!("{tokens:?}"),
        format!("{:?}", case.endpoint()),
    ] {
        assert!(!text.contains("s3cret") && !text.contains("rt-0"), "{text}");
    }
}

#[test]
fn requests_can_be_made_on_any_thread() {
    fn sendable<T: Send>(_: impl FnOnce(TokenEndpoint<'static>, &'static SecretString) -> T) {}
    sendable(|endpoint, token| async move { endpoint.refresh(token, None).await });
    sendable(|endpoint, token| async move { endpoint.revoke(endpoint.url, token).await });
}
