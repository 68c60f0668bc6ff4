//! Sets of scopes (RFC 6749 section 3.3).
//!
//! Invariant: every element is a scope token of that section, so that a set can be written into a request, a log or
//! a message as it is.

use std::fmt;

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};

/// Scope tokens, each once, in the order of their first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(IndexSet<String>);

impl Scopes {
    /// Reads scopes with whitespace between them; what is no scope token is left out, as no server can have meant it.
    pub fn parse(text: &str) -> Self {
        Self(
            text.split_whitespace().filter(|token| token.bytes().all(is_nqchar)).map(str::to_owned).collect(),
        )
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `scope` is one of them; scopes are case-sensitive.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether all of `wanted` are among them.
    pub fn covers(&self, wanted: &Self) -> bool {
        wanted.0.is_subset(&self.0)
    }

    /// These and then those of `other` that are new.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }
}

/// `NQCHAR` of RFC 6749 appendix A: printable ASCII without space, quote and backslash.
fn is_nqchar(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Self(scopes.into_iter().flat_map(|scope| Self::parse(&scope).0).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_token_once_in_order() {
        let scopes = Scopes::parse("  mcp:write\tmcp:read mcp:write\n");
        assert_eq!(scopes.to_string(), "mcp:write mcp:read");
        assert!(scopes.contains("mcp:read") && !scopes.contains("MCP:READ"));
        assert!(Scopes::parse(" \t").is_empty());
    }

    #[test]
    fn leaves_out_what_is_no_token() {
        assert_eq!(Scopes::parse("a\"b ok \u{7} \u{e9} c\\d !~").to_string(), "ok !~");
        let listed: Scopes = ["a b", "", "a", "c\r\nd"].map(str::to_owned).into_iter().collect();
        assert_eq!(listed.to_string(), "a b c d");
    }

    #[test]
    fn compares_as_sets() {
        let (some, all) = (Scopes::parse("a b"), Scopes::parse("c b a"));
        assert!(all.covers(&some) && !some.covers(&all) && some.covers(&Scopes::default()));
        assert_eq!(some.union(&all).to_string(), "a b c");
        assert_eq!(some, Scopes::parse("b a"));
    }

    #[test]
    fn is_kept_as_one_string() {
        let text = serde_json::to_string(&Scopes::parse("a b")).unwrap();
        assert_eq!(text, r#""a b""#);
        assert_eq!(serde_json::from_str::<Scopes>(&text).unwrap(), Scopes::parse("a b"));
    }
}
