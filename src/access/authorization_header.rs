//! The `Authorization` header: Bearer (RFC 6750), or Basic (RFC 7617) with any user.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

/// The `Authorization` headers of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AuthorizationHeader<'a> {
    /// None.
    Missing,
    /// The value of the only one.
    One(&'a [u8]),
    /// Several, which contradict each other.
    Several,
}

/// What a header holds.
#[derive(Debug, PartialEq)]
pub(super) enum PresentedCredential<'a> {
    /// A key or a token.
    Bearer(&'a [u8]),
    /// A key, as the password.
    Password(Cow<'a, [u8]>),
    /// `Basic` with a value that does not decode.
    BadBasic,
    /// Another scheme.
    Unknown,
    /// None.
    Missing,
}

impl<'a> AuthorizationHeader<'a> {
    /// Takes the values of all `Authorization` headers.
    pub fn of(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Missing,
            (Some(one), None) => Self::One(one),
            _ => Self::Several,
        }
    }

    /// Returns the credential in it.
    pub(super) fn credential(self) -> PresentedCredential<'a> {
        let Self::One(value) = self else { return PresentedCredential::Missing };
        let space = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(space);
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") && !rest.is_empty() {
            PresentedCredential::Bearer(rest)
        } else if scheme.eq_ignore_ascii_case(b"basic") && !rest.is_empty() {
            password(rest).map_or(PresentedCredential::BadBasic, |password| {
                PresentedCredential::Password(password.into())
            })
        } else if value.is_empty() {
            PresentedCredential::Missing
        } else {
            PresentedCredential::Unknown
        }
    }
}

fn password(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = BASE64_STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded.split_off(colon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_is_read_in_any_case() {
        for (value, credential) in [
            ("Bearer sekret", PresentedCredential::Bearer(b"sekret")),
            ("bearer sekret", PresentedCredential::Bearer(b"sekret")),
            ("BEARER  sekret ", PresentedCredential::Bearer(b"sekret")),
            ("Basic dTpzZWtyZXQ=", PresentedCredential::Password(b"sekret".into())),
            ("basic OnNla3JldA==", PresentedCredential::Password(b"sekret".into())),
            ("Basic dTpzOnQ=", PresentedCredential::Password(b"s:t".into())),
            ("Basic !!!", PresentedCredential::BadBasic),
            ("Basic c2VrcmV0", PresentedCredential::BadBasic),
            ("Bearer", PresentedCredential::Unknown),
            ("Bearersekret", PresentedCredential::Unknown),
            ("Digest x", PresentedCredential::Unknown),
            ("", PresentedCredential::Missing),
        ] {
            assert_eq!(AuthorizationHeader::One(value.as_bytes()).credential(), credential, "{value}");
        }
    }
}
