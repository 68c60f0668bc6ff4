//! A token as text: its three parts, and what its header says (RFC 7515 section 3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// What is accepted: asymmetric signatures alone. With `HS256` the issuer's public key would be taken for a shared secret
/// (RFC 8725 section 2.1).
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Which key is to be used, and how. Of all that a header may say (`jwk`, `jku`, `x5c`, `x5u` …) nothing else counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// `alg`
    pub(super) algorithm: Algorithm,
    /// `kid`
    pub(super) key_id: Option<String>,
}

/// Whether a bearer credential has the form of a JWT, so that it cannot be meant for a plain key: three parts in
/// base64url, the first of them a JSON object with `alg`. An empty third part, as of an unsecured JWT, counts too.
pub fn is_jwt(credential: &[u8]) -> bool {
    members(credential).is_some_and(|members| members.contains_key("alg"))
}

impl Header {
    /// Reads the header of `token`, and refuses it for what the header alone says.
    pub(super) fn of(token: &str) -> Result<Self, Refusal> {
        let members = members(token.as_bytes()).ok_or(Refusal::Malformed)?;
        let text = |name| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Refusal::Malformed),
        };
        // An extension that has to be understood (RFC 7515 section 4.1.11): none is.
        if members.contains_key("crit") || !text("typ")?.is_none_or(is_accepted_type) {
            return Err(Refusal::Malformed);
        }
        let algorithm = text("alg")?.ok_or(Refusal::Malformed)?.parse().ok();
        Ok(Self {
            algorithm: algorithm
                .filter(|algorithm| ALGORITHMS.contains(algorithm))
                .ok_or(Refusal::UnsupportedAlgorithm)?,
            key_id: text("kid")?.map(str::to_owned),
        })
    }
}

/// `at+jwt` is RFC 9068's (section 2.1), `JWT` what most issuers write. Other types are no access tokens (RFC 8725 section
/// 3.11).
fn is_accepted_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["jwt", "at+jwt"].contains(&name.strip_prefix("application/").unwrap_or(&name))
}

/// The members of the header, if the whole has the form of a token.
fn members(token: &[u8]) -> Option<Map<String, Value>> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split(|byte| *byte == b'.');
    let (header, claims, signature, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let is_base64url =
        |part: &[u8]| part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    if claims.is_empty() || !is_base64url(claims) || !is_base64url(signature) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn a_jwt_is_told_from_a_key() {
        let whole = token(r#"{"alg":"RS256"}"#);
        let header = whole.split('.').next().unwrap();
        for jwt in [whole.clone(), token(r#"{"alg":"none"}"#), format!("{header}.e30.")] {
            assert!(is_jwt(jwt.as_bytes()), "{jwt}");
        }
        for key in [
            "sekret",
            "a.b.c",
            "",
            "..",
            &token("{}"),
            &token("[]"),
            &token("alg"),
            &format!("{header}.e30"),
            &format!("{header}..c2ln"),
            &format!("{header}.e30.c2ln.x.y"),
            &format!("{header}.e3+0.c2ln"),
            &format!("{header}=.e30.c2ln"),
            &format!(" {whole}"),
            &format!("{whole}é"),
        ] {
            assert!(!is_jwt(key.as_bytes()), "{key}");
        }
        let longest = |length: usize| format!("{header}.e30.{}", "A".repeat(length - header.len() - 5));
        assert!(is_jwt(longest(LONGEST).as_bytes()) && !is_jwt(longest(LONGEST + 1).as_bytes()));
    }

    #[test]
    fn a_header_names_an_algorithm_that_is_accepted() {
        let header = |alg: Value| Header::of(&token(&json!({ "alg": alg }).to_string()));
        for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
            assert_eq!(
                header(json!(name)).map(|header| format!("{:?}", header.algorithm)),
                Ok(name.to_owned())
            );
        }
        for name in ["none", "None", "HS256", "HS384", "HS512", "rs256", "RS256 ", "", "ES512", "dir"] {
            assert_eq!(header(json!(name)), Err(Refusal::UnsupportedAlgorithm), "{name}");
        }
        for other in [json!(null), json!(1), json!(["RS256"])] {
            assert_eq!(header(other), Err(Refusal::Malformed));
        }
    }

    #[test]
    fn types_of_other_tokens_and_extensions_are_refused() {
        let header = |member: &str| Header::of(&token(&format!(r#"{{"alg":"ES256",{member}}}"#)));
        for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"] {
            assert!(header(&format!(r#""typ":"{typ}""#)).is_ok(), "{typ}");
        }
        for member in [
            r#""typ":"logout+jwt""#,
            r#""typ":"dpop+jwt""#,
            r#""typ":"application/application/jwt""#,
            r#""typ":"""#,
            r#""typ":1"#,
            r#""crit":["exp"],"exp":1"#,
            r#""crit":[]"#,
            r#""crit":null"#,
            r#""kid":1"#,
        ] {
            assert_eq!(header(member), Err(Refusal::Malformed), "{member}");
        }
        let ignored = header(r#""kid":"a","jku":"https://evil.example","jwk":{"kty":"oct","k":"AA"}"#);
        assert_eq!(ignored, Ok(Header { algorithm: Algorithm::ES256, key_id: Some("a".to_owned()) }));
    }
}
