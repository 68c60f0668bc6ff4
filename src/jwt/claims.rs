//! What a verified token says (RFC 7519 section 4, RFC 9068 section 2.2).

use jsonwebtoken::{
    DecodingKey, Validation, decode,
    errors::{Error, ErrorKind},
};
use serde_json::{Map, Value};

use super::{refusal::Refusal, token::Header};
use crate::config::Jwt;

/// The claims of a token that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `sub`: for whom it was issued.
    pub subject: Option<String>,
    /// `client_id`, or `azp`: to whom it was issued.
    pub client: Option<String>,
    /// `scope` and `scp`, without repetitions.
    pub scopes: Vec<String>,
    /// `exp`, in whole seconds since 1970.
    pub expires: u64,
    /// All claims as they stand in the token.
    pub all: Map<String, Value>,
}

impl Claims {
    /// Verifies `token` with `key`: the signature first, then what it says.
    pub(super) fn verify(
        token: &str,
        header: &Header,
        key: &DecodingKey,
        config: &Jwt,
    ) -> Result<Self, Refusal> {
        // One algorithm, and the one that the key was chosen for: nothing is left for the token to choose.
        let mut validation = Validation::new(header.algorithm);
        validation.set_issuer(&[config.issuer.as_str()]);
        validation.set_audience(&config.audiences);
        validation.leeway = config.leeway.as_secs();
        // By default tokens without issuer or audience pass, and `nbf` is not looked at. Most issuers write no `nbf`, so
        // it counts if it is there.
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let all: Map<String, Value> =
            decode(token, key, &validation).map_err(|error| refusal(&error))?.claims;
        // The library takes a list of issuers for any of them; RFC 7519 section 4.1.1 knows no lists.
        if !all.get("iss").is_some_and(Value::is_string) {
            return Err(Refusal::WrongIssuer);
        }
        let latest = jsonwebtoken::get_current_timestamp().saturating_add(validation.leeway);
        if all.get("iat").is_some_and(|issued| seconds(issued).is_none_or(|issued| issued > latest)) {
            return Err(Refusal::NotYetValid);
        }
        let expires = all.get("exp").and_then(seconds).ok_or(Refusal::MissingClaim("exp"))?;
        let text = |name| all.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            subject: text("sub"),
            client: text("client_id").or_else(|| text("azp")),
            scopes: scopes(&all),
            expires,
            all,
        })
    }
}

fn refusal(error: &Error) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidSignature => Refusal::BadSignature,
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => Refusal::NotYetValid,
        ErrorKind::InvalidIssuer => Refusal::WrongIssuer,
        ErrorKind::InvalidAudience => Refusal::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            let known = ["exp", "iss", "aud", "nbf"].into_iter().find(|known| known == claim);
            known.map_or(Refusal::Malformed, Refusal::MissingClaim)
        }
        _ => Refusal::Malformed,
    }
}

/// A NumericDate (RFC 7519 section 2) in whole seconds.
fn seconds(date: &Value) -> Option<u64> {
    // A fraction is cut off, and what is too large becomes the largest.
    date.as_u64().or_else(|| date.as_f64().filter(|date| *date >= 0.0).map(|date| date as u64))
}

/// A string with spaces (RFC 9068 section 2.2.3), or a list, as some issuers write `scp`.
fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for value in ["scope", "scp"].iter().filter_map(|name| claims.get(*name)) {
        let texts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for scope in texts.iter().filter_map(Value::as_str).flat_map(str::split_whitespace) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
    scopes
}
