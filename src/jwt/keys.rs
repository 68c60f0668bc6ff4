//! The issuer's keys (RFC 7517), as far as they verify signatures.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

use super::{refusal::Refusal, token::Header};

/// How many keys of a set are kept.
const MOST: usize = 100;
/// Members of a private or a symmetric key (RFC 7518 section 6). A key with one of them is no secret any more, or never
/// was a public key.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// The length of an RSA modulus in bits: shorter ones are not secure (RFC 7518 section 3.3), longer ones the library
/// does not take.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The keys of a JWK set that can be used.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// What it may verify; never empty.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Keys {
    /// Reads a JWK set (RFC 7517 section 5). Keys that cannot be used are left out, whatever is wrong with them.
    ///
    /// # Errors
    ///
    /// Says why it is no set.
    pub(super) fn read(mut document: Value) -> Result<Self, String> {
        let Some(Value::Array(keys)) = document.get_mut("keys").map(Value::take) else {
            return Err("it is no JWK set".to_owned());
        };
        Ok(Self(keys.into_iter().filter_map(Key::read).take(MOST).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token with this header has to be signed with. Without `kid` only one may come into question (OpenID
    /// Connect Core section 10.1).
    pub(super) fn find(&self, header: &Header) -> Result<&DecodingKey, Refusal> {
        let is_named = |key: &&Key| header.key_id.is_none() || key.id == header.key_id;
        let mut fitting =
            self.0.iter().filter(is_named).filter(|key| key.algorithms.contains(&header.algorithm));
        match (fitting.next(), &header.key_id) {
            (Some(key), Some(_)) => Ok(&key.key),
            (Some(key), None) if fitting.next().is_none() => Ok(&key.key),
            (None, Some(_)) if self.0.iter().any(|key| is_named(&key)) => Err(Refusal::UnsupportedAlgorithm),
            _ => Err(Refusal::UnknownKey),
        }
    }
}

impl Key {
    fn read(key: Value) -> Option<Self> {
        if PRIVATE.iter().any(|member| key.get(member).is_some()) {
            return None;
        }
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !is_for_signatures {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm);
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|algorithm| Algorithm::try_from(only).is_ok_and(|only| only == *algorithm));
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        (!algorithms.is_empty()).then_some(Self { id: jwk.common.key_id, algorithms, key })
    }
}

/// What a key of this type can verify (RFC 7518 section 3.1, RFC 8037 section 3.1).
fn algorithms(key: &AlgorithmParameters) -> Vec<Algorithm> {
    match key {
        AlgorithmParameters::RSA(key) if bits(&key.n).is_some_and(|bits| RSA_BITS.contains(&bits)) => {
            AlgorithmFamily::Rsa.algorithms().to_vec()
        }
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => Vec::new(),
    }
}

/// The length of a Base64urlUInt (RFC 7518 section 2) in bits.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some((bytes.len() - first) * 8 - bytes[first].leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use serde_json::json;

    use super::*;
    use crate::jwt::signer::{Signer, rsa};

    /// What the key may verify, with these members changed; a null takes one away.
    fn read(signer: &Signer, changes: Value) -> Vec<Algorithm> {
        let (mut key, Value::Object(changes)) = (signer.jwk.clone(), changes) else { panic!("no object") };
        let members = key.as_object_mut().unwrap();
        members.extend(changes);
        members.retain(|_, value| !value.is_null());
        let keys = Keys::read(json!({ "keys": [key, { "kty": "oct", "k": "AA" }, 5, {}] })).unwrap();
        keys.0.into_iter().flat_map(|key| key.algorithms).collect()
    }

    #[test]
    fn a_key_is_for_what_its_members_allow() {
        let (ec, ed) = (Signer::new(Algorithm::ES256, "a"), Signer::new(Algorithm::EdDSA, "b"));
        let rsa = Signer::new(Algorithm::RS256, "c");
        assert_eq!(
            read(&ec, json!({ "alg": null, "use": null, "x5c": ["MII"], "new": {} })),
            [Algorithm::ES256]
        );
        assert_eq!(read(&ed, json!({ "alg": null, "key_ops": ["verify"] })), [Algorithm::EdDSA]);
        assert_eq!(read(&rsa, json!({ "alg": null })), AlgorithmFamily::Rsa.algorithms());
        assert_eq!(read(&rsa, json!({ "alg": "PS384" })), [Algorithm::PS384]);
        for changes in [
            json!({ "use": "enc" }),
            json!({ "use": "SIG" }),
            json!({ "key_ops": ["encrypt"] }),
            json!({ "key_ops": [] }),
            json!({ "alg": "ES384" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "RSA-OAEP" }),
            json!({ "kty": "oct" }),
            json!({ "kty": null }),
            json!({ "crv": "P-521", "alg": null }),
            json!({ "crv": "Ed25519", "alg": null }),
            json!({ "x": "not base64!" }),
            json!({ "d": "AQ" }),
            json!({ "k": "AQ" }),
        ] {
            assert_eq!(read(&ec, changes.clone()), [], "{changes}");
        }
    }

    #[test]
    fn a_short_rsa_key_is_left_out() {
        let signer = Signer::new(Algorithm::RS256, "a");
        let modulus = URL_SAFE_NO_PAD.decode(signer.jwk["n"].as_str().unwrap()).unwrap();
        assert_eq!(bits(signer.jwk["n"].as_str().unwrap()), Some(2048));
        let padded = URL_SAFE_NO_PAD.encode([&[0], &modulus[1..]].concat());
        assert_eq!(read(&signer, json!({ "n": padded })), [], "leading zeros do not count");
        assert_eq!(read(&signer, json!({ "n": URL_SAFE_NO_PAD.encode(&modulus[1..]) })), []);
        let longer = rsa(KeySize::Rsa3072);
        let jwk = Jwk::from_encoding_key(&longer, Algorithm::RS256).unwrap();
        assert!(Key::read(serde_json::to_value(jwk).unwrap()).is_some());
    }

    #[test]
    fn a_set_is_a_list_of_keys() {
        assert!(Keys::read(json!({ "keys": [] })).unwrap().is_empty());
        for document in [json!({}), json!([]), json!({ "keys": {} }), json!(null)] {
            assert!(Keys::read(document.clone()).is_err(), "{document}");
        }
    }
}
