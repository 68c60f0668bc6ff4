//! Encryption at rest: AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from the user's text.
//!
//! Each encryption has a random salt, so a new key, and a random nonce. The name of a record is authenticated with it, so
//! that it does not decrypt in the place of another. HKDF does not slow guessing down: the text has to be
//! random, as a key is, and not a password.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::secret::{ExposeSecret as _, SecretString};

const VERSION: u64 = 1;
const ALGORITHM: &str = "aes-256-gcm";
/// What the derived key is for (RFC 5869 section 3.2).
const PURPOSE: &[u8] = b"mcpo token at rest";
/// As long as the digest (RFC 5869 section 3.1).
const SALT_LEN: usize = 32;
/// The shortest text that is taken for a key, in bytes.
const SHORTEST: usize = 16;

/// Encrypts and decrypts records.
pub(crate) struct Encryption(SecretString);

/// Why a record cannot be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// The key could be guessed.
    #[error("shorter than {SHORTEST} bytes; give a random one, such as `openssl rand -base64 32` prints")]
    ShortKey,
    /// The record is encrypted and there is no key.
    #[error("encrypted; give the key with --token-key, or remove it and log in again")]
    NoKey,
    /// It cannot be decrypted: the key, the name or the data is another.
    #[error(
        "cannot be decrypted: encrypted with another --token-key, or changed or moved since; give that key, or remove it and log in again"
    )]
    WrongKey,
    /// The envelope is not whole.
    #[error("encrypted, but damaged; remove it and log in again")]
    Damaged,
    /// The envelope is of a later mcpo.
    #[error("encrypted in a way that this mcpo does not know; update mcpo, or remove it and log in again")]
    Unknown,
    /// The system gives no random bytes.
    #[error("cannot be encrypted: the system gives no random bytes")]
    NoRandomness,
}

/// Enough of a file to see what it is.
#[derive(Deserialize)]
struct EnvelopeHead {
    version: Option<u64>,
    sealed: String,
}

/// An encrypted record; bytes are in base64.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u64,
    sealed: String,
    salt: String,
    nonce: String,
    data: String,
}

impl Encryption {
    /// Encryption with the user's own key, any text of at least 16 bytes.
    pub(crate) fn new(key: &SecretString) -> Result<Self, EncryptionError> {
        if key.expose_secret().len() < SHORTEST {
            return Err(EncryptionError::ShortKey);
        }
        Ok(Self(key.clone()))
    }

    /// `plain`, to be opened under this `name` only.
    pub(crate) fn encrypt(&self, name: &str, plain: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        rand::fill(&mut salt)
            .and_then(|()| rand::fill(&mut nonce))
            .map_err(|_| EncryptionError::NoRandomness)?;
        let mut data = plain;
        self.key(&salt)
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_in_place_append_tag(nonce, Aad::from(name), &mut data)
            })
            .map_err(|_| EncryptionError::Damaged)?;
        let envelope = Envelope {
            version: VERSION,
            sealed: ALGORITHM.into(),
            salt: STANDARD.encode(salt),
            nonce: STANDARD.encode(nonce),
            data: STANDARD.encode(data),
        };
        serde_json::to_vec(&envelope).map_err(|_| EncryptionError::Damaged)
    }

    fn decrypt(&self, name: &str, envelope: &Envelope) -> Result<Vec<u8>, EncryptionError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| EncryptionError::Damaged);
        let nonce: [u8; NONCE_LEN] =
            decode(&envelope.nonce)?.try_into().map_err(|_| EncryptionError::Damaged)?;
        let salt = decode(&envelope.salt)?;
        let mut data = decode(&envelope.data)?;
        if salt.len() != SALT_LEN || data.len() < AES_256_GCM.tag_len() {
            return Err(EncryptionError::Damaged);
        }
        let plain = self
            .key(&salt)
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                Ok(key.open_in_place(nonce, Aad::from(name), &mut data)?.len())
            })
            .map_err(|_| EncryptionError::WrongKey)?;
        data.truncate(plain);
        Ok(data)
    }

    fn key(&self, salt: &[u8]) -> Result<LessSafeKey, Unspecified> {
        let derived = Salt::new(HKDF_SHA256, salt).extract(self.0.expose_secret().as_bytes());
        Ok(LessSafeKey::new(UnboundKey::from(derived.expand(&[PURPOSE], &AES_256_GCM)?)))
    }
}

/// The plain text in `bytes`, encrypted or not: a plain record is returned as it is, and encrypted when it is saved next.
pub(crate) fn decrypt(
    key: Option<&Encryption>,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, EncryptionError> {
    let Ok(head) = serde_json::from_slice::<EnvelopeHead>(&bytes) else {
        return Ok(bytes);
    };
    if head.version != Some(VERSION) || head.sealed != ALGORITHM {
        return Err(EncryptionError::Unknown);
    }
    let envelope = serde_json::from_slice(&bytes).map_err(|_| EncryptionError::Damaged)?;
    key.ok_or(EncryptionError::NoKey)?.decrypt(name, &envelope)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PLAIN: &[u8] = br#"{"version":1,"access_token":"open sesame"}"#;

    fn seal(key: &str) -> Encryption {
        Encryption::new(&key.into()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn sealed() -> (Encryption, Value) {
        let seal = seal("0123456789abcdef");
        let bytes = seal.encrypt("one-00000000", PLAIN.to_vec()).unwrap();
        (seal, serde_json::from_slice(&bytes).unwrap())
    }

    fn reopen(key: Option<&Encryption>, name: &str, envelope: &Value) -> Result<Vec<u8>, EncryptionError> {
        decrypt(key, name, serde_json::to_vec(envelope).unwrap())
    }

    #[test]
    fn what_is_sealed_opens_and_shows_nothing() {
        let (seal, envelope) = sealed();
        assert_eq!(reopen(Some(&seal), "one-00000000", &envelope).unwrap(), PLAIN);
        assert_eq!((&envelope["version"], &envelope["sealed"]), (&json!(1), &json!("aes-256-gcm")));
        assert!(!STANDARD.decode(envelope["data"].as_str().unwrap()).unwrap().starts_with(&PLAIN[..8]));
        let again: Value =
            serde_json::from_slice(&seal.encrypt("one-00000000", PLAIN.to_vec()).unwrap()).unwrap();
        for part in ["salt", "nonce", "data"] {
            assert_ne!(envelope[part], again[part], "{part}");
        }
    }

    /// Python: HKDF(SHA256(), 32, salt, b"mcpo token at rest").derive(key), then AESGCM(...).encrypt(nonce, plain, name).
    #[test]
    fn another_implementation_reads_the_same() {
        let envelope = json!({
            "version": 1, "sealed": "aes-256-gcm",
            "salt": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "nonce": "AAECAwQFBgcICQoL",
            "data": "AmpR6AZEWnH4OxJnIKNwMK6NnnxLYUtyzta9NCO08t9bXjBqZvDesY4CPeS7iH+6tD3Um1HzRO1Q7A==",
        });
        assert_eq!(reopen(Some(&seal("0123456789abcdef")), "one-00000000", &envelope).unwrap(), PLAIN);
    }

    #[test]
    fn another_key_and_another_name_do_not_open() {
        let (right, envelope) = sealed();
        let wrong = seal("0123456789abcdeF");
        assert_eq!(reopen(Some(&wrong), "one-00000000", &envelope), Err(EncryptionError::WrongKey));
        assert_eq!(reopen(Some(&right), "other-00000000", &envelope), Err(EncryptionError::WrongKey));
        assert_eq!(reopen(None, "one-00000000", &envelope), Err(EncryptionError::NoKey));
        assert_eq!(Encryption::new(&"0123456789abcde".into()).err(), Some(EncryptionError::ShortKey));
    }

    #[test]
    fn damage_is_told_from_what_a_later_version_writes() {
        let (seal, whole) = sealed();
        let changed = |part: &str, value: Value| {
            let mut envelope = whole.clone();
            envelope[part] = value;
            reopen(Some(&seal), "one-00000000", &envelope)
        };
        let data = whole["data"].as_str().unwrap();
        assert_eq!(changed("data", json!(data[..data.len() - 8])), Err(EncryptionError::WrongKey));
        for (part, value) in [
            ("data", json!("")),
            ("data", json!("AAAA")),
            ("data", json!(data[..data.len() - 3])),
            ("data", json!("not base64")),
            ("data", Value::Null),
            ("nonce", json!("AAAA")),
            ("salt", json!("")),
        ] {
            assert_eq!(changed(part, value.clone()), Err(EncryptionError::Damaged), "{part} {value}");
        }
        assert_eq!(changed("version", json!(2)), Err(EncryptionError::Unknown));
        assert_eq!(changed("sealed", json!("rot13")), Err(EncryptionError::Unknown));
    }

    #[test]
    fn what_is_not_sealed_passes() {
        for plain in [PLAIN, b"", b"garbage", br#"{"version":1,"sealed":"aes-2"#] {
            assert_eq!(decrypt(Some(&seal("0123456789abcdef")), "one", plain.to_vec()).unwrap(), plain);
        }
    }
}
