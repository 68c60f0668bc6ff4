//! Why an endpoint gave nothing (RFC 6749 section 5.2; RFC 7591 section 3.2.2 and RFC 7009 section 2.2.1 have the
//! same form).
//!
//! Invariant: no text holds a secret, nor more of the server's own words than fit on a line.

use serde_json::Value;

use crate::oauth::outbound::OutboundError;

/// How much of a server's words is kept, in characters.
const LONGEST_TEXT: usize = 300;

/// Why an endpoint of an authorization server gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// The server's own error.
    #[error("the authorization server refused: {error}{}", detail(.description.as_deref()))]
    Refused {
        /// `error`, such as `invalid_grant`.
        error: String,
        /// `error_description`
        description: Option<String>,
    },
    /// Nothing was heard, or that the server cannot answer now: worth trying again.
    #[error("the authorization server cannot answer: {0}")]
    Unreachable(String),
    /// An answer that is none, or an endpoint that must not be asked.
    #[error("{0}")]
    Invalid(String),
    /// The client assertion could not be made; nothing was sent.
    #[error("cannot sign the client assertion: {0}")]
    Unsigned(String),
}

impl TokenError {
    /// The server's `error`, where it gave one: `invalid_grant` means that the grant is spent, `invalid_client` that
    /// the client is not known any more.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Refused { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<OutboundError> for TokenError {
    fn from(error: OutboundError) -> Self {
        if error.is_transient() {
            Self::Unreachable(error.to_string())
        } else {
            Self::Invalid(error.to_string())
        }
    }
}

/// Lets only a success pass. A server may quote what it was sent, so `secrets` are taken out of its words.
///
/// # Errors
///
/// The server's error, whatever its status: some send it with a 200.
pub(in crate::oauth) fn check(status: u16, body: &[u8], secrets: &[String]) -> Result<(), TokenError> {
    if status >= 500 || status == 429 {
        return Err(TokenError::Unreachable(format!("HTTP {status}")));
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        |name: &str| answer[name].as_str().map(|text| plain(text, secrets)).filter(|text| !text.is_empty());
    match text("error") {
        Some(error) => Err(TokenError::Refused { error, description: text("error_description") }),
        None if (200..300).contains(&status) => Ok(()),
        None => Err(TokenError::Invalid(format!(
            "the authorization server answered HTTP {status} without an OAuth error; is this endpoint the right one?"
        ))),
    }
}

fn detail(description: Option<&str>) -> String {
    description.map(|text| format!(" ({text})")).unwrap_or_default()
}

/// One short line of a server's words.
pub(in crate::oauth) fn plain(text: &str, secrets: &[String]) -> String {
    let hidden = secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"));
    let line = hidden.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
    line.trim().chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: &str, description: Option<&str>) -> TokenError {
        TokenError::Refused { error: error.to_owned(), description: description.map(str::to_owned) }
    }

    #[test]
    fn answers_are_told_apart() {
        let error = |status, body: &str| check(status, body.as_bytes(), &[]).expect_err(body);
        assert_eq!(error(400, r#"{"error":"invalid_grant"}"#), refused("invalid_grant", None));
        assert_eq!(
            error(401, r#"{"error":"invalid_client","error_description":"who?","error_uri":"x"}"#),
            refused("invalid_client", Some("who?"))
        );
        assert_eq!(error(200, r#"{"error":"bad_code"}"#), refused("bad_code", None));
        for (status, body) in [(500, r#"{"error":"invalid_grant"}"#), (503, ""), (429, "{}")] {
            assert_eq!(error(status, body), TokenError::Unreachable(format!("HTTP {status}")));
        }
        for (status, body) in [
            (404, "<html>"),
            (400, r#"{"error":{"code":1}}"#),
            (400, r#"{"error":""}"#),
            (302, ""),
            (401, "[]"),
        ] {
            assert!(matches!(error(status, body), TokenError::Invalid(_)), "{status} {body}");
        }
        for (status, body) in [(200, "{}"), (201, "not JSON"), (200, r#"{"error":null}"#), (204, "")] {
            assert_eq!(check(status, body.as_bytes(), &[]), Ok(()));
        }
    }

    #[test]
    fn only_a_refusal_has_an_error_of_the_server() {
        assert_eq!(refused("invalid_grant", None).error(), Some("invalid_grant"));
        assert_eq!(TokenError::Unreachable("invalid_grant".to_owned()).error(), None);
    }

    #[test]
    fn words_of_the_server_are_one_short_line_without_secrets() {
        let long = "ä".repeat(2 * LONGEST_TEXT);
        let body =
            serde_json::json!({ "error": "a\u{1b}[31m\r\nb s3cret", "error_description": long }).to_string();
        let error = check(400, body.as_bytes(), &["s3cret".to_owned()]).unwrap_err();
        assert_eq!(error, refused("a [31m  b [redacted]", Some(&long[..2 * LONGEST_TEXT])));
        assert_eq!(
            refused("invalid_grant", Some("expired")).to_string(),
            "the authorization server refused: invalid_grant (expired)"
        );
    }
}
