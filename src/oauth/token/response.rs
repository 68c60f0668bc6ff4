//! A token response (RFC 6749 section 5.1), read as servers write it: lenient in form, strict in what is used.

use std::time::SystemTime;

use serde_json::Value;

use crate::{
    oauth::{
        endpoint::plain,
        lenient::{names, seconds, text},
        scopes::Scopes,
    },
    secret::SecretString,
};

/// The types that need more than a header with the token (RFC 9449, RFC 6749 section 7.1, RFC 8693 section 2.2.1).
/// Other names than Bearer, such as Slack's `user`, are of tokens that are used as such.
const UNUSABLE: [&str; 4] = ["dpop", "pop", "mac", "n_a"];

/// The tokens that a token endpoint issued.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// The access token, a Bearer token (RFC 6750).
    pub access: SecretString,
    /// The refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token expires, if the server says so.
    pub expires_at: Option<SystemTime>,
    /// The granted scopes, if the server names them or some were requested.
    pub scopes: Option<Scopes>,
}

/// The tokens in the answer to a request that was sent at `asked` for the scopes `requested`. An answer without scopes
/// grants those (RFC 6749 section 5.1).
///
/// # Errors
///
/// Says why the answer holds no usable token; shows nothing of it.
pub(in crate::oauth) fn read(
    answer: &Value,
    asked: SystemTime,
    requested: Option<&Scopes>,
) -> Result<Tokens, String> {
    let access = text(&answer["access_token"]).ok_or("it has no access_token")?;
    // RFC 6749 appendix A.12; another could not be sent in a header.
    if !access.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err("its access_token has characters that no token may".to_owned());
    }
    let kind = text(&answer["token_type"]).unwrap_or_default();
    if UNUSABLE.iter().any(|unusable| kind.trim().eq_ignore_ascii_case(unusable)) {
        return Err(format!("its token_type is \"{}\"; mcpo can use Bearer alone", plain(&kind, &[])));
    }
    let granted = Scopes::from_iter(names(&answer["scope"]));
    Ok(Tokens {
        access: access.into(),
        refresh: text(&answer["refresh_token"]).map(SecretString::from),
        expires_at: seconds(&answer["expires_in"]).and_then(|time| asked.checked_add(time)),
        scopes: Some(granted).filter(|granted| !granted.is_empty()).or_else(|| requested.cloned()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;
    use crate::secret::ExposeSecret as _;

    /// With `answer` added to an access token, asked in 1970 for the scope `asked`.
    fn tokens(answer: &Value) -> Result<Tokens, String> {
        let mut whole = json!({ "access_token": "at" });
        whole.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        read(&whole, UNIX_EPOCH, Some(&Scopes::parse("asked")))
    }

    #[test]
    fn a_lifetime_begins_when_the_token_was_asked_for() {
        let expires = |form: Value| tokens(&json!({ "expires_in": form })).unwrap().expires_at;
        assert_eq!(expires(json!("3600")), Some(UNIX_EPOCH + Duration::from_secs(3600)));
        assert_eq!(expires(json!(u64::MAX)), None);
        assert_eq!(expires(json!(-1)), None);
        assert_eq!(tokens(&json!({})).unwrap().expires_at, None);
    }

    #[test]
    fn scopes_are_those_granted_or_else_those_asked_for() {
        let cases = [
            (json!("b a b"), "b a"),
            (json!(["a", "b"]), "a b"),
            (json!(["a b", null, ""]), "a b"),
            (json!("repo,gist"), "repo gist"),
            (json!(""), "asked"),
            (json!([]), "asked"),
            (json!(null), "asked"),
        ];
        for (form, scopes) in cases {
            let read = tokens(&json!({ "scope": form })).unwrap().scopes;
            assert_eq!(read, Some(Scopes::parse(scopes)), "{form}");
        }
    }

    #[test]
    fn tokens_that_need_a_proof_are_not_taken() {
        for form in
            [json!("Bearer"), json!("BEARER"), json!("user"), json!(["bearer"]), json!(""), json!(null)]
        {
            assert!(tokens(&json!({ "token_type": form })).is_ok(), "{form}");
        }
        for form in ["DPoP", "mac", "N_A", "PoP"] {
            let error = tokens(&json!({ "token_type": form })).unwrap_err();
            assert!(error.contains(form) && error.contains("Bearer"), "{error}");
        }
    }

    #[test]
    fn a_token_is_text_that_a_header_can_hold() {
        for form in [json!(""), json!(null), json!({}), json!("s3cret\n"), json!("s3cretä")] {
            let error = tokens(&json!({ "access_token": form })).unwrap_err();
            assert!(error.contains("access_token") && !error.contains("s3cret"), "{error}");
        }
        assert!(read(&json!("text"), UNIX_EPOCH, None).is_err());
        assert!(read(&json!(["at"]), UNIX_EPOCH, None).is_err());
        let refresh = |form| tokens(&json!({ "refresh_token": form })).unwrap().refresh;
        assert_eq!(refresh(json!("rt")).unwrap().expose_secret(), "rt");
        assert_eq!(refresh(json!(12)).unwrap().expose_secret(), "12");
        assert!([json!(""), json!(null), json!(false)].into_iter().all(|form| refresh(form).is_none()));
    }
}
