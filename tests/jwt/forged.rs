//! Tokens made by hand, each wrong in one respect alone: all else is as a real issuer writes it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};

use super::issuer::{Issuer, Key};

/// A token that must open nothing.
pub(crate) struct Forged {
    /// What is wrong with it.
    pub(crate) fault: &'static str,
    pub(crate) token: String,
    /// What its sender is told.
    pub(crate) told: &'static str,
}

/// Makes tokens with an issuer's own key.
pub(crate) struct Forger {
    issuer: String,
    audience: String,
    key: Key,
}

impl Forger {
    pub(crate) async fn new(issuer: &Issuer, audience: &str) -> Self {
        let (name, audience) = (issuer.identifier().to_owned(), audience.to_owned());
        Self { issuer: name, audience, key: issuer.key().await }
    }

    /// A right one, but for these claims.
    pub(crate) fn token(&self, changes: &Value) -> String {
        let key = EncodingKey::from_ec_pem(self.key.pem.as_bytes()).expect("an EC key");
        encode(&self.header(Algorithm::ES256), &self.claims(changes), &key).expect("a token")
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        Header { kid: Some(self.key.id.clone()), ..Header::new(algorithm) }
    }

    fn claims(&self, changes: &Value) -> Value {
        let now = now();
        let mut claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": "mallory", "client_id": "mallory", "jti": "1",
            "iat": now, "exp": now + 600,
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().expect("claims").clone());
        claims
    }

    /// Signed with a shared secret.
    fn with_secret(&self, id: &str, secret: &[u8]) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &self.claims(&json!({})), &EncodingKey::from_secret(secret)).expect("a token")
    }

    /// Without a signature (RFC 7519 section 6).
    fn unsecured(&self) -> String {
        let header = json!({ "alg": "none", "typ": "JWT", "kid": self.key.id });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&header), part(&self.claims(&json!({}))))
    }

    /// Signed with a key that the issuer has never had, under the name of its own.
    fn by_a_stranger(&self) -> String {
        let pair = rcgen::KeyPair::generate().expect("an EC key");
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("an EC key");
        encode(&self.header(Algorithm::ES256), &self.claims(&json!({})), &key).expect("a token")
    }
}

/// One token for each way to cheat, before an issuer that publishes a symmetric key as well.
pub(crate) async fn each_fault(issuer: &Issuer, audience: &str) -> Vec<Forged> {
    let secret = issuer.leak().await;
    let forger = Forger::new(issuer, audience).await;
    let published = issuer.published().await;
    let jwk = published["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *forger.key.id);
    let jwk = jwk.expect("the issuer publishes its key");
    let der = spki(jwk);
    let pem = pem(&der);
    let right = forger.token(&json!({}));
    assert_eq!(verified(&right, &pem, audience)["sub"], "mallory", "the public key is the right one");
    let other = issuer.token("https://other.example.com", "").await;
    let secret = URL_SAFE_NO_PAD.decode(secret["k"].as_str().unwrap()).unwrap();
    let now = now();
    let algorithm = "the token is signed with an algorithm that is not accepted";
    [
        ("expired", forger.token(&json!({ "iat": now - 700, "exp": now - 100 })), "the token has expired"),
        (
            "of another issuer",
            forger.token(&json!({ "iss": "https://evil.example" })),
            "the token is of another issuer",
        ),
        ("for another audience", other, "the token is meant for another audience"),
        ("alg none", forger.unsecured(), algorithm),
        ("HS256 with the public key in PEM", forger.with_secret(&forger.key.id, pem.as_bytes()), algorithm),
        ("HS256 with the public key in DER", forger.with_secret(&forger.key.id, &der), algorithm),
        (
            "HS256 with the public key as JWK",
            forger.with_secret(&forger.key.id, jwk.to_string().as_bytes()),
            algorithm,
        ),
        ("HS256 with a published oct key", forger.with_secret("leaked", &secret), algorithm),
        ("signed by a stranger", forger.by_a_stranger(), "the signature of the token is wrong"),
    ]
    .map(|(fault, token, told)| Forged { fault, token, told })
    .into()
}

/// The SubjectPublicKeyInfo (RFC 5480 section 2) of a P-256 key.
fn spki(jwk: &Value) -> Vec<u8> {
    // A sequence of id-ecPublicKey and secp256r1, then a bit string with an uncompressed point.
    const HEAD: [u8; 27] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a point")).unwrap();
    [HEAD.to_vec(), coordinate("x"), coordinate("y")].concat()
}

/// As `openssl pkey -pubout` writes it (RFC 7468 section 13).
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn verified(token: &str, pem: &str, audience: &str) -> Value {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    decode(token, &DecodingKey::from_ec_pem(pem.as_bytes()).unwrap(), &validation).unwrap().claims
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
