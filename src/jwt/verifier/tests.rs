//! Tokens, right and wrong ones, before an issuer on loopback.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header as Written, encode};
use serde_json::{Value, json};

use super::*;
use crate::{
    config,
    jwt::signer::Signer,
    stub::{Stub, response},
};

const AUDIENCE: &str = "https://mcpo.example.com";

/// An issuer, and a verifier of its tokens.
struct Bed {
    stub: Stub,
    keys: Arc<Mutex<Vec<Value>>>,
    up: Arc<AtomicBool>,
    verifier: Verifier,
    stop: CancellationToken,
}

impl Bed {
    async fn new(keys: &[&Signer]) -> Self {
        Self::with(keys.iter().map(|key| key.jwk.clone()).collect(), true).await
    }

    async fn with(keys: Vec<Value>, up: bool) -> Self {
        let (keys, up) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicBool::new(up)));
        let (published, is_up) = (keys.clone(), up.clone());
        let stub = Stub::serve(move |origin, request| match request {
            _ if !is_up.load(Ordering::SeqCst) => response(503, "down"),
            "GET /realm/.well-known/openid-configuration" => {
                let metadata =
                    json!({ "issuer": format!("{origin}/realm"), "jwks_uri": format!("{origin}/jwks") });
                response(200, &metadata.to_string())
            }
            "GET /jwks" => response(200, &json!({ "keys": *published.lock().unwrap() }).to_string()),
            _ => response(404, ""),
        })
        .await;
        let issuer = config::IssuerIdentifier::parse(stub.url("/realm").as_str()).unwrap();
        let stop = CancellationToken::new();
        let config = Jwt::new(issuer, vec![AUDIENCE.to_owned(), "mcpo".to_owned()]);
        let verifier = Verifier::new(config, &ForwardProxy::default(), &TaskTracker::new(), stop.clone());
        Self { stub, keys, up, verifier, stop }
    }

    /// What a right token says, with `changes`; a member that is null is left out.
    fn claims(&self, changes: Value) -> Value {
        let (now, Value::Object(changes)) = (now(), changes) else { panic!("no object") };
        let mut claims = json!({
            "iss": self.stub.url("/realm"), "aud": AUDIENCE, "sub": "ada", "client_id": "app", "scope": "a b",
            "iat": now, "nbf": now, "exp": now + 300,
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(changes);
        members.retain(|_, value| !value.is_null());
        claims
    }

    async fn refusal(&self, token: &str) -> Refusal {
        self.verifier.verify(token).await.expect_err(token)
    }

    fn fetches(&self) -> usize {
        self.stub.asked().iter().filter(|request| *request == "GET /jwks").count()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Parts as they are, whatever they say.
fn written(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn a_token_of_any_accepted_algorithm_opens() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS512, RS256, RS512};
    let signers = [RS256, RS512, PS256, PS512, ES256, ES384, EdDSA]
        .map(|algorithm| Signer::new(algorithm, &format!("{algorithm:?}")));
    let bed = Bed::new(&signers.each_ref()).await;
    for signer in &signers {
        let claims = bed.verifier.verify(&signer.sign(&bed.claims(json!({})))).await;
        let claims = claims.unwrap_or_else(|refusal| panic!("{:?}: {refusal}", signer.algorithm));
        assert_eq!((claims.subject.as_deref(), claims.client.as_deref()), (Some("ada"), Some("app")));
        assert_eq!(claims.scopes, ["a", "b"]);
        assert!(claims.expires > now() && claims.all["aud"] == AUDIENCE);
    }
    assert_eq!(bed.fetches(), 1);
}

#[tokio::test]
async fn claims_are_read_as_issuers_write_them() {
    let signer = Signer::new(Algorithm::ES256, "a");
    let bed = Bed::new(&[&signer]).await;
    let read = async |changes| bed.verifier.verify(&signer.sign(&bed.claims(changes))).await.unwrap();
    let entra =
        json!({ "aud": ["other", "mcpo"], "scope": null, "scp": "a  c", "client_id": null, "azp": "web" });
    let claims = read(entra).await;
    assert_eq!((claims.scopes, claims.client), (vec!["a".into(), "c".into()], Some("web".into())));
    let okta = read(json!({ "scp": ["b", "d"], "sub": null, "nbf": null, "iat": null })).await;
    assert_eq!((okta.scopes, okta.subject), (vec!["a".into(), "b".into(), "d".into()], None));
    // Clocks may be apart by a minute.
    read(json!({ "exp": now() - 50, "nbf": now() + 50, "iat": now() + 50 })).await;
    read(json!({ "exp": now() as f64 + 1.5 })).await;
}

#[tokio::test]
async fn a_token_is_for_us_from_the_issuer_for_now() {
    let signer = Signer::new(Algorithm::ES256, "a");
    let bed = Bed::new(&[&signer]).await;
    let issuer = bed.stub.url("/realm");
    for (changes, expected) in [
        (json!({ "exp": now() - 70 }), Refusal::Expired),
        (json!({ "exp": 0 }), Refusal::Expired),
        (json!({ "exp": null }), Refusal::MissingClaim("exp")),
        (json!({ "exp": "2999" }), Refusal::MissingClaim("exp")),
        (json!({ "nbf": now() + 70 }), Refusal::NotYetValid),
        (json!({ "nbf": "0" }), Refusal::MissingClaim("nbf")),
        (json!({ "iat": now() + 70 }), Refusal::NotYetValid),
        (json!({ "iat": "now" }), Refusal::NotYetValid),
        (json!({ "iss": format!("{issuer}/") }), Refusal::WrongIssuer),
        (json!({ "iss": "https://evil.example" }), Refusal::WrongIssuer),
        (json!({ "iss": [issuer, "https://evil.example"] }), Refusal::WrongIssuer),
        (json!({ "iss": null }), Refusal::MissingClaim("iss")),
        (json!({ "aud": "https://mcpo.example.com/" }), Refusal::WrongAudience),
        (json!({ "aud": ["other", "MCPO"] }), Refusal::WrongAudience),
        (json!({ "aud": [] }), Refusal::WrongAudience),
        (json!({ "aud": { "mcpo": true } }), Refusal::MissingClaim("aud")),
        (json!({ "aud": null }), Refusal::MissingClaim("aud")),
    ] {
        assert_eq!(bed.refusal(&signer.sign(&bed.claims(changes.clone()))).await, expected, "{changes}");
    }
    assert_eq!(
        bed.refusal(&encode(&signer.header(), &json!("text"), &signer.key).unwrap()).await,
        Refusal::Malformed
    );
    assert_eq!(bed.fetches(), 1);
}

#[tokio::test]
async fn a_token_decides_nothing_about_its_check() {
    let signer = Signer::new(Algorithm::RS256, "a");
    let (elliptic, stranger) = (Signer::new(Algorithm::ES256, "b"), Signer::new(Algorithm::ES256, "a"));
    let bed = Bed::new(&[&signer, &elliptic]).await;
    let claims = bed.claims(json!({}));
    let right = signer.sign(&claims);
    let parts: Vec<_> = right.split('.').collect();
    let none = |alg: &str| written(&json!({ "alg": alg, "kid": "a" }), &claims, "");
    let embedded =
        json!({ "alg": "ES256", "kid": "x", "jwk": stranger.jwk, "jku": "https://evil.example/jwks" });
    let by_stranger = |header: Written| encode(&header, &claims, &stranger.key).unwrap();
    let raised = bed.claims(json!({ "scope": "admin" }));
    for (token, expected) in [
        (none("none"), Refusal::UnsupportedAlgorithm),
        (none("NONE"), Refusal::UnsupportedAlgorithm),
        (none("RS256"), Refusal::BadSignature),
        (format!("{}.{}.", parts[0], parts[1]), Refusal::BadSignature),
        (
            format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(raised.to_string()), parts[2]),
            Refusal::BadSignature,
        ),
        (format!("{right}A"), Refusal::BadSignature),
        (format!("{right}.{}", parts[2]), Refusal::Malformed),
        (format!("{right}{}", "A".repeat(20_000)), Refusal::Malformed),
        // The key is RSA, or is for RS256 alone.
        (by_stranger(stranger.header()), Refusal::UnsupportedAlgorithm),
        (
            encode(&Written { alg: Algorithm::PS256, ..signer.header() }, &claims, &signer.key).unwrap(),
            Refusal::UnsupportedAlgorithm,
        ),
        (by_stranger(elliptic.header()), Refusal::BadSignature),
        (written(&embedded, &claims, parts[2]), Refusal::UnknownKey),
        (by_stranger(Written { jwk: None, kid: None, ..stranger.header() }), Refusal::UnknownKey),
    ] {
        assert_eq!(bed.refusal(&token).await, expected, "{token}");
    }
    for id in
        ["../../../dev/null", "/etc/passwd", "a' OR '1'='1", "a\0", "A", "", "https://evil.example/jwks"]
    {
        let token =
            encode(&Written { kid: Some(id.to_owned()), ..signer.header() }, &claims, &signer.key).unwrap();
        assert_eq!(bed.refusal(&token).await, Refusal::UnknownKey, "{id}");
    }
    assert!(bed.verifier.verify(&right).await.is_ok());
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let signer = Signer::new(Algorithm::RS256, "a");
    let secret =
        json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256" });
    let bed = Bed::with(vec![signer.jwk.clone(), secret], true).await;
    let claims = bed.claims(json!({}));
    let public =
        jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(signer.jwk.clone()).unwrap()).unwrap();
    let jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } = public.kind() else {
        panic!("not RSA")
    };
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", URL_SAFE_NO_PAD.encode(n));
    for key in
        [n.clone(), pem.into_bytes(), signer.jwk.to_string().into_bytes(), signer.jwk["n"].to_string().into()]
    {
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let token = encode(&Written { alg, ..signer.header() }, &claims, &EncodingKey::from_secret(&key))
                .unwrap();
            assert_eq!(bed.refusal(&token).await, Refusal::UnsupportedAlgorithm);
        }
    }
    let header = Written { kid: Some("secret".to_owned()), ..Written::new(Algorithm::HS256) };
    let token = encode(&header, &claims, &EncodingKey::from_secret(b"secret-secret-secret-secret")).unwrap();
    assert_eq!(bed.refusal(&token).await, Refusal::UnsupportedAlgorithm);
}

#[tokio::test]
async fn a_token_without_a_key_id_has_one_key_to_fit() {
    let (one, other) = (Signer::new(Algorithm::ES256, "a"), Signer::new(Algorithm::ES256, "b"));
    let rsa = Signer::new(Algorithm::RS256, "c");
    let bed = Bed::new(&[&one, &rsa]).await;
    let unnamed = encode(&Written { kid: None, ..one.header() }, &bed.claims(json!({})), &one.key).unwrap();
    assert!(bed.verifier.verify(&unnamed).await.is_ok());
    // The only key is replaced: the signature does not fit the former one.
    *bed.keys.lock().unwrap() = vec![other.jwk.clone()];
    let unnamed =
        encode(&Written { kid: None, ..other.header() }, &bed.claims(json!({})), &other.key).unwrap();
    assert!(bed.verifier.verify(&unnamed).await.is_ok());
    let bed = Bed::new(&[&one, &other]).await;
    let unnamed = encode(&Written { kid: None, ..one.header() }, &bed.claims(json!({})), &one.key).unwrap();
    assert_eq!(bed.refusal(&unnamed).await, Refusal::UnknownKey);
}

#[tokio::test]
async fn a_rotation_is_seen_at_once_and_costs_one_fetch() {
    let (old, new) = (Signer::new(Algorithm::ES256, "old"), Signer::new(Algorithm::ES256, "new"));
    let bed = Bed::new(&[&old]).await;
    let [before, after] = [&old, &new].map(|signer| signer.sign(&bed.claims(json!({}))));
    let all = async |token: &str| {
        join_all((0..50).map(|_| bed.verifier.verify(token))).await.into_iter().filter(Result::is_ok).count()
    };
    assert_eq!(all(&before).await, 50);
    assert_eq!(bed.fetches(), 1);
    *bed.keys.lock().unwrap() = vec![old.jwk.clone(), new.jwk.clone()];
    let (olds, news) = tokio::join!(all(&before), all(&after));
    assert_eq!((olds, news, bed.fetches()), (50, 50, 2));
    // Made-up keys make no more requests now, and right tokens do not suffer.
    let forged = Signer::new(Algorithm::ES256, "forged").sign(&bed.claims(json!({})));
    assert_eq!(bed.refusal(&forged).await, Refusal::UnknownKey);
    assert_eq!((all(&forged).await, all(&after).await, bed.fetches()), (0, 50, 2));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_the_callers_fault() {
    let (signer, other) = (Signer::new(Algorithm::ES256, "a"), Signer::new(Algorithm::ES256, "b"));
    let bed = Bed::with(vec![signer.jwk.clone()], false).await;
    let [token, unknown] = [&signer, &other].map(|signer| signer.sign(&bed.claims(json!({}))));
    let Refusal::Unavailable { reason, retry_after } = bed.refusal(&token).await else { panic!("judged") };
    assert!(reason.contains("HTTP 503") && retry_after <= Duration::from_secs(10), "{reason}");
    bed.up.store(true, Ordering::SeqCst);
    assert!(bed.verifier.verify(&token).await.is_ok());
    bed.up.store(false, Ordering::SeqCst);
    assert!(bed.verifier.verify(&token).await.is_ok());
    assert_eq!(bed.refusal(&unknown).await, Refusal::UnknownKey, "the issuer was asked just now");
}

#[test]
fn refusals_can_be_shown() {
    let unavailable = Refusal::Unavailable { reason: "é\"\n".to_owned(), retry_after: Duration::ZERO };
    for refusal in [Refusal::Malformed, Refusal::UnknownKey, Refusal::MissingClaim("exp"), unavailable] {
        let text = refusal.to_string();
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte)), "{text}");
    }
}
