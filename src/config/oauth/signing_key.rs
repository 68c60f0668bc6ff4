//! A private key for signed client assertions, with the algorithm that it signs with.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use subtle::ConstantTimeEq as _;

/// A private key, read from PEM.
#[derive(Clone)]
pub struct SigningKey {
    /// The key.
    pub key: EncodingKey,
    /// What the key can sign with.
    pub algorithm: Algorithm,
    /// `kid`, if the authorization server knows several keys of the client.
    pub id: Option<String>,
}

/// The kind of a key, as its contents say.
struct KeyKind {
    name: &'static str,
    /// The algorithms that it can sign with (RFC 7518 section 3.1); the first is the default.
    algorithms: &'static [Algorithm],
}

const P256: KeyKind = KeyKind { name: "EC P-256", algorithms: &[Algorithm::ES256] };
const P384: KeyKind = KeyKind { name: "EC P-384", algorithms: &[Algorithm::ES384] };
const ED25519: KeyKind = KeyKind { name: "Ed25519", algorithms: &[Algorithm::EdDSA] };
const RSA: KeyKind = KeyKind {
    name: "RSA",
    algorithms: &[
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ],
};

impl SigningKey {
    /// Reads PKCS#8, SEC1 (EC) and PKCS#1 (RSA). Without `algorithm`, the usual one for the key is chosen.
    ///
    /// # Errors
    ///
    /// Returns a sentence that says what is wrong. It shows nothing of the key.
    pub fn from_pem(pem: &[u8], algorithm: Option<&str>, id: Option<String>) -> Result<Self, String> {
        // The library's own errors may quote the text, which holds the key.
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            "no private key in PEM; give an unencrypted block that starts with -----BEGIN PRIVATE KEY-----"
        })?;
        let (kind, key) = match &der {
            PrivateKeyDer::Pkcs8(der) => pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(der) => elliptic(der.secret_sec1_der()),
            PrivateKeyDer::Pkcs1(der) => pkcs1(der.secret_pkcs1_der()),
            _ => None,
        }
        .ok_or("not a key to sign with; use EC P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits")?;
        Ok(Self { key, algorithm: kind.algorithm(algorithm)?, id })
    }
}

impl KeyKind {
    /// The algorithm of this name, or the usual one.
    fn algorithm(&self, name: Option<&str>) -> Result<Algorithm, String> {
        let Some(name) = name else { return Ok(self.algorithms[0]) };
        self.algorithms.iter().find(|algorithm| format!("{algorithm:?}") == name).copied().ok_or_else(|| {
            format!("an {} key cannot sign with \"{name}\"; use one of {:?}", self.name, self.algorithms)
        })
    }
}

fn pkcs8(der: &[u8]) -> Option<(KeyKind, EncodingKey)> {
    if Ed25519KeyPair::from_pkcs8(der).is_ok() {
        return Some((ED25519, EncodingKey::from_ed_der(der)));
    }
    elliptic(der).or_else(|| {
        // The signer takes PKCS#1 alone, and jsonwebtoken unpacks it from PEM alone.
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        pkcs1(EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?.as_bytes())
    })
}

/// In SEC1 or PKCS#8; the signer takes PKCS#8 alone.
fn elliptic(der: &[u8]) -> Option<(KeyKind, EncodingKey)> {
    [(P256, &ECDSA_P256_SHA256_FIXED_SIGNING), (P384, &ECDSA_P384_SHA384_FIXED_SIGNING)].into_iter().find_map(
        |(kind, curve)| {
            let key = EcdsaKeyPair::from_private_key_der(curve, der).ok()?.to_pkcs8v1().ok()?;
            Some((kind, EncodingKey::from_ec_der(key.as_ref())))
        },
    )
}

fn pkcs1(der: &[u8]) -> Option<(KeyKind, EncodingKey)> {
    RsaKeyPair::from_der(der).ok().map(|_| (RSA, EncodingKey::from_rsa_der(der)))
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        let same_key: bool = self.key.as_bytes().ct_eq(other.key.as_bytes()).into();
        same_key && (self.algorithm, &self.id) == (other.algorithm, &other.id)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
        rsa::KeySize,
        signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaSigningAlgorithm},
    };

    use super::*;

    const EC: [(&EcdsaSigningAlgorithm, Algorithm); 2] = [
        (&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::ES256),
        (&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::ES384),
    ];

    fn pem(label: &str, der: &[u8]) -> String {
        let lines: Vec<_> = STANDARD
            .encode(der)
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn rsa_pem() -> String {
        let key = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref())
    }

    fn p256_pem() -> String {
        pem("PRIVATE KEY", EcdsaKeyPair::generate(EC[0].0).unwrap().to_pkcs8v1().unwrap().as_ref())
    }

    /// The algorithm that a key is found to have, once it has signed something.
    fn read(pem: &str, algorithm: Option<&str>) -> Result<Algorithm, String> {
        let key = SigningKey::from_pem(pem.as_bytes(), algorithm, None)?;
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(key.algorithm), &"claims", &key.key);
        token.map(|_| key.algorithm).map_err(|error| error.to_string())
    }

    #[test]
    fn the_algorithm_is_found_from_the_key() {
        for (curve, algorithm) in EC {
            let key = EcdsaKeyPair::generate(curve).unwrap();
            let sec1: EcPrivateKeyRfc5915Der<'_> = key.private_key().as_der().unwrap();
            assert_eq!(read(&pem("EC PRIVATE KEY", sec1.as_ref()), None), Ok(algorithm));
            assert_eq!(read(&pem("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref()), None), Ok(algorithm));
        }
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        for der in [ed25519.to_pkcs8().unwrap(), ed25519.to_pkcs8v1().unwrap()] {
            assert_eq!(read(&pem("PRIVATE KEY", der.as_ref()), None), Ok(Algorithm::EdDSA));
        }
        assert_eq!(read(&rcgen::KeyPair::generate().unwrap().serialize_pem(), None), Ok(Algorithm::ES256));
    }

    #[test]
    fn an_rsa_key_signs_with_the_algorithm_that_is_named() {
        let pkcs8 = rsa_pem();
        // The inner PKCS#1 form, as jsonwebtoken unpacks it.
        let inner = EncodingKey::from_rsa_pem(pkcs8.as_bytes()).unwrap();
        let pkcs1 = pem("RSA PRIVATE KEY", inner.as_bytes());
        let behind_another_block = pem("CERTIFICATE", b"abc") + &pkcs8;
        for pem in [&pkcs8, &pkcs1, &behind_another_block] {
            assert_eq!(read(pem, None), Ok(Algorithm::RS256));
            assert_eq!(read(pem, Some("PS512")), Ok(Algorithm::PS512));
        }
        let error = read(&pkcs8, Some("ES256")).unwrap_err();
        assert_eq!(
            error,
            "an RSA key cannot sign with \"ES256\"; use one of [RS256, RS384, RS512, PS256, PS384, PS512]"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let p521 = pem("PRIVATE KEY", p521.to_pkcs8v1().unwrap().as_ref());
        let p256 = p256_pem();
        let body = p256.lines().nth(1).unwrap();
        let broken = p256.replace("-----END", "END");
        let cases = [
            ("", "no private key"),
            (body, "no private key"),
            (&broken, "no private key"),
            (&pem("ENCRYPTED PRIVATE KEY", b"abc"), "no private key"),
            (&pem("PUBLIC KEY", b"abc"), "no private key"),
            (&pem("PRIVATE KEY", b"abc"), "not a key to sign with"),
            (&p521, "not a key to sign with"),
        ];
        for (pem, reason) in cases {
            let error = SigningKey::from_pem(pem.as_bytes(), None, None).unwrap_err();
            assert!(error.starts_with(reason) && !error.contains(body), "{error}");
        }
        for name in ["HS256", "none", "es256", "RS256", ""] {
            assert!(read(&p256, Some(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = SigningKey::from_pem(p256_pem().as_bytes(), Some("ES256"), Some("k1".to_owned())).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
        assert_eq!(key.id.as_deref(), Some("k1"));
    }
}
