//! The `Authorization` header: Bearer (RFC 6750), or Basic (RFC 7617) with any user.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

/// The credential of a request.
#[derive(Debug, PartialEq)]
pub enum AuthorizationHeader<'a> {
    /// A key or a token.
    Bearer(&'a [u8]),
    /// A key, as the password.
    Password(Cow<'a, [u8]>),
    /// `Basic` with a value that does not decode.
    BadBasic,
    /// Another scheme.
    Unknown,
    /// None, or several that contradict each other.
    Missing,
}

impl<'a> AuthorizationHeader<'a> {
    /// Reads the values of all `Authorization` headers.
    pub fn of(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (Some(one), None) => Self::parse(one),
            _ => Self::Missing,
        }
    }

    fn parse(value: &'a [u8]) -> Self {
        let space = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(space);
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") && !rest.is_empty() {
            Self::Bearer(rest)
        } else if scheme.eq_ignore_ascii_case(b"basic") && !rest.is_empty() {
            password(rest).map_or(Self::BadBasic, |password| Self::Password(password.into()))
        } else if value.is_empty() {
            Self::Missing
        } else {
            Self::Unknown
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
            ("Bearer sekret", AuthorizationHeader::Bearer(b"sekret")),
            ("bearer sekret", AuthorizationHeader::Bearer(b"sekret")),
            ("BEARER  sekret ", AuthorizationHeader::Bearer(b"sekret")),
            ("Basic dTpzZWtyZXQ=", AuthorizationHeader::Password(b"sekret".into())),
            ("basic OnNla3JldA==", AuthorizationHeader::Password(b"sekret".into())),
            ("Basic dTpzOnQ=", AuthorizationHeader::Password(b"s:t".into())),
            ("Basic !!!", AuthorizationHeader::BadBasic),
            ("Basic c2VrcmV0", AuthorizationHeader::BadBasic),
            ("Bearer", AuthorizationHeader::Unknown),
            ("Bearersekret", AuthorizationHeader::Unknown),
            ("Digest x", AuthorizationHeader::Unknown),
            ("", AuthorizationHeader::Missing),
        ] {
            assert_eq!(AuthorizationHeader::parse(value.as_bytes()), credential, "{value}");
        }
    }
}
