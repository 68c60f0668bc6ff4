//! The API key, asked for before anything else is looked at.
//!
//! Invariant: the decision depends on the method, on the headers and on whether the path is one of the open
//! ones; never on what a path leads to, so no spelling of a path gets round it.

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Data,
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{error::ApiError, health, login, state::Gateway};
use crate::{config::Guard, secret::ApiKey};

/// Lets a request pass or answers 401 or 403.
pub(super) async fn check<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let gateway = request.app_data::<Data<Gateway>>();
    let refused = gateway.and_then(|gateway| refusal(&gateway.snapshot().guard, &request));
    match refused {
        Some(error) => Ok(request.error_response(error).map_into_right_body()),
        None => Ok(next.call(request).await?.map_into_left_body()),
    }
}

fn refusal(guard: &Guard, request: &ServiceRequest) -> Option<ApiError> {
    let read_only = [Method::GET, Method::HEAD].contains(request.method());
    let open = request.method() == Method::OPTIONS
        || (read_only && health::PATHS.contains(&request.path()))
        || (read_only && login::is_open(request.path()))
        // Its handler asks for the key itself, or for a ticket.
        || (read_only && login::login_of(request.path()).is_some())
        || (read_only && !guard.strict);
    if open {
        return None;
    }
    require(guard, request.headers(), guard.strict).err()
}

/// Asks for the key where there is one, as for a call, but of a browser: it can be typed in.
pub(super) fn ask(guard: &Guard, headers: &header::HeaderMap) -> Result<(), ApiError> {
    require(guard, headers, true)
}

/// The same of a script: where its page was open to all, no browser shall put a dialog of its own over it.
pub(super) fn ask_script(guard: &Guard, headers: &header::HeaderMap) -> Result<(), ApiError> {
    require(guard, headers, guard.strict)
}

fn require(guard: &Guard, headers: &header::HeaderMap, strict: bool) -> Result<(), ApiError> {
    let Some(key) = &guard.key else { return Ok(()) };
    let credentials = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    verify(key, credentials, strict)
}

/// Checks an `Authorization` header: Bearer (RFC 6750) with the key, or Basic (RFC 7617) with any user and the
/// key as password.
fn verify(key: &ApiKey, credentials: &[u8], strict: bool) -> Result<(), ApiError> {
    let challenge = if strict { "Bearer, Basic" } else { "Bearer" };
    let unauthorized = |message| Err(ApiError::Unauthorized { message, challenge });
    let space = credentials.iter().position(|byte| *byte == b' ').unwrap_or(credentials.len());
    let (scheme, rest) = credentials.split_at(space);
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") && !rest.is_empty() {
        if key.matches(rest) { Ok(()) } else { Err(ApiError::Forbidden("Invalid API key")) }
    } else if scheme.eq_ignore_ascii_case(b"basic") && !rest.is_empty() {
        match password(rest) {
            Some(password) if key.matches(&password) => Ok(()),
            Some(_) => Err(ApiError::Forbidden("Invalid credentials")),
            None => unauthorized("Invalid Basic Authentication format"),
        }
    } else if strict && !credentials.is_empty() {
        unauthorized("Unsupported authorization method")
    } else {
        unauthorized("Missing or invalid Authorization header")
    }
}

fn password(encoded: &[u8]) -> Option<Vec<u8>> {
    let decoded = BASE64_STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_open_or_say_why_not() {
        let key = ApiKey::new("sekret");
        let answer = |credentials: &str, strict| match verify(&key, credentials.as_bytes(), strict) {
            Ok(()) => "open".to_owned(),
            Err(ApiError::Unauthorized { message, challenge }) => format!("401 {message} [{challenge}]"),
            Err(error) => format!("403 {error}"),
        };
        for open in
            ["Bearer sekret", "bearer sekret", "BEARER  sekret", "Basic dTpzZWtyZXQ=", "basic OnNla3JldA=="]
        {
            assert_eq!(answer(open, false), "open", "{open}");
            assert_eq!(answer(open, true), "open", "{open}");
        }
        let missing = "401 Missing or invalid Authorization header";
        assert_eq!(answer("", false), format!("{missing} [Bearer]"));
        assert_eq!(answer("", true), format!("{missing} [Bearer, Basic]"));
        assert_eq!(answer("Digest x", false), format!("{missing} [Bearer]"));
        assert_eq!(answer("Digest x", true), "401 Unsupported authorization method [Bearer, Basic]");
        assert_eq!(answer("Bearer sekre", true), "403 Invalid API key");
        assert_eq!(answer("Basic YW55Om5v", true), "403 Invalid credentials");
        assert_eq!(answer("Basic !!!", true), "401 Invalid Basic Authentication format [Bearer, Basic]");
        assert_eq!(answer("Basic c2VrcmV0", true), "401 Invalid Basic Authentication format [Bearer, Basic]");
    }
}
