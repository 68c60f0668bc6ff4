//! The caller's headers that travel on with a call.
//!
//! Invariant: no value is printed, and two callers share an identity only if all headers that identify a caller are
//! equal.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::secret::{KnownSecrets, SHORTEST, is_telling};

/// Headers that name a call. They travel with it and are no part of the caller's identity.
const OF_A_CALL: [&str; 2] = ["x-correlation-id", "x-request-id"];

/// Headers to send with one call; there is at least one.
#[derive(Debug, Clone)]
pub struct Forwarded {
    /// All, values marked sensitive.
    headers: HeaderMap,
    identity: Option<Identity>,
    /// The secrets among them, known for as long as they travel.
    _known: KnownSecrets,
}

/// The identity of a caller: a digest of the forwarded headers that identify one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity([u8; 32]);

impl Forwarded {
    /// `None` if there are no headers.
    pub fn new(mut headers: HeaderMap) -> Option<Self> {
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        let identity = Identity::of(&headers);
        let secrets = headers.iter().filter(|(name, _)| is_telling(name.as_str()));
        let known = KnownSecrets::of(secrets.map(|(_, value)| credential(value.as_bytes())));
        (!headers.is_empty()).then_some(Self { headers, identity, _known: known })
    }

    /// The caller's identity; `None` if no header identifies the caller.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// All headers, for one request.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Those that identify the caller, for every request of a connection.
    pub(crate) fn of_the_caller(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers().filter(|(name, _)| tells_of_a_caller(name))
    }

    /// Whether it brings the caller's own credential.
    pub(crate) fn authorizes(&self) -> bool {
        self.headers.contains_key(http::header::AUTHORIZATION)
    }
}

impl Identity {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut names: Vec<&HeaderName> = headers.keys().filter(|name| tells_of_a_caller(name)).collect();
        names.sort_unstable_by_key(|name| name.as_str());
        let mut digest = Sha256::new();
        for name in &names {
            // No name holds a zero and no value a line break, so no two lists have one text.
            digest.update([name.as_str().as_bytes(), b"\0"].concat());
            for value in headers.get_all(*name) {
                digest.update([value.as_bytes(), b"\n"].concat());
            }
        }
        (!names.is_empty()).then(|| Self(digest.finalize().into()))
    }
}

/// A credential without its scheme (RFC 9110 section 11.4).
fn credential(value: &[u8]) -> &[u8] {
    let space = value.iter().position(|byte| *byte == b' ');
    space.map(|space| &value[space + 1..]).filter(|credential| credential.len() >= SHORTEST).unwrap_or(value)
}

fn tells_of_a_caller(name: &HeaderName) -> bool {
    !OF_A_CALL.contains(&name.as_str())
}

/// An object of values by name. Several headers of one name are one list (RFC 9110 section 5.3).
impl Serialize for Forwarded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.headers.keys().map(|name| {
            let values: Vec<String> = self.headers.get_all(name).iter().map(text).collect();
            (name.as_str(), values.join(", "))
        }))
    }
}

/// What is no UTF-8 is read as ISO-8859-1, which header values once were (RFC 9110 section 5.5).
fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(headers: &[(&'static str, &[u8])]) -> Forwarded {
        let header = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        let mut map = HeaderMap::new();
        map.extend(headers.iter().map(header));
        Forwarded::new(map).unwrap()
    }

    #[test]
    fn one_caller_has_one_identity() {
        let of = |headers: &[(&'static str, &[u8])]| forwarded(headers).identity();
        let ada = of(&[("x-user", b"ada"), ("x-tenant", b"1")]);
        assert!(ada.is_some());
        assert_eq!(ada, of(&[("x-tenant", b"1"), ("x-request-id", b"7"), ("x-user", b"ada")]));
        for other in [
            &[("x-user", &b"ada"[..])][..],
            &[("x-user", b"ada"), ("x-tenant", b"2")],
            &[("x-user", b"1"), ("x-tenant", b"ada")],
            &[("x-user", b"ada"), ("x-tenant", b"1"), ("x-tenant", b"")],
            &[("x-user", b"Ada"), ("x-tenant", b"1")],
        ] {
            assert_ne!(ada, of(other), "{other:?}");
        }
        assert_ne!(of(&[("x-a", b"1"), ("x-a", b"2")]), of(&[("x-a", b"2"), ("x-a", b"1")]));
        assert_eq!(of(&[("x-request-id", b"7")]), None);
    }

    #[test]
    fn meta_holds_every_value() {
        let forwarded =
            forwarded(&[("x-user", "Zoë".as_bytes()), ("x-a", b"1"), ("x-a", b"2"), ("x-old", b"\xe9")]);
        let json = serde_json::to_value(&forwarded).unwrap();
        assert_eq!(json, serde_json::json!({ "x-user": "Zoë", "x-a": "1, 2", "x-old": "é" }));
    }

    #[test]
    fn no_value_is_printed() {
        assert!(!format!("{:?}", forwarded(&[("x-user", b"ada")])).contains("ada"));
        assert!(Forwarded::new(HeaderMap::new()).is_none());
    }
}
