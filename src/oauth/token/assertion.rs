//! Signed client assertions (RFC 7523 section 2.2).

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Header;
use serde_json::json;

use crate::{config::SigningKey, secret::SecretString};

/// `client_assertion_type`
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For how long an assertion holds: enough for one request.
const LIFETIME_S: u64 = 60;

/// A token that proves to the authorization server `issuer` that we hold the key of `client_id`.
///
/// The audience is the issuer alone, so that no other server can use what it was sent.
///
/// # Errors
///
/// Why the key cannot sign; shows nothing of it.
pub(super) fn sign(key: &SigningKey, client_id: &str, issuer: &str) -> Result<SecretString, String> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| "the system gives no random numbers")?;
    let now =
        SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "the clock stands before 1970")?.as_secs();
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": now,
        "exp": now + LIFETIME_S,
    });
    let header = Header { kid: key.id.clone(), ..Header::new(key.algorithm) };
    jsonwebtoken::encode(&header, &claims, &key.key)
        .map(SecretString::from)
        .map_err(|_| "the key was refused by the signer".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    use serde_json::Value;

    use super::*;
    use crate::secret::ExposeSecret as _;

    #[test]
    fn an_assertion_names_us_and_the_issuer_and_holds_once() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = SigningKey::from_pem(pair.serialize_pem().as_bytes(), None, Some("k1".to_owned())).unwrap();
        let public = DecodingKey::from_ec_pem(pair.public_key_pem().as_bytes()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://auth.example"]);
        validation.set_issuer(&["our-id"]);
        let mut ids = HashSet::new();
        for _ in 0..2 {
            let assertion = sign(&key, "our-id", "https://auth.example").unwrap();
            let assertion = assertion.expose_secret();
            assert_eq!(decode_header(assertion).unwrap().kid.as_deref(), Some("k1"));
            let claims = decode::<Value>(assertion, &public, &validation).unwrap().claims;
            assert_eq!(claims["sub"], "our-id");
            assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIFETIME_S);
            assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()));
        }
    }
}
