//! A request to an endpoint of an authorization server, and the errors that it answers with (RFC 6749 section 5.2;
//! RFC 7591 section 3.2.2 and RFC 7009 section 2.2.1 have the same form).
//!
//! Invariant: no text holds a secret, nor more of the server's own words than fit on a line.

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use super::lenient::{self, text};
use crate::{
    net::{FetchError, GuardedClient},
    secret::{KnownSecrets, redact},
};

/// How much of a server's words is kept, in characters.
const LONGEST_TEXT: usize = 300;

/// The errors that pass by themselves (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5).
const PASSING: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];

/// Why an endpoint of an authorization server refused a request, or did not answer it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EndpointError {
    /// The server refused the request, and will refuse it again.
    #[error("the authorization server refused: {error}{}", detail(.description.as_deref()))]
    Refused {
        /// `error`, such as `invalid_grant`; the HTTP status if the server gives none.
        error: String,
        /// `error_description`
        description: Option<String>,
    },
    /// The server did not answer, or cannot answer now. A later attempt may succeed.
    #[error("the authorization server cannot answer: {0}")]
    Unreachable(String),
    /// An answer that no OAuth endpoint gives: something else may have answered in its place.
    #[error("{0}")]
    Odd(String),
    /// The policy forbids a request to this endpoint; nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// The client assertion could not be made; nothing was sent.
    #[error("cannot sign the client assertion: {0}")]
    Unsigned(String),
}

impl EndpointError {
    /// The server's `error`, if it gave one: `invalid_grant` means that the grant is spent, `invalid_client` that the
    /// server does not know the client any more.
    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Refused { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<FetchError> for EndpointError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable { .. } => Self::Unreachable(error.to_string()),
            FetchError::TooLarge(_) => Self::Odd(error.to_string()),
            FetchError::Forbidden { .. } => Self::Forbidden(error.to_string()),
        }
    }
}

/// Posts `body` and returns the members of the answer. A server may quote what it was sent, so `secrets` are redacted in
/// its words, like all that are known.
///
/// # Errors
///
/// See [`EndpointError`].
pub(super) async fn post(
    guarded: &GuardedClient,
    url: &Url,
    headers: HeaderMap,
    body: Vec<u8>,
    secrets: &[String],
) -> Result<Value, EndpointError> {
    let _known = KnownSecrets::of(secrets);
    let response = guarded.post(url, headers, body).await?;
    let answer = lenient::answer(&response.body);
    check(response.status, &answer, secrets)?;
    Ok(answer)
}

/// Lets only a success pass: some servers send an error with status 200.
fn check(status: u16, answer: &Value, secrets: &[String]) -> Result<(), EndpointError> {
    if status >= 500 || matches!(status, 408 | 429) {
        return Err(EndpointError::Unreachable(format!("HTTP {status}")));
    }
    let [error, description] = words(answer)
        .map(|words| words.map(|words| plain(&words, secrets)).filter(|words| !words.is_empty()));
    match error {
        Some(error) if PASSING.iter().any(|passing| error.eq_ignore_ascii_case(passing)) => {
            Err(EndpointError::Unreachable(error))
        }
        Some(error) => Err(EndpointError::Refused { error, description }),
        None if (200..300).contains(&status) => Ok(()),
        // OAuth's own statuses for a refusal, from a server that does not say which.
        None if matches!(status, 400 | 401 | 403) => {
            Err(EndpointError::Refused { error: format!("HTTP {status}"), description })
        }
        None => Err(EndpointError::Odd(format!(
            "the authorization server answered HTTP {status} without an OAuth error; is this endpoint the right one?"
        ))),
    }
}

/// `error` and `error_description`, or what servers write in their place: an object, or members of other names.
fn words(answer: &Value) -> [Option<String>; 2] {
    let none = Value::Null;
    let counts = |value: &&Value| !matches!(value.as_u64(), Some(0)) && *value != "0";
    let error = Some(&answer["error"]).filter(counts).unwrap_or(&none);
    let code = Some(&answer["errorCode"]).filter(counts).unwrap_or(&none);
    let nested = ["code", "type", "status", "message"].map(|name| &error[name]);
    let first = |places: &[&Value]| places.iter().find_map(|place| text(place));
    [
        first(&[error]).or_else(|| first(&nested)).or_else(|| first(&[code])),
        first(&[
            &answer["error_description"],
            &error["message"],
            &answer["errorSummary"],
            &answer["message"],
        ]),
    ]
}

fn detail(description: Option<&str>) -> String {
    description.map(|text| format!(" ({text})")).unwrap_or_default()
}

/// One short line of a server's words.
pub(super) fn plain(text: &str, secrets: &[String]) -> String {
    // Even those that are too short to be known.
    let hidden = secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"));
    let line = redact(&hidden).replace(|c: char| c.is_control() || c.is_whitespace(), " ");
    line.trim().chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::lenient::answer;

    fn refused(error: &str, description: Option<&str>) -> EndpointError {
        EndpointError::Refused { error: error.to_owned(), description: description.map(str::to_owned) }
    }

    #[test]
    fn answers_are_told_apart() {
        let check = |status, body: &str| check(status, &answer(body.as_bytes()), &[]);
        let error = |status, body: &str| check(status, body).expect_err(body);
        assert_eq!(error(400, r#"{"error":"invalid_grant"}"#), refused("invalid_grant", None));
        assert_eq!(
            error(401, r#"{"error":"invalid_client","error_description":"who?","error_uri":"x"}"#),
            refused("invalid_client", Some("who?"))
        );
        assert_eq!(error(200, r#"{"error":"bad_code"}"#), refused("bad_code", None));
        for (status, body) in [(500, r#"{"error":"invalid_grant"}"#), (503, ""), (429, "{}"), (408, "")] {
            assert_eq!(error(status, body), EndpointError::Unreachable(format!("HTTP {status}")));
        }
        for passing in ["temporarily_unavailable", "server_error", "Slow_Down"] {
            let body = serde_json::json!({ "error": passing }).to_string();
            assert_eq!(error(400, &body), EndpointError::Unreachable(passing.to_owned()));
        }
        for (status, body) in [(404, "<html>"), (302, ""), (405, "{}")] {
            assert!(matches!(error(status, body), EndpointError::Odd(_)), "{status} {body}");
        }
        for (status, body) in [(200, "{}"), (201, "not JSON"), (200, r#"{"error":null}"#), (204, "")] {
            assert_eq!(check(status, body), Ok(()));
        }
    }

    #[test]
    fn a_refusal_is_one_however_it_is_worded() {
        for (status, body, name, description) in [
            (
                200,
                "error=bad_verification_code&error_description=It+is+old",
                "bad_verification_code",
                Some("It is old"),
            ),
            (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, "invalid_refresh_token", None),
            (400, r#"{"error":{"code":190,"message":"ended"}}"#, "190", Some("ended")),
            (400, r#"{"error":["invalid_grant"]}"#, "invalid_grant", None),
            (
                400,
                r#"{"errorCode":"E11","errorSummary":"Invalid token provided"}"#,
                "E11",
                Some("Invalid token provided"),
            ),
            (403, r#"{"message":"Forbidden"}"#, "HTTP 403", Some("Forbidden")),
            (400, r#"{"error":""}"#, "HTTP 400", None),
            (400, "no such token", "HTTP 400", None),
            (403, "<html>blocked</html>", "HTTP 403", None),
            (401, "[]", "HTTP 401", None),
            (401, "", "HTTP 401", None),
        ] {
            let error = check(status, &answer(body.as_bytes()), &[]).expect_err(body);
            assert_eq!(error, refused(name, description), "{status} {body}");
        }
    }

    #[test]
    fn only_a_refusal_has_an_error_of_the_server() {
        assert_eq!(refused("invalid_grant", None).error(), Some("invalid_grant"));
        assert_eq!(EndpointError::Unreachable("invalid_grant".to_owned()).error(), None);
    }

    #[test]
    fn words_of_the_server_are_one_short_line_without_secrets() {
        let long = "ä".repeat(2 * LONGEST_TEXT);
        let body =
            serde_json::json!({ "error": "a\u{1b}[31m\r\nb s3cret", "error_description": long }).to_string();
        let error = check(400, &answer(body.as_bytes()), &["s3cret".to_owned()]).unwrap_err();
        assert_eq!(error, refused("a [31m  b [redacted]", Some(&long[..2 * LONGEST_TEXT])));
        assert_eq!(
            refused("invalid_grant", Some("expired")).to_string(),
            "the authorization server refused: invalid_grant (expired)"
        );
    }
}
